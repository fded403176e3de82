"""The module that has a script run on an instance made for it; moto's Systems Manager says Success to all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import ec2_run_script
from botocore.exceptions import ClientError
from support import ModuleFailed

NAME, MARKER = "shop-test-schema", "/shop-test/schema"
Run = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture
def arguments(aws: None) -> Iterator[dict[str, Any]]:
    ec2, iam = boto3.client("ec2"), boto3.client("iam")
    iam.create_instance_profile(InstanceProfileName=NAME)
    yield {
        "name": NAME,
        "marker": MARKER,
        "script": "echo 1",
        "subnet_id": ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "security_group_ids": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        "instance_profile": NAME,
        "tags": {"Environment": "test"},
    }


def instances() -> list[dict]:
    found = boto3.client("ec2").describe_instances()["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


def commands() -> list[dict]:
    return boto3.client("ssm").list_commands()["Commands"]


def test_script_runs_once_and_the_instance_is_terminated(arguments: dict, run_module: Run) -> None:
    assert run_module(ec2_run_script, check=True, **arguments)["changed"]
    assert instances() == []
    assert run_module(ec2_run_script, **arguments)["changed"]
    assert not run_module(ec2_run_script, **arguments)["changed"]
    [instance], [command] = instances(), commands()
    assert instance["State"]["Name"] == "terminated"
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert {"Key": "Environment", "Value": "test"} in instance["Tags"]
    assert command["Parameters"]["commands"] == ["echo 1"]


def test_changed_script_runs_again(arguments: dict, run_module: Run) -> None:
    run_module(ec2_run_script, **arguments)
    assert run_module(ec2_run_script, **{**arguments, "script": "echo 2"})["changed"]
    assert len(commands()) == 2


def test_failed_script_is_reported_and_runs_again(
    arguments: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ec2_run_script.ScriptRun.call

    def failing(self: Any, operation: str, **more: Any) -> Any:
        if operation == "get_command_invocation":
            error = "psql: no route to host\n"
            return {"Status": "Failed", "StatusDetails": "Failed", "StandardErrorContent": error}
        return call(self, operation, **more)

    with monkeypatch.context() as patch:
        patch.setattr(ec2_run_script.ScriptRun, "call", failing)
        with pytest.raises(ModuleFailed, match=r"Failed: psql: no route to host$"):
            run_module(ec2_run_script, **arguments)
    assert [instance["State"]["Name"] for instance in instances()] == ["terminated"]
    assert run_module(ec2_run_script, **arguments)["changed"]


def test_registration_with_systems_manager_is_awaited(
    arguments: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, times = ec2_run_script.ScriptRun._send, iter([None, None])
    monkeypatch.setattr(ec2_run_script.ScriptRun, "_send", lambda self, one: next(times, send(self, one)))
    assert run_module(ec2_run_script, **arguments)["changed"]


def test_unregistered_instance_is_not_an_error(
    arguments: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Any, operation: str, arguments: dict) -> Any:
        if operation == "SendCommand":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)
        return real(self, operation, arguments)

    real = __import__("botocore.client").client.BaseClient._make_api_call
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refused)
    with pytest.raises(ModuleFailed, match="ssm:SendCommand failed for script_run"):
        run_module(ec2_run_script, **arguments)
    assert [instance["State"]["Name"] for instance in instances()] == ["terminated"]


def test_leftover_instance_is_reused(
    arguments: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            ec2_run_script.ScriptRun, "_run", lambda self, one: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        patch.setattr(ec2_run_script.ScriptRun, "_terminate", lambda self, one: None)
        with pytest.raises(KeyboardInterrupt):
            run_module(ec2_run_script, **arguments)
    assert run_module(ec2_run_script, **arguments)["changed"]
    assert len(instances()) == 1


def test_absent_removes_the_record_and_terminates_leftover_instances(
    arguments: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = {"name": NAME, "marker": MARKER, "state": "absent"}
    assert not run_module(ec2_run_script, **address)["changed"]
    run_module(ec2_run_script, **arguments)
    assert run_module(ec2_run_script, **address)["changed"]
    assert run_module(ec2_run_script, **arguments)["changed"], "it is done again"


def test_missing_resource_is_reported(aws: None, run_module: Run) -> None:
    with pytest.raises(ModuleFailed, match="script is needed to run the script"):
        run_module(ec2_run_script, name=NAME, marker=MARKER)
