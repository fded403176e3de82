"""An account that others use: create their resources before our environment, and read the account to compare it later.

The resources belong to other teams, to other applications and to an environment with the same name prefix: `staging-2`
beside `staging`. boto3 creates them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3

from rehearsal.request_limits import AWS_KEY
from tests import account

ZONE = "assistant.example.com"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
OTHERS = {"CostCenter": "4711", "Owner": "team-search"}
#: Attributes that differ in each read without a change.
VOLATILE = {
    "ResponseMetadata",
    "ResourceRecordSetCount",  # includes our records
    "State",
    "LastAccessedDate",
    "LatestRestorableTime",
    "lastRequestedAt",
    "Location",
}


def pairs(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in tags.items()]


class Others:
    """Creates the resources of others in an account."""

    def __init__(self, session: boto3.Session, url: str, environment: str) -> None:
        self._session, self._url = session, url
        self.environment = environment
        self.twin = f"{environment}-2"
        self.name = f"assistant-{self.twin}"
        self.tags = {
            "Application": "assistant",
            "Environment": self.twin,
            "ManagedBy": "teal.platform",
            "CollectionVersion": "0.1.0",
        }

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._url)

    def make(self) -> None:
        """Create all of them."""
        self.zone()
        subnets, vpc = self.network()
        self.load_balancers(subnets, vpc)
        self.keys_and_certificates()
        self.logs()
        self.identities()
        self.data(subnets)
        self.cluster(subnets)

    def zone(self) -> None:
        """Create the zone of the environments' domains, signed, with a comment, tags and foreign records."""
        route53 = self.client("route53")
        made = route53.create_hosted_zone(
            Name=ZONE, CallerReference="others", HostedZoneConfig={"Comment": "Owned by network operations"}
        )["HostedZone"]["Id"].rpartition("/")[2]
        route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=made, AddTags=pairs(OTHERS))
        route53.enable_hosted_zone_dnssec(HostedZoneId=made)
        records = [
            ("MX", f"{ZONE}.", "10 mail.example.com."),
            ("TXT", f"{ZONE}.", '"v=spf1 -all"'),
            ("CNAME", f"www.{ZONE}.", "example.org."),
            ("A", f"{self.twin}.{ZONE}.", "203.0.113.7"),
            ("A", rf"\052.{ZONE}.", "203.0.113.8"),
        ]
        changes = [
            {
                "Action": "CREATE",
                "ResourceRecordSet": {
                    "Name": name,
                    "Type": kind,
                    "TTL": 60,
                    "ResourceRecords": [{"Value": value}],
                },
            }
            for kind, name, value in records
        ]
        route53.change_resource_record_sets(HostedZoneId=made, ChangeBatch={"Changes": changes})
        route53.create_hosted_zone(Name="search.example.com", CallerReference="search")

    def network(self) -> tuple[list[str], str]:
        """Create networks of the environment with the same name prefix, and networks of others with our names."""
        ec2, made = self.client("ec2"), []
        for tags in (
            {**self.tags, "Component": "network", "Name": self.name},
            {**OTHERS, "Name": f"assistant-{self.environment}"},
            {**OTHERS, "Application": "search", "Environment": self.environment, "Name": "search"},
        ):

            def tagged(kind: str, tags: dict[str, str] = tags) -> list[dict[str, Any]]:
                return [{"ResourceType": kind, "Tags": pairs(tags)}]

            vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
            subnets = [
                ec2.create_subnet(
                    VpcId=vpc,
                    CidrBlock=f"10.20.{number}.0/24",
                    AvailabilityZone=f"ap-northeast-2{zone}",
                    TagSpecifications=tagged("subnet"),
                )["Subnet"]["SubnetId"]
                for number, zone in enumerate("ac")
            ]
            gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))
            gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
            ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc)
            for group in ("database", "load-balancer"):
                ec2.create_security_group(
                    GroupName=f"assistant-{self.environment}-{group}",
                    Description=group,
                    VpcId=vpc,
                    TagSpecifications=tagged("security-group"),
                )
            address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))
            ec2.create_nat_gateway(
                SubnetId=subnets[0],
                AllocationId=address["AllocationId"],
                TagSpecifications=tagged("natgateway"),
            )
            ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table"))
            made.append((subnets, vpc))
        ec2.create_launch_template(
            LaunchTemplateName=f"{self.name}-nodes",
            LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"},
            TagSpecifications=[
                {"ResourceType": "launch-template", "Tags": pairs(self.tags | {"Component": "cluster"})}
            ],
        )
        ec2.run_instances(
            ImageId="ami-12c6146b",
            InstanceType="t3.micro",
            MinCount=2,
            MaxCount=2,
            SubnetId=made[2][0][0],
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs(OTHERS)}],
        )
        return made[0]

    def load_balancers(self, subnets: list[str], vpc: str) -> None:
        """Create more load balancers than DescribeTags accepts, one with 25 rules, one of the similar environment."""
        elb, slots = self.client("elbv2"), pairs(self.tags | {"Component": "load_balancer"})
        for number in range(21):
            made = elb.create_load_balancer(Name=f"search-{number}", Subnets=subnets, Tags=pairs(OTHERS))
            group = elb.create_target_group(
                Name=f"search-{number}", Protocol="HTTP", Port=80, VpcId=vpc, Tags=pairs(OTHERS)
            )
        own = elb.create_load_balancer(Name=self.name, Subnets=subnets, Tags=slots)
        for slot in ("blue", "green"):
            elb.create_target_group(
                Name=f"{self.name}-{slot}",
                Protocol="HTTP",
                Port=30080,
                VpcId=vpc,
                Tags=[*slots, {"Key": "Slot", "Value": slot}],
            )
        forward = [{"Type": "forward", "TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]}]
        for balancer in (made, own):
            listener = elb.create_listener(
                LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
                Protocol="HTTP",
                Port=80,
                DefaultActions=forward,
            )["Listeners"][0]["ListenerArn"]
            add_rules(elb, listener, forward)

    def keys_and_certificates(self) -> None:
        kms, acm = self.client("kms"), self.client("acm")
        for number in range(12):
            made = kms.create_key(Description=f"key {number} of a team that tags nothing")["KeyMetadata"]
            kms.create_alias(AliasName=f"alias/search-{number}", TargetKeyId=made["KeyId"])
        own = kms.create_key(
            Description="secrets", Tags=pairs(self.tags | {"Component": "cluster"}, "TagKey", "TagValue")
        )["KeyMetadata"]
        kms.create_alias(AliasName=f"alias/{self.name}-cluster", TargetKeyId=own["KeyId"])
        for number in range(4):
            acm.request_certificate(DomainName=f"search-{number}.example.com", ValidationMethod="DNS")
        acm.request_certificate(
            DomainName=f"{self.twin}.{ZONE}",
            ValidationMethod="DNS",
            Tags=pairs(self.tags | {"Component": "load_balancer"}),
        )

    def logs(self) -> None:
        """Create more log groups than a page of DescribeLogGroups, some of the similarly named environment."""
        logs = self.client("logs")
        for number in range(55):
            logs.create_log_group(logGroupName=f"/aws/lambda/search-{number}")
        for name in (
            f"/aws/eks/{self.name}/cluster",
            f"/aws/lambda/{self.name}-hello",
            f"/aws/rds/instance/{self.name}/postgresql",
            f"/aws/containerinsights/{self.name}/application",
            f"/aws/vendedlogs/{self.name}/api",
        ):
            logs.create_log_group(logGroupName=name, tags=self.tags | {"Component": "cluster"})

    def identities(self) -> None:
        """Create roles of the similarly named environment and of others, and GitHub's OIDC provider."""
        iam = self.client("iam")
        for number in range(30):
            iam.create_role(RoleName=f"search-{number}", AssumeRolePolicyDocument=TRUST, Tags=pairs(OTHERS))
        iam.create_open_id_connect_provider(
            Url="https://token.actions.githubusercontent.com",
            ClientIDList=["sts.amazonaws.com", "https://github.com/search"],
            ThumbprintList=["6938fd4d98bab03faadb97b34396831e3780aea1"],
            Tags=pairs(OTHERS),
        )
        tags, path = pairs(self.tags | {"Component": "identity"}), f"/{self.name}/"
        permit = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [permit]})
        boundary = iam.create_policy(
            PolicyName=f"{self.name}-boundary", Path=path, PolicyDocument=document, Tags=tags
        )["Policy"]["Arn"]
        for role in ("provision", "nodes", "service"):
            name = f"{self.name}-{role}"
            iam.create_role(
                RoleName=name,
                Path=path,
                AssumeRolePolicyDocument=TRUST,
                PermissionsBoundary=boundary,
                Tags=tags,
            )
            iam.put_role_policy(RoleName=name, PolicyName=role, PolicyDocument=document)
        iam.create_instance_profile(InstanceProfileName=f"{self.name}-bastion", Path=path, Tags=tags)
        iam.add_role_to_instance_profile(
            InstanceProfileName=f"{self.name}-bastion", RoleName=f"{self.name}-nodes"
        )

    def data(self, subnets: list[str]) -> None:
        """Create database, secrets, table of releases, topic and alarms of the similarly named environment."""
        rds, tags = self.client("rds"), pairs(self.tags | {"Component": "database"})
        rds.create_db_subnet_group(
            DBSubnetGroupName=self.name, DBSubnetGroupDescription="x", SubnetIds=subnets, Tags=tags
        )
        rds.create_db_instance(
            DBInstanceIdentifier=self.name,
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            MasterUsername="teal",
            ManageMasterUserPassword=True,
            AllocatedStorage=20,
            DBSubnetGroupName=self.name,
            Tags=tags,
        )
        secrets = self.client("secretsmanager")
        for name in (f"{self.name}/model-api-keys", f"{self.name}/database"):
            secrets.create_secret(
                Name=name, SecretString="x", Tags=pairs(self.tags | {"Component": "secrets"})
            )
        dynamodb = self.client("dynamodb")
        for name in (f"{self.name}-releases", "search"):
            dynamodb.create_table(
                TableName=name,
                KeySchema=[{"AttributeName": "scope", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "scope", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
                Tags=pairs(self.tags | {"Component": "release_store"} if name != "search" else OTHERS),
            )
            dynamodb.put_item(TableName=name, Item={"scope": {"S": "lock"}, "holder": {"S": "others"}})
        alarms = pairs(self.tags | {"Component": "alarms"})
        topic = self.client("sns").create_topic(Name=f"{self.name}-alarms", Tags=alarms)["TopicArn"]
        for name in (f"{self.name}-alb-5xx", f"{self.name}-database-cpu", "search-cpu"):
            self.client("cloudwatch").put_metric_alarm(
                AlarmName=name,
                AlarmActions=[topic],
                Namespace="AWS/EC2",
                MetricName="CPUUtilization",
                Statistic="Average",
                Period=60,
                EvaluationPeriods=1,
                ComparisonOperator="GreaterThanThreshold",
                Threshold=1.0,
                Tags=alarms if name != "search-cpu" else pairs(OTHERS),
            )
        self.client("ecr").create_repository(repositoryName="search", tags=pairs(OTHERS))
        self.client("apigatewayv2").create_api(
            Name=self.name, ProtocolType="HTTP", Tags=self.tags | {"Component": "functions"}
        )

    def cluster(self, subnets: list[str]) -> None:
        eks, tags = self.client("eks"), self.tags | {"Component": "cluster"}
        role = f"arn:aws:iam::123456789012:role/{self.name}/{self.name}-nodes"
        eks.create_cluster(name=self.name, roleArn=role, resourcesVpcConfig={"subnetIds": subnets}, tags=tags)
        eks.create_nodegroup(
            clusterName=self.name,
            nodegroupName=self.name,
            nodeRole=role,
            subnets=subnets,
            scalingConfig={"minSize": 1, "maxSize": 1, "desiredSize": 1},
            tags=tags,
        )


def add_rules(elb: Any, listener: str, actions: list[dict[str, Any]]) -> list[str]:
    """Add 25 rules to a listener. Return their ARNs."""
    return [
        elb.create_rule(
            ListenerArn=listener,
            Priority=101 + number,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{number}/*"]}}],
            Actions=actions,
        )["Rules"][0]["RuleArn"]
        for number in range(25)
    ]


#: Further reads per object of a kind: the operation and its arguments for one object.
MORE: dict[tuple[str, str], tuple[tuple[str, Callable[[Any], dict[str, Any]]], ...]] = {
    ("acm", "list_certificates"): (
        ("describe_certificate", lambda one: {"CertificateArn": one["CertificateArn"]}),
        ("list_tags_for_certificate", lambda one: {"CertificateArn": one["CertificateArn"]}),
    ),
    ("cloudwatch", "describe_alarms"): (
        ("list_tags_for_resource", lambda one: {"ResourceARN": one["AlarmArn"]}),
    ),
    ("dynamodb", "list_tables"): (
        ("describe_table", lambda one: {"TableName": one}),
        ("scan", lambda one: {"TableName": one}),
        (
            "list_tags_of_resource",
            lambda one: {"ResourceArn": f"arn:aws:dynamodb:ap-northeast-2:123456789012:table/{one}"},
        ),
    ),
    ("eks", "list_clusters"): (("describe_cluster", lambda one: {"name": one}),),
    ("elbv2", "describe_load_balancers"): (
        ("describe_tags", lambda one: {"ResourceArns": [one["LoadBalancerArn"]]}),
        ("describe_load_balancer_attributes", lambda one: {"LoadBalancerArn": one["LoadBalancerArn"]}),
    ),
    ("elbv2", "describe_rules"): (("describe_tags", lambda one: {"ResourceArns": [one["RuleArn"]]}),),
    ("elbv2", "describe_target_groups"): (
        ("describe_tags", lambda one: {"ResourceArns": [one["TargetGroupArn"]]}),
        ("describe_target_group_attributes", lambda one: {"TargetGroupArn": one["TargetGroupArn"]}),
    ),
    ("iam", "list_open_id_connect_providers"): (
        ("get_open_id_connect_provider", lambda one: {"OpenIDConnectProviderArn": one["Arn"]}),
    ),
    ("iam", "list_policies"): (
        ("get_policy_version", lambda one: {"PolicyArn": one["Arn"], "VersionId": one["DefaultVersionId"]}),
    ),
    ("iam", "list_roles"): (
        ("list_role_policies", lambda one: {"RoleName": one["RoleName"]}),
        ("list_role_tags", lambda one: {"RoleName": one["RoleName"]}),
    ),
    ("kms", "describe_key"): (
        ("list_resource_tags", lambda one: {"KeyId": one["KeyId"]}),
        ("get_key_policy", lambda one: {"KeyId": one["KeyId"], "PolicyName": "default"}),
    ),
    ("logs", "describe_log_groups"): (
        ("list_tags_for_resource", lambda one: {"resourceArn": one["arn"].removesuffix(":*")}),
    ),
    ("route53", "list_hosted_zones"): (
        ("get_dnssec", lambda one: {"HostedZoneId": one["Id"]}),
        ("list_resource_record_sets", lambda one: {"HostedZoneId": one["Id"]}),
        (
            "list_tags_for_resource",
            lambda one: {"ResourceType": "hostedzone", "ResourceId": one["Id"].rpartition("/")[2]},
        ),
    ),
    ("secretsmanager", "list_secrets"): (("describe_secret", lambda one: {"SecretId": one["ARN"]}),),
    ("sns", "list_topics"): (
        ("get_topic_attributes", lambda one: {"TopicArn": one["TopicArn"]}),
        ("list_tags_for_resource", lambda one: {"ResourceArn": one["TopicArn"]}),
    ),
}


def described(session: boto3.Session, url: str) -> set[str]:
    """Return the state of an account: a JSON text for each object and for each further read of it."""
    texts = set()
    for kind, client, one in account.objects(session, url):
        texts.add(_text(kind, kind.operation, one))
        for operation, arguments in MORE.get((kind.service, kind.operation), ()):
            answer = getattr(client, operation)(**arguments(one))
            # The zone contains our records and foreign ones.
            parts = answer["ResourceRecordSets"] if operation == "list_resource_record_sets" else [answer]
            texts |= {_text(kind, operation, [arguments(one), part]) for part in parts}
    return texts


def _text(kind: account.Kind, operation: str, one: Any) -> str:
    return f"{kind.service} {operation}: {json.dumps(_steady(one), sort_keys=True, default=str)}"


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _steady(one) for name, one in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [_steady(one) for one in value]
    return value


TAGS_OF_AWS = {
    "aws:cloudformation:stack-name": "imported",
    "awsApplication": "arn:aws:resource-groups:::group/search",
}
#: By the service of an ARN: its name in boto3, the tagging operation, the arguments without the tags.
TAGGERS: dict[str, tuple[str, str, Callable[[str], dict[str, Any]]]] = {
    "acm": ("acm", "add_tags_to_certificate", lambda arn: {"CertificateArn": arn}),
    "cloudwatch": ("cloudwatch", "tag_resource", lambda arn: {"ResourceARN": arn}),
    "dynamodb": ("dynamodb", "tag_resource", lambda arn: {"ResourceArn": arn}),
    "ec2": ("ec2", "create_tags", lambda arn: {"Resources": [arn.rpartition("/")[2]]}),
    "ecr": ("ecr", "tag_resource", lambda arn: {"resourceArn": arn}),
    "eks": ("eks", "tag_resource", lambda arn: {"resourceArn": arn}),
    "elasticloadbalancing": ("elbv2", "add_tags", lambda arn: {"ResourceArns": [arn]}),
    "kms": ("kms", "tag_resource", lambda arn: {"KeyId": arn}),
    "lambda": ("lambda", "tag_resource", lambda arn: {"Resource": arn}),
    "logs": ("logs", "tag_resource", lambda arn: {"resourceArn": arn.removesuffix(":*")}),
    "rds": ("rds", "add_tags_to_resource", lambda arn: {"ResourceName": arn}),
    "secretsmanager": ("secretsmanager", "tag_resource", lambda arn: {"SecretId": arn}),
    "ssm": (
        "ssm",
        "add_tags_to_resource",
        lambda arn: {"ResourceType": "Parameter", "ResourceId": arn.partition(":parameter")[2]},
    ),
    "sns": ("sns", "tag_resource", lambda arn: {"ResourceArn": arn}),
}


def tag_as_aws(session: boto3.Session, url: str, environment: str) -> set[str]:
    """Tag the resources of an environment as AWS services do. Return their ARNs."""
    aws = boto3.Session(
        aws_access_key_id=AWS_KEY, aws_secret_access_key="test", region_name=session.region_name
    )
    found = resources_with(session, url, {"Environment": environment, "Application": "assistant"})
    arns = {arn for arn in found if arn.split(":")[2] in TAGGERS}
    for arn in arns:
        service, operation, arguments = TAGGERS[arn.split(":")[2]]
        # moto's ACM refuses tags with the prefix aws:.
        tags = {k: v for k, v in TAGS_OF_AWS.items() if service != "acm" or not k.startswith("aws:")}
        name = "tags" if service in ("ecr", "eks", "logs") else "Tags"
        given: Any = tags if service in ("eks", "lambda", "logs") else pairs(tags)
        if service == "kms":
            given = pairs(tags, "TagKey", "TagValue")
        getattr(aws.client(service, endpoint_url=url), operation)(**arguments(arn), **{name: given})
    return arns


def resources_with(session: boto3.Session, url: str, tags: dict[str, str]) -> set[str]:
    """Return the ARNs of the resources with all of these tags."""
    client = session.client("resourcegroupstaggingapi", endpoint_url=url)
    filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
    pages = client.get_paginator("get_resources").paginate(TagFilters=filters)
    return {found["ResourceARN"] for page in pages for found in page["ResourceTagMappingList"]}
