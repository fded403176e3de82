"""NodePorts: each new connection to `<node>:<port>` is forwarded to a ready pod of the Service, on any node."""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
from typing import Any

from rehearsal.kubernetes.cluster_state import ClusterState
from rehearsal.kubernetes.endpoints import PODS, SERVICES, serves, target_port
from rehearsal.kubernetes.nodes import NODES
from rehearsal.kubernetes.store import Event

Json = dict[str, Any]
Address = tuple[str, int]
log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0


class NodePorts:
    """Listens on the node ports of Services with ready pods; without a ready pod, connections are refused."""

    def __init__(self, cluster: ClusterState) -> None:
        self._store = cluster.store
        self._targets: dict[Address, list[Address]] = {}
        self._servers: dict[Address, asyncio.Server] = {}
        self._turn = itertools.count()
        self._changed = asyncio.Event()
        self._stop = self._store.listen(self._on_change)
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        self._stop()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for server in self._servers.values():
            server.close()

    def target(self, at: Address) -> Address | None:
        """Return the pod address for the next connection to an address of a node."""
        targets = self._targets.get(at)
        return targets[next(self._turn) % len(targets)] if targets else None

    def _on_change(self, event: Event) -> None:
        if event.resource in (SERVICES, PODS, NODES):
            self._changed.set()

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._update()
            except Exception:  # If this task ended, all node ports would stay unchanged without notice.
                log.exception("the node ports could not be updated; trying again")
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._changed.set)

    async def _update(self) -> None:
        self._targets = self._wanted()
        for at in set(self._servers) - set(self._targets):
            self._servers.pop(at).close()
        for at in set(self._targets) - set(self._servers):
            await self._listen(at)

    async def _listen(self, at: Address) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._servers[at] = await loop.create_server(lambda: Inward(self, at), *at, backlog=1024)
        except OSError as e:
            log.warning("node port %s:%d: %s", *at, errno.errorcode.get(e.errno or 0, e))
            loop.call_later(RETRY_SECONDS, self._changed.set)

    def _wanted(self) -> dict[Address, list[Address]]:
        found: dict[Address, list[Address]] = {}
        nodes = {
            n["metadata"]["name"]: n["status"]["addresses"][0]["address"]
            for n in self._store.list(NODES)
            if n.get("status", {}).get("addresses")
        }
        for service in self._store.list(SERVICES):
            if service["spec"]["type"] not in ("NodePort", "LoadBalancer"):
                continue
            chosen = service["spec"].get("selector") or {}
            pods = [
                p
                for p in self._store.list(PODS, service["metadata"]["namespace"])
                if chosen
                and chosen.items() <= (p["metadata"].get("labels") or {}).items()
                and serves(service, p)
            ]
            local = service["spec"].get("externalTrafficPolicy") == "Local"
            for port in service["spec"].get("ports") or []:
                for name, address in nodes.items():
                    targets = [
                        (p["status"]["podIP"], number)
                        for p in pods
                        if (not local or p["spec"]["nodeName"] == name) and (number := target_port(port, p))
                    ]
                    if targets:
                        found[(address, port["nodePort"])] = targets
        return found


class Half(asyncio.Protocol):
    """One side of a forwarded connection."""

    transport: asyncio.Transport
    other: Half | None = None
    ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self.other:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Forward the end of this side's data. The connection stays open until both sides have ended."""
        self.ended = True
        if self.other and not self.other.ended:
            self.other.transport.write_eof()
            return True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other and exc:
            self.other.transport.abort()
        elif self.other:
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other:
            self.other.transport.resume_reading()


class Inward(Half):
    """The client's side. It is read after the connection to the pod is open.

    Some Python versions (such as 3.11.2) keep reading from a transport that is paused right after its creation; that
    data is buffered for the pod.
    """

    def __init__(self, ports: NodePorts, at: Address) -> None:
        self._ports, self._at = ports, at
        self._early = b""

    def data_received(self, data: bytes) -> None:
        if self.other:
            super().data_received(data)
        else:
            self._early += data

    def eof_received(self) -> bool:
        stays = super().eof_received()
        return stays or self.other is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()
        self._task = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        target = self._ports.target(self._at)
        try:
            if target is None:
                raise ConnectionRefusedError
            outward = Half()
            await asyncio.get_running_loop().create_connection(lambda: outward, *target)
        except OSError:
            self.transport.abort()
            return
        if self.transport.is_closing():
            outward.transport.abort()
            return
        self.other, outward.other = outward, self
        outward.transport.write(self._early)
        if self.ended:
            outward.transport.write_eof()
        self.transport.resume_reading()
