from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import pytest
from ansible_collections.teal.platform.plugins.module_utils import network_interfaces
from ansible_collections.teal.platform.plugins.modules import lambda_functions

TAGS = {"Application": "shop", "Environment": "staging", "Component": "functions", "CollectionVersion": "1"}
NAME = "shop-staging-hello"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "hello.py").write_text("def handler(event, context): return {}\n")
    return tmp_path


@pytest.fixture
def wanted(aws: Any, source: Path) -> dict[str, Any]:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = boto3.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(trust))
    function = {"name": "hello", "source": str(source), "handler": "hello.handler", "runtime": "python3.13"}
    return {
        "prefix": "shop-staging-",
        "role": role["Role"]["Arn"],
        "functions": [{**function, "environment": {"LEVEL": 1}}],
        "tags": TAGS,
    }


def log_groups() -> dict[str, int | None]:
    groups = boto3.client("logs").describe_log_groups()["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in groups}


def live() -> dict:
    return boto3.client("lambda").get_function_configuration(FunctionName=NAME, Qualifier="live")


def test_second_run_creates_no_function(wanted: dict, run_module: Any) -> None:
    assert run_module(lambda_functions, check=True, **wanted)["changed"]
    assert not boto3.client("lambda").list_functions()["Functions"] and not log_groups()
    made = run_module(lambda_functions, **wanted)
    assert made["functions"]["hello"].endswith(f":function:{NAME}:live")
    assert live()["Environment"]["Variables"] == {"LEVEL": "1"}
    assert log_groups() == {f"/aws/lambda/{NAME}": 30}
    again = run_module(lambda_functions, **wanted)
    assert not again["changed"]
    assert again["functions"] == made["functions"]


def test_new_source_creates_a_version_and_updates_the_alias(
    wanted: dict, source: Path, run_module: Any
) -> None:
    run_module(lambda_functions, **wanted)
    before = live()
    (source / "hello.py").write_text("def handler(event, context): return {'new': True}\n")
    reported = run_module(lambda_functions, check=True, **wanted)
    assert set(reported["diff"]["before"]) and live()["CodeSha256"] == before["CodeSha256"]
    assert run_module(lambda_functions, **wanted)["changed"]
    assert live()["CodeSha256"] != before["CodeSha256"]
    assert not run_module(lambda_functions, **wanted)["changed"]


@pytest.mark.parametrize(
    ("drift", "setting"),
    [
        (lambda c: c.delete_alias(FunctionName=NAME, Name="live"), "code_sha256"),
        (
            lambda c: boto3.client("logs").delete_log_group(logGroupName=f"/aws/lambda/{NAME}"),
            "log_retention_days",
        ),
        (
            lambda c: boto3.client("logs").put_retention_policy(
                logGroupName=f"/aws/lambda/{NAME}", retentionInDays=1
            ),
            "log_retention_days",
        ),
        (
            lambda c: c.untag_resource(
                Resource=c.get_function(FunctionName=NAME)["Configuration"]["FunctionArn"],
                TagKeys=["CollectionVersion"],
            ),
            "tags",
        ),
    ],
)
def test_drift_is_reported_and_corrected(wanted: dict, run_module: Any, drift: Any, setting: str) -> None:
    run_module(lambda_functions, **wanted)
    drift(boto3.client("lambda"))
    reported = run_module(lambda_functions, check=True, **wanted)
    assert reported["changed"]
    diff = reported["diff"]
    before, after = (diff[side]["functions"][NAME] for side in ("before", "after"))
    assert before[setting] != after[setting]
    assert run_module(lambda_functions, **wanted)["changed"]
    assert not run_module(lambda_functions, **wanted)["changed"]


@pytest.mark.parametrize(
    ("setting", "value", "key"),
    [("memory", 512, "MemorySize"), ("timeout", 30, "Timeout"), ("description", "says hello", "Description")],
)
def test_settings_reach_the_live_version(
    wanted: dict, run_module: Any, setting: str, value: Any, key: str
) -> None:
    run_module(lambda_functions, **wanted)
    wanted["functions"][0][setting] = value
    assert run_module(lambda_functions, **wanted)["changed"]
    assert live()[key] == value
    assert not run_module(lambda_functions, **wanted)["changed"]


def test_undeclared_function_is_deleted_and_foreign_functions_are_kept(
    wanted: dict, source: Path, run_module: Any
) -> None:
    run_module(lambda_functions, **wanted)
    client = boto3.client("lambda")
    code = {"ZipFile": lambda_functions.build(source)}
    foreign = {"Runtime": "python3.13", "Handler": "hello.handler", "Role": wanted["role"], "Code": code}
    client.create_function(FunctionName="shop-staging-2-x", Tags={"Environment": "staging-2"}, **foreign)
    client.create_function(FunctionName="other", Tags=TAGS, **foreign)
    assert run_module(lambda_functions, **{**wanted, "functions": []})["changed"]
    assert {entry["FunctionName"] for entry in client.list_functions()["Functions"]} == {
        "shop-staging-2-x",
        "other",
    }
    assert not log_groups()


def test_absent_removes_the_leftovers_of_a_killed_run(wanted: dict, run_module: Any) -> None:
    gone = {"prefix": wanted["prefix"], "tags": TAGS, "state": "absent"}
    boto3.client("logs").create_log_group(logGroupName=f"/aws/lambda/{NAME}", tags=TAGS)
    assert run_module(lambda_functions, **wanted)["changed"]
    boto3.client("lambda").delete_function(FunctionName=NAME)
    assert run_module(lambda_functions, **gone)["changed"]
    assert not log_groups()
    assert not run_module(lambda_functions, **gone)["changed"]


def test_missing_source_is_refused(wanted: dict, run_module: Any) -> None:
    wanted["functions"][0]["source"] = "/nowhere"
    with pytest.raises(Exception, match="source of 'hello': '/nowhere' is not a folder"):
        run_module(lambda_functions, **wanted)


def test_function_without_role_is_refused(wanted: dict, run_module: Any) -> None:
    del wanted["role"]
    with pytest.raises(Exception, match="role is missing"):
        run_module(lambda_functions, **wanted)


def test_deletion_waits_for_lambda_interfaces(
    wanted: dict, run_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if a run before removed the functions and was killed as it waited."""
    run_module(lambda_functions, **wanted)
    real, looks = botocore.client.BaseClient._make_api_call, []

    def call(self: Any, operation: str, given: dict[str, Any]) -> Any:
        if operation != "DescribeNetworkInterfaces":
            return real(self, operation, given)
        assert given["Filters"] == [{"Name": "group-id", "Values": ["sg-1"]}]
        assert not boto3.client("lambda").list_functions()["Functions"]
        looks.append(1)
        left = {"NetworkInterfaceId": "eni-f", "InterfaceType": "lambda"}
        return {"NetworkInterfaces": [left] if len(looks) % 3 else []}

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    monkeypatch.setattr(network_interfaces.time, "sleep", lambda seconds: None)
    gone = {"prefix": wanted["prefix"], "tags": TAGS, "security_group_ids": ["sg-1"], "state": "absent"}
    assert run_module(lambda_functions, check=True, **gone)["changed"] and not looks
    assert run_module(lambda_functions, **gone)["changed"] and len(looks) == 3
    assert not run_module(lambda_functions, **gone)["changed"] and len(looks) == 6


def permissions() -> dict[str, Any]:
    client = boto3.client("lambda")
    try:
        policy = client.get_policy(FunctionName=NAME, Qualifier="live")["Policy"]
    except client.exceptions.ResourceNotFoundException:
        return {}
    return {one["Sid"]: one for one in json.loads(policy)["Statement"]}


def test_check_mode_reports_drift_of_permissions(wanted: dict, run_module: Any) -> None:
    """amazon.aws.lambda_policy says ok in check mode when it would add a permission."""
    topic = "arn:aws:sns:ap-northeast-2:123456789012:shop-staging-alarms"
    caller = {"id": "alarms", "principal": "sns.amazonaws.com", "source_arn": topic}
    called = {**wanted, "functions": [{**wanted["functions"][0], "callers": [caller]}]}
    client = boto3.client("lambda")
    where = {"FunctionName": NAME, "Qualifier": "live"}

    run_module(lambda_functions, **wanted)
    version = live()["Version"]
    assert run_module(lambda_functions, check=True, **called)["changed"] and not permissions()
    assert run_module(lambda_functions, **called)["changed"]
    assert permissions()["alarms"]["Principal"] == {"Service": "sns.amazonaws.com"}
    assert live()["Version"] == version, "a permission is no new version"
    assert not run_module(lambda_functions, **called)["changed"]

    # Somebody takes it away, or lets in another topic by it.
    client.remove_permission(StatementId="alarms", **where)
    reported = run_module(lambda_functions, check=True, **called)
    assert reported["changed"] and not reported["diff"]["before"]["functions"][NAME]["callers"]
    client.add_permission(
        StatementId="alarms",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=f"{topic}-other",
        **where,
    )
    assert run_module(lambda_functions, check=True, **called)["changed"]
    assert run_module(lambda_functions, **called)["changed"]
    assert permissions()["alarms"]["Condition"]["ArnLike"] == {"AWS:SourceArn": topic}

    # What others let in is theirs.
    client.add_permission(
        StatementId="http-api-1",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn="arn:aws:execute-api:ap-northeast-2:123456789012:1/*/*",
        **where,
    )
    assert not run_module(lambda_functions, **called)["changed"]
    assert set(permissions()) == {"alarms", "http-api-1"}
