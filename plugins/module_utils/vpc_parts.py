# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The parts of a VPC, each kind a set of objects known by their `Name` tags (see module vpc_subnets)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils import statuses
from ansible_collections.teal.platform.plugins.module_utils.resource_set import EC2Set

EVERYWHERE = "0.0.0.0/0"


def held_by_nat(error: dict[str, str]) -> bool:
    """Return whether an address is refused because a NAT gateway that is deleted already still holds it.

    EC2 then answers AuthFailure. Missing rights are UnauthorizedOperation, and wrong credentials another message.
    """
    return error["Code"] == "AuthFailure" and "access the specified resource" in error.get("Message", "")


def nat_name(prefix: str, zone: str) -> str:
    """Return the name of the NAT gateway of a zone."""
    return f"{prefix}-nat-{zone[-1]}"


def private_table(prefix: str, zone: str) -> str:
    """Return the name of the route table of a zone's private subnets; without a zone, of all of them."""
    return f"{prefix}-private-{zone[-1]}" if zone else f"{prefix}-private"


def nat_of(table: str, prefix: str, gateways: Iterable[str]) -> str | None:
    """Return the NAT gateway by which a route table leads out; None if it is no private one, or there is none."""
    found = sorted(gateways)
    if table == private_table(prefix, ""):
        return found[0] if found else None
    return next((gateway for gateway in found if table == private_table(prefix, gateway[-1])), None)


class Subnets(EC2Set):
    kind = "subnet"
    id_key = "SubnetId"
    fixed = frozenset({"az", "cidr"})

    def find_all(self) -> dict[str, dict]:
        return self.by_name(self.in_vpc("describe_subnets", "Subnets"))

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "az": found["AvailabilityZone"],
            "cidr": found["CidrBlock"],
            "public_addresses": found["MapPublicIpOnLaunch"],
            "tags": self.tags_of(found),
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        found = self.call(
            "create_subnet",
            VpcId=self.params["vpc_id"],
            AvailabilityZone=want["az"],
            CidrBlock=want["cidr"],
            TagSpecifications=self.specification("subnet", want["tags"]),
        )["Subnet"]
        return self.update_one(key, found, want)

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        if found["MapPublicIpOnLaunch"] != want["public_addresses"]:
            self.call_when_visible(
                "modify_subnet_attribute",
                SubnetId=found["SubnetId"],
                MapPublicIpOnLaunch={"Value": want["public_addresses"]},
            )
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        self.delete_when_free("delete_subnet", gone=["InvalidSubnetID.NotFound"], SubnetId=found["SubnetId"])


class InternetGateway(EC2Set):
    kind = "internet gateway"
    id_key = "InternetGatewayId"

    def find_all(self) -> dict[str, dict]:
        return self.by_name(
            self.in_vpc("describe_internet_gateways", "InternetGateways", "attachment.vpc-id")
            or self._unattached()
        )

    def _unattached(self) -> list[dict]:
        """Return the gateway of a run that was killed before it attached it, or after it detached it."""
        named = [{"Name": "tag:Name", "Values": [self.params["name"]]}]
        found = self.pages("describe_internet_gateways", "InternetGateways", Filters=named)
        return [gateway for gateway in found if not gateway["Attachments"]][:1]

    def settings(self, found: dict) -> dict[str, Any]:
        return {"attached": bool(found["Attachments"]), "tags": self.tags_of(found)}

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        found = self.call(
            "create_internet_gateway", TagSpecifications=self.specification("internet-gateway", want["tags"])
        )["InternetGateway"]
        return self.update_one(key, found, want)

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        if not found["Attachments"]:
            self.call_when_visible(
                "attach_internet_gateway",
                InternetGatewayId=found["InternetGatewayId"],
                VpcId=self.params["vpc_id"],
            )
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        if found["Attachments"]:
            self.delete_when_free(
                "detach_internet_gateway",
                InternetGatewayId=found["InternetGatewayId"],
                VpcId=self.params["vpc_id"],
            )
        self.call("delete_internet_gateway", InternetGatewayId=found["InternetGatewayId"])


