"""Somebody changes what a role manages, one thing after the other: a check names each, and the next run repairs it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.drift import compute, data, foundation, network
from tests.unit.drift.harness import ADDRESSED, Case, Spy, differing

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., dict[str, Any]]
CASES: dict[str, Case] = {**compute.CASES, **data.CASES, **network.CASES, **foundation.CASES}
#: modules that the roles call and that manage nothing of AWS's that lasts, or that have tests of their own
ELSEWHERE = {
    "teal.platform.environment_resources_info": "reads",
    "amazon.aws.aws_caller_info": "reads",
    "amazon.aws.ec2_eip": "allocates another address if none is given, see test_network.py",
    "amazon.aws.ec2_vpc_endpoint_info": "reads",
    "amazon.aws.ec2_eip_info": "reads",
    "amazon.aws.ec2_vpc_igw_info": "reads",
    "amazon.aws.ec2_vpc_nat_gateway_info": "reads",
    "amazon.aws.ec2_vpc_route_table": "sleeps for five seconds after each change, see test_network.py",
    "amazon.aws.ec2_vpc_route_table_info": "reads",
    "amazon.aws.ec2_vpc_subnet_info": "reads",
    "amazon.aws.ec2_eni": "removes what nodes left, see test_network_security_groups.py",
    "amazon.aws.ec2_eni_info": "reads",
    "amazon.aws.ec2_security_group_info": "reads",
    "amazon.aws.elb_application_lb_info": "reads",
    "amazon.aws.route53_info": "reads",
    "amazon.aws.ec2_instance": "compares type, groups and metadata options; the role reports the profile",
    "amazon.aws.iam_instance_profile_info": "reads",
    "amazon.aws.iam_role_info": "reads",
    "community.aws.acm_certificate": "a certificate that is imported is compared by its text",
    "kubernetes.core.k8s": "Kubernetes compares: the API server's dry run",
    "kubernetes.core.k8s_info": "reads",
    "kubernetes.core.k8s_log": "reads",
    "teal.platform.component_info": "reads",
    "teal.platform.dns_zone": "a zone that exists is only read, see test_dns.py",
    "teal.platform.ec2_image_age_info": "reads",
    "teal.platform.ignored_tags_info": "reads",
    "teal.platform.ec2_run_script": "runs once for each script, see test_ec2_run_script.py",
    "teal.platform.autoscaling_target_groups": "what is attached, see test_eks.py",
}
#: what a release does is its engine's matter: weights, targets and pods are never drift
ENGINE = re.compile(
    r"teal\.platform\.(release|slot|traffic)_|teal\.platform\.(status_page|sonar_quality_gate)"
)


def module_of(name: str) -> Any:
    collection, _, short = name.rpartition(".")
    return importlib.import_module(f"ansible_collections.{collection}.plugins.modules.{short}")


def called() -> set[str]:
    """Return the modules that the roles' tasks call."""
    tasks = "\n".join(path.read_text() for path in ROOT.glob("roles/*/tasks/*.yml"))
    names = re.findall(r"^\s+((?:amazon|community|kubernetes|teal)\.\w+\.\w+):", tasks, re.M)
    return {name for name in names if not ENGINE.match(name)}


def managed_members(sent: set[str]) -> set[str]:
    """Return what requests set, without what only names the object; of a request that sets nothing else, its name."""
    managed = {member for member in sent if member.rsplit(".", 1)[-1] not in ADDRESSED}
    acts = {member.split(".")[0] for member in sent} - {member.split(".")[0] for member in managed}
    return managed | {act for act in acts if not act.startswith(("Remove", "Publish", "Delete", "Revoke"))}


def test_every_module_that_the_roles_call_has_a_case() -> None:
    assert called() == CASES.keys() | (ELSEWHERE.keys() & called())


@pytest.mark.parametrize("name", CASES)
def test_check_mode_reports_every_changed_attribute(
    name: str, rehearsed: str, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, module = CASES[name], module_of(name)
    arguments = case.arguments()
    with monkeypatch.context() as patched:
        spy = Spy(patched)
        assert run_module(module, **arguments)["changed"]
    managed, known = managed_members(spy.sent), case.rows.keys() | case.fixed.keys()
    assert sorted(managed - known) == [], (
        "each thing that is set needs a row, or a reason why nobody can change it"
    )
    assert sorted(known - managed - spy.sent) == [], "nothing of this is set any more"
    assert not run_module(module, check=True, **arguments)["changed"]
    assert not run_module(module, **arguments)["changed"]

    problems = []
    for member, change in case.rows.items():
        change()
        reported = run_module(module, check=True, **arguments)
        diff = reported.get("diff") or {}
        if not reported["changed"]:
            problems.append(f"{member}: a check says ok")
        elif name.startswith("teal.") and not differing(diff["before"], diff["after"]):
            problems.append(f"{member}: the diff does not name it")
        if not run_module(module, **arguments)["changed"]:
            problems.append(f"{member}: a run says ok")
        again = run_module(module, check=True, **arguments)
        if again["changed"]:
            left = again.get("diff") or {}
            where = differing(left.get("before"), left.get("after"))
            problems.append(f"{member}: it is not repaired: {', '.join(where)}")
    assert not problems, "\n".join(problems)
