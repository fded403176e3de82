"""The module for RDS's parameter groups, on the rehearsal's AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.module_utils.rds_parameters import (
    InvalidParameter,
    checked,
    text_of,
)
from ansible_collections.teal.platform.plugins.modules import rds_parameter_group
from support import ModuleFailed

Run = Callable[..., dict[str, Any]]
NAME = "shop-staging-postgres17"
ARGUMENTS = {
    "name": NAME,
    "family": "postgres17",
    "description": "Parameters of shop-staging's database",
    "parameters": {"rds.force_ssl": "1", "log_statement": "ddl", "max_connections": 200},
    "tags": {"Environment": "staging"},
}


@pytest.fixture(autouse=True)
def emptied(rehearsed: str) -> Iterator[None]:
    yield
    rds = boto3.client("rds")
    for group in rds.describe_db_parameter_groups()["DBParameterGroups"]:
        if not group["DBParameterGroupName"].startswith("default"):
            rds.delete_db_parameter_group(DBParameterGroupName=group["DBParameterGroupName"])


@pytest.fixture
def group(run_module: Run) -> dict[str, Any]:
    assert run_module(rds_parameter_group, **ARGUMENTS)["changed"]
    return ARGUMENTS


def value(name: str) -> str | None:
    found = boto3.client("rds").describe_db_parameters(DBParameterGroupName=NAME)["Parameters"]
    return next(one for one in found if one["ParameterName"] == name).get("ParameterValue")


def set_value(name: str, text: str, apply: str = "immediate") -> None:
    boto3.client("rds").modify_db_parameter_group(
        DBParameterGroupName=NAME,
        Parameters=[{"ParameterName": name, "ParameterValue": text, "ApplyMethod": apply}],
    )


def test_check_mode_creates_nothing_and_validates_the_family(run_module: Run) -> None:
    reported = run_module(rds_parameter_group, check=True, **ARGUMENTS)
    assert reported["changed"] and reported["diff"]["after"]["parameters"]["max_connections"] == "200"
    with pytest.raises(ModuleFailed, match="postgres17 has no such parameter"):
        run_module(rds_parameter_group, check=True, **{**ARGUMENTS, "parameters": {"no_such": 1}})


def test_a_group_is_created_and_the_second_run_changes_nothing(group: dict, run_module: Run) -> None:
    assert (value("log_statement"), value("max_connections")) == ("ddl", "200")
    again = run_module(rds_parameter_group, **group)
    assert not again["changed"], again["diff"]
    assert not run_module(rds_parameter_group, check=True, **group)["changed"]


@pytest.mark.parametrize("text", ["ON", "on", "True", "true", "yes", "1", True, 1])
def test_every_spelling_of_true_is_sent_as_1(run_module: Run, text: Any) -> None:
    """amazon.aws.rds_instance_param_group sends ON and True as 0."""
    run_module(rds_parameter_group, **{**ARGUMENTS, "parameters": {"log_connections": text}})
    assert value("log_connections") == "1"


def test_check_mode_reports_a_changed_value(group: dict, run_module: Run) -> None:
    set_value("rds.force_ssl", "0")
    reported = run_module(rds_parameter_group, check=True, **group)
    assert reported["changed"]
    assert reported["diff"]["before"]["parameters"]["rds.force_ssl"] == "0"
    assert reported["diff"]["after"]["parameters"]["rds.force_ssl"] == "1"
    assert value("rds.force_ssl") == "0"
    assert run_module(rds_parameter_group, **group)["changed"]
    assert value("rds.force_ssl") == "1"


def test_undeclared_value_is_reset(group: dict, run_module: Run) -> None:
    set_value("log_min_duration_statement", "5")
    reported = run_module(rds_parameter_group, check=True, **group)
    assert reported["diff"]["before"]["parameters"]["log_min_duration_statement"] == "5"
    assert run_module(rds_parameter_group, **group)["changed"]
    assert value("log_min_duration_statement") is None
    fewer = {**group, "parameters": {"rds.force_ssl": 1}}
    assert run_module(rds_parameter_group, **fewer)["changed"]
    assert value("max_connections").startswith("LEAST(")
    assert not run_module(rds_parameter_group, **fewer)["changed"]


@pytest.mark.parametrize(
    ("parameters", "reported"),
    [
        ({"rds.force_sl": 1}, "rds.force_sl: postgres17 has no such parameter; did you mean rds.force_ssl"),
        ({"log_statement": "everything"}, "log_statement: 'everything' is not one of none, ddl, mod, all"),
        ({"max_connections": "many"}, "max_connections: 'many' must be of type integer"),
        ({"work_mem": "64MB"}, "work_mem: '64MB' must be of type integer without a unit"),
        ({"max_connections": 3}, "max_connections: 3 is not in the range 6-262143"),
        ({"rds.force_ssl": "perhaps"}, "rds.force_ssl: 'perhaps' is not a boolean"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_invalid_parameter_is_refused_before_any_change(
    group: dict, run_module: Run, parameters: dict, reported: str
) -> None:
    for check in (True, False):
        with pytest.raises(ModuleFailed, match=reported):
            wanted = {"log_statement": "all", **parameters}
            run_module(rds_parameter_group, check=check, **{**group, "parameters": wanted})
    assert value("log_statement") == "ddl"


def test_parameters_are_sent_in_batches(run_module: Run) -> None:
    names = [
        "autovacuum_naptime", "checkpoint_timeout", "deadlock_timeout", "idle_session_timeout", "lock_timeout",
        "log_autovacuum_min_duration", "log_temp_files", "max_locks_per_transaction", "max_wal_size",
        "max_replication_slots", "max_wal_senders", "min_wal_size", "pg_stat_statements.max", "work_mem",
        "statement_timeout", "tcp_keepalives_idle", "temp_buffers", "track_activity_query_size",
        "default_statistics_target", "max_parallel_workers", "effective_io_concurrency", "shared_buffers",
    ]  # fmt: skip
    wanted = {**ARGUMENTS, "parameters": dict.fromkeys(names, 1024)}
    wanted["parameters"]["effective_io_concurrency"] = 200
    run_module(rds_parameter_group, **wanted)
    assert not run_module(rds_parameter_group, **wanted)["changed"]
    run_module(rds_parameter_group, **{**wanted, "parameters": {}})
    assert value("shared_buffers") == "{DBInstanceClassMemory/32768}"


def test_a_family_cannot_be_changed(group: dict, run_module: Run) -> None:
    with pytest.raises(ModuleFailed, match="AWS cannot change: family"):
        run_module(rds_parameter_group, check=True, **{**group, "family": "postgres18"})


def test_a_group_is_removed(group: dict, run_module: Run) -> None:
    assert run_module(rds_parameter_group, name=NAME, state="absent")["changed"]
    assert not run_module(rds_parameter_group, name=NAME, state="absent")["changed"]


@pytest.mark.parametrize(
    ("kind", "allowed", "given", "sent"),
    [
        ("string", "ON,OFF,DISABLED", True, "ON"),
        ("string", "ON,OFF,DISABLED", "off", "OFF"),
        ("string", "OFF,OFF_PERMISSIVE,ON_PERMISSIVE,ON", "On", "ON"),
        ("string", "pglz,lz4,zstd,on,off", "yes", "on"),
        ("string", "", "UTC", "UTC"),
        ("boolean", "0,1", "OFF", "0"),
        ("integer", "0-2", 1, "1"),
        ("integer", "-1-2147483647", "-1", "-1"),
        ("float", "0-100", 0.05, "0.05"),
        ("integer", "6-262143", "LEAST({DBInstanceClassMemory/9531392},5000)",
         "LEAST({DBInstanceClassMemory/9531392},5000)"),
        ("list", "pgaudit,pg_stat_statements", "pgaudit,pg_stat_statements", "pgaudit,pg_stat_statements"),
    ],
)  # fmt: skip
def test_value_is_sent_in_the_format_of_its_parameter(kind: str, allowed: str, given: Any, sent: str) -> None:
    assert text_of({"DataType": kind, "AllowedValues": allowed}, given) == sent


def test_boolean_for_a_number_and_reserved_parameters_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="must be of type integer, not a boolean"):
        text_of({"DataType": "integer", "AllowedValues": "0-100"}, True)
    fixed = {"ssl": {"DataType": "boolean", "AllowedValues": "0,1", "IsModifiable": False}}
    with pytest.raises(
        InvalidParameter, match="ssl: RDS does not allow changes of this parameter; x: postgres17 has no such"
    ):
        checked(fixed, {"ssl": True, "x": 1}, "postgres17")


def test_the_rehearsal_refuses_what_rds_refuses(group: dict) -> None:
    with pytest.raises(Exception, match="Could not find parameter with name: no_such"):
        set_value("no_such", "1")
    with pytest.raises(Exception, match=r"Invalid parameter value: True for: rds\.force_ssl"):
        set_value("rds.force_ssl", "True")
    with pytest.raises(Exception, match="cannot use immediate apply method for static parameter"):
        set_value("max_connections", "100")
