"""Builds STAGING by a plain boto3 script, with which `make bench` compares site.yml.

    python tests/benchmarks/boto3_staging.py documents.json

The script creates the same API objects as `site.yml -i inventories/staging`, except the release, in sequence: it looks up
each object by name, and creates a missing one. It corrects no drift, and has neither check mode nor settings. Long texts
(policies, Kubernetes manifests) are read from a file, see cloud_snapshot.py.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import kubernetes
from botocore.exceptions import ClientError
from botocore.signers import RequestSigner

ROOT = Path(__file__).resolve().parents[2]
APPLICATION, ENVIRONMENT = "assistant", "staging"
NAME = f"{APPLICATION}-{ENVIRONMENT}"
REGION, ZONES = "ap-northeast-2", ("a", "c")
DOMAIN, ZONE = f"{ENVIRONMENT}.assistant.example.com", "assistant.example.com"
WORLD = "0.0.0.0/0"
SHARED = {"Application": APPLICATION, "ManagedBy": "teal.platform", "CollectionVersion": "0.1.0"}
OWN = SHARED | {"Environment": ENVIRONMENT}


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def pairs(component: str, name: str = NAME, base: dict[str, str] | None = None, **more: str) -> list[dict]:
    tags = {**(base or OWN), "Component": component, **more, "Name": name}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def plain(component: str, name: str = NAME, **more: str) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs(component, name, **more)}


def found(look: Callable[..., Any], *codes: str, **arguments: Any) -> Any:
    """Return the answer of a call; None if it fails with one of these error codes for a missing object."""
    try:
        return look(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise


# -- the foundation ------------------------------------------------------------------------------------


class Network:
    """The VPC with subnets, gateways, routes and security groups."""

    def __init__(self) -> None:
        self.ec2 = client("ec2")
        self.vpc = self._make(
            "vpc", "Vpcs", "describe_vpcs", "create_vpc", NAME, "VpcId", CidrBlock="10.20.0.0/16"
        )
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.public = [self._subnet("public", zone, f"10.20.{16 * n}.0/20") for n, zone in enumerate(ZONES)]
        self.private = [
            self._subnet("private", zone, f"10.20.{64 + 16 * n}.0/20") for n, zone in enumerate(ZONES)
        ]
        self._ways_out()
        self.groups = self._security_groups()

    def _make(
        self, kind: str, key: str, look: str, make: str, name: str, id_key: str, *marks: str, **arguments: Any
    ) -> str:
        """Return the id of the object of that name; create the object if it is missing."""
        filters = [{"Name": "tag:Name", "Values": [name]}]
        more = {"Filter": [*filters, {"Name": "state", "Values": ["pending", "available"]}]}
        answer = getattr(self.ec2, look)(**more if kind == "natgateway" else {"Filters": filters})[key]
        if answer:
            return answer[0][id_key]
        tags = pairs("network", name, **dict(mark.split("=") for mark in marks))
        made = getattr(self.ec2, make)(TagSpecifications=[{"ResourceType": kind, "Tags": tags}], **arguments)
        return made.get(key.removesuffix("s"), made)[id_key]

    def _subnet(self, tier: str, zone: str, cidr: str) -> str:
        subnet = self._make(
            *("subnet", "Subnets", "describe_subnets", "create_subnet", f"{NAME}-{tier}-{zone}", "SubnetId"),
            f"Tier={tier}",
            VpcId=self.vpc,
            AvailabilityZone=REGION + zone,
            CidrBlock=cidr,
        )
        if tier == "public":
            self.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
        return subnet

    def _ways_out(self) -> None:
        gateway = self._make(
            *(
                "internet-gateway",
                "InternetGateways",
                "describe_internet_gateways",
                "create_internet_gateway",
            ),
            *(NAME, "InternetGatewayId"),
        )
        described = self.ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0]
        if not described["Attachments"]:
            self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        address = self._make(
            *(
                "elastic-ip",
                "Addresses",
                "describe_addresses",
                "allocate_address",
                f"{NAME}-nat-a",
                "AllocationId",
            ),
            Domain="vpc",
        )
        nat = self._make(
            *("natgateway", "NatGateways", "describe_nat_gateways", "create_nat_gateway", f"{NAME}-nat-a"),
            "NatGatewayId",
            SubnetId=self.public[0],
            AllocationId=address,
            ConnectivityType="public",
        )
        self.ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat])
        tables = [
            self._table("public", {"GatewayId": gateway}, self.public),
            *(
                self._table(f"private-{zone}", {"NatGatewayId": nat}, [subnet])
                for zone, subnet in zip(ZONES, self.private, strict=True)
            ),
        ]
        self._make(
            *("vpc-endpoint", "VpcEndpoints", "describe_vpc_endpoints", "create_vpc_endpoint", f"{NAME}-s3"),
            "VpcEndpointId",
            VpcId=self.vpc,
            VpcEndpointType="Gateway",
            ServiceName=f"com.amazonaws.{REGION}.s3",
            RouteTableIds=tables,
        )

    def _table(self, tier: str, target: dict[str, str], subnets: list[str]) -> str:
        table = self._make(
            *("route-table", "RouteTables", "describe_route_tables", "create_route_table", f"{NAME}-{tier}"),
            "RouteTableId",
            VpcId=self.vpc,
        )
        described = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]
        if not any(route.get("DestinationCidrBlock") == WORLD for route in described["Routes"]):
            self.ec2.create_route(RouteTableId=table, DestinationCidrBlock=WORLD, **target)
        associated = {one.get("SubnetId") for one in described["Associations"]}
        for subnet in subnets:
            if subnet not in associated:
                self.ec2.associate_route_table(SubnetId=subnet, RouteTableId=table)
        return table

    def _security_groups(self) -> dict[str, str]:
        descriptions = {
            "load_balancer": "Load balancer, open to the world",
            "service": "The service, on instances or nodes",
            "functions": "Functions",
            "bastion": "The way in to the database for people",
            "database": "The database",
        }
        groups = {
            purpose: self._make(
                *("security-group", "SecurityGroups", "describe_security_groups", "create_security_group"),
                *(f"{NAME}-{purpose.replace('_', '-')}", "GroupId", f"Purpose={purpose}"),
                GroupName=f"{NAME}-{purpose.replace('_', '-')}",
                Description=text,
                VpcId=self.vpc,
            )
            for purpose, text in descriptions.items()
        }
        slots, database, https = (30080, 30081), (5432, 5432), (443, 443)
        rules: list[tuple[str, str, str, tuple[int, int], str]] = [
            ("load_balancer", "ingress", WORLD, (80, 80), "HTTPS, and HTTP to be redirected"),
            ("load_balancer", "ingress", WORLD, https, "HTTPS, and HTTP to be redirected"),
            ("load_balancer", "egress", "service", slots, "The slots"),
            ("service", "ingress", "load_balancer", slots, "The slots"),
            ("service", "egress", WORLD, https, "AWS, and APIs that the service calls"),
            ("service", "egress", "database", database, "Database of the service"),
            ("functions", "egress", WORLD, https, "AWS, and APIs that functions call"),
            ("bastion", "egress", WORLD, https, "SSM"),
            ("bastion", "egress", "database", database, "Tunnels to the database"),
            ("database", "ingress", "service", database, "Its clients"),
            ("database", "ingress", "bastion", database, "Its clients"),
        ]
        mine = [{"Name": "group-id", "Values": list(groups.values())}]
        stand = {
            (rule["GroupId"], rule["IsEgress"], rule.get("FromPort", -1)): rule["SecurityGroupRuleId"]
            for rule in self.ec2.describe_security_group_rules(Filters=mine)["SecurityGroupRules"]
        }
        for purpose, direction, peer, (first, last), why in rules:
            if (groups[purpose], direction == "egress", first) in stand:
                continue
            one = {"IpProtocol": "tcp", "FromPort": first, "ToPort": last}
            one |= (
                {"UserIdGroupPairs": [{"GroupId": groups[peer], "Description": why}]}
                if peer in groups
                else {"IpRanges": [{"CidrIp": peer, "Description": why}]}
            )
            authorize = getattr(self.ec2, f"authorize_security_group_{direction}")
            authorize(GroupId=groups[purpose], IpPermissions=[one])
        for group in groups.values():
            # AWS's default rule of a new group allows all outbound traffic.
            if rule := stand.get((group, True, -1)):
                self.ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule])
        return groups


def identities(documents: dict[str, Any]) -> dict[str, str]:
    """Create the roles with their policies; return their ARNs by purpose."""
    iam = client("iam")
    providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    if not any("token.actions.githubusercontent.com" in one["Arn"] for one in providers):
        iam.create_open_id_connect_provider(
            Url="https://token.actions.githubusercontent.com",
            ClientIDList=["sts.amazonaws.com"],
            Tags=pairs("identity", "github", SHARED),
        )
    path, boundary = f"/{NAME}/", f"{NAME}-boundary"
    existing = {
        one["PolicyName"]: one["Arn"] for one in iam.list_policies(Scope="Local", PathPrefix=path)["Policies"]
    }
    for name, policy in {boundary: documents["boundary"], **documents["managed_policies"]}.items():
        if name not in existing:
            existing[name] = iam.create_policy(
                PolicyName=name,
                Path=path,
                Description=policy["description"],
                PolicyDocument=json.dumps(policy["document"]),
                Tags=pairs("identity", name),
            )["Policy"]["Arn"]
    arn = existing[boundary]
    roles = {}
    for name, role in documents["roles"].items():
        answer = found(iam.get_role, "NoSuchEntity", RoleName=name) or iam.create_role(
            RoleName=name,
            Path=path,
            Description=role["description"],
            AssumeRolePolicyDocument=json.dumps(role["trust"]),
            PermissionsBoundary=arn,
            Tags=pairs("identity", name),
        )
        roles[name.removeprefix(f"{NAME}-")] = answer["Role"]["Arn"]
        have = iam.list_role_policies(RoleName=name)["PolicyNames"]
        for policy, document in role["policies"].items():
            if policy not in have:
                iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        attached = {
            one["PolicyArn"] for one in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        }
        for policy in role["managed"]:
            if policy not in attached:
                iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return roles


def registry(documents: dict[str, Any]) -> None:
    ecr = client("ecr")
    if found(ecr.describe_repositories, "RepositoryNotFoundException", repositoryNames=[APPLICATION]):
        return
    ecr.create_repository(
        repositoryName=APPLICATION,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "live-*"}],
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfiguration={"encryptionType": "AES256"},
        tags=pairs("registry", APPLICATION, SHARED),
    )
    ecr.put_lifecycle_policy(
        repositoryName=APPLICATION, lifecyclePolicyText=json.dumps(documents["lifecycle"])
    )


def release_store() -> None:
    dynamodb, table = client("dynamodb"), f"{NAME}-releases"
    if found(dynamodb.describe_table, "ResourceNotFoundException", TableName=table):
        return
    dynamodb.create_table(
        TableName=table,
        KeySchema=[
            {"AttributeName": "scope", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("scope", "id")],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS"},
        DeletionProtectionEnabled=False,
        Tags=pairs("release_store", table),
    )
    dynamodb.get_waiter("table_exists").wait(TableName=table)
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def secret(name: str, description: str, component: str, **more: str) -> None:
    """Create a secret; `SecretString` is its first value."""
    secrets, name = client("secretsmanager"), f"{NAME}/{name}"
    if not found(secrets.describe_secret, "ResourceNotFoundException", SecretId=name):
        secrets.create_secret(Name=name, Description=description, Tags=pairs(component, name), **more)


# -- the infrastructure --------------------------------------------------------------------------------


def key(component: str, description: str, policy: Any = None) -> str:
    """Create a KMS key with an alias; return its ARN."""
    kms, alias = client("kms"), f"alias/{NAME}-{component}"
    for one in kms.list_aliases()["Aliases"]:
        if one["AliasName"] == alias:
            return kms.describe_key(KeyId=one["TargetKeyId"])["KeyMetadata"]["Arn"]
    tags = [{"TagKey": k, "TagValue": v} for k, v in plain(component, f"{NAME}-{component}").items()]
    more = {"Policy": json.dumps(policy)} if policy else {}
    made = kms.create_key(
        Description=description, KeyUsage="ENCRYPT_DECRYPT", MultiRegion=False, Tags=tags, **more
    )
    arn = made["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=alias, TargetKeyId=arn)
    kms.enable_key_rotation(KeyId=arn)
    return arn


def log_groups(component: str, names: list[str], tag_name: str = "") -> None:
    logs = client("logs")
    for name in names:
        if not logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
            logs.create_log_group(logGroupName=name, tags=plain(component, tag_name or name))
            logs.put_retention_policy(logGroupName=name, retentionInDays=30)


def database(network: Network) -> None:
    rds = client("rds")
    if not found(rds.describe_db_subnet_groups, "DBSubnetGroupNotFoundFault", DBSubnetGroupName=NAME):
        rds.create_db_subnet_group(
            DBSubnetGroupName=NAME,
            DBSubnetGroupDescription=f"Subnets of {NAME}'s database",
            SubnetIds=network.private,
            Tags=pairs("database"),
        )
    parameters = f"{NAME}-postgres17"
    if not found(
        rds.describe_db_parameter_groups, "DBParameterGroupNotFound", DBParameterGroupName=parameters
    ):
        rds.create_db_parameter_group(  # Its parameter rds.force_ssl is on.
            DBParameterGroupName=parameters,
            DBParameterGroupFamily="postgres17",
            Description=f"Parameters of {NAME}'s database",
            Tags=pairs("database"),
        )
    log_groups("database", [f"/aws/rds/instance/{NAME}/{log}" for log in ("postgresql", "upgrade")])
    if not found(rds.describe_db_instances, "DBInstanceNotFound", DBInstanceIdentifier=NAME):
        rds.create_db_instance(
            DBInstanceIdentifier=NAME,
            Engine="postgres",
            EngineVersion="17",
            DBInstanceClass="db.t4g.small",
            StorageType="gp3",
            AllocatedStorage=20,
            MaxAllocatedStorage=100,
            StorageEncrypted=True,
            CopyTagsToSnapshot=True,
            DBName=APPLICATION,
            MasterUsername="master",
            ManageMasterUserPassword=True,
            DBSubnetGroupName=NAME,
            VpcSecurityGroupIds=[network.groups["database"]],
            DBParameterGroupName=parameters,
            PubliclyAccessible=False,
            MultiAZ=False,
            BackupRetentionPeriod=7,
            EnableIAMDatabaseAuthentication=True,
            EnablePerformanceInsights=False,
            AutoMinorVersionUpgrade=True,
            DeletionProtection=False,
            EnableCloudwatchLogsExports=["postgresql", "upgrade"],
            Tags=pairs("database"),
        )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=NAME)


def cluster(network: Network, roles: dict[str, str], documents: dict[str, Any]) -> None:
    eks, ec2 = client("eks"), network.ec2
    encryption = key("cluster", f"Secrets of the cluster {NAME}", documents["cluster_key"])
    insights = [f"/aws/containerinsights/{NAME}/{what}" for what in ("application", "dataplane", "host")]
    log_groups("cluster", [f"/aws/eks/{NAME}/cluster", *insights])
    if not found(eks.describe_cluster, "ResourceNotFoundException", name=NAME):
        eks.create_cluster(
            name=NAME,
            version="1.35",
            roleArn=roles["cluster"],
            resourcesVpcConfig={
                "subnetIds": network.private,
                "endpointPrivateAccess": True,
                "endpointPublicAccess": True,
                "publicAccessCidrs": [WORLD],
            },
            accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
            upgradePolicy={"supportType": "STANDARD"},
            deletionProtection=False,
            logging={"clusterLogging": [{"types": ["api", "audit", "authenticator"], "enabled": True}]},
            encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": encryption}}],
            tags=plain("cluster"),
        )
    eks.get_waiter("cluster_active").wait(name=NAME)
    own_group = eks.describe_cluster(name=NAME)["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"]
    template = f"{NAME}-nodes"
    missing = "InvalidLaunchTemplateName.NotFoundException"
    if not found(ec2.describe_launch_templates, missing, LaunchTemplateNames=[template]):
        node = pairs("cluster", f"{NAME}-node")
        disk = {"VolumeType": "gp3", "VolumeSize": 50, "Encrypted": True, "DeleteOnTermination": True}
        ec2.create_launch_template(
            LaunchTemplateName=template,
            LaunchTemplateData={
                "InstanceType": "t3.large",
                "SecurityGroupIds": [own_group, network.groups["service"]],
                "MetadataOptions": {
                    "HttpTokens": "required",
                    "HttpPutResponseHopLimit": 1,
                    "HttpEndpoint": "enabled",
                },
                "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": disk}],
                "TagSpecifications": [
                    {"ResourceType": kind, "Tags": node} for kind in ("instance", "volume")
                ],
            },
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": pairs("cluster", template)}],
        )
    group = {"clusterName": NAME, "nodegroupName": NAME}
    if not found(eks.describe_nodegroup, "ResourceNotFoundException", **group):
        eks.create_nodegroup(
            **group,
            nodeRole=roles["nodes"],
            subnets=network.private,
            launchTemplate={"name": template, "version": "1"},
            amiType="AL2023_x86_64_STANDARD",
            capacityType="ON_DEMAND",
            version="1.35",
            scalingConfig={"minSize": 2, "maxSize": 4, "desiredSize": 2},
            updateConfig={"maxUnavailable": 1},
            labels={},
            tags=plain("cluster"),
        )
    eks.get_waiter("nodegroup_active").wait(**group)
    for addon, configuration in documents["addons"].items():
        if not found(eks.describe_addon, "ResourceNotFoundException", clusterName=NAME, addonName=addon):
            more = {"configurationValues": configuration} if configuration else {}
            tags = plain("cluster")
            eks.create_addon(
                clusterName=NAME, addonName=addon, resolveConflicts="OVERWRITE", tags=tags, **more
            )
    for addon in documents["addons"]:
        eks.get_waiter("addon_active").wait(clusterName=NAME, addonName=addon)
    access_to(eks, roles)


def access_to(eks: Any, roles: dict[str, str]) -> None:
    """Create the access entries and the pod identity associations of the cluster."""
    stand = eks.list_access_entries(clusterName=NAME)["accessEntries"]
    for role, groups in (
        ("provision", []),
        ("deploy", ["assistant:deployers"]),
        ("qa", ["assistant:viewers"]),
    ):
        if roles[role] not in stand:
            entry = {"clusterName": NAME, "principalArn": roles[role]}
            eks.create_access_entry(**entry, kubernetesGroups=groups, tags=plain("cluster"))
            if role == "provision":
                eks.associate_access_policy(
                    **entry,
                    policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                    accessScope={"type": "cluster"},
                )
    associated = eks.list_pod_identity_associations(clusterName=NAME)["associations"]
    for account, role in (("assistant", "service"), ("database-user", "database-user")):
        if account not in [one["serviceAccount"] for one in associated]:
            eks.create_pod_identity_association(
                clusterName=NAME,
                namespace=APPLICATION,
                serviceAccount=account,
                roleArn=roles[role],
                tags=plain("cluster"),
            )


def load_balancer(network: Network) -> tuple[str, dict[str, str]]:
    """Create the load balancer with certificate, DNS name, slots and rule; return its ARN and the target groups' ARNs."""
    route53, acm, elb = client("route53"), client("acm"), client("elbv2")
    zones = [one for one in route53.list_hosted_zones()["HostedZones"] if one["Name"] == f"{ZONE}."]
    if not zones:
        made = route53.create_hosted_zone(
            Name=ZONE, CallerReference=str(time.time()), HostedZoneConfig={"Comment": "Domain of assistant"}
        )
        zones = [made["HostedZone"]]
        route53.change_tags_for_resource(
            ResourceType="hostedzone",
            ResourceId=zones[0]["Id"].removeprefix("/hostedzone/"),
            AddTags=pairs("load_balancer", ZONE, SHARED),
        )
    certificates = acm.list_certificates()["CertificateSummaryList"]
    certificate = next((one["CertificateArn"] for one in certificates if one["DomainName"] == DOMAIN), None)
    certificate = (
        certificate
        or acm.request_certificate(
            DomainName=DOMAIN, ValidationMethod="DNS", Tags=pairs("load_balancer", DOMAIN)
        )["CertificateArn"]
    )
    described = acm.describe_certificate(CertificateArn=certificate)["Certificate"]
    proof = described["DomainValidationOptions"][0]["ResourceRecord"]
    values = {"ResourceRecords": [{"Value": proof["Value"]}], "TTL": 300}
    record(route53, zones[0]["Id"], {"Name": proof["Name"], "Type": proof["Type"], **values})
    acm.get_waiter("certificate_validated").wait(CertificateArn=certificate)

    groups = {
        slot: target_group(elb, network, slot, port) for slot, port in (("blue", 30080), ("green", 30081))
    }
    answer = found(elb.describe_load_balancers, "LoadBalancerNotFound", Names=[NAME])
    if not answer:
        answer = elb.create_load_balancer(
            Name=NAME,
            Type="application",
            Scheme="internet-facing",
            Subnets=network.public,
            SecurityGroups=[network.groups["load_balancer"]],
            Tags=pairs("load_balancer"),
        )
        attributes(
            elb.modify_load_balancer_attributes,
            {
                "deletion_protection.enabled": "false",
                "idle_timeout.timeout_seconds": "60",
                "routing.http.drop_invalid_header_fields.enabled": "true",
                "access_logs.s3.enabled": "false",
            },
            LoadBalancerArn=answer["LoadBalancers"][0]["LoadBalancerArn"],
        )
    balancer = answer["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn])
    listeners(elb, arn, certificate, groups)
    alias = {
        "HostedZoneId": balancer["CanonicalHostedZoneId"],
        "DNSName": balancer["DNSName"],
        "EvaluateTargetHealth": False,
    }
    record(route53, zones[0]["Id"], {"Name": DOMAIN, "Type": "A", "AliasTarget": alias})
    return arn, groups


def record(route53: Any, zone: str, wanted: dict[str, Any]) -> None:
    first = route53.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=wanted["Name"], StartRecordType=wanted["Type"], MaxItems="1"
    )["ResourceRecordSets"]
    if [one["Name"].rstrip(".") for one in first] != [wanted["Name"].rstrip(".")]:
        change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": wanted}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)