class Addresses(EC2Set):
    """The NAT gateways' public addresses."""

    kind = "elastic IP address"
    id_key = "AllocationId"

    def find_all(self) -> dict[str, dict]:
        # One letter, that of the zone: an environment's name may go on with anything else.
        named = [{"Name": "tag:Name", "Values": [f"{self.params['name']}-nat-?"]}]
        return self.by_name(self.pages("describe_addresses", "Addresses", Filters=named))

    def settings(self, found: dict) -> dict[str, Any]:
        return {"tags": self.tags_of(found)}

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        return self.call(
            "allocate_address", Domain="vpc", TagSpecifications=self.specification("elastic-ip", want["tags"])
        )

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        self.delete_when_free(
            "release_address",
            gone=["InvalidAllocationID.NotFound"],
            still_used=held_by_nat,
            AllocationId=found["AllocationId"],
        )


class NatGateways(EC2Set):
    kind = "NAT gateway"
    id_key = "NatGatewayId"
    fixed = frozenset({"subnet", "address"})

    def find_all(self) -> dict[str, dict]:
        gateways = self.pages(
            "describe_nat_gateways",
            "NatGateways",
            Filter=[
                {"Name": "vpc-id", "Values": [self.params["vpc_id"]]},
                {"Name": "state", "Values": ["pending", "available"]},
            ],
        )
        return self.by_name(gateways)

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "subnet": found["SubnetId"],
            "address": found["NatGatewayAddresses"][0].get("AllocationId"),
            "tags": self.tags_of(found),
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        return self.call_when_visible(
            "create_nat_gateway",
            SubnetId=want["subnet"],
            AllocationId=want["address"],
            TagSpecifications=self.specification("natgateway", want["tags"]),
        )["NatGateway"]

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_nat_gateway", NatGatewayId=found["NatGatewayId"])

    def await_state(self, gateways: list[dict], state: str) -> None:
        """Wait until all `gateways` are in `state`; a gateway that is gone counts as deleted."""
        pending = {gateway["NatGatewayId"] for gateway in gateways}
        give_up = time.monotonic() + self.params["wait_timeout"]
        pause = 0.1
        while pending and not self.module.check_mode:
            described = self.pages("describe_nat_gateways", "NatGateways", NatGatewayIds=sorted(pending))
            for gateway in described:
                failed = statuses.meaning("NAT gateway", gateway["State"]) == statuses.FAILED
                if failed and state == "available":
                    self.module.fail_json(
                        msg=f"NAT gateway '{gateway['NatGatewayId']}' is {gateway['State']}, not available: "
                        f"{gateway.get('FailureMessage', 'AWS gave no reason')}. "
                        "Fix what it names and run this again: another one is created."
                    )
            pending = {gateway["NatGatewayId"] for gateway in described if gateway["State"] != state}
            if pending and time.monotonic() > give_up:
                self.module.fail_json(
                    msg=f"NAT gateways {', '.join(sorted(pending))} were not {state} "
                    f"within {self.params['wait_timeout']} s. Run this again, and it goes on waiting."
                )
            if pending:
                time.sleep(pause)
                pause = min(5.0, pause * 1.5)

    def purge(self) -> None:
        super().purge()
        removed = [self._existing[key] for key in self._existing.keys() - self.after.keys()]
        self.await_state(removed, "deleted")


