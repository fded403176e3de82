"""Accepts clients' connections and answers their requests as the load balancers would.

No request is retried: if a target loses a request, the client gets 502, 503 or 504.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from rehearsal import http1, routing
from rehearsal.balancer_metrics import Metrics
from rehearsal.load_balancers import Certificates, LoadBalancers, Node, RoutingTable
from rehearsal.targets import Address, Connection, Health, Pool, Resolver

CLIENT_IDLE_SECONDS = 60.0
STICKY_COOKIE = "AWSALBTG"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
SERVER = (b"Server", b"awselb/2.0")


class Proxy:
    """Accepts clients' connections and passes them to the load balancers' listeners."""

    def __init__(
        self,
        load_balancers: LoadBalancers,
        tls: Certificates,
        health: Health,
        resolver: Resolver,
        emulated_hosts: dict[str, Address] | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.load_balancers = load_balancers
        self.emulated_hosts = emulated_hosts or {}
        self.tls = tls
        self.health = health
        self.resolver = resolver
        self.pool = Pool()
        self.metrics = metrics or Metrics()
        self._turns: defaultdict[str, itertools.count[int]] = defaultdict(itertools.count)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a client's connection until it is closed."""
        try:
            await self._serve(reader, writer)
        except http1.BadMessage as e:
            writer.write(http1.answer(400, f"bad request: {e}\n", [SERVER, (b"Connection", b"close")]))
        except (OSError, EOFError, TimeoutError):
            pass  # The client disconnected, or was idle for too long.
        except asyncio.CancelledError:
            pass  # At shutdown nothing awaits this task, and Python 3.11 would log the exception as an error.
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nodes: dict[str, Node] = {}
        while (head := await _next_head(reader, CLIENT_IDLE_SECONDS)) is not None:
            method, target, version = head.start
            if method == b"CONNECT":
                await self._serve_tunnel(target, reader, writer)
                return
            scheme, absolute, rest = target.partition(b"://")
            authority, _, path = rest.partition(b"/")
            host, port = _authority(authority if absolute else head.by_name.get(b"host", b""), 80)
            node = nodes.get(host) or self.load_balancers.find(host)
            if node is None and not absolute and target.startswith(b"/rehearsal/"):
                await _respond(writer, *self._about(target.decode("latin-1")))
                return
            if node is None or (absolute and scheme.lower() != b"http"):
                await _respond(writer, 502, _unknown(host))
                return
            nodes[host] = node
            if absolute:
                head.start = (method, b"/" + path, version)
            if not await self._exchange(node, port, head, reader, writer):
                return

    async def _serve_tunnel(
        self, target: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host, port = _authority(target, 443)
        if port == 443 and (
            address := self.emulated_hosts.get(host, self.emulated_hosts.get("*." + host.partition(".")[2]))
        ):
            theirs = await asyncio.open_connection(*address)
            writer.write(ESTABLISHED)
            await writer.start_tls(self.tls.for_host(host), ssl_handshake_timeout=10)
            await http1.splice((reader, writer), theirs)
            return
        node = self.load_balancers.find(host)
        if node is None:
            await _respond(writer, 502, _unknown(host))
            return
        table = node.table
        if table is None or port not in table.listeners:
            await _respond(writer, 502, f"the load balancer {host} has no listener on port {port}\n")
            return
        writer.write(ESTABLISHED)
        if table.listeners[port]["protocol"] == "HTTPS":
            await writer.start_tls(self.tls.context(table, port), ssl_handshake_timeout=10)
        while (head := await _next_head(reader, table.idle_timeout)) is not None:
            if not await self._exchange(node, port, head, reader, writer):
                return

    async def _exchange(
        self,
        node: Node,
        port: int,
        head: http1.Head,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer one request by the current routing. Return whether the connection stays open."""
        table = node.table
        if table is None or port not in table.listeners:
            return False
        request = _request(table, port, head, writer)
        return await Exchange(self, node.balancer.arn, table, request, head, reader, writer).run()

    def healthy_targets(self, group: dict[str, Any]) -> int:
        """Return how many targets of a group are healthy."""
        return sum(self.health.is_healthy(group["arn"], target["id"]) for target in group["targets"])

    def pick_target(self, group: dict[str, Any]) -> Address | None:
        """Return the address of the next healthy target; of the next of all if none is healthy (an ALB fails open)."""
        targets = group["targets"]
        healthy = [t for t in targets if self.health.is_healthy(group["arn"], t["id"])] or targets
        target = healthy[next(self._turns[group["arn"]]) % len(healthy)]
        ip = self.resolver.ip(target["id"], [t["id"] for t in targets])
        return Address(ip, target["port"]) if ip else None

    def _about(self, path: str) -> tuple[int, str]:
        if path == "/rehearsal/ready":
            return 200, "ready\n"
        if path == "/rehearsal/balancers":
            balancers = [
                {"arn": b.arn, "names": sorted(b.names), "addresses": list(b.nodes)}
                for b in self.load_balancers.balancers.values()
            ]
            about = {
                "serial": self.load_balancers.serial,
                "balancers": balancers,
                "targets": self.health.states(),
            }
            return 200, json.dumps(about, indent=2) + "\n"
        return 404, "only /rehearsal/ready and /rehearsal/balancers exist\n"


@dataclass(slots=True)
class Exchange:
    """One request and its answer."""

    proxy: Proxy
    balancer: str
    table: RoutingTable
    request: routing.Request
    head: http1.Head
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upload: asyncio.Task[None] | None = field(default=None)

    async def run(self) -> bool:
        """Answer the request. Return whether the client's connection can be reused."""
        action = routing.choose(self.table.rules[self.request.port], self.request) or {"Type": "no action"}
        match action["Type"]:
            case "forward":
                return await self._forward(action)
            case "redirect":
                status, location = routing.redirect(action, self.request)
                return await self._answer(status, _page(status), [(b"Location", location.encode())])
            case "fixed-response":
                config = action["FixedResponseConfig"]
                content_type = (b"Content-Type", (config.get("ContentType") or "text/plain").encode())
                return await self._answer(
                    int(config["StatusCode"]), config.get("MessageBody") or "", [content_type]
                )
            case other:
                return await self._answer(500, f"{other}: not supported by the emulator\n")

    async def _forward(self, action: dict[str, Any]) -> bool:
        stick_for = routing.stickiness(action)
        arn = routing.pick_group(action, _cookie(self.request) if stick_for else None)
        group = self.table.groups.get(arn or "")
        if group is None or not group["targets"]:
            return await self._fail(503, f"{arn}: no targets")
        metrics, arn = self.proxy.metrics, group["arn"]
        metrics.count(self.balancer, "RequestCount", group=arn, targets=self.proxy.healthy_targets(group))
        address = self.proxy.pick_target(group)
        if address is None:
            return await self._fail(502, f"{arn}: the address of a target is unknown")
        try:
            target = await self.proxy.pool.acquire(address)
        except (TimeoutError, OSError) as e:
            metrics.count(self.balancer, "TargetConnectionErrorCount", group=arn)
            if isinstance(e, TimeoutError):
                return await self._fail(504, f"{address}: connection timed out")
            return await self._fail(502, f"{address}: {e}")
        reusable, began = False, time.monotonic()
        try:
            try:
                answer = await self._ask(target)
            except TimeoutError:
                return await self._fail(504, f"{address}: answer timed out")
            except (OSError, EOFError, http1.BadMessage) as e:
                return await self._fail(
                    502, f"{address}: {'kept' if target.reused else 'new'} connection: {e}"
                )
            metrics.answered(self.balancer, arn, answer.start[1].decode(), time.monotonic() - began)
            added = []
            if stick_for:
                added = [(b"Set-Cookie", f"{STICKY_COOKIE}={arn}; Max-Age={stick_for}; Path=/".encode())]
            reusable, stays = await self._pass_on(answer, target, added)
            return stays
        finally:
            if self.upload is not None and not self.upload.done():
                self.upload.cancel()
            if reusable:
                self.proxy.pool.release(target, self.table.idle_timeout)
            else:
                target.writer.close()

    async def _ask(self, target: Connection) -> http1.Head:
        """Send the request to the target and return the head of its answer. The upload may still be running."""
        target.writer.write(_to_target(self.head, self.request))
        length, chunked = self.head.length(), self.head.chunked()
        if chunked or length:
            if self.head.by_name.get(b"expect", b"").lower() == b"100-continue":
                self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.upload = asyncio.create_task(_send(self.reader, target.writer, length, chunked))
        async with asyncio.timeout(self.table.idle_timeout):
            while (answer := await http1.read_head(target.reader)) is not None:
                if answer.start[1][:1] != b"1" or answer.start[1] == b"101":
                    return answer
        raise ConnectionResetError("closed by the target before an answer")

    async def _pass_on(
        self, answer: http1.Head, target: Connection, added: http1.Fields
    ) -> tuple[bool, bool]:
        """Forward the answer. Return whether the target's and the client's connections can be reused.

        If the target breaks off within its body, so does this method: the client must not accept half an answer.
        """
        status = answer.start[1]
        if status == b"101":
            self.writer.write(http1.encode(b" ".join(answer.start), answer.fields))
            await http1.splice((self.reader, self.writer), (target.reader, target.writer))
            return False, False
        chunked, length = answer.chunked(), answer.length()
        if self.head.start[0] == b"HEAD" or status in (b"204", b"304"):
            chunked, length = False, 0
        framed = chunked or length is not None
        uploaded = self.upload is None or self.upload.done()
        stays = self.head.keeps_alive() and framed and uploaded
        fields = [f for f in answer.fields if f[0].lower() not in http1.HOP_BY_HOP] + added
        if not stays:
            fields.append((b"Connection", b"close"))
        start = http1.encode(b" ".join((b"HTTP/1.1", *answer.start[1:])), fields)
        idle = self.table.idle_timeout
        try:
            async with asyncio.timeout(idle) as limit:
                now = asyncio.get_running_loop().time
                if length:  # Write the head together with the first piece of the body.
                    piece = await target.reader.read(min(length, http1.PIECE))
                    if not piece:
                        raise ConnectionResetError("closed by the target")
                    start, length = start + piece, length - len(piece)
                self.writer.write(start)
                await http1.relay_body(
                    target.reader, self.writer, length, chunked, lambda: limit.reschedule(now() + idle)
                )
                await self.writer.drain()
        except (OSError, EOFError, TimeoutError, http1.BadMessage) as e:
            print(f"connection aborted within an answer of {target.address}: {type(e).__name__}: {e}")
            self.writer.transport.abort()
            return False, False
        return answer.keeps_alive() and framed and uploaded, stays

    async def _fail(self, status: int, why: str) -> bool:
        """Answer with an error of the load balancer itself; log the reason and count it."""
        print(f"{status} {self.request.method} {self.request.path[:80]}: {why}")
        self.proxy.metrics.count(self.balancer, "HTTPCode_ELB_5XX_Count", f"HTTPCode_ELB_{status}_Count")
        return await self._answer(status, _page(status))

    async def _answer(self, status: int, body: str, fields: http1.Fields | None = None) -> bool:
        fields = [SERVER, *(fields or [])]
        # An unread body would be parsed as the next request.
        stays = self.head.keeps_alive() and not (self.head.length() or self.head.chunked())
        if not stays:
            fields.append((b"Connection", b"close"))
        self.writer.write(http1.answer(status, body, fields, self.head.start[0] == b"HEAD"))
        await self.writer.drain()
        return stays


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int | None, chunked: bool
) -> None:
    """Forward a request body. If the client breaks off, abort; if the target does, its answer follows."""
    try:
        await http1.relay_body(reader, writer, length, chunked)
    except (EOFError, http1.BadMessage):
        writer.transport.abort()
    except OSError:
        with contextlib.suppress(OSError):
            writer.close()


def _request(
    table: RoutingTable, port: int, head: http1.Head, writer: asyncio.StreamWriter
) -> routing.Request:
    method, target, _ = head.start
    path, _, query = target.decode("latin-1").partition("?")
    return routing.Request(
        method=method.decode("latin-1"),
        host=_authority(head.by_name.get(b"host", b""), port)[0],
        path=path,
        query=query,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in head.by_name.items()},
        source_ip=writer.get_extra_info("peername")[0],
        protocol=table.listeners[port]["protocol"],
        port=port,
    )


