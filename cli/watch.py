"""`teal status ENVIRONMENT --watch`: read the status again and again, and show the latest view.

Each read is one run of the status playbook. It only reads, so it can be interrupted at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli import view
from cli.screen import Screen

#: Seconds that Ansible gets to end after Ctrl-C.
GRACE = 5.0
#: A view that is this many seconds older than expected is old although no read has failed: the read hangs.
HANGS = 60.0


@dataclass(frozen=True)
class Read:
    """The result of one run of the status playbook: a status, or an error and an exit code other than 0."""

    status: dict[str, Any] | None
    error: str = ""
    code: int = 0


class Watch:
    """The latest view, its time, and the error of the last read."""

    def __init__(self, environment: str, pause: float, screen: Screen) -> None:
        self.environment, self.pause, self.screen = environment, pause, screen
        self.view: list[str] = []
        self.time, self.at, self.took, self.error = "", 0.0, 0.0, ""

    def update(self, read: Read, took: float) -> None:
        """Replace the view, or keep it and note the error."""
        self.error = read.error
        if read.status is not None:
            self.view = view.lines(self.environment, read.status)
            self.time, self.at, self.took = datetime.now(UTC).strftime("%H:%M:%S UTC"), time.monotonic(), took

    def show(self, activity: str, new: bool = False) -> None:
        """Show the view, and above it whether it is current."""
        age = time.monotonic() - self.at
        old = f"OLD VIEW, read at {self.time}, {age:.0f} s ago."
        if not self.view:
            head = [activity]
        elif self.error:
            head = [f"{old} {activity}", f"The last read failed: {self.error}"]
        elif age > self.pause + self.took + HANGS:
            head = [f"{old} {activity}", "The read in progress takes unusually long."]
        else:
            head = [f"Read at {self.time} in {self.took:.1f} s. {activity}"]
        self.screen.show([*head, "", *self.view], new)


def watch(words: list[str], environ: Mapping[str, str], file: Path, environment: str, pause: float) -> int:
    """Show the status until Ctrl-C; return the exit code. The command `words` writes the status to `file`.

    If the first read fails, there is nothing to show: print its error and return its exit code.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with Screen(sys.stdout, os.environ) as screen:
            failed = _loop(Watch(environment, pause, screen), lambda tick: read(words, environ, file, tick))
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # `teal status staging --watch | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    print(f"teal status: {failed.error}", file=sys.stderr)
    return failed.code


def _loop(state: Watch, reader: Callable[[Callable[[], None]], Read]) -> Read:
    """Read and show, until Ctrl-C; return the first read if it failed."""
    while True:
        began = time.monotonic()
        done = reader(lambda: state.show("Reading ... (Ctrl-C ends)"))
        state.update(done, time.monotonic() - began)
        if not state.view:
            return done
        activity = f"Next read after {state.pause:g} s (Ctrl-C ends)"
        state.show(activity, new=True)
        until = time.monotonic() + state.pause
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            state.show(activity)


def read(words: list[str], environ: Mapping[str, str], file: Path, tick: Callable[[], None]) -> Read:
    """Run the status playbook once; call `tick` about once a second meanwhile."""
    summary, printed = file.with_name("summary.json"), file.with_name("printed.txt")
    for left in (file, summary):
        left.unlink(missing_ok=True)
    with printed.open("wb") as out:
        try:
            process = subprocess.Popen(
                words,
                env={**environ, "PLATFORM_SUMMARY_FILE": str(summary), "ANSIBLE_FORCE_COLOR": "0"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this process alone, which then ends Ansible
            )
        except OSError as error:
            return Read(None, f"{words[0]} does not start: {error.strerror}", 2)
        try:
            while process.poll() is None:
                tick()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1.0)
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        return Read(None, reason(summary, printed), process.returncode)
    try:
        return Read(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError):
        return Read(None, "the playbook wrote no status (with --check or -e output=html, it writes none)", 1)


def reason(summary: Path, printed: Path) -> str:
    """Return why a run failed, in one line: from its summary, or else the last lines that it printed."""
    try:
        failures = json.loads(summary.read_text("utf-8"))["failures"]
        found = [f"{each['task']}: {each['reason']}" for each in failures]
    except (OSError, ValueError, KeyError, TypeError):
        found = []
    if not found:
        found = [line for line in printed.read_text("utf-8", "replace").splitlines() if line.strip()][-3:]
    return view.clean(" / ".join(line.strip() for line in found)) or "ansible-playbook printed no reason"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End Ansible and its workers: as Ctrl-C does, then by force."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return
