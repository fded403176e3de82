"""What AWS's documentation says of requests and botocore's models do not: further limits, and exceptions.

Data alone; `rehearsal.request_limits` applies it.
"""

from __future__ import annotations

from typing import NamedTuple

LOOSER: dict[str, tuple[str, ...]] = {
    # AWS adds instance types every few weeks; an installed botocore does not know the newest.
    "InstanceType": ("enum",),
}
"""Shapes of botocore's models, and the constraints of these that AWS does not enforce as the model has them."""


class Limit(NamedTuple):
    """A limit that the documentation states for a member of a request."""

    member: str
    """Names from the request's top to the member, with dots between; lists on the way are entered."""
    maximum: int | None = None
    """The greatest length of a text, or of a list as a whole."""
    pattern: str = ""
    """What a text has to match as a whole."""
    operations: tuple[str, ...] = ()
    """For these operations alone; empty: for all of the service that have the member."""


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
"""By service, as boto3 names it. The names of RDS have no hyphen last and no two together."""

RESERVED = "aws:"
"""What a tag's key must not begin with, in any service: such tags are AWS's own."""

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
"""How operations begin that set tags."""

TAGS = ("Tags", "TagList", "AddTags", "tags", "TagSpecifications.Tags")
"""Where they are in requests: lists of Key and Value (KMS: TagKey), or mappings."""
