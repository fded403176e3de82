"""Lists all resources of an AWS account with boto3: `python -m tests.account` prints a line for each resource.

All resources of each service are listed, whatever their tags and names. Resources that every account has (the default
network, AWS's own roles and keys) are omitted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import jmespath

#: Generated parts of names, which differ between accounts.
MADE_UP = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=-)[0-9a-f]{8,17}\b|_[0-9a-f]{32}")


class Kind(NamedTuple):
    """How to list all resources of one kind."""

    service: str
    made_by: str
    operation: str
    #: JMESPath of the resources in an answer
    objects: str
    #: key that identifies a resource; its tag Name takes precedence
    name: str
    #: the operation that lists the parents, and the arguments for one parent
    within: tuple[str, Callable[[Any], dict[str, Any]]] | None = None


CLUSTER = ("list_clusters", lambda cluster: {"clusterName": cluster})
API = ("get_apis", lambda api: {"ApiId": api["ApiId"]})
BALANCER = ("describe_load_balancers", lambda balancer: {"LoadBalancerArn": balancer["LoadBalancerArn"]})
LISTENER = ("describe_listeners", lambda listener: {"ListenerArn": listener["ListenerArn"]})
GROUP = (
    "describe_security_groups",
    lambda group: {"Filters": [{"Name": "group-id", "Values": [group["GroupId"]]}]},
)
RULE = "SecurityGroupRules[].join(' ', [IpProtocol, to_string(FromPort), to_string(ToPort), to_string(IsEgress)])"

KINDS = (
    Kind("acm", "RequestCertificate", "list_certificates", "CertificateSummaryList", "DomainName"),
    Kind("apigatewayv2", "CreateApi", "get_apis", "Items", "Name"),
    Kind("apigatewayv2", "CreateIntegration", "get_integrations", "Items", "IntegrationUri", API),
    Kind("apigatewayv2", "CreateRoute", "get_routes", "Items", "RouteKey", API),
    Kind("apigatewayv2", "CreateStage", "get_stages", "Items", "StageName", API),
    Kind("cloudwatch", "PutMetricAlarm", "describe_alarms", "MetricAlarms", "AlarmName"),
    Kind("dynamodb", "CreateTable", "list_tables", "TableNames", ""),
    Kind("ec2", "AllocateAddress", "describe_addresses", "Addresses", "AllocationId"),
    Kind("ec2", "CreateFlowLogs", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    Kind("ec2", "CreateInternetGateway", "describe_internet_gateways", "InternetGateways", ""),
    Kind("ec2", "CreateLaunchTemplate", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
    Kind("ec2", "CreateNatGateway", "describe_nat_gateways", "NatGateways[?State!='deleted']", ""),
    Kind("ec2", "CreateRouteTable", "describe_route_tables", "RouteTables[?!(Associations[?Main])]", ""),
    Kind(
        "ec2",
        "CreateSecurityGroup",
        "describe_security_groups",
        "SecurityGroups[?GroupName!='default']",
        "GroupName",
    ),
    Kind("ec2", "AuthorizeSecurityGroupIngress", "describe_security_group_rules", RULE, "", GROUP),
    Kind("ec2", "CreateSubnet", "describe_subnets", "Subnets[?!DefaultForAz]", "CidrBlock"),
    Kind("ec2", "CreateVpc", "describe_vpcs", "Vpcs[?!IsDefault]", "CidrBlock"),
    Kind(
        "ec2", "CreateVpcEndpoint", "describe_vpc_endpoints", "VpcEndpoints[?State!='deleted']", "ServiceName"
    ),
    Kind(
        "ec2",
        "RunInstances",
        "describe_instances",
        "Reservations[].Instances[] | [?State.Name!='terminated']",
        "InstanceType",
    ),
    Kind("ecr", "CreateRepository", "describe_repositories", "repositories", "repositoryName"),
    Kind("eks", "CreateCluster", "list_clusters", "clusters", ""),
    Kind("eks", "CreateAccessEntry", "list_access_entries", "accessEntries", "", CLUSTER),
    Kind("eks", "CreateAddon", "list_addons", "addons", "", CLUSTER),
    Kind("eks", "CreateNodegroup", "list_nodegroups", "nodegroups", "", CLUSTER),
    Kind(
        "eks",
        "CreatePodIdentityAssociation",
        "list_pod_identity_associations",
        "associations",
        "serviceAccount",
        CLUSTER,
    ),
    Kind("elbv2", "CreateLoadBalancer", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    Kind("elbv2", "CreateListener", "describe_listeners", "Listeners", "Protocol", BALANCER),
    Kind("elbv2", "CreateRule", "describe_rules", "Rules", "Priority", LISTENER),
    Kind("elbv2", "CreateTargetGroup", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    Kind("iam", "CreateInstanceProfile", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    Kind(
        "iam",
        "CreateOpenIDConnectProvider",
        "list_open_id_connect_providers",
        "OpenIDConnectProviderList",
        "Arn",
    ),
    Kind("iam", "CreatePolicy", "list_policies", "Policies[?!starts_with(Arn, 'arn:aws:iam::aws:')]", "Arn"),
    Kind("iam", "CreateRole", "list_roles", "Roles[?!starts_with(Path, '/aws-service-role/')]", "Arn"),
    Kind("kms", "", "list_keys", "Keys", ""),
    Kind(
        "kms",
        "CreateKey",
        "describe_key",
        "[KeyMetadata][?KeyState!='PendingDeletion' && !starts_with(Description, 'Default')]",
        "Description",
        ("list_keys", lambda key: {"KeyId": key["KeyId"]}),
    ),
    Kind(
        "kms", "CreateAlias", "list_aliases", "Aliases[?!starts_with(AliasName, 'alias/aws/')]", "AliasName"
    ),
    Kind("lambda", "CreateFunction", "list_functions", "Functions", "FunctionName"),
    Kind("logs", "CreateLogGroup", "describe_log_groups", "logGroups", "logGroupName"),
    Kind("rds", "CreateDBInstance", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    Kind(
        "rds",
        "CreateDBParameterGroup",
        "describe_db_parameter_groups",
        "DBParameterGroups",
        "DBParameterGroupName",
    ),
    Kind(
        "rds",
        "CreateDBSnapshot",
        "describe_db_snapshots",
        "DBSnapshots[?SnapshotType=='manual']",
        "DBSnapshotIdentifier",
    ),
    Kind("rds", "CreateDBSubnetGroup", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    Kind("route53", "CreateHostedZone", "list_hosted_zones", "HostedZones", "Name"),
    Kind(
        "route53",
        "ChangeResourceRecordSets",
        "list_resource_record_sets",
        "ResourceRecordSets[].join(' ', [Name, Type])",
        "",
        ("list_hosted_zones", lambda zone: {"HostedZoneId": zone["Id"]}),
    ),
    Kind("secretsmanager", "CreateSecret", "list_secrets", "SecretList", "Name"),
    Kind("sns", "CreateTopic", "list_topics", "Topics", "TopicArn"),
    Kind("ssm", "PutParameter", "describe_parameters", "Parameters[?!starts_with(Name, '/aws/')]", "Name"),
)
#: Operations whose results are listed with another resource, or do not belong to the environment.
ELSEWHERE = {
    "autoscaling:CreateAutoScalingGroup",
    "ec2:CreateRoute",
    "ec2:CreateTags",
    "lambda:CreateAlias",
    "lambda:PublishVersion",
}


def listing(session: boto3.Session, endpoint: str | None = None) -> list[str]:
    """Return a line for each resource: service, kind, name; generated parts appear as ``*``."""
    return sorted(_line(kind, one) for kind, _, one in objects(session, endpoint) if kind.made_by)


def objects(session: boto3.Session, endpoint: str | None = None) -> Iterator[tuple[Kind, Any, Any]]:
    """Yield each resource as its service describes it, with its kind and a client of the service."""
    found: dict[tuple[str, str], list[Any]] = {}
    for kind in KINDS:
        client = session.client(kind.service, endpoint_url=endpoint)
        parents = [{}] if kind.within is None else found[kind.service, kind.within[0]]
        arguments = [kind.within[1](parent) if kind.within else {} for parent in parents]
        found[kind.service, kind.operation] = [
            one for given in arguments for one in _asked(client, kind, given)
        ]
        for one in found[kind.service, kind.operation]:
            yield kind, client, one


def unlisted(calls: list[dict[str, Any]]) -> set[str]:
    """Return the operations in the recorded calls that created resources which the listing lacks."""
    known = {f"{kind.service}:{kind.made_by}" for kind in KINDS} | ELSEWHERE
    making = re.compile(r"\w+:(Allocate|Create|Import|Publish|Register|Request|Run)\w+")
    made = {f"{call['service']}:{call['operation']}" for call in calls if call["status"] < 300}
    return {name for name in made if making.fullmatch(name)} - known


def _asked(client: Any, kind: Kind, arguments: dict[str, Any]) -> Iterator[Any]:
    if client.can_paginate(kind.operation):
        answer = client.get_paginator(kind.operation).paginate(**arguments).build_full_result()
    else:
        answer = getattr(client, kind.operation)(**arguments)
    yield from jmespath.search(kind.objects, answer) or []


def _line(kind: Kind, one: Any) -> str:
    what = re.sub(r"^(Allocate|Authorize|Change|Create|Put|Request|Run)", "", kind.made_by)
    if isinstance(one, str):
        name = one
    else:
        tags = {
            tag["Key"]: tag["Value"] for tag in one.get("Tags") or () if isinstance(one.get("Tags"), list)
        }
        name = tags.get("Name") or one.get(kind.name) or ""
    return f"{kind.service} {what} {MADE_UP.sub('*', name)}".rstrip()


if __name__ == "__main__":
    print("\n".join(listing(boto3.Session())))
