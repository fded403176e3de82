"""The module for RDS instances, on the rehearsal's AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import rds_instance
from support import ModuleFailed

NAME = "shop-staging"
ARGUMENTS = {
    "name": NAME,
    "engine_version": "17",
    "instance_class": "db.t4g.small",
    "database_name": "shop",
    "max_storage_gib": 100,
    "logs": ["postgresql"],
    "tags": {"Environment": "staging"},
}
Run = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def emptied(rehearsed: str) -> Iterator[None]:
    yield
    rds = boto3.client("rds")
    for snapshot in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]:
        rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])
    for database in rds.describe_db_instances()["DBInstances"]:
        rds.modify_db_instance(
            DBInstanceIdentifier=database["DBInstanceIdentifier"], DeletionProtection=False
        )
        rds.delete_db_instance(DBInstanceIdentifier=database["DBInstanceIdentifier"], SkipFinalSnapshot=True)


@pytest.fixture
def database(run_module: Run) -> dict[str, Any]:
    assert run_module(rds_instance, **ARGUMENTS)["changed"]
    return ARGUMENTS


def described() -> dict[str, Any]:
    return boto3.client("rds").describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]


def test_check_mode_creates_nothing(run_module: Run) -> None:
    assert run_module(rds_instance, check=True, **ARGUMENTS)["changed"]
    assert boto3.client("rds").describe_db_instances()["DBInstances"] == []


def test_password_is_managed_by_rds_and_storage_is_encrypted(database: dict, run_module: Run) -> None:
    found = described()
    assert found["StorageEncrypted"] and found["StorageType"] == "gp3"
    assert found["MasterUserSecret"]["SecretArn"].startswith("arn:aws:secretsmanager:")
    assert found["IAMDatabaseAuthenticationEnabled"] and found["CopyTagsToSnapshot"]
    assert not found["PubliclyAccessible"]
    again = run_module(rds_instance, **ARGUMENTS)
    assert not again["changed"], again["diff"]
    assert again["instance"]["DBInstanceIdentifier"] == NAME


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("instance_class", "db.m7g.large", "DBInstanceClass"),
        ("multi_az", True, "MultiAZ"),
        ("publicly_accessible", True, "PubliclyAccessible"),
        ("backup_retention_days", 30, "BackupRetentionPeriod"),
        ("deletion_protection", True, "DeletionProtection"),
        ("performance_insights", True, "PerformanceInsightsEnabled"),
        ("max_storage_gib", 200, "MaxAllocatedStorage"),
        ("iam_authentication", False, "IAMDatabaseAuthenticationEnabled"),
    ],
)
def test_only_the_changed_setting_is_modified(
    database: dict, run_module: Run, name: str, value: Any, key: str
) -> None:
    wanted = {**database, name: value}
    reported = run_module(rds_instance, check=True, **wanted)["diff"]
    assert {
        entry for entry in reported["after"] if reported["before"][entry] != reported["after"][entry]
    } == {name}
    assert described()[key] != value
    assert run_module(rds_instance, **wanted)["changed"]
    assert described()[key] == value
    assert not run_module(rds_instance, **wanted)["changed"]


def test_tags_are_corrected(database: dict, run_module: Run) -> None:
    arn = described()["DBInstanceArn"]
    boto3.client("rds").add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "stray", "Value": "yes"}])
    assert run_module(rds_instance, **database)["changed"]
    assert described()["TagList"] == [{"Key": "Environment", "Value": "staging"}]


def test_change_pending_for_the_maintenance_window_is_not_requested_again(
    database: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = rds_instance.RdsInstance.call

    def pending(self: Any, operation: str, **more: Any) -> Any:
        answer = call(self, operation, **more)
        if operation == "describe_db_instances":
            answer["DBInstances"][0]["PendingModifiedValues"] = {"DBInstanceClass": "db.m7g.large"}
        return answer

    monkeypatch.setattr(rds_instance.RdsInstance, "call", pending)
    assert not run_module(rds_instance, **{**database, "instance_class": "db.m7g.large"})["changed"]


def test_storage_enlarged_by_rds_is_not_reduced(database: dict, run_module: Run) -> None:
    boto3.client("rds").modify_db_instance(DBInstanceIdentifier=NAME, AllocatedStorage=60)
    assert not run_module(rds_instance, **database)["changed"]


@pytest.mark.parametrize(
    ("version", "wanted", "met"),
    [
        ("17.4", "17", True),
        ("17.4", "17.4", True),
        ("17.4", "1", False),
        ("17.4", "17.5", False),
        ("17", None, False),
    ],
)
def test_major_version_matches_its_minor_versions(version: str, wanted: str | None, met: bool) -> None:
    assert rds_instance.is_version(version, wanted) is met


@pytest.mark.parametrize(("name", "value"), [("engine", "mysql"), ("database_name", "other")])
def test_immutable_setting_is_refused(database: dict, run_module: Run, name: str, value: str) -> None:
    for check in (True, False):
        with pytest.raises(ModuleFailed, match=f"AWS cannot change: {name} "):
            run_module(rds_instance, check=check, **{**database, name: value})


def test_unprotected_instance_is_deleted_with_a_final_snapshot(database: dict, run_module: Run) -> None:
    run_module(rds_instance, **{**database, "deletion_protection": True})
    with pytest.raises(ModuleFailed, match="set deletion_protection to false"):
        run_module(rds_instance, name=NAME, deletion_protection=True, state="absent")
    gone = run_module(rds_instance, name=NAME, state="absent")
    assert gone["changed"] and gone["snapshot"].startswith(f"{NAME}-final-")
    snapshots = boto3.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [one["DBSnapshotIdentifier"] for one in snapshots] == [gone["snapshot"]]
    assert not run_module(rds_instance, name=NAME, state="absent")["changed"]


def test_deletion_without_final_snapshot(database: dict, run_module: Run) -> None:
    assert "snapshot" not in run_module(rds_instance, name=NAME, final_snapshot=False, state="absent")
    assert boto3.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"] == []


def test_instance_in_creation_is_awaited(run_module: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a run that was killed."""
    run_module(rds_instance, **ARGUMENTS)
    find, states = rds_instance.RdsInstance.find, iter(["creating", "backing-up", "available"])

    def slowly(self: Any) -> dict:
        self.found = {**find(self), "DBInstanceStatus": next(states, "available")}
        return self.found

    monkeypatch.setattr(rds_instance.RdsInstance, "find", slowly)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    result = run_module(rds_instance, **ARGUMENTS)
    assert not result["changed"] and result["instance"]["DBInstanceStatus"] == "available"


def test_broken_instance_is_an_error(
    database: dict, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = rds_instance.RdsInstance.find
    monkeypatch.setattr(
        rds_instance.RdsInstance,
        "find",
        lambda self: {**find(self), "DBInstanceStatus": "incompatible-network"},
    )
    with pytest.raises(ModuleFailed, match="did not become ready: status incompatible-network"):
        run_module(rds_instance, **database)