def attributes(modify: Callable[..., Any], values: dict[str, str], **whose: str) -> None:
    modify(Attributes=[{"Key": name, "Value": value} for name, value in values.items()], **whose)


def target_group(elb: Any, network: Network, slot: str, port: int) -> str:
    answer = found(elb.describe_target_groups, "TargetGroupNotFound", Names=[f"{NAME}-{slot}"])
    if answer:
        return answer["TargetGroups"][0]["TargetGroupArn"]
    arn = elb.create_target_group(
        Name=f"{NAME}-{slot}",
        Protocol="HTTP",
        Port=port,
        VpcId=network.vpc,
        TargetType="instance",
        HealthCheckEnabled=True,
        HealthCheckPath="/actuator/health/readiness",
        HealthCheckProtocol="HTTP",
        HealthCheckPort="traffic-port",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=4,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
        Matcher={"HttpCode": "200"},
        Tags=pairs("load_balancer", f"{NAME}-{slot}", Slot=slot),
    )["TargetGroups"][0]["TargetGroupArn"]
    attributes(
        elb.modify_target_group_attributes,
        {
            "deregistration_delay.timeout_seconds": "60",
            "load_balancing.algorithm.type": "least_outstanding_requests",
            "stickiness.enabled": "false",
        },
        TargetGroupArn=arn,
    )
    return arn


