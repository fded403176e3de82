"""The ways to reach Kubernetes: the signed token, the API client and the lookup."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
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
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[3]
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
    """An EKS cluster, as describe-cluster returns it."""
    return make_cluster(boto3.client("eks", REGION))


def make_cluster(eks: Any) -> dict:
    """Make a cluster with a CA (moto's is made of random letters)."""
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


def test_signing_does_not_change_the_client(aws: None) -> None:
    sts = boto3.client("sts", REGION)
    one, other = (decode(access.sign_token(sts, name)) for name in ("one", "other"))
    assert one["X-Amz-Signature"] != other["X-Amz-Signature"]
    assert "x-k8s-aws-id" not in sts.generate_presigned_url("get_caller_identity")


def test_printed_access_hides_the_token() -> None:
    assert "secret" not in repr(access.Access(host="https://x", ca="ca", token="secret"))


def test_missing_cluster_is_reported_with_the_next_command(aws: None) -> None:
    with pytest.raises(
        access.KubernetesAccessError, match=r"no EKS cluster 'nowhere' in ap-northeast-2.*first"
    ):
        access.eks_access(boto3.client("eks", REGION), boto3.client("sts", REGION), "nowhere")


def test_client_of_a_module_uses_the_endpoint_of_the_cluster(cluster: dict, tmp_path: Path) -> None:
    client = access.api_client(Module(tmp_path, cluster="assistant-staging"))
    assert client.configuration.host == cluster["endpoint"]
    assert client.configuration.api_key["authorization"].startswith("Bearer k8s-aws-v1.")
    assert Path(client.configuration.ssl_ca_cert).read_text() == "the CA"


def test_client_renews_an_old_token(cluster: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tokens = SimpleNamespace(now=0.0), iter(["first", "second"])
    monkeypatch.setattr(access.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(access, "sign_token", lambda sts, name: next(tokens))
    configuration = access.api_client(Module(tmp_path, cluster="assistant-staging")).configuration
    clock.now = 599.0
    assert configuration.get_api_key_with_prefix("authorization") == "Bearer first"
    clock.now = 601.0
    assert configuration.get_api_key_with_prefix("authorization") == "Bearer second"


def test_kubeconfig_has_precedence_and_its_context_must_exist(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
        "clusters: [{name: kind, cluster: {server: 'https://127.0.0.1:6443'}}]\n"
        "users: [{name: me, user: {token: abc}}]\n"
        "contexts: [{name: here, context: {cluster: kind, user: me}}]\n"
    )
    client = access.api_client(Module(tmp_path, cluster="x", kubeconfig=str(kubeconfig), context=""))
    assert client.configuration.host == "https://127.0.0.1:6443"
    with pytest.raises(SystemExit, match=r"context elsewhere.*cannot be used"):
        access.api_client(Module(tmp_path, kubeconfig=str(kubeconfig), context="elsewhere"))


def test_neither_cluster_nor_kubeconfig_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="Set cluster"):
        access.api_client(Module(tmp_path))


def lookup(*terms: str, **options: Any) -> list[dict]:
    from ansible.plugins.loader import lookup_loader

    plugin = lookup_loader.get("teal.platform.kubernetes_auth")
    return plugin.run(list(terms), {}, **options)


def test_the_lookup_returns_a_kubeconfig_that_only_we_can_read(
    cluster: dict, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(kubernetes_auth.constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    [arguments] = lookup("assistant-staging", region=REGION)
    assert arguments.keys() == {"kubeconfig"}
    file = Path(arguments["kubeconfig"])
    assert file.parent == tmp_path and file.stat().st_mode & 0o777 == 0o600
    client = access.api_client(Module(tmp_path, kubeconfig=str(file), context=""))
    assert client.configuration.host == cluster["endpoint"].rstrip("/")
    [bearer] = client.configuration.api_key.values()
    assert bearer.startswith("Bearer k8s-aws-v1.")
    assert Path(client.configuration.ssl_ca_cert).read_text() == "the CA"


def test_failed_task_does_not_show_the_token(tmp_path: Path) -> None:
    """kubernetes.core prints all of its arguments when it ends by an error that it didn't expect."""
    auth = f"{{{{ lookup('teal.platform.kubernetes_auth', 'assistant-staging', region='{REGION}') }}}}"
    play = {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {"group/kubernetes.core.k8s": auth},
        "tasks": [{"kubernetes.core.k8s": {"kind": "Namespace", "name": "x", "host": "https://127.0.0.1:1"}}],
    }
    hosts = {name: {"ansible_connection": name} for name in ("local", "teal.platform.warm")}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        make_cluster(boto3.client("eks", REGION, endpoint_url=url, **keys))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-vvvv", "-i", "hosts.json", "play.yml"],
            cwd=tmp_path,
            env={
                **os.environ,
                **{name.upper(): value for name, value in keys.items()},
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "AWS_ENDPOINT_URL": url,
            },
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        server.stop()
    text = done.stdout + done.stderr
    assert text.count("fatal: ") == 2, text[-3000:]
    assert "module_args:" in text and "kubeconfig-" in text
    assert "k8s-aws-v1." not in text


def test_lookup_returns_a_given_kubeconfig() -> None:
    assert lookup("any", kubeconfig="/k", context="c") == [{"kubeconfig": "/k", "context": "c"}]
    assert lookup("any", kubeconfig="/k", context="") == [{"kubeconfig": "/k"}]


def test_lookup_requires_one_existing_cluster(aws: None) -> None:
    with pytest.raises(AnsibleLookupError, match="one EKS cluster"):
        lookup()
    with pytest.raises(AnsibleLookupError, match="no EKS cluster 'nowhere'"):
        lookup("nowhere", region=REGION)
