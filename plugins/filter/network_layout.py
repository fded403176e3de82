# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the wanted objects of a VPC, from its settings and the existing objects."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_layout
author: Teal maintainers
version_added: 0.1.0
short_description: Compute the subnets, gateways, route tables and endpoints of a VPC
description:
  - Compares the plan of a VPC with the results of the C(_info) modules of P(amazon.aws#collection), and returns the
    objects to create, the objects to remove, and what AWS cannot change. The tasks of the role C(network) loop over it.
  - Objects are identified by their C(Name) tag, subnets by their range.
  - Reads nothing from AWS. IDs of new objects come from O(made), once a task has created them.
options:
  _input:
    description: Prefix of the names of all objects.
    type: str
    required: true
  vpc_id:
    description: ID of the VPC.
    type: str
    required: true
  subnets:
    description: The plan, as P(teal.platform.subnet_plan#filter) returns it. Empty to remove everything.
    type: list
    elements: dict
    required: true
  public_tiers:
    description: Tiers that route to the internet gateway.
    type: list
    elements: str
    required: true
  nat:
    description: How the other tiers reach the internet.
    type: str
    choices: [none, single, per_zone]
    required: true
  s3_endpoint:
    description: Whether all route tables have a gateway endpoint for S3.
    type: bool
    required: true
  tags:
    description: Tags of all objects. C(Name), and C(Tier) for subnets, are added.
    type: dict
    required: true
  ignored_tags:
    description: Patterns of the keys of tags that others set. These tags remain.
    type: list
    elements: str
    required: true
  found:
    description:
      - The existing objects. C(subnets), C(nat_gateways), C(route_tables) and C(endpoints) are those of the VPC,
        C(internet_gateways) and C(addresses) those of the region.
    type: dict
    required: true
  made:
    description:
      - Results of the tasks so far. C(subnets), C(addresses), C(nat_gateways) and C(route_tables) are lists of results,
        C(internet_gateway) is one result, and C(available) lists the NAT gateways that became available.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the subnets that would be removed
  ansible.builtin.debug:
    msg: "{{ ('shop-staging' | teal.platform.network_layout(**arguments)).surplus.subnets }}"
"""

RETURN = r"""
_value:
  description:
    - C(problems) lists the changes that AWS cannot make, C(changes) the changes of routes, and C(surplus) the objects to
      remove by kind. C(subnets), C(internet_gateway), C(addresses), C(nat_gateways), C(route_tables) and C(endpoints) are
      the wanted objects. C(wait_for_nat) is true if the tasks must wait for a pending NAT gateway.
  type: dict
"""

from typing import Any

from ansible_collections.teal.platform.plugins.plugin_utils.network_layout import Layout


def network_layout(name: str, found: dict[str, Any], made: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Return all parts of a VPC's layout."""
    return Layout(name, settings, found, made).whole()


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"network_layout": network_layout}
