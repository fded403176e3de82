#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dns_zone
short_description: Create a public hosted zone if the account has none of this name
version_added: 0.1.0
description:
  - Creates a public hosted zone of Route53. Never changes an existing zone.
  - Unlike M(amazon.aws.route53_zone), does not change the comment, the tags and the DNSSEC signing of an existing
    zone. In amazon.aws 10.1.2 and 11.4.0, M(amazon.aws.route53_zone) switches DNSSEC signing off in every run.
author: Teal maintainers (@teal-platform)
options:
  name:
    description: Domain name of the zone.
    type: str
    required: true
  comment:
    description: Comment for a new zone.
    type: str
    default: ""
  tags:
    description: Tags for a new zone. With O(state=absent), only a zone that has all of them is deleted.
    type: dict
    aliases: [resource_tags]
    default: {}
  state:
    description: Whether the zone should exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows the settings of a new zone.
    support: full
"""

EXAMPLES = r"""
- name: Create the account's hosted zone if it is missing
  teal.platform.dns_zone:
    name: shop.example.com
    comment: Domain of shop
    tags: {Application: shop}
"""

RETURN = r"""
zone_id:
  description: ID of the hosted zone.
  type: str
  returned: when the zone exists
  sample: Z0123456789ABC
"""

import uuid
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.dns import HostedZone
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)


class Zone(Resource):
    service = "route53"
    kind = "hosted zone"

    def find(self) -> dict | None:
        identifier = HostedZone(self, self.name).id
        if identifier is None or (self.params["state"] == "absent" and not self._ours(identifier)):
            return None
        return {"zone_id": identifier}

    def _ours(self, identifier: str) -> bool:
        answer = self.call("list_tags_for_resource", ResourceType="hostedzone", ResourceId=identifier)
        tags = boto3_tag_list_to_ansible_dict(answer["ResourceTagSet"].get("Tags", []))
        if self.params["tags"].items() <= tags.items():
            return True
        self.module.warn(
            f"Hosted zone '{self.name}' ({identifier}) was not deleted: it does not have the tags {self.params['tags']}. "
            "Delete it by hand if it is not used."
        )
        return False

    def desired(self) -> dict[str, Any]:
        return {"comment": self.params["comment"], "tags": self.params["tags"]}

    def current(self, found: dict) -> dict[str, Any]:
        # An existing zone is never changed.
        return self.desired()

    def create(self) -> dict:
        zone = self.call(
            "create_hosted_zone",
            Name=self.name,
            CallerReference=str(uuid.uuid4()),
            HostedZoneConfig={"Comment": self.params["comment"], "PrivateZone": False},
        )["HostedZone"]
        identifier = zone["Id"].rsplit("/", 1)[-1]
        if self.params["tags"]:
            self.call(
                "change_tags_for_resource",
                ResourceType="hostedzone",
                ResourceId=identifier,
                AddTags=ansible_dict_to_boto3_tag_list(self.params["tags"]),
            )
        return {"zone_id": identifier}

    def delete(self, found: dict) -> None:
        self.call("delete_hosted_zone", Id=found["zone_id"], missing=["NoSuchHostedZone"])

    def describe(self, found: dict) -> dict[str, Any]:
        return dict(found)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "comment": {"type": "str", "default": ""},
            "tags": {"type": "dict", "aliases": ["resource_tags"], "default": {}},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    Zone(module).run()


if __name__ == "__main__":
    main()
