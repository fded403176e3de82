"""The data plane with real connections: listeners, targets and their failures, from a client's view."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rehearsal import certificates, http1
from rehearsal.balancer import MotoLink
from rehearsal.load_balancers import Certificates, LoadBalancers
from rehearsal.proxy import Proxy
from rehearsal.targets import Address, Health, Pool, Resolver

ARN = "arn:aws:elasticloadbalancing:ap-northeast-2:1:loadbalancer/app/assistant/1"
ALB = "assistant-1.ap-northeast-2.elb.amazonaws.com"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, http1.Head], Awaitable[bool]]


class Target:
    """A server whose answers the test defines; `serve` returns whether the connection stays open."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.connections = 0
        self.heads: list[http1.Head] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, EOFError):
            while head := await http1.read_head(reader):
                self.heads.append(head)
                if not await self._serve(reader, writer, head):
                    break
        writer.close()


def says(text: str) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        writer.write(http1.answer(200, text))
        return True

    return serve


def forward(**weights: int) -> dict[str, Any]:
    groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


def rule(action: dict[str, Any], priority: int | str = "default", *conditions: Any) -> dict[str, Any]:
    return {"arn": "r", "priority": priority, "conditions": list(conditions), "actions": [action]}


class World:
    """A proxy on loopback in front of one load balancer, and targets."""

    def __init__(self, proxy: Proxy, port: int, ca: certificates.Pair) -> None:
        self.proxy, self.port, self.ca = proxy, port, ca
        self.groups: dict[str, list[int]] = {"blue": [], "green": []}
        self.rules = [rule(forward(blue=100, green=0))]
        self.certificates: list[list[str]] = [["assistant.example.com", "*.test.example.com"]]
        self.idle_timeout = 60.0
        self._serial = 0
        self.stack = contextlib.AsyncExitStack()

    async def target(self, group: str, serve: Serve) -> Target:
        target = Target(serve)
        server = await asyncio.start_server(target.handle, "127.0.0.1", 0)
        self.stack.callback(server.close)
        target.port = server.sockets[0].getsockname()[1]
        self.groups[group].append(target.port)
        return target

    def apply(self) -> None:
        self._serial += 1
        to_https = {
            "Type": "redirect",
            "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
        }
        listeners = [
            {"arn": "l80", "port": 80, "protocol": "HTTP", "certificates": [], "rules": [rule(to_https)]},
            {
                "arn": "l443",
                "port": 443,
                "protocol": "HTTPS",
                "certificates": self.certificates,
                "rules": self.rules,
            },
        ]
        balancer = {
            "arn": ARN,
            "name": "assistant",
            "account": "1",
            "region": "ap-northeast-2",
            "dns_name": ALB,
            "addresses": ["52.0.0.1", "52.0.0.2"],
            "aliases": ["alias.example.org"],
            "idle_timeout": self.idle_timeout,
            "listeners": listeners,
        }
        check = {"protocol": "HTTP", "port": "traffic-port", "path": "/", "interval": 0.02, "timeout": 1.0}
        check |= {"healthy_threshold": 2, "unhealthy_threshold": 2, "matcher": "200"}
        groups = [
            {
                "arn": name,
                "name": name,
                "port": 1,
                "target_type": "ip",
                "load_balancers": [ARN],
                "health_check": check,
                # One target per address: moto keys targets by id, these tests distinguish them by port.
                "targets": [{"id": f"127.0.0.{n}", "port": port} for n, port in enumerate(ports, 1)],
            }
            for name, ports in self.groups.items()
        ]
        self.proxy.load_balancers.apply(
            {"serial": str(self._serial), "load_balancers": [balancer], "target_groups": groups}
        )

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca.cert_file))

    async def connect(
        self, host: str = ALB, name: str | None = None, port: int = 443
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await http1.read_head(reader)
        assert head is not None
        if head.start[1] != b"200":
            raise ConnectionRefusedError((await reader.read()).decode())
        await writer.start_tls(self.trust(), server_hostname=name or host)
        self.stack.callback(writer.close)
        return reader, writer

    async def ask(
        self, connection: Any, request: str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    ) -> tuple[int, str]:
        reader, writer = connection
        writer.write(request.encode())
        head = await http1.read_head(reader)
        if head is None:
            raise ConnectionResetError
        length = head.length()
        body = await (reader.read() if length is None else reader.readexactly(length))
        return int(head.start[1]), body.decode()

    async def get(self, **given: Any) -> tuple[int, str]:
        return await self.ask(await self.connect(**given))


def metrics(world: World) -> Counter[tuple[str, str]]:
    """Return the counts so far, by metric and target group."""
    counts: Counter[tuple[str, str]] = Counter()
    for counted in world.proxy.metrics._minutes.values():
        for (_, group), minute in counted.items():
            counts.update({(metric, group): count for metric, count in minute.counts.items()})
    return counts


def times(world: World, group: str) -> list[float]:
    """Return the answer times so far, in seconds."""
    minutes = world.proxy.metrics._minutes.values()
    return [seconds for counted in minutes for seconds in counted[ARN, group].times.elements()]


Scenario = Callable[[World], Awaitable[None]]


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> certificates.Pair:
    return certificates.authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def play(ca: certificates.Pair, tmp_path: Path) -> Iterator[Callable[[Scenario], None]]:
    async def run(scenario: Scenario, spread: float) -> None:
        async with world(ca, tmp_path, spread) as here:
            async with asyncio.timeout(15):
                await scenario(here)

    yield lambda scenario, spread=0: asyncio.run(run(scenario, spread))


@contextlib.asynccontextmanager
async def world(ca: certificates.Pair, folder: Path, spread: float) -> AsyncIterator[World]:
    async with aiohttp.ClientSession() as http:
        tls = Certificates({"cert_file": str(ca.cert_file), "key_file": str(ca.key_file)}, folder)
        health = Health(http, lambda found: None)
        proxy = Proxy(
            LoadBalancers(spread), tls, health, Resolver({"aws": {"url": "http://127.0.0.1:1"}}, http)
        )
        # All targets are at 127.0.0.1; the id is only a name.
        proxy.resolver.ip = lambda target, among: "127.0.0.1"  # type: ignore[method-assign]
        server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0, limit=http1.LIMIT)
        here = World(proxy, server.sockets[0].getsockname()[1], ca)
        try:
            async with here.stack:
                yield here
        finally:
            health.stop()
            server.close()


