"""component_info finds components by tag or conventional name, and says what is missing."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.teal.platform.plugins.module_utils.components import COMPONENTS
from ansible_collections.teal.platform.plugins.modules import component_info
from support import ModuleFailed

WHO = {"environment": "staging", "application": "assistant"}


def tag_list(component: str, **more: str) -> list[dict]:
    tags = {"Environment": "staging", "Application": "assistant", "Component": component, **more}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@pytest.fixture
def network(aws):
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=tag_list("network"))
    subnets = {}
    for tier, zone, cidr in [
        ("public", "b", "10.2.1.0/24"),
        ("public", "a", "10.2.0.0/24"),
        ("private", "a", "10.2.2.0/24"),
    ]:
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"ap-northeast-2{zone}")[
            "Subnet"
        ]
        ec2.create_tags(Resources=[subnet["SubnetId"]], Tags=tag_list("network", Tier=tier))
        subnets[tier, zone] = subnet["SubnetId"]
    group = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
    ec2.create_tags(Resources=[group], Tags=tag_list("network", Purpose="database"))
    return {"vpc": vpc, "subnets": subnets, "group": group}


def test_network_by_tier_sorted_by_zone(network, run_module):
    found = run_module(component_info, **WHO, components=["network"])["components"]["network"]
    subnets = network["subnets"]
    assert found["found"] and not found["planned"]
    assert found["vpc_id"] == network["vpc"]
    assert found["subnet_ids"] == {
        "public": [subnets["public", "a"], subnets["public", "b"]],
        "private": [subnets["private", "a"]],
    }
    assert found["subnets"]["private"] == [
        {"id": subnets["private", "a"], "az": "ap-northeast-2a", "cidr": "10.2.2.0/24"}
    ]
    assert found["security_groups"] == {"database": network["group"]}


def test_network_of_another_environment_is_not_found(network, run_module):
    with pytest.raises(ModuleFailed):
        run_module(component_info, environment="test", application="assistant", components=["network"])


def test_two_networks_with_the_same_tags_are_refused(network, run_module):
    ec2 = boto3.client("ec2")
    second = ec2.create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[second], Tags=tag_list("network"))
    with pytest.raises(ModuleFailed, match="2 VPCs"):
        run_module(component_info, **WHO, components=["network"])


def test_all_missing_components_are_reported_with_their_commands(aws, run_module):
    with pytest.raises(ModuleFailed) as failed:
        run_module(component_info, **WHO, components=["network", "cluster", "load_balancer"])
    message = failed.value.result["msg"]
    for part in ("'staging'", "123456789012", "ap-northeast-2"):
        assert part in message
    for component in ("network", "cluster", "load_balancer"):
        assert (
            f"ansible-playbook playbooks/provision.yml -i inventories/staging --limit {component}" in message
        )


def test_missing_optional_component_is_no_error(aws, run_module):
    found = run_module(component_info, **WHO, components=COMPONENTS, required=False)["components"]
    assert found == {name: {"found": False, "planned": False} for name in COMPONENTS}


def test_check_mode_returns_placeholders(aws, run_module):
    found = run_module(component_info, check=True, **WHO, components=COMPONENTS)["components"]
    assert all(entry["planned"] and not entry["found"] for entry in found.values())


def test_placeholders_have_the_keys_of_real_results(network, run_module):
    """What a role reads in check mode before the first run exists after it as well."""
    boto3.client("ecr").create_repository(repositoryName="assistant")
    boto3.client("dynamodb").create_table(
        TableName="assistant-staging-releases",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    ec2 = boto3.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    for component in ("bastion", "instance"):
        ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tag_list(component, Slot="blue")}],
        )
    boto3.client("iam").create_role(
        Path="/assistant-staging/", RoleName="assistant-staging-nodes", AssumeRolePolicyDocument="{}"
    )
    tags = {tag["Key"]: tag["Value"] for tag in tag_list("functions")}
    boto3.client("apigatewayv2").create_api(Name="assistant-staging", ProtocolType="HTTP", Tags=tags)
    subnets = [network["subnets"]["public", zone] for zone in "ab"]
    boto3.client("eks").create_cluster(
        name="assistant-staging",
        roleArn="arn:aws:iam::123456789012:role/assistant-staging-cluster",
        resourcesVpcConfig={"subnetIds": subnets},
    )
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier="assistant-staging",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="master",
        ManageMasterUserPassword=True,
        AllocatedStorage=20,
    )
    elb = boto3.client("elbv2")
    balancer = elb.create_load_balancer(Name="assistant-staging", Subnets=subnets)["LoadBalancers"][0]
    groups = [
        elb.create_target_group(
            Name=f"assistant-staging-{slot}", Protocol="HTTP", Port=port, VpcId=network["vpc"]
        )["TargetGroups"][0]["TargetGroupArn"]
        for slot, port in (("blue", 30080), ("green", 30081))
    ]
    certificate = boto3.client("acm").request_certificate(DomainName="a.example.com")["CertificateArn"]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )["Listeners"][0]["ListenerArn"]
    forward = [
        {"TargetGroupArn": group, "Weight": weight} for group, weight in zip(groups, (40, 60), strict=True)
    ]
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=100,
        Conditions=[{"Field": "path-pattern", "Values": ["*"]}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": forward}}],
    )["Rules"][0]["RuleArn"]

    real = run_module(component_info, **WHO, components=COMPONENTS)["components"]
    planned = run_module(
        component_info, check=True, environment="void", application="void", components=COMPONENTS
    )["components"]
    assert {name: entry["planned"] for name, entry in real.items()} == dict.fromkeys(COMPONENTS, False)
    for name in COMPONENTS:
        assert real[name].keys() == planned[name].keys(), name
    assert real["load_balancer"]["slot_rule_arn"] == rule
    assert real["load_balancer"]["weights"] == {"blue": 40, "green": 60}
    assert real["load_balancer"]["target_groups"]["green"]["port"] == 30081
    assert real["identity"]["roles"].keys() == {"nodes"}
    assert real["bastion"]["slot"] == "blue"