def listeners(elb: Any, balancer: str, certificate: str, groups: dict[str, str]) -> None:
    stand = {one["Port"]: one for one in elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]}
    if 80 not in stand:
        redirect = {
            "Protocol": "HTTPS",
            "Port": "443",
            "Host": "#{host}",
            "Path": "/#{path}",
            "Query": "#{query}",
            "StatusCode": "HTTP_301",
        }
        elb.create_listener(
            LoadBalancerArn=balancer,
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}],
            Tags=pairs("load_balancer", f"{NAME}-80"),
        )
    nothing = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "No release is in service."}
    https = (
        stand.get(443)
        or elb.create_listener(
            LoadBalancerArn=balancer,
            Port=443,
            Protocol="HTTPS",
            Certificates=[{"CertificateArn": certificate}],
            SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": nothing}],
            Tags=pairs("load_balancer", f"{NAME}-443"),
        )["Listeners"][0]
    )
    rules = elb.describe_rules(ListenerArn=https["ListenerArn"])["Rules"]
    if not any(rule["Priority"] == "50000" for rule in rules):
        weights = [
            {"TargetGroupArn": groups["blue"], "Weight": 100},
            {"TargetGroupArn": groups["green"], "Weight": 0},
        ]
        forward = {"TargetGroups": weights, "TargetGroupStickinessConfig": {"Enabled": False}}
        elb.create_rule(
            ListenerArn=https["ListenerArn"],
            Priority=50000,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}],
            Actions=[{"Type": "forward", "ForwardConfig": forward}],
            Tags=pairs("load_balancer", f"{NAME}-slots"),
        )