def test_switch_applies_to_the_next_request_of_a_kept_connection(play: Any) -> None:
    async def scenario(world: World) -> None:
        await world.target("blue", says("1.0.0"))
        await world.target("green", says("1.1.0"))
        world.apply()
        connection = await world.connect()
        assert await world.ask(connection) == (200, "1.0.0")
        world.rules = [rule(forward(blue=0, green=100))]
        world.apply()
        assert await world.ask(connection) == (200, "1.1.0")

    play(scenario)


def test_addresses_switch_at_different_times_and_only_forward(play: Any) -> None:
    async def scenario(world: World) -> None:
        await world.target("blue", says("1.0.0"))
        await world.target("green", says("1.1.0"))
        world.apply()
        one = await world.connect("52.0.0.1", ALB)
        other = await world.connect("52.0.0.2", ALB)
        world.rules = [rule(forward(blue=0, green=100))]
        world.apply()
        assert await world.ask(one) == (200, "1.0.0"), "a change takes a moment to reach an address"
        seen = []
        for _ in range(200):
            seen.append(((await world.ask(one))[1], (await world.ask(other))[1]))
            if seen[-1] == ("1.1.0", "1.1.0"):
                break
            await asyncio.sleep(0.005)
        for versions in zip(*seen, strict=True):
            assert list(versions) == sorted(versions)
        assert seen[-1] == ("1.1.0", "1.1.0")

    play(scenario, 0.2)


def test_late_older_table_is_ignored(play: Any) -> None:
    async def scenario(world: World) -> None:
        world.apply()
        node = world.proxy.load_balancers.find("52.0.0.1")
        assert node is not None
        newest = node.table
        node.update(-5, None)  # type: ignore[arg-type]
        assert node.table is newest

    play(scenario)


