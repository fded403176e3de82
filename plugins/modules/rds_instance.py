#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages an RDS instance with a master password in Secrets Manager."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_instance
short_description: Manage an RDS database instance
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Creates an RDS instance, updates its settings, and deletes it with a final snapshot.
  - Unlike C(amazon.aws.rds_instance), lets RDS generate the master password, store it in Secrets Manager and rotate it.
    Ansible never handles a password. Storage is always encrypted.
options:
  name:
    description: Identifier of the instance.
    type: str
    required: true
  engine:
    description: Database engine.
    type: str
    choices: [postgres, mysql, mariadb]
    default: postgres
  engine_version:
    description:
      - Version of the engine. A major version such as V(17) matches all its minor versions.
      - An upgrade to a new major version needs O(allow_major_upgrade) and a parameter group of the new family.
    type: str
  allow_major_upgrade:
    description: Whether an upgrade to a new major version is allowed. It cannot be undone.
    type: bool
    default: false
  instance_class:
    description: Class of the instance, such as V(db.t4g.small). Required to create it.
    type: str
  storage_gib:
    description: Size of the storage in GiB. With O(max_storage_gib), only used on creation.
    type: int
    default: 20
  max_storage_gib:
    description: Size in GiB up to which RDS extends the storage automatically. Without it, RDS does not extend it.
    type: int
  encryption_key:
    description: KMS key of the storage. By default the AWS managed key. AWS cannot change it later.
    type: str
  database_name:
    description: Name of the initial database.
    type: str
  master_username:
    description: Name of the master user.
    type: str
    default: master
  port:
    description: Port of the database. By default the port of the engine.
    type: int
  subnet_group:
    description: Name of the subnet group.
    type: str
  security_group_ids:
    description: Security groups of the instance.
    type: list
    elements: str
  parameter_group:
    description: Name of the parameter group.
    type: str
  publicly_accessible:
    description: Whether the instance has a public address.
    type: bool
    default: false
  multi_az:
    description: Whether a standby in another zone takes over on a failure.
    type: bool
    default: false
  backup_retention_days:
    description: Retention of automated backups in days.
    type: int
    default: 7
  iam_authentication:
    description: Whether database users can authenticate with IAM.
    type: bool
    default: true
  performance_insights:
    description: Whether Performance Insights is enabled.
    type: bool
    default: false
  logs:
    description: Logs that are exported to CloudWatch, such as V(postgresql). Not managed if not given.
    type: list
    elements: str
  minor_upgrades:
    description: Whether RDS upgrades minor versions automatically in the maintenance window.
    type: bool
    default: true
  deletion_protection:
    description: Whether the instance is protected against deletion. V(false) with O(state=absent) disables it first.
    type: bool
    default: false
  final_snapshot:
    description: Whether to create a final snapshot C(<name>-final-<time>) on deletion.
    type: bool
    default: true
  apply_immediately:
    description: Whether changes are applied immediately, or in the maintenance window.
    type: bool
    default: true
  state:
    description: Whether the instance should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the instance and its snapshots.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Whether to wait until the instance is available, or deleted.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait.
    type: int
    default: 3600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create the database
  teal.platform.rds_instance:
    name: shop-staging
    engine_version: "17"
    instance_class: db.t4g.small
    database_name: shop
    subnet_group: shop-staging
    security_group_ids: [sg-0123456789abcdef0]
    max_storage_gib: 100
"""

RETURN = r"""
instance:
  description: The instance as RDS describes it. C(MasterUserSecret) has the ARN of the master password's secret.
  type: dict
  returned: when it exists
  sample: {"DBInstanceIdentifier": "shop-staging", "DBInstanceStatus": "available"}
snapshot:
  description: Name of the final snapshot.
  type: str
  returned: when a final snapshot was created
