"""Whether AWS would have let things go in the order in which they went: `python -m rehearsal.deletion_order`.

moto deletes whatever it is told to, with all that hangs on it. AWS refuses what is still in use. This
reads the calls that the rehearsal recorded, and names each that AWS would have refused.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

WORKLOADS = (
    "eks DeleteCluster",
    "rds DeleteDBInstance",
    "elbv2 DeleteLoadBalancer",
    "lambda DeleteFunction",
    "ec2 TerminateInstances",
)


class Rule(NamedTuple):
    """Every `first` has to come before any `later`. With `same`, only where this parameter is the same."""

    first: tuple[str, ...]
    later: tuple[str, ...]
    why: str
    same: str = ""


RULES = (
    Rule(
        ("autoscaling DetachLoadBalancerTargetGroups",),
        ("elbv2 DeleteTargetGroup", "eks DeleteNodegroup"),
        "nodes are drained from the slots before either goes",
    ),
    Rule(("eks DeleteNodegroup",), ("eks DeleteCluster",), "a cluster that has node groups is not deleted"),
    Rule(
        ("elbv2 DeleteLoadBalancer",),
        ("elbv2 DeleteTargetGroup", "acm DeleteCertificate"),
        "a listener uses target groups and certificates",
    ),
    Rule(
        ("rds DeleteDBInstance",),
        ("rds DeleteDBSubnetGroup", "rds DeleteDBParameterGroup"),
        "a database uses its groups",
    ),
    Rule(
        WORKLOADS,
        ("ec2 DeleteSecurityGroup", "ec2 DeleteSubnet", "ec2 DeleteVpc"),
        "their network interfaces are in the network",
    ),
    Rule(WORKLOADS, ("iam DeleteRole",), "they run with these roles"),
    Rule(("eks DeleteNodegroup",), ("ec2 DeleteLaunchTemplate",), "node groups use it"),
    Rule(("cloudwatch DeleteAlarms",), ("sns DeleteTopic",), "alarms tell it"),
    Rule(
        ("ec2 DeleteNatGateway",),
        ("ec2 ReleaseAddress", "ec2 DeleteSubnet", "ec2 DetachInternetGateway"),
        "a NAT gateway holds its address and its subnet",
    ),
    Rule(
        ("ec2 ReleaseAddress",),
        ("ec2 DetachInternetGateway",),
        "a VPC with public addresses keeps its gateway",
    ),
    Rule(("ec2 DetachInternetGateway",), ("ec2 DeleteInternetGateway",), "it is attached"),
    Rule(
        (
            "ec2 DeleteSubnet",
            "ec2 DeleteSecurityGroup",
            "ec2 DeleteRouteTable",
            "ec2 DeleteVpcEndpoints",
            "ec2 DeleteInternetGateway",
            "ec2 DeleteNatGateway",
        ),
        ("ec2 DeleteVpc",),
        "a VPC goes empty",
    ),
    Rule(
        ("iam DetachRolePolicy", "iam DeleteRolePolicy", "iam RemoveRoleFromInstanceProfile"),
        ("iam DeleteRole",),
        "a role goes without its policies",
        "RoleName",
    ),
    Rule(
        ("iam RemoveRoleFromInstanceProfile",),
        ("iam DeleteInstanceProfile",),
        "a profile goes empty",
        "InstanceProfileName",
    ),
    Rule(("iam DeleteRole",), ("iam DeletePolicy",), "roles are bounded by it"),
)


def violations(calls: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what AWS would have refused in `calls`, as `GET /rehearsal/calls` gives them, oldest first."""
    done = [
        (position, f"{call['service']} {call['operation']}", call["parameters"])
        for position, call in enumerate(calls)
        if call["status"] < 300
    ]
    for rule in RULES:
        firsts = [entry for entry in done if entry[1] in rule.first]
        laters = [entry for entry in done if entry[1] in rule.later]
        for later in laters:
            for first in firsts:
                related = not rule.same or first[2].get(rule.same) == later[2].get(rule.same)
                if related and first[0] > later[0]:
                    yield f"{later[1]} {_what(later[2])} came before {first[1]} {_what(first[2])}: {rule.why}"


def _what(parameters: dict[str, Any]) -> str:
    return next((str(value) for value in parameters.values()), "")


def last_life(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls since a network was last made: what went before it is another story."""
    made = [n for n, call in enumerate(calls) if call["operation"] == "CreateVpc"]
    return calls[made[-1] + 1 :] if made else calls


def main() -> int:
    """Ask the rehearsal; print what is wrong and return 1, or return 0."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/rehearsal/calls"
    with urllib.request.urlopen(url) as answer:
        calls = last_life(json.load(answer)["calls"])
    if not any(call["operation"] == "DeleteVpc" and call["status"] < 300 for call in calls):
        print("nothing was taken away since the last network was made: there is no order to judge")
        return 1
    wrong = list(violations(calls))
    print("\n".join(wrong) or f"AWS would have refused none of the {len(calls)} calls of the destroy")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
