"""The filter describe_changes: each difference has a line with resource, attribute, and the value before and after."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.filter.describe_changes import describe_changes


def statement(sid: str, action: Any, resource: Any = "*") -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["r: a: 1 -> 2"]),
        ({"a": False}, {"a": True}, ["r: a: false -> true"]),
        ({"a": ""}, {"a": "x"}, ["r: a: '' -> x"]),
        ({}, {"a": "x"}, ["r: a: none -> x"]),
        ({"a": "x"}, {}, ["r: a: x -> none"]),
        ({"tags": {"A": "1", "B": "2"}}, {"tags": {"A": "1", "B": "3"}}, ["r: tags.B: 2 -> 3"]),
        ({"tags": {"A": "1"}}, {"tags": {}}, ["r: tags.A: 1 -> none"]),
        ({}, {"tags": {"A": "1"}}, ["r: tags.A: none -> 1"]),
        ({"rules": ["b", "a"]}, {"rules": ["a", "b"]}, []),
        ({"rules": ["a", "b"]}, {"rules": ["b", "c"]}, ["r: rules: a -> none", "r: rules: none -> c"]),
        ({"rules": ["a"]}, {"rules": []}, ["r: rules: a -> none"]),
        ({"a": {"b": 1}}, {"a": "x"}, ['r: a: {"b": 1} -> x']),
        ({"a": "x"}, {"a": {"b": 1}}, ['r: a: x -> {"b": 1}']),
    ],
)
def test_attributes(before: dict, after: dict, lines: list[str]) -> None:
    assert describe_changes({"r": before}, {"r": after}) == lines


def test_resources_that_are_created_and_removed() -> None:
    assert describe_changes({"old": {"a": 1}, "same": {"a": 1}}, {"new": {"a": ["x"]}, "same": {"a": 1}}) == [
        "new: none -> created",
        "new: a: none -> x",
        "old: existing -> removed",
    ]
    assert describe_changes({}, {}) == []


def test_policies_are_compared_by_meaning() -> None:
    """IAM returns a policy as it was written: as text or as an object, one action as text or as a list."""
    have = policy(statement("Read", "s3:GetObject"), statement("Write", ["s3:PutObject", "s3:DeleteObject"]))
    same = policy(
        statement("Write", ["s3:DeleteObject", "s3:PutObject"]), statement("Read", ["s3:GetObject"])
    )
    assert describe_changes({"role": {"inline": json.dumps(have)}}, {"role": {"inline": same}}) == []
    more = policy(statement("Write", ["s3:PutObject", "s3:*"]), statement("List", "s3:ListBucket", "arn:b"))
    assert describe_changes({"role": {"inline": have}}, {"role": {"inline": json.dumps(more, indent=2)}}) == [
        'role: inline.Statement[List]: none -> {"Action": "s3:ListBucket", "Effect": "Allow", "Resource": "arn:b", '
        '"Sid": "List"}',
        'role: inline.Statement[Read]: {"Action": "s3:GetObject", "Effect": "Allow", "Resource": "*", "Sid": "Read"} '
        "-> none",
        "role: inline.Statement[Write].Action: s3:DeleteObject -> none",
        "role: inline.Statement[Write].Action: none -> s3:*",
    ]


def test_statements_without_sid() -> None:
    """Trust policies have none."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    same = {**trust, "Action": ["sts:AssumeRole"]}
    alone = {"role": {"trust": {"Version": "2012-10-17", "Statement": trust}}}
    assert describe_changes({"role": {"trust": policy(trust)}}, alone) == []
    other = {**trust, "Principal": {"AWS": "*"}}
    assert describe_changes({"role": {"trust": policy(trust)}}, {"role": {"trust": policy(same)}}) == []
    lines = describe_changes({"role": {"trust": policy(trust)}}, {"role": {"trust": policy(other)}})
    assert len(lines) == 2 and all(line.startswith("role: trust.Statement: ") for line in lines)
    assert '"ec2.amazonaws.com"' in lines[0] and lines[0].endswith("-> none")
    assert '{"AWS": "*"}' in lines[1] and "none -> " in lines[1]


def test_text_without_json_is_unchanged() -> None:
    assert describe_changes({"r": {"a": "{x"}}, {"r": {"a": "{y"}}) == ["r: a: {x -> {y"]


@pytest.mark.parametrize("state", [[], {"r": "x"}, {"r": None}])
def test_state_in_an_unknown_format_is_refused(state: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="a dictionary of attributes for each resource"):
        describe_changes(state, {})
