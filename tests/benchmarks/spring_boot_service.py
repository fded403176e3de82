# SPDX-License-Identifier: MIT
"""A Spring Boot application for measurements: built in a temporary folder, run as a process, tested over raw sockets."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "spring_boot"
DRAIN = ROOT / "examples/application/src/main/java/com/example/assistant/Drain.java"
START_SECONDS = 240
ANSWER_SECONDS = 3
CGROUPS = Path("/sys/fs/cgroup")


@dataclasses.dataclass(frozen=True)
class Answer:
    """A client's result: `status` and `body`, or, without an answer, `how` the connection ended."""

    how: str
    status: int = 0
    close: bool = False
    body: str = ""


def build(folder: Path, boot: str, server: str) -> Path:
    """Build the jar of the application for a version of Spring Boot and an embedded server, with Drain.java."""
    project = folder / f"{boot}-{server}"
    shutil.copytree(SOURCES, project, ignore=shutil.ignore_patterns("target"))
    package = project / "src/main/java/com/example/assistant"
    package.mkdir(parents=True)
    shutil.copy(DRAIN, package)
    command = [
        "mvn", "--batch-mode", "--quiet", "package", f"-Dspring-boot.version={boot}", f"-Dserver={server}",
    ]  # fmt: skip
    subprocess.run(command, cwd=project, check=True)
    return project / "target" / "facts.jar"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Limits:
    """A control group with the limits of a pod with 250m CPU and 512Mi memory. Needs write access to it."""

    def __init__(self, name: str, millicores: int, mebibytes: int) -> None:
        name = f"teal-facts-{name}-{os.getpid()}"
        quota, memory = millicores * 100, mebibytes * 2**20
        if (CGROUPS / "cgroup.controllers").exists():
            self.version = 2
            group = CGROUPS / name
            self.folders = [group]
            settings = {group / "cpu.max": f"{quota} 100000", group / "memory.max": str(memory)}
        else:
            self.version = 1
            cpu, limit = CGROUPS / "cpu" / name, CGROUPS / "memory" / name
            self.folders = [cpu, limit]
            settings = {cpu / "cpu.cfs_quota_us": str(quota), limit / "memory.limit_in_bytes": str(memory)}
        for folder in self.folders:
            folder.mkdir()
        for file, value in settings.items():
            file.write_text(value)

    def enter(self) -> None:
        """Join the control group. Runs in the child before it executes the program."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


class Service:
    """The application as a process, on free ports."""

    def __init__(
        self, jar: Path, environment: dict[str, str], *, separate: bool = False, limits: Limits | None = None
    ):
        self.port = free_port()
        self.management = free_port() if separate else self.port
        settings = {"SERVER_ADDRESS": "127.0.0.1", "SERVER_PORT": str(self.port)} | environment
        if separate:
            settings |= {
                "MANAGEMENT_SERVER_PORT": str(self.management),
                "MANAGEMENT_SERVER_ADDRESS": "127.0.0.1",
            }
        self.log = jar.with_name(f"{self.port}.log")
        self.begin = time.monotonic()
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                ["java", "-jar", str(jar)],
                env={"PATH": os.environ["PATH"]} | settings,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=limits.enter if limits else None,
            )

    def wait(self) -> float:
        """Return the seconds from the process's start until the application answers."""
        while time.monotonic() < self.begin + START_SECONDS:
            if self.process.poll() is not None:
                sys.exit(f"the application ended at its start:\n{self.log.read_text()[-3000:]}")
            if self.ask("/actuator/health", self.management).status == 200:
                return time.monotonic() - self.begin
            time.sleep(0.1)
        self.process.kill()
        sys.exit(f"the application was not ready in {START_SECONDS} s:\n{self.log.read_text()[-3000:]}")

    def used(self) -> tuple[float, int]:
        """Return the CPU seconds and the maximum memory in MiB so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"), int(peak) // 1024

    def terminate(self) -> None:
        self.terminated = time.monotonic()
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> tuple[float, int]:
        """Return the seconds from SIGTERM to the exit, and the exit code as a shell or Kubernetes shows it."""
        code = self.process.wait(120)
        return time.monotonic() - self.terminated, 128 - code if code < 0 else code

    def connect(self, port: int = 0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port or self.port), ANSWER_SECONDS)

    def ask(self, path: str, port: int = 0) -> Answer:
        """Send one request on a new connection."""
        try:
            with self.connect(port) as connection:
                send(connection, path)
                return receive(connection, ANSWER_SECONDS)
        except ConnectionRefusedError:
            return Answer("refused")
        except ConnectionResetError:
            return Answer("reset")
        except TimeoutError:
            return Answer("silent")


def send(connection: socket.socket, path: str) -> None:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".encode())


def receive(connection: socket.socket, seconds: float) -> Answer:
    """Receive a complete answer, or how the connection ended without one."""
    connection.settimeout(seconds)
    data = b""
    try:
        while not complete(data):
            part = connection.recv(65536)
            if not part:
                break
            data += part
    except TimeoutError:
        return parse("cut" if data else "silent", data)
    except ConnectionError:
        return parse("cut" if data else "reset", data)
    return parse(
        "whole" if complete(data) or ends_with_connection(data) else "cut" if data else "closed", data
    )


def ends_with_connection(data: bytes) -> bool:
    """Return whether the answer ends with the connection, because it has neither a length nor chunks."""
    head = data.partition(b"\r\n\r\n")[0].lower()
    return b"connection: close" in head and b"content-length:" not in head and b"chunked" not in head


def complete(data: bytes) -> bool:
    """Return whether an answer with a length or in chunks is complete."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        return body.endswith(b"0\r\n\r\n")
    for line in lower.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False


def parse(how: str, data: bytes) -> Answer:
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    if not head:
        return Answer(how)
    if "chunked" in head.lower():
        body = re.sub(r"(?:^|\r\n)[0-9a-f]+\r\n", "", body)
    return Answer(how, int(head.split()[1]), "connection: close" in head.lower(), body)
