#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages an SNS topic with its encryption, policy, subscriptions and tags."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sns_topic
short_description: Manage an encrypted SNS topic and its subscriptions
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Manages a topic with its encryption, its tags and its subscriptions.
  - M(community.aws.sns_topic) of community.aws 10.0.0 and 11.2.0 has no option for the KMS key.
  - The recipient must confirm an email subscription. AWS cannot remove it before that.
options:
  name:
    description: Name of the topic.
    type: str
    required: true
  kms_key:
    description: ID, ARN or alias of the KMS key that encrypts messages. Empty for no encryption.
    type: str
    default: ""
  policy:
    description: Access policy of the topic. Not managed if not given.
    type: dict
  subscriptions:
    description: Subscriptions of the topic. Others are removed.
    type: list
    elements: dict
    default: []
    suboptions:
      protocol:
        description: Protocol of the subscription.
        type: str
        choices: [email, https, lambda, sqs, sms]
        required: true
      endpoint:
        description: Endpoint in the format of the protocol, such as an email address.
        type: str
        required: true
  state:
    description: Whether the topic should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the topic.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Not used. Changes take effect immediately.
    type: bool
    default: true
  wait_timeout:
    description: Not used.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create a topic that notifies the team of alarms
  teal.platform.sns_topic:
    name: shop-staging-alarms
    kms_key: alias/shop-staging-alarms
    subscriptions:
      - protocol: email
        endpoint: team@example.com
    tags:
      Environment: staging
"""

RETURN = r"""
arn:
  description: ARN of the topic.
  type: str
  returned: when it exists
  sample: arn:aws:sns:ap-northeast-2:123456789012:shop-staging-alarms
"""

import json
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

PENDING = "PendingConfirmation"


class Topic(Resource):
    service = "sns"
    kind = "topic"

    def find(self) -> dict | None:
        topics = (topic["TopicArn"] for topic in self.pages("list_topics", "Topics"))
        arn = next((arn for arn in topics if arn.rpartition(":")[2] == self.name), None)
        if arn is None:
            return None
        attributes = self.call(
            "get_topic_attributes", TopicArn=arn, missing=["NotFound", "NotFoundException"]
        )
        if attributes is None:
            return None
        return {
            "arn": arn,
            **attributes["Attributes"],
            "Subscriptions": self.pages("list_subscriptions_by_topic", "Subscriptions", TopicArn=arn),
            "Tags": self.call("list_tags_for_resource", ResourceArn=arn)["Tags"],
        }

    def desired(self) -> dict[str, Any]:
        policy = self.params["policy"]
        return {
            "kms_key": self.params["kms_key"],
            "policy": None if policy is None else json.dumps(policy, sort_keys=True),
            "subscriptions": sorted(f"{s['protocol']} {s['endpoint']}" for s in self.params["subscriptions"]),
            "tags": self.wanted_tags({}) if self.params["purge_tags"] else None,
        }

    def current(self, found: dict) -> dict[str, Any]:
        return {
            "kms_key": found.get("KmsMasterKeyId", ""),
            "policy": json.dumps(json.loads(found.get("Policy") or "{}"), sort_keys=True),
            "subscriptions": sorted(f"{s['Protocol']} {s['Endpoint']}" for s in found["Subscriptions"]),
            "tags": boto3_tag_list_to_ansible_dict(found["Tags"]),
        }

    def create(self) -> dict:
        attributes = {"KmsMasterKeyId": self.params["kms_key"]} if self.params["kms_key"] else {}
        self.call(
            "create_topic",
            Name=self.name,
            Attributes=attributes,
            Tags=ansible_dict_to_boto3_tag_list(self.params["tags"] or {}),
        )
        found = self.wait_listed()
        current, desired = self.current(found), self.desired()
        changes = {
            key: value for key, value in desired.items() if value is not None and value != current[key]
        }
        return self.update(found, changes)

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        topic = {"TopicArn": found["arn"]}
        for key, attribute in (("kms_key", "KmsMasterKeyId"), ("policy", "Policy")):
            if key in changes:
                value = changes[key]
                self.call("set_topic_attributes", AttributeName=attribute, AttributeValue=value, **topic)
        if "tags" in changes:
            gone = sorted(self.current(found)["tags"].keys() - changes["tags"].keys())
            if gone:
                self.call("untag_resource", ResourceArn=found["arn"], TagKeys=gone)
            tags = ansible_dict_to_boto3_tag_list(changes["tags"])
            self.call("tag_resource", ResourceArn=found["arn"], Tags=tags)
        if "subscriptions" in changes:
            self._subscribe(found, set(changes["subscriptions"]))
        return found

    def _subscribe(self, found: dict, wanted: set[str]) -> None:
        existing = {f"{s['Protocol']} {s['Endpoint']}": s["SubscriptionArn"] for s in found["Subscriptions"]}
        for subscription in sorted(wanted - existing.keys()):
            protocol, endpoint = subscription.split(" ", 1)
            self.call("subscribe", TopicArn=found["arn"], Protocol=protocol, Endpoint=endpoint)
        for subscription in sorted(existing.keys() - wanted):
            if existing[subscription] == PENDING:
                self.module.warn(
                    f"The subscription {subscription} was never confirmed. AWS removes it automatically."
                )
            else:
                self.call("unsubscribe", SubscriptionArn=existing[subscription])

    def delete(self, found: dict) -> None:
        self.call("delete_topic", TopicArn=found["arn"])

    def describe(self, found: dict) -> dict[str, Any]:
        return {"arn": found["arn"]}


def main() -> None:
    subscription = {
        "protocol": {"type": "str", "required": True, "choices": ["email", "https", "lambda", "sqs", "sms"]},
        "endpoint": {"type": "str", "required": True},
    }
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "kms_key": {"type": "str", "default": "", "no_log": False},
            "policy": {"type": "dict"},
            "subscriptions": {"type": "list", "elements": "dict", "default": [], "options": subscription},
        },
        supports_check_mode=True,
    )
    Topic(module).run()


if __name__ == "__main__":
    main()