def functions(network: Network, role: str, access_log_format: str) -> None:
    lambdas, api, logs = client("lambda"), client("apigatewayv2"), client("logs")
    name, access_log = f"{NAME}-hello", f"/aws/vendedlogs/{NAME}/api"
    log_groups("functions", [f"/aws/lambda/{name}"], name)
    if not found(lambdas.get_function, "ResourceNotFoundException", FunctionName=name):
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.write(ROOT / "examples/functions/hello/hello.py", "hello.py")
        lambdas.create_function(
            FunctionName=name,
            Description="A sample, for your own functions to replace",
            Handler="hello.handler",
            Runtime="python3.13",
            Architectures=["arm64"],
            MemorySize=256,
            Timeout=10,
            Role=role,
            Environment={"Variables": {"ENVIRONMENT": ENVIRONMENT}},
            VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
            Code={"ZipFile": package.getvalue()},
            Tags=plain("functions", name),
        )
        lambdas.get_waiter("function_active_v2").wait(FunctionName=name)
        version = lambdas.publish_version(FunctionName=name)["Version"]
        lambdas.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    log_groups("functions", [access_log])
    if any(one["Name"] == NAME for one in api.get_apis()["Items"]):
        return
    made = api.create_api(
        Name=NAME, ProtocolType="HTTP", Description=f"Functions of {NAME}", Tags=plain("functions")
    )
    alias = lambdas.get_alias(FunctionName=name, Name="live")["AliasArn"]
    target = api.create_integration(
        ApiId=made["ApiId"], IntegrationType="AWS_PROXY", IntegrationUri=alias, PayloadFormatVersion="2.0"
    )
    api.create_route(
        ApiId=made["ApiId"],
        RouteKey="GET /hello",
        Target=f"integrations/{target['IntegrationId']}",
        AuthorizationType="NONE",
    )
    account = alias.split(":")[4]
    lambdas.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId=f"http-api-{made['ApiId']}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{account}:{made['ApiId']}/*/*",
    )
    group = logs.describe_log_groups(logGroupNamePrefix=access_log)["logGroups"][0]["arn"].removesuffix(":*")
    api.create_stage(
        ApiId=made["ApiId"],
        StageName="$default",
        AutoDeploy=True,
        DefaultRouteSettings={"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 10.0},
        AccessLogSettings={"DestinationArn": group, "Format": access_log_format},
        Tags=plain("functions"),
    )


# -- the attachments -----------------------------------------------------------------------------------


def node_targets(groups: dict[str, str]) -> None:
    scaling = client("autoscaling")
    described = client("eks").describe_nodegroup(clusterName=NAME, nodegroupName=NAME)["nodegroup"]
    name = described["resources"]["autoScalingGroups"][0]["name"]
    have = scaling.describe_load_balancer_target_groups(AutoScalingGroupName=name)["LoadBalancerTargetGroups"]
    if {one["LoadBalancerTargetGroupARN"] for one in have} != set(groups.values()):
        scaling.attach_load_balancer_target_groups(
            AutoScalingGroupName=name, TargetGroupARNs=list(groups.values())
        )


def alarms(documents: dict[str, Any], balancer: str, groups: dict[str, str]) -> None:
    sns, cloudwatch = client("sns"), client("cloudwatch")
    key("alarms", f"Messages of the alarms of {NAME}", documents["alarms_key"])
    topics = [one["TopicArn"] for one in sns.list_topics()["Topics"]]
    topic = next((arn for arn in topics if arn.endswith(f":{NAME}-alarms")), None)
    if not topic:
        topic = sns.create_topic(
            Name=f"{NAME}-alarms",
            Attributes={"KmsMasterKeyId": f"alias/{NAME}-alarms"},
            Tags=pairs("alarms", f"{NAME}-alarms"),
        )["TopicArn"]
        sns.set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(documents["alarms_topic"])
        )
    stand = [
        one["AlarmName"] for one in cloudwatch.describe_alarms(AlarmNamePrefix=f"{NAME}-")["MetricAlarms"]
    ]
    text = json.dumps(documents["alarms"])
    for slot, arn in groups.items():
        text = text.replace(f"<target group {slot}>", arn.rpartition(":")[2])
    for alarm in json.loads(text.replace("<load balancer>", balancer.partition(":loadbalancer/")[2])):
        if alarm["AlarmName"] not in stand:
            tags = pairs("alarms", alarm["AlarmName"])
            cloudwatch.put_metric_alarm(**alarm, AlarmActions=[topic], OKActions=[topic], Tags=tags)


