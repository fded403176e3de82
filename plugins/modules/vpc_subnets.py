#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: vpc_subnets
short_description: The subnets of a VPC, and the ways out of them
version_added: 0.1.0
description:
  - Brings all subnets of a VPC to a plan, with the internet gateway, NAT gateways, route tables and
    the S3 gateway endpoint that follow from it. What the plan no longer has is removed, after
    what replaces it stands.
  - One process for the whole plan. NAT gateways are created together and awaited together, or, with
    O(wait=false), by P(teal.platform.vpc_nat_routes#module) when somebody needs them.
  - Objects are known again by their C(Name) tag, so that a run that was killed is taken up where it ended.
  - The VPC's main route table, and gateway endpoints of other services, are left alone.
author: Teal maintainers (@teal-platform)
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  name:
    description: Prefix of the names of gateways, route tables and the endpoint.
    type: str
    required: true
  subnets:
    description: All subnets of the VPC; the filter P(teal.platform.subnet_plan#filter) computes such a list.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the subnet.
        type: str
        required: true
      tier:
        description: Tier of the subnet, kept in its tag C(Tier).
        type: str
        required: true
      az:
        description: Availability zone.
        type: str
        required: true
      cidr:
        description: Range of the subnet.
        type: str
        required: true
  public_tiers:
    description: Tiers that route to the internet gateway, and whose instances get public addresses.
    type: list
    elements: str
    default: [public]
  nat:
    description:
      - How the other tiers reach the internet. V(none) for not at all, V(single) for one NAT gateway in the
        first zone, V(per_zone) for one in each zone.
    type: str
    choices: [none, single, per_zone]
    default: none
  s3_endpoint:
    description: Whether S3 is reached through a gateway endpoint, from all tiers.
    type: bool
    default: true
  state:
    description: V(absent) removes all of it.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each object. C(Name), and C(Tier) for subnets, are added.
    type: dict
    aliases: [resource_tags]
    default: {}
  wait:
    description:
      - Whether NAT gateways are waited for, which takes minutes. If not, private subnets are without a way out until
        P(teal.platform.vpc_nat_routes#module) has made it.
      - Where private subnets have ways out already, they are waited for in any case, so that none is cut off.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for NAT gateways, and for what is in use to become free.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
attributes:
  check_mode:
    description: Tells what would change.
    support: full
  diff_mode:
    description: Shows all objects before and after.
    support: full
"""

EXAMPLES = r"""
- name: Lay out the network
  teal.platform.vpc_subnets:
    vpc_id: vpc-0123456789abcdef0
    name: shop-staging
    nat: single
    subnets: "{{ '10.20.0.0/16' | teal.platform.subnet_plan(name='shop-staging', tiers=['public', 'private'],
                 zones=['ap-northeast-2a', 'ap-northeast-2c'], newbits=4) }}"
    tags:
      Environment: staging
"""

RETURN = r"""
subnet_ids:
  description: IDs of the subnets, by name.
  type: dict
  returned: when state is present
nat_addresses:
  description: Public addresses of the NAT gateways, by name. Requests from private tiers come from these.
  type: dict
  returned: when state is present
route_table_ids:
  description: IDs of the route tables, by name.
  type: dict
  returned: when state is present
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import IGNORED_TAGS, AnsibleAWSModule
from ansible_collections.teal.platform.plugins.module_utils.resource_set import finish
from ansible_collections.teal.platform.plugins.module_utils.vpc_parts import (
    EVERYWHERE,
    Addresses,
    Endpoints,
    InternetGateway,
    NatGateways,
    RouteTables,
    Subnets,
    nat_name,
    nat_of,
    private_table,
)


