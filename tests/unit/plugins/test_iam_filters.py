"""The filters of the role identity: inline policies, tags that nobody wants, and the states of a check."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.teal.platform.plugins.filter.describe_changes import describe_changes
from ansible_collections.teal.platform.plugins.filter.iam_role_states import iam_role_states
from ansible_collections.teal.platform.plugins.filter.inline_policies import inline_policies
from ansible_collections.teal.platform.plugins.filter.stale_tags import stale_tags

BOUNDARY = "arn:aws:iam::123456789012:policy/shop/boundary"
TAGS = {"Application": "shop"}


def document(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def test_declared_inline_policies_are_put_and_others_are_deleted() -> None:
    roles = [
        {"name": "a", "policies": {"own": "{}"}},
        {"name": "b", "policies": {"new": "{}"}},
        {"name": "c"},
    ]
    existing = [
        {"role_name": "a", "inline_policies": ["own", "extra"]},
        {"role_name": "c", "inline_policies": ["old"]},
        {"role_name": "no longer declared", "inline_policies": ["x"]},
    ]
    assert inline_policies(roles, existing) == [
        {"role": "a", "exists": True, "name": "own", "state": "present", "document": "{}"},
        {"role": "a", "exists": True, "name": "extra", "state": "absent"},
        {"role": "b", "exists": False, "name": "new", "state": "present", "document": "{}"},
        {"role": "c", "exists": True, "name": "old", "state": "absent"},
    ]


def made(name: str, **tags: str) -> dict[str, Any]:
    return {"item": {"name": name}, "iam_role": {"tags": tags}}


def test_only_undeclared_own_tags_are_stale() -> None:
    others = {"CostCenter": "1", "aws:x": "2"}
    results = [
        made("current", **TAGS, Name="current", **others),
        made("old", **TAGS, Name="old", Dropped="yes", **others),
        {"item": {"name": "planned"}, "changed": True},
    ]
    assert stale_tags(results, "iam_role", TAGS, ["Cost*"]) == [
        {"item": {"name": "old"}, "tags": {"CostCenter": "1", **TAGS, "Name": "old"}}
    ]


def role(**settings: Any) -> dict[str, Any]:
    wanted = {"name": "qa", "description": "Looks", "trust": json.dumps(document("sts:AssumeRole"))}
    return {**wanted, "policies": {"qa": json.dumps(document("s3:Get*"))}, **settings}


def checked(**state: Any) -> dict[str, Any]:
    now = {
        "description": "Looks",
        "assume_role_policy_document": document("sts:AssumeRole"),
        "attached_policies": [],
        "permissions_boundary": {"permissions_boundary_arn": BOUNDARY},
    }
    return {"item": {"name": "qa"}, "iam_role": {**now, **state}}


def inline(**policies: dict[str, Any]) -> dict[str, Any]:
    return {"item": {"role": "qa", "name": "qa"}, "diff": {"before": policies, "after": {}}}


def changes(wanted: dict[str, Any], now: dict[str, Any], policies: dict[str, Any]) -> list[str]:
    states = iam_role_states([wanted], [now], [policies], BOUNDARY)
    return describe_changes(states["current"], states["wanted"])


def test_role_without_drift_is_not_reported() -> None:
    assert changes(role(), checked(), inline(qa=document("s3:Get*"))) == []


def test_each_attribute_of_a_role_is_reported() -> None:
    now = checked(
        description="Other",
        assume_role_policy_document=document("sts:TagSession"),
        attached_policies=[{"policy_arn": "arn:old", "policy_name": "old"}],
        permissions_boundary=None,
    )
    lines = changes(
        role(managed_policies=["arn:new"]), now, inline(qa=document("s3:Put*"), extra=document("*"))
    )
    text = "\n".join(lines)
    for attribute in (
        "description: Other -> Looks",
        f"boundary: none -> {BOUNDARY}",
        "managed: arn:old -> none",
    ):
        assert f"qa: {attribute}" in text
    assert "qa: managed: none -> arn:new" in text
    for attribute in ("trust", "inline.qa", "inline.extra"):
        assert f"qa: {attribute}." in text, attribute


def test_a_role_that_does_not_exist_is_reported_as_created() -> None:
    planned = {"item": {"name": "qa"}, "changed": True}
    skipped = {"item": {"role": "qa", "name": "qa"}, "skipped": True}
    assert "qa: none -> created" in changes(role(), planned, skipped)
