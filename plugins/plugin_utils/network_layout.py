# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Computes the wanted objects of a VPC from its settings and the existing objects, for `network_layout` and `nat_routes`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.teal.platform.plugins.filter.describe_changes import describe_changes
from ansible_collections.teal.platform.plugins.filter.foreign_tags import foreign_tags

EVERYWHERE = "0.0.0.0/0"
LIVE_NAT = ("pending", "available")
#: Well-formed placeholder IDs for objects that check mode does not create: EC2 rejects malformed IDs.
PLANNED = {kind: f"{kind}-" + "0" * 17 for kind in ("subnet", "igw", "eipalloc", "nat", "rtb")}

Found = dict[str, Any]


def tags_of(found: Found) -> dict[str, str]:
    """Return an object's tags, which `_info` modules return as a dict or as a list."""
    tags = found.get("tags") or {}
    return dict(tags) if isinstance(tags, dict) else {tag["key"]: tag["value"] for tag in tags}


def by_name(objects: Iterable[Found]) -> dict[str, Found]:
    """Return the objects that have a tag Name, by that name."""
    return {tags_of(one)["Name"]: one for one in objects if "Name" in tags_of(one)}


def made_by_name(results: Iterable[Found]) -> dict[str, Found]:
    """Return the results of a task that loops over named items, by the item's name."""
    return {one["item"]["name"]: one for one in results if "item" in one}


def default_target(table: Found) -> str | None:
    """Return the target of a route table's default route, or None."""
    return created_routes(table).get(EVERYWHERE)


def created_routes(table: Found) -> dict[str, str]:
    """Return targets by IPv4 destination, without the routes that AWS itself adds."""
    routes = {}
    for route in table.get("routes", []):
        if route.get("destination_cidr_block") and route.get("origin") == "CreateRoute":
            targets = [value for key, value in route.items() if key.endswith("_id") and value]
            routes[route["destination_cidr_block"]] = targets[0] if targets else "blackhole"
    return routes


def associated(table: Found) -> set[str]:
    """Return the IDs of a route table's subnets."""
    return {one["subnet_id"] for one in table.get("associations", []) if one.get("subnet_id")}


def is_main(table: Found) -> bool:
    return any(one.get("main") for one in table.get("associations", []))


def gateways_by_name(gateways: Iterable[Found]) -> dict[str, Found]:
    """Return the available and pending NAT gateways by name."""
    return by_name(one for one in gateways if one["state"] in LIVE_NAT)


