"""A snapshot of all objects in the emulator's account and cluster, for comparing two environments.

    python tests/benchmarks/cloud_snapshot.py        print the snapshot of the running emulator

The comparable form omits generated values (ids, times, addresses) or replaces them by names, and sorts lists; all other
settings are compared. (tests/account.py lists the objects without settings.) `documents` returns the long texts, which
boto3_staging.py needs to create the same objects.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import kubernetes

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from rehearsal import config as settings  # noqa: E402

NAME, NAMESPACE = "assistant-staging", "assistant"
EC2 = {
    "vpcs": ("Vpcs", "VpcId"),
    "subnets": ("Subnets", "SubnetId"),
    "internet_gateways": ("InternetGateways", "InternetGatewayId"),
    "addresses": ("Addresses", "AllocationId"),
    "nat_gateways": ("NatGateways", "NatGatewayId"),
    "route_tables": ("RouteTables", "RouteTableId"),
    "vpc_endpoints": ("VpcEndpoints", "VpcEndpointId"),
    "security_groups": ("SecurityGroups", "GroupId"),
    "security_group_rules": ("SecurityGroupRules", "SecurityGroupRuleId"),
    "launch_templates": ("LaunchTemplates", "LaunchTemplateId"),
}
API = {"apis": "ApiId", "integrations": "IntegrationId", "routes": "RouteId"}
KINDS = {
    "CoreV1Api": ("resource_quota", "limit_range", "service_account", "service", "config_map"),
    "NetworkingV1Api": ("network_policy",),
    "RbacAuthorizationV1Api": ("role", "role_binding"),
    "AppsV1Api": ("deployment",),
    "BatchV1Api": ("job",),
}
#: Kubernetes makes them in each namespace.
STANDARD = ("default", "kube-root-ca.crt")
#: Made up by AWS or Kubernetes, and nobody's choice.
MADE_UP = re.compile(
    r"ResponseMetadata|CallerReference|CodeSha256|CodeSize|RevisionId|data|issuer|uid|resourceVersion|generation"
    r"|managedFields|status|ItemCount|TableSizeBytes|storedBytes|State\w*|alarm(Arn|Configuration\w*)|arn"
    r"|\w*(Date|Time|Timestamp|At|LastModified|NotAfter|NotBefore|LastUsed)"
    r"|\w*(Ip|IpAddress|Endpoint)|(Network)?InterfaceId|AssociationId|RoleId|PolicyId|VersionId|SecretVersionsToStages",
    re.IGNORECASE,
)
IDENTIFIER = re.compile(
    r"\b(vpc|subnet|igw|eipalloc|eipassoc|eni|nat|rtb|rtbassoc|vpce|sgr|sg|lt|i|ami|dopt|acl|pl)-[0-9a-f]{8,17}\b"
)
#: UUIDs and hashes, the ends of secrets' ARNs (a Job's name ends with a hash of one), loopback addresses of nodes.
RANDOM = re.compile(
    r"\b([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{10,64})\b"
    r"|(?<=<random>)-\w{6}\b|(?<=database-user-)[0-9a-f]{8}\b|\b127\.\d+\.\d+\.\d+(:\d+)?\b"
)


def listing(home: Path) -> dict[str, list[Any]]:
    """Return the descriptions of all objects, by service and kind."""
    config = settings.load(home / "config.json")
    session = boto3.Session("test", "test", region_name=config["region"])

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=config["aws"]["url"])

    found: dict[str, list[Any]] = {}
    for part in (_ec2, _iam, _eks, _elb, _data, _functions, _dns, _watching):
        for kind, items in part(client):
            found.setdefault(kind, []).extend(items)
    api = kubernetes.config.new_client_from_config(config["kubernetes"]["kubeconfig"])
    return found | {"kubernetes": list(_kubernetes(api))}


Listed = Iterator[tuple[str, Any]]
Client = Callable[[str], Any]


def _ec2(client: Client) -> Listed:
    ec2 = client("ec2")
    for kind, (key, _id) in EC2.items():
        yield kind, getattr(ec2, f"describe_{kind}")()[key]
    for attribute in ("enableDnsHostnames", "enableDnsSupport"):
        vpcs = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
        yield attribute, [ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute) for vpc in vpcs]
    template = {"LaunchTemplateName": f"{NAME}-nodes"}
    yield "launch_template", ec2.describe_launch_template_versions(**template)["LaunchTemplateVersions"]
    yield "autoscaling", client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]


def _iam(client: Client) -> Listed:
    iam = client("iam")
    yield "roles", (_role(iam, role["RoleName"]) for role in iam.list_roles(PathPrefix=f"/{NAME}/")["Roles"])
    yield "instance_profiles", iam.list_instance_profiles()["InstanceProfiles"]
    policies = iam.list_policies(Scope="Local")["Policies"]
    for policy in policies:
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        policy["Document"] = version["PolicyVersion"]["Document"]
        policy |= {
            key: iam.get_policy(PolicyArn=policy["Arn"])["Policy"].get(key) for key in ("Description", "Tags")
        }
    yield "policies", policies
    providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    yield (
        "oidc_providers",
        [iam.get_open_id_connect_provider(OpenIDConnectProviderArn=one["Arn"]) for one in providers],
    )


def _role(iam: Any, name: str) -> dict[str, Any]:
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return iam.get_role(RoleName=name)["Role"] | {
        "Attached": sorted(one["PolicyArn"] for one in attached),
        "Policies": {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in policies
        },
    }


def _eks(client: Client) -> Listed:
    eks, whose = client("eks"), {"clusterName": NAME}
    yield "clusters", [eks.describe_cluster(name=name)["cluster"] for name in eks.list_clusters()["clusters"]]
    for kind, listed, described, argument, key in (
        ("nodegroups", "nodegroups", "describe_nodegroup", "nodegroupName", "nodegroup"),
        ("addons", "addons", "describe_addon", "addonName", "addon"),
        ("access_entries", "accessEntries", "describe_access_entry", "principalArn", "accessEntry"),
    ):
        names = getattr(eks, f"list_{kind}")(**whose)[listed]
        yield kind, [getattr(eks, described)(**whose, **{argument: name})[key] for name in names]
        if kind == "access_entries":
            for name in names:
                policies = eks.list_associated_access_policies(**whose, principalArn=name)
                yield f"access_policies {name}", policies["associatedAccessPolicies"]
    for one in eks.list_pod_identity_associations(**whose)["associations"]:
        described = eks.describe_pod_identity_association(**whose, associationId=one["associationId"])
        yield f"pod_identity {one['serviceAccount']}", [described["association"]]


def _elb(client: Client) -> Listed:
    elb = client("elbv2")
    balancers = elb.describe_load_balancers()["LoadBalancers"]
    groups = elb.describe_target_groups()["TargetGroups"]
    tagged = [one["LoadBalancerArn"] for one in balancers] + [one["TargetGroupArn"] for one in groups]
    yield "load_balancers", balancers
    yield "target_groups", groups
    for balancer in balancers:
        whose = {"LoadBalancerArn": balancer["LoadBalancerArn"]}
        yield "load_balancer_attributes", elb.describe_load_balancer_attributes(**whose)["Attributes"]
        listeners = elb.describe_listeners(**whose)["Listeners"]
        yield "listeners", listeners
        for listener in listeners:
            rules = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
            yield f"rules {listener['Port']}", rules
            tagged += [listener["ListenerArn"], *(rule["RuleArn"] for rule in rules if not rule["IsDefault"])]
    for group in groups:
        described = elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])
        yield f"attributes {group['TargetGroupName']}", described["Attributes"]
    yield "elb_tags", elb.describe_tags(ResourceArns=tagged)["TagDescriptions"]


def _data(client: Client) -> Listed:
    rds, dynamodb, ecr = client("rds"), client("dynamodb"), client("ecr")
    yield "db_instances", rds.describe_db_instances()["DBInstances"]
    yield "db_subnet_groups", rds.describe_db_subnet_groups()["DBSubnetGroups"]
    for group in rds.describe_db_parameter_groups()["DBParameterGroups"]:
        if group["DBParameterGroupName"].startswith(NAME):
            own = {"DBParameterGroupName": group["DBParameterGroupName"], "Source": "user"}
            yield "db_parameters", rds.describe_db_parameters(**own)["Parameters"]
            tags = rds.list_tags_for_resource(ResourceName=group["DBParameterGroupArn"])["TagList"]
            yield "db_parameter_group", [group | {"Tags": tags}]
    for table in dynamodb.list_tables()["TableNames"]:
        described = dynamodb.describe_table(TableName=table)["Table"]
        tags = dynamodb.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"]
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        yield f"table {table}", [described | {"Tags": tags, "Backups": backups}]
    for repository in ecr.describe_repositories()["repositories"]:
        name = repository["repositoryName"]
        tags = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
        lifecycle = ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]
        yield f"repository {name}", [repository | {"Tags": tags, "Lifecycle": lifecycle}]
    yield "secrets", client("secretsmanager").list_secrets()["SecretList"]


def _functions(client: Client) -> Listed:
    lambdas, api = client("lambda"), client("apigatewayv2")
    for function in lambdas.list_functions()["Functions"]:
        whose = {"FunctionName": function["FunctionName"]}
        described = lambdas.get_function(**whose)
        yield "functions", [described["Configuration"] | {"Tags": described["Tags"]}]
        yield "aliases", lambdas.list_aliases(**whose)["Aliases"]
        yield "permissions", [json.loads(lambdas.get_policy(**whose, Qualifier="live")["Policy"])]
    for one in api.get_apis()["Items"]:
        whose = {"ApiId": one["ApiId"]}
        yield "apis", [one]
        for kind in ("integrations", "routes", "stages"):
            yield kind, getattr(api, f"get_{kind}")(**whose)["Items"]
    logs = client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        tags = logs.list_tags_log_group(logGroupName=group["logGroupName"])["tags"]
        yield f"log_group {group['logGroupName']}", [group | {"Tags": tags}]


def _dns(client: Client) -> Listed:
    route53, acm = client("route53"), client("acm")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        number = zone.pop("Id").rpartition("/")[2]
        tags = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=number)
        yield "hosted_zones", [zone | {"Tags": tags["ResourceTagSet"]["Tags"]}]
        yield "records", route53.list_resource_record_sets(HostedZoneId=number)["ResourceRecordSets"]
    for one in acm.list_certificates()["CertificateSummaryList"]:
        whose = {"CertificateArn": one["CertificateArn"]}
        described = acm.describe_certificate(**whose)["Certificate"]
        yield "certificates", [described | {"Tags": acm.list_tags_for_certificate(**whose)["Tags"]}]


def _watching(client: Client) -> Listed:
    kms, sns, cloudwatch = client("kms"), client("sns"), client("cloudwatch")
    for alias in kms.list_aliases()["Aliases"]:
        if not alias["AliasName"].startswith("alias/aws/"):
            key = alias["TargetKeyId"]
            yield (
                alias["AliasName"],
                [
                    kms.describe_key(KeyId=key)["KeyMetadata"],
                    kms.list_resource_tags(KeyId=key)["Tags"],
                    kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
                    json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]),
                ],
            )
    for topic in sns.list_topics()["Topics"]:
        described = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
        described["Policy"] = json.loads(described["Policy"])
        tags = sns.list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]
        yield f"topic {topic['TopicArn']}", [described, tags]
    for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
        tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        yield f"alarm {alarm['AlarmName']}", [alarm, tags]


def _kubernetes(api: kubernetes.client.ApiClient) -> Iterator[dict[str, Any]]:
    namespace = kubernetes.client.CoreV1Api(api).read_namespace(NAMESPACE)
    yield api.sanitize_for_serialization(namespace) | {"apiVersion": "v1", "kind": "Namespace"}
    for group, kinds in KINDS.items():
        for kind in kinds:
            listed = getattr(getattr(kubernetes.client, group)(api), f"list_namespaced_{kind}")(NAMESPACE)
            named = {"apiVersion": listed.api_version, "kind": listed.kind.removesuffix("List")}
            for item in listed.items:
                if item.metadata.name not in STANDARD:
                    yield api.sanitize_for_serialization(item) | named
    rights = kubernetes.client.RbacAuthorizationV1Api(api)
    for kind, read in (
        ("ClusterRole", rights.read_cluster_role),
        ("ClusterRoleBinding", rights.read_cluster_role_binding),
    ):
        named = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind}
        yield api.sanitize_for_serialization(read(f"{NAME}-nodes")) | named


# -- comparison ------------------------------------------------------------------------------------------


def comparable(found: dict[str, list[Any]]) -> Any:
    """Return the listing without generated values."""
    names = {item[key]: f"<{kind}>" for kind, key in API.items() for item in found[kind]}
    for kind, (_key, own) in EC2.items():
        for item in found[kind]:
            tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}
            names[item[own]] = f"<{kind} {tags.get('Name', '')}>"

    def named(text: str) -> str:
        text = re.sub(r"[\w-]{8,}", lambda match: names.get(match[0], match[0]), text)
        text = RANDOM.sub("<random>", RANDOM.sub("<random>", IDENTIFIER.sub(r"<\1>", text)))
        # The subnets of an Auto Scaling group.
        return text if " -" in text or ", " in text else ",".join(sorted(text.split(",")))

    def of(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: of(item) for key, item in value.items() if not MADE_UP.fullmatch(key)}
        if isinstance(value, list):
            return sorted(map(of, value), key=lambda item: json.dumps(item, sort_keys=True))
        return (
            named(value)
            if isinstance(value, str)
            else value
            if isinstance(value, (int, float))
            else str(value)
        )

    return of(found)


# -- the long texts ------------------------------------------------------------------------------------


def documents(found: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the input of boto3_staging.py: policies, settings of add-ons, alarms, and Kubernetes manifests."""
    boundary = next(one for one in found["policies"] if one["PolicyName"] == f"{NAME}-boundary")
    return {
        "boundary": {"description": boundary["Description"], "document": boundary["Document"]},
        "managed_policies": {
            one["PolicyName"]: {"description": one["Description"], "document": one["Document"]}
            for one in found["policies"]
            if one is not boundary and one["Path"] == boundary["Path"]
        },
        "roles": {
            role["RoleName"]: {
                "description": role["Description"],
                "trust": role["AssumeRolePolicyDocument"],
                "policies": role["Policies"],
                "managed": role["Attached"],
            }
            for role in found["roles"]
        },
        "lifecycle": json.loads(found["repository assistant"][0]["Lifecycle"]),
        "addons": {one["addonName"]: one.get("configurationValues") for one in found["addons"]},
        "access_log_format": found["stages"][0]["AccessLogSettings"]["Format"],
        "alarms_key": found[f"alias/{NAME}-alarms"][3],
        "cluster_key": found[f"alias/{NAME}-cluster"][3],
        "alarms_topic": next(
            items[0]["Policy"] for kind, items in found.items() if kind.endswith(f":{NAME}-alarms")
        ),
        "alarms": [_alarm(items[0]) for kind, items in found.items() if kind.startswith("alarm ")],
        "manifests": [_manifest(one) for one in found["kubernetes"]],
    }


def _alarm(alarm: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in alarm.items()
        if not re.match("State|.*Time|AlarmArn|.*Actions$|Insuff", key)
    }
    kept["ActionsEnabled"] = alarm["ActionsEnabled"]
    kept = {
        key: value
        for key, value in kept.items()
        if value not in (None, [], "") and key != "AlarmConfigurationUpdatedTimestamp"
    }
    text = re.sub(rf"app/{NAME}/[0-9a-f]+", "<load balancer>", json.dumps(kept, default=str))
    return json.loads(re.sub(rf"targetgroup/{NAME}-(blue|green)/[0-9a-f]+", r"<target group \1>", text))


def _manifest(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object in a form that can be created again."""
    manifest = json.loads(json.dumps(found))
    for name in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"):
        manifest["metadata"].pop(name, None)
    manifest.pop("status", None)
    if manifest["kind"] == "Job":
        manifest["spec"].pop("selector", None)
        labels = manifest["spec"]["template"]["metadata"]["labels"]
        for name in [name for name in labels if name.endswith(("controller-uid", "job-name"))]:
            del labels[name]
    return manifest


if __name__ == "__main__":
    print(json.dumps(comparable(listing(settings.home())), indent=1, sort_keys=True))
