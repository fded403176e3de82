# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Lists all AWS resources of one environment, in any state, whatever created them.

The Resource Groups Tagging API lists resources for hours after their deletion and does not cover IAM. So each service is
queried. The Tagging API only narrows the search for services that need a call per object to read tags (certificates,
keys, log groups).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    AnsibleAWSModule,
    Resource,
    boto3_tag_list_to_ansible_dict,
)

SLOTS = ("blue", "green")

#: kind, operation, key of the answer, key of the id
EC2 = (
    ("elastic-ip", "describe_addresses", "Addresses", "AllocationId"),
    ("flow-log", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("internet-gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("launch-template", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ("nat-gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("network-interface", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("route-table", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("security-group", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("subnet", "describe_subnets", "Subnets", "SubnetId"),
    ("volume", "describe_volumes", "Volumes", "VolumeId"),
    ("vpc", "describe_vpcs", "Vpcs", "VpcId"),
    ("vpc-endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
)
#: operations whose argument is named Filter instead of Filters
SINGULAR = ("describe_flow_logs", "describe_nat_gateways")
#: states of objects that EC2 still lists for a while after their deletion
ENDED_STATES = ("deleted", "deleting")


@dataclass(frozen=True)
class EnvironmentResource:
    """One AWS object: its kind, its ID, and its component."""

    kind: str
    id: str
    component: str
    #: whether AWS refuses to delete it
    protected: bool = False
    #: why the object remains after the environment is destroyed; empty if it is removed
    kept: str = ""


#: Components that have a KMS key, with the alias <application>-<environment>-<component>.
KEYS = ("alarms", "cluster")
#: Paths of the log groups that roles create and AWS services write to.
LOG_GROUPS = (
    "/{}/",
    "/aws/containerinsights/{}/",
    "/aws/eks/{}/",
    "/aws/rds/instance/{}/",
    "/aws/vendedlogs/{}/",
)


class EnvironmentResources(Resource):
    """Lists the resources of one environment, and the shared ones of its account."""

    kind = "environment"

    def __init__(self, module: AnsibleAWSModule, environment: str, application: str) -> None:
        self.module = module
        self.params = module.params
        self.environment = environment
        self.application = application
        self.prefix = f"{application}-{environment}"
        self._clients: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return self.prefix

    def all(self) -> list[dict[str, Any]]:
        """Return all resources, sorted by component, kind and ID."""
        finders = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("_list_")]
        found = {resource for finder in finders for resource in finder()}
        return [asdict(entry) for entry in sorted(found, key=lambda e: (e.component, e.kind, e.id))]

    # -- queries ----------------------------------------------------------------------------------

    def aws(self, service: str) -> Any:
        """Return the client of `service`, created on first use."""
        if service not in self._clients:
            self._clients[service] = self.module.client(service)
        return self._clients[service]

    def ask(self, service: str, operation: str, key: str, **arguments: Any) -> list:
        return self.pages(operation, key, client=self.aws(service), **arguments)

    def _has_own_tags(self, tags: dict[str, str]) -> bool:
        return tags.get("Environment") == self.environment and tags.get("Application") == self.application

    def _has_prefix(self, name: str) -> bool:
        """Return whether a name may belong to this environment: `shop-test-2-x` may be of `test` or of `test-2`."""
        return name.startswith(f"{self.prefix}-")

    def _tagged(self, service: str) -> list[str]:
        """Return the ARNs of a service's objects that have the environment's tags.

        The Tagging API lists objects for hours after their deletion, so check each ARN with the service.
        """
        own = {"Environment": self.environment, "Application": self.application}
        filters = [{"Key": key, "Values": [value]} for key, value in own.items()]
        found = self.ask(
            "resourcegroupstaggingapi",
            "get_resources",
            "ResourceTagMappingList",
            TagFilters=filters,
            ResourceTypeFilters=[service],
        )
        return [entry["ResourceARN"] for entry in found]

    # -- each service -----------------------------------------------------------------------------

    def _list_ec2(self) -> Iterator[EnvironmentResource]:
        for kind, operation, key, identifier in EC2:
            for entry in self.ask("ec2", operation, key, **self._filters(operation)):
                if entry.get("State") not in ENDED_STATES:
                    yield EnvironmentResource(kind, entry[identifier], self._component(entry))
        states = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
        filters = [*self._filters("describe_instances")["Filters"], states]
        for reservation in self.ask("ec2", "describe_instances", "Reservations", Filters=filters):
            for entry in reservation["Instances"]:
                yield EnvironmentResource("instance", entry["InstanceId"], self._component(entry))

    def _filters(self, operation: str) -> dict[str, list]:
        tags = {"Environment": self.environment, "Application": self.application}
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
        return {"Filter" if operation in SINGULAR else "Filters": filters}

    @staticmethod
    def _component(entry: dict) -> str:
        return boto3_tag_list_to_ansible_dict(entry.get("Tags", [])).get("Component", "")

    def _list_load_balancer(self) -> Iterator[EnvironmentResource]:
        elb = self.aws("elbv2")
        answer = self.call(
            "describe_load_balancers", client=elb, Names=[self.prefix], missing=["LoadBalancerNotFound"]
        )
        for entry in (answer or {}).get("LoadBalancers", []):
            arn = entry["LoadBalancerArn"]
            described = self.call("describe_load_balancer_attributes", client=elb, LoadBalancerArn=arn)
            attributes = {pair["Key"]: pair["Value"] for pair in described["Attributes"]}
            protected = attributes.get("deletion_protection.enabled") == "true"
            yield EnvironmentResource("load-balancer", entry["LoadBalancerName"], "load_balancer", protected)
        for slot in SLOTS:
            name = f"{self.prefix}-{slot}"
            if self.call("describe_target_groups", client=elb, Names=[name], missing=["TargetGroupNotFound"]):
                yield EnvironmentResource("target-group", name, "load_balancer")

    def _list_certificates(self) -> Iterator[EnvironmentResource]:
        acm = self.aws("acm")
        for arn in self._tagged("acm"):
            answer = self.call(
                "list_tags_for_certificate",
                client=acm,
                CertificateArn=arn,
                missing=["ResourceNotFoundException"],
            )
            tags = boto3_tag_list_to_ansible_dict((answer or {}).get("Tags", []))
            if self._has_own_tags(tags):
                yield EnvironmentResource("certificate", arn, tags.get("Component", ""))

    def _list_cluster(self) -> Iterator[EnvironmentResource]:
        for name in self.ask("eks", "list_clusters", "clusters"):
            if name == self.prefix:
                cluster = self.call("describe_cluster", client=self.aws("eks"), name=name)["cluster"]
                yield EnvironmentResource("cluster", name, "cluster", bool(cluster.get("deletionProtection")))
                for group in self.ask("eks", "list_nodegroups", "nodegroups", clusterName=name):
                    yield EnvironmentResource("nodegroup", f"{name}/{group}", "cluster")

    def _list_database(self) -> Iterator[EnvironmentResource]:
        for entry in self.ask("rds", "describe_db_instances", "DBInstances"):
            if entry["DBInstanceIdentifier"] == self.prefix:
                protected = bool(entry.get("DeletionProtection"))
                yield EnvironmentResource("database", entry["DBInstanceIdentifier"], "database", protected)
        for entry in self.ask("rds", "describe_db_subnet_groups", "DBSubnetGroups"):
            if entry["DBSubnetGroupName"] == self.prefix:
                yield EnvironmentResource("db-subnet-group", entry["DBSubnetGroupName"], "database")
        for entry in self.ask("rds", "describe_db_parameter_groups", "DBParameterGroups"):
            name = entry["DBParameterGroupName"]
            if self._has_prefix(name) and self._has_own_tags(self._rds_tags(entry["DBParameterGroupArn"])):
                yield EnvironmentResource("db-parameter-group", name, "database")
        for entry in self.ask("rds", "describe_db_snapshots", "DBSnapshots", SnapshotType="manual"):
            if entry["DBInstanceIdentifier"] == self.prefix:
                kept = "snapshot of the data, to restore from"
                yield EnvironmentResource("db-snapshot", entry["DBSnapshotIdentifier"], "database", kept=kept)

    def _rds_tags(self, arn: str) -> dict[str, str]:
        missing = ["DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"]
        answer = self.call(
            "list_tags_for_resource", client=self.aws("rds"), ResourceName=arn, missing=missing
        )
        return boto3_tag_list_to_ansible_dict((answer or {}).get("TagList", []))

    def _list_release_store(self) -> Iterator[EnvironmentResource]:
        name = f"{self.prefix}-releases"
        client = self.aws("dynamodb")
        answer = self.call(
            "describe_table", client=client, TableName=name, missing=["ResourceNotFoundException"]
        )
        if answer:
            protected = bool(answer["Table"].get("DeletionProtectionEnabled"))
            yield EnvironmentResource("table", name, "release_store", protected)

    def _list_functions(self) -> Iterator[EnvironmentResource]:
        client = self.aws("lambda")
        for entry in self.ask("lambda", "list_functions", "Functions"):
            if self._has_prefix(entry["FunctionName"]):
                tags = self.call("list_tags", client=client, Resource=entry["FunctionArn"])["Tags"]
                if self._has_own_tags(tags):
                    yield EnvironmentResource("function", entry["FunctionName"], tags.get("Component", ""))
        for entry in self.ask("apigatewayv2", "get_apis", "Items"):
            if self._has_own_tags(entry.get("Tags", {})):
                yield EnvironmentResource("http-api", entry["ApiId"], entry["Tags"].get("Component", ""))

    def _list_alarms(self) -> Iterator[EnvironmentResource]:
        alarms = self.ask("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=f"{self.prefix}-")
        for entry in alarms:
            arn = entry["AlarmArn"]
            answer = self.call("list_tags_for_resource", client=self.aws("cloudwatch"), ResourceARN=arn)
            if self._has_own_tags(boto3_tag_list_to_ansible_dict(answer["Tags"])):
                yield EnvironmentResource("alarm", entry["AlarmName"], "alarms")
        for entry in self.ask("sns", "list_topics", "Topics"):
            if entry["TopicArn"].rpartition(":")[2] == f"{self.prefix}-alarms":
                yield EnvironmentResource("topic", entry["TopicArn"], "alarms")

    def _list_log_groups(self) -> Iterator[EnvironmentResource]:
        paths = tuple(path.format(self.prefix) for path in LOG_GROUPS)
        by_name: set[str] = set()
        for beginning in (*paths, f"/aws/lambda/{self.prefix}-"):
            found = self.ask("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=beginning)
            by_name |= {entry["arn"].removesuffix(":*") for entry in found}
        tagged = {arn.removesuffix(":*") for arn in self._tagged("logs")}
        for arn in sorted(by_name | tagged):
            answer = self.call(
                "list_tags_for_resource",
                client=self.aws("logs"),
                resourceArn=arn,
                missing=["ResourceNotFoundException"],
            )
            tags, name = (answer or {}).get("tags", {}), arn.partition(":log-group:")[2]
            # A service that still writes logs after the deletion creates its group again, without tags.
            recreated = arn in by_name and "Environment" not in tags and name.startswith(paths)
            if self._has_own_tags(tags) or recreated:
                yield EnvironmentResource("log-group", name, tags.get("Component", ""))

    def _list_secrets(self) -> Iterator[EnvironmentResource]:
        for entry in self.ask("secretsmanager", "list_secrets", "SecretList", IncludePlannedDeletion=True):
            tags = boto3_tag_list_to_ansible_dict(entry.get("Tags", []))
            if self._has_own_tags(tags):
                ended = entry.get("DeletedDate")
                kept = (
                    f"deleted on {ended:%Y-%m-%d}, can be restored during its recovery window"
                    if ended
                    else ""
                )
                yield EnvironmentResource("secret", entry["Name"], tags.get("Component", ""), kept=kept)

    def _list_keys(self) -> Iterator[EnvironmentResource]:
        client = self.aws("kms")
        keys = dict.fromkeys((arn.rpartition("/")[2] for arn in self._tagged("kms") if ":key/" in arn), "")
        names = {f"alias/{self.prefix}-{name}": name for name in KEYS}
        for alias in self.ask("kms", "list_aliases", "Aliases"):
            if alias["AliasName"] in names:
                keys[alias["TargetKeyId"]] = names[alias["AliasName"]]
        for identifier, named in sorted(keys.items()):
            # The provisioning role can read this environment's keys, so a key that it cannot read is another's.
            unreadable = ["AccessDeniedException", "NotFoundException"]
            answer = self.call("describe_key", client=client, KeyId=identifier, missing=unreadable)
            listed = self.call("list_resource_tags", client=client, KeyId=identifier, missing=unreadable)
            if not answer or not listed:
                continue
            key = answer["KeyMetadata"]
            tags = {tag["TagKey"]: tag["TagValue"] for tag in listed["Tags"]}
            # A run that was killed may have created the key and not tagged it.
            untagged = named and "Environment" not in tags
            if self._has_own_tags(tags) or untagged:
                kept = (
                    f"scheduled for deletion on {key['DeletionDate']:%Y-%m-%d}"
                    if key.get("DeletionDate")
                    else ""
                )
                yield EnvironmentResource("key", identifier, tags.get("Component", named), kept=kept)

    def _list_identity(self) -> Iterator[EnvironmentResource]:
        path = {"PathPrefix": f"/{self.prefix}/"}
        for entry in self.ask("iam", "list_roles", "Roles", **path):
            yield EnvironmentResource("role", entry["RoleName"], "identity")
        for entry in self.ask("iam", "list_instance_profiles", "InstanceProfiles", **path):
            yield EnvironmentResource("instance-profile", entry["InstanceProfileName"], "identity")
        for entry in self.ask("iam", "list_policies", "Policies", Scope="Local", **path):
            yield EnvironmentResource("policy", entry["PolicyName"], "identity")

    def _list_account(self) -> Iterator[EnvironmentResource]:
        """Yield what all environments of the account share."""
        shared = "shared by all environments of the account"
        answer = self.call(
            "describe_repositories",
            client=self.aws("ecr"),
            repositoryNames=[self.application],
            missing=["RepositoryNotFoundException"],
        )
        for entry in (answer or {}).get("repositories", []):
            yield EnvironmentResource("repository", entry["repositoryName"], "registry", kept=shared)
        for entry in self.ask("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList"):
            if entry["Arn"].endswith("/token.actions.githubusercontent.com"):
                yield EnvironmentResource("oidc-provider", entry["Arn"], "identity", kept=shared)
