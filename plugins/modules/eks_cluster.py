#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages the control plane of an EKS cluster, with settings that community.aws.eks_cluster lacks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_cluster
short_description: Manage the control plane of an EKS cluster
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Creates an EKS cluster, updates its settings, and upgrades it by one minor version at a time.
  - Unlike C(community.aws.eks_cluster), manages endpoint access, logs, encryption, authentication and the version.
options:
  name:
    description: Name of the cluster.
    type: str
    required: true
  role_arn:
    description: ARN of the IAM role of the control plane. Required to create the cluster.
    type: str
  version:
    description:
      - Version of Kubernetes, such as V(1.35). By default EKS's default version.
      - One minor version above the current version upgrades the cluster. One below rolls it back, with
        O(allow_rollback). Any other version is an error.
    type: str
  allow_rollback:
    description:
      - Whether O(version) may be one minor version below the current version. EKS can roll a control plane back within
        seven days of its upgrade. The nodes must have the lower version before.
    type: bool
    default: false
  subnet_ids:
    description: Subnets in at least two zones for the control plane's interfaces. Required to create the cluster.
    type: list
    elements: str
  security_group_ids:
    description: Additional security groups for the control plane's interfaces. EKS creates a group itself.
    type: list
    elements: str
  endpoint_private_access:
    description: Whether the API endpoint is reachable in the VPC.
    type: bool
    default: true
  endpoint_public_access:
    description: Whether the API endpoint is reachable from the internet, for O(public_access_cidrs).
    type: bool
    default: true
  public_access_cidrs:
    description: Networks that can reach the public endpoint. Not managed if not given.
    type: list
    elements: str
  logs:
    description: Control plane logs that are sent to CloudWatch. Not managed if not given.
    type: list
    elements: str
    choices: [api, audit, authenticator, controllerManager, scheduler]
  encryption_key_arn:
    description:
      - ARN of the KMS key that encrypts Kubernetes secrets.
      - Can be added to a cluster without one. AWS can neither change nor remove it.
    type: str
  authentication_mode:
    description: How IAM principals are authenticated. Can only be changed in the direction of V(API).
    type: str
    choices: [API, API_AND_CONFIG_MAP, CONFIG_MAP]
    default: API
  creator_is_admin:
    description: Whether the creator of the cluster becomes its administrator. Only used on creation.
    type: bool
    default: true
  support:
    description: At the end of a version's standard support, V(STANDARD) upgrades the cluster and V(EXTENDED) costs more.
    type: str
    choices: [STANDARD, EXTENDED]
    default: STANDARD
  deletion_protection:
    description: Whether the cluster is protected against deletion. V(false) with O(state=absent) disables it first.
    type: bool
    default: false
  state:
    description: Whether the cluster should exist. Delete its node groups first.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the cluster.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Whether to wait until the cluster is active, or deleted. Needed for more than one change.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait for each step.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create the cluster
  teal.platform.eks_cluster:
    name: shop-staging
    role_arn: arn:aws:iam::123456789012:role/shop-staging-cluster
    version: "1.35"
    subnet_ids: [subnet-0a, subnet-0b]
    public_access_cidrs: [203.0.113.0/24]
    logs: [api, audit, authenticator]
"""

RETURN = r"""
cluster:
  description: The cluster as EKS describes it.
  type: dict
  returned: when it exists
  sample: {"name": "shop-staging", "version": "1.35", "status": "ACTIVE"}
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.eks import KEY_USABLE, NO_CLUSTER, EksResource
from ansible_collections.teal.platform.plugins.module_utils.network_interfaces import (
    interfaces,
    remove_leftover_node_interfaces,
)
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    key_not_usable_yet,
    role_not_usable_yet,
)
from ansible_collections.teal.platform.plugins.module_utils.resource_set import IN_USE

#: Number of days after an upgrade within which EKS can roll it back.
ROLLBACK_DAYS = 7
LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
ENDPOINT = {
    "endpoint_private_access": "endpointPrivateAccess",
    "endpoint_public_access": "endpointPublicAccess",
    "public_access_cidrs": "publicAccessCidrs",
}
PLACES = {"subnet_ids": "subnetIds", "security_group_ids": "securityGroupIds"}


def minor(version: str) -> int:
    """Return the minor number of a version such as 1.35."""
    return int(version.split(".")[1])