def _cookie(request: routing.Request) -> str | None:
    """Return the client's previous target group, from its cookie."""
    cookie = SimpleCookie(request.headers.get("cookie", "")).get(STICKY_COOKIE)
    return cookie.value if cookie else None


def _to_target(head: http1.Head, request: routing.Request) -> bytes:
    """Return the request's head as an ALB forwards it."""
    replaced = {*http1.HOP_BY_HOP, b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port", b"expect"}
    fields = [each for each in head.fields if each[0].lower() not in replaced]
    before = head.by_name.get(b"x-forwarded-for")
    fields += [
        (b"X-Forwarded-For", (before + b", " if before else b"") + request.source_ip.encode()),
        (b"X-Forwarded-Proto", request.protocol.lower().encode()),
        (b"X-Forwarded-Port", b"%d" % request.port),
        (b"Connection", b"upgrade" if b"upgrade" in head.by_name else b"keep-alive"),
    ]
    return http1.encode(b" ".join((*head.start[:2], b"HTTP/1.1")), fields)


async def _next_head(reader: asyncio.StreamReader, seconds: float) -> http1.Head | None:
    async with asyncio.timeout(seconds):
        return await http1.read_head(reader)


def _authority(value: bytes, port: int) -> tuple[str, int]:
    """`name:8080` → ("name", 8080)."""
    host, colon, number = value.decode("latin-1").lower().rpartition(":")
    if not colon:
        return number, port
    if not number.isdigit():
        raise http1.BadMessage(f"{value.decode('latin-1')} is not a host and port")
    return host.strip("[]"), int(number)


def _page(status: int) -> str:
    phrases = {
        301: "Moved Permanently",
        302: "Found",
        502: "Bad Gateway",
        503: "Service Temporarily Unavailable",
        504: "Gateway Time-out",
    }
    title = f"{status} {phrases.get(status, '')}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def _unknown(host: str) -> str:
    return (
        f"the emulator has no load balancer {host or '(no name)'}: its proxy leads to load balancers and emulated"
        " services only, not to the Internet (`python -m rehearsal status` lists its parts)\n"
    )


async def _respond(writer: asyncio.StreamWriter, status: int, text: str) -> None:
    writer.write(http1.answer(status, text, [(b"Connection", b"close")]))
    await writer.drain()
