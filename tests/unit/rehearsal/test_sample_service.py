"""The sample service as a process: its answers and its shutdown."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SERVICE = Path(__file__).resolve().parents[3] / "rehearsal" / "sample_service.py"
Start = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the service with these settings and wait until it listens. Return process and port."""
    started: list[subprocess.Popen[str]] = []

    def run(**environment: str) -> tuple[subprocess.Popen[str], int]:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        given = {
            "SERVER_ADDRESS": "127.0.0.1",
            "SERVER_PORT": str(port),
            "SERVICE_VERSION": "1.2.3",
            **environment,
        }
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SERVICE)], env=given, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout
        assert "Started sample" in process.stdout.readline()
        return process, port

    yield run
    for process in started:
        process.kill()
        process.communicate()


def ask(
    connection: socket.socket, path: str, method: str = "GET", head: str = "", body: str = ""
) -> tuple[int, str, Any]:
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n{body}".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    headers, _, content = data.partition(b"\r\n\r\n")
    text = headers.decode()
    return int(text.split()[1]), text, json.loads(content) if content else None


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def test_service_reports_version_and_health(start: Start) -> None:
    _, port = start(HOSTNAME="pod-1", SERVICE_SLOT="blue")
    with connect(port) as c:  # All requests on one connection, which is kept alive.
        assert ask(c, "/")[2] == {"version": "1.2.3", "pod": "pod-1", "slot": "blue"}
        assert ask(c, "/actuator/info?x=y")[2]["build"]["version"] == "1.2.3"
        assert ask(c, "/actuator/health/readiness")[0] == ask(c, "/actuator/health/liveness")[0] == 200
        assert ask(c, "/none")[0] == 404
        assert ask(c, "/", "HEAD")[2] is None
        assert ask(c, "/", "POST", "Content-Length: 5\r\n", "hello")[0] == 200
        assert "Connection: close" in ask(c, "/", head="Connection: close\r\n")[1]
        assert c.recv(1) == b""


@pytest.mark.parametrize(
    ("behaviour", "root", "readiness", "version"),
    [
        ("ok", 200, 200, "1.2.3"),
        ("never-ready", 200, 503, "1.2.3"),
        ("error", 500, 200, "1.2.3"),
        ("wrong-version", 200, 200, "1.2.3-other"),
    ],
)
def test_behaviours(start: Start, behaviour: str, root: int, readiness: int, version: str) -> None:
    _, port = start(SERVICE_BEHAVIOUR=behaviour)
    with connect(port) as c:
        assert ask(c, "/")[0] == root
        assert ask(c, "/actuator/health/readiness")[0] == readiness
        assert ask(c, "/actuator/info")[2]["build"]["version"] == version


def test_slow_request_does_not_block_others(start: Start) -> None:
    _, port = start(SERVICE_BEHAVIOUR="slow", SERVICE_SLOW_SECONDS="0.3")
    with connect(port) as one, connect(port) as two:
        began = time.monotonic()
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ask(two, "/actuator/health/readiness")[0] == 200 and time.monotonic() - began < 0.3
        assert one.recv(65536).startswith(b"HTTP/1.1 200") and time.monotonic() - began >= 0.3


def test_dies_at_a_request(start: Start) -> None:
    process, port = start(SERVICE_BEHAVIOUR="dies", SERVICE_DIES_REQUESTS="3")
    with connect(port) as client:
        assert ask(client, "/")[0] == ask(client, "/actuator/info")[0] == ask(client, "/")[0] == 200
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert process.wait(5) == 3
        assert client.recv(65536) == b""


