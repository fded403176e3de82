"""The targets of target groups: their addresses, connections to them, and their health checks."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp

from rehearsal import http1, routing

CONNECT_SECONDS = 10.0


class Address(NamedTuple):
    """An IP address and a port."""

    ip: str
    port: int


class Connection(NamedTuple):
    """A connection to a target. It may be idle until `until` (monotonic seconds)."""

    address: Address
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    until: float
    reused: bool


class Pool:
    """Idle connections by address, kept for the load balancer's idle timeout.

    Nothing is retried: if a target closes a connection while a request is sent on it, the request is lost, as with
    an ALB.
    """

    def __init__(self) -> None:
        self._idle: defaultdict[Address, list[Connection]] = defaultdict(list)

    async def acquire(self, address: Address) -> Connection:
        """Return an idle connection that is still open, else a new one. Raises OSError, TimeoutError."""
        idle = self._idle[address]
        while idle:
            connection = idle.pop()
            if _fresh(connection):
                return connection._replace(reused=True)
            connection.writer.close()
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(address.ip, address.port, limit=http1.LIMIT)
        return Connection(address, reader, writer, 0.0, False)

    def release(self, connection: Connection, idle: float) -> None:
        """Keep a connection after a successful exchange, for at most `idle` seconds."""
        self._idle[connection.address].append(connection._replace(until=time.monotonic() + idle))

    def retain(self, addresses: set[Address]) -> None:
        """Close idle connections to former targets, and those idle for too long."""
        for address in list(self._idle):
            idle = self._idle.pop(address)
            if kept := [c for c in idle if address in addresses and _fresh(c)]:
                self._idle[address] = kept
            for connection in idle:
                if connection not in kept:
                    connection.writer.close()


def _fresh(connection: Connection) -> bool:
    if connection.reader.at_eof() or connection.writer.is_closing():
        return False
    return time.monotonic() < connection.until


class Resolver:
    """Finds the IP address of an instance id: of an emulated EC2 instance, or of the Kubernetes node with that id."""

    def __init__(self, config: dict[str, Any], http: aiohttp.ClientSession) -> None:
        self._aws_url = config["aws"]["url"]
        kubernetes = config.get("kubernetes") or {}
        self._external = kubernetes.get("external")
        self._nodes_url = None if self._external or not kubernetes else f"{kubernetes['url']}/rehearsal/nodes"
        self._tls = ssl.create_default_context(cafile=kubernetes["ca_file"]) if self._nodes_url else None
        self._http = http
        self._client: Any = None
        self._ips: dict[str, str] = {}
        self._nodes: list[str] = []
        self._logged = ""

    def ip(self, target: str, among: list[str]) -> str | None:
        """Return the IP address of a target; None while unknown. `among` are the targets of its group.

        The nodes of the user's own cluster have no EC2 ids: there, the nth instance is the nth node.
        """
        if not target.startswith("i-"):
            return target
        if (known := self._ips.get(target)) or not (self._external and self._nodes):
            return known
        return self._nodes[sorted(among).index(target) % len(self._nodes)]

    async def refresh(self) -> None:
        """Update the addresses. The known addresses of a source that does not answer stay."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with self._http.get(f"{self._aws_url}/rehearsal/instances") as response:
                if response.status == 200:
                    self._ips |= await response.json()
        if self._nodes_url and self._tls:  # The nodes of all emulated clusters.
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with self._http.get(self._nodes_url, ssl=self._tls) as response:
                    if response.status == 200:
                        self._ips |= await response.json()
        if self._external:
            try:
                nodes = await asyncio.to_thread(self._list_nodes)
            except Exception as e:  # The client library raises many types; the next attempt is in 2 s.
                self._log_once(f"cannot list the nodes: {type(e).__name__}: {str(e).partition(chr(10))[0]}")
            else:
                self._logged = ""
                self._ips |= {node_id: ip for node_id, ip in nodes if node_id.startswith("i-")}
                self._nodes = [ip for _, ip in nodes]

    def _log_once(self, text: str) -> None:
        if text != self._logged:
            print(text)
        self._logged = text

    def _list_nodes(self) -> list[tuple[str, str]]:
        from kubernetes import client, config  # The import takes a second, so it runs in this thread.

        if self._client is None:
            self._client = client.CoreV1Api(config.new_client_from_config(self._external))
        nodes = sorted(self._client.list_node(_request_timeout=3).items, key=lambda node: node.metadata.name)
        found = []
        for node in nodes:
            ips = [a.address for a in node.status.addresses or [] if a.type == "InternalIP"]
            if ips:
                found.append(((node.spec.provider_id or "").rsplit("/", 1)[-1], ips[0]))
        return found


