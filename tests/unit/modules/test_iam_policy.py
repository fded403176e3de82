"""iam_policy: from nothing, changed, taken up after a death, and gone."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import iam_policy
from conftest import ModuleFailed


def allow(*actions: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": [*actions], "Resource": "*"}],
    }


WANTED = {
    "name": "shop-boundary",
    "path": "/shop/",
    "description": "The most",
    "document": allow("s3:GetObject", "s3:PutObject"),
    "tags": {"Environment": "staging"},
}


@pytest.fixture
def iam(aws: Any) -> Any:
    return boto3.client("iam")


def standing(iam: Any) -> list[dict[str, Any]]:
    found = iam.list_policies(Scope="Local")["Policies"]
    return [iam.get_policy(PolicyArn=policy["Arn"])["Policy"] for policy in found]


def document(iam: Any, policy: dict[str, Any]) -> Any:
    version = {"PolicyArn": policy["Arn"], "VersionId": policy["DefaultVersionId"]}
    return iam.get_policy_version(**version)["PolicyVersion"]["Document"]


def test_it_is_made_once(iam: Any, run_module: Any) -> None:
    assert run_module(iam_policy, check=True, **WANTED)["changed"]
    assert standing(iam) == []
    made = run_module(iam_policy, **WANTED)
    assert made["changed"] and made["arn"].endswith(":policy/shop/shop-boundary")
    assert standing(iam)[0]["Tags"] == [{"Key": "Environment", "Value": "staging"}]
    again = run_module(iam_policy, **WANTED)
    assert not again["changed"] and again["arn"] == made["arn"]
    reordered = {**WANTED, "document": allow("s3:PutObject", "s3:GetObject")}
    assert not run_module(iam_policy, **reordered)["changed"]


def test_one_that_is_not_listed_yet_is_waited_for(late_lists: dict[str, int], run_module: Any) -> None:
    made = run_module(iam_policy, **WANTED)
    assert made["changed"] and made["arn"].endswith(":policy/shop/shop-boundary")
    assert max(late_lists.values()) > 3
    assert not run_module(iam_policy, **WANTED)["changed"]


def test_one_that_is_gone_and_still_listed_is_gone(late_lists: dict[str, int], run_module: Any) -> None:
    iam = boto3.client("iam")
    made = iam.create_policy(
        PolicyName="shop-boundary", Path="/shop/", PolicyDocument=json.dumps(allow("s3:*"))
    )
    assert not run_module(iam_policy, check=True, **{**WANTED, "document": allow("s3:*"), "tags": {}})[
        "changed"
    ]
    iam.delete_policy(PolicyArn=made["Policy"]["Arn"])
    assert not run_module(iam_policy, name="shop-boundary", path="/shop/", state="absent")["changed"]


def test_a_change_is_told_and_leaves_one_version(iam: Any, run_module: Any) -> None:
    arn = run_module(iam_policy, **WANTED)["arn"]
    wanted = {**WANTED, "document": allow("s3:GetObject"), "tags": {"Owner": "team"}}
    told = run_module(iam_policy, check=True, **wanted)
    assert told["changed"] and told["diff"]["before"]["document"] != told["diff"]["after"]["document"]
    assert document(iam, standing(iam)[0]) == WANTED["document"]
    assert run_module(iam_policy, **wanted)["changed"]
    assert document(iam, standing(iam)[0]) == wanted["document"]
    assert standing(iam)[0]["Tags"] == [{"Key": "Owner", "Value": "team"}]
    assert len(iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 1


def test_five_versions_of_runs_that_were_killed_are_no_hindrance(iam: Any, run_module: Any) -> None:
    arn = run_module(iam_policy, **WANTED)["arn"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(allow("s3:ListBucket")))
    run_module(iam_policy, **{**WANTED, "document": allow("s3:GetObject")})
    assert document(iam, standing(iam)[0]) == allow("s3:GetObject")
    assert len(iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 1


def test_one_of_that_name_under_another_path_is_left_alone(iam: Any, run_module: Any) -> None:
    iam.create_policy(PolicyName="other", Path="/shop/more/", PolicyDocument=json.dumps(allow("s3:*")))
    run_module(iam_policy, **WANTED)
    gone = {"name": "shop-boundary", "path": "/shop/", "state": "absent"}
    assert run_module(iam_policy, check=True, **gone)["changed"]
    assert run_module(iam_policy, **gone)["changed"]
    assert [policy["PolicyName"] for policy in standing(iam)] == ["other"]
    assert not run_module(iam_policy, **gone)["changed"]


def test_it_needs_a_document(iam: Any, run_module: Any) -> None:
    with pytest.raises(ModuleFailed, match="document"):
        run_module(iam_policy, name="shop-boundary")
