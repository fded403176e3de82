"""A load generator for the emulator: requests at a constant rate, with counts of every failure.

    python -m rehearsal.load --url https://<load balancer>/ --duration 60 --rate 100

`--streams N` adds clients that request streaming answers (POST --stream-body to --stream-path), one after the other.
A stream is complete if its HTTP body is complete and has --stream-end in its last lines; otherwise it is counted as
cut off, and failed.

The standard variables (HTTPS_PROXY, HTTP_PROXY, NO_PROXY, SSL_CERT_FILE) apply. Load is sent to loopback only,
directly or through a proxy on loopback. Half of the clients keep their connection, half open a new one for each
request. No request is retried. The program ends after --duration, or earlier by Ctrl-C or SIGTERM. The exit status is
0 if no request failed, 1 if any failed or none was sent, 2 if the options are refused.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import signal
import socket
import ssl
import sys
import time
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from rehearsal import http1
from rehearsal.load_counts import BROKE_OFF, Counts

LONGEST = 3600.0
LAST_BYTES = 200
"""--stream-end has to be within this many bytes before the end of an answer."""
STREAMS_APART = 0.3
"""Seconds between the starts of the streaming clients."""
STREAM_INTERVAL = 0.5
"""Minimum seconds between two streams of a client, which limits the rate of streams that fail at once."""
PROMPT = json.dumps({"text": "How do I release a service without a lost request, and what do I need for it?"})


class Refused(Exception):
    """The load generator refuses this URL; the message gives the reason."""


class Route(NamedTuple):
    """The connection data and the request bytes for a URL."""

    host: str
    port: int
    tls: bool
    first_hop: tuple[str, int]
    proxied: bool
    request: bytes
    body: bytes = b""


def route(url: str, headers: list[str], body: str = "") -> Route:
    """Return the route to a URL by the standard proxy variables, for a GET, or for a POST if there is a JSON `body`.

    Raises Refused if the first hop is not on loopback.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"{url} is not an http(s) URL")
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    proxy = None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
    hop = urlsplit(proxy) if proxy else parts
    first_hop = (hop.hostname or "", hop.port or port)
    if not _is_loopback(first_hop[0]):
        how = (
            f"the proxy {proxy}"
            if proxy
            else "no proxy (HTTPS_PROXY is not set: `python -m rehearsal env` prints it)"
        )
        raise Refused(f"load is sent to loopback only, and {url} by {how} does not lead there")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = f"http://{parts.netloc}{path}" if proxy and not tls else path
    content = [f"Content-Length: {len(body.encode())}", "Content-Type: application/json"] if body else []
    lines = [
        f"{'POST' if body else 'GET'} {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "User-Agent: teal-load",
        "Accept: */*",
        *content,
        *headers,
    ]
    head = "\r\n".join(lines).encode()
    return Route(parts.hostname, port, tls, first_hop, bool(proxy), head, body.encode())


def _is_loopback(host: str) -> bool:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address).is_loopback for address in found)


class Incomplete(Exception):
    """An answer ended before it was complete."""


class ProxyRefused(Exception):
    """The proxy refused the connection."""


class Client:
    """One client, which waits for each answer before the next request."""

    def __init__(
        self,
        way: Route,
        counts: Counts,
        keep: bool,
        timeout: float,
        tls: ssl.SSLContext | None,
        end: bytes = b"",
    ) -> None:
        self._end = end
        self._way, self._counts, self._timeout, self._tls = way, counts, timeout, tls
        self._keep = keep
        self._kind = "kept" if keep else "new"
        self._request = way.request + (b"" if keep else b"\r\nConnection: close") + b"\r\n\r\n" + way.body
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._seen: list[str] = []

    async def run(self, first: float, interval: float, until: float) -> None:
        """Send a request every `interval` seconds from `first` to `until` (monotonic)."""
        due = first
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._once()
            due = max(due + interval, time.monotonic() - 1)  # Do not send a burst after a stall.
        self._close()

    async def _once(self) -> None:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                status, body = await self._ask()
        except TimeoutError:
            return self._failed(f"no answer within {self._timeout:g} s")
        except ProxyRefused as e:
            return self._failed(f"the proxy answered {e}")
        except Incomplete:
            return self._failed(BROKE_OFF)
        except (OSError, EOFError, http1.BadMessage) as e:
            return self._failed(_reason(e))
        if not 200 <= status < 300:
            self._counts.failure(f"HTTP {status}", self._kind)
            return None
        self._counts.success(version := _version(body), time.monotonic() - begun)
        if not self._seen or self._seen[-1] != version:
            self._counts.returns += version in self._seen
            self._seen.append(version)
        return None

    def _failed(self, reason: str) -> None:
        self._close()
        self._counts.failure(reason, self._kind)

    async def _ask(self) -> tuple[int, bytes]:
        if self._open and (self._open[0].at_eof() or self._open[1].is_closing()):
            self._close()  # The server closed an idle connection; no request is lost.
        if not self._open:
            self._open = await self._connect()
        reader, writer = self._open
        writer.write(self._request)
        head = await http1.read_head(reader)
        if head is None:
            raise ConnectionResetError("closed before an answer")
        try:
            body = await _read_body(reader, head)
        except (OSError, EOFError) as e:
            raise Incomplete from e
        if head.start[1] == b"200" and self._end not in body[-LAST_BYTES:]:
            raise Incomplete
        if not (self._keep and head.keeps_alive()):
            self._close()
        return int(head.start[1]), body

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        way = self._way
        self._counts.connections += 1
        if way.tls and not way.proxied:
            return await asyncio.open_connection(*way.first_hop, ssl=self._tls, server_hostname=way.host)
        reader, writer = await asyncio.open_connection(*way.first_hop)
        if way.tls:
            writer.write(
                f"CONNECT {way.host}:{way.port} HTTP/1.1\r\nHost: {way.host}:{way.port}\r\n\r\n".encode()
            )
            head = await http1.read_head(reader)
            if head is None or head.start[1] != b"200":
                writer.close()
                raise ProxyRefused(head.start[1].decode() if head else "nothing")
            await writer.start_tls(self._tls, server_hostname=way.host)  # type: ignore[arg-type]
        return reader, writer

    def _close(self) -> None:
        if self._open:
            self._open[1].close()
            self._open = None


