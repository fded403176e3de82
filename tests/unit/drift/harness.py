"""What a case of drift is, and what of AWS a module manages: everything that it sends to create its object."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.client

READS = ("Describe", "Get", "List", "Head", "Batch")
#: Members of requests that say which object is meant, by what token, or how to call.
ADDRESSES = {
    "ClientRequestToken", "clientRequestToken", "ClientToken", "CallerReference", "IdempotencyToken", "DryRun",
    "resolveConflicts", "SkipFinalSnapshot", "ApplyImmediately",
}  # fmt: skip
#: Members that say which object is meant.
ADDRESSED = {
    "name", "clusterName", "nodegroupName", "addonName", "principalArn", "FunctionName", "StatementId", "Qualifier",
    "logGroupName", "ApiId", "StageName", "DBInstanceIdentifier", "DBParameterGroupName", "TableName",
    "repositoryName", "LoadBalancerArn", "TargetGroupArn", "ListenerArn", "GroupId", "SecurityGroupRuleIds", "VpcId",
    "RouteTableId", "InternetGatewayId", "LaunchTemplateName", "TopicArn", "AttributeName", "AlarmName", "PolicyName",
    "InstanceProfileName", "RoleName", "HostedZoneId", "Comment", "KeyId", "TargetKeyId", "AliasName",
    "DBSubnetGroupName", "Name", "GroupName", "Path", "Url", "DomainName",
}  # fmt: skip


def aws(service: str) -> Any:
    return boto3.client(service)


@dataclass
class Case:
    """One module as the roles call it, and how each thing that it manages is changed behind its back."""

    #: gives the module's arguments; may build what the object needs
    arguments: Callable[[], dict[str, Any]]
    #: member of a request: how somebody changes it
    rows: dict[str, Callable[[], Any]]
    #: member of a request: why nobody can change it
    fixed: dict[str, str] = field(default_factory=dict)
    #: what takes the object away again
    absent: dict[str, Any] | None = None


def members(operation: str, request: dict[str, Any]) -> set[str]:
    """Return what a request sets, as `Operation.member`, `Operation.member.member` or `Operation.Attribute key`."""
    found: set[str] = set()

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict) and value and not path.lower().endswith("tags") and path.count(".") < 3:
            for key, inner in value.items():
                if key not in ADDRESSES:
                    walk(f"{path}.{key}", inner)
        elif (
            isinstance(value, list)
            and value
            and all(isinstance(v, dict) and set(v) == {"Key", "Value"} for v in value)
        ):
            if path.endswith("Attributes"):
                found.update(f"{operation}.{one['Key']}" for one in value)
            else:
                found.add(path)
        else:
            found.add(path)

    walk(operation, request)
    return found


class Spy:
    """Records what is sent to AWS."""

    def __init__(self, monkeypatch: Any) -> None:
        self.sent: set[str] = set()
        real = botocore.client.BaseClient._make_api_call

        def call(this: Any, operation: str, given: dict[str, Any]) -> Any:
            if not operation.startswith(READS):
                self.sent |= members(operation, given)
            return real(this, operation, given)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)


def differing(before: Any, after: Any, path: str = "") -> list[str]:
    """Return the paths at which two sides of a diff differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() | after.keys(), key=str)
        return [one for key in keys for one in differing(before.get(key), after.get(key), f"{path}.{key}")]
    return [] if json.dumps(before, default=str) == json.dumps(after, default=str) else [path]
