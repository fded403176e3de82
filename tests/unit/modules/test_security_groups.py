"""security_groups: groups that refer to each other, kept exactly as declared."""

from __future__ import annotations

import types

import boto3
import botocore.client
import pytest
from ansible_collections.teal.platform.plugins.module_utils import interfaces
from ansible_collections.teal.platform.plugins.modules import security_groups
from botocore.exceptions import ClientError
from support import ModuleFailed

GROUPS = [
    {
        "purpose": "load_balancer",
        "description": "Load balancer",
        "ingress": [{"peers": ["0.0.0.0/0"], "ports": ["80", "443"], "description": "The world"}],
        "egress": [{"peers": ["service"], "ports": ["30080-30081"]}],
    },
    {
        "purpose": "service",
        "description": "Service",
        "ingress": [{"peers": ["load_balancer"], "ports": ["30080-30081"]}],
    },
]
TAGS = {"Environment": "staging"}


@pytest.fixture
def ec2(aws):
    return boto3.client("ec2")


@pytest.fixture
def arguments(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    return {"vpc_id": vpc, "name": "shop", "groups": GROUPS, "tags": TAGS}


def rules(ec2, group):
    answer = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return {
        (
            "egress" if rule["IsEgress"] else "ingress",
            rule["FromPort"],
            rule["ToPort"],
            rule.get("CidrIpv4") or rule["ReferencedGroupInfo"]["GroupId"],
        )
        for rule in answer["SecurityGroupRules"]
    }


def test_rules_refer_to_groups_in_circles(ec2, arguments, run_module):
    ids = run_module(security_groups, **arguments)["group_ids"]
    assert rules(ec2, ids["load_balancer"]) == {
        ("ingress", 80, 80, "0.0.0.0/0"),
        ("ingress", 443, 443, "0.0.0.0/0"),
        ("egress", 30080, 30081, ids["service"]),
    }
    # the rule by which AWS lets a new group reach everything is gone
    assert rules(ec2, ids["service"]) == {("ingress", 30080, 30081, ids["load_balancer"])}


def test_names_and_tags(ec2, arguments, run_module):
    ids = run_module(security_groups, **arguments)["group_ids"]
    group = ec2.describe_security_groups(GroupIds=[ids["load_balancer"]])["SecurityGroups"][0]
    assert group["GroupName"] == "shop-load-balancer"
    assert {tag["Key"]: tag["Value"] for tag in group["Tags"]} == {
        "Environment": "staging",
        "Name": "shop-load-balancer",
        "Purpose": "load_balancer",
    }


def test_second_run_changes_nothing(arguments, run_module):
    assert run_module(security_groups, **arguments)["changed"]
    assert not run_module(security_groups, **arguments)["changed"]
    assert not run_module(security_groups, check=True, **arguments)["changed"]


def test_check_mode_makes_nothing(ec2, arguments, run_module):
    result = run_module(security_groups, check=True, **arguments)
    assert result["changed"]
    assert "ingress tcp 30080-30081 load_balancer" in str(result["diff"]["after"])
    inside = [{"Name": "vpc-id", "Values": [arguments["vpc_id"]]}]
    assert len(ec2.describe_security_groups(Filters=inside)["SecurityGroups"]) == 1  # the VPC's own


def test_drift_is_named_and_mended(ec2, arguments, run_module):
    ids = run_module(security_groups, **arguments)["group_ids"]
    world = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.authorize_security_group_ingress(GroupId=ids["service"], IpPermissions=world)
    https = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_ingress(GroupId=ids["load_balancer"], IpPermissions=https)
    before_run = rules(ec2, ids["service"])

    check = run_module(security_groups, check=True, **arguments)
    before, after = (check["diff"][side]["security groups"] for side in ("before", "after"))
    assert set(before["service"]["rules"]) - set(after["service"]["rules"]) == {"ingress tcp 22 0.0.0.0/0"}
    assert set(after["load_balancer"]["rules"]) - set(before["load_balancer"]["rules"]) == {
        "ingress tcp 443 0.0.0.0/0"
    }
    assert rules(ec2, ids["service"]) == before_run

    assert run_module(security_groups, **arguments)["changed"]
    assert rules(ec2, ids["service"]) == {("ingress", 30080, 30081, ids["load_balancer"])}
    assert ("ingress", 443, 443, "0.0.0.0/0") in rules(ec2, ids["load_balancer"])


def test_a_group_that_is_not_declared_any_more_goes(ec2, arguments, run_module):
    run_module(security_groups, **arguments)
    alone = [{**GROUPS[0], "egress": []}]
    ids = run_module(security_groups, **{**arguments, "groups": alone})["group_ids"]
    assert list(ids) == ["load_balancer"]
    named = [{"Name": "group-name", "Values": ["shop-service"]}]
    assert ec2.describe_security_groups(Filters=named)["SecurityGroups"] == []


def test_absent_strips_references_before_it_deletes(ec2, arguments, run_module, monkeypatch):
    ids = run_module(security_groups, **arguments)["group_ids"]
    calls = []
    original = security_groups.SecurityGroups.delete_one

    def watched(self, key, found):
        calls.append(
            (key, {peer for group in ids.values() for *_rest, peer in rules(ec2, group)} & {*ids.values()})
        )
        monkeypatch.setattr(security_groups.SecurityGroups, "delete_one", original)
        original(self, key, found)

    monkeypatch.setattr(security_groups.SecurityGroups, "delete_one", watched)
    gone = {**arguments, "state": "absent"}
    assert run_module(security_groups, **gone)["changed"]
    assert calls[0][1] == set(), "a group was deleted while a rule still referred to one"
    assert not run_module(security_groups, **gone)["changed"]


def interface(ec2, vpc, group, **more):
    """Return the id of a network interface in the group."""
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"])
    made = ec2.create_network_interface(SubnetId=subnet["Subnet"]["SubnetId"], Groups=[group], **more)
    return made["NetworkInterface"]["NetworkInterfaceId"]


def test_interfaces_that_nodes_left_go_with_the_groups(ec2, arguments, run_module, monkeypatch):
    """The VPC CNI does not delete what it detached just before its node ended; AWS then keeps the group."""
    ids = run_module(security_groups, **arguments)["group_ids"]
    tags = {"cluster.k8s.amazonaws.com/name": "shop", "node.k8s.amazonaws.com/instance_id": "i-1"}
    left = [{"ResourceType": "network-interface", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}]
    mine = interface(ec2, arguments["vpc_id"], ids["service"], TagSpecifications=left)
    real = botocore.client.BaseClient._make_api_call

    def call(self, operation, given):
        if operation == "DeleteSecurityGroup":
            inside = [{"Name": "group-id", "Values": [given["GroupId"]]}]
            if ec2.describe_network_interfaces(Filters=inside)["NetworkInterfaces"]:
                error = {"Code": "DependencyViolation", "Message": "resource has a dependent object"}
                raise ClientError({"Error": error}, operation)
        return real(self, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    assert run_module(security_groups, **{**arguments, "state": "absent", "wait_timeout": 0})["changed"]
    assert mine not in str(ec2.describe_network_interfaces())
    # What nobody says is a node's is somebody's.
    ids = run_module(security_groups, **arguments)["group_ids"]
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    interface(ec2, vpc, ids["service"])
    with pytest.raises(ModuleFailed, match="ec2:DeleteSecurityGroup failed for security group 'service'"):
        run_module(security_groups, **{**arguments, "state": "absent", "wait_timeout": 0})


def test_interfaces_of_functions_are_waited_for(ec2, arguments, run_module, monkeypatch):
    ids = run_module(security_groups, **arguments)["group_ids"]
    real, asked = botocore.client.BaseClient._make_api_call, []

    def call(self, operation, given):
        if operation != "DescribeNetworkInterfaces" or given["Filters"][0]["Values"] != [ids["service"]]:
            return real(self, operation, given)
        asked.append(1)
        lambdas = {"NetworkInterfaceId": "eni-f", "InterfaceType": "lambda", "Status": "in-use"}
        return {"NetworkInterfaces": [lambdas] if len(asked) < stays else []}

    now = [0.0]
    clock = types.SimpleNamespace(
        monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds)
    )
    monkeypatch.setattr(interfaces, "time", clock)
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    stays = 10**6
    with pytest.raises(
        ModuleFailed, match=r"still used by interfaces of Lambda: eni-f.*by the rights of its role"
    ):
        run_module(security_groups, **{**arguments, "state": "absent"})
    assert 2700 < now[0] < 2750
    asked.clear()
    stays = 120
    assert run_module(security_groups, **{**arguments, "state": "absent"})["changed"]
    assert len(asked) == 120


def test_what_eks_left_goes_with_the_network(ec2, arguments, run_module):
    """Its module has no cluster to ask for it any more, if a run died just after the cluster had gone."""
    ids = {}
    for cluster in ("shop", "shop-2"):
        tags = [
            {"ResourceType": "security-group", "Tags": [{"Key": "aws:eks:cluster-name", "Value": cluster}]}
        ]
        ids[cluster] = ec2.create_security_group(
            GroupName=f"eks-cluster-sg-{cluster}-1",
            Description="EKS",
            VpcId=arguments["vpc_id"],
            TagSpecifications=tags,
        )["GroupId"]
    given = {**arguments, "name": "shop"}
    run_module(security_groups, **given)
    assert not run_module(security_groups, **given)["changed"]
    assert ids["shop"] in str(ec2.describe_security_groups())
    for _ in range(2):
        run_module(security_groups, **{**given, "state": "absent"})
        told = str(ec2.describe_security_groups())
        assert (ids["shop"] in told, ids["shop-2"] in told) == (False, True)
    assert not run_module(security_groups, **{**given, "state": "absent"})["changed"]


def test_groups_of_others_are_left_alone(ec2, arguments, run_module):
    other = ec2.create_security_group(GroupName="eks", Description="eks", VpcId=arguments["vpc_id"])[
        "GroupId"
    ]
    run_module(security_groups, **arguments)
    run_module(security_groups, **{**arguments, "state": "absent"})
    assert ec2.describe_security_groups(GroupIds=[other])["SecurityGroups"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"peers": ["servce"], "ports": ["80"]}, "'servce' is neither a range"),
        ({"peers": ["10.0.0.0/33"], "ports": ["80"]}, "'10.0.0.0/33' is neither a range"),
        ({"peers": ["service"], "ports": ["http"]}, "'http' is no port"),
        ({"peers": ["service"], "ports": ["81-80"]}, "'81-80' is no port"),
        ({"peers": ["service"], "ports": ["80"], "description": "it's"}, "does not take the description"),
    ],
)
def test_wrong_rules_are_refused_before_anything_is_made(ec2, arguments, run_module, rule, message):
    groups = [*GROUPS, {"purpose": "x", "description": "x", "ingress": [rule]}]
    with pytest.raises(ModuleFailed, match=message):
        run_module(security_groups, **{**arguments, "groups": groups})
    inside = [{"Name": "vpc-id", "Values": [arguments["vpc_id"]]}]
    assert len(ec2.describe_security_groups(Filters=inside)["SecurityGroups"]) == 1
