"""How old the machine images of nodes and bastion are, and when they are replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.module_utils import image_age
from ansible_collections.teal.platform.plugins.modules import ec2_image_age_info, eks_cluster, eks_nodegroup
from ansible_collections.teal.platform.plugins.plugin_utils.checks import cluster as checks

Run = Callable[..., dict[str, Any]]
NODES = {"clusterName": "aged", "nodegroupName": "nodes"}


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from ansible.module_utils import basic

    said: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, text, **more: said.append(text))
    return said


@pytest.fixture
def nodes(rehearsed: str, run_module: Run) -> Iterator[dict[str, Any]]:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.44.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.44.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_launch_template(LaunchTemplateName="aged", LaunchTemplateData={"InstanceType": "t3.large"})
    role = "arn:aws:iam::123456789012:role/aged"
    run_module(
        eks_cluster,
        name="aged",
        role_arn=role,
        version="1.34",
        subnet_ids=[subnet],
        tags={"Environment": "aged"},
    )
    yield {
        "cluster": "aged",
        "name": "nodes",
        "role_arn": role,
        "subnet_ids": [subnet],
        "launch_template": "aged",
        "version": "1.34",
        "tags": {"Environment": "aged"},
    }
    run_module(eks_nodegroup, cluster="aged", name="nodes", state="absent")
    run_module(eks_cluster, name="aged", state="absent")
    ec2.delete_launch_template(LaunchTemplateName="aged")


def release() -> str:
    return boto3.client("eks").describe_nodegroup(**NODES)["nodegroup"]["releaseVersion"]


def instances() -> set[str]:
    nodegroup = boto3.client("eks").describe_nodegroup(**NODES)["nodegroup"]
    name = nodegroup["resources"]["autoScalingGroups"][0]["name"]
    groups = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return {one["InstanceId"] for one in groups["AutoScalingGroups"][0]["Instances"]}


def grow_old(number: str = "1.34.1-20250101") -> None:
    boto3.client("eks").update_nodegroup_version(**NODES, releaseVersion=number)


def test_outdated_image_is_a_warning_and_no_drift(nodes: dict, run_module: Run, warned: list[str]) -> None:
    run_module(eks_nodegroup, **nodes, max_age=60)
    grow_old()
    warned.clear()
    for check in (True, False):
        reported = run_module(eks_nodegroup, check=check, **nodes, max_age=60)
        assert not reported["changed"] and reported["image_age_days"] > 365
    assert len(warned) == 2
    assert "image 1.34.1-20250101 is" in warned[0] and "patch_nodes=true" in warned[0]
    assert release() == "1.34.1-20250101"
    warned.clear()
    run_module(eks_nodegroup, **nodes, max_age=0)
    assert warned == []


def test_nodes_are_patched_once_on_request(nodes: dict, run_module: Run) -> None:
    run_module(eks_nodegroup, **nodes)
    newest = release()
    assert not run_module(eks_nodegroup, **nodes, patch=True)["changed"]
    grow_old()
    before = instances()
    reported = run_module(eks_nodegroup, check=True, **nodes, patch=True)["diff"]
    assert (reported["before"]["release_version"], reported["after"]["release_version"]) == (
        "1.34.1-20250101",
        newest,
    )
    assert instances() == before
    assert run_module(eks_nodegroup, **nodes, patch=True)["changed"]
    assert release() == newest and not before & instances()
    assert not run_module(eks_nodegroup, **nodes, patch=True)["changed"]


def test_a_pinned_release_is_kept_until_the_inventory_changes_it(nodes: dict, run_module: Run) -> None:
    pinned = {**nodes, "release_version": "1.34.1-20260101"}
    run_module(eks_nodegroup, **pinned)
    assert release() == "1.34.1-20260101"
    assert not run_module(eks_nodegroup, **pinned, patch=True)["changed"]
    # A new launch template alone would bring the newest image, too.
    ec2 = boto3.client("ec2")
    number = ec2.create_launch_template_version(
        LaunchTemplateName="aged", LaunchTemplateData={"InstanceType": "t3.xlarge"}
    )["LaunchTemplateVersion"]["VersionNumber"]
    ec2.modify_launch_template(LaunchTemplateName="aged", DefaultVersion=str(number))
    assert run_module(eks_nodegroup, **pinned)["changed"]
    assert release() == "1.34.1-20260101"
    raised = {**pinned, "release_version": "1.34.1-20260201"}
    assert run_module(eks_nodegroup, check=True, **raised)["changed"]
    assert run_module(eks_nodegroup, **raised)["changed"]
    assert release() == "1.34.1-20260201"
    assert not run_module(eks_nodegroup, **raised)["changed"]


def test_age_of_the_image_of_an_instance(aws: Any, run_module: Run, warned: list[str]) -> None:
    ec2 = boto3.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "shop-bastion"}]}]
    which = {"name": "shop-bastion", "filters": {"tag:Name": "shop-bastion"}}
    assert "image_id" not in run_module(ec2_image_age_info, **which)
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)
    reported = run_module(ec2_image_age_info, **which, max_age=0)
    assert reported["image_id"] == image and reported["instance_profile"] == "" and warned == []
    if reported["image_age_days"] > 0:
        run_module(ec2_image_age_info, **which, max_age=1, setting="bastion_max_age")


@pytest.mark.parametrize(
    ("number", "day"),
    [
        ("1.35.1-20261101", datetime(2026, 11, 1, tzinfo=UTC)),
        ("1.20.0-fcf71a47", None),
        ("ami-0123456789abcdef0", None),
        ("1.35.1-20269999", None),
        (None, None),
    ],
)
def test_date_of_a_node_release_is_read_from_its_name(number: str | None, day: datetime | None) -> None:
    assert image_age.release_date(number) == day


def test_images_over_the_age_limit_are_reported() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    assert image_age.days_since(now - timedelta(days=60, hours=1), now) == 60
    assert image_age.age_warning("nodes", "i", 60, 60, "s", "p") is None
    assert image_age.age_warning("nodes", "i", None, 60, "s", "p") is None
    assert image_age.age_warning("nodes", "i", 999, 0, "s", "p") is None
    assert "is 61 days old (s: 60)" in str(image_age.age_warning("nodes", "i", 61, 60, "s", "p"))


@pytest.mark.parametrize(
    ("number", "kind", "fine"),
    [
        ("", "AL2023_x86_64_STANDARD", True),
        ("1.35.1-20261101", "AL2023_x86_64_STANDARD", True),
        ("1.34.1-20261101", "AL2023_x86_64_STANDARD", False),
        ("latest", "AL2023_ARM_64_STANDARD", False),
        ("1.20.0-fcf71a47", "BOTTLEROCKET_x86_64", True),
    ],
)
def test_pinned_node_release_must_match_the_version_of_the_cluster(
    number: str, kind: str, fine: bool
) -> None:
    assert (list(checks.cluster_node_release(number, "1.35", kind)) == []) is fine
