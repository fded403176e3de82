"""log_groups: from nothing, drifted, made by their service, and gone."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import log_groups

NAMES = ["/aws/eks/shop/cluster", "/aws/containerinsights/shop/host"]
WANTED = {"names": NAMES, "retention_days": 30, "tags": {"Environment": "staging"}}


@pytest.fixture
def logs(aws: Any) -> Any:
    return boto3.client("logs")


def standing(logs: Any) -> dict[str, Any]:
    """Return (retention, tags) of each group."""
    return {
        group["logGroupName"]: (
            group.get("retentionInDays"),
            logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"],
        )
        for group in logs.describe_log_groups()["logGroups"]
    }


def test_second_run_creates_no_log_groups(logs: Any, run_module: Any) -> None:
    planned = run_module(log_groups, check=True, **WANTED)
    assert planned["changed"] and planned["arns"] == {} and standing(logs) == {}
    made = run_module(log_groups, **WANTED)
    assert made["changed"] and set(made["arns"]) == set(NAMES)
    assert standing(logs) == {name: (30, {"Environment": "staging", "Name": name}) for name in NAMES}
    assert not run_module(log_groups, **WANTED)["changed"]
    assert not run_module(log_groups, check=True, **WANTED)["changed"]


def test_new_log_group_is_awaited_until_it_is_listed(late_lists: dict[str, int], run_module: Any) -> None:
    made = run_module(log_groups, **WANTED)
    assert made["changed"] and set(made["arns"]) == set(NAMES)
    assert max(late_lists.values()) > 3
    assert not run_module(log_groups, **WANTED)["changed"]


def test_drift_is_reported_and_corrected(logs: Any, run_module: Any) -> None:
    # As its service makes it.
    logs.create_log_group(logGroupName=NAMES[0])
    logs.create_log_group(logGroupName=NAMES[1], tags={"Environment": "test", "Old": "x"})
    result = run_module(log_groups, **WANTED)
    assert result["diff"]["before"]["log groups"][NAMES[0]] == {"retention_days": None, "tags": {}}
    assert standing(logs) == {name: (30, {"Environment": "staging", "Name": name}) for name in NAMES}


def test_log_group_with_the_name_as_prefix_is_ignored(logs: Any, run_module: Any) -> None:
    logs.create_log_group(logGroupName=f"{NAMES[0]}-of-somebody")
    run_module(log_groups, **WANTED)
    run_module(log_groups, names=NAMES, state="absent", check=True)
    assert len(standing(logs)) == 3
    assert run_module(log_groups, names=NAMES, state="absent")["changed"]
    assert list(standing(logs)) == [f"{NAMES[0]}-of-somebody"]
    assert not run_module(log_groups, names=NAMES, state="absent")["changed"]
