#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dynamodb_table
short_description: Manage a DynamoDB table with on-demand capacity, encryption and recovery
version_added: 0.1.0
description:
  - Manages a table with string keys, on-demand capacity, encryption by KMS, and point-in-time recovery.
  - Unlike M(community.aws.dynamodb_table), manages recovery, encryption and deletion protection.
author: Teal maintainers (@teal-platform)
options:
  name:
    description: Name of the table.
    type: str
    required: true
  partition_key:
    description: Name of the partition key, a string. AWS cannot change it later.
    type: str
    default: id
  sort_key:
    description: Name of the sort key, a string; empty for none. AWS cannot change it later.
    type: str
    default: ""
  kms_key:
    description: ID, ARN or alias of the KMS key. Empty for the AWS managed key.
    type: str
    default: ""
  point_in_time_recovery:
    description: Whether point-in-time recovery (35 days) is enabled.
    type: bool
    default: true
  deletion_protection:
    description: Whether the table is protected against deletion.
    type: bool
    default: false
  state:
    description: Whether the table should exist. V(absent) disables the deletion protection first.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the table. C(Name) is added.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Whether to wait until the table is active, or deleted.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows the settings before and after.
    support: full
"""

EXAMPLES = r"""
- name: Create the table of releases
  teal.platform.dynamodb_table:
    name: shop-staging-releases
    partition_key: scope
    sort_key: id
    tags:
      Environment: staging
"""

RETURN = r"""
arn:
  description: ARN of the table.
  type: str
  returned: when the table exists
name:
  description: Name of the table.
  type: str
  returned: when the table exists
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

GONE = ["ResourceNotFoundException"]
#: alias of the AWS managed key for DynamoDB
OWN_KEY = "alias/aws/dynamodb"


class Table(Resource):
    service = "dynamodb"
    kind = "table"
    status_kind = "table"
    immutable = frozenset({"keys"})

    def find(self) -> dict | None:
        answer = self.call("describe_table", TableName=self.name, missing=GONE)
        if not answer:
            return None
        table = answer["Table"]
        if table["TableStatus"] in ("CREATING", "DELETING"):
            return {**table, "Tags": {}, "Recovery": False}
        tags = self.pages("list_tags_of_resource", "Tags", ResourceArn=table["TableArn"])
        backups = self.call("describe_continuous_backups", TableName=self.name)
        recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        return {
            **table,
            "Tags": boto3_tag_list_to_ansible_dict(tags),
            "Recovery": recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        }

    def status(self, found: dict) -> str:
        return found["TableStatus"]

    def desired(self) -> dict[str, Any]:
        tags = self.params["tags"]
        return {
            "keys": [key for key in (self.params["partition_key"], self.params["sort_key"]) if key],
            "billing": "PAY_PER_REQUEST",
            "encrypted": True,
            "kms_key": self._key(),
            "point_in_time_recovery": self.params["point_in_time_recovery"],
            "deletion_protection": self.params["deletion_protection"],
            "tags": None if tags is None else {**tags, "Name": self.name},
        }

    def current(self, found: dict) -> dict[str, Any]:
        keys = sorted(found["KeySchema"], key=lambda key: key["KeyType"] != "HASH")
        return {
            "keys": [key["AttributeName"] for key in keys],
            "billing": found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            "encrypted": found.get("SSEDescription", {}).get("Status") in ("ENABLED", "ENABLING", "UPDATING"),
            "kms_key": found.get("SSEDescription", {}).get("KMSMasterKeyArn"),
            "point_in_time_recovery": found["Recovery"],
            "deletion_protection": found.get("DeletionProtectionEnabled", False),
            "tags": found["Tags"],
        }

    def _key(self) -> str | None:
        """Return the ARN of the wanted key; None for the AWS managed key before the account's first table."""
        kms = self.module.client("kms")
        wanted = self.params["kms_key"]
        answer = self.call(
            "describe_key",
            client=kms,
            KeyId=wanted or OWN_KEY,
            missing=[] if wanted and not self.module.check_mode else ["NotFoundException"],
        )
        return answer["KeyMetadata"]["Arn"] if answer else None

    def _encryption(self, default: str = "") -> dict[str, Any]:
        key = self.params["kms_key"] or default
        return {"Enabled": True, "SSEType": "KMS", **({"KMSMasterKeyId": key} if key else {})}

    def create(self) -> dict:
        wanted = self.desired()
        kinds = ("HASH", "RANGE")
        self.call(
            "create_table",
            TableName=self.name,
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(wanted["keys"], kinds, strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in wanted["keys"]],
            BillingMode=wanted["billing"],
            SSESpecification=self._encryption(),
            DeletionProtectionEnabled=wanted["deletion_protection"],
            Tags=ansible_dict_to_boto3_tag_list(wanted["tags"] or {}),
        )
        found = self._wait_until_active()
        return self._set_recovery() if wanted["point_in_time_recovery"] else found

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        settings: dict[str, dict[str, Any]] = {
            "billing": {"BillingMode": "PAY_PER_REQUEST"},
            "encrypted": {"SSESpecification": self._encryption()},
            "kms_key": {"SSESpecification": self._encryption(OWN_KEY)},
            "deletion_protection": {"DeletionProtectionEnabled": self.params["deletion_protection"]},
        }
        found = self._wait_until_active()
        for setting, arguments in settings.items():
            # AWS accepts one of these changes at a time.
            if setting in changes and not (setting == "kms_key" and "encrypted" in changes):
                self.call("update_table", TableName=self.name, **arguments)
                found = self._wait_until_active()
        if "point_in_time_recovery" in changes:
            found = self._set_recovery()
        if "tags" in changes:
            extra = sorted(found["Tags"].keys() - changes["tags"].keys())
            if extra:
                self.call("untag_resource", ResourceArn=found["TableArn"], TagKeys=extra)
            tags = ansible_dict_to_boto3_tag_list(changes["tags"])
            self.call("tag_resource", ResourceArn=found["TableArn"], Tags=tags)
        return found

    def _set_recovery(self) -> dict:
        wanted = self.params["point_in_time_recovery"]
        self.call_with_retry(
            "update_continuous_backups",
            lambda error: error["Code"] == "ContinuousBackupsUnavailableException",  # for a new table
            TableName=self.name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": wanted},
        )
        return self._wait_until_active()

    def _wait_until_active(self) -> dict:
        return (
            self.wait_until(
                lambda now: now is not None and self.is_ready(now), "active", failure=self.failure
            )
            or {}
        )

    def delete(self, found: dict) -> None:
        if found.get("DeletionProtectionEnabled"):
            self.call("update_table", TableName=self.name, DeletionProtectionEnabled=False)
            self._wait_until_active()
        self.call("delete_table", TableName=self.name, missing=GONE)
        if self.params["wait"]:
            self.wait_until(lambda now: now is None, "absent")

    def describe(self, found: dict) -> dict[str, Any]:
        return {"arn": found["TableArn"], "name": self.name}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "partition_key": {"type": "str", "default": "id", "no_log": False},
            "sort_key": {"type": "str", "default": "", "no_log": False},
            "kms_key": {"type": "str", "default": "", "no_log": False},
            "point_in_time_recovery": {"type": "bool", "default": True},
            "deletion_protection": {"type": "bool", "default": False},
            "wait_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    Table(module).run()


if __name__ == "__main__":
    main()
