# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the route tables of private subnets without the route to their NAT gateway."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nat_routes
author: Teal maintainers
version_added: 0.1.0
short_description: Find route tables without the route to their NAT gateway
description:
  - Returns the route tables of private subnets whose default route does not point to the NAT gateway of their zone, or to
    the only NAT gateway.
positional: _input, nat_gateways, name
options:
  _input:
    description: Route tables, as M(amazon.aws.ec2_vpc_route_table_info) returns them.
    type: list
    elements: dict
    required: true
  nat_gateways:
    description: NAT gateways, as M(amazon.aws.ec2_vpc_nat_gateway_info) returns them.
    type: list
    elements: dict
    required: true
  name:
    description: Prefix of the names of all objects.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the route tables without a route to their NAT gateway
  ansible.builtin.debug:
    msg: "{{ tables.route_tables | teal.platform.nat_routes(gateways.result, 'shop-staging') }}"
"""

RETURN = r"""
_value:
  description: For each table its C(name) and C(id), the wanted NAT gateway (C(gateway_id)), and the current target (C(now)).
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.teal.platform.plugins.plugin_utils.network_layout import nat_routes


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nat_routes": nat_routes}
