"""With IAM enforced, each role can do its own work and nothing else. A missing permission fails the run with its name.

An administrator creates the identities and the account's hosted zone. The roles do everything else. It takes minutes:
`make scenarios`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import PREVIEW_HEADER
from botocore.exceptions import ClientError

from rehearsal import __main__ as cli
from rehearsal import config as settings
from tests.scenarios.cloud import READS, enforce_iam

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "AWS_ACCESS_KEY_ID": "AccessKeyId",
    "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
    "AWS_SESSION_TOKEN": "SessionToken",
}
#: How IAM names a service, where it differs from boto3's name.
IAM_NAMES = {"elbv2": "elasticloadbalancing"}
#: IAM's actions have other names than the calls: HTTP methods; the parts of a transaction.
OTHER_NAMES = ("apigatewayv2:", "dynamodb:TransactWriteItems")
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Account:
    """A rehearsed account with the identities of one environment, IAM enforced."""

    def __init__(self, home: Path, environment: str) -> None:
        self.environment = environment
        self.environ = {**os.environ, "TEAL_REHEARSAL_HOME": str(home)}
        self.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run([sys.executable, "-m", "rehearsal", "up"], cwd=ROOT, env=self.environ, check=True)
        config = settings.load(home / "config.json")
        self.url = config["aws"]["url"]
        administrator = cli.variables_of(config)
        self.roles: dict[str, dict[str, str]] = {"administrator": administrator}
        self.play("administrator", "provision", "--limit", "identity")
        self._make_zone()
        for role in ("provision", "deploy", "qa"):
            self.roles[role] = administrator | self._assume(role)
        enforce_iam(config)

    def client(self, service: str, role: str = "administrator") -> Any:
        keys = self.roles[role]
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="ap-northeast-2",
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys.get("AWS_SESSION_TOKEN"),
        )

    def _make_zone(self) -> None:
        variables = ROOT / "inventories" / self.environment / "group_vars" / "load_balancer.yml"
        zone = yaml.safe_load(variables.read_text())["load_balancer_hosted_zone"]
        self.client("route53").create_hosted_zone(Name=zone, CallerReference="administrator")

    def _assume(self, role: str) -> dict[str, str]:
        name = f"assistant-{self.environment}"
        arn = f"arn:aws:iam::123456789012:role/{name}/{name}-{role}"
        answer = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="scenario")
        return {variable: answer["Credentials"][key] for variable, key in KEYS.items()}

    def play(self, role: str, playbook: str, *arguments: str, fails: bool = False) -> str:
        """Run a playbook as a role; return what it printed."""
        words = ["ansible-playbook", f"playbooks/{playbook}.yml", "-i", f"inventories/{self.environment}"]
        done = subprocess.run(
            [*words, *arguments],
            cwd=ROOT,
            env=self.environ | self.roles[role],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        text = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, (
            f"{role}: {playbook} ended with {done.returncode}\n{text[-6000:]}"
        )
        return text

    def calls(self) -> list[dict[str, Any]]:
        """The calls so far."""
        with _open(f"{self.url}/rehearsal/calls", timeout=30) as answer:
            return json.load(answer)["calls"]

    def refused(self) -> list[str]:
        """The calls that IAM has refused so far."""
        return [f"{call['service']}:{call['operation']}" for call in self.calls() if call["status"] == 403]

    def unjudged(self, role: str) -> set[str]:
        """The actions of a role that change something, and that the unit tests of its policies do not ask for."""
        table = yaml.safe_load((ROOT / "tests/unit/roles/data/role_actions.yml").read_text())[role]
        known = {f"{service}:{name}" for part in table.values() for service in part for name in part[service]}
        key = self.roles[role]["AWS_ACCESS_KEY_ID"]
        named = {
            f"{IAM_NAMES.get(call['service'], call['service'])}:{call['operation']}"
            for call in self.calls()
            if call["key"] == key and not call["operation"].startswith(READS)
        }
        return {action for action in named if not action.startswith(OTHER_NAMES)} - known


@pytest.fixture(params=["staging", "test"])
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Account]:
    home = tmp_path / "rehearsal"
    try:
        yield Account(home, request.param)
    finally:
        environ = {**os.environ, "TEAL_REHEARSAL_HOME": str(home)}
        subprocess.run([sys.executable, "-m", "rehearsal", "down"], cwd=ROOT, env=environ, check=False)


def leave_preview_rule(account: Account) -> str:
    """Leave a preview rule behind, as a deploy does whose runner dies while it verifies; return its ARN."""
    elb, name = account.client("elbv2", "deploy"), f"assistant-{account.environment}"
    balancer = elb.describe_load_balancers(Names=[name])["LoadBalancers"][0]["LoadBalancerArn"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    listener = next(entry["ListenerArn"] for entry in listeners if entry["Port"] == 443)
    header = {"HttpHeaderName": PREVIEW_HEADER, "Values": ["a-token"]}
    tags = {"Application": "assistant", "Environment": account.environment, "Component": "release"}
    made = elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "http-header", "HttpHeaderConfig": header}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    return str(made["Rules"][0]["RuleArn"])


def test_each_role_can_do_only_its_own_work(account: Account) -> None:
    quick = ("-e", "release_bake=2s")
    account.play("provision", "provision")
    assert account.refused() == []
    account.play("deploy", "deploy", "-e", "image_tag=1.0.0", *quick)
    account.play("deploy", "deploy", "-e", "image_tag=1.1.0", *quick)
    account.play("qa", "status")
    account.play("qa", "rollback")
    left = leave_preview_rule(account)
    account.play("qa", "retire", "-e", "recover_only=true")
    with pytest.raises(ClientError, match="RuleNotFound"):
        account.client("elbv2", "deploy").describe_rules(RuleArns=[left])
    freed = account.play(
        "provision",
        "retire",
        "-e",
        "at_once=true",
        "-e",
        "release_drain=2s",
        "-e",
        "release_metrics_delay=0s",
    )
    assert "was scaled down" in freed
    assert account.refused() == []
    assert {role: account.unjudged(role) for role in ("provision", "deploy", "qa")} == {
        "provision": set(),
        "deploy": set(),
        "qa": set(),
    }

    text = account.play("qa", "deploy", "-e", "image_tag=1.2.0", *quick, fails=True)
    assert (
        "is not authorized to perform" in text
        or "this identity lacks permissions that a release needs" in text
    )
    text = account.play("deploy", "provision", "--limit", "network", fails=True)
    assert "is not authorized to perform: ec2:" in text