async def _read_body(reader: asyncio.StreamReader, head: http1.Head) -> bytes:
    if head.chunked():
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        return body
    length = head.length()
    return await (reader.read() if length is None else reader.readexactly(length))


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLError():
            return f"TLS: {error.reason or error}"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionError():
            return "connection reset"
        case EOFError():
            return BROKE_OFF
    return f"{type(error).__name__}: {error}"


def _version(body: bytes) -> str:
    try:
        return str(json.loads(body)["version"])
    except (ValueError, KeyError, TypeError):
        return "(no version)"


async def generate(
    options: argparse.Namespace, way: Route, progress: Any, streaming: Route | None = None
) -> tuple[Counts, float]:
    """Send the load, with stream requests to `streaming`. Return the counts and the duration in seconds."""
    counts = Counts()
    tls = ssl.create_default_context() if way.tls else None
    keeps = {"keepalive": [True], "new": [False], "mixed": [True, False]}[options.connections]
    until = counts.begun + options.duration
    interval = options.clients / options.rate
    work = []
    for n in range(options.clients):
        client = Client(way, counts, keeps[n % len(keeps)], options.timeout, tls)
        work.append(client.run(counts.begun + n / options.rate, interval, until))
    if streaming and options.streams:
        counts.streams = Counts()
        for n in range(options.streams):
            end = options.stream_end.encode()
            client = Client(
                streaming, counts.streams, keeps[n % len(keeps)], options.stream_timeout, tls, end
            )
            # Clients start at different times, so that at any time some stream is at any point of its answer.
            work.append(client.run(counts.begun + n * STREAMS_APART, STREAM_INTERVAL, until))
    tasks = [asyncio.create_task(one) for one in work]
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, lambda: [task.cancel() for task in tasks])
    reporting = asyncio.create_task(_report(counts, progress))
    await asyncio.wait(tasks)
    reporting.cancel()
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            raise error
    return counts, counts.elapsed


async def _report(counts: Counts, progress: Any) -> None:
    live = progress.isatty()
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(0.5 if live else 5)
            progress.write(f"\r{counts.line()}\033[K" if live else counts.line() + "\n")
            progress.flush()


def _number(low: float, high: float) -> Any:
    def convert(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return convert


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.load", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--url", required=True)
    parser.add_argument("--duration", type=_number(0.1, LONGEST), default=30.0, metavar="SECONDS")
    parser.add_argument(
        "--rate", type=_number(0.1, 5000), default=50.0, metavar="REQUESTS", help="per second, in total"
    )
    parser.add_argument("--clients", type=lambda text: int(_number(1, 200)(text)), default=6, metavar="N")
    parser.add_argument("--connections", choices=("keepalive", "new", "mixed"), default="mixed")
    parser.add_argument(
        "--timeout", type=_number(0.1, 60), default=10.0, metavar="SECONDS", help="of one request"
    )
    parser.add_argument("--streams", type=lambda text: int(_number(0, 50)(text)), default=0, metavar="N")
    parser.add_argument("--stream-path", default="/chat", metavar="PATH")
    parser.add_argument("--stream-body", default=PROMPT, metavar="JSON")
    parser.add_argument("--stream-end", default="event:done", metavar="TEXT")
    parser.add_argument("--stream-timeout", type=_number(0.1, 300), default=60.0, metavar="SECONDS")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON to stdout, progress to stderr"
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the load generator and return the exit status."""
    options = arguments(argv)
    try:
        way = route(options.url, options.header)
        streaming = route(urljoin(options.url, options.stream_path), options.header, options.stream_body)
    except Refused as e:
        print(f"load: {e}", file=sys.stderr)
        return 2
    progress = sys.stderr if options.json else sys.stdout
    counts, seconds = asyncio.run(generate(options, way, progress, streaming))
    if progress.isatty():
        progress.write("\r\033[K")
    print(json.dumps(counts.as_json(seconds)) if options.json else counts.table(seconds), flush=True)
    return 1 if counts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