def kubernetes_client() -> kubernetes.client.ApiClient:
    """Return a client of the cluster, with a token like that of `aws eks get-token`."""
    described = client("eks").describe_cluster(name=NAME)["cluster"]
    session = boto3.Session(region_name=REGION)
    sts = session.client("sts")
    signer = RequestSigner(
        sts.meta.service_model.service_id, REGION, "sts", "v4", session.get_credentials(), session.events
    )
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"{sts.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": NAME},
            "context": {},
        },
        region_name=REGION,
        expires_in=60,
        operation_name="",
    )
    token = "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
    with tempfile.NamedTemporaryFile("wb", suffix=".pem", delete=False) as authority:
        authority.write(base64.b64decode(described["certificateAuthority"]["data"]))
    configuration = kubernetes.client.Configuration(host=described["endpoint"])
    configuration.ssl_ca_cert = authority.name
    configuration.api_key = {"authorization": f"Bearer {token}"}
    return kubernetes.client.ApiClient(configuration)


def in_kubernetes(manifests: list[dict[str, Any]]) -> None:
    """Create the missing objects, and wait for Jobs."""
    api = kubernetes_client()
    try:
        for manifest in of_this_database(manifests):
            try:
                kubernetes.utils.create_from_dict(api, manifest)
            except kubernetes.utils.FailToCreateError as error:
                if any(one.status != 409 for one in error.api_exceptions):
                    raise
            while manifest["kind"] == "Job" and not complete(api, manifest["metadata"]):
                time.sleep(0.1)
    finally:
        Path(api.configuration.ssl_ca_cert).unlink()


