"""The network and the load balancer."""

from __future__ import annotations

import functools
from typing import Any

from tests.unit.drift import world
from tests.unit.drift.harness import Case, aws

CREATED = "AWS cannot change it after creation; the module says so"


@functools.cache
def own_vpc() -> str:
    return aws("ec2").create_vpc(CidrBlock="10.78.0.0/16")["Vpc"]["VpcId"]


def listed(operation: str, kind: str, name: str, where: str = "vpc-id") -> dict[str, Any]:
    filters = [{"Name": where, "Values": [own_vpc()]}, {"Name": "tag:Name", "Values": [name]}]
    return getattr(aws("ec2"), operation)(Filters=filters)[kind][0]


def subnet(name: str) -> str:
    return listed("describe_subnets", "Subnets", name)["SubnetId"]


def main_table() -> str:
    inside = [{"Name": "vpc-id", "Values": [own_vpc()]}]
    return aws("ec2").describe_route_tables(Filters=inside)["RouteTables"][0]["RouteTableId"]


@functools.cache
def own_subnet() -> str:
    return aws("ec2").create_subnet(VpcId=own_vpc(), CidrBlock="10.78.8.0/24")["Subnet"]["SubnetId"]


@functools.cache
def address() -> str:
    return aws("ec2").allocate_address(Domain="vpc")["AllocationId"]


def untag(identifier: str) -> None:
    aws("ec2").delete_tags(Resources=[identifier], Tags=[{"Key": "ManagedBy"}])


def gateway() -> str:
    return listed("describe_internet_gateways", "InternetGateways", "drift", "attachment.vpc-id")[
        "InternetGatewayId"
    ]


def nat() -> str:
    which = [{"Name": "vpc-id", "Values": [own_vpc()]}, {"Name": "state", "Values": ["available"]}]
    return aws("ec2").describe_nat_gateways(Filter=which)["NatGateways"][0]["NatGatewayId"]


def endpoint() -> dict[str, Any]:
    which = [{"Name": "vpc-id", "Values": [own_vpc()]}]
    return aws("ec2").describe_vpc_endpoints(Filters=which)["VpcEndpoints"][0]


def security_group(purpose: str) -> dict[str, Any]:
    filters = [{"Name": "tag:Name", "Values": [f"drift-{purpose}"]}]
    return aws("ec2").describe_security_groups(Filters=filters)["SecurityGroups"][0]


def open_port(direction: str) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    identifier = security_group("service")["GroupId"]
    getattr(aws("ec2"), f"authorize_security_group_{direction}")(GroupId=identifier, IpPermissions=[rule])


def balancer(name: str = "drift") -> dict[str, str]:
    found = aws("elbv2").describe_load_balancers(Names=[name])["LoadBalancers"][0]
    return {"LoadBalancerArn": found["LoadBalancerArn"]}


@functools.cache
def balancer_for_slots() -> str:
    """Create a load balancer and its listeners, as amazon.aws.elb_application_lb does; return its name."""
    elb, name = aws("elbv2"), "drift-slots"
    made = elb.create_load_balancer(Name=name, Subnets=world.subnets()[:2])["LoadBalancers"][0]
    tls = {"Certificates": [{"CertificateArn": world.certificate("drift.example.com")}]}
    for port, protocol, more in ((80, "HTTP", {}), (443, "HTTPS", tls)):
        arguments = {"Port": port, "Protocol": protocol, "DefaultActions": [answers("503")], **more}
        elb.create_listener(LoadBalancerArn=made["LoadBalancerArn"], **arguments)
    return name


def attribute(key: str, value: str) -> None:
    attributes = [{"Key": key, "Value": value}]
    aws("elbv2").modify_load_balancer_attributes(**balancer(), Attributes=attributes)


def target_group() -> dict[str, str]:
    found = aws("elbv2").describe_target_groups(Names=["drift-slots-blue"])["TargetGroups"][0]
    return {"TargetGroupArn": found["TargetGroupArn"]}


def health(**change: Any) -> None:
    aws("elbv2").modify_target_group(**target_group(), **change)


