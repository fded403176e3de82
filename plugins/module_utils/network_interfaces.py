# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Network interfaces that AWS's services leave in a network, and that hold its security groups and subnets."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import Resource

#: Seconds after which interfaces of Lambda are gone that no function uses any more.
FUNCTIONS_LEAVE = 2700
#: The tag by which the VPC CNI, EKS's network plugin, names the cluster whose node it made an interface for.
OF_CLUSTER = "cluster.k8s.amazonaws.com/name"


def interfaces(resource: Resource, ec2: Any, **filters: str) -> list[dict[str, Any]]:
    """Return the network interfaces that meet all `filters` (EC2's names, with _ for -)."""
    wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    return resource.pages("describe_network_interfaces", "NetworkInterfaces", client=ec2, Filters=wanted)


def remove_leftover_node_interfaces(resource: Resource, ec2: Any, found: list[dict[str, Any]]) -> None:
    """Remove those of `found` that the VPC CNI detached from a node and did not delete before the node had ended."""
    for interface in found:
        tags = {tag["Key"] for tag in interface.get("TagSet", [])}
        if interface["Status"] == "available" and OF_CLUSTER in tags:
            resource.call(
                "delete_network_interface",
                client=ec2,
                missing=["InvalidNetworkInterfaceID.NotFound"],
                NetworkInterfaceId=interface["NetworkInterfaceId"],
            )


def wait_for_lambda_interfaces(resource: Resource, ec2: Any, group: str) -> None:
    """Wait until Lambda has removed its interfaces from a security group, which it does by the role of their function."""
    give_up = time.monotonic() + FUNCTIONS_LEAVE

    def left() -> list[str]:
        inside = interfaces(resource, ec2, group_id=group)
        return [one["NetworkInterfaceId"] for one in inside if one.get("InterfaceType") == "lambda"]

    while names := left():
        if time.monotonic() > give_up:
            resource.module.fail_json(
                msg=f"{resource.kind} '{resource.name}': {group} is still used by interfaces of Lambda: {', '.join(names)}. "
                "They go up to 45 minutes after the last function that uses the group, by the rights of its role. Is "
                "there a function of somebody else's in it? Is the role gone? Then delete them by hand. If neither, "
                "run this again."
            )
        time.sleep(10)
