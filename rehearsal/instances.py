"""Runs the service of EC2 instances as local processes.

If the user data of an instance names an image of the service, this part runs the sample service, or the user's own
program, at the address from `GET /rehearsal/service-instances`, for as long as the instance runs. Like systemd on a real
instance, it restarts a service that ended, and writes the reason to the instance's console. User data is not executed:
only the image, the environment, the port and the grace period are read from it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO, Any

from rehearsal import config as settings
from rehearsal import process_limits, programs

LOOK_SECONDS = 0.25
RESTART_SECONDS = 1.0
CONSOLE_LINES = 100
PORT = programs.PORT

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class ServiceProcess:
    """The service process of one instance."""

    def __init__(self, instance: str, ip: str, image: str, unit: dict[str, Any] | None = None) -> None:
        self.instance, self.ip, self.image = instance, ip, image
        #: The settings that `programs.unit` reads from the user data, and the instance's memory in bytes.
        self.unit = {"environment": {}, "port": PORT, "grace": 30, "memory": None} | (unit or {})
        self._program: dict[str, Any] | None = None
        self._violation: process_limits.Violation | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="teal-instance-")
        self._process: subprocess.Popen[bytes] | None = None
        self._next = 0.0
        self._logged = ""
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (it is open as long as this object exists)

    def ensure_running(self, aws_url: str) -> None:
        """Start the service unless it is running. The image is pulled at each start, as in the real unit."""
        if self._process and self._process.poll() is None:
            self._check_limits(self._process)
            return
        if self._process:
            code = self._process.wait()
            lines = self._last_lines()
            if self._violation:
                code, lines = self._violation.code, f"{lines}\n{self._violation.message}".lstrip()
            self._log(f"ended with status {code}; restarting")
            self._report(aws_url, f"exited {code}", lines)
            self._process, self._next = None, time.monotonic() + RESTART_SECONDS
        if time.monotonic() < self._next:
            return
        try:
            what = _get(f"{aws_url}/rehearsal/images?ref={urllib.parse.quote(self.image)}")
        except urllib.error.HTTPError as e:
            error = json.load(e)["error"]
            self._log(f"cannot pull the image: {error}")
            self._report(aws_url, "exited 1", f"docker: {error}")
            self._next = time.monotonic() + RESTART_SECONDS
            return
        self._program, self._violation = what.get("program"), None
        if self._program:
            self._start(self._program, aws_url)
            return
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("sample_service.py"))],
            env=os.environ
            | {
                "SERVER_ADDRESS": self.ip,
                "SERVER_PORT": str(PORT),
                "SERVICE_VERSION": what["version"],
                "SERVICE_BEHAVIOUR": what["behaviour"],
                "HOSTNAME": self.instance,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        self._log(f"runs {self.image} at {self.ip}:{PORT}")

    def _start(self, program: dict[str, Any], aws_url: str) -> None:
        """Start the user's own program, with the environment of the unit."""
        folder, port = Path(self._folder.name), self.unit["port"]
        words = programs.command_line(program, [], [], self.ip, port)
        given = {"HOSTNAME": self.instance} | self.unit["environment"]
        text = "\n".join([*words, *given.values()])
        body = {"instance_id": self.instance, "text": text}
        aws = _post(f"{aws_url}/rehearsal/client-environment", body)["environment"]
        try:
            self._process = subprocess.Popen(
                words,
                cwd=program.get("directory") or folder,
                env=programs.environment(program, given, self.ip, aws, folder, self.unit["memory"]),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as e:
            self._log(f"cannot start {words[0]}: {e.strerror}")
            self._report(aws_url, "exited 127", f"docker: {words[0]}: {e.strerror}")
            self._next = time.monotonic() + RESTART_SECONDS
            return
        self._log(f"runs {self.image} at {self.ip}:{port}")

    def _check_limits(self, process: subprocess.Popen[bytes]) -> None:
        if self._program and not self._violation:
            self._violation = process_limits.violation(process.pid, self.unit["memory"])
            if self._violation:
                self.kill()

    def kill(self) -> None:
        """Kill the service and its child processes."""
        if self._process and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL) if self._program else self._process.kill()

    def stop(self) -> subprocess.Popen[bytes] | None:
        """Send SIGTERM to the service; return its process, if it has one."""
        if self._process and self._process.poll() is None:
            self._log("is stopped")
            self._process.terminate()
        return self._process

    def is_running(self) -> bool:
        """Return whether its process is still running."""
        return self._process is not None and self._process.poll() is None

    def _report(self, aws_url: str, how: str, lines: str) -> None:
        """Write the same text to the console as the unit's ExecStopPost."""
        text = f"teal-service ended: {how}\n{lines}\n"
        _post(f"{aws_url}/rehearsal/console", {"instance_id": self.instance, "text": text})

    def _last_lines(self) -> str:
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").splitlines()
        self._output.truncate(0)
        self._output.seek(0)
        return "\n".join(lines[-CONSOLE_LINES:])

    def _log(self, text: str) -> None:
        if text != self._logged:
            self._logged = text
            print(f"{self.instance} {text}", flush=True)


def main() -> None:
    """Run the services of moto's instances until SIGTERM."""
    aws_url = settings.from_arguments("instances")["aws"]["url"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    running: dict[str, ServiceProcess] = {}
    ending: list[tuple[ServiceProcess, float]] = []
    try:
        while True:
            with contextlib.suppress(OSError, ValueError):
                wanted = {
                    s["instance_id"]: s
                    for s in _get(f"{aws_url}/rehearsal/service-instances")["service_instances"]
                }
                for gone in running.keys() - wanted.keys():
                    service = running.pop(gone)
                    if service.stop():
                        ending.append((service, time.monotonic() + service.unit["grace"]))
                for new in wanted.keys() - running.keys():
                    running[new] = ServiceProcess(new, wanted[new]["ip"], wanted[new]["image"], wanted[new])
                for service in running.values():
                    service.ensure_running(aws_url)
            ending = [(one, until) for one, until in ending if one.is_running()]
            for one, until in ending:
                if time.monotonic() > until:
                    one.kill()
            time.sleep(LOOK_SECONDS)
    finally:
        for service in [*(one for one, _ in ending), *running.values()]:
            service.kill()


def _get(url: str) -> Any:
    with _open(url, timeout=5) as response:
        return json.load(response)


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with _open(request, timeout=5) as response:
        return json.load(response)


if __name__ == "__main__":
    main()