class Layout:
    """What follows from the plan, set by set: each needs the ids of the one before."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.module = module
        self.params = module.params
        self.present = module.params["state"] == "present"
        self.plan = module.params["subnets"] if self.present else []
        ec2 = module.client("ec2")
        self.subnets = Subnets(module, ec2)
        self.gateway = InternetGateway(module, ec2)
        self.addresses = Addresses(module, ec2)
        self.nat = NatGateways(module, ec2)
        self.tables = RouteTables(module, ec2)
        self.endpoints = Endpoints(module, ec2)

    def tags(self, name: str, **more: str) -> dict[str, str]:
        return {**self.params["tags"], **more, "Name": name}

    def is_public(self, subnet: dict) -> bool:
        return subnet["tier"] in self.params["public_tiers"]

    def nat_hosts(self) -> dict[str, dict]:
        """Return the public subnet in which each NAT gateway lives, by the gateway's name."""
        private = any(not self.is_public(subnet) for subnet in self.plan)
        if self.params["nat"] == "none" or not private:
            return {}
        hosts: dict[str, dict] = {}
        for subnet in sorted(filter(self.is_public, self.plan), key=lambda subnet: subnet["az"]):
            hosts.setdefault(nat_name(self.params["name"], subnet["az"]), subnet)
        if not hosts:
            self.module.fail_json(
                msg=f"nat is '{self.params['nat']}', but no subnet is in a public tier "
                f"({', '.join(self.params['public_tiers'])}): NAT gateways live in public subnets"
            )
        return hosts if self.params["nat"] == "per_zone" else dict(list(hosts.items())[:1])

    def wanted_tables(
        self, subnet_ids: dict[str, str], nat_ids: dict[str, str], open_nats: set[str], gateway: str
    ) -> dict:
        """Return a route table for all public subnets, and one for each way out of the private ones."""
        tables: dict[str, dict] = {}
        for subnet in self.plan:
            if self.is_public(subnet):
                name, routes = f"{self.params['name']}-public", {EVERYWHERE: gateway}
            else:
                name = private_table(self.params["name"], subnet["az"] if len(nat_ids) > 1 else "")
                nat = nat_of(name, self.params["name"], nat_ids)
                routes = {EVERYWHERE: nat_ids[nat]} if nat in open_nats else {}
            table = tables.setdefault(name, {"routes": routes, "subnets": [], "tags": self.tags(name)})
            table["subnets"] = sorted([*table["subnets"], subnet_ids[subnet["name"]]])
        return tables

    def ensure(self) -> dict[str, Any]:
        """Make all that is wanted, and return the ids. Those of what check mode only plans are made up."""
        name = self.params["name"]
        subnets = self.subnets.ensure(
            {
                subnet["name"]: {
                    "az": subnet["az"],
                    "cidr": subnet["cidr"],
                    "public_addresses": self.is_public(subnet),
                    "tags": self.tags(subnet["name"], Tier=subnet["tier"]),
                }
                for subnet in self.plan
            }
        )
        subnet_ids = {s["name"]: identifier(subnets, s["name"], "SubnetId", "subnet") for s in self.plan}
        any_public = any(self.is_public(subnet) for subnet in self.plan)
        gateways = self.gateway.ensure(
            {name: {"attached": True, "tags": self.tags(name)}} if any_public else {}
        )
        hosts = self.nat_hosts()
        addresses = self.addresses.ensure({nat: {"tags": self.tags(nat)} for nat in hosts})
        nats = self.nat.ensure(
            {
                nat: {
                    "subnet": subnet_ids[subnet["name"]],
                    "address": identifier(addresses, nat, "AllocationId", "eipalloc"),
                    "tags": self.tags(nat),
                }
                for nat, subnet in hosts.items()
            }
        )
        if self.params["wait"] or self.tables.lead_to_nat():
            self.nat.await_state(list(nats.values()), "available")
            open_nats = set(hosts)
        else:
            open_nats = {nat for nat, found in nats.items() if found["State"] == "available"}
        nat_ids = {nat: identifier(nats, nat, "NatGatewayId", "nat") for nat in hosts}
        gateway = identifier(gateways, name, "InternetGatewayId", "igw")
        wanted = self.wanted_tables(subnet_ids, nat_ids, open_nats, gateway)
        tables = self.tables.ensure(wanted)
        table_ids = {table: identifier(tables, table, "RouteTableId", "rtb") for table in wanted}
        endpoint = {
            "service": self.endpoints.service_name,
            "route_tables": sorted(table_ids.values()),
            "tags": self.tags(f"{name}-s3"),
        }
        self.endpoints.ensure({f"{name}-s3": endpoint} if self.params["s3_endpoint"] and self.plan else {})
        return {
            "subnet_ids": subnet_ids,
            "route_table_ids": table_ids,
            "nat_addresses": {nat: found.get("PublicIp") for nat, found in addresses.items()},
        }


def identifier(found: dict[str, dict], name: str, key: str, kind: str) -> str:
    """Return the id of an object, or one made up if check mode has not made it."""
    return found[name][key] if name in found else f"{kind}-planned-{name}"


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "subnets": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {key: {"type": "str", "required": True} for key in ("name", "tier", "az", "cidr")},
            },
            "public_tiers": {"type": "list", "elements": "str", "default": ["public"]},
            "nat": {"type": "str", "choices": ["none", "single", "per_zone"], "default": "none"},
            "s3_endpoint": {"type": "bool", "default": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "aliases": ["resource_tags"], "default": {}},
            "ignored_tags": IGNORED_TAGS,
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    layout = Layout(module)
    ids = layout.ensure()
    sets = {
        "subnets": layout.subnets,
        "internet gateway": layout.gateway,
        "addresses": layout.addresses,
        "NAT gateways": layout.nat,
        "route tables": layout.tables,
        "endpoints": layout.endpoints,
    }
    for entry in reversed(sets.values()):
        entry.purge()
    finish(module, sets, **(ids if layout.present else {}))


if __name__ == "__main__":
    main()