def test_port_80_redirects_and_preview_rule_has_precedence(play: Any) -> None:
    async def scenario(world: World) -> None:
        await world.target("blue", says("1.0.0"))
        await world.target("green", says("1.1.0"))
        header = {
            "Field": "http-header",
            "HttpHeaderConfig": {"HttpHeaderName": "X-Preview", "Values": ["token"]},
        }
        world.rules.append(rule(forward(green=1), 10, header))
        world.apply()
        preview = "GET / HTTP/1.1\r\nHost: x\r\nX-Preview: token\r\n\r\n"
        connection = await world.connect()
        assert await world.ask(connection, preview) == (200, "1.1.0")
        assert await world.ask(connection) == (200, "1.0.0")
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(f"GET http://{ALB}/a?b=c HTTP/1.1\r\nHost: {ALB}\r\n\r\n".encode())
        head = await http1.read_head(reader)
        assert head is not None
        assert head.start[1] == b"301"
        assert head.by_name[b"location"] == f"https://{ALB}/a?b=c".encode()
        writer.close()

    play(scenario)


def test_only_names_of_load_balancers_are_accepted(play: Any) -> None:
    async def scenario(world: World) -> None:
        await world.target("blue", says("1.0.0"))
        world.apply()
        assert await world.get(host="assistant.example.com") == (200, "1.0.0")
        assert await world.get(host="any.test.example.com") == (200, "1.0.0")
        assert await world.get(host="52.0.0.2", name="assistant.example.com") == (200, "1.0.0")
        with pytest.raises(ssl.SSLCertVerificationError):  # An alias that the certificate does not cover.
            await world.get(host="alias.example.org")
        with pytest.raises(ConnectionRefusedError, match=r"has no load balancer example\.com"):
            await world.get(host="example.com")
        with pytest.raises(ConnectionRefusedError, match="no listener on port 444"):
            await world.get(port=444)

    play(scenario)


def test_public_hosts_lead_to_emulated_services(play: Any) -> None:
    async def scenario(world: World) -> None:
        discord = await world.target("blue", says("emulated"))
        world.proxy.emulated_hosts["discord.com"] = Address("127.0.0.1", discord.port)
        connection = await world.connect(host="discord.com")
        assert [await world.ask(connection) for _ in range(2)] == [(200, "emulated")] * 2
        assert b"x-forwarded-for" not in discord.heads[0].by_name

    play(scenario)


def test_sni_selects_the_certificate(play: Any) -> None:
    async def scenario(world: World) -> None:
        await world.target("blue", says("1.0.0"))
        world.certificates = [["one.example.com"], ["two.example.com"]]
        world.apply()
        assert await world.get(host="two.example.com") == (200, "1.0.0")
        assert await world.get(host="one.example.com") == (200, "1.0.0")

    play(scenario)


def test_headers_sent_to_a_target(play: Any) -> None:
    async def scenario(world: World) -> None:
        blue = await world.target("blue", says("1.0.0"))
        world.apply()
        fields = "Host: A.example.com\r\nX-Forwarded-For: 9.9.9.9\r\nConnection: close"
        request = f"GET /x?y=1 HTTP/1.1\r\n{fields}\r\n\r\n"
        await world.ask(await world.connect(), request)
        head = blue.heads[0]
        assert head.start == (b"GET", b"/x?y=1", b"HTTP/1.1")
        assert head.by_name[b"host"] == b"A.example.com"
        assert head.by_name[b"x-forwarded-for"] == b"9.9.9.9, 127.0.0.1"
        assert head.by_name[b"x-forwarded-proto"] == b"https"
        assert head.by_name[b"x-forwarded-port"] == b"443"
        assert head.by_name[b"connection"] == b"keep-alive"

    play(scenario)


def test_connections_to_targets_are_reused(play: Any) -> None:
    async def scenario(world: World) -> None:
        blue = await world.target("blue", says("1.0.0"))
        world.apply()
        for _ in range(5):
            assert await world.get() == (200, "1.0.0")
        assert blue.connections == 1

    play(scenario)


