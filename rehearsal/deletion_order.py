"""`python -m rehearsal.deletion_order`: checks that AWS would have accepted the order of deletions.

moto deletes any resource, with its dependent resources. AWS refuses to delete a resource that is still in use. This
program reads the calls that the emulator recorded, and lists those that AWS would have refused.
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
    """Every call in `first` has to precede all calls in `later`; with `same`, those with equal values of that parameter."""

    first: tuple[str, ...]
    later: tuple[str, ...]
    why: str
    same: str = ""


RULES = (
    Rule(
        ("autoscaling DetachLoadBalancerTargetGroups",),
        ("elbv2 DeleteTargetGroup", "eks DeleteNodegroup"),
        "nodes are drained from the slots before either is deleted",
    ),
    Rule(("eks DeleteNodegroup",), ("eks DeleteCluster",), "a cluster with node groups cannot be deleted"),
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
        "their network interfaces use the network",
    ),
    Rule(WORKLOADS, ("iam DeleteRole",), "they run with these roles"),
    Rule(("eks DeleteNodegroup",), ("ec2 DeleteLaunchTemplate",), "node groups use it"),
    Rule(("cloudwatch DeleteAlarms",), ("sns DeleteTopic",), "alarms publish to it"),
    Rule(
        ("ec2 DeleteNatGateway",),
        ("ec2 ReleaseAddress", "ec2 DeleteSubnet", "ec2 DetachInternetGateway"),
        "a NAT gateway uses its address and its subnet",
    ),
    Rule(
        ("ec2 ReleaseAddress",),
        ("ec2 DetachInternetGateway",),
        "a VPC with public addresses needs its gateway",
    ),
    Rule(
        ("ec2 DetachInternetGateway",),
        ("ec2 DeleteInternetGateway",),
        "an attached gateway cannot be deleted",
    ),
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
        "only an empty VPC can be deleted",
    ),
    Rule(
        ("iam DetachRolePolicy", "iam DeleteRolePolicy", "iam RemoveRoleFromInstanceProfile"),
        ("iam DeleteRole",),
        "a role with policies cannot be deleted",
        "RoleName",
    ),
    Rule(
        ("iam RemoveRoleFromInstanceProfile",),
        ("iam DeleteInstanceProfile",),
        "an instance profile with a role cannot be deleted",
        "InstanceProfileName",
    ),
    Rule(("iam DeleteRole",), ("iam DeletePolicy",), "the policy is the permissions boundary of roles"),
)


def violations(calls: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a message for each call that AWS would have refused; `calls` come from `GET /rehearsal/calls`."""
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


def calls_since_last_vpc(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls since a VPC was last created: earlier calls belong to another environment."""
    made = [n for n, call in enumerate(calls) if call["operation"] == "CreateVpc"]
    return calls[made[-1] + 1 :] if made else calls


def main() -> int:
    """Check the recorded calls. Print violations and return 1, or return 0."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/rehearsal/calls"
    with urllib.request.urlopen(url) as answer:
        calls = calls_since_last_vpc(json.load(answer)["calls"])
    if not any(call["operation"] == "DeleteVpc" and call["status"] < 300 for call in calls):
        print("no VPC was deleted since the last one was created: there are no deletions to check")
        return 1
    wrong = list(violations(calls))
    print("\n".join(wrong) or f"AWS would have refused none of the {len(calls)} calls of the destroy")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
