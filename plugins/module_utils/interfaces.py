# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Network interfaces that AWS's services leave in a network, and that hold its security groups and subnets."""

from __future__ import annotations

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import Resource

#: The tag by which the VPC CNI, EKS's network plugin, names the cluster whose node it made an interface for.
OF_CLUSTER = "cluster.k8s.amazonaws.com/name"


def interfaces(resource: Resource, ec2: Any, **filters: str) -> list[dict[str, Any]]:
    """Return the network interfaces that meet all `filters` (EC2's names, with _ for -)."""
    wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    return resource.pages("describe_network_interfaces", "NetworkInterfaces", client=ec2, Filters=wanted)


def remove_left_by_nodes(resource: Resource, ec2: Any, found: list[dict[str, Any]]) -> None:
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
