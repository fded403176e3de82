"""Authentication and authorization: tokens, access entries, RBAC, and the verification by STS."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from rehearsal.kubernetes import auth, rbac
from rehearsal.kubernetes.registry import NAMESPACES, Registry
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Store

Json = dict[str, Any]
ROLE = "arn:aws:iam::123456789012:role/teal/qa"
SESSION = "arn:aws:sts::123456789012:assumed-role/qa/kim"
REGION = "ap-northeast-2"


def token(sts: Any, cluster: str = "staging", seconds: int = 60) -> str:
    """Return a token like that of `aws eks get-token`."""

    def name_the_cluster(request: Any, **_: Any) -> None:
        request.headers["x-k8s-aws-id"] = cluster

    event = "before-sign.sts.GetCallerIdentity"
    sts.meta.events.register_first(event, name_the_cluster)
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=seconds, HttpMethod="GET")
    sts.meta.events.unregister(event, name_the_cluster)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).rstrip(b"=").decode()


def client(key: str = "AKIAEXAMPLE", secret: str = "secret", session: str | None = None) -> Any:
    return boto3.client(
        "sts",
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=session,
    )


def cluster(**more: Any) -> Json:
    return {"name": "staging", "admins": [], "entries": []} | more


def entry(**more: Any) -> Json:
    user = "arn:aws:sts::123456789012:assumed-role/qa/{{SessionName}}"
    return {"principal": ROLE, "username": user, "groups": [], "policies": []} | more


def test_token_is_valid_for_15_minutes() -> None:
    made = token(client())
    now = datetime.datetime.now(datetime.UTC)
    assert "Action=GetCallerIdentity" in (auth.presigned(made) or "")
    assert auth.presigned(made, now + datetime.timedelta(minutes=14))
    assert auth.presigned(made, now + datetime.timedelta(minutes=16)) is None
    assert auth.presigned(made, now - datetime.timedelta(minutes=10)) is None, "from the future"
    assert auth.presigned(token(client(), seconds=3600)) is None, "longer than EKS allows"


def test_invalid_tokens_are_refused() -> None:
    plain = client().generate_presigned_url("get_caller_identity", HttpMethod="GET", ExpiresIn=60)
    unbound = "k8s-aws-v1." + base64.urlsafe_b64encode(plain.encode()).decode()
    other = client().generate_presigned_url("get_session_token", HttpMethod="GET", ExpiresIn=60)
    wrong = "k8s-aws-v1." + base64.urlsafe_b64encode(other.encode()).decode()
    for given in ("", "abc", "k8s-aws-v1.", "k8s-aws-v1.%%%", unbound, wrong):
        assert auth.presigned(given) is None


def test_identities_follow_access_entries() -> None:
    assert auth.identity(SESSION, cluster()) is None
    policies = [{"name": "AmazonEKSViewPolicy", "namespaces": ["assistant"]}]
    found = auth.identity(SESSION, cluster(entries=[entry(groups=["qa"], policies=policies)]))
    assert found == rbac.Identity(
        SESSION, ("qa", "system:authenticated"), (("AmazonEKSViewPolicy", ("assistant",)),)
    )
    creator = auth.identity(SESSION, cluster(admins=[SESSION.replace("kim", "lee")]))
    assert creator and rbac.MASTERS in creator.groups, "another session of the role that created the cluster"
    assert auth.identity(SESSION.replace("/qa/", "/qa2/"), cluster(entries=[entry()])) is None


class Sts:
    """A fake STS that counts its calls."""

    def __init__(self, arn: str | None) -> None:
        self.arn, self.asked = arn, 0

    async def caller(self, url: str, cluster: str) -> str | None:
        self.asked += 1
        return self.arn


def test_callers_are_cached_and_entries_apply_immediately() -> None:
    sts = Sts(SESSION)
    authenticator = auth.Authenticator(sts)  # type: ignore[arg-type]
    bearer = f"Bearer {token(client())}"
    known = cluster(entries=[entry()])
    assert asyncio.run(authenticator.identify(bearer, known))
    assert asyncio.run(authenticator.identify(bearer, known))
    assert sts.asked == 1
    assert asyncio.run(authenticator.identify(bearer, cluster())) is None, "its access entry no longer exists"
    assert asyncio.run(authenticator.identify(bearer, known | {"name": "production"})) and sts.asked == 2
    assert asyncio.run(authenticator.identify(f"Bearer {authenticator.admin_token}", cluster())) == auth.ADMIN
    nobody = auth.Authenticator(Sts(None))  # type: ignore[arg-type]
    assert asyncio.run(nobody.identify(bearer, known)) is None


@pytest.fixture
def store() -> Store:
    registry = Registry(Store())
    for name in ("x", "y"):
        registry.create(NAMESPACES, {"metadata": {"name": name}})
    for resource, obj in rbac.builtin():
        registry.create(resource, obj)
    roll_back = {
        "metadata": {"name": "roll-back"},
        "rules": [
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
            {
                "apiGroups": ["apps"],
                "resources": ["deployments/scale"],
                "verbs": ["patch"],
                "resourceNames": ["blue"],
            },
        ],
    }
    registry.create(BY_NAME["roles"], roll_back, "x")
    for name, role in (
        ("qa", {"kind": "Role", "name": "roll-back"}),
        ("view", {"kind": "ClusterRole", "name": "view"}),
    ):
        binding = {
            "metadata": {"name": name},
            "roleRef": role,
            "subjects": [{"kind": "Group", "name": name}, {"kind": "User", "name": f"user-{name}"}],
        }
        registry.create(BY_NAME["rolebindings"], binding, "x")
    return registry.store


@pytest.mark.parametrize(
    ("identity", "action", "allowed"),
    [
        (rbac.Identity("u", ("qa",)), ("get", "apps", "deployments", "x", "blue"), True),
        (rbac.Identity("user-qa"), ("get", "apps", "deployments", "x", "blue"), True),
        (rbac.Identity("u", ("qa",)), ("get", "apps", "deployments", "y", "blue"), False),
        (rbac.Identity("u", ("qa",)), ("get", "", "pods", "x", "p"), False),
        (rbac.Identity("u", ("qa",)), ("patch", "apps", "deployments", "x", "blue"), False),
        (rbac.Identity("u", ("qa",)), ("patch", "apps", "deployments/scale", "x", "blue"), True),
        (rbac.Identity("u", ("qa",)), ("patch", "apps", "deployments/scale", "x", "green"), False),
        (rbac.Identity("u", ("view",)), ("list", "", "pods", "x", ""), True),
        (rbac.Identity("u", ("view",)), ("get", "", "pods/log", "x", "p"), True),
        (rbac.Identity("u", ("view",)), ("list", "", "secrets", "x", ""), False),
        (rbac.Identity("u", (rbac.MASTERS,)), ("delete", "", "nodes", "", "n"), True),
        (
            rbac.Identity("u", (), (("AmazonEKSClusterAdminPolicy", None),)),
            ("delete", "", "nodes", "", "n"),
            True,
        ),
        (
            rbac.Identity("u", (), (("AmazonEKSAdminPolicy", ("x",)),)),
            ("create", "", "secrets", "x", ""),
            True,
        ),
        (
            rbac.Identity("u", (), (("AmazonEKSAdminPolicy", ("x",)),)),
            ("create", "", "secrets", "y", ""),
            False,
        ),
        (
            rbac.Identity("u", (), (("AmazonEKSViewPolicy", None),)),
            ("watch", "apps", "deployments", "y", ""),
            True,
        ),
        (
            rbac.Identity("u", (), (("AmazonEKSViewPolicy", None),)),
            ("patch", "apps", "deployments", "y", "d"),
            False,
        ),
        (rbac.Identity("u"), ("get", "", "pods", "x", "p"), False),
    ],
)
def test_rules(store: Store, identity: rbac.Identity, action: tuple[str, ...], allowed: bool) -> None:
    assert rbac.allowed(store, identity, rbac.Action(*action)) is allowed


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def assume(aws: None) -> Any:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}],
    }
    boto3.client("iam").create_role(RoleName="qa", Path="/teal/", AssumeRolePolicyDocument=json.dumps(trust))
    got = client().assume_role(RoleArn=ROLE, RoleSessionName="kim")["Credentials"]
    return got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]


def whose(given: str, named: str = "staging") -> str:
    from rehearsal import moto_clusters

    url = auth.presigned(given)
    assert url
    return moto_clusters.caller({"url": url, "cluster": named}, None)["arn"]


def test_sts_verifies_tokens_for_a_cluster(aws: None) -> None:
    from rehearsal.http_errors import HttpError
    from rehearsal.moto_clusters import ADMINISTRATOR

    key, secret, session = assume(aws)
    assert whose(token(client(key, secret, session))) == SESSION
    assert whose(token(client(*ADMINISTRATOR))).endswith(":user/moto")
    for forged, named in (
        (token(client(key, "another secret", session)), "staging"),
        (token(client(key, secret, session), "production"), "staging"),
        (token(client(key, secret, "another session")), "staging"),
        (token(client(*ADMINISTRATOR), "production"), "staging"),
    ):
        with pytest.raises(HttpError) as refused:
            whose(forged, named)
        assert refused.value.status == 403


def test_administrator_has_the_key_of_env(tmp_path: Path) -> None:
    from rehearsal import credentials, moto_clusters

    keys = credentials.variables(tmp_path, [])
    assert (keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]) == moto_clusters.ADMINISTRATOR
