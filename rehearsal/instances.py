"""The EC2 stand-in: what an instance would run.

An instance whose user data names an image of the service gets a process of the sample service, at the
address that `GET /rehearsal/stand-ins` says, port 8080, for as long as the instance runs. Like systemd on the
real one, it starts the service anew when it ends, and writes to the instance's console why it did. User data
is not executed: only the image that it names matters.
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

LOOK_SECONDS = 0.25
RESTART_SECONDS = 1.0
CONSOLE_LINES = 12
PORT = 8080

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class StandIn:
    """The service of one instance."""

    def __init__(self, instance: str, ip: str, image: str) -> None:
        self.instance, self.ip, self.image = instance, ip, image
        self._process: subprocess.Popen[bytes] | None = None
        self._next = 0.0
        self._told = ""
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this)

    def keep(self, aws_url: str) -> None:
        """Start the service if it doesn't run: the image is pulled at each start, as the real unit does."""
        if self._process and self._process.poll() is None:
            return
        if self._process:
            self._say(f"ended with status {self._process.returncode}, is started again")
            self._report(aws_url, f"exited {self._process.returncode}", self._last_lines())
            self._process, self._next = None, time.monotonic() + RESTART_SECONDS
        if time.monotonic() < self._next:
            return
        try:
            what = _get(f"{aws_url}/rehearsal/images?ref={urllib.parse.quote(self.image)}")
        except urllib.error.HTTPError as e:
            error = json.load(e)["error"]
            self._say(f"can't pull: {error}")
            self._report(aws_url, "exited 1", f"docker: {error}")
            self._next = time.monotonic() + RESTART_SECONDS
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
        self._say(f"runs {self.image} at {self.ip}:{PORT}")

    def end(self) -> subprocess.Popen[bytes] | None:
        """Ask the service to end; returns its process, if it had one."""
        if self._process and self._process.poll() is None:
            self._say("is ended")
            self._process.terminate()
        return self._process

    def _report(self, aws_url: str, how: str, lines: str) -> None:
        """Write to the console what the unit's ExecStopPost does."""
        text = f"teal-service ended: {how}\n{lines}\n"
        _post(f"{aws_url}/rehearsal/console", {"instance_id": self.instance, "text": text})

    def _last_lines(self) -> str:
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").splitlines()
        self._output.truncate(0)
        self._output.seek(0)
        return "\n".join(lines[-CONSOLE_LINES:])

    def _say(self, what: str) -> None:
        if what != self._told:
            self._told = what
            print(f"{self.instance} {what}", flush=True)


def main() -> None:
    """Keep the stand-ins as moto's instances are, until ended."""
    aws_url = settings.from_arguments("instances")["aws"]["url"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    standing: dict[str, StandIn] = {}
    ending: list[subprocess.Popen[bytes]] = []
    try:
        while True:
            with contextlib.suppress(OSError, ValueError):
                wanted = {s["instance_id"]: s for s in _get(f"{aws_url}/rehearsal/stand-ins")["stand_ins"]}
                for gone in standing.keys() - wanted.keys():
                    ending += filter(None, [standing.pop(gone).end()])
                for new in wanted.keys() - standing.keys():
                    standing[new] = StandIn(new, wanted[new]["ip"], wanted[new]["image"])
                for stand_in in standing.values():
                    stand_in.keep(aws_url)
            ending = [process for process in ending if process.poll() is None]
            time.sleep(LOOK_SECONDS)
    finally:
        for process in [*ending, *filter(None, [stand_in.end() for stand_in in standing.values()])]:
            process.kill()


def _get(url: str) -> Any:
    with _open(url, timeout=5) as response:
        return json.load(response)


def _post(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with _open(request, timeout=5):
        pass


if __name__ == "__main__":
    main()
