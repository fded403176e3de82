"""The modules for EKS, on the rehearsal's AWS: create, no change, drift, upgrade, delete."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.client
import pytest
from ansible_collections.teal.platform.plugins.modules import (
    autoscaling_target_groups,
    eks_access_entries,
    eks_addons,
    eks_cluster,
    eks_nodegroup,
    eks_pod_identities,
)
from botocore.exceptions import ClientError
from support import ModuleFailed, _open

NAME = "shop-staging"
ROLE = "arn:aws:iam::123456789012:role/shop-staging/shop-staging-{}"
TAGS = {"ManagedBy": "teal.platform", "Environment": "staging"}
Run = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def emptied(rehearsed: str) -> Iterator[None]:
    yield
    eks, ec2 = boto3.client("eks"), boto3.client("ec2")
    for cluster in eks.list_clusters()["clusters"]:
        for nodegroup in eks.list_nodegroups(clusterName=cluster)["nodegroups"]:
            eks.delete_nodegroup(clusterName=cluster, nodegroupName=nodegroup)
        eks.update_cluster_config(name=cluster, deletionProtection=False)
        eks.delete_cluster(name=cluster)
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        ec2.delete_launch_template(LaunchTemplateId=template["LaunchTemplateId"])


@pytest.fixture
def subnets(rehearsed: str) -> list[str]:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.2.{n}.0/24", AvailabilityZone=f"ap-northeast-2{zone}")[
            "Subnet"
        ]["SubnetId"]
        for n, zone in enumerate("ac")
    ]


@pytest.fixture
def arguments(subnets: list[str]) -> dict[str, Any]:
    return {
        "name": NAME,
        "role_arn": ROLE.format("cluster"),
        "version": "1.33",
        "subnet_ids": subnets,
        "public_access_cidrs": ["203.0.113.0/24"],
        "logs": ["api", "audit"],
        "encryption_key_arn": "arn:aws:kms:ap-northeast-2:123456789012:key/1",
        "tags": TAGS,
    }


@pytest.fixture
def cluster(arguments: dict[str, Any], run_module: Run) -> dict[str, Any]:
    assert run_module(eks_cluster, **arguments)["changed"]
    return arguments


@pytest.fixture
def template(rehearsed: str) -> Callable[[str], None]:
    """Return a function that makes a (new version of a) launch template."""

    def make(instance_type: str) -> None:
        ec2, data = boto3.client("ec2"), {"InstanceType": instance_type}
        try:
            ec2.create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData=data)
        except ec2.exceptions.ClientError:
            made = ec2.create_launch_template_version(LaunchTemplateName="nodes", LaunchTemplateData=data)
            number = str(made["LaunchTemplateVersion"]["VersionNumber"])
            ec2.modify_launch_template(LaunchTemplateName="nodes", DefaultVersion=number)

    make("t3.large")
    return make


@pytest.fixture
def nodes(cluster: dict, template: Any, subnets: list[str], run_module: Run) -> dict[str, Any]:
    arguments = {
        "cluster": NAME,
        "name": "workers",
        "role_arn": ROLE.format("nodes"),
        "subnet_ids": subnets,
        "launch_template": "nodes",
        "version": "1.33",
        "tags": TAGS,
    }
    assert run_module(eks_nodegroup, **arguments)["changed"]
    return arguments


def described() -> dict[str, Any]:
    return boto3.client("eks").describe_cluster(name=NAME)["cluster"]


# -- the control plane ---------------------------------------------------------------------------


def test_check_mode_reports_and_creates_nothing(arguments: dict, run_module: Run) -> None:
    result = run_module(eks_cluster, check=True, **arguments)
    assert result["changed"]
    assert result["diff"]["after"]["version"] == "1.33"
    assert arguments["name"] not in boto3.client("eks").list_clusters()["clusters"]


def test_cluster_has_its_settings_and_the_second_run_changes_nothing(cluster: dict, run_module: Run) -> None:
    found = described()
    assert found["accessConfig"]["authenticationMode"] == "API"
    assert found["resourcesVpcConfig"]["endpointPrivateAccess"]
    assert found["upgradePolicy"] == {"supportType": "STANDARD"}
    assert found["encryptionConfig"][0]["resources"] == ["secrets"]
    again = run_module(eks_cluster, **cluster)
    assert not again["changed"], again["diff"]
    assert again["cluster"]["endpoint"].startswith("https://")


@pytest.mark.parametrize(
    ("change", "look"),
    [
        (
            {"public_access_cidrs": ["198.51.100.0/24"]},
            lambda c: c["resourcesVpcConfig"]["publicAccessCidrs"],
        ),
        ({"endpoint_public_access": False}, lambda c: c["resourcesVpcConfig"]["endpointPublicAccess"]),
        ({"support": "EXTENDED"}, lambda c: c["upgradePolicy"]["supportType"]),
        ({"deletion_protection": True}, lambda c: c["deletionProtection"]),
        ({"version": "1.34"}, lambda c: c["version"]),
        ({"tags": {"ManagedBy": "teal.platform"}}, lambda c: c["tags"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_only_the_changed_setting_is_updated(cluster: dict, run_module: Run, change: dict, look: Any) -> None:
    reported = run_module(eks_cluster, check=True, **{**cluster, **change})
    before, after = reported["diff"]["before"], reported["diff"]["after"]
    assert {key for key in after if before[key] != after[key]} == set(change)
    assert look(described()) != next(iter(change.values()))
    assert run_module(eks_cluster, **{**cluster, **change})["changed"]
    assert look(described()) == next(iter(change.values()))
    assert not run_module(eks_cluster, **{**cluster, **change})["changed"]


def test_undeclared_logs_are_disabled(cluster: dict, run_module: Run) -> None:
    run_module(eks_cluster, **{**cluster, "logs": ["scheduler"]})
    on = [setup["types"] for setup in described()["logging"]["clusterLogging"] if setup["enabled"]]
    assert on == [["scheduler"]]
    assert not run_module(eks_cluster, **{**cluster, "logs": ["scheduler"]})["changed"]


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.35", r" and cannot be upgraded to 1\.35.*next version is 1\.34"),
        (
            "1.31",
            r" and cannot be rolled back to 1\.31.*one minor version only\. Set cluster_version to 1\.33",
        ),
        (
            "1.32",
            r", but 1\.32 is wanted\. If AWS upgraded it.*run again with -e cluster_allow_rollback=true",
        ),
    ],
)
def test_version_changes_by_one_minor_version(
    cluster: dict, run_module: Run, version: str, message: str
) -> None:
    for check in (True, False):
        with pytest.raises(ModuleFailed, match=rf"has version 1\.33{message}"):
            run_module(eks_cluster, check=check, **{**cluster, "version": version})
    assert described()["version"] == "1.33"


def test_an_upgrade_is_rolled_back_within_seven_days(
    cluster: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = {**cluster, "version": "1.33", "allow_rollback": True}
    run_module(eks_cluster, **{**cluster, "version": "1.34"})
    assert run_module(eks_cluster, check=True, **back)["diff"]["before"]["version"] == "1.34"
    assert run_module(eks_cluster, **back)["changed"]
    assert described()["version"] == "1.33"
    assert not run_module(eks_cluster, **back)["changed"]
    eks = boto3.client("eks")
    updates = [
        eks.describe_update(name=NAME, updateId=one)["update"]["type"]
        for one in eks.list_updates(name=NAME)["updateIds"]
    ]
    assert updates == ["VersionUpdate", "VersionRollback"]

    run_module(eks_cluster, **{**cluster, "version": "1.34"})
    monkeypatch.setattr(eks_cluster, "ROLLBACK_DAYS", -1)  # as if the upgrade were longer ago
    with pytest.raises(
        ModuleFailed, match=r"no upgrade to 1\.34 in that time\. Set cluster_version to 1\.34"
    ):
        run_module(eks_cluster, check=True, **back)


def test_initial_version_of_a_cluster_is_not_rolled_back(
    nodes: dict, template: Any, run_module: Run, cluster: dict
) -> None:
    template("t3.xlarge")
    run_module(eks_nodegroup, **nodes)  # an update of the nodes is none of the control plane
    with pytest.raises(ModuleFailed, match=r"no upgrade to 1\.33 in that time"):
        run_module(eks_cluster, **{**cluster, "version": "1.32", "allow_rollback": True})


def test_nodes_are_rolled_back_before_the_control_plane(nodes: dict, cluster: dict, run_module: Run) -> None:
    run_module(eks_cluster, **{**cluster, "version": "1.34"})
    run_module(eks_nodegroup, **{**nodes, "version": "1.34"})
    back = {**cluster, "allow_rollback": True}
    with pytest.raises(ModuleFailed, match=r"UpdateClusterVersion failed.*newer than 1\.33: workers"):
        run_module(eks_cluster, **back)
    assert run_module(eks_nodegroup, **nodes)["changed"]
    assert run_module(eks_cluster, **back)["changed"]
    assert described()["version"] == "1.33"


def test_another_key_or_role_is_refused(cluster: dict, run_module: Run) -> None:
    with pytest.raises(ModuleFailed, match="cannot change the key"):
        run_module(eks_cluster, **{**cluster, "encryption_key_arn": "arn:aws:kms:other"})
    with pytest.raises(ModuleFailed, match="AWS cannot change: role_arn"):
        run_module(eks_cluster, **{**cluster, "role_arn": ROLE.format("other")})


def test_failed_update_is_reported_with_its_reason(cluster: dict, run_module: Run, monkeypatch: Any) -> None:
    call = eks_cluster.EksCluster.call

    def failing(self: Any, operation: str, **more: Any) -> Any:
        if operation == "describe_update":
            errors = [{"errorCode": "IpNotAvailable", "errorMessage": "no address left"}]
            return {"update": {"id": "1", "type": "VersionUpdate", "status": "Failed", "errors": errors}}
        return call(self, operation, **more)

    monkeypatch.setattr(eks_cluster.EksCluster, "call", failing)
    with pytest.raises(ModuleFailed, match="VersionUpdate: Failed; IpNotAvailable: no address left"):
        run_module(eks_cluster, **{**cluster, "version": "1.34"})


REFUSED_KEYS = [
    ("InvalidRequestException", "User not authorized to perform kms:CreateGrant operation"),
    (
        "InvalidParameterException",
        "Access denied to KMS key arn due to explicit deny policy or revoked grant",
    ),
]


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, str]]]:
    """Errors that AWS answers with before it answers a call, by operation; pauses take no time."""
    import time

    real, errors = botocore.client.BaseClient._make_api_call, {}

    def call(self: Any, operation: str, given: dict[str, Any]) -> Any:
        if errors.get(operation):
            code, message = errors[operation].pop(0)
            raise ClientError({"Error": {"Code": code, "Message": message}}, operation)
        return real(self, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return errors


@pytest.mark.parametrize("error", REFUSED_KEYS, ids=[code for code, _ in REFUSED_KEYS])
def test_new_kms_key_is_awaited(
    arguments: dict, run_module: Run, refusals: dict[str, list], error: tuple[str, str]
) -> None:
    """KMS takes up to five minutes to apply the tags from which the rights to a new key come."""
    refusals["CreateCluster"] = [error] * 3
    assert run_module(eks_cluster, **arguments)["changed"]
    assert refusals["CreateCluster"] == []


def test_existing_cluster_waits_for_a_new_kms_key(
    arguments: dict, run_module: Run, refusals: dict[str, list], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_module(eks_cluster, **{**arguments, "encryption_key_arn": None})
    refusals["AssociateEncryptionConfig"] = [*REFUSED_KEYS, ("InvalidRequestException", "no such thing")]
    with pytest.raises(ModuleFailed, match="eks:AssociateEncryptionConfig failed"):
        run_module(eks_cluster, **arguments)
    assert refusals["AssociateEncryptionConfig"] == []


def test_explicitly_denied_kms_key_is_not_awaited(
    arguments: dict, run_module: Run, refusals: dict[str, list]
) -> None:
    denied = (
        "User is not authorized to perform: kms:CreateGrant with an explicit deny in a permissions boundary"
    )
    refusals["CreateCluster"] = [("AccessDeniedException", denied)] * 2
    with pytest.raises(ModuleFailed, match="eks:CreateCluster failed"):
        run_module(eks_cluster, **arguments)
    assert len(refusals["CreateCluster"]) == 1


def test_protected_cluster_is_deleted_on_request_only(cluster: dict, run_module: Run) -> None:
    run_module(eks_cluster, **{**cluster, "deletion_protection": True})
    with pytest.raises(ModuleFailed, match="set deletion_protection to false"):
        run_module(eks_cluster, name=NAME, deletion_protection=True, state="absent")
    assert run_module(eks_cluster, check=True, name=NAME, state="absent")["changed"]
    assert run_module(eks_cluster, name=NAME, state="absent")["changed"]
    assert not run_module(eks_cluster, name=NAME, state="absent")["changed"]


# -- nodes ---------------------------------------------------------------------------------------


def groups() -> list[dict]:
    return boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]


def test_nodes_second_run_and_scaling(nodes: dict, run_module: Run) -> None:
    assert not run_module(eks_nodegroup, **nodes)["changed"]
    eks = boto3.client("eks")
    sizes = {"minSize": 1, "maxSize": 9, "desiredSize": 1}
    eks.update_nodegroup_config(clusterName=NAME, nodegroupName="workers", scalingConfig=sizes)
    reported = run_module(eks_nodegroup, check=True, **nodes)["diff"]
    assert (reported["before"]["desired_size"], reported["after"]["desired_size"]) == (1, 2)
    run_module(eks_nodegroup, **nodes)
    assert (groups()[0]["MinSize"], groups()[0]["MaxSize"], groups()[0]["DesiredCapacity"]) == (2, 4, 2)


def test_number_of_nodes_can_be_managed_by_an_autoscaler(nodes: dict, run_module: Run) -> None:
    boto3.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=groups()[0]["AutoScalingGroupName"], DesiredCapacity=3
    )
    sizes = {"minSize": 2, "maxSize": 4, "desiredSize": 3}
    boto3.client("eks").update_nodegroup_config(
        clusterName=NAME, nodegroupName="workers", scalingConfig=sizes
    )
    free = {**nodes, "keep_desired_size": True}
    assert not run_module(eks_nodegroup, **free)["changed"]
    run_module(eks_nodegroup, **free, min_size=4)
    assert groups()[0]["DesiredCapacity"] == 4


def test_nodes_are_replaced_once_for_a_new_template_and_version(
    nodes: dict, cluster: dict, template: Any, run_module: Run
) -> None:
    old = {one["InstanceId"] for one in groups()[0]["Instances"]}
    run_module(eks_cluster, **{**cluster, "version": "1.34"})
    template("t3.xlarge")
    newer = {**nodes, "version": "1.34"}
    assert run_module(eks_nodegroup, **newer)["changed"]
    assert not run_module(eks_nodegroup, **newer)["changed"]
    found = boto3.client("eks").describe_nodegroup(clusterName=NAME, nodegroupName="workers")["nodegroup"]
    assert (found["version"], found["launchTemplate"]["version"]) == ("1.34", "2")
    assert not old & {one["InstanceId"] for one in groups()[0]["Instances"]}


def test_previous_template_is_deleted_after_the_nodes_are_replaced(
    nodes: dict, template: Any, run_module: Run
) -> None:
    def versions() -> list[int]:
        found = boto3.client("ec2").describe_launch_template_versions(LaunchTemplateName="nodes")
        return sorted(entry["VersionNumber"] for entry in found["LaunchTemplateVersions"])

    template("t3.xlarge")
    template("t3.2xlarge")
    assert run_module(eks_nodegroup, **nodes, max_size=5)["changed"]
    assert versions() == [3]
    # One that is not the default is not what the nodes are to be made of.
    boto3.client("ec2").create_launch_template_version(
        LaunchTemplateName="nodes", LaunchTemplateData={"KeyName": "k"}
    )
    assert not run_module(eks_nodegroup, **nodes, max_size=5)["changed"]
    assert versions() == [3, 4]


def test_template_is_kept_if_the_nodes_could_not_be_replaced(
    nodes: dict, template: Any, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EKS then goes back: the group is ACTIVE, with the version of its template that it had."""
    real = botocore.client.BaseClient._make_api_call

    def call(self: Any, operation: str, given: dict[str, Any]) -> Any:
        if operation == "UpdateNodegroupVersion":
            return {"update": {"id": "u-1", "type": "VersionUpdate", "status": "InProgress"}}
        if operation == "DescribeUpdate":
            assert (given["name"], given["nodegroupName"]) == (NAME, "workers")
            error = {"errorCode": "PodEvictionFailure", "errorMessage": "Reached max retries"}
            return {"update": {"id": "u-1", "type": "VersionUpdate", "status": "Failed", "errors": [error]}}
        return real(self, operation, given)

    template("t3.xlarge")
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    with pytest.raises(ModuleFailed, match="VersionUpdate: Failed; PodEvictionFailure: Reached max"):
        run_module(eks_nodegroup, **nodes)
    found = boto3.client("ec2").describe_launch_template_versions(LaunchTemplateName="nodes")
    assert sorted(entry["VersionNumber"] for entry in found["LaunchTemplateVersions"]) == [1, 2]


