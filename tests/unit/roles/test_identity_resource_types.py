"""Each role may use all resources that AWS checks for an action, not only the resource in the action's name."""

from __future__ import annotations

import pytest
from iam_judge import USED, Reference, requests, tagging
from iam_simulator import as_list
from rendered_identity import ENVIRONMENTS, Rendered, tags
from role_requests import NEVER, NOT_BY, Tags, actions, every_action, things

REFERENCE = Reference()


def context(environment: Rendered, role: str, action: str) -> Tags:
    """Return the context keys of a call besides tags. The judge drops keys that IAM does not have there."""
    domains = {"test": "test.", "staging": "staging.", "production": ""}
    said = {
        "ec2:CreateAction": "RunInstances",
        "iam:AWSServiceName": "eks.amazonaws.com",
        "iam:PassedToService": "ec2.amazonaws.com",
        "iam:PermissionsBoundary": environment.arn(
            "iam", f"policy/{environment.name}/{environment.name}-boundary"
        ),
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": (
            f"{domains[environment.environment]}assistant.example.com"
        ),
    }
    if role == "deploy":
        said["ec2:LaunchTemplate"] = environment.arn("ec2", "launch-template/lt-1")
        said["ec2:IsLaunchTemplateResource"] = "true"
    # QA changes the weights of the slots' rule and removes the preview rule of a deploy.
    if (role, action) == ("qa", "elasticloadbalancing:DeleteRule"):
        said |= tags(environment.environment, "release")
    return said


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("role", ["provision", "deploy", "qa"])
def test_role_may_use_every_resource_type_of_its_actions(role: str, name: str) -> None:
    environment = Rendered(name)
    refused = [
        str(request)
        for action in actions(role, environment.components)
        for request in requests(REFERENCE, environment, role, action, context(environment, role, action))
        if not environment.may(role, request.action, request.resource, **request.context)
    ]
    assert not refused, "\n".join(refused)


def test_judge_asks_for_types_that_are_not_in_the_action_name() -> None:
    asked = {
        action: {
            request.resource.partition(":123456789012:")[2]
            for request in requests(REFERENCE, Rendered("production"), "provision", action, {})
        }
        for action in ("rds:CreateDBInstance", "ec2:RunInstances")
    }
    assert {"og:default:postgres-17", "subgrp:assistant-production"} <= asked["rds:CreateDBInstance"]
    assert {"key-pair/people", "subnet/subnet-1", "volume/vol-1"} <= asked["ec2:RunInstances"]


@pytest.mark.parametrize("action", sorted(action for action in every_action() if not tagging(action)))
def test_all_types_of_an_action_are_known(action: str) -> None:
    """Each type is a resource of the environment or listed as an exception with its reason."""
    service, known = action.partition(":")[0], things("n", "e", "a")
    types = {kind for kind in REFERENCE.actions[action] if kind}
    left_out = NEVER.get(service, set()) | NOT_BY.get(action, set())
    assert not {kind for kind in types - left_out if f"{service}:{kind}" not in known}


def test_policies_use_only_condition_keys_of_the_table() -> None:
    for name in ENVIRONMENTS:
        environment = Rendered(name)
        for policies in environment.policies.values():
            for policy in policies.values():
                for statement in policy["Statement"]:
                    for keys in statement.get("Condition", {}).values():
                        for key in keys:
                            listed = {key.partition("/")[0]} & USED
                            assert listed or key == "lambda:SourceFunctionArn", f"{statement['Sid']}: {key}"
                    assert as_list(statement["Action"])
