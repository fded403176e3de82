#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: vpc_flow_log
short_description: Manage a flow log of a VPC to an S3 bucket
version_added: 0.1.0
description:
  - Manages one flow log of a VPC, found by its C(Name) tag. The bucket must exist and allow AWS to write to it.
author: Teal maintainers (@teal-platform)
options:
  vpc_id:
    description: ID of the VPC.
    type: str
    required: true
  name:
    description: Name of the flow log.
    type: str
    required: true
  bucket_arn:
    description: ARN of the bucket, optionally with a folder. Required for O(state=present).
    type: str
    default: ""
  traffic_type:
    description: Type of traffic to log.
    type: str
    choices: [ACCEPT, REJECT, ALL]
    default: ALL
  state:
    description: Whether the flow log should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the flow log. C(Name) is added.
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
    description: Shows the flow log before and after.
    support: full
"""

EXAMPLES = r"""
- name: Create the flow log
  teal.platform.vpc_flow_log:
    vpc_id: vpc-0123456789abcdef0
    name: shop-staging
    bucket_arn: arn:aws:s3:::shop-flow-logs
"""

RETURN = r"""
flow_log_id:
  description: ID of the flow log.
  type: str
  returned: when the flow log exists
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import IGNORED_TAGS, AnsibleAWSModule
from ansible_collections.teal.platform.plugins.module_utils.resource_set import EC2Set, finish


class FlowLogs(EC2Set):
    """The flow log. AWS can only change its tags, so other changes replace it."""

    kind = "flow log"
    id_key = "FlowLogId"

    def find_all(self) -> dict[str, dict]:
        filters = [
            {"Name": "resource-id", "Values": [self.params["vpc_id"]]},
            {"Name": "tag:Name", "Values": [self.params["name"]]},
        ]
        return self.by_name(self.pages("describe_flow_logs", "FlowLogs", Filters=filters))

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "bucket_arn": found.get("LogDestination"),
            "traffic_type": found["TrafficType"],
            "tags": self.tags_of(found),
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        answer = self.call_when_visible(
            "create_flow_logs",
            ResourceIds=[self.params["vpc_id"]],
            ResourceType="VPC",
            TrafficType=want["traffic_type"],
            LogDestinationType="s3",
            LogDestination=want["bucket_arn"],
            TagSpecifications=self.specification("vpc-flow-log", want["tags"]),
        )
        for refused in answer.get("Unsuccessful", []):
            reason = refused["Error"]["Message"]
            self.module.fail_json(msg=f"ec2:CreateFlowLogs failed for flow log '{key}': {reason}")
        return {"FlowLogId": answer["FlowLogIds"][0]}

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        if {**self.settings(found), "tags": want["tags"]} == want:
            self.sync_tags(found, want["tags"])
            return found
        self.delete_one(key, found)
        return self.create_one(key, want)

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_flow_logs", FlowLogIds=[found["FlowLogId"]])


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "bucket_arn": {"type": "str", "default": ""},
            "traffic_type": {"type": "str", "choices": ["ACCEPT", "REJECT", "ALL"], "default": "ALL"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "aliases": ["resource_tags"], "default": {}},
            "ignored_tags": IGNORED_TAGS,
        },
        required_if=[("state", "present", ["bucket_arn"])],
        supports_check_mode=True,
    )
    params, name = module.params, module.params["name"]
    logs = FlowLogs(module)
    want = {
        "bucket_arn": params["bucket_arn"],
        "traffic_type": params["traffic_type"],
        "tags": {**params["tags"], "Name": name},
    }
    found = logs.ensure({name: want} if params["state"] == "present" else {})
    logs.purge()
    identifier = found.get(name, {}).get("FlowLogId")
    finish(module, {"flow logs": logs}, **({"flow_log_id": identifier} if identifier else {}))


if __name__ == "__main__":
    main()