def test_connection_close_of_a_target_is_respected(play: Any) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        writer.write(http1.answer(200, "bye", [(b"Connection", b"close")]))
        return False

    async def scenario(world: World) -> None:
        blue = await world.target("blue", serve)
        world.apply()
        connection = await world.connect()
        assert [await world.ask(connection) for _ in range(3)] == [(200, "bye")] * 3, (
            "the client's connection stays"
        )
        assert blue.connections == 3

    play(scenario)


def test_lost_request_is_502_and_not_retried(play: Any) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        return False

    async def scenario(world: World) -> None:
        blue = await world.target("blue", serve)
        world.apply()
        status, body = await world.get()
        assert status == 502
        assert "502 Bad Gateway" in body
        assert len(blue.heads) == 1
        assert metrics(world)["HTTPCode_ELB_502_Count", ""] == 1

    play(scenario)


def test_refused_connections_are_502_and_empty_groups_503(play: Any) -> None:
    async def scenario(world: World) -> None:
        world.groups["blue"] = [1]
        world.apply()
        assert (await world.get())[0] == 502
        world.groups["blue"] = []
        world.apply()
        assert (await world.get())[0] == 503
        world.rules = [rule(forward(blue=0, green=0))]
        world.apply()
        assert (await world.get())[0] == 503

    play(scenario)


def test_silent_target_is_504(play: Any) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        await reader.read()
        return False

    async def scenario(world: World) -> None:
        await world.target("blue", serve)
        world.idle_timeout = 0.05
        world.apply()
        assert (await world.get())[0] == 504

    play(scenario)


def test_incomplete_answer_breaks_the_connection(play: Any) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        return False

    async def scenario(world: World) -> None:
        await world.target("blue", serve)
        world.apply()
        reader, writer = await world.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await http1.read_head(reader)
            await reader.readuntil(b"0\r\n\r\n")

    play(scenario)


def test_chunks_are_forwarded_immediately(play: Any) -> None:
    go_on = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await go_on.wait()
        writer.write(b"5\r\nworld\r\n0\r\n\r\n")
        return True

    async def scenario(world: World) -> None:
        await world.target("blue", serve)
        world.apply()
        reader, writer = await world.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await http1.read_head(reader)
        assert await reader.readuntil(b"hello\r\n") == b"5\r\nhello\r\n"
        go_on.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"5\r\nworld\r\n0\r\n\r\n"
        go_on.clear()

    play(scenario)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_request_bodies_are_forwarded_and_connection_is_kept(play: Any, framing: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        count = head.length()
        if count is None:
            count = 0
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await reader.readexactly(size + 2)
                count += size
            await reader.readuntil(b"\r\n")
        else:
            await reader.readexactly(count)
        writer.write(http1.answer(200, str(count)))
        return True

    async def scenario(world: World) -> None:
        await world.target("blue", serve)
        world.apply()
        size = 300_000
        start = "POST / HTTP/1.1\r\nHost: x\r\n"
        if framing == "length":
            request = f"{start}Content-Length: {size}\r\n\r\n" + "x" * size
        else:
            request = f"{start}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n" + "x" * size + "\r\n0\r\n\r\n"
        connection = await world.connect()
        assert await world.ask(connection, request) == (200, str(size))
        assert await world.ask(connection, request) == (200, str(size))

    play(scenario)


def test_websockets_work_in_both_directions(play: Any) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        assert head.by_name[b"upgrade"] == b"websocket"
        assert head.by_name[b"connection"] == b"upgrade"
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        writer.write(b"echo " + await reader.readexactly(4))
        return False

    async def scenario(world: World) -> None:
        await world.target("blue", serve)
        world.apply()
        reader, writer = await world.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        head = await http1.read_head(reader)
        assert head is not None
        assert head.start[1] == b"101"
        writer.write(b"ping")
        assert await reader.readexactly(9) == b"echo ping"

    play(scenario)


def test_head_and_204_have_no_body(play: Any) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        if head.start[0] == b"HEAD":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True

    async def scenario(world: World) -> None:
        await world.target("blue", serve)
        world.apply()
        reader, writer = await world.connect()
        for method, status in ((b"HEAD", b"200"), (b"DELETE", b"204"), (b"HEAD", b"200")):
            writer.write(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await http1.read_head(reader)
            assert head is not None
            assert head.start[1] == status

    play(scenario)


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: x\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Space : x\r\n",
    ],
)
def test_ambiguous_requests_are_refused(play: Any, fields: str) -> None:
    async def scenario(world: World) -> None:
        blue = await world.target("blue", says("1.0.0"))
        world.apply()
        request = f"POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\nabc"
        assert (await world.ask(await world.connect(), request))[0] == 400
        assert not blue.heads

    play(scenario)