class RouteTables(EC2Set):
    kind = "route table"
    id_key = "RouteTableId"

    def find_all(self) -> dict[str, dict]:
        tables = self.in_vpc("describe_route_tables", "RouteTables")
        self._associations = {
            association["SubnetId"]: association["RouteTableAssociationId"]
            for table in tables
            for association in table["Associations"]
            if association.get("SubnetId")
        }
        return self.by_name(
            [table for table in tables if not any(entry.get("Main") for entry in table["Associations"])]
        )

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "routes": self._routes(found),
            "subnets": sorted(entry["SubnetId"] for entry in found["Associations"] if entry.get("SubnetId")),
            "tags": self.tags_of(found),
        }

    def lead_out(self, name: str, found: dict, gateway: str) -> None:
        """Let a table lead out by a NAT gateway; somebody else may do the same at this moment."""
        self._at = name
        routed = EVERYWHERE in self.settings(found)["routes"]
        route = {"RouteTableId": found["RouteTableId"], "DestinationCidrBlock": EVERYWHERE}
        self.call(
            "replace_route" if routed else "create_route",
            **route,
            NatGatewayId=gateway,
            missing=["RouteAlreadyExists"],
        )

    def lead_to_nat(self) -> bool:
        """Return whether a route leads to a NAT gateway, even to one that is no more."""
        tables = self.in_vpc("describe_route_tables", "RouteTables")
        return any(route.get("NatGatewayId") for table in tables for route in table.get("Routes", []))

    @staticmethod
    def _routes(found: dict) -> dict[str, str]:
        """Return targets by destination, without those that AWS itself puts in."""
        routes = {}
        for route in found.get("Routes", []):
            destination = route.get("DestinationCidrBlock")
            targets = [value for key, value in route.items() if key.endswith("Id") and value]
            if destination and route.get("Origin") == "CreateRoute":
                routes[destination] = targets[0] if targets else "blackhole"
        return routes

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        found = self.call(
            "create_route_table",
            VpcId=self.params["vpc_id"],
            TagSpecifications=self.specification("route-table", want["tags"]),
        )["RouteTable"]
        return self.update_one(key, found, want)

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        table = found["RouteTableId"]
        have = self.settings(found)
        for destination in have["routes"].keys() - want["routes"].keys():
            self.call("delete_route", RouteTableId=table, DestinationCidrBlock=destination)
        for destination, target in want["routes"].items():
            if have["routes"].get(destination) != target:
                operation = "replace_route" if destination in have["routes"] else "create_route"
                kind = "NatGatewayId" if target.startswith("nat-") else "GatewayId"
                route = {"RouteTableId": table, "DestinationCidrBlock": destination, kind: target}
                self.call_when_visible(operation, **route)
        for subnet in set(want["subnets"]) - set(have["subnets"]):
            elsewhere = self._associations.get(subnet)
            if elsewhere:
                self.call_when_visible(
                    "replace_route_table_association", AssociationId=elsewhere, RouteTableId=table
                )
            else:
                self.call_when_visible("associate_route_table", SubnetId=subnet, RouteTableId=table)
        for subnet in set(have["subnets"]) - set(want["subnets"]):
            # one that another table took over in this run has no such association any more
            self.call(
                "disassociate_route_table",
                AssociationId=self._associations[subnet],
                missing=["InvalidAssociationID.NotFound"],
            )
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        for association in found["Associations"]:
            self.call(
                "disassociate_route_table",
                AssociationId=association["RouteTableAssociationId"],
                missing=["InvalidAssociationID.NotFound"],
            )
        self.delete_when_free(
            "delete_route_table", gone=["InvalidRouteTableID.NotFound"], RouteTableId=found["RouteTableId"]
        )


class Endpoints(EC2Set):
    kind = "VPC endpoint"
    id_key = "VpcEndpointId"
    fixed = frozenset({"service"})

    @property
    def service_name(self) -> str:
        return f"com.amazonaws.{self.client.meta.region_name}.s3"

    def find_all(self) -> dict[str, dict]:
        filters = [
            {"Name": "service-name", "Values": [self.service_name]},
            {"Name": "vpc-endpoint-type", "Values": ["Gateway"]},
        ]
        found = self.in_vpc("describe_vpc_endpoints", "VpcEndpoints", Filters=filters)
        return self.by_name([entry for entry in found if entry["State"].lower() in ("pending", "available")])

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "service": found["ServiceName"],
            "route_tables": sorted(found.get("RouteTableIds", [])),
            "tags": self.tags_of(found),
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        return self.call_when_visible(
            "create_vpc_endpoint",
            VpcId=self.params["vpc_id"],
            VpcEndpointType="Gateway",
            ServiceName=want["service"],
            RouteTableIds=want["route_tables"],
            TagSpecifications=self.specification("vpc-endpoint", want["tags"]),
        )["VpcEndpoint"]

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        have = set(found.get("RouteTableIds", []))
        tables = {
            "AddRouteTableIds": sorted(set(want["route_tables"]) - have),
            "RemoveRouteTableIds": sorted(have - set(want["route_tables"])),
        }
        tables = {name: ids for name, ids in tables.items() if ids}
        if tables:
            self.call("modify_vpc_endpoint", VpcEndpointId=found["VpcEndpointId"], **tables)
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_vpc_endpoints", VpcEndpointIds=[found["VpcEndpointId"]])
