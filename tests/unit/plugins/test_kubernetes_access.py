"""The ways to reach Kubernetes: the signed token, the API client and the lookup."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.teal.platform.plugins.lookup import kubernetes_auth
from ansible_collections.teal.platform.plugins.module_utils import kubernetes_access as access
from moto.eks.models import eks_backends

REGION = "ap-northeast-2"


class Module:
    """As much of an AnsibleAWSModule as api_client uses."""

    def __init__(self, tmpdir: Path, **params: Any) -> None:
        self.params = {"cluster": None, "kubeconfig": None, "context": None, **params}
        self.tmpdir = str(tmpdir)

    def client(self, service: str) -> Any:
        return boto3.client(service, REGION)

    def fail_json(self, msg: str, **_: Any) -> None:
        raise SystemExit(msg)


@pytest.fixture
def cluster(aws: None) -> dict:
    """An EKS cluster, as describe-cluster returns it, with a CA (moto's is made of random letters)."""
    eks = boto3.client("eks", REGION)
    vpc = {"subnetIds": ["subnet-1", "subnet-2"]}
    role = "arn:aws:iam::123456789012:role/cluster"
    eks.create_cluster(name="assistant-staging", roleArn=role, resourcesVpcConfig=vpc)
    made = eks_backends["123456789012"][REGION].clusters["assistant-staging"]
    made.certificate_authority = {"data": base64.b64encode(b"the CA").decode()}
    return eks.describe_cluster(name="assistant-staging")["cluster"]


def decode(token: str) -> dict[str, list[str]]:
    payload = token.removeprefix("k8s-aws-v1.")
    url = urlsplit(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode())
    return {"host": [url.netloc], **parse_qs(url.query)}


def test_a_token_is_a_presigned_request_bound_to_the_cluster(aws: None) -> None:
    sts = boto3.client("sts", REGION)
    request = decode(access.sign_token(sts, "assistant-staging"))
    assert request["Action"] == ["GetCallerIdentity"]
    assert request["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert request["host"] == [f"sts.{REGION}.amazonaws.com"]
    assert "=" not in access.sign_token(sts, "assistant-staging")


def test_signing_leaves_nothing_behind_in_the_client(aws: None) -> None:
    sts = boto3.client("sts", REGION)
    one, other = (decode(access.sign_token(sts, name)) for name in ("one", "other"))
    assert one["X-Amz-Signature"] != other["X-Amz-Signature"]
    assert "x-k8s-aws-id" not in sts.generate_presigned_url("get_caller_identity")


def test_the_token_does_not_show_when_access_is_printed() -> None:
    assert "secret" not in repr(access.Access(host="https://x", ca="ca", token="secret"))


def test_a_missing_cluster_is_named_with_what_to_do(aws: None) -> None:
    with pytest.raises(
        access.KubernetesAccessError, match=r"no EKS cluster 'nowhere' in ap-northeast-2.*first"
    ):
        access.eks_access(boto3.client("eks", REGION), boto3.client("sts", REGION), "nowhere")


def test_the_client_of_a_module_goes_to_the_clusters_endpoint(cluster: dict, tmp_path: Path) -> None:
    client = access.api_client(Module(tmp_path, cluster="assistant-staging"))
    assert client.configuration.host == cluster["endpoint"]
    assert client.configuration.api_key["authorization"].startswith("Bearer k8s-aws-v1.")
    assert Path(client.configuration.ssl_ca_cert).read_text() == "the CA"


def test_the_client_signs_anew_when_its_token_is_old(
    cluster: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tokens = SimpleNamespace(now=0.0), iter(["first", "second"])
    monkeypatch.setattr(access.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(access, "sign_token", lambda sts, name: next(tokens))
    configuration = access.api_client(Module(tmp_path, cluster="assistant-staging")).configuration
    clock.now = 599.0
    assert configuration.get_api_key_with_prefix("authorization") == "Bearer first"
    clock.now = 601.0
    assert configuration.get_api_key_with_prefix("authorization") == "Bearer second"


def test_a_kubeconfig_wins_and_its_context_must_exist(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
        "clusters: [{name: kind, cluster: {server: 'https://127.0.0.1:6443'}}]\n"
        "users: [{name: me, user: {token: abc}}]\n"
        "contexts: [{name: here, context: {cluster: kind, user: me}}]\n"
    )
    client = access.api_client(Module(tmp_path, cluster="x", kubeconfig=str(kubeconfig), context=""))
    assert client.configuration.host == "https://127.0.0.1:6443"
    with pytest.raises(SystemExit, match=r"context elsewhere.*can't be used"):
        access.api_client(Module(tmp_path, kubeconfig=str(kubeconfig), context="elsewhere"))


def test_neither_cluster_nor_kubeconfig_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="Either cluster"):
        access.api_client(Module(tmp_path))


def lookup(*terms: str, **options: Any) -> list[dict]:
    from ansible.plugins.loader import lookup_loader

    plugin = lookup_loader.get("teal.platform.kubernetes_auth")
    return plugin.run(list(terms), {}, **options)


def test_the_lookup_returns_arguments_of_kubernetes_core(
    cluster: dict, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(kubernetes_auth.constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    [one], [two] = (lookup("assistant-staging", region=REGION) for _ in range(2))
    assert one["host"] == cluster["endpoint"]
    assert one["api_key"].startswith("k8s-aws-v1.")
    assert one["ca_cert"] == two["ca_cert"]
    assert [path.name for path in tmp_path.iterdir()] == [Path(one["ca_cert"]).name]


def test_the_lookup_hands_on_a_kubeconfig() -> None:
    assert lookup("any", kubeconfig="/k", context="c") == [{"kubeconfig": "/k", "context": "c"}]
    assert lookup("any", kubeconfig="/k", context="") == [{"kubeconfig": "/k"}]


def test_the_lookup_wants_one_cluster_that_exists(aws: None) -> None:
    with pytest.raises(AnsibleLookupError, match="one EKS cluster"):
        lookup()
    with pytest.raises(AnsibleLookupError, match="no EKS cluster 'nowhere'"):
        lookup("nowhere", region=REGION)
