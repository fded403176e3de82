"""The sample service: what a Spring Boot application looks like from outside, in one file.

It needs Python's own library alone. It is what the rehearsal's pods and instances run, and the content of the
sample's container image. Its settings are environment variables, named as Spring Boot names them if it does:

SERVER_ADDRESS, SERVER_PORT   where it listens (0.0.0.0, 8080)
SERVICE_VERSION               what /actuator/info tells (0.0.0)
SERVICE_BEHAVIOUR             ok, crash (ends before it listens), never-ready, error (ready, but / is 500),
                              slow (each answer of / takes SERVICE_SLOW_SECONDS: 2), wrong-version (tells
                              another version), dies (ends SERVICE_DIES_SECONDS after its start: 5; or, if
                              it is set, with the SERVICE_DIES_REQUESTS-th request for /)
SERVICE_BOOT_SECONDS          how long it takes to start (0)
SERVICE_SHUTDOWN_SECONDS      how long connections that are open at SIGTERM are served at most (20); each is
                              closed with its next answer, or once it has been quiet for 2 seconds
HOSTNAME, SERVICE_SLOT        told by / as pod and, if it is set, slot

`sample_service.py migrate` is its database migration: it says so and ends, with 1 if the behaviour is crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
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
QUIET_SECONDS = 2.0


def say(text: str) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    print(f"{stamp}.{int(time.time() * 1000) % 1000:03d}Z  {text}", flush=True)


class Service:
    """Answers by path; `stopping` once it was asked to end."""

    def __init__(self) -> None:
        environment = os.environ
        self.behaviour = environment.get("SERVICE_BEHAVIOUR", "ok")
        if self.behaviour not in BEHAVIOURS:
            sys.exit(f"SERVICE_BEHAVIOUR is {self.behaviour!r}; it may be {', '.join(BEHAVIOURS)}")
        self.version = environment.get("SERVICE_VERSION", "0.0.0")
        if self.behaviour == "wrong-version":
            self.version += "-other"
        self.pod = environment.get("HOSTNAME", "")
        self.slot = {"slot": slot} if (slot := environment.get("SERVICE_SLOT")) else {}
        self.slow = float(environment.get("SERVICE_SLOW_SECONDS", "2")) if self.behaviour == "slow" else 0.0
        self.left = int(environment.get("SERVICE_DIES_REQUESTS", "0")) if self.behaviour == "dies" else 0
        self.stopping = False
        self.connections: set[Connection] = set()

    def answer(self, path: str) -> tuple[int, dict[str, object]]:
        """Status and JSON for a path."""
        ready = self.behaviour != "never-ready" and not self.stopping
        match path:
            case "/":
                self.left -= 1
                if self.left == 0:
                    die()
                if self.behaviour == "error":
                    say("ERROR NullPointerException: the model client is not configured")
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
    """One client's connection: requests one after the other, kept alive as HTTP/1.1 has it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.buffer = b""
        self.busy = False
        self.heard = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.service.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.service.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.heard = time.monotonic()
        if not self.busy:
            self.next_request()

    def close_if_quiet(self) -> None:
        if not self.busy and not self.buffer and time.monotonic() - self.heard > QUIET_SECONDS:
            self.transport.close()

    def next_request(self) -> None:
        """Answer what has come in whole; a body is read past, its content doesn't matter here."""
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
        if self.service.slow and path == "/":
            self.busy = True  # Until it is answered: what comes meanwhile waits.
            loop = asyncio.get_running_loop()
            loop.call_later(self.service.slow, self.respond, method, status, body, close)
        else:
            self.respond(method, status, body, close)

    def respond(self, method: str, status: int, body: dict[str, object], close: bool) -> None:
        self.busy = False
        close = close or self.service.stopping
        content = json.dumps(body).encode()
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nX-Service-Version: {self.service.version}\r\n"
        )
        head += "Connection: close\r\n\r\n" if close else "\r\n"
        self.transport.write(head.encode() + (b"" if method == "HEAD" else content))
        if close:
            self.transport.close()
        elif self.buffer:
            self.next_request()


async def serve(service: Service) -> None:
    """Listen until SIGTERM; then serve on what is open until it is closed, or time is up."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asked.wait(), float(os.environ.get("SERVICE_BOOT_SECONDS", "0")))
        return
    if service.behaviour == "crash":
        say("ERROR Application run failed: Could not resolve placeholder 'MODEL_API_KEY'")
        sys.exit(1)
    if service.behaviour == "dies" and service.left <= 0:
        loop.call_later(float(os.environ.get("SERVICE_DIES_SECONDS", "5")), die)
    address, port = os.environ.get("SERVER_ADDRESS", "0.0.0.0"), int(os.environ.get("SERVER_PORT", "8080"))
    server = await loop.create_server(lambda: Connection(service), address, port, backlog=512)
    say(f"Started sample {service.version} on {address}:{port}")
    await asked.wait()
    say("Commencing graceful shutdown. Waiting for active requests to complete")
    service.stopping = True
    server.close()
    end = loop.time() + float(os.environ.get("SERVICE_SHUTDOWN_SECONDS", "20"))
    while service.connections and loop.time() < end:
        for connection in list(service.connections):
            connection.close_if_quiet()
        await asyncio.sleep(0.02)
    say("Graceful shutdown complete")


def die() -> None:
    say("ERROR OutOfMemoryError: Java heap space")
    os._exit(3)


def migrate() -> int:
    version, failing = (
        os.environ.get("SERVICE_VERSION", "0.0.0"),
        os.environ.get("SERVICE_BEHAVIOUR") == "crash",
    )
    say(f"Migrating schema to version {version}")
    say("ERROR Migration failed: relation does not exist" if failing else "Successfully applied 1 migration")
    return int(failing)


if __name__ == "__main__":
    if sys.argv[1:] == ["migrate"]:
        sys.exit(migrate())
    asyncio.run(serve(Service()))
