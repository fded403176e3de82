# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Finds the components of an environment in AWS by their tags, or by their conventional names.

`Components(module).find("network")` returns the component as a plain dict, or None. It keeps no state between runs and
reads nothing from the inventory.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    AnsibleAWSModule,
    Resource,
    boto3_tag_list_to_ansible_dict,
)

SLOTS = ("blue", "green")
SECURITY_GROUPS = ("load_balancer", "service", "database", "bastion", "functions")
ROLES = (
    "cluster",
    "nodes",
    "service",
    "instance",
    "bastion",
    "functions",
    "database_user",
    "provision",
    "deploy",
    "qa",
)
_LIVE_INSTANCES = ["pending", "running", "stopping", "stopped"]


class Components(Resource):
    """Finds the components of one environment with few calls each."""

    kind = "component"

    def __init__(self, module: AnsibleAWSModule, environment: str, application: str) -> None:
        self.module = module
        self.params = module.params
        self.environment = environment
        self.application = application
        self.prefix = f"{application}-{environment}"
        self._looking_for = ""
        self._clients: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return f"{self._looking_for}.{self.environment}"

    @property
    def region(self) -> str:
        return self.aws("ec2").meta.region_name

    def aws(self, service: str) -> Any:
        """Return the client of `service`, created on first use."""
        if service not in self._clients:
            self._clients[service] = self.module.client(service)
        return self._clients[service]

    def find(self, component: str) -> dict[str, Any] | None:  # type: ignore[override]
        """Return the component's resources, or None if it does not exist."""
        self._looking_for = component
        return getattr(self, f"_find_{component}")()

    @staticmethod
    def usable(component: str, found: dict[str, Any] | None) -> bool:
        """Return whether a component is complete. A run that was killed may have created parts of it only."""
        if found is None:
            return False
        decisive = {"network": "subnets", "load_balancer": "slot_rule_arn"}.get(component)
        return bool(found[decisive]) if decisive else True

    def account(self) -> str:
        """Return the account's id."""
        return self.call("get_caller_identity", client=self.aws("sts"))["Account"]

    # -- each component --------------------------------------------------------------------------

    def _tag_filters(self, component: str) -> list[dict]:
        wanted = {"Application": self.application, "Environment": self.environment, "Component": component}
        return [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]

    def _find_network(self) -> dict[str, Any] | None:
        ec2 = self.aws("ec2")
        vpcs = self.pages("describe_vpcs", "Vpcs", client=ec2, Filters=self._tag_filters("network"))
        if len(vpcs) > 1:
            self.module.fail_json(
                msg=f"{self.name}: {len(vpcs)} VPCs have its tags, expected one: "
                + ", ".join(vpc["VpcId"] for vpc in vpcs)
            )
        if not vpcs:
            return None
        inside = [{"Name": "vpc-id", "Values": [vpcs[0]["VpcId"]]}]
        tiers: dict[str, list] = defaultdict(list)
        for subnet in self.pages("describe_subnets", "Subnets", client=ec2, Filters=inside):
            tier = boto3_tag_list_to_ansible_dict(subnet.get("Tags", [])).get("Tier")
            if tier:
                entry = {
                    "id": subnet["SubnetId"],
                    "az": subnet["AvailabilityZone"],
                    "cidr": subnet["CidrBlock"],
                }
                tiers[tier].append(entry)
        groups = self.pages("describe_security_groups", "SecurityGroups", client=ec2, Filters=inside)
        purposes = [(boto3_tag_list_to_ansible_dict(g.get("Tags", [])).get("Purpose"), g) for g in groups]
        subnets = {tier: sorted(entries, key=lambda entry: entry["az"]) for tier, entries in tiers.items()}
        return {
            "vpc_id": vpcs[0]["VpcId"],
            "cidr": vpcs[0]["CidrBlock"],
            "subnets": subnets,
            "subnet_ids": {tier: [entry["id"] for entry in entries] for tier, entries in subnets.items()},
            "security_groups": {purpose: g["GroupId"] for purpose, g in purposes if purpose},
        }

    def _find_load_balancer(self) -> dict[str, Any] | None:
        elb = self.aws("elbv2")
        answer = self.call(
            "describe_load_balancers", client=elb, Names=[self.prefix], missing=["LoadBalancerNotFound"]
        )
        if not answer or not answer["LoadBalancers"]:
            return None
        balancer = answer["LoadBalancers"][0]
        arn = balancer["LoadBalancerArn"]
        listeners = {
            listener["Protocol"].lower(): listener["ListenerArn"]
            for listener in self.pages("describe_listeners", "Listeners", client=elb, LoadBalancerArn=arn)
        }
        groups = {}
        for slot in SLOTS:
            group = self.call(
                "describe_target_groups",
                client=elb,
                Names=[f"{self.prefix}-{slot}"],
                missing=["TargetGroupNotFound"],
            )
            for found in (group or {}).get("TargetGroups", []):
                groups[slot] = {
                    "arn": found["TargetGroupArn"],
                    "port": found["Port"],
                    "protocol": found["Protocol"],
                    "health_check_path": found.get("HealthCheckPath"),
                }
        rule = self._slot_rule(listeners.get("https"), groups)
        return {
            "arn": arn,
            "name": self.prefix,
            "dns_name": balancer["DNSName"],
            "zone_id": balancer.get("CanonicalHostedZoneId"),
            "listeners": listeners,
            "target_groups": groups,
            "slot_rule_arn": rule["arn"] if rule else None,
            "weights": rule["weights"] if rule else {},
            "addresses": self._addresses(arn),
        }

    def _slot_rule(self, listener: str | None, groups: dict[str, dict]) -> dict[str, Any] | None:
        """Return the slot rule: the listener rule that forwards to both target groups."""
        if not listener or len(groups) < len(SLOTS):
            return None
        slots = {group["arn"]: slot for slot, group in groups.items()}
        for rule in self.pages("describe_rules", "Rules", client=self.aws("elbv2"), ListenerArn=listener):
            for action in rule["Actions"]:
                targets = action.get("ForwardConfig", {}).get("TargetGroups", [])
                if {target["TargetGroupArn"] for target in targets} == set(slots):
                    weights = {slots[target["TargetGroupArn"]]: target["Weight"] for target in targets}
                    return {"arn": rule["RuleArn"], "weights": weights}
        return None

    def _addresses(self, arn: str) -> list[str]:
        """Return the balancer's public addresses (those of its network interfaces)."""
        description = "ELB " + arn.split(":loadbalancer/", 1)[1]
        interfaces = self.pages(
            "describe_network_interfaces",
            "NetworkInterfaces",
            client=self.aws("ec2"),
            Filters=[{"Name": "description", "Values": [description]}],
        )
        found = (interface.get("Association", {}).get("PublicIp") for interface in interfaces)
        return sorted(address for address in found if address)

    def _find_cluster(self) -> dict[str, Any] | None:
        eks = self.aws("eks")
        missing = ["ResourceNotFoundException"]
        answer = self.call("describe_cluster", client=eks, name=self.prefix, missing=missing)
        if not answer:
            return None
        cluster = answer["cluster"]
        nodegroups = {}
        for name in self.pages("list_nodegroups", "nodegroups", client=eks, clusterName=self.prefix):
            described = self.call(
                "describe_nodegroup",
                client=eks,
                clusterName=self.prefix,
                nodegroupName=name,
                missing=missing,
            )
            if described:
                group = described["nodegroup"]
                scaling_groups = group.get("resources", {}).get("autoScalingGroups", [])
                nodegroups[name] = {
                    "status": group["status"],
                    "autoscaling_groups": [entry["name"] for entry in scaling_groups],
                }
        vpc = cluster.get("resourcesVpcConfig", {})
        return {
            "name": cluster["name"],
            "arn": cluster["arn"],
            "status": cluster["status"],
            "version": cluster.get("version"),
            "endpoint": cluster.get("endpoint"),
            "certificate_authority": cluster.get("certificateAuthority", {}).get("data"),
            "oidc_issuer": cluster.get("identity", {}).get("oidc", {}).get("issuer"),
            "security_group_id": vpc.get("clusterSecurityGroupId"),
            "nodegroups": nodegroups,
            "autoscaling_groups": [
                name for group in nodegroups.values() for name in group["autoscaling_groups"]
            ],
        }

    def _find_database(self) -> dict[str, Any] | None:
        answer = self.call(
            "describe_db_instances",
            client=self.aws("rds"),
            DBInstanceIdentifier=self.prefix,
            missing=["DBInstanceNotFound", "DBInstanceNotFoundFault"],
        )
        if not answer or not answer["DBInstances"]:
            return None
        database = answer["DBInstances"][0]
        endpoint = database.get("Endpoint", {})
        return {
            "id": database["DBInstanceIdentifier"],
            "arn": database["DBInstanceArn"],
            "resource_id": database.get("DbiResourceId"),
            "status": database["DBInstanceStatus"],
            "engine": database["Engine"],
            "database_name": database.get("DBName"),
            "endpoint": endpoint.get("Address"),
            "port": endpoint.get("Port"),
            "master_secret_arn": database.get("MasterUserSecret", {}).get("SecretArn"),
        }

    def _find_identity(self) -> dict[str, Any] | None:
        prefix = f"{self.prefix}-"
        roles = self.pages("list_roles", "Roles", client=self.aws("iam"), PathPrefix=f"/{self.prefix}/")
        found = {
            role["RoleName"].removeprefix(prefix).replace("-", "_"): role["Arn"]
            for role in roles
            if role["RoleName"].startswith(prefix)
        }
        return {"roles": found} if found else None

    def _find_registry(self) -> dict[str, Any] | None:
        answer = self.call(
            "describe_repositories",
            client=self.aws("ecr"),
            repositoryNames=[self.application],
            missing=["RepositoryNotFoundException"],
        )
        if not answer or not answer["repositories"]:
            return None
        repository = answer["repositories"][0]
        return {
            "name": repository["repositoryName"],
            "arn": repository["repositoryArn"],
            "uri": repository["repositoryUri"],
        }

    def _find_release_store(self) -> dict[str, Any] | None:
        answer = self.call(
            "describe_table",
            client=self.aws("dynamodb"),
            TableName=f"{self.prefix}-releases",
            missing=["ResourceNotFoundException"],
        )
        return {"table": answer["Table"]["TableName"], "arn": answer["Table"]["TableArn"]} if answer else None

    def _find_functions(self) -> dict[str, Any] | None:
        apis = self.pages("get_apis", "Items", client=self.aws("apigatewayv2"))
        for api in apis:
            tags = api.get("Tags", {})
            if tags.get("Application") == self.application and tags.get("Environment") == self.environment:
                return {
                    "api_id": api["ApiId"],
                    "name": api["Name"],
                    "url": api["ApiEndpoint"],
                    "functions": self._functions_behind(api["ApiId"]),
                }
        return None

    def _functions_behind(self, api_id: str) -> list[str]:
        """Return the names of the functions that an API calls."""
        integrations = self.pages("get_integrations", "Items", client=self.aws("apigatewayv2"), ApiId=api_id)
        arns = [integration.get("IntegrationUri", "") for integration in integrations]
        return sorted({arn.split(":")[6] for arn in arns if ":function:" in arn})

    def _instances(self, component: str) -> list[dict[str, Any]]:
        reservations = self.pages(
            "describe_instances",
            "Reservations",
            client=self.aws("ec2"),
            Filters=[
                *self._tag_filters(component),
                {"Name": "instance-state-name", "Values": _LIVE_INSTANCES},
            ],
        )
        return [
            {
                "id": instance["InstanceId"],
                "state": instance["State"]["Name"],
                "private_ip": instance.get("PrivateIpAddress"),
                "public_ip": instance.get("PublicIpAddress"),
                "slot": boto3_tag_list_to_ansible_dict(instance.get("Tags", [])).get("Slot"),
            }
            for reservation in reservations
            for instance in reservation["Instances"]
        ]

    def _find_bastion(self) -> dict[str, Any] | None:
        instances = self._instances("bastion")
        return {**instances[0], "instances": instances} if instances else None

    def _find_instance(self) -> dict[str, Any] | None:
        templates = {}
        for template in self.pages(
            "describe_launch_templates",
            "LaunchTemplates",
            client=self.aws("ec2"),
            Filters=self._tag_filters("instance"),
        ):
            slot = template["LaunchTemplateName"].rsplit("-", 1)[-1]
            if slot in SLOTS:
                templates[slot] = template["LaunchTemplateId"]
        instances = self._instances("instance")
        return {"instances": instances, "launch_templates": templates} if templates or instances else None

    # -- placeholders for components that check mode would create ----------------------------------

    def planned(self, component: str) -> dict[str, Any]:
        """Return placeholders with the same keys as `find(component)`."""
        name, region = self.prefix, self.region
        account = "000000000000"
        zones = [f"{region}a", f"{region}b"]

        def arn(service: str, what: str, where: str = region) -> str:
            return f"arn:aws:{service}:{where}:{account}:{what}"

        def subnets(tier: str) -> list[dict]:
            return [
                {"id": f"subnet-planned-{tier}-{zone}", "az": zone, "cidr": "0.0.0.0/0"} for zone in zones
            ]

        tiers = {tier: subnets(tier) for tier in ("public", "private")}
        instance = {
            "id": "i-planned",
            "state": "planned",
            "private_ip": "0.0.0.0",
            "public_ip": None,
            "slot": None,
        }
        balancer = f"app/{name}/planned"
        plans: dict[str, dict[str, Any]] = {
            "network": {
                "vpc_id": "vpc-planned",
                "cidr": "0.0.0.0/0",
                "subnets": tiers,
                "subnet_ids": {tier: [subnet["id"] for subnet in entries] for tier, entries in tiers.items()},
                "security_groups": {
                    group: f"sg-planned-{group.replace('_', '-')}" for group in SECURITY_GROUPS
                },
            },
            "load_balancer": {
                "arn": arn("elasticloadbalancing", f"loadbalancer/{balancer}"),
                "name": name,
                "dns_name": f"{name}-planned.{region}.elb.amazonaws.com",
                "zone_id": "ZPLANNED",
                "listeners": {
                    protocol: arn("elasticloadbalancing", f"listener/{balancer}/{protocol}")
                    for protocol in ("http", "https")
                },
                "target_groups": {
                    slot: {
                        "arn": arn("elasticloadbalancing", f"targetgroup/{name}-{slot}/planned"),
                        "port": 0,
                        "protocol": "HTTP",
                        "health_check_path": "/",
                    }
                    for slot in SLOTS
                },
                "slot_rule_arn": arn("elasticloadbalancing", f"listener-rule/{balancer}/https/planned"),
                "weights": {"blue": 100, "green": 0},
                "addresses": [],
            },
            "cluster": {
                "name": name,
                "arn": arn("eks", f"cluster/{name}"),
                "status": "PLANNED",
                "version": "planned",
                "endpoint": "https://planned.invalid",
                "certificate_authority": "cGxhbm5lZA==",
                "oidc_issuer": f"https://oidc.eks.{region}.amazonaws.com/id/PLANNED",
                "security_group_id": "sg-planned-cluster",
                "nodegroups": {},
                "autoscaling_groups": [f"{name}-planned"],
            },
            "database": {
                "id": name,
                "arn": arn("rds", f"db:{name}"),
                "resource_id": "db-PLANNED",
                "status": "planned",
                "engine": "planned",
                "database_name": "planned",
                "endpoint": f"{name}.planned.invalid",
                "port": 5432,
                "master_secret_arn": arn("secretsmanager", "secret:planned"),
            },
            "identity": {
                "roles": {
                    role: arn("iam", f"role/{name}/{name}-{role.replace('_', '-')}", "") for role in ROLES
                }
            },
            "registry": {
                "name": self.application,
                "arn": arn("ecr", f"repository/{self.application}"),
                "uri": f"{account}.dkr.ecr.{region}.amazonaws.com/{self.application}",
            },
            "release_store": {
                "table": f"{name}-releases",
                "arn": arn("dynamodb", f"table/{name}-releases"),
            },
            "functions": {
                "api_id": "planned",
                "name": name,
                "url": "https://planned.invalid",
                "functions": [],
            },
            "bastion": {**instance, "instances": [instance]},
            "instance": {
                "instances": [],
                "launch_templates": {slot: f"lt-planned-{slot}" for slot in SLOTS},
            },
        }
        return plans[component]


COMPONENTS = sorted(name.removeprefix("_find_") for name in vars(Components) if name.startswith("_find_"))
