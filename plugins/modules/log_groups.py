#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: log_groups
short_description: Manage CloudWatch log groups with a retention
version_added: 0.1.0
description:
  - Creates log groups with a retention and tags, all in one process. AWS services create missing log groups themselves,
    and those keep their logs forever.
author: Teal maintainers (@teal-platform)
options:
  names:
    description: Names of the log groups.
    type: list
    elements: str
    required: true
  retention_days:
    description: Retention of the logs in days.
    type: int
    default: 30
  state:
    description: V(absent) deletes the log groups with all logs.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each group. C(Name) is added.
    type: dict
    aliases: [resource_tags]
    default: {}
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
    description: Shows all groups before and after.
    support: full
"""

EXAMPLES = r"""
- name: Create the log groups with a retention of 30 days
  teal.platform.log_groups:
    names: [/aws/eks/shop-staging/cluster, /aws/containerinsights/shop-staging/application]
    retention_days: 30
    tags:
      Environment: staging
"""

RETURN = r"""
arns:
  description: ARNs of the log groups by name. In check mode, without log groups that do not exist yet.
  type: dict
  returned: when state is present
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import IGNORED_TAGS, AnsibleAWSModule
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet, finish


class LogGroups(ResourceSet):
    service = "logs"
    kind = "log group"

    def find_all(self) -> dict[str, dict]:
        found = {name: self.find_one(name) for name in self.params["names"]}
        return {name: group for name, group in found.items() if group}

    def find(self) -> dict | None:
        return self.find_one(self._at)

    def find_one(self, name: str) -> dict | None:
        self._at = name
        # AWS searches by prefix, so other groups may match.
        for group in self.pages("describe_log_groups", "logGroups", logGroupNamePrefix=name):
            if group["logGroupName"] == name:
                arn = group["arn"].removesuffix(":*")
                return {
                    **group,
                    "arn": arn,
                    "tags": self.call("list_tags_for_resource", resourceArn=arn)["tags"],
                }
        return None

    def settings(self, found: dict) -> dict[str, Any]:
        return {"retention_days": found.get("retentionInDays"), "tags": found["tags"]}

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        # The AWS service that writes to it may create it at the same time.
        exists = ["ResourceAlreadyExistsException"]
        self.call("create_log_group", logGroupName=key, tags=want["tags"], missing=exists)
        return self.update_one(key, self.wait_listed(), want)

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        have = self.settings(found)
        if have["retention_days"] != want["retention_days"]:
            self.call("put_retention_policy", logGroupName=key, retentionInDays=want["retention_days"])
        gone = sorted(have["tags"].keys() - want["tags"].keys())
        if gone:
            self.call("untag_resource", resourceArn=found["arn"], tagKeys=gone)
        added = {name: value for name, value in want["tags"].items() if have["tags"].get(name) != value}
        if added:
            self.call("tag_resource", resourceArn=found["arn"], tags=added)
        return found

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_log_group", logGroupName=key, missing=["ResourceNotFoundException"])


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "retention_days": {"type": "int", "default": 30},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "aliases": ["resource_tags"], "default": {}},
            "ignored_tags": IGNORED_TAGS,
        },
        supports_check_mode=True,
    )
    present = module.params["state"] == "present"
    wanted = {
        name: {
            "retention_days": module.params["retention_days"],
            "tags": {**module.params["tags"], "Name": name},
        }
        for name in module.params["names"]
    }
    groups = LogGroups(module)
    found = groups.ensure(wanted if present else {})
    groups.purge()
    arns = {name: group["arn"] for name, group in found.items()}
    finish(module, {"log groups": groups}, **({"arns": arns} if present else {}))


if __name__ == "__main__":
    main()
