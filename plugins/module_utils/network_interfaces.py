# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Leftover network interfaces of AWS services, which block the deletion of security groups and subnets."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import Resource

#: Seconds within which Lambda deletes interfaces that no function uses.
LAMBDA_INTERFACES_TIMEOUT = 2700
#: Tag that the VPC CNI, EKS's network plugin, sets on the interfaces that it creates for nodes.
OF_CLUSTER = "cluster.k8s.amazonaws.com/name"


def interfaces(resource: Resource, ec2: Any, **filters: str) -> list[dict[str, Any]]:
    """Return the network interfaces that match all `filters` (EC2's names, with _ instead of -)."""
    wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    return resource.pages("describe_network_interfaces", "NetworkInterfaces", client=ec2, Filters=wanted)


def remove_leftover_node_interfaces(resource: Resource, ec2: Any, found: list[dict[str, Any]]) -> None:
    """Delete those of `found` that the VPC CNI detached but did not delete before their node was terminated."""
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
    """Wait until Lambda has deleted its interfaces in a security group. Lambda uses the role of the function for that."""
    give_up = time.monotonic() + LAMBDA_INTERFACES_TIMEOUT

    def left() -> list[str]:
        inside = interfaces(resource, ec2, group_id=group)
        return [one["NetworkInterfaceId"] for one in inside if one.get("InterfaceType") == "lambda"]

    while names := left():
        if time.monotonic() > give_up:
            resource.module.fail_json(
                msg=f"{resource.kind} '{resource.name}': {group} is still used by Lambda's interfaces: {', '.join(names)}. "
                "Lambda deletes them up to 45 minutes after the last function that uses the group, with the role of that "
                "function. If another function uses the group or the role was deleted, delete the interfaces by hand. "
                "Otherwise run the same command again."
            )
        time.sleep(10)
