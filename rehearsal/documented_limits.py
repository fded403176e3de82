"""Limits of requests that are documented by AWS but missing in botocore's models, and exceptions to the models.

This module holds data only; `rehearsal.request_limits` applies it.
"""

from __future__ import annotations

from typing import NamedTuple

LOOSER: dict[str, tuple[str, ...]] = {
    # AWS adds instance types every few weeks; an installed botocore does not know the newest.
    "InstanceType": ("enum",),
}
"""By shape of botocore's models: the constraints that AWS does not enforce as modelled."""


class Limit(NamedTuple):
    """A documented limit of a member of a request."""

    member: str
    """The path from the request to the member, names joined by dots; lists are traversed."""
    maximum: int | None = None
    """The maximum length of a text or of a list."""
    pattern: str = ""
    """The regular expression that a text has to match completely."""
    operations: tuple[str, ...] = ()
    """The operations that have the limit; empty for all operations of the service."""


HYPHENATED = r"(?!-)[A-Za-z0-9-]+(?<!-)"
IDENTIFIER = r"[A-Za-z](?!.*--)[A-Za-z0-9-]*(?<!-)"
GROUP_TEXT = r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*"
TAG_TEXT = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"
RULE_CONDITIONS = ("HostHeaderConfig", "PathPatternConfig", "HttpHeaderConfig")

LIMITS: dict[str, tuple[Limit, ...]] = {
    "autoscaling": (
        Limit(
            "TargetGroupARNs",
            10,
            operations=("AttachLoadBalancerTargetGroups", "DetachLoadBalancerTargetGroups"),
        ),
    ),
    "dynamodb": (Limit("TableName", 255, r"[A-Za-z0-9_.-]{3,}", ("CreateTable",)),),
    "ec2": (
        Limit("GroupName", 255, GROUP_TEXT, ("CreateSecurityGroup",)),
        Limit("Description", 255, GROUP_TEXT, ("CreateSecurityGroup",)),
        Limit("LaunchTemplateName", 128, r"[A-Za-z0-9().\-/_]{3,}", ("CreateLaunchTemplate",)),
        Limit("TagSpecifications.Tags.Key", 127),
        Limit("TagSpecifications.Tags.Value", 256),
        Limit("TagSpecifications.Tags", 50),
        Limit("Tags.Key", 127),
        Limit("Tags.Value", 256),
        Limit("Tags", 50),
    ),
    "eks": (Limit("nodegroupName", 63, r"[A-Za-z0-9][A-Za-z0-9_-]*", ("CreateNodegroup",)),),
    "elbv2": (
        Limit("Name", 32, f"(?!internal-){HYPHENATED}", ("CreateLoadBalancer",)),
        Limit("Name", 32, HYPHENATED, ("CreateTargetGroup",)),
        Limit("ResourceArns", 20, operations=("DescribeTags",)),
        Limit("LoadBalancerArns", 20, operations=("DescribeLoadBalancers",)),
        Limit("Tags", 50),
        Limit("Conditions.HttpHeaderConfig.HttpHeaderName", 40),
        *(Limit(f"Conditions.{condition}.Values.*", 128) for condition in RULE_CONDITIONS),
    ),
    "lambda": (Limit("FunctionName", None, r"[A-Za-z0-9_-]{1,64}|.*:.*", ("CreateFunction",)),),
    "rds": (
        Limit("DBName", 64, r"[A-Za-z_][A-Za-z0-9_]*", ("CreateDBInstance",)),
        Limit("DBInstanceIdentifier", 63, IDENTIFIER, ("CreateDBInstance",)),
        Limit("DBSnapshotIdentifier", 255, IDENTIFIER, ("CreateDBSnapshot",)),
        Limit("FinalDBSnapshotIdentifier", 255, IDENTIFIER),
        Limit("DBParameterGroupName", 255, IDENTIFIER, ("CreateDBParameterGroup",)),
        Limit("DBSubnetGroupName", 255, r"[A-Za-z][A-Za-z0-9._ -]*", ("CreateDBSubnetGroup",)),
        Limit("MasterUsername", 63, r"[A-Za-z][A-Za-z0-9_]*", ("CreateDBInstance",)),
        Limit("Parameters", 20, operations=("ModifyDBParameterGroup", "ResetDBParameterGroup")),
        Limit("Tags", 50),
        Limit("Tags.Key", 128, TAG_TEXT),
        Limit("Tags.Value", 256, TAG_TEXT),
    ),
    "secretsmanager": (Limit("Name", 512, r"[A-Za-z0-9/_+=.@-]+", ("CreateSecret",)),),
    "sns": (Limit("Name", 256, r"[A-Za-z0-9_-]+(\.fifo)?", ("CreateTopic",)),),
}
"""By service, as boto3 names it. Names in RDS neither end in a hyphen nor have two in a row."""

RESERVED = "aws:"
"""The reserved prefix of tag keys, in all services."""

TAGGING = (
    "Add",
    "Allocate",
    "Change",
    "Copy",
    "Create",
    "Import",
    "Put",
    "Register",
    "Request",
    "Run",
    "Tag",
)
"""The first words of operations that set tags."""

TAGS = ("Tags", "TagList", "AddTags", "tags", "TagSpecifications.Tags")
"""The members of requests that hold tags: lists of Key and Value (KMS: TagKey), or mappings."""
