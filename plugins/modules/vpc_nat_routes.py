#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: vpc_nat_routes
short_description: Give private subnets their way out
version_added: 0.1.0
description:
  - Waits until the NAT gateways are available that P(teal.platform.vpc_subnets#module) has begun with
    O(teal.platform.vpc_subnets#module:wait=false), and lets the private subnets' route tables lead to them.
  - Called by whoever puts something into a private subnet that has to reach out, at the moment when it does. So the
    minutes that a NAT gateway takes pass beside other work. AWS refuses routes to a gateway that is not available yet.
  - Does nothing where there are no NAT gateways, or all is done.
author: Teal maintainers (@teal-platform)
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  name:
    description: Prefix of the names of gateways and route tables.
    type: str
    required: true
  wait_timeout:
    description: Seconds to wait for NAT gateways.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Tells what would change.
    support: full
  diff_mode:
    description: Shows the routes before and after.
    support: full
"""

EXAMPLES = r"""
- name: Let the nodes reach out
  teal.platform.vpc_nat_routes:
    vpc_id: vpc-0123456789abcdef0
    name: shop-staging
"""

RETURN = r"""
routes:
  description: ID of the NAT gateway that each private route table leads to, by the table's name.
  type: dict
  returned: always
"""

from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule
from ansible_collections.teal.platform.plugins.module_utils.vpc_parts import (
    EVERYWHERE,
    NatGateways,
    RouteTables,
    nat_of,
)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "wait_timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    nat = NatGateways(module)
    tables = RouteTables(module, nat.client)
    gateways, found = nat.find_all(), tables.find_all()
    wanted, before = {}, {}
    for name, table in found.items():
        gateway = nat_of(name, module.params["name"], gateways)
        if gateway:
            wanted[name] = gateways[gateway]["NatGatewayId"]
            before[name] = tables.settings(table)["routes"].get(EVERYWHERE)
    missing = {name: target for name, target in wanted.items() if before[name] != target}
    if missing and not module.check_mode:
        nat.await_state(list(gateways.values()), "available")
        for name, target in missing.items():
            tables.lead_out(name, found[name], target)
    module.exit_json(changed=bool(missing), diff={"before": before, "after": wanted}, routes=wanted)


if __name__ == "__main__":
    main()