def test_dying_and_crashing(start: Start) -> None:
    process, _ = start(SERVICE_BEHAVIOUR="dies", SERVICE_DIES_SECONDS="0.1")
    assert process.wait(5) == 3
    crashed = subprocess.run(
        [sys.executable, str(SERVICE)],
        env={"SERVICE_BEHAVIOUR": "crash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert crashed.returncode == 1 and "Application run failed" in crashed.stdout
    wrong = subprocess.run(
        [sys.executable, str(SERVICE)],
        env={"SERVICE_BEHAVIOUR": "odd"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 1 and "is not one of ok, crash" in wrong.stderr


def begin(client: socket.socket) -> None:
    """Send a request that is answered slowly, without waiting for the answer."""
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.05)


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)


def test_answers_while_draining_close_the_connection(start: Start) -> None:
    process, port = start(SERVICE_BEHAVIOUR="slow", SERVICE_SLOW_SECONDS="0.9", SERVICE_DRAIN_SECONDS="0.3")
    with connect(port) as busy, connect(port) as idle, connect(port) as unused:
        assert ask(idle, "/actuator/info")[0] == 200
        begin(busy)
        end(process)
        status, head, _ = ask(idle, "/actuator/health/readiness")
        assert status == 503 and "Connection: close" in head
        assert idle.recv(1) == b""
        time.sleep(0.4)  # The service drains while a request is in progress.
        with connect(port) as late:
            assert "Connection: close" in ask(late, "/actuator/info")[1]
        answer = busy.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200") and b"Connection: close" in answer
        assert unused.recv(1) == b"", "the service closes its connections when it exits"
    assert process.wait(5) == 143


def test_tomcat_default_closes_connections_silently(start: Start) -> None:
    """Tomcat's Http11Processor does not answer requests that arrive after its connector is paused."""
    process, port = start(SERVICE_BEHAVIOUR="slow", SERVICE_SLOW_SECONDS="0.5", SERVICE_DRAIN_SECONDS="0")
    with connect(port) as busy, connect(port) as idle, connect(port) as unused:
        assert ask(idle, "/actuator/info")[0] == 200
        begin(busy)
        end(process)
        with pytest.raises(ConnectionRefusedError):
            connect(port)
        idle.sendall(b"GET /actuator/info HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536) == b"", "lost"
        assert process.poll() is None, "requests in progress are completed"
        answer = busy.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200") and b"Connection: close" not in answer
        assert busy.recv(1) == unused.recv(1) == b""
    assert process.wait(5) == 143


def test_requests_beyond_the_shutdown_timeout_are_cut_off(start: Start) -> None:
    process, port = start(
        SERVICE_BEHAVIOUR="slow",
        SERVICE_DRAIN_SECONDS="0",
        SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE="200ms",
    )
    with connect(port) as busy:
        begin(busy)
        process.send_signal(signal.SIGTERM)
        assert busy.recv(65536) == b""
    assert process.wait(5) == 143


def test_idle_connection_is_closed_after_the_timeout(start: Start) -> None:
    _, port = start(
        SERVER_TOMCAT_KEEP_ALIVE_TIMEOUT="400ms", SERVICE_BEHAVIOUR="slow", SERVICE_SLOW_SECONDS="0.6"
    )
    with connect(port) as client:
        assert ask(client, "/")[0] == 200, "a connection with a request in progress is not idle"
        began = time.monotonic()
        assert client.recv(1) == b"" and 0.3 < time.monotonic() - began < 2


@pytest.mark.parametrize(("most", "ended"), [("3", [False, False, True]), ("1", [True]), ("-1", [False] * 3)])
def test_last_answer_of_a_connection_has_connection_close(start: Start, most: str, ended: list[bool]) -> None:
    _, port = start(SERVER_TOMCAT_MAX_KEEP_ALIVE_REQUESTS=most)
    with connect(port) as client:
        assert ["Connection: close" in ask(client, "/")[1] for _ in ended] == ended


def test_invalid_duration_is_refused() -> None:
    command = [sys.executable, str(SERVICE)]
    environment = {"SERVER_TOMCAT_KEEP_ALIVE_TIMEOUT": "a while"}
    wrong = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert wrong.returncode == 1 and "'a while', which is not a duration" in wrong.stderr


def test_migration_logs_and_exits() -> None:
    def migrate(behaviour: str) -> subprocess.CompletedProcess[str]:
        environment = {"SERVICE_BEHAVIOUR": behaviour, "SERVICE_VERSION": "2", "PATH": os.environ["PATH"]}
        command = [sys.executable, str(SERVICE), "migrate"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert migrate("ok").returncode == 0 and "version 2" in migrate("ok").stdout
    assert migrate("crash").returncode == 1
