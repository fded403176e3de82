"""AWS resources for the tests, created by boto3."""

from __future__ import annotations

import json
import secrets
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/rehearsal"


def name() -> str:
    """Return a unique name."""
    return f"t-{secrets.token_hex(4)}"


def network(cloud: Any) -> tuple[str, list[str]]:
    """Create a VPC with two subnets; return their ids."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"ap-northeast-2{zone}")
        for n, zone in enumerate("ab")
    ]
    return vpc, [subnet["Subnet"]["SubnetId"] for subnet in subnets]


def cluster(cloud: Any, **more: Any) -> tuple[str, list[str]]:
    """Create an EKS cluster; return its name and subnets."""
    _, subnets = network(cloud)
    cluster = name()
    config = {"subnetIds": subnets}
    cloud.client("eks").create_cluster(name=cluster, roleArn=ROLE, resourcesVpcConfig=config, **more)
    return cluster, subnets


def nodegroup(cloud: Any, **more: Any) -> tuple[str, str]:
    """Create a node group with two nodes; return the names of the cluster and of the group."""
    cluster_name, subnets = cluster(cloud)
    own = name()
    cloud.client("eks").create_nodegroup(
        clusterName=cluster_name,
        nodegroupName=own,
        nodeRole=ROLE,
        subnets=subnets,
        scalingConfig={"minSize": 2, "maxSize": 4, "desiredSize": 2},
        **more,
    )
    return cluster_name, own


def target_group(cloud: Any, vpc: str, port: int = 30080) -> str:
    """Create a target group for instances; return its ARN."""
    made = cloud.client("elbv2").create_target_group(Name=name(), Protocol="HTTP", Port=port, VpcId=vpc)
    return made["TargetGroups"][0]["TargetGroupArn"]


def load_balancer(cloud: Any, **more: Any) -> dict[str, Any]:
    """Create an ALB; return its description."""
    _, subnets = network(cloud)
    made = cloud.client("elbv2").create_load_balancer(Name=name(), Subnets=subnets, **more)
    return made["LoadBalancers"][0]


def launch_template(cloud: Any, **data: Any) -> str:
    """Create a launch template; return its name."""
    template = name()
    cloud.client("ec2").create_launch_template(
        LaunchTemplateName=template,
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.micro", **data},
    )
    return template


def group(cloud: Any, subnets: list[str], size: int = 2, **more: Any) -> str:
    """Create an Auto Scaling group; return its name."""
    own = name()
    cloud.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=own,
        LaunchTemplate={"LaunchTemplateName": launch_template(cloud)},
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=size,
        VPCZoneIdentifier=",".join(subnets),
        **more,
    )
    return own


def instances(cloud: Any, group_name: str) -> list[dict[str, Any]]:
    """Return the instances of an Auto Scaling group."""
    groups = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group_name])
    return groups["AutoScalingGroups"][0]["Instances"]


def targets(cloud: Any, arn: str) -> set[str]:
    """Return the registered targets of a target group, without draining ones."""
    health = cloud.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {h["Target"]["Id"] for h in health if h["TargetHealth"]["State"] != "draining"}


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
