"""Environments in an account that others use are created, provisioned again and destroyed, without any effect on others.

Three components of TEST are in the default suite; whole environments take minutes: `make scenarios`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests import account

from .cloud import Cloud
from .used_account import TAGS_OF_AWS, Others, add_rules, described, resources_with, tag_as_aws

#: Resources that are kept on purpose when an environment is destroyed. AWS deletes an alias with its key, after days.
KEPT = ("ecr Repository assistant", "kms Alias alias/assistant-", "rds DBSnapshot assistant-")


class Place(NamedTuple):
    """An emulated account, and the components of an environment to create in it (as for `--limit`)."""

    cloud: Cloud
    components: str


@pytest.fixture(
    params=[
        pytest.param(("test", "network,identity,load_balancer"), id="parts-of-test", marks=pytest.mark.long),
        pytest.param(("test", "all"), id="test", marks=pytest.mark.long),
        pytest.param(("staging", "all"), id="staging", marks=pytest.mark.long),
        pytest.param(("production", "all"), id="production", marks=pytest.mark.long),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Return an account without our resources, and the components to create in it."""
    environment, components = request.param
    home = tmp_path_factory.mktemp(environment)
    cloud = Cloud(home, environment, own_kubernetes=True)
    cloud.environ["PLATFORM_SUMMARY_FILE"] = str(home / "summary.json")
    cloud.extra |= {
        "confirm": environment,
        "destroy_protected": True,
        "release_checks": [{"path": "/", "status": 200}],
    }
    try:
        yield Place(cloud, components)
    finally:
        cloud.down()


def build(cloud: Cloud, components: str) -> set[str]:
    """Provision components. Return those that changed."""
    cloud.run(*cloud.words("site"), "--limit", components)
    summary = json.loads((cloud.home / "summary.json").read_text("utf-8"))
    return {name for name, one in summary["components"].items() if one["changed"]}


def rules_of_others(cloud: Cloud, elb: Any) -> set[str]:
    """Add 25 foreign rules to our listener. Return their ARNs. The slot rule comes after them."""
    found = elb.describe_load_balancers(Names=[f"assistant-{cloud.environment}"])["LoadBalancers"]
    listeners = elb.describe_listeners(LoadBalancerArn=found[0]["LoadBalancerArn"])["Listeners"]
    listener = next(one["ListenerArn"] for one in listeners if one["Protocol"] == "HTTPS")
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    return set(add_rules(elb, listener, [answer]))


def test_resources_of_others_are_unchanged(place: Place) -> None:
    cloud, components = place
    url = cloud.config["aws"]["url"]
    Others(cloud.session, url, cloud.environment).make()
    before, listed = described(cloud.session, url), account.listing(cloud.session, url)

    assert build(cloud, components)
    elb = cloud.session.client("elbv2", endpoint_url=url)
    added = rules_of_others(cloud, elb)
    tagged = tag_as_aws(cloud.session, url, cloud.environment)
    assert tagged
    assert build(cloud, components) == set()
    now = described(cloud.session, url)
    assert sorted(before - now) == []
    rules = " ".join(text for text in now if text.startswith("elbv2 describe_rules"))
    assert [arn for arn in added if arn not in rules] == []
    assert (
        tagged - resources_with(cloud.session, url, {"awsApplication": TAGS_OF_AWS["awsApplication"]})
        == set()
    )

    cloud.play("destroy")
    assert sorted(before - described(cloud.session, url)) == []
    left = account.listing(cloud.session, url)
    for line in listed:
        left.remove(line)
    assert [line for line in left if not line.startswith(KEPT)] == []
