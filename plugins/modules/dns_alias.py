#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dns_alias
short_description: A domain name that points to a load balancer
version_added: 0.1.0
description:
  - Keeps an alias record (type A) in a hosted zone of Route53.
  - Other than M(amazon.aws.route53), it finds the zone by name or ID, gets through check mode before the zone
    is there, and removes a record whatever it points to.
author: Teal maintainers (@teal-platform)
options:
  name:
    description: The domain name.
    type: str
    required: true
  hosted_zone:
    description: Name or ID of the hosted zone.
    type: str
    required: true
  target:
    description: DNS name that it points to. Required when it should exist.
    type: str
  target_zone_id:
    description: ID of the hosted zone of O(target), as its service tells it. Required when it should exist.
    type: str
  state:
    description: Whether the record should exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Tells what would change.
    support: full
  diff_mode:
    description: Shows the record before and after.
    support: full
"""

EXAMPLES = r"""
- name: Point the domain to the load balancer
  teal.platform.dns_alias:
    name: shop.example.com
    hosted_zone: example.com
    target: shop-1234567890.eu-west-1.elb.amazonaws.com
    target_zone_id: Z32O12XQLNTSW2
"""

RETURN = r"""
record:
  description: What the name points to.
  type: dict
  returned: when it stands
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.dns import HostedZone
from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule, Resource


class Alias(Resource):
    service = "route53"
    kind = "record"

    def __init__(self, module: AnsibleAWSModule) -> None:
        super().__init__(module)
        self.zone = HostedZone(self, module.params["hosted_zone"])

    def find(self) -> dict | None:
        return self.zone.record(self.name, "A")

    def desired(self) -> dict[str, Any]:
        return {"target": self.params["target"].rstrip("."), "target_zone_id": self.params["target_zone_id"]}

    def current(self, found: dict) -> dict[str, Any]:
        alias = found.get("AliasTarget", {})
        addresses = ", ".join(entry["Value"] for entry in found.get("ResourceRecords", []))
        return {
            "target": alias.get("DNSName", addresses).rstrip("."),
            "target_zone_id": alias.get("HostedZoneId"),
        }

    def create(self) -> dict:
        alias = {
            "DNSName": self.params["target"],
            "HostedZoneId": self.params["target_zone_id"],
            "EvaluateTargetHealth": False,
        }
        record = {"Name": self.name, "Type": "A", "AliasTarget": alias}
        self.zone.change("UPSERT", [record], "Kept by teal.platform")
        return record

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        return self.create()

    def delete(self, found: dict) -> None:
        self.zone.change("DELETE", [found], "Removed by teal.platform")

    def describe(self, found: dict) -> dict[str, Any]:
        return {"record": self.current(found)}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "hosted_zone": {"type": "str", "required": True},
            "target": {"type": "str"},
            "target_zone_id": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["target", "target_zone_id"])],
        supports_check_mode=True,
    )
    Alias(module).run()


if __name__ == "__main__":
    main()