def of_this_database(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the manifests with the secret of the master password that RDS created for this script's instance."""
    instance = client("rds").describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]
    secret = instance["MasterUserSecret"]["SecretArn"]
    return json.loads(
        re.sub(r"arn:aws:secretsmanager:[^\"\s]*:secret:rds![\w-]+", secret, json.dumps(manifests))
    )


def complete(api: kubernetes.client.ApiClient, job: dict[str, str]) -> bool:
    described = kubernetes.client.BatchV1Api(api).read_namespaced_job(job["name"], job["namespace"])
    ended = {one.type for one in described.status.conditions or () if one.status == "True"}
    if "Failed" in ended:
        sys.exit(f"the Job {job['name']} failed")
    return "Complete" in ended


def main() -> None:
    documents = json.loads(Path(sys.argv[1]).read_text())
    network = Network()
    roles = identities(documents)
    registry(documents)
    release_store()
    secret("model-api-keys", "API keys of the model providers, as JSON", "secrets")
    cluster(network, roles, documents)
    database(network)
    balancer, groups = load_balancer(network)
    functions(network, roles["functions"], documents["access_log_format"])
    node_targets(groups)
    how = f"How the service {NAME} connects to its database"
    secret("database", how, "database_user", SecretString="{}")
    in_kubernetes(documents["manifests"])
    alarms(documents, balancer, groups)


if __name__ == "__main__":
    main()