class EksCluster(EksResource):
    kind = "cluster"
    status_kind = "EKS cluster"
    immutable = frozenset({"role_arn"})

    def find(self) -> dict | None:
        answer = self.call("describe_cluster", name=self.name, missing=NO_CLUSTER)
        self.found = answer and answer["cluster"]
        return self.found

    def desired(self) -> dict[str, Any]:
        if self.found:
            self._refuse_impossible(self.current(self.found))
        lists = {name: self.params[name] for name in (*PLACES, "public_access_cidrs", "logs")}
        return {
            **{name: value if value is None else sorted(value) for name, value in lists.items()},
            **{
                name: self.params[name]
                for name in (
                    "role_arn",
                    "version",
                    "endpoint_private_access",
                    "endpoint_public_access",
                    "encryption_key_arn",
                    "authentication_mode",
                    "support",
                    "deletion_protection",
                )
            },
            "tags": self.wanted_tags((self.found or {}).get("tags", {})),
        }

    def current(self, found: dict) -> dict[str, Any]:
        vpc = found["resourcesVpcConfig"]
        setups = found.get("logging", {}).get("clusterLogging", [])
        keys = [config["provider"]["keyArn"] for config in found.get("encryptionConfig") or []]
        return {
            **{name: vpc.get(key) for name, key in ENDPOINT.items()},
            **{name: sorted(vpc.get(key, [])) for name, key in PLACES.items()},
            "public_access_cidrs": sorted(vpc.get("publicAccessCidrs", [])),
            "logs": sorted(kind for setup in setups if setup.get("enabled") for kind in setup["types"]),
            "role_arn": found["roleArn"],
            "version": found["version"],
            "encryption_key_arn": keys[0] if keys else None,
            "authentication_mode": found.get("accessConfig", {}).get("authenticationMode"),
            "support": found.get("upgradePolicy", {}).get("supportType"),
            "deletion_protection": found.get("deletionProtection", False),
            "tags": found.get("tags", {}),
        }

    def create(self) -> dict:
        for name in ("role_arn", "subnet_ids"):
            if not self.params[name]:
                self.module.fail_json(msg=f"{name} is required to create the cluster '{self.name}'")
        want = {key: value for key, value in self.desired().items() if value is not None}
        places = {key: want[name] for name, key in (ENDPOINT | PLACES).items() if name in want}
        optional: dict[str, Any] = {}
        if "version" in want:
            optional["version"] = want["version"]
        if "logs" in want:
            optional["logging"] = {"clusterLogging": [{"types": want["logs"], "enabled": True}]}
        if "encryption_key_arn" in want:
            optional["encryptionConfig"] = self._encryption()
        self.call_with_retry(
            "create_cluster",
            lambda error: role_not_usable_yet(error) or key_not_usable_yet(error),
            seconds=KEY_USABLE if "encryptionConfig" in optional else 60,
            name=self.name,
            roleArn=want["role_arn"],
            resourcesVpcConfig=places,
            accessConfig={
                "authenticationMode": want["authentication_mode"],
                "bootstrapClusterCreatorAdminPermissions": self.params["creator_is_admin"],
            },
            upgradePolicy={"supportType": want["support"]},
            deletionProtection=want["deletion_protection"],
            tags=want.get("tags", {}),
            **optional,
        )
        return self.wait_until_ready()

    def _encryption(self) -> list[dict]:
        return [{"resources": ["secrets"], "provider": {"keyArn": self.params["encryption_key_arn"]}}]

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        if "tags" in changes:
            self.change_tags(found["arn"], found.get("tags", {}), changes["tags"])
        # EKS accepts one kind of change at a time.
        endpoint = {key: changes[name] for name, key in ENDPOINT.items() if name in changes}
        places = {key: changes[name] for name, key in PLACES.items() if name in changes}
        for change in (endpoint, places):
            if change:
                self._config(resourcesVpcConfig=change)
        if "logs" in changes:
            off = sorted(set(LOG_TYPES) - set(changes["logs"]))
            setups = [{"types": changes["logs"], "enabled": True}, {"types": off, "enabled": False}]
            self._config(logging={"clusterLogging": [setup for setup in setups if setup["types"]]})
        if "authentication_mode" in changes:
            self._config(accessConfig={"authenticationMode": changes["authentication_mode"]})
        if "support" in changes:
            self._config(upgradePolicy={"supportType": changes["support"]})
        if "deletion_protection" in changes:
            self._config(deletionProtection=changes["deletion_protection"])
        if "encryption_key_arn" in changes:
            self._step(
                "associate_encryption_config", clusterName=self.name, encryptionConfig=self._encryption()
            )
        if "version" in changes:
            self._step("update_cluster_version", name=self.name, version=changes["version"])
        return self.find()

    def _config(self, **change: Any) -> None:
        self._step("update_cluster_config", name=self.name, **change)

    def _step(self, operation: str, **arguments: Any) -> None:
        self.step(operation, {"name": self.name}, **arguments)

    def _refuse_impossible(self, current: dict[str, Any]) -> None:
        """Fail the module, before any change, if EKS cannot apply all changes."""
        is_now, wanted = current["version"], self.params["version"]
        if wanted and minor(wanted) < minor(is_now):
            self._refuse_rollback(is_now, wanted)
        if wanted and minor(wanted) - minor(is_now) > 1:
            self.module.fail_json(
                msg=f"cluster '{self.name}' has version {is_now} and cannot be upgraded to {wanted}: EKS upgrades one "
                f"minor version at a time. The next version is 1.{minor(is_now) + 1}."
            )
        key = self.params["encryption_key_arn"]
        if key and current["encryption_key_arn"] not in (None, key):
            self.module.fail_json(
                msg=f"cluster '{self.name}' encrypts its secrets with {current['encryption_key_arn']}. "
                f"AWS cannot change the key (wanted: {key})."
            )

    def _refuse_rollback(self, is_now: str, wanted: str) -> None:
        """Fail the module unless a rollback of the control plane is possible and allowed."""
        here = f"cluster '{self.name}' has version {is_now}"
        if minor(is_now) - minor(wanted) > 1:
            self.module.fail_json(
                msg=f"{here} and cannot be rolled back to {wanted}: EKS rolls back by one minor version only. Set "
                f"cluster_version to {is_now}."
            )
        if not self.params["allow_rollback"]:
            self.module.fail_json(
                msg=f"{here}, but {wanted} is wanted. If AWS upgraded it because the support of {wanted} ended, set "
                f"cluster_version to {is_now}. To roll the upgrade back, which is possible for {ROLLBACK_DAYS} days, run "
                "again with -e cluster_allow_rollback=true."
            )
        if not self._upgraded_recently(is_now):
            self.module.fail_json(
                msg=f"{here} and cannot be rolled back to {wanted}: EKS rolls back within {ROLLBACK_DAYS} days of an "
                f"upgrade, and there was no upgrade to {is_now} in that time. Set cluster_version to {is_now}."
            )

    def _upgraded_recently(self, version: str) -> bool:
        # EKS counts from the end of the upgrade but reports its start, so allow one day more. EKS checks the rest.
        since = datetime.now(UTC) - timedelta(days=ROLLBACK_DAYS + 1)
        for identifier in self.pages("list_updates", "updateIds", name=self.name):
            update = self.call("describe_update", name=self.name, updateId=identifier)["update"]
            parameters = {entry["type"]: entry["value"] for entry in update.get("params", [])}
            upgrade = (update["type"], update["status"], parameters.get("Version"))
            if upgrade == ("VersionUpdate", "Successful", version) and update["createdAt"] > since:
                return True
        return False

    def delete(self, found: dict) -> None:
        if found.get("deletionProtection"):
            if self.params["deletion_protection"]:
                self.module.fail_json(
                    msg=f"cluster '{self.name}' is protected against deletion: set deletion_protection to false"
                )
            self._config(deletionProtection=False)
        if found["status"] == "ACTIVE" and self.current(found)["logs"]:
            # EKS delivers logs after the deletion, which would create the log group again, without retention and tags.
            self._config(logging={"clusterLogging": [{"types": LOG_TYPES, "enabled": False}]})
        group = found["resourcesVpcConfig"].get("clusterSecurityGroupId")
        self._delete_node_interfaces(group)
        if found["status"] != "DELETING":
            self.call("delete_cluster", name=self.name, missing=NO_CLUSTER)
        self.wait_until_deleted()
        if self.params["wait"]:
            self._delete_group(group)

    def _delete_node_interfaces(self, group: str | None) -> None:
        """Delete leftover interfaces of nodes in EKS's security group, so that EKS can delete the group."""
        if group:
            remove_leftover_node_interfaces(self, self.ec2, interfaces(self, self.ec2, group_id=group))

    def _delete_group(self, group: str | None) -> None:
        """Delete EKS's security group if it still exists: it would block the deletion of the network."""
        which = [{"Name": "group-id", "Values": [group or ""]}]
        if group and self.pages("describe_security_groups", "SecurityGroups", client=self.ec2, Filters=which):
            self._delete_node_interfaces(group)
            self.call_with_retry(
                "delete_security_group",
                lambda error: error["Code"] in IN_USE,
                seconds=300,
                missing=["InvalidGroup.NotFound"],
                client=self.ec2,
                GroupId=group,
            )


def main() -> None:
    strings = {"type": "list", "elements": "str"}
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "role_arn": {"type": "str"},
            "version": {"type": "str"},
            "allow_rollback": {"type": "bool", "default": False},
            "subnet_ids": strings,
            "security_group_ids": strings,
            "endpoint_private_access": {"type": "bool", "default": True},
            "endpoint_public_access": {"type": "bool", "default": True},
            "public_access_cidrs": strings,
            "logs": {**strings, "choices": LOG_TYPES},
            "encryption_key_arn": {"type": "str", "no_log": False},
            "authentication_mode": {
                "type": "str",
                "choices": ["API", "API_AND_CONFIG_MAP", "CONFIG_MAP"],
                "default": "API",
            },
            "creator_is_admin": {"type": "bool", "default": True},
            "support": {"type": "str", "choices": ["STANDARD", "EXTENDED"], "default": "STANDARD"},
            "deletion_protection": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    EksCluster(module).run()


if __name__ == "__main__":
    main()