def group_attribute(key: str, value: str) -> None:
    attributes = [{"Key": key, "Value": value}]
    aws("elbv2").modify_target_group_attributes(**target_group(), Attributes=attributes)


def listener(port: int = 443, name: str = "drift") -> dict[str, str]:
    found = aws("elbv2").describe_listeners(**balancer(name))["Listeners"]
    return {"ListenerArn": next(one["ListenerArn"] for one in found if one["Port"] == port)}


def rule() -> dict[str, Any]:
    rules = aws("elbv2").describe_rules(**listener(name="drift-slots"))["Rules"]
    return next(one for one in rules if not one["IsDefault"])


def elb_untag(arn: str) -> None:
    aws("elbv2").remove_tags(ResourceArns=[arn], TagKeys=["ManagedBy"])


def only_blue() -> None:
    action = {"Type": "forward", "TargetGroupArn": target_group()["TargetGroupArn"]}
    aws("elbv2").modify_rule(RuleArn=rule()["RuleArn"], Actions=[action])


def answers(status: str) -> dict[str, Any]:
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status}}


def change_vpc(**change: Any) -> None:
    found = aws("ec2").describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.79.0.0/16"]}])["Vpcs"][0]
    aws("ec2").modify_vpc_attribute(VpcId=found["VpcId"], **change)