def test_unhealthy_targets_are_used_only_if_none_is_healthy(play: Any) -> None:
    ill: set[str] = set()

    def serve_as(name: str) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
            writer.write(http1.answer(500 if name in ill else 200, name))
            return True

        return serve

    async def until(world: World, states: list[str]) -> None:
        while sorted(s["state"] for s in world.proxy.health.states()) != states:
            await asyncio.sleep(0.01)

    async def scenario(world: World) -> None:
        await world.target("blue", serve_as("a"))
        await world.target("blue", serve_as("b"))
        world.apply()
        table = world.proxy.load_balancers.find(ALB).table  # type: ignore[union-attr]
        groups = list(table.groups.values())  # type: ignore[union-attr]
        world.proxy.health.watch(groups, world.proxy.resolver.ip)
        await until(world, ["healthy", "healthy"])
        assert {(await world.get())[1] for _ in range(4)} == {"a", "b"}
        ill.add("a")
        await until(world, ["healthy", "unhealthy"])
        assert {await world.get() for _ in range(4)} == {(200, "b")}
        reason = next(s for s in world.proxy.health.states() if s["state"] == "unhealthy")
        assert reason["reason"] == "Target.ResponseCodeMismatch"
        assert reason["description"].endswith("[500]")
        ill.add("b")
        await until(world, ["unhealthy", "unhealthy"])
        assert {await world.get() for _ in range(4)} == {(500, "a"), (500, "b")}
        ill.clear()
        await until(world, ["healthy", "healthy"])

    play(scenario)


def test_fixed_responses_and_unsupported_actions(play: Any) -> None:
    async def scenario(world: World) -> None:
        fixed = {"StatusCode": "503", "MessageBody": "back soon", "ContentType": "text/plain"}
        world.rules = [rule({"Type": "fixed-response", "FixedResponseConfig": fixed})]
        world.apply()
        assert await world.get() == (503, "back soon")
        world.rules = [rule({"Type": "authenticate-oidc"})]
        world.apply()
        assert await world.get() == (500, "authenticate-oidc: not supported by the emulator\n")

    play(scenario)


def test_requests_are_counted_by_target_group(play: Any) -> None:
    async def scenario(world: World) -> None:
        await world.target("blue", says("1.0.0"))
        world.apply()
        for _ in range(3):
            await world.get()
        names = ("RequestCount", "HTTPCode_Target_2XX_Count")
        assert metrics(world) == {(name, group): 3 for name in names for group in ("", "blue")}
        assert len(times(world, "blue")) == 3
        assert 0 < max(times(world, "blue")) < 5

    play(scenario)


