"""Wrong input, check runs, single components and drift, for TEST and STAGING.

The recorded calls prove that a check and wrong input change nothing. Molecule tests PRODUCTION's drift. It takes minutes:
`make scenarios`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .cloud import READS, Cloud

pytestmark = pytest.mark.long
#: Wrong settings, and texts that the message must contain: the variable, its value and the allowed values.
WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "misspelt": ({"network_cdir": "10.0.0.0/16"}, ["network_cdir", "did you mean network_cidr?"]),
    "misspelt, of the platform": ({"platform_regoin": "x"}, ["platform_regoin", "platform_region?"]),
    "without value": ({"network_cidr": None}, ["network_cidr has no value"]),
    "bad CIDR": ({"network_cidr": "10.20.0.0/33"}, ["network_cidr = '10.20.0.0/33'", "such as 10.20.0.0/16"]),
    "subnets that don't fit": ({"network_subnet_newbits": 1}, ["network_subnet_newbits = 1", "need"]),
    "unknown region": ({"platform_region": "eu-west-9"}, ["platform_region = 'eu-west-9'", "eu-west-1"]),
    "a port for two": (
        {"load_balancer_ports": {"blue": 30080, "green": 30080}},
        ["load_balancer_ports = ", "a different port"],
    ),
}
#: The same for wrong surroundings of a run.
ELSEWHERE: dict[str, tuple[dict[str, str], str]] = {
    "no credentials": (
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        "There are no AWS credentials",
    ),
    "no answer": (
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        "AWS_ENDPOINT_URL=http://127.0.0.1:1 does not answer",
    ),
}


@pytest.fixture(scope="module", params=["test", "staging"])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return an empty account."""
    home = tmp_path_factory.mktemp(request.param)
    cloud = Cloud(home, request.param, own_kubernetes=True)
    cloud.environ |= {
        "PLATFORM_SUMMARY_FILE": str(home / "summary.json"),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    try:
        yield cloud
    finally:
        cloud.down()


def components(cloud: Cloud) -> dict[str, dict[str, Any]]:
    summary = json.loads((cloud.home / "summary.json").read_text("utf-8"))
    return {name.partition(".")[0]: one for name, one in summary["components"].items()}


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_input_is_reported_before_any_change(cloud: Cloud, mistake: str) -> None:
    extra, said = WRONG[mistake]
    if "load_balancer_ports" in extra and cloud.environment == "test":
        pytest.skip("slots of instances have no ports of a node")
    since = cloud.last_call()
    text = " ".join(cloud.play("site", fails=True, **extra).split())
    assert [words for words in said if words not in text] == [], text
    assert "Nothing was created or changed." in text
    assert cloud.calls(since) == []


@pytest.mark.parametrize("mistake", ELSEWHERE)
def test_wrong_surroundings_are_reported_before_any_change(
    cloud: Cloud, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables, said = ELSEWHERE[mistake]
    for name, value in variables.items():
        monkeypatch.setitem(cloud.environ, name, value)
    since = cloud.last_call()
    text = " ".join(cloud.play("site", fails=True).split())
    assert said in text
    assert cloud.calls(since) == []


def test_unreachable_cluster_is_reported(cloud: Cloud) -> None:
    cluster = {"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "a", "context": {"cluster": "a", "user": "a"}}
    file = cloud.home / "unreachable"
    file.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "a",
                "clusters": [cluster],
                "contexts": [context],
                "users": [{"name": "a", "user": {}}],
            }
        ),
        "utf-8",
    )
    since = cloud.last_call()
    text = " ".join(cloud.play("site", fails=True, platform_kubeconfig=str(file)).split())
    assert f"The cluster of platform_kubeconfig ({file}) does not respond" in text
    assert cloud.writes(since) == 0


def test_check_of_a_new_environment_lists_all_resources_and_creates_none(cloud: Cloud) -> None:
    since = cloud.last_call()
    text = cloud.run(*cloud.words("provision"), "--check", "--diff")
    assert "+++ after" in text
    assert {name for name, one in components(cloud).items() if not one["changed"]} <= {"release"}
    assert cloud.writes(since) == 0


def test_single_component_is_created_or_reports_its_dependency(cloud: Cloud) -> None:
    text = cloud.run(*cloud.words("provision"), "--limit", "load_balancer", fails=True)
    assert (
        f"ansible-playbook playbooks/provision.yml -i inventories/{cloud.environment} --limit network" in text
    )
    assert cloud.writes() == 0

    cloud.run(*cloud.words("provision"), "--limit", "registry")
    assert {name: one["state"] for name, one in components(cloud).items()} == {"registry": "changed"}
    changed = {call["service"] for call in cloud.calls() if not call["operation"].startswith(READS)}
    assert changed == {"ecr"}


def test_drift_is_reported_and_repaired_in_each_environment(cloud: Cloud) -> None:
    cloud.play("site")
    cloud.run("ansible-playbook", "-i", f"inventories/{cloud.environment}", "molecule/shared/drift.yml")
    cloud.play("provision")
    assert {name for name, one in components(cloud).items() if one["changed"]} == {
        "alarms",
        "cluster" if cloud.environment == "staging" else "instance",
        "load_balancer",
        "network",
    }
    cloud.run(*cloud.words("provision"), "--check")
    assert {name for name, one in components(cloud).items() if one["changed"]} == set()