CASES = {
    "amazon.aws.ec2_vpc_net": Case(
        arguments=lambda: {
            "name": "drift-net",
            "cidr_block": "10.79.0.0/16",
            "dns_support": True,
            "dns_hostnames": True,
            "tags": world.TAGS,
        },
        rows={
            "ModifyVpcAttribute.EnableDnsHostnames.Value": lambda: change_vpc(
                EnableDnsHostnames={"Value": False}
            ),
            "CreateVpc.TagSpecifications": lambda: untag(
                aws("ec2").describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.79.0.0/16"]}])["Vpcs"][0][
                    "VpcId"
                ]
            ),
        },
        fixed={
            "CreateVpc.CidrBlock": "AWS cannot change it after creation; the role network refuses another",
            "CreateVpc.InstanceTenancy": "it counts at creation",
        },
    ),
    "amazon.aws.ec2_vpc_subnet": Case(
        arguments=lambda: {
            "vpc_id": own_vpc(),
            "az": "ap-northeast-2a",
            "cidr": "10.78.9.0/24",
            "map_public": True,
            "tags": {**world.TAGS, "Name": "drift-public-a"},
        },
        rows={
            "CreateSubnet.TagSpecifications": lambda: untag(subnet("drift-public-a")),
            "ModifySubnetAttribute.MapPublicIpOnLaunch.Value": lambda: aws("ec2").modify_subnet_attribute(
                SubnetId=subnet("drift-public-a"), MapPublicIpOnLaunch={"Value": False}
            ),
        },
        fixed={
            "CreateSubnet.AvailabilityZone": "AWS cannot change it; the role network refuses another",
            "CreateSubnet.CidrBlock": "AWS cannot change it; the role network refuses another",
            "ModifySubnetAttribute.SubnetId": "it names the subnet",
        },
    ),
    "amazon.aws.ec2_vpc_igw": Case(
        arguments=lambda: {"vpc_id": own_vpc(), "tags": {**world.TAGS, "Name": "drift"}},
        rows={"CreateInternetGateway.TagSpecifications": lambda: untag(gateway())},
        fixed={
            "AttachInternetGateway": "test_network.py: the role looks for one that is attached to nothing"
        },
    ),
    "amazon.aws.ec2_vpc_nat_gateway": Case(
        arguments=lambda: {
            "subnet_id": own_subnet(),
            "allocation_id": address(),
            "tags": {**world.TAGS, "Name": "drift-nat-a"},
        },
        rows={"CreateNatGateway.TagSpecifications": lambda: untag(nat())},
        fixed={
            "CreateNatGateway.AllocationId": "AWS cannot change it; the role passes the one that the gateway has",
            "CreateNatGateway.ConnectivityType": "it is always public",
            "CreateNatGateway.SubnetId": "AWS cannot change it; the role network refuses another",
        },
    ),
    "amazon.aws.ec2_vpc_endpoint": Case(
        arguments=lambda: {
            "vpc_id": own_vpc(),
            "service": "com.amazonaws.ap-northeast-2.s3",
            "route_table_ids": [main_table()],
            "tags": {**world.TAGS, "Name": "drift-s3"},
        },
        rows={"CreateVpcEndpoint.TagSpecifications": lambda: untag(endpoint()["VpcEndpointId"])},
        fixed={
            "CreateVpcEndpoint.RouteTableIds": "test_network.py: the role creates another one for a table that has none",
            "CreateVpcEndpoint.ServiceName": "AWS cannot change it after creation",
            "CreateVpcEndpoint.VpcEndpointType": "AWS cannot change it after creation",
        },
    ),
    "amazon.aws.ec2_security_group": Case(
        arguments=lambda: {
            "vpc_id": world.vpc(),
            "name": "drift-service",
            "description": "Service",
            "rules": [
                {"group_id": [world.group("drift-peer")], "ports": ["8080"], "rule_desc": "The slots"},
                {"cidr_ip": ["10.0.0.0/8"], "ports": ["443"]},
            ],
            "rules_egress": [{"cidr_ip": ["0.0.0.0/0"], "ports": ["443"], "rule_desc": "AWS"}],
            "tags": {**world.TAGS, "Name": "drift-service"},
        },
        rows={
            "AuthorizeSecurityGroupIngress.IpPermissions": lambda: open_port("ingress"),
            "AuthorizeSecurityGroupEgress.IpPermissions": lambda: open_port("egress"),
            "RevokeSecurityGroupEgress.IpPermissions": lambda: aws("ec2").authorize_security_group_egress(
                GroupId=security_group("service")["GroupId"],
                IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
            ),
            "CreateSecurityGroup.TagSpecifications": lambda: untag(security_group("service")["GroupId"]),
        },
        fixed={
            "CreateSecurityGroup.Description": "AWS cannot change it after creation; the role network refuses another"
        },
    ),
    "teal.platform.vpc_flow_log": Case(
        arguments=lambda: {
            "vpc_id": world.vpc(),
            "name": "drift",
            "bucket_arn": world.bucket("drift-logs"),
            "tags": world.TAGS,
        },
        rows={
            "CreateFlowLogs.TagSpecifications": lambda: untag(
                aws("ec2").describe_flow_logs()["FlowLogs"][0]["FlowLogId"]
            )
        },
        fixed={
            f"CreateFlowLogs.{member}": "AWS cannot change it after creation"
            for member in (
                "ResourceIds",
                "ResourceType",
                "TrafficType",
                "LogDestination",
                "LogDestinationType",
            )
        },
    ),
    "amazon.aws.elb_application_lb": Case(
        arguments=lambda: {
            "name": "drift",
            "subnets": world.subnets()[:2],
            "security_groups": [world.group("drift-balancer")],
            "idle_timeout": 120,
            "deletion_protection": True,
            "http_drop_invalid_header_fields": True,
            "access_logs_enabled": True,
            "access_logs_s3_bucket": "logs",
            "tags": world.TAGS,
            "listeners": [
                {"Protocol": "HTTP", "Port": 80, "DefaultActions": [answers("503")]},
                {
                    "Protocol": "HTTPS",
                    "Port": 443,
                    "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                    "Certificates": [{"CertificateArn": world.certificate("drift.example.com")}],
                    "DefaultActions": [answers("503")],
                },
            ],
        },
        rows={
            "CreateListener.Certificates": lambda: aws("elbv2").modify_listener(
                **listener(), Certificates=[{"CertificateArn": world.certificate("other.example.com")}]
            ),
            "CreateListener.DefaultActions": lambda: aws("elbv2").modify_listener(
                **listener(), DefaultActions=[answers("200")]
            ),
            "CreateListener.Port": lambda: aws("elbv2").delete_listener(**listener(80)),
            "CreateListener.Protocol": lambda: aws("elbv2").modify_listener(
                **listener(80), DefaultActions=[answers("200")]
            ),
            "CreateListener.SslPolicy": lambda: aws("elbv2").modify_listener(
                **listener(), SslPolicy="ELBSecurityPolicy-2016-08"
            ),
            "CreateLoadBalancer.SecurityGroups": lambda: aws("elbv2").set_security_groups(
                **balancer(), SecurityGroups=[world.group("drift-other")]
            ),
            "CreateLoadBalancer.Subnets": lambda: aws("elbv2").set_subnets(
                **balancer(), Subnets=world.subnets()
            ),
            "CreateLoadBalancer.Tags": lambda: elb_untag(balancer()["LoadBalancerArn"]),
            "ModifyLoadBalancerAttributes.access_logs.s3.bucket": lambda: attribute(
                "access_logs.s3.bucket", "other"
            ),
            "ModifyLoadBalancerAttributes.access_logs.s3.enabled": lambda: attribute(
                "access_logs.s3.enabled", "false"
            ),
            "ModifyLoadBalancerAttributes.deletion_protection.enabled": lambda: attribute(
                "deletion_protection.enabled", "false"
            ),
            "ModifyLoadBalancerAttributes.idle_timeout.timeout_seconds": lambda: attribute(
                "idle_timeout.timeout_seconds", "4000"
            ),
            "ModifyLoadBalancerAttributes.routing.http.drop_invalid_header_fields.enabled": lambda: attribute(
                "routing.http.drop_invalid_header_fields.enabled", "false"
            ),
        },
        fixed={
            "CreateLoadBalancer.Scheme": "AWS cannot change it after creation; the role says so",
            "CreateLoadBalancer.Type": "AWS cannot change it after creation; the role says so",
        },
    ),
    "teal.platform.load_balancer_slots": Case(
        arguments=lambda: {"name": balancer_for_slots(), "vpc_id": world.vpc(), "tags": world.TAGS},
        rows={
            "AddTags": lambda: elb_untag(listener(80, "drift-slots")["ListenerArn"]),
            "CreateRule.Actions": only_blue,
            "CreateRule.Conditions": lambda: aws("elbv2").modify_rule(
                RuleArn=rule()["RuleArn"],
                Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}],
            ),
            "CreateRule.Priority": lambda: aws("elbv2").set_rule_priorities(
                RulePriorities=[{"RuleArn": rule()["RuleArn"], "Priority": 7}]
            ),
            "CreateRule.Tags": lambda: elb_untag(rule()["RuleArn"]),
            "CreateTargetGroup.HealthCheckIntervalSeconds": lambda: health(HealthCheckIntervalSeconds=60),
            "CreateTargetGroup.HealthCheckPath": lambda: health(HealthCheckPath="/other"),
            "CreateTargetGroup.HealthCheckPort": lambda: health(HealthCheckPort="9999"),
            "CreateTargetGroup.HealthCheckProtocol": lambda: health(HealthCheckProtocol="HTTPS"),
            "CreateTargetGroup.HealthCheckTimeoutSeconds": lambda: health(HealthCheckTimeoutSeconds=4),
            "CreateTargetGroup.HealthyThresholdCount": lambda: health(HealthyThresholdCount=9),
            "CreateTargetGroup.UnhealthyThresholdCount": lambda: health(UnhealthyThresholdCount=9),
            "CreateTargetGroup.Matcher.HttpCode": lambda: health(Matcher={"HttpCode": "200-499"}),
            "CreateTargetGroup.Tags": lambda: elb_untag(target_group()["TargetGroupArn"]),
            "ModifyTargetGroupAttributes.deregistration_delay.timeout_seconds": lambda: group_attribute(
                "deregistration_delay.timeout_seconds", "0"
            ),
            "ModifyTargetGroupAttributes.load_balancing.algorithm.type": lambda: group_attribute(
                "load_balancing.algorithm.type", "round_robin"
            ),
            "ModifyTargetGroupAttributes.stickiness.enabled": lambda: group_attribute(
                "stickiness.enabled", "true"
            ),
        },
        fixed={
            "CreateTargetGroup.HealthCheckEnabled": "instances are always checked",
            "CreateTargetGroup.Port": CREATED,
            "CreateTargetGroup.Protocol": CREATED,
            "CreateTargetGroup.TargetType": CREATED,
        },
    ),
}
