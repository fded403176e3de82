#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""A database instance of RDS whose master password nobody ever sees."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_instance
short_description: Keep an RDS database instance
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Makes an RDS instance, changes what can be changed of it, and removes it, with a last snapshot.
  - Unlike C(amazon.aws.rds_instance) it has RDS make the master password, keep it in Secrets Manager and
    rotate it. No password goes through Ansible. Storage is always encrypted.
options:
  name:
    description: Identifier of the instance.
    type: str
    required: true
  engine:
    description: The engine.
    type: str
    choices: [postgres, mysql, mariadb]
    default: postgres
  engine_version:
    description:
      - Version of the engine. A major version such as V(17) is met by any of its minor versions.
      - A new major version needs O(allow_major_upgrade), and a parameter group of its family.
    type: str
  allow_major_upgrade:
    description: Whether a major version may be upgraded, which can't be undone.
    type: bool
    default: false
  instance_class:
    description: Class of the instance, such as V(db.t4g.small). Needed to make it.
    type: str
  storage_gib:
    description: Size of the storage in GiB. It is not managed later if RDS may grow it.
    type: int
    default: 20
  max_storage_gib:
    description: Up to which size RDS grows the storage by itself. Not at all if not given.
    type: int
  encryption_key:
    description: KMS key of the storage. AWS's own key for RDS if not given. It cannot be changed.
    type: str
  database_name:
    description: Name of the database that is made in the instance.
    type: str
  master_username:
    description: Name of the master user.
    type: str
    default: master
  port:
    description: Port of the database. The engine's own if not given.
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
    description: Whether a standby in another zone takes over when this one fails.
    type: bool
    default: false
  backup_retention_days:
    description: For how many days automated backups are kept.
    type: int
    default: 7
  iam_authentication:
    description: Whether users of the database can log in by IAM.
    type: bool
    default: true
  performance_insights:
    description: Whether performance insights are gathered.
    type: bool
    default: false
  logs:
    description: Logs that go to CloudWatch, such as V(postgresql). Not managed if not given.
    type: list
    elements: str
  minor_upgrades:
    description: Whether RDS upgrades minor versions by itself in its maintenance window.
    type: bool
    default: true
  deletion_protection:
    description: Whether RDS refuses to delete the instance. With O(state=absent), V(false) ends that first.
    type: bool
    default: false
  final_snapshot:
    description: Whether a last snapshot is taken when the instance is removed, C(<name>-final-<time>).
    type: bool
    default: true
  apply_immediately:
    description: Whether changes are made at once, or in the maintenance window.
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
    description: Whether to wait until the instance is available, or gone.
    type: bool
    default: true
  wait_timeout:
    description: For how many seconds to wait.
    type: int
    default: 3600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Make the database
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
  description: The instance as RDS describes it. Its C(MasterUserSecret) says where the master password is.
  type: dict
  returned: when it exists
  sample: {"DBInstanceIdentifier": "shop-staging", "DBInstanceStatus": "available"}
snapshot:
  description: Name of the last snapshot.
  type: str
  returned: when one was taken
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
#: our name: (RDS's name in requests, and in descriptions)
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
#: settings that each instance has
CONSTANT: dict[str, tuple[str, Any]] = {
    "storage_type": ("StorageType", "gp3"),
    "copy_tags_to_snapshots": ("CopyTagsToSnapshot", True),
}
#: settings that can only be given when the instance is made
FIXED = {
    "engine": ("Engine", "Engine"),
    "database_name": ("DBName", "DBName"),
    "master_username": ("MasterUsername", "MasterUsername"),
}
#: ready, and yet somebody should know
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
        # What waits for the maintenance window has been asked for already.
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
            self.module.fail_json(msg=f"instance_class is needed to make the instance '{self.name}'")
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
                self._await_begin()
        return self.wait_until_ready()

    def _await_begin(self) -> None:
        """Wait until RDS has taken up what it was asked for: for a while the instance is `available` as before."""
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
                    msg=f"instance '{self.name}' is protected: set deletion_protection to false to delete it"
                )
            self._modify(DeletionProtection=False, ApplyImmediately=True)
            found = self.wait_until(lambda now: not now or not now["DeletionProtection"], "unprotected")
        if found and found["DBInstanceStatus"] != "deleting":
            if self.params["final_snapshot"]:
                # RDS takes one of an instance that is available, and of none that is backed up or changed just now.
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
            self.module.warn(f"instance '{self.name}' needs a reboot before all of its parameters apply")
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