def test_tags_of_others_are_kept_on_the_cluster_and_its_resources(
    nodes: dict, cluster: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    eks = boto3.client("eks")
    addons = {"cluster": NAME, "addons": [{"name": "coredns"}], "tags": TAGS}
    run_module(eks_addons, **addons)
    arns = [
        described()["arn"],
        eks.describe_nodegroup(clusterName=NAME, nodegroupName="workers")["nodegroup"]["nodegroupArn"],
        eks.describe_addon(clusterName=NAME, addonName="coredns")["addon"]["addonArn"],
    ]
    for arn in arns:
        eks.tag_resource(resourceArn=arn, tags={"awsApplication": "x", "CostCenter": "1"})
    runs = ((eks_cluster, cluster), (eks_nodegroup, nodes), (eks_addons, addons))
    monkeypatch.setenv("TEAL_IGNORED_TAGS", "awsApplication,Cost*")
    for module, arguments in runs:
        result = run_module(module, **arguments)
        assert not result["changed"], result["diff"]
    monkeypatch.delenv("TEAL_IGNORED_TAGS")
    for module, arguments in runs:
        assert run_module(module, **arguments)["changed"]
    for arn in arns:
        tags = eks.list_tags_for_resource(resourceArn=arn)["tags"]
        assert "awsApplication" in tags and "CostCenter" not in tags and tags["Environment"] == "staging"


def test_immutable_setting_of_nodes_is_refused(nodes: dict, run_module: Run) -> None:
    with pytest.raises(ModuleFailed, match="AWS cannot change: ami_type"):
        run_module(eks_nodegroup, **{**nodes, "ami_type": "AL2023_ARM_64_STANDARD"})


def test_check_mode_accepts_a_missing_template(cluster: dict, subnets: list[str], run_module: Run) -> None:
    arguments = {
        "cluster": NAME,
        "name": "workers",
        "role_arn": ROLE.format("nodes"),
        "subnet_ids": subnets,
        "launch_template": "none",
    }
    assert run_module(eks_nodegroup, check=True, **arguments)["changed"]
    with pytest.raises(ModuleFailed, match="ec2:DescribeLaunchTemplates failed"):
        run_module(eks_nodegroup, **arguments)


def test_nodes_are_removed(nodes: dict, run_module: Run) -> None:
    address = {"cluster": NAME, "name": "workers", "state": "absent"}
    assert run_module(eks_nodegroup, **address)["changed"]
    assert groups() == []
    assert not run_module(eks_nodegroup, **address)["changed"]


def test_deleted_cluster_leaves_no_logs_interfaces_or_security_group(
    cluster: dict, subnets: list[str], run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EKS writes logs after its end, and keeps its security group if an interface of a node is left in it."""
    ec2, group = boto3.client("ec2"), described()["resourcesVpcConfig"]["clusterSecurityGroupId"]
    tags = [{"Key": "cluster.k8s.amazonaws.com/name", "Value": NAME}]
    interface = ec2.create_network_interface(
        SubnetId=subnets[0],
        Groups=[group],
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}],
    )["NetworkInterface"]["NetworkInterfaceId"]
    real, calls = botocore.client.BaseClient._make_api_call, []

    def call(self: Any, operation: str, given: dict[str, Any]) -> Any:
        calls.append(operation)
        if operation == "UpdateClusterConfig":
            assert [setup["enabled"] for setup in given["logging"]["clusterLogging"]] == [False]
        if operation == "DescribeSecurityGroups" and "DeleteSecurityGroup" not in calls:
            return {"SecurityGroups": [{"GroupId": group}]}
        if operation == "DeleteSecurityGroup" and calls.count(operation) == 1:
            raise ClientError({"Error": {"Code": "DependencyViolation", "Message": "in use"}}, operation)
        return real(self, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    assert run_module(eks_cluster, name=NAME, state="absent")["changed"]
    acts = [name for name in calls if name.startswith(("Delete", "Update"))]
    assert acts == [
        "UpdateClusterConfig",
        "DeleteNetworkInterface",
        "DeleteCluster",
        "DeleteSecurityGroup",
        "DeleteSecurityGroup",
    ]
    assert interface not in str(ec2.describe_network_interfaces())


# -- what belongs to a cluster -------------------------------------------------------------------

ADDONS = [{"name": "vpc-cni", "configuration": {"enableNetworkPolicy": "true"}}, {"name": "coredns"}]
ENTRIES = [
    {"principal_arn": ROLE.format("qa"), "groups": ["viewers"]},
    {"principal_arn": ROLE.format("provision"), "policies": ["AmazonEKSClusterAdminPolicy"]},
]
ASSOCIATIONS = [{"namespace": "shop", "service_account": "shop", "role_arn": ROLE.format("service")}]
SETS = [
    (eks_addons, {"addons": ADDONS}, "addons", "coredns"),
    (eks_access_entries, {"entries": ENTRIES}, "entries", ROLE.format("provision")),
    (eks_pod_identities, {"associations": ASSOCIATIONS}, "associations", "shop/shop"),
]
of_each_set = pytest.mark.parametrize(
    ("module", "what", "key", "last"), SETS, ids=["addons", "entries", "pods"]
)


@of_each_set
def test_check_mode_accepts_a_missing_cluster(
    rehearsed: str, run_module: Run, module: Any, what: dict, key: str, last: str
) -> None:
    assert run_module(module, check=True, cluster=NAME, tags=TAGS, **what)["changed"]
    assert not run_module(module, cluster=NAME, state="absent")["changed"]
    with pytest.raises(ModuleFailed, match=r"eks:Create\w+ failed"):
        run_module(module, cluster=NAME, tags=TAGS, **what)


@of_each_set
def test_set_is_created_kept_and_purged(
    cluster: dict, run_module: Run, module: Any, what: dict, key: str, last: str
) -> None:
    made = run_module(module, cluster=NAME, tags=TAGS, **what)
    assert made["changed"] and last in made[key]
    assert not run_module(module, cluster=NAME, tags=TAGS, **what)["changed"]
    fewer = {name: [one for one in entries if last not in one.values()] for name, entries in what.items()}
    fewer = {name: [] if key == "associations" else entries for name, entries in fewer.items()}
    reported = run_module(module, check=True, cluster=NAME, tags=TAGS, **fewer)["diff"]
    assert reported["before"][last] and not reported["after"][last]
    assert last not in run_module(module, cluster=NAME, tags=TAGS, **fewer).get(key, {})
    assert not run_module(module, cluster=NAME, tags=TAGS, **fewer)["changed"]


@of_each_set
def test_tags_of_a_set_are_corrected(
    cluster: dict, run_module: Run, module: Any, what: dict, key: str, last: str
) -> None:
    made = run_module(module, cluster=NAME, tags=TAGS, **what)[key][last]
    arn = next(
        value for name, value in made.items() if name in ("addonArn", "accessEntryArn", "associationArn")
    )
    boto3.client("eks").untag_resource(resourceArn=arn, tagKeys=["Environment"])
    boto3.client("eks").tag_resource(resourceArn=arn, tags={"stray": "yes"})
    corrected = run_module(module, cluster=NAME, tags=TAGS, **what)
    assert corrected["changed"] and corrected[key][last]["tags"] == TAGS


@of_each_set
def test_resources_of_others_are_unchanged(
    cluster: dict, run_module: Run, module: Any, what: dict, key: str, last: str
) -> None:
    run_module(module, cluster=NAME, tags={"ManagedBy": "somebody"}, **what)
    empty: dict[str, list] = {name: [] for name in what}
    assert not run_module(module, cluster=NAME, tags=TAGS, **empty)["changed"]
    assert not run_module(module, cluster=NAME, tags=TAGS, state="absent", **empty)["changed"]
    assert run_module(module, cluster=NAME, tags=TAGS, state="absent", **what)["changed"]


def test_addon_configuration_is_corrected(cluster: dict, run_module: Run) -> None:
    run_module(eks_addons, cluster=NAME, addons=ADDONS)
    boto3.client("eks").update_addon(clusterName=NAME, addonName="vpc-cni", configurationValues="{}")
    corrected = run_module(eks_addons, cluster=NAME, addons=ADDONS)
    assert corrected["diff"]["before"]["vpc-cni"]["configuration"] == {}
    assert corrected["addons"]["vpc-cni"]["configurationValues"] == '{"enableNetworkPolicy": "true"}'


def test_addon_without_version_follows_the_version_of_the_cluster(cluster: dict, run_module: Run) -> None:
    kube_proxy = [{"name": "kube-proxy"}]
    run_module(eks_addons, cluster=NAME, addons=kube_proxy)
    run_module(eks_cluster, **{**cluster, "version": "1.34"})
    reported = run_module(eks_addons, cluster=NAME, addons=kube_proxy)["diff"]
    assert reported["before"]["kube-proxy"]["version"].startswith("v1.33.")
    assert reported["after"]["kube-proxy"]["version"].startswith("v1.34.")
    assert not run_module(eks_addons, cluster=NAME, addons=kube_proxy)["changed"]


def test_community_addon_follows_the_version_of_the_cluster(cluster: dict, run_module: Run) -> None:
    """Of AWS's own add-ons alone, metrics-server would never be updated."""
    metrics = [{"name": "metrics-server"}]
    run_module(eks_addons, cluster=NAME, addons=[{"name": "metrics-server", "version": "v0.7.2-eksbuild.1"}])
    reported = run_module(eks_addons, cluster=NAME, addons=metrics)["diff"]
    assert reported["before"]["metrics-server"]["version"] == "v0.7.2-eksbuild.1"
    assert reported["after"]["metrics-server"]["version"].startswith("v0.8.")
    assert not run_module(eks_addons, cluster=NAME, addons=metrics)["changed"]


def test_failed_addon_is_reported_with_its_reason(cluster: dict, run_module: Run, monkeypatch: Any) -> None:
    read = eks_addons.EksAddons.read

    def failing(self: Any, key: str) -> Any:
        issues = [{"code": "ConfigurationConflict", "message": "held by another"}]
        found = read(self, key)
        return found and {**found, "status": "CREATE_FAILED", "health": {"issues": issues}}

    monkeypatch.setattr(eks_addons.EksAddons, "read", failing)
    with pytest.raises(
        ModuleFailed, match="coredns is CREATE_FAILED; ConfigurationConflict: held by another"
    ):
        run_module(eks_addons, cluster=NAME, addons=[{"name": "coredns"}])


def test_groups_and_policies_of_an_entry_are_corrected(cluster: dict, run_module: Run) -> None:
    run_module(eks_access_entries, cluster=NAME, entries=ENTRIES)
    eks, qa = boto3.client("eks"), {"clusterName": NAME, "principalArn": ROLE.format("qa")}
    eks.update_access_entry(kubernetesGroups=["system:masters"], **qa)
    eks.associate_access_policy(
        policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy",
        accessScope={"type": "cluster"},
        **qa,
    )
    reported = run_module(eks_access_entries, cluster=NAME, entries=ENTRIES)["diff"]["before"][
        ROLE.format("qa")
    ]
    assert (reported["groups"], reported["policies"]) == (["system:masters"], ["AmazonEKSAdminPolicy"])
    assert not run_module(eks_access_entries, cluster=NAME, entries=ENTRIES)["changed"]


def test_access_entry_of_a_recreated_role_is_replaced(cluster: dict, run_module: Run) -> None:
    """EKS keeps the role's unique id: another role by the same ARN does not get in."""
    iam, eks = boto3.client("iam"), boto3.client("eks")
    role = {"RoleName": "shop-staging-deploy", "Path": "/shop-staging/", "AssumeRolePolicyDocument": "{}"}
    arn = iam.create_role(**role)["Role"]["Arn"]
    entries = [{"principal_arn": arn, "groups": ["deployers"], "policies": ["AmazonEKSViewPolicy"]}]
    wanted = {"cluster": NAME, "entries": entries, "tags": TAGS}
    try:
        run_module(eks_access_entries, **wanted)
        assert not run_module(eks_access_entries, **wanted)["changed"]
        assert principals_that_may_enter() == [arn]

        iam.delete_role(RoleName="shop-staging-deploy")
        iam.create_role(**role)
        assert principals_that_may_enter() == []
        reported = run_module(eks_access_entries, check=True, **wanted)
        assert reported["changed"] and reported["diff"]["before"][arn]["older_than_principal"]
        eks.untag_resource(
            resourceArn=eks.describe_access_entry(clusterName=NAME, principalArn=arn)["accessEntry"][
                "accessEntryArn"
            ],
            tagKeys=["Environment"],
        )
        assert run_module(eks_access_entries, **wanted)["changed"]
        assert principals_that_may_enter() == [arn]
        assert not run_module(eks_access_entries, **wanted)["changed"]
    finally:
        iam.delete_role(RoleName="shop-staging-deploy")


def principals_that_may_enter() -> list[str]:
    """As the rehearsal's Kubernetes asks."""
    with _open(f"{os.environ['AWS_ENDPOINT_URL']}/rehearsal/clusters", timeout=5) as answer:
        clusters = json.load(answer)["clusters"]
    return [entry["principal"] for entry in clusters[0]["entries"]]


def test_role_of_a_pod_identity_is_changed_in_place(cluster: dict, run_module: Run) -> None:
    made = run_module(eks_pod_identities, cluster=NAME, associations=ASSOCIATIONS)["associations"][
        "shop/shop"
    ]
    other = [{**ASSOCIATIONS[0], "role_arn": ROLE.format("other")}]
    now = run_module(eks_pod_identities, cluster=NAME, associations=other)["associations"]["shop/shop"]
    assert (now["associationId"], now["roleArn"]) == (made["associationId"], ROLE.format("other"))


# -- nodes as targets ----------------------------------------------------------------------------


def test_nodes_are_registered_as_targets_and_deregistered(nodes: dict, run_module: Run) -> None:
    elb, vpc = boto3.client("elbv2"), boto3.client("ec2").describe_vpcs()["Vpcs"][-1]["VpcId"]
    arns = [
        elb.create_target_group(Name=f"shop-{slot}", Protocol="HTTP", Port=30080, VpcId=vpc)["TargetGroups"][
            0
        ]["TargetGroupArn"]
        for slot in ("blue", "green", "other")
    ]
    name = groups()[0]["AutoScalingGroupName"]
    attach = {"autoscaling_groups": [name], "target_group_arns": arns[:2]}
    boto3.client("autoscaling").attach_load_balancer_target_groups(
        AutoScalingGroupName=name, TargetGroupARNs=[arns[2]]
    )
    assert run_module(autoscaling_target_groups, check=True, **attach)["changed"]
    assert run_module(autoscaling_target_groups, **attach)["changed"]
    assert not run_module(autoscaling_target_groups, **attach)["changed"]
    assert len(elb.describe_target_health(TargetGroupArn=arns[0])["TargetHealthDescriptions"]) == 2
    assert groups()[0]["HealthCheckType"] == "EC2"

    boto3.client("autoscaling").detach_load_balancer_target_groups(
        AutoScalingGroupName=name, TargetGroupARNs=[arns[1]]
    )
    assert run_module(autoscaling_target_groups, **attach)["diff"]["before"] == {name: [arns[0]]}

    assert run_module(autoscaling_target_groups, **attach, state="absent")["changed"]
    assert not run_module(autoscaling_target_groups, **attach, state="absent")["changed"]
    assert groups()[0]["TargetGroupARNs"] == [arns[2]]


def test_targets_of_a_group_that_does_not_exist(rehearsed: str, run_module: Run) -> None:
    attach = {"autoscaling_groups": ["none"], "target_group_arns": ["arn:1"]}
    assert run_module(autoscaling_target_groups, check=True, **attach)["changed"]
    assert not run_module(autoscaling_target_groups, **attach, state="absent")["changed"]
    with pytest.raises(ModuleFailed, match="Auto Scaling group none not found"):
        run_module(autoscaling_target_groups, **attach)
