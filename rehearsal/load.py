"""A load generator for the rehearsal: steady requests by clients of both kinds, failures counted honestly.

    python -m rehearsal.load --url https://<load balancer>/ --duration 60 --rate 100

It honours the standard variables (HTTPS_PROXY, HTTP_PROXY, NO_PROXY, SSL_CERT_FILE), and sends to loopback
alone, directly or by a proxy there. Clients that keep their connection and clients that make one each time
are mixed. Nothing is tried twice. It ends after --duration, or with Ctrl-C or SIGTERM before that; the
exit status is 0 if no request failed, 1 if any did (or none was made), 2 if it refused to start.
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
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from rehearsal import http1

LONGEST = 3600.0
EXAMPLES = 20
"""How many failures are told one by one."""


class Refused(Exception):
    """Load that this program does not send; the message says why."""


class Route(NamedTuple):
    """How requests get to a URL."""

    host: str
    port: int
    tls: bool
    first_hop: tuple[str, int]
    proxied: bool
    request: bytes


def route(url: str, headers: list[str]) -> Route:
    """The way to `url` by the standard proxy variables. Raises Refused if it leaves this machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"{url} is no http(s) URL")
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    proxy = None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
    hop = urlsplit(proxy) if proxy else parts
    first_hop = (hop.hostname or "", hop.port or port)
    if not _is_loopback(first_hop[0]):
        how = (
            f"the proxy {proxy}"
            if proxy
            else "no proxy (is HTTPS_PROXY set? `python -m rehearsal env` tells it)"
        )
        raise Refused(f"load goes to loopback alone, and {url} by {how} does not lead there")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = f"http://{parts.netloc}{path}" if proxy and not tls else path
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "User-Agent: teal-load",
        "Accept: */*",
        *headers,
    ]
    return Route(parts.hostname, port, tls, first_hop, bool(proxy), "\r\n".join(lines).encode())


def _is_loopback(host: str) -> bool:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address).is_loopback for address in found)


@dataclass
class Counts:
    """What happened so far."""

    versions: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    returns: int = 0
    """How often a client saw a version that it had left: a switch back, or addresses that disagree."""
    latencies: list[float] = field(default_factory=list)
    series: dict[int, Counter[str]] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    @property
    def requests(self) -> int:
        """All of them, failed ones too."""
        return self.versions.total() + self.failures.total()

    def success(self, version: str, seconds: float) -> None:
        """A 2xx answer."""
        self.versions[version] += 1
        self.latencies.append(seconds)
        self._second()[version] += 1

    def failure(self, reason: str, kind: str) -> None:
        """A request without a 2xx answer."""
        self.failures[reason] += 1
        self._second()["failed"] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append({"second": round(self.elapsed, 2), "reason": reason, "connection": kind})

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.begun

    def _second(self) -> Counter[str]:
        return self.series.setdefault(int(self.elapsed), Counter())

    def as_json(self, seconds: float) -> dict[str, Any]:
        """The whole, for --json."""
        return {
            "seconds": round(seconds, 2),
            "requests": self.requests,
            "failed": self.failures.total(),
            "versions": dict(self.versions),
            "failures": dict(self.failures),
            "examples": self.examples,
            "connections": self.connections,
            "returns": self.returns,
            "latency_ms": {name: round(1000 * value, 1) for name, value in self._percentiles()},
            "series": [{"second": second, **counts} for second, counts in sorted(self.series.items())],
        }

    def _percentiles(self) -> Iterator[tuple[str, float]]:
        ordered = sorted(self.latencies)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
            if ordered:
                yield name, ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def line(self) -> str:
        """One line of progress."""
        versions = "   ".join(f"{version}: {count}" for version, count in sorted(self.versions.items()))
        return (
            f"{self.elapsed:6.1f} s   {self.requests} requests   {versions}   failed: {self.failures.total()}"
        )

    def table(self, seconds: float) -> str:
        """The end's summary."""
        rows = [(f"version {version}", str(count)) for version, count in sorted(self.versions.items())]
        rows += [(f"failed: {reason}", str(count)) for reason, count in self.failures.most_common()]
        rows += [
            (
                "requests",
                f"{self.requests} in {seconds:.1f} s ({self.requests / max(seconds, 0.001):.0f} a second)",
            ),
            ("failed", str(self.failures.total())),
            ("connections made", str(self.connections)),
            (
                "latency",
                ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in self._percentiles()) or "-",
            ),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


