"""STAGING is created and destroyed with failures: each component fails in turn, and runs are killed at any point.

In the end exactly the resources of an undisturbed run exist. It takes minutes: `make scenarios`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml

from rehearsal.deletion_order import calls_since_last_vpc, violations
from tests import account

from .cloud import ROOT, Cloud, kill

INVENTORY = yaml.safe_load((ROOT / "inventories/staging/hosts.yml").read_text("utf-8"))
WAVES = [list(wave["children"]) for wave in INVENTORY["all"]["children"].values()]
COMPONENTS = [component for wave in WAVES for component in wave]
KILLS = 6
#: Components that fail in `make test`: the first of each wave, and the database.
FAILING = {*(wave[0] for wave in WAVES), "database"}
#: Calls of preflight about the account, with the credentials of the first component.
ASKED_BY_PREFLIGHT = {
    "GetCallerIdentity",
    "DescribeRegions",
    "DescribeAvailabilityZones",
    "DescribeInstanceTypes",
    "DescribeInstances",
    "DescribeNodegroup",
    "DescribeSubnets",
    "GetServiceQuota",
}
SNAPSHOT = "rds DBSnapshot assistant-staging-final-"


class Undisturbed(NamedTuple):
    """Resources after provisioning and after a destroy, and the number of changes of each."""

    built: list[str]
    build_writes: int
    destroyed: list[str]
    destroy_writes: int


def key_of(component: str) -> str:
    return f"AKIA{component.upper().replace('_', '')}"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return an empty account in which each component has its own credentials."""
    home = tmp_path_factory.mktemp("cloud")
    cloud = Cloud(home, own_kubernetes=True)
    profiles = [
        f"[{name}]\naws_access_key_id={key_of(name)}\naws_secret_access_key=x\n" for name in COMPONENTS
    ]
    (home / "credentials").write_text("".join(profiles), "utf-8")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del cloud.environ[variable]
    cloud.environ |= {
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "PLATFORM_SUMMARY_FILE": str(home / "summary.json"),
    }
    cloud.extra |= {
        "platform_aws_profile": "{{ inventory_hostname | split('.') | first }}",
        "confirm": "staging",
        # The response time would only measure the load of this machine.
        "release_checks": [{"path": "/", "status": 200}],
        # The lease of a killed run must expire first.
        "release_lock_wait": "60s",
    }
    try:
        yield cloud
    finally:
        cloud.down()


def standing(cloud: Cloud) -> list[str]:
    """Return the existing resources without the database snapshots that each destroy leaves."""
    return [
        line for line in account.listing(cloud.session, cloud.config["aws"]["url"]) if SNAPSHOT not in line
    ]


def snapshots(cloud: Cloud) -> int:
    lines = account.listing(cloud.session, cloud.config["aws"]["url"])
    return sum(SNAPSHOT in line for line in lines)


@pytest.fixture(scope="module")
def undisturbed(cloud: Cloud) -> Undisturbed:
    cloud.play("site")
    built, build_writes = standing(cloud), cloud.writes()
    since = cloud.last_call()
    cloud.play("destroy")
    return Undisturbed(built, build_writes, standing(cloud), cloud.writes(since))


def test_listing_contains_all_created_resources(cloud: Cloud, undisturbed: Undisturbed) -> None:
    assert account.unlisted(cloud.calls()) == set()


@pytest.mark.parametrize(
    "component", [pytest.param(one, marks=[] if one in FAILING else [pytest.mark.long]) for one in COMPONENTS]
)
def test_failed_component_stops_later_waves(cloud: Cloud, undisturbed: Undisturbed, component: str) -> None:
    """The first component of each wave fails while the others of the wave run. Other components fail alone."""
    wave = next(number for number, wave in enumerate(WAVES) if component in wave)
    later = [name for others in WAVES[wave + 1 :] for name in others]
    cloud.messages()
    since = cloud.last_call()
    for operation in sorted(ASKED_BY_PREFLIGHT):
        cloud.fault("aws", service="*", operation=operation, count=10**6)
    cloud.fault("aws", service="*", key=key_of(component), code="AccessDenied", status=403, count=10**6)
    try:
        others = "all" if component == WAVES[wave][0] else ",".join([component, *later])
        cloud.run(*cloud.words("site"), "--limit", others, fails=True)
    finally:
        cloud.forget_faults()

    summary = json.loads((cloud.home / "summary.json").read_text("utf-8"))
    states = {name.partition(".")[0]: one["state"] for name, one in summary["components"].items()}
    assert states.pop(component) == "failed"
    assert {name for name, state in states.items() if state == "not reached"} == set(later)
    reasons = [one["reason"] for one in summary["failures"] if one["component"] == f"{component}.staging"]
    assert len(reasons) == 1, summary["failures"]
    assert "AccessDenied" in reasons[0]

    # The environment is notified as provisioned before the first release fails.
    titles = [title for title in cloud.messages() if not title.endswith("STAGING is provisioned")]
    assert len(titles) == 1, titles
    said = "the deploy of 1.0.0" if component == "release" else f"{component} could not be provisioned"
    assert said in titles[0].replace("\\", "")
    asked = {call["key"] for call in cloud.calls(since) if call["operation"] not in ASKED_BY_PREFLIGHT}
    assert not asked & {key_of(name) for name in later}


def test_environment_is_complete_after_all_failures(cloud: Cloud, undisturbed: Undisturbed) -> None:
    cloud.play("site")
    assert standing(cloud) == undisturbed.built


def test_destroy_needs_confirmation(cloud: Cloud, undisturbed: Undisturbed) -> None:
    since = cloud.last_call()
    text = cloud.play("destroy", fails=True, confirm="production")
    assert "Nothing was removed. The inventory is of 'staging', but 'production' was confirmed." in text
    assert cloud.writes(since) == 0

    rds = cloud.session.client("rds", endpoint_url=cloud.config["aws"]["url"])
    rds.modify_db_instance(DBInstanceIdentifier="assistant-staging", DeletionProtection=True)
    since = cloud.last_call()
    text = cloud.play("destroy", fails=True)
    assert "Deletion protection is on for: database database assistant-staging." in text
    assert cloud.writes(since) == 0


def killed_again_and_again(cloud: Cloud, playbook: str, total: int, **variables: Any) -> None:
    """Run a playbook and kill it again and again after a number of changes. Then run it to its end."""
    for _ in range(KILLS):
        since, process = cloud.last_call(), cloud.start(playbook, **variables)
        while process.poll() is None and cloud.writes(since) < total / KILLS:
            time.sleep(0.02)
        kill(process)
    cloud.play(playbook, **variables)


@pytest.mark.long
def test_destroy_that_is_killed_repeatedly_leaves_nothing(cloud: Cloud, undisturbed: Undisturbed) -> None:
    cloud.play("site")
    before = snapshots(cloud)
    killed_again_and_again(cloud, "destroy", undisturbed.destroy_writes, destroy_protected=True)
    assert standing(cloud) == undisturbed.destroyed
    assert snapshots(cloud) == before + 1
    assert list(violations(calls_since_last_vpc(cloud.calls()))) == []


@pytest.mark.long
def test_provisioning_that_is_killed_repeatedly_creates_nothing_twice(
    cloud: Cloud, undisturbed: Undisturbed
) -> None:
    killed_again_and_again(cloud, "site", undisturbed.build_writes)
    assert standing(cloud) == undisturbed.built
    cloud.play("site")
    summary = json.loads((cloud.home / "summary.json").read_text("utf-8"))
    assert {name for name, one in summary["components"].items() if one["changed"]} == set()
