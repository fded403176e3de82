"""docs/first-mistakes.md shows real messages: the code creates each one, and a test compares it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.action.discord_message import ActionModule
from ansible_collections.teal.platform.plugins.filter.subnet_plan import subnet_plan
from ansible_collections.teal.platform.plugins.module_utils import aws_errors
from ansible_collections.teal.platform.plugins.module_utils.release import images, lease
from ansible_collections.teal.platform.plugins.modules import (
    access_info,
    dns_certificate,
    eks_cluster,
    sonar_quality_gate,
)
from ansible_collections.teal.platform.plugins.plugin_utils import checks
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from support import ModuleFailed

PAGE = Path(__file__).resolve().parents[3] / "docs" / "first-mistakes.md"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
Run = Callable[..., dict[str, Any]]


def section(title: str) -> str:
    """Return the message of a mistake on the page, as one line."""
    match = re.search(rf"^## \d+\. {re.escape(title)}\n.*?```text\n(.*?)```", PAGE.read_text(), re.M | re.S)
    assert match, f"the page has no section '{title}'"
    return " ".join(match[1].split())


def compare(title: str, printed: str) -> None:
    assert section(title) == " ".join(printed.split())


def failure(run: Run, module: Any, **arguments: Any) -> str:
    with pytest.raises(ModuleFailed) as failed:
        run(module, **arguments)
    return failed.value.result["msg"]


def test_page_has_ten_mistakes() -> None:
    assert len(re.findall(r"^## \d+\.", PAGE.read_text(), re.M)) == 10


def test_no_credentials() -> None:
    compare("No credentials", aws_errors.NO_CREDENTIALS + " Nothing was created or changed.")


def test_wrong_region() -> None:
    ((variable, message),) = checks.run_checks({"platform_region": "ap-northeast-22"})
    begin = section("Wrong region").removesuffix(" …")
    assert f"{variable} = 'ap-northeast-22': {message}".startswith(begin)


def test_quota(aws: None, run_module: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    call = BaseClient._make_api_call

    def refuse(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "CreateCluster":
            words = "You have reached the limit on the number of clusters."
            raise ClientError(
                {"Error": {"Code": "ResourceLimitExceededException", "Message": words}}, operation
            )
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    subnets = {"subnet_ids": ["subnet-1", "subnet-2"], "role_arn": "arn:aws:iam::123456789012:role/cluster"}
    compare("Quota reached", failure(run_module, eks_cluster, name="assistant-staging", **subnets))


def test_image_not_in_the_registry(aws: None) -> None:
    ecr = boto3.client("ecr")
    ecr.create_repository(repositoryName="assistant")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": "1"}})
    ecr.put_image(repositoryName="assistant", imageManifest=manifest, imageTag="1.1.0")
    with pytest.raises(images.ImageMissing) as missing:
        images.resolve(ecr, "assistant", "1.4.2", "")
    compare("Image not in the registry", str(missing.value))


def test_network_too_small() -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        subnet_plan("10.20.0.0/26", ["public", "private"], ["ap-northeast-2a", "ap-northeast-2c"])
    found = checks.run_checks(
        {
            "network_cidr": "10.20.0.0/26",
            "network_tiers": ["public", "private"],
            "network_zones": ["ap-northeast-2a", "ap-northeast-2c"],
            "network_subnet_newbits": 4,
        }
    )
    assert found == [("network_subnet_newbits", str(refused.value).removeprefix("subnet_plan: "))]
    compare("Network too small", f"network_subnet_newbits = 4: {found[0][1]}")


def test_webhook_wrong() -> None:
    action = ActionModule.__new__(ActionModule)
    with pytest.raises(Exception, match="webhook") as wrong:
        action._send("https://discord.com/api/webhook/1", {"embeds": []}, {})
    compare("Webhook wrong", str(wrong.value))


def test_lock_held() -> None:
    held = {
        "operation": "deploy",
        "subject": "1.4.2",
        "who": "dana",
        "where": "runner-7",
        "run": "https://github.com/example/assistant/actions/runs/42",
        "since": "2026-11-23T09:00:00Z",
        "expires": 1_800_000_045_000,
    }
    compare("Lock held", lease.describe(held, 1_800_000_000.0))


def test_cluster_unreachable(
    aws: None, run_module: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = {"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}
    contexts = [{"name": "mine", "context": {"cluster": "a", "user": "a"}}]
    users = [{"name": "a", "user": {"token": "planted"}}]
    content = {
        "kind": "Config",
        "apiVersion": "v1",
        "clusters": [cluster],
        "users": users,
        "contexts": contexts,
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(content))
    path = str(tmp_path / "kubeconfig")
    printed = failure(run_module, access_info, kubeconfig=path, kubeconfig_context="mine")
    printed = re.sub(
        r"<urllib3.*?>: |HTTPSConnection\(.*?\): |Failed to establish a new connection: ", "", printed
    )
    compare("Cluster unreachable", printed.replace(path, "kubeconfig"))


def test_gate_refused() -> None:
    conditions = [
        {"status": "ERROR", "metric": "new_coverage", "value": "61.5", "comparator": "LT", "threshold": "80"}
    ]
    lines = "\n".join(sonar_quality_gate.failures(conditions))
    compare("Gate refused", f"The quality gate refuses the commit. assistant 1f3b2c4:\n{lines}")


def test_certificate_pending() -> None:
    zone = SimpleNamespace(client=None, need=lambda: "Z0")
    certificate = dns_certificate.Certificate.__new__(dns_certificate.Certificate)
    certificate.zone, certificate.params = zone, {"wait_timeout": 900, "domain_name": "staging.example.com"}
    certificate.domain = "staging.example.com"
    certificate.call = lambda *_, **__: {  # type: ignore[method-assign]
        "DelegationSet": {"NameServers": ["ns-1.awsdns-01.com", "ns-2.awsdns-02.net"]}
    }
    found = {"Status": "PENDING_VALIDATION", "DomainValidationOptions": []}
    compare("Certificate pending", certificate._failure_message(found, "issued"))