class Layout:
    """The objects of a VPC. IDs of new objects come from `made`, once the tasks have created them."""

    def __init__(self, name: str, settings: dict[str, Any], found: dict[str, Any], made: dict[str, Any]):
        self.name = name
        self.settings = settings
        self.found = found
        self.made = made
        self.plan: list[dict[str, str]] = settings["subnets"]
        self.subnets = {one["cidr_block"]: one for one in found["subnets"]}
        self.addresses = {one["public_ip"]: one for one in found["addresses"]}
        self.gateways = {self.nat_name(one): one for one in found["nat_gateways"] if one["state"] in LIVE_NAT}
        self.tables = by_name(one for one in found["route_tables"] if not is_main(one))

    def tags(self, name: str, found: Found | None, **more: str) -> dict[str, str]:
        """Return the wanted tags of an object, with the existing tags that match `ignored_tags`."""
        foreign = foreign_tags(tags_of(found or {}), self.settings["ignored_tags"])
        return {**foreign, **self.settings["tags"], **more, "Name": name}

    def is_public(self, subnet: dict[str, str]) -> bool:
        return subnet["tier"] in self.settings["public_tiers"]

    def nat_name(self, gateway: Found) -> str:
        """Return the name of a NAT gateway; without a Name tag, the name of its address, which upstream uses."""
        held = (gateway.get("nat_gateway_addresses") or [{}])[0].get("public_ip")
        named = {**tags_of(self.addresses.get(held) or {}), **tags_of(gateway)}
        return named.get("Name", gateway["nat_gateway_id"])

    # -- subnets -------------------------------------------------------------------------------------

    def wanted_subnets(self) -> list[dict[str, Any]]:
        made = made_by_name(self.made["subnets"])
        wanted = []
        for subnet in self.plan:
            found = self.subnets.get(subnet["cidr"])
            new = made.get(subnet["name"], {}).get("subnet") or {}
            identifier = found["subnet_id"] if found else new.get("id", PLANNED["subnet"])
            tags = self.tags(subnet["name"], found, Tier=subnet["tier"])
            wanted.append({**subnet, "id": identifier, "public": self.is_public(subnet), "tags": tags})
        return wanted

    def problems(self) -> list[str]:
        """Return a sentence for each change that AWS cannot make."""
        problems = []
        named = by_name(self.found["subnets"])
        for subnet in self.plan:
            name, zone, cidr = subnet["name"], subnet["az"], subnet["cidr"]
            found, holder = named.get(name), self.subnets.get(cidr)
            if found and (found["availability_zone"], found["cidr_block"]) != (zone, cidr):
                problems.append(
                    f"Subnet '{name}' exists in {found['availability_zone']} with {found['cidr_block']}, but the "
                    f"settings put it in {zone} with {cidr}: AWS cannot move a subnet."
                )
            elif holder and holder["availability_zone"] != zone:
                problems.append(
                    f"Subnet '{holder['subnet_id']}' has {cidr} in {holder['availability_zone']}, but the settings "
                    f"put '{name}' in {zone} with {cidr}: AWS cannot move a subnet."
                )
            elif holder and tags_of(holder).get("Name", name) != name:
                problems.append(
                    f"Subnet '{tags_of(holder)['Name']}' has {cidr}, which the settings give to '{name}': "
                    "two subnets cannot share a range."
                )
        hosts = self.nat_hosts()
        if self.settings["nat"] != "none" and not hosts and not all(map(self.is_public, self.plan)):
            problems.append(
                f"network_nat is '{self.settings['nat']}', but no subnet is in a public tier "
                f"({', '.join(self.settings['public_tiers'])}): NAT gateways need a public subnet."
            )
        for name, subnet in hosts.items():
            gateway, home = self.gateways.get(name), self.subnets.get(subnet["cidr"], {}).get("subnet_id")
            if gateway and gateway["subnet_id"] != home:
                problems.append(
                    f"NAT gateway '{name}' exists in {gateway['subnet_id']}, but the settings put it in "
                    f"'{subnet['name']}' ({home or 'not created yet'}): AWS cannot move a NAT gateway."
                )
        return problems

    # -- gateways ------------------------------------------------------------------------------------

    def internet_gateways(self) -> tuple[list[Found], list[Found]]:
        """Return the gateways of the VPC, and unattached ones of its name from an interrupted run."""
        vpc, all_of_them = self.settings["vpc_id"], self.found["internet_gateways"]
        attached = [one for one in all_of_them if any(a["vpc_id"] == vpc for a in one["attachments"])]
        free = [
            one for one in all_of_them if not one["attachments"] and tags_of(one).get("Name") == self.name
        ]
        return attached, free

    def internet_gateway(self) -> dict[str, Any]:
        attached, free = self.internet_gateways()
        found = next(iter([*attached, *free]), None)
        return {
            "wanted": any(map(self.is_public, self.plan)),
            "id": found["internet_gateway_id"] if found else None,
            "tags": self.tags(self.name, found),
        }

    def nat_hosts(self) -> dict[str, dict[str, str]]:
        """Return the public subnet of each NAT gateway, by the gateway's name."""
        if self.settings["nat"] == "none" or all(map(self.is_public, self.plan)):
            return {}
        hosts: dict[str, dict[str, str]] = {}
        for subnet in sorted(filter(self.is_public, self.plan), key=lambda subnet: subnet["az"]):
            hosts.setdefault(f"{self.name}-nat-{subnet['az'][-1]}", subnet)
        return hosts if self.settings["nat"] == "per_zone" else dict(list(hosts.items())[:1])

    def wanted_addresses(self) -> list[dict[str, Any]]:
        named = by_name(self.found["addresses"])
        wanted = []
        for name in self.nat_hosts():
            # An existing gateway keeps its address, even an unnamed one: AWS cannot change the address.
            held = (self.gateways.get(name) or {}).get("nat_gateway_addresses") or [{}]
            public_ip = held[0].get("public_ip") or named.get(name, {}).get("public_ip")
            wanted.append(
                {
                    "name": name,
                    "public_ip": public_ip,
                    "tags": self.tags(name, self.addresses.get(public_ip)),
                }
            )
        return wanted

    def wanted_nat_gateways(self) -> list[dict[str, Any]]:
        addresses, made = made_by_name(self.made["addresses"]), made_by_name(self.made["nat_gateways"])
        subnets = {one["name"]: one["id"] for one in self.wanted_subnets()}
        awaited = gateways_by_name(self.made["available"])
        wanted = []
        for name, subnet in self.nat_hosts().items():
            found = self.gateways.get(name)
            latest = next((one for one in (awaited.get(name), made.get(name), found) if one), {})
            wanted.append(
                {
                    "name": name,
                    "subnet_id": subnets[subnet["name"]],
                    "allocation_id": addresses.get(name, {}).get("allocation_id", PLANNED["eipalloc"]),
                    "id": latest.get("nat_gateway_id", PLANNED["nat"]),
                    "available": latest.get("state") == "available",
                    "tags": self.tags(name, found),
                }
            )
        return wanted

    # -- routes --------------------------------------------------------------------------------------

    def routes_to_nat(self) -> bool:
        """Return whether a route points to a NAT gateway, even to a deleted one."""
        routes = (route for table in self.found["route_tables"] for route in table.get("routes", []))
        return any(route.get("nat_gateway_id") for route in routes)

    def wanted_tables(self) -> list[dict[str, Any]]:
        """Return one route table for all public subnets, and one for the private subnets of each zone.

        `network_nat` only affects the routes of the zones' tables, so that no subnet moves to another table.
        """
        gateways = {one["name"]: one for one in self.wanted_nat_gateways()}
        gateway = self.internet_gateway()["id"] or self.made["internet_gateway"].get("gateway_id")
        # A private subnet with a NAT route is not cut off while a new gateway is pending: the tasks wait for it.
        waits, made = self.routes_to_nat(), made_by_name(self.made["route_tables"])
        tables: dict[str, dict[str, Any]] = {}
        for subnet in self.wanted_subnets():
            if subnet["public"]:
                name, target = f"{self.name}-public", gateway or PLANNED["igw"]
            else:
                zone = subnet["az"][-1]
                name = f"{self.name}-private-{zone}"
                nat = gateways.get(f"{self.name}-nat-{zone}", next(iter(gateways.values()), None))
                target = nat["id"] if nat and (nat["available"] or waits) else None
            found = self.tables.get(name)
            table = tables.setdefault(
                name,
                {
                    "name": name,
                    "id": found["route_table_id"] if found else None,
                    "made_id": (made.get(name, {}).get("route_table") or {}).get("id"),
                    "routes": [{"dest": EVERYWHERE, "gateway_id": target}] if target else [],
                    "subnet_ids": [],
                    "subnet_names": [],
                    "tags": self.tags(name, found),
                },
            )
            table["subnet_ids"].append(subnet["id"])
            table["subnet_names"].append(subnet["name"])
        for table in tables.values():
            wanted = {route["dest"] for route in table["routes"]}
            table["purge_routes"] = bool(created_routes(self.tables.get(table["name"], {})).keys() - wanted)
        return list(tables.values())

    def changes(self) -> list[str]:
        """Return a line for each change of the routes and subnets of route tables."""
        subnets = self.wanted_subnets()
        names = {one["id"]: one["name"] for one in subnets if one["id"] != PLANNED["subnet"]}
        now = {
            name: {
                "routes": [f"{dest} {target}" for dest, target in created_routes(table).items()],
                "subnets": [names.get(one, one) for one in associated(table)],
            }
            for name, table in self.tables.items()
        }
        wanted = {
            table["name"]: {
                "routes": [f"{route['dest']} {route['gateway_id']}" for route in table["routes"]],
                "subnets": table["subnet_names"],
            }
            for table in self.wanted_tables()
        }
        return describe_changes(now, wanted)

    # -- endpoints -----------------------------------------------------------------------------------

    def endpoints(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the wanted endpoints for S3, and the IDs of the unwanted ones.

        The upstream module cannot change the route tables of an endpoint. So a new table gets its own endpoint, and the
        existing endpoint remains.
        """
        tables = {one["id"] or one["made_id"] or PLANNED["rtb"] for one in self.wanted_tables()}
        missing = tables if self.settings["s3_endpoint"] else set()
        name, wanted, surplus = f"{self.name}-s3", [], []
        for found in self.found["endpoints"]:
            has = set(found.get("route_table_ids", []))
            if found["state"].lower() not in ("pending", "available"):
                continue
            if has and has <= missing:
                missing = missing - has
                wanted.append(
                    {
                        "id": found["vpc_endpoint_id"],
                        "route_table_ids": sorted(has),
                        "tags": self.tags(name, found),
                    }
                )
            else:
                surplus.append(found["vpc_endpoint_id"])
        if missing:
            wanted.append({"id": None, "route_table_ids": sorted(missing), "tags": self.tags(name, None)})
        return wanted, surplus

    # -- what is no longer wanted --------------------------------------------------------------------

    def surplus(self) -> dict[str, list[str]]:
        """Return what the tasks remove: ids, public addresses and ranges."""
        hosts, cidrs = self.nat_hosts(), {subnet["cidr"] for subnet in self.plan}
        addresses = {one["public_ip"] for one in self.wanted_addresses()}
        # One letter, that of the zone: an environment's name may go on with anything else.
        own = re.compile(re.escape(self.name) + "-nat-.")
        kept = {self.gateways[host]["nat_gateway_id"] for host in hosts.keys() & self.gateways.keys()}
        unwanted = [
            one["nat_gateway_id"]
            for one in self.found["nat_gateways"]
            if one["state"] in LIVE_NAT and one["nat_gateway_id"] not in kept
        ]
        tables = {one["id"] for one in self.wanted_tables()}
        gateways = [*self.internet_gateways()[0], *self.internet_gateways()[1]]
        return {
            "route_tables": [
                one["route_table_id"]
                for one in self.found["route_tables"]
                if not is_main(one) and one["route_table_id"] not in tables
            ],
            "nat_gateways": unwanted,
            # Including those that an earlier run deleted.
            "nat_gateways_leaving": unwanted
            + [one["nat_gateway_id"] for one in self.found["nat_gateways"] if one["state"] == "deleting"],
            "addresses": [
                one["public_ip"]
                for one in self.found["addresses"]
                if own.fullmatch(tags_of(one).get("Name", "")) and one["public_ip"] not in addresses
            ],
            "internet_gateways": []
            if self.internet_gateway()["wanted"]
            else [one["internet_gateway_id"] for one in gateways],
            "subnets": sorted(self.subnets.keys() - cidrs),
        }

    def whole(self) -> dict[str, Any]:
        """Return all parts for the tasks to loop over."""
        endpoints, surplus_endpoints = self.endpoints()
        gateways = self.wanted_nat_gateways()
        return {
            "problems": self.problems(),
            "subnets": self.wanted_subnets(),
            "internet_gateway": self.internet_gateway(),
            "addresses": self.wanted_addresses(),
            "nat_gateways": gateways,
            "wait_for_nat": self.routes_to_nat() and not all(one["available"] for one in gateways),
            "route_tables": self.wanted_tables(),
            "changes": self.changes(),
            "endpoints": endpoints,
            "surplus": {**self.surplus(), "endpoints": surplus_endpoints},
        }


def nat_routes(route_tables: list[Found], nat_gateways: list[Found], name: str) -> list[dict[str, Any]]:
    """Return the route tables of private subnets without the route to their NAT gateway."""
    gateways = gateways_by_name(nat_gateways)
    private = re.compile(re.escape(name) + r"-private(?:-(.))?")
    missing = []
    for table, found in sorted(by_name(route_tables).items()):
        known = private.fullmatch(table)
        if not known or not gateways:
            continue
        gateway = gateways.get(f"{name}-nat-{known[1]}", gateways[min(gateways)])["nat_gateway_id"]
        now = default_target(found)
        if now != gateway:
            missing.append(
                {"name": table, "id": found["route_table_id"], "gateway_id": gateway, "now": now or "none"}
            )
    return missing
