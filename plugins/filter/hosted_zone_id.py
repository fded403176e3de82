# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the ID of a hosted zone in what amazon.aws.route53_info returns."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hosted_zone_id
author: Teal maintainers (@teal-platform)
version_added: 0.1.0
short_description: Find the ID of a hosted zone by its name or ID
description:
  - Returns the ID of the zone from the result of M(amazon.aws.route53_info) for C(query=hosted_zone) with the method
    C(details) or C(list_by_name), of amazon.aws 10 and 11.
  - Finds a private zone by its ID only. Fails if more than one public zone has the name.
positional: _input, zone
options:
  _input:
    description: The result of the task.
    type: dict
    required: true
  zone:
    description: Name or ID of the zone.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Look up the hosted zone
  amazon.aws.route53_info:
    query: hosted_zone
    hosted_zone_method: list_by_name
    dns_name: example.com
  register: zones

- name: Show its ID
  ansible.builtin.debug:
    msg: "{{ zones | teal.platform.hosted_zone_id('example.com') }}"
"""

RETURN = r"""
_value:
  description: The ID. Empty if the zone does not exist.
  type: str
  sample: Z0123456789ABC
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict


def hosted_zone_id(result: dict[str, Any], zone: str) -> str:
    """Return the ID of the hosted zone of this name or ID, or the empty string."""
    # amazon.aws 10 returns the keys of boto3, amazon.aws 11 in snake case.
    listed = [
        *(result.get("hosted_zones") or result.get("HostedZones") or []),
        *filter(None, [result.get("hosted_zone") or result.get("HostedZone")]),
    ]
    zones = [camel_dict_to_snake_dict(one) for one in listed]
    name = zone.lower().rstrip(".")
    found = [
        identifier
        for one in zones
        if (identifier := one["id"].rsplit("/", 1)[-1]) == zone
        or (one["name"].lower().rstrip(".") == name and not one.get("config", {}).get("private_zone"))
    ]
    if len(found) > 1:
        raise AnsibleFilterError(
            f"{len(found)} hosted zones have the name '{zone}' ({', '.join(found)}). Set load_balancer_hosted_zone to the "
            "ID of one of them."
        )
    return found[0] if found else ""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """Return the filters by name."""
        return {"hosted_zone_id": hosted_zone_id}
