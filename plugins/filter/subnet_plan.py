# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the subnets of a VPC, computed from its settings."""

from __future__ import annotations

DOCUMENTATION = r"""
name: subnet_plan
short_description: Compute the subnets of a VPC by tier and zone
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Divides the range of a VPC into subnets of equal size, one for each tier in each zone.
  - Each tier has a block of four subnets, so an additional zone or tier does not move existing subnets.
positional: _input, tiers, zones, newbits
options:
  _input:
    description: Range of the VPC.
    type: str
    required: true
  tiers:
    description: Names of the tiers, such as V(public) and V(private). Their order determines the ranges.
    type: list
    elements: str
    required: true
  zones:
    description: Availability zones, at most four. Their order determines the ranges.
    type: list
    elements: str
    required: true
  newbits:
    description: Number of bits that a subnet's prefix is longer than the VPC's. V(4) divides a /16 into /20s.
    type: int
    default: 4
  name:
    description: Prefix of the subnets' names.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the subnets of a network
  ansible.builtin.debug:
    msg: "{{ '10.20.0.0/16' | teal.platform.subnet_plan(['public', 'private'], zones) }}"
  vars:
    zones: [eu-west-1a, eu-west-1b]
  # [{'name': 'public-a', 'tier': 'public', 'az': 'eu-west-1a', 'cidr': '10.20.0.0/20'},
  #  {'name': 'public-b', 'tier': 'public', 'az': 'eu-west-1b', 'cidr': '10.20.16.0/20'},
  #  {'name': 'private-a', 'tier': 'private', 'az': 'eu-west-1a', 'cidr': '10.20.64.0/20'}, ...]
"""

RETURN = r"""
_value:
  description: The subnets, each with C(name), C(tier), C(az) and C(cidr).
  type: list
  elements: dict
"""

from collections.abc import Callable
from ipaddress import IPv4Network

from ansible.errors import AnsibleFilterError

ZONES_PER_TIER = 4
# Prefix lengths of subnets that AWS allows.
SHORTEST_PREFIX = 16
LONGEST_PREFIX = 28


def subnet_plan(
    vpc_cidr: str, tiers: list[str], zones: list[str], newbits: int = 4, name: str = ""
) -> list[dict[str, str]]:
    """Return the subnets of `vpc_cidr`. Raises AnsibleFilterError if they do not fit."""
    try:
        network = IPv4Network(vpc_cidr)
    except ValueError as error:
        raise AnsibleFilterError(
            f"subnet_plan: '{vpc_cidr}' is not a range like 10.20.0.0/16: {error}"
        ) from None
    prefix = network.prefixlen + newbits
    if not SHORTEST_PREFIX <= prefix <= LONGEST_PREFIX:
        raise AnsibleFilterError(
            f"subnet_plan: {vpc_cidr} with newbits {newbits} gives subnets of /{prefix}; "
            f"AWS takes /{SHORTEST_PREFIX} to /{LONGEST_PREFIX}"
        )
    for what, values in (("tier", tiers), ("zone", zones)):
        if len(set(values)) != len(values):
            raise AnsibleFilterError(f"subnet_plan: a {what} is named twice: {', '.join(values)}")
    if len(zones) > ZONES_PER_TIER:
        raise AnsibleFilterError(f"subnet_plan: {len(zones)} zones, at most {ZONES_PER_TIER} fit a tier")
    needed, room = len(tiers) * ZONES_PER_TIER, 2**newbits
    if needed > room:
        raise AnsibleFilterError(
            f"subnet_plan: {len(tiers)} tiers need {needed} subnets, and newbits {newbits} gives {room}"
        )
    size = 2 ** (32 - prefix)
    return [
        {
            "name": "-".join(filter(None, (name, tier, zone[-1]))),
            "tier": tier,
            "az": zone,
            "cidr": str(IPv4Network((int(network.network_address) + index * size, prefix))),
        }
        for block, tier in enumerate(tiers)
        for index, zone in enumerate(zones, start=block * ZONES_PER_TIER)
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """Return the filters by name."""
        return {"subnet_plan": subnet_plan}
