"""The script that prepares the service's database user: secrets, SQL and files for the database client."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import stat
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles/database_user/files/prepare.py"
MASTER = {"username": "master", "password": 'pa:ss\\w"ord'}
SETTINGS = {
    "AWS_REGION": "ap-northeast-2",
    "ENGINE": "postgres",
    "HOST": "db.example",
    "PORT": "5432",
    "DATABASE": "shop",
    "SCHEMA": "shop",
    "USERNAME": "shop_staging",
    "MASTER_SECRET": "arn:master",
    "SERVICE_SECRET": "shop-staging/database",
}


class SecretsManager:
    """Emulates the calls of the AWS CLI that the script uses, and records the command lines."""

    def __init__(self, service: dict[str, Any]) -> None:
        self.secrets = {"arn:master": MASTER, "shop-staging/database": service}
        self.lines: list[tuple[str, ...]] = []

    def __call__(self, *arguments: str) -> str:
        self.lines.append(arguments)
        name = arguments[arguments.index("--secret-id") + 1]
        if arguments[1] == "describe-secret":
            return "v1\tAWSCURRENT\n" if self.secrets[name] else "None\n"
        if arguments[1] == "get-secret-value":
            assert self.secrets[name], "AWS refuses to read a secret without a value"
            return json.dumps(self.secrets[name])
        self.secrets[name] = json.loads(Path(arguments[-1].removeprefix("file://")).read_text())
        return ""


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.urllib.request, "urlopen", lambda url, timeout: io.BytesIO(url.encode()))
    for name, value in {**SETTINGS, "WORK": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return module


def run(prepare: ModuleType, service: dict[str, Any], **settings: str) -> SecretsManager:
    cli = SecretsManager(service)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "aws", cli)
        for name, value in settings.items():
            patch.setenv(name, value)
        prepare.main()
    return cli


def test_first_run_creates_and_stores_a_password(prepare: ModuleType, tmp_path: Path) -> None:
    secret = run(prepare, {}).secrets["shop-staging/database"]
    password = secret.pop("password")
    assert len(password) == 40 and password.isalnum()
    assert secret == {
        "engine": "postgres",
        "host": "db.example",
        "port": 5432,
        "dbname": "shop",
        "username": "shop_staging",
    }
    assert f"""ALTER ROLE "shop_staging" PASSWORD '{password}';""" in (tmp_path / "user.sql").read_text()


def test_existing_password_is_kept_and_the_secret_not_written(prepare: ModuleType, tmp_path: Path) -> None:
    first = run(prepare, {}).secrets["shop-staging/database"]
    again = run(prepare, first)
    assert "put-secret-value" not in [line[1] for line in again.lines]
    moved = run(prepare, first, HOST="new.example").secrets["shop-staging/database"]
    assert moved == {**first, "host": "new.example"}


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
def test_no_password_is_in_a_command_line_or_in_the_output(
    prepare: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture, engine: str
) -> None:
    cli = run(prepare, {}, ENGINE=engine)
    password = cli.secrets["shop-staging/database"]["password"]
    seen = f"{cli.lines}{capsys.readouterr()}{(tmp_path / 'run.sh').read_text()}"
    assert password not in seen and MASTER["password"] not in seen
    for name in ("user.sql", "secret.json", "pgpass" if engine == "postgres" else "my.cnf"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name


def test_master_connects_by_tls_with_the_ca_of_the_region(prepare: ModuleType, tmp_path: Path) -> None:
    run(prepare, {})
    command = (tmp_path / "run.sh").read_text()
    assert "PGSSLMODE=verify-full" in command and "ON_ERROR_STOP=1" in command
    assert "VERBOSITY=terse" in command, "an error would quote the statement with the password"
    assert (tmp_path / "ca.pem").read_text().endswith("/ap-northeast-2/ap-northeast-2-bundle.pem")
    assert (tmp_path / "pgpass").read_text() == 'db.example:5432:*:master:pa\\:ss\\\\w"ord\n'


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
def test_client_finds_its_files_in_a_folder_with_a_space(
    prepare: ModuleType, tmp_path: Path, engine: str
) -> None:
    work = tmp_path / "new folder"
    work.mkdir()
    run(prepare, {}, ENGINE=engine, WORK=str(work), DATABASE="my shop")
    for client in ("psql", "mysql"):
        (tmp_path / client).write_text(
            '#!/bin/sh\necho "$PGPASSFILE" "$PGSSLROOTCERT"; printf "%s\\n" "$@"; cat\n'
        )
        (tmp_path / client).chmod(0o755)
    done = subprocess.run(
        ["sh", str(work / "run.sh")],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    if engine == "postgres":
        assert done.stdout.splitlines()[0] == f"{work}/pgpass {work}/ca.pem"
        assert {str(work / "user.sql"), "my shop"} <= {*done.stdout.splitlines()}
    else:
        assert f"--defaults-extra-file={work}/my.cnf" in done.stdout.splitlines()
        assert (work / "user.sql").read_text() in done.stdout


def test_mysql_password_is_quoted(prepare: ModuleType, tmp_path: Path) -> None:
    run(prepare, {}, ENGINE="mysql")
    assert 'password="pa:ss\\\\w\\"ord"' in (tmp_path / "my.cnf").read_text()
    assert "REQUIRE SSL" in (tmp_path / "user.sql").read_text()


def test_sql_is_repeatable_and_leaves_the_master_no_member(prepare: ModuleType, tmp_path: Path) -> None:
    run(prepare, {})
    sql = (tmp_path / "user.sql").read_text()
    assert "WHERE NOT EXISTS" in sql and "\\gexec" in sql and "CREATE SCHEMA IF NOT EXISTS" in sql
    assert sql.index('GRANT "shop_staging" TO CURRENT_USER') < sql.index(
        'REVOKE "shop_staging" FROM CURRENT_USER'
    )
