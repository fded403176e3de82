"""Tags of others are hidden from the modules, wherever AWS's services put tags in their answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.ignored_tags import matches, without_tags

PATTERNS = ("aws:*", "awsApplication", "Cost*")


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ({"Tags": [{"Key": "CostCenter", "Value": "1"}, {"Key": "Name", "Value": "x"}]}, ["Name"]),
        ({"Tags": [{"TagKey": "aws:x", "TagValue": "1"}, {"TagKey": "Name", "TagValue": "x"}]}, ["Name"]),
        ({"tags": [{"key": "awsApplication", "value": "1"}, {"key": "Name", "value": "x"}]}, ["Name"]),
        ({"Tags": {"CostCenter": "1", "Name": "x"}}, ["Name"]),
        ({"tags": {"awsApplication": "1", "Name": "x"}}, ["Name"]),
        ({"TagList": [{"Key": "CostCenter", "Value": "1"}]}, []),
        ({"Tags": []}, []),
        ({"tags": {}}, []),
    ],
)
def test_every_form_of_tags_is_known(answer: dict[str, Any], left: list[str]) -> None:
    for wrapped in (answer, {"Things": [answer]}, {"cluster": {"inner": answer}}):
        (found,) = _tags(without_tags(wrapped, PATTERNS))
        keys = list(found) if isinstance(found, dict) else [next(iter(one.values())) for one in found]
        assert keys == left


def _tags(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [found for one in value for found in _tags(one)]
    if not isinstance(value, dict):
        return []
    own = [one for key, one in value.items() if key.lower() in ("tags", "taglist")]
    return own or [found for one in value.values() for found in _tags(one)]


def test_values_that_are_no_tags_are_unchanged() -> None:
    answer = {
        "tags": ["awsApplication", "CostCenter"],  # a registry's tags of an image, say
        "Tags": None,
        "imageTags": ["Cost"],
        "Conditions": [{"Key": "CostCenter", "Values": ["1"]}],
        "Attributes": {"CostCenter": "1"},
        "body": object(),
    }
    assert without_tags(answer, PATTERNS) == answer


def test_required_key_is_kept() -> None:
    answer = {"Tags": [{"Key": "aws:eks:cluster-name", "Value": "x"}, {"Key": "aws:other", "Value": "y"}]}
    assert without_tags(answer, PATTERNS, ["aws:eks:cluster-name"])["Tags"] == answer["Tags"][:1]


def test_patterns_are_those_of_a_shell() -> None:
    assert matches("CostCenter", ["Cost*"]) and matches("a1", ["a?"]) and matches("aws:x:y", ["aws:*"])
    assert not matches("costcenter", ["Cost*"]) and not matches("MyCost", ["Cost*"])