def test_time_of_an_answer_ends_at_its_headers(play: Any) -> None:
    """What comes after them is not measured, as on AWS."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        await asyncio.sleep(0.2)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
        await asyncio.sleep(0.5)
        writer.write(b"x")
        return True

    async def scenario(world: World) -> None:
        await world.target("blue", slow)
        world.apply()
        await world.get()
        (measured,) = times(world, "blue")
        assert 0.2 <= measured < 0.5

    play(scenario)


def test_lost_requests_are_counted(play: Any) -> None:
    """A connection that a target refuses is counted for its group; an answer of the load balancer only for itself."""

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
        return False

    async def scenario(world: World) -> None:
        await world.target("blue", dies)
        world.apply()
        assert (await world.get())[0] == 502
        own = {("HTTPCode_ELB_5XX_Count", ""): 1, ("HTTPCode_ELB_502_Count", ""): 1}
        requests = {("RequestCount", ""): 1, ("RequestCount", "blue"): 1}
        assert metrics(world) == {**requests, **own}
        world.proxy.metrics._minutes.clear()
        world.groups["blue"] = [1]  # Nobody listens at this port.
        world.apply()
        assert (await world.get())[0] == 502
        refused = {("TargetConnectionErrorCount", group): 1 for group in ("", "blue")}
        assert metrics(world) == {**requests, **own, **refused}
        world.proxy.metrics._minutes.clear()
        world.groups["blue"] = []
        world.apply()
        assert (await world.get())[0] == 503
        assert metrics(world) == {("HTTPCode_ELB_5XX_Count", ""): 1, ("HTTPCode_ELB_503_Count", ""): 1}

    play(scenario)


def test_closed_idle_connection_is_not_used(play: Any) -> None:
    async def scenario(world: World) -> None:
        blue = await world.target("blue", says("x"))
        pool = Pool()
        address = Address("127.0.0.1", blue.port)
        first = await pool.acquire(address)
        pool.release(first, 60)
        again = await pool.acquire(address)
        assert again.reused
        assert again.writer is first.writer
        again.writer.close()
        pool.release(again, 60)
        other = await pool.acquire(address)
        assert other.writer is not first.writer
        pool.release(other, 60)
        pool.retain(set())
        assert other.writer.is_closing()

    play(scenario)


def test_connections_to_targets_are_kept_for_the_idle_timeout(play: Any) -> None:
    async def scenario(world: World) -> None:
        blue = await world.target("blue", says("x"))
        world.idle_timeout = 0.3
        world.apply()
        for _ in range(3):
            await world.get()
        assert blue.connections == 1
        await asyncio.sleep(0.4)
        await world.get()
        assert blue.connections == 2

    play(scenario)


def test_request_on_a_closing_connection_is_lost(play: Any) -> None:
    """As with an ALB, the answer is 502, without a retry on another connection or target."""

    async def scenario(world: World) -> None:
        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: http1.Head) -> bool:
            if len(blue.heads) > 1:
                return (
                    False  # A paused Tomcat reads the request, and closes the connection without an answer.
                )
            writer.write(http1.answer(200, "x"))
            return True

        blue = await world.target("blue", one)
        world.apply()
        assert (await world.get())[0] == 200
        assert (await world.get())[0] == 502
        assert blue.connections == 1 and len(blue.heads) == 2
        assert metrics(world)["HTTPCode_ELB_502_Count", ""] == 1

    play(scenario)


def test_instances_map_to_the_nodes_of_the_user_cluster() -> None:
    resolver = Resolver({"aws": {"url": ""}, "kubernetes": {"external": "kubeconfig"}}, None)  # type: ignore[arg-type]
    among = ["i-c", "i-a", "i-b"]
    assert resolver.ip("i-a", among) is None
    resolver._nodes = ["172.18.0.2", "172.18.0.3"]
    assert [resolver.ip(i, among) for i in ("i-a", "i-b", "i-c")] == [
        "172.18.0.2",
        "172.18.0.3",
        "172.18.0.2",
    ]
    resolver._ips["i-a"] = "127.83.12.9"
    assert resolver.ip("i-a", among) == "127.83.12.9"
    assert resolver.ip("10.0.0.1", among) == "10.0.0.1"


def test_reports_are_sent_in_order() -> None:
    async def scenario() -> None:
        link = MotoLink({"aws": {"url": "http://127.0.0.1:1"}}, None)  # type: ignore[arg-type]
        link.report([{"state": "initial"}])
        link.report([{"state": "healthy"}])
        assert [(await link._reports.get())[0]["state"] for _ in range(2)] == ["initial", "healthy"]

    asyncio.run(scenario())