class ProxyRefused(Exception):
    """The proxy did not let the connection through."""


class Client:
    """One client: it waits for each answer before it asks again."""

    def __init__(
        self, way: Route, counts: Counts, keep: bool, timeout: float, tls: ssl.SSLContext | None
    ) -> None:
        self._way, self._counts, self._timeout, self._tls = way, counts, timeout, tls
        self._keep = keep
        self._kind = "kept" if keep else "new"
        self._request = way.request + (b"" if keep else b"\r\nConnection: close") + b"\r\n\r\n"
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._seen: list[str] = []

    async def run(self, first: float, interval: float, until: float) -> None:
        """Ask every `interval` seconds from `first` to `until` (monotonic)."""
        due = first
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._once()
            due = max(due + interval, time.monotonic() - 1)  # after a stall, no burst to make up for it
        self._close()

    async def _once(self) -> None:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                status, body = await self._ask()
        except TimeoutError:
            return self._failed(f"no answer within {self._timeout:g} s")
        except ProxyRefused as e:
            return self._failed(f"the proxy said {e}")
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
            self._close()  # the server ended an idle connection: no request is lost by that
        if not self._open:
            self._open = await self._connect()
        reader, writer = self._open
        writer.write(self._request)
        head = await http1.read_head(reader)
        if head is None:
            raise ConnectionResetError("closed before an answer")
        body = await _read_body(reader, head)
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
            return "answer broke off"
    return f"{type(error).__name__}: {error}"


def _version(body: bytes) -> str:
    try:
        return str(json.loads(body)["version"])
    except (ValueError, KeyError, TypeError):
        return "(no version)"


async def generate(options: argparse.Namespace, way: Route, progress: Any) -> tuple[Counts, float]:
    """Send the load. Returns the counts and how long it took, in seconds."""
    counts = Counts()
    tls = ssl.create_default_context() if way.tls else None
    keeps = {"keepalive": [True], "new": [False], "mixed": [True, False]}[options.connections]
    until = counts.begun + options.duration
    interval = options.clients / options.rate
    work = []
    for n in range(options.clients):
        client = Client(way, counts, keeps[n % len(keeps)], options.timeout, tls)
        work.append(client.run(counts.begun + n / options.rate, interval, until))
    tasks = [asyncio.create_task(one) for one in work]
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, lambda: [task.cancel() for task in tasks])
    telling = asyncio.create_task(_tell(counts, progress))
    await asyncio.wait(tasks)
    telling.cancel()
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            raise error
    return counts, counts.elapsed


async def _tell(counts: Counts, progress: Any) -> None:
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
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.load", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--url", required=True)
    parser.add_argument("--duration", type=_number(0.1, LONGEST), default=30.0, metavar="SECONDS")
    parser.add_argument(
        "--rate", type=_number(0.1, 5000), default=50.0, metavar="REQUESTS", help="a second, in all"
    )
    parser.add_argument("--clients", type=lambda text: int(_number(1, 200)(text)), default=6, metavar="N")
    parser.add_argument("--connections", choices=("keepalive", "new", "mixed"), default="mixed")
    parser.add_argument(
        "--timeout", type=_number(0.1, 60), default=10.0, metavar="SECONDS", help="for one request"
    )
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    parser.add_argument(
        "--json", action="store_true", help="the result as JSON to stdout, progress to stderr"
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run it; returns the exit status."""
    options = arguments(argv)
    try:
        way = route(options.url, options.header)
    except Refused as e:
        print(f"load: {e}", file=sys.stderr)
        return 2
    progress = sys.stderr if options.json else sys.stdout
    counts, seconds = asyncio.run(generate(options, way, progress))
    if progress.isatty():
        progress.write("\r\033[K")
    print(json.dumps(counts.as_json(seconds)) if options.json else counts.table(seconds), flush=True)
    return 0 if counts.requests and not counts.failures else 1


if __name__ == "__main__":
    sys.exit(main())
