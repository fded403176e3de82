"""The sample service: it behaves like a Spring Boot application, in one file.

It needs only Python's standard library. The emulator's pods and instances run it, and it is the content of the sample
container image. It keeps and closes connections like Tomcat (10.1 and 11, with `server.shutdown: graceful`). Its
settings are environment variables, with Spring Boot's names where these exist:

SERVER_ADDRESS, SERVER_PORT   the address and port to listen on (0.0.0.0, 8080)
SERVER_TOMCAT_KEEP_ALIVE_TIMEOUT
                              how long a connection may be idle (60s)
SERVER_TOMCAT_MAX_KEEP_ALIVE_REQUESTS
                              the number of requests after which a connection is closed; the last answer has
                              `Connection: close` (100)
SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE
                              how long requests in progress may take at shutdown (30s)
SERVICE_VERSION               the version that / and /actuator/info report (0.0.0)
SERVICE_BEHAVIOUR             ok, crash (exits before it listens), never-ready, error (ready, but / answers 500),
                              slow (each answer of / takes SERVICE_SLOW_SECONDS: 2), wrong-version (reports
                              another version), dies (exits SERVICE_DIES_SECONDS after its start: 5; or at the
                              SERVICE_DIES_REQUESTS-th request for / if that variable is set)
SERVICE_BOOT_SECONDS          how long the start takes (0)
SERVICE_DRAIN_SECONDS         how long the service continues to serve after SIGTERM, each answer with
                              `Connection: close`, as with Drain.java of examples/application (2); 0 is Tomcat's
                              default behaviour
HOSTNAME, SERVICE_SLOT        reported by / as pod and, if set, slot

`sample_service.py migrate` is the database migration: it logs a line and exits, with status 1 for the behaviour crash.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time

BEHAVIOURS = ("ok", "crash", "never-ready", "error", "slow", "wrong-version", "dies")
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
LONGEST_HEAD = 64 * 1024
UNITS = {"ms": 0.001, "": 0.001, "s": 1.0, "m": 60.0}
LOOK_SECONDS = 0.05


def log(text: str) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    print(f"{stamp}.{int(time.time() * 1000) % 1000:03d}Z  {text}", flush=True)


def seconds(name: str, default: str) -> float:
    """Parse a duration in Spring's format: 75s, 500ms, or milliseconds without a unit."""
    text = os.environ.get(name, default)
    found = re.fullmatch(r"(\d+)(ms|s|m|)", text.strip().lower())
    if not found:
        sys.exit(f"{name} is {text!r}, which is not a duration")
    return int(found[1]) * UNITS[found[2]]


class Service:
    """The service's state and its answers by path.

    `stopping` is set by SIGTERM, `draining` too if answers then have `Connection: close`; `paused` is set when new
    requests are no longer accepted.
    """

    def __init__(self) -> None:
        environment = os.environ
        self.behaviour = environment.get("SERVICE_BEHAVIOUR", "ok")
        if self.behaviour not in BEHAVIOURS:
            sys.exit(f"SERVICE_BEHAVIOUR {self.behaviour!r} is not one of {', '.join(BEHAVIOURS)}")
        self.version = environment.get("SERVICE_VERSION", "0.0.0")
        if self.behaviour == "wrong-version":
            self.version += "-other"
        self.pod = environment.get("HOSTNAME", "")
        self.slot = {"slot": slot} if (slot := environment.get("SERVICE_SLOT")) else {}
        self.slow = float(environment.get("SERVICE_SLOW_SECONDS", "2")) if self.behaviour == "slow" else 0.0
        self.left = int(environment.get("SERVICE_DIES_REQUESTS", "0")) if self.behaviour == "dies" else 0
        self.keep_alive = seconds("SERVER_TOMCAT_KEEP_ALIVE_TIMEOUT", "60s")
        self.most = int(environment.get("SERVER_TOMCAT_MAX_KEEP_ALIVE_REQUESTS", "100"))
        self.drain = float(environment.get("SERVICE_DRAIN_SECONDS", "2"))
        self.stopping = self.draining = self.paused = False
        self.connections: set[Connection] = set()

    def answer(self, path: str) -> tuple[int, dict[str, object]]:
        """Return status and JSON for a path."""
        ready = self.behaviour != "never-ready" and not self.stopping
        match path:
            case "/":
                self.left -= 1
                if self.left == 0:
                    die()
                if self.behaviour == "error":
                    log("ERROR NullPointerException: the model client is not configured")
                    return 500, {"error": "Internal Server Error", "version": self.version}
                return 200, {"version": self.version, "pod": self.pod, **self.slot}
            case "/actuator/health/liveness":
                return 200, {"status": "UP"}
            case "/actuator/health/readiness" | "/actuator/health":
                return (200, {"status": "UP"}) if ready else (503, {"status": "OUT_OF_SERVICE"})
            case "/actuator/info":
                return 200, {"build": {"version": self.version, "name": "sample"}}
        return 404, {"error": "Not Found", "path": path}