"""

import time
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

NOT_FOUND = ("DBInstanceNotFound", "DBInstanceNotFoundFault")
#: option: (name in requests of RDS, name in its descriptions)
SETTINGS = {
    "instance_class": ("DBInstanceClass", "DBInstanceClass"),
    "storage_gib": ("AllocatedStorage", "AllocatedStorage"),
    "max_storage_gib": ("MaxAllocatedStorage", "MaxAllocatedStorage"),
    "publicly_accessible": ("PubliclyAccessible", "PubliclyAccessible"),
    "multi_az": ("MultiAZ", "MultiAZ"),
    "backup_retention_days": ("BackupRetentionPeriod", "BackupRetentionPeriod"),
    "iam_authentication": ("EnableIAMDatabaseAuthentication", "IAMDatabaseAuthenticationEnabled"),
    "performance_insights": ("EnablePerformanceInsights", "PerformanceInsightsEnabled"),
    "minor_upgrades": ("AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade"),
    "deletion_protection": ("DeletionProtection", "DeletionProtection"),
    "engine_version": ("EngineVersion", "EngineVersion"),
}
#: settings that are the same for each instance
CONSTANT: dict[str, tuple[str, Any]] = {
    "storage_type": ("StorageType", "gp3"),
    "copy_tags_to_snapshots": ("CopyTagsToSnapshot", True),
}
#: settings that can only be set on creation
FIXED = {
    "engine": ("Engine", "Engine"),
    "database_name": ("DBName", "DBName"),
    "master_username": ("MasterUsername", "MasterUsername"),
}
#: statuses that count as ready but cause a warning
NOTABLE = {
    "stopped": "is stopped: start it (aws rds start-db-instance), or RDS does after seven days",
    "storage-full": "has no storage left: raise its size (database_storage_gib, database_max_storage_gib)",
}


def is_version(version: str, wanted: str | None) -> bool:
    """Return whether `version`, such as 17.4, is a version of `wanted`, such as 17 or 17.4."""
    return wanted is not None and (version == wanted or version.startswith(f"{wanted}."))


class RdsInstance(Resource):
    service = "rds"
    kind = "instance"
    status_kind = "database"
    immutable = frozenset({*FIXED, "encryption_key", "subnet_group", "port"})
    snapshot: str | None = None

    def find(self) -> dict | None:
        answer = self.call("describe_db_instances", DBInstanceIdentifier=self.name, missing=NOT_FOUND)
        self.found = answer["DBInstances"][0] if answer and answer["DBInstances"] else None
        return self.found

    def status(self, found: dict) -> str:
        return found["DBInstanceStatus"]

    def desired(self) -> dict[str, Any]:
        settings = {
            name: self.params[name] for name in (*SETTINGS, *FIXED, "subnet_group", "parameter_group")
        }
        if self.found and self.params["max_storage_gib"]:
            settings["storage_gib"] = None
        for name in ("security_group_ids", "logs"):
            settings[name] = self.params[name] if self.params[name] is None else sorted(self.params[name])
        tags = boto3_tag_list_to_ansible_dict(self.found.get("TagList", [])) if self.found else {}
        return {
            **settings,
            **{name: value for name, (_key, value) in CONSTANT.items()},
            "port": self.params["port"],
            "encryption_key": self.params["encryption_key"],
            "managed_password": True,
            "tags": self.wanted_tags(tags),
        }

    def current(self, found: dict) -> dict[str, Any]:
        # Changes that wait for the maintenance window have been requested already.
        pending = found.get("PendingModifiedValues", {})
        settings = {
            name: {**found, **pending}.get(key) for name, (_argument, key) in (SETTINGS | FIXED).items()
        }
        settings |= {name: {**found, **pending}.get(key) for name, (key, _found) in CONSTANT.items()}
        if is_version(settings["engine_version"], self.params["engine_version"]):
            settings["engine_version"] = self.params["engine_version"]
        groups = [group["DBParameterGroupName"] for group in found.get("DBParameterGroups", [])]
        return {
            **settings,
            "max_storage_gib": settings["max_storage_gib"],
            "port": found.get("Endpoint", {}).get("Port"),
            "subnet_group": found.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
            "security_group_ids": sorted(
                one["VpcSecurityGroupId"] for one in found.get("VpcSecurityGroups", [])
            ),
            "parameter_group": groups[0] if groups else None,
            "logs": sorted(found.get("EnabledCloudwatchLogsExports", [])),
            "encryption_key": found.get("KmsKeyId"),
            "managed_password": bool(found.get("MasterUserSecret")),
            "tags": boto3_tag_list_to_ansible_dict(found.get("TagList", [])),
        }

    def create(self) -> dict:
        if not self.params["instance_class"]:
            self.module.fail_json(msg=f"instance_class is required to create the instance '{self.name}'")
        want = {name: value for name, value in self.desired().items() if value is not None}
        arguments = {key: want[name] for name, (key, _found) in (SETTINGS | FIXED).items() if name in want}
        optional = {
            "subnet_group": "DBSubnetGroupName",
            "parameter_group": "DBParameterGroupName",
            "security_group_ids": "VpcSecurityGroupIds",
            "logs": "EnableCloudwatchLogsExports",
            "port": "Port",
            "encryption_key": "KmsKeyId",
        }
        arguments |= {key: want[name] for name, key in optional.items() if name in want}
        self.call(
            "create_db_instance",
            DBInstanceIdentifier=self.name,
            StorageEncrypted=True,
            **dict(CONSTANT.values()),
            ManageMasterUserPassword=True,
            Tags=ansible_dict_to_boto3_tag_list(want.get("tags", {})),
            **arguments,
        )
        return self.wait_until_ready()

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        if "tags" in changes:
            self._change_tags(found, changes["tags"])
        arguments = {key: changes[name] for name, (key, _found) in SETTINGS.items() if name in changes}
        arguments |= {key: value for name, (key, value) in CONSTANT.items() if name in changes}
        if "engine_version" in changes:
            arguments["AllowMajorVersionUpgrade"] = self.params["allow_major_upgrade"]
        if "parameter_group" in changes:
            arguments["DBParameterGroupName"] = changes["parameter_group"]
        if "security_group_ids" in changes:
            arguments["VpcSecurityGroupIds"] = changes["security_group_ids"]
        if "logs" in changes:
            old, new = set(found.get("EnabledCloudwatchLogsExports", [])), set(changes["logs"])
            arguments["CloudwatchLogsExportConfiguration"] = {
                "EnableLogTypes": sorted(new - old),
                "DisableLogTypes": sorted(old - new),
            }
        if "managed_password" in changes:
            arguments["ManageMasterUserPassword"] = True
        if arguments:
            self._modify(ApplyImmediately=self.params["apply_immediately"], **arguments)
            if self.params["apply_immediately"] and self.params["wait"]:
                self._wait_until_started()
        return self.wait_until_ready()

    def _wait_until_started(self) -> None:
        """Wait until RDS starts the change: for a while, the instance remains `available`."""
        give_up = time.monotonic() + 90
        while time.monotonic() < give_up:
            found = self.find()
            if not found or not self.is_ready(found) or not found.get("PendingModifiedValues"):
                return
            time.sleep(2)

    def _modify(self, **arguments: Any) -> None:
        self.call("modify_db_instance", DBInstanceIdentifier=self.name, **arguments)

    def _change_tags(self, found: dict, wanted: dict[str, str]) -> None:
        arn = found["DBInstanceArn"]
        gone = sorted(boto3_tag_list_to_ansible_dict(found.get("TagList", [])).keys() - wanted.keys())
        if gone:
            self.call("remove_tags_from_resource", ResourceName=arn, TagKeys=gone)
        self.call("add_tags_to_resource", ResourceName=arn, Tags=ansible_dict_to_boto3_tag_list(wanted))

    def delete(self, found: dict) -> None:
        if found["DeletionProtection"]:
            if self.params["deletion_protection"]:
                self.module.fail_json(
                    msg=f"instance '{self.name}' is protected against deletion: set deletion_protection to false"
                )
            self._modify(DeletionProtection=False, ApplyImmediately=True)
            found = self.wait_until(lambda now: not now or not now["DeletionProtection"], "unprotected")
        if found and found["DBInstanceStatus"] != "deleting":
            if self.params["final_snapshot"]:
                # RDS creates a snapshot of an available instance only, not during a backup or a change.
                self.wait_until(
                    lambda now: not now or self.is_ready(now) or bool(self.failure(now)),
                    "ready for its snapshot",
                )
            snapshot: dict[str, Any] = {"SkipFinalSnapshot": True}
            if self.params["final_snapshot"]:
                self.snapshot = f"{self.name}-final-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}"
                snapshot = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": self.snapshot}
            self.call("delete_db_instance", DBInstanceIdentifier=self.name, missing=NOT_FOUND, **snapshot)
        self.wait_until_deleted()

    def leftovers(self) -> dict[str, Any]:
        return {"snapshot": self.snapshot} if self.snapshot else {}

    def describe(self, found: dict) -> dict[str, Any]:
        if notable := NOTABLE.get(found["DBInstanceStatus"]):
            self.module.warn(f"instance '{self.name}' {notable}")
        applied = [group.get("ParameterApplyStatus") for group in found.get("DBParameterGroups", [])]
        if "pending-reboot" in applied:
            self.module.warn(f"instance '{self.name}' must be rebooted to apply all of its parameters")
        return {"instance": found}


def main() -> None:
    text, number = {"type": "str"}, {"type": "int"}
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "engine": {"type": "str", "choices": ["postgres", "mysql", "mariadb"], "default": "postgres"},
            "engine_version": text,
            "allow_major_upgrade": {"type": "bool", "default": False},
            "instance_class": text,
            "storage_gib": {"type": "int", "default": 20},
            "max_storage_gib": number,
            "encryption_key": {"type": "str", "no_log": False},
            "database_name": text,
            "master_username": {"type": "str", "default": "master"},
            "port": number,
            "subnet_group": text,
            "security_group_ids": {"type": "list", "elements": "str"},
            "parameter_group": text,
            "publicly_accessible": {"type": "bool", "default": False},
            "multi_az": {"type": "bool", "default": False},
            "backup_retention_days": {"type": "int", "default": 7},
            "iam_authentication": {"type": "bool", "default": True},
            "performance_insights": {"type": "bool", "default": False},
            "logs": {"type": "list", "elements": "str"},
            "minor_upgrades": {"type": "bool", "default": True},
            "deletion_protection": {"type": "bool", "default": False},
            "final_snapshot": {"type": "bool", "default": True},
            "apply_immediately": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 3600},
        },
        supports_check_mode=True,
    )
    RdsInstance(module).run()


if __name__ == "__main__":
    main()