class Health:
    """Health checks as an ALB's: real requests and thresholds. Results are passed to `report`."""

    def __init__(self, http: aiohttp.ClientSession, report: Callable[[list[dict[str, str]]], None]) -> None:
        self._http = http
        self._report = report
        self._states: dict[tuple[str, str], dict[str, str]] = {}
        self._tasks: dict[tuple[str, str], tuple[Any, asyncio.Task[None]]] = {}

    def is_healthy(self, group: str, target: str) -> bool:
        """Return whether a target passes the checks of a group."""
        return self._states.get((group, target), {}).get("state") == "healthy"

    def states(self) -> list[dict[str, str]]:
        """Return the state of all targets: target_group, target, state, reason, description."""
        return list(self._states.values())

    def watch(self, groups: list[dict[str, Any]], find: Callable[[str, list[str]], str | None]) -> None:
        """Check the targets of `groups` from now on, and stop all other checks."""
        wanted = {(group["arn"], t["id"]): (group, t) for group in groups for t in group["targets"]}
        for key, (settings, task) in list(self._tasks.items()):
            group, target = wanted.get(key, ({}, {}))
            if settings != (group.get("health_check"), target.get("port")):
                task.cancel()
                del self._tasks[key]
                if key not in wanted:
                    self._states.pop(key, None)
        for key, (group, target) in wanted.items():
            if key not in self._tasks:
                task = asyncio.create_task(self._watch(group, target, find))
                self._tasks[key] = ((group["health_check"], target["port"]), task)

    def stop(self) -> None:
        """Stop all checks."""
        for _, task in self._tasks.values():
            task.cancel()

    async def _watch(
        self, group: dict[str, Any], target: dict[str, Any], find: Callable[[str, list[str]], str | None]
    ) -> None:
        check = group["health_check"]
        fits = routing.status_matcher(check["matcher"])
        port = target["port"] if check["port"] == "traffic-port" else int(check["port"])
        among = [t["id"] for t in group["targets"]]
        good = bad = 0
        if (group["arn"], target["id"]) not in self._states:
            self._found(
                group, target, "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
            )
        while True:
            ip = find(target["id"], among)
            reason, description = await self._probe(ip, port, check, fits)
            state = self._states[group["arn"], target["id"]]["state"]
            good, bad = (good + 1, 0) if not reason else (0, bad + 1)
            # A new target needs one successful check; an unhealthy one needs the group's healthy threshold.
            if good and state != "healthy" and (state == "initial" or good >= check["healthy_threshold"]):
                self._found(group, target, "healthy")
            elif bad >= check["unhealthy_threshold"] and state != "unhealthy":
                self._found(group, target, "unhealthy", reason, description)
            await asyncio.sleep(check["interval"])

    async def _probe(
        self, ip: str | None, port: int, check: dict[str, Any], fits: Callable[[int], bool]
    ) -> tuple[str, str]:
        """Return AWS's reason code and description of a failed check; ("", "") after a successful one."""
        if ip is None:
            return "Target.Timeout", "Request timed out"
        try:
            url = f"{check['protocol'].lower()}://{ip}:{port}{check['path']}"
            timeout = aiohttp.ClientTimeout(total=check["timeout"])
            async with self._http.get(url, timeout=timeout, allow_redirects=False, ssl=False) as response:
                if fits(response.status):
                    return "", ""
                return (
                    "Target.ResponseCodeMismatch",
                    f"Health checks failed with these codes: [{response.status}]",
                )
        except TimeoutError:
            return "Target.Timeout", "Request timed out"
        except (aiohttp.ClientError, OSError):
            return "Target.FailedHealthChecks", "Health checks failed"

    def _found(
        self,
        group: dict[str, Any],
        target: dict[str, Any],
        state: str,
        reason: str = "",
        description: str = "",
    ) -> None:
        found = {
            "target_group": group["arn"],
            "target": target["id"],
            "state": state,
            "reason": reason,
            "description": description,
        }
        self._states[group["arn"], target["id"]] = found
        print(f"{group['name']} {target['id']}: {state} {description}")
        self._report([found])