class Connection(asyncio.Protocol):
    """One client's connection: answers requests in sequence, with HTTP/1.1 keep-alive."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.buffer = b""
        self.busy = False
        self.requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.loop = asyncio.get_running_loop()
        self.service.connections.add(self)
        self.heard = self.loop.time()
        self.close_if_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        self.timer.cancel()
        self.service.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.heard = self.loop.time()
        if self.service.paused and not self.busy:
            self.transport.abort()  # Tomcat does not answer requests that arrive now.
        elif not self.busy:
            self.next_request()

    def close_if_idle(self) -> None:
        now = self.loop.time()
        end = (now if self.busy else self.heard) + self.service.keep_alive
        if now >= end:
            self.transport.close()
        else:
            self.timer = self.loop.call_at(end, self.close_if_idle)

    def next_request(self) -> None:
        """Answer the next complete request. Its body is skipped."""
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            if len(self.buffer) > LONGEST_HEAD:
                self.respond("GET", 400, {"error": "Bad Request"}, close=True)
            return
        try:
            line, *lines = head.decode("latin-1").split("\r\n")
            method, target, protocol = line.split(" ")
            headers = {
                name.strip().lower(): value.strip() for name, _, value in (h.partition(":") for h in lines)
            }
            length = int(headers.get("content-length", "0"))
        except ValueError:
            self.respond("GET", 400, {"error": "Bad Request"}, close=True)
            return
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        asked = headers.get("connection", "").lower()
        close = asked == "close" or (protocol == "HTTP/1.0" and asked != "keep-alive")
        path = target.partition("?")[0]
        status, body = self.service.answer(path)
        self.requests += 1
        close = close or 0 < self.service.most <= self.requests
        if self.service.slow and path == "/":
            self.busy = True  # Later requests wait until this one is answered.
            self.loop.call_later(self.service.slow, self.respond, method, status, body, close)
        else:
            self.respond(method, status, body, close)

    def respond(self, method: str, status: int, body: dict[str, object], close: bool) -> None:
        self.busy = False
        self.heard = self.loop.time()
        close = close or self.service.draining
        content = json.dumps(body).encode()
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nX-Service-Version: {self.service.version}\r\n"
        )
        head += "Connection: close\r\n\r\n" if close else "\r\n"
        self.transport.write(head.encode() + (b"" if method == "HEAD" else content))
        if close or self.service.paused:
            self.transport.close()
        elif self.buffer:
            self.next_request()


async def serve(service: Service) -> int:
    """Listen until a signal; then drain, and return when no request is in progress or the time is over.

    Return the exit code: 128 plus the signal's number, as a JVM does.
    """
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[int] = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda number=number: asked.done() or asked.set_result(128 + number))
    await asyncio.wait([asked], timeout=float(os.environ.get("SERVICE_BOOT_SECONDS", "0")))
    if asked.done():
        return asked.result()
    if service.behaviour == "crash":
        log("ERROR Application run failed: Could not resolve placeholder 'MODEL_API_KEY'")
        sys.exit(1)
    if service.behaviour == "dies" and service.left <= 0:
        loop.call_later(float(os.environ.get("SERVICE_DIES_SECONDS", "5")), die)
    address, port = os.environ.get("SERVER_ADDRESS", "0.0.0.0"), int(os.environ.get("SERVER_PORT", "8080"))
    server = await loop.create_server(lambda: Connection(service), address, port, backlog=512)
    log(f"Started sample {service.version} on {address}:{port}")
    code = await asked
    service.stopping, service.draining = True, service.drain > 0
    longest = seconds("SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE", "30s")
    if service.draining:
        await wait_until_idle(service, loop.time() + service.drain, loop.time() + longest)
    log("Commencing graceful shutdown. Waiting for active requests to complete")
    service.paused = True
    server.close()
    await wait_until_idle(service, loop.time(), loop.time() + longest)
    log("Graceful shutdown complete")
    return code


async def wait_until_idle(service: Service, earliest: float, latest: float) -> None:
    """Wait until no request is in progress."""
    now = asyncio.get_running_loop().time
    while now() < latest and (now() < earliest or any(one.busy for one in service.connections)):
        await asyncio.sleep(LOOK_SECONDS)


def die() -> None:
    log("ERROR OutOfMemoryError: Java heap space")
    os._exit(3)


def migrate() -> int:
    version, failing = (
        os.environ.get("SERVICE_VERSION", "0.0.0"),
        os.environ.get("SERVICE_BEHAVIOUR") == "crash",
    )
    log(f"Migrating schema to version {version}")
    log("ERROR Migration failed: relation does not exist" if failing else "Successfully applied 1 migration")
    return int(failing)


if __name__ == "__main__":
    if sys.argv[1:] == ["migrate"]:
        sys.exit(migrate())
    sys.exit(asyncio.run(serve(Service())))
