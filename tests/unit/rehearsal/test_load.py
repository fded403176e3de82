"""The load generator: its counts are correct, and it sends requests to loopback only."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rehearsal import http1, load

Serve = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def version(text: str) -> bytes:
    return http1.answer(200, json.dumps({"version": text}))


def run(serve: Serve, *options: str, scheme: str = "http") -> tuple[load.Counts, list[http1.Head], int]:
    """The counts, the heads of the requests that the server received, and the number of its connections."""
    heads: list[http1.Head] = []
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while (head := await http1.read_head(reader)) is not None:
            heads.append(head)
            if not await serve(len(heads), reader, writer):
                break
        writer.close()

    async def play() -> load.Counts:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"{scheme}://127.0.0.1:{port}/path?x=1"
        given = load.arguments(
            ["--url", url, "--duration", "0.3", "--rate", "100", "--timeout", "0.2", *options]
        )
        async with server:
            counts, _ = await load.generate(given, load.route(given.url, given.header), io.StringIO())
        return counts

    counts = asyncio.run(play())
    return counts, heads, connections


def test_requests_are_counted_by_version() -> None:
    async def serve(n: int, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(version("1.0.0" if n <= 10 else "1.1.0"))
        return True

    counts, heads, connections = run(
        serve, "--connections", "keepalive", "--clients", "3", "--header", "X-A: b"
    )
    assert counts.requests == len(heads) == counts.versions.total()
    assert 20 <= counts.requests <= 33
    assert counts.versions["1.0.0"] == 10
    assert not counts.failures
    assert connections == counts.connections == 3
    assert counts.returns == 0
    assert heads[0].start[1] == b"/path?x=1"
    assert heads[0].by_name[b"x-a"] == b"b"
    result = counts.as_json(0.3)
    assert sum(second.get("1.1.0", 0) for second in result["series"]) == result["versions"]["1.1.0"]
    assert result["latency_ms"]["p50"] <= result["latency_ms"]["max"]


def test_mixed_clients_keep_and_reopen_connections() -> None:
    async def serve(n: int, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(version("1.0.0"))
        return True

    counts, heads, connections = run(serve, "--clients", "2")
    closing = [head for head in heads if head.by_name.get(b"connection") == b"close"]
    assert connections == len(closing) + 1
    assert 0 < len(closing) < counts.requests


def test_returning_version_is_counted() -> None:
    async def serve(n: int, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(version("1.1.0" if 5 <= n < 10 else "1.0.0"))
        return True

    counts, _, _ = run(serve, "--clients", "1")
    assert counts.returns == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http1.answer(502, "bad"), "HTTP 502"),
        (http1.answer(301, "moved"), "HTTP 301"),
        (b"", "connection reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", "answer incomplete"),
        (b"HTTP/1.1 200 OK\r\nContent-", "answer incomplete"),
    ],
)
def test_every_failure_is_counted(answer: bytes, reason: str) -> None:
    async def serve(n: int, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(version("1.0.0") if n % 3 else answer)
        return bool(n % 3)

    counts, heads, _ = run(serve, "--clients", "2")
    assert counts.failures == {reason: len(heads) // 3}
    assert counts.versions.total() == len(heads) - len(heads) // 3
    assert counts.examples[0]["reason"] == reason
    assert counts.examples[0]["connection"] in ("kept", "new")


EVENTS = b"data:a\n\n", b"event:done\ndata:c1\n\n"
CHUNKS = [b"%x\r\n%b\r\n" % (len(event), event) for event in EVENTS]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "cut_off", "failures"),
    [
        (HEAD + b"".join(CHUNKS) + b"0\r\n\r\n", 0, {}),
        (HEAD + CHUNKS[0], 1, {"answer incomplete": 1}),
        (HEAD + CHUNKS[0] + b"0\r\n\r\n", 1, {"answer incomplete": 1}),
        (http1.answer(502, "bad"), 0, {"HTTP 502": 1}),
    ],
    ids=["whole", "closed-within", "ended-without-its-last-event", "refused"],
)
def test_incomplete_stream_counts_as_cut_off(answer: bytes, cut_off: int, failures: dict[str, int]) -> None:
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await http1.read_head(reader)) is not None:
            if head.start[0] == b"POST":
                asked.append(await reader.readexactly(head.length() or 0))
                writer.write(answer)
                break
            writer.write(version("1.0.0"))
        writer.close()

    async def play() -> load.Counts:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        given = load.arguments(
            ["--url", url, "--duration", "0.3", "--streams", "1", "--stream-body", '{"text": "é"}']
        )
        streaming = load.route(url, [], given.stream_body)
        async with server:
            return (await load.generate(given, load.route(url, []), io.StringIO(), streaming))[0]

    counts = asyncio.run(play())
    streams = counts.as_json(0.3)["streams"]
    assert (streams["requests"], streams["cut_off"], streams["failures"]) == (1, cut_off, failures)
    assert counts.failed == bool(failures)
    assert not counts.failures, "failures of streams are counted separately"
    assert asked == ['{"text": "é"}'.encode()]
    assert "streams cut off" in counts.table(0.3)


def test_timeout_is_a_failure() -> None:
    async def serve(n: int, reader: asyncio.StreamReader, writer: Any) -> bool:
        await reader.read()
        return False

    counts, _, _ = run(serve, "--clients", "1")
    assert counts.failures["no answer within 0.2 s"] == counts.requests >= 1


def test_closed_idle_connection_is_no_failure() -> None:
    async def serve(n: int, reader: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(version("1.0.0"))
        return False

    counts, _, connections = run(serve, "--connections", "keepalive", "--clients", "1")
    assert not counts.failures
    assert connections == counts.requests > 10


def test_chunked_answers_are_read() -> None:
    async def serve(n: int, reader: Any, writer: asyncio.StreamWriter) -> bool:
        body = b'{"version": "2"}'
        writer.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        )
        return True

    counts, _, connections = run(serve, "--connections", "keepalive", "--clients", "1")
    assert counts.versions == {"2": counts.requests}
    assert connections == 1


@pytest.mark.parametrize("url", ["http://198.51.100.7/", "https://nowhere.invalid/", "http://8.8.8.8:8080/x"])
def test_load_is_sent_to_loopback_only(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert load.main(["--url", url]) == 2
    assert "loopback only" in capsys.readouterr().err


def test_only_a_proxy_on_loopback_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://198.51.100.7:3128")
    with pytest.raises(load.Refused, match=r"the proxy http://198\.51\.100\.7:3128"):
        load.route("https://alb.example.com/", [])
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    way = load.route("https://alb.example.com/", [])
    assert (way.first_hop, way.proxied, way.port) == (("127.0.0.1", 3128), True, 443)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    assert load.route("http://alb.example.com/a", []).request.startswith(
        b"GET http://alb.example.com/a HTTP/1.1"
    )
    monkeypatch.setenv("no_proxy", "localhost")
    assert not load.route("http://localhost:1/", []).proxied


def test_refusing_proxy_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> load.Counts:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await http1.read_head(reader)
            writer.write(http1.answer(502, "unknown"))
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        options = load.arguments(["--url", "https://alb.example.com/", "--duration", "0.1"])
        async with server:
            return (await load.generate(options, load.route(options.url, []), io.StringIO()))[0]

    counts = asyncio.run(play())
    assert counts.failures == {"the proxy answered 502": counts.requests}
    assert counts.requests > 0


@pytest.mark.parametrize("option", [["--duration", "99999"], ["--rate", "0"], ["--clients", "9999"]])
def test_options_are_limited(option: list[str]) -> None:
    with pytest.raises(SystemExit):
        load.arguments(["--url", "http://127.0.0.1/", *option])


def test_table_and_exit_status_show_failures(capsys: pytest.CaptureFixture[str]) -> None:
    assert load.main(["--url", "http://127.0.0.1:1/", "--duration", "0.1"]) == 1
    out = capsys.readouterr().out
    assert "failed: connection refused" in out
    assert load.main(["--url", "http://127.0.0.1:1/", "--duration", "0.1", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["failed"] == result["requests"] == result["failures"]["connection refused"]
