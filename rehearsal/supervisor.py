"""Starts, watches and stops the parts of the emulator.

The state is in `<home>/state.json`, guarded by a lock on `<home>/lock`. A part is identified by its process id
and start time, because the system reuses ids. All processes of a run carry the run's id in their environment,
which finds them even after a `kill -9` of their parent.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rehearsal import config as settings
from rehearsal import postgres

PARTS = settings.PARTS
READY_SECONDS = 60.0
END_SECONDS = 8.0
RUN_VARIABLE = "TEAL_REHEARSAL_RUN"


class PartFailed(Exception):
    """A part ended or did not become ready; the message names its log."""


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Lock the emulator of this folder, so that only one `up`, `down` or `reset` runs at a time; others wait."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def state(home: Path) -> dict[str, Any]:
    """Return `{"run": id, "parts": {name: {"pid", "started"}}, "ready": bool}`; empty if nothing was started."""
    try:
        return settings.load(home / "state.json")
    except settings.ConfigError:
        return {}


def alive(home: Path) -> dict[str, bool]:
    """Return for each started part whether its process is running."""
    parts = state(home).get("parts", {})
    return {name: _started(part["pid"]) == part["started"] for name, part in parts.items()}


def scratch(home: Path) -> Path:
    """Return the folder for temporary files of the parts and of their commands. `end` deletes it."""
    return home / "tmp"


def start(home: Path, config: dict[str, Any]) -> None:
    """Start every part and wait until all are ready. Raises PartFailed; the caller then calls `end`."""
    (home / "logs").mkdir(exist_ok=True)
    scratch(home).mkdir(exist_ok=True)
    run = {"run": uuid.uuid4().hex, "parts": {}, "ready": False}
    settings.write(home / "state.json", run)
    processes = {}
    for part in PARTS:
        if part == "kubernetes" and config["kubernetes"]["external"]:
            continue  # The user's own cluster replaces this part.
        processes[part] = process = _spawn(part, home, run["run"])
        run["parts"][part] = {"pid": process.pid, "started": _started(process.pid)}
        settings.write(home / "state.json", run)
    deadline = time.monotonic() + READY_SECONDS
    for part, process in processes.items():
        _wait(part, process, config, home, deadline)
    settings.write(home / "state.json", {**run, "ready": True})


def end(home: Path) -> int:
    """End every process of this emulator: SIGTERM, then SIGKILL. Return how many processes there were."""
    known = state(home)
    pids = _of_run(known)
    count = len(pids)
    for signal_, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, END_SECONDS)):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal_)
        deadline = time.monotonic() + seconds
        while (pids := _of_run(known)) and time.monotonic() < deadline:
            time.sleep(0.02)
    if pids:
        raise PartFailed(f"processes {sorted(pids)} did not end after SIGKILL")
    for folder in (scratch(home), postgres.data_folder(home)):
        shutil.rmtree(folder, ignore_errors=True)
    (home / "state.json").unlink(missing_ok=True)
    return count


def _spawn(part: str, home: Path, run: str) -> subprocess.Popen[bytes]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith("_PROXY") and not name.startswith("AWS_")
    }
    here = str(Path(__file__).resolve().parent.parent)
    environment.update(
        {
            RUN_VARIABLE: run,
            "TEAL_REHEARSAL_HOME": str(home),
            "TMPDIR": str(scratch(home)),
            "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
        }
    )
    path = home / "logs" / f"{part}.log"
    if path.exists():
        path.replace(path.with_suffix(".log.old"))  # The log of the previous run may explain why it ended.
    with path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"rehearsal.{part}", "--config", str(home / "config.json")],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(
    part: str, process: subprocess.Popen[bytes], config: dict[str, Any], home: Path, deadline: float
) -> None:
    log = home / "logs" / f"{part}.log"
    url = config[part].get("ready_url")
    answer = "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PartFailed(
                f"{part} ended while starting (exit status {process.returncode}). See its log: {log}"
            )
        if url is None:
            return
        answer = _answer(url, config["ca"]["cert_file"])
        if answer == "200":
            return
        time.sleep(0.05)
    raise PartFailed(
        f"{part} was not ready after {READY_SECONDS:.0f} s ({url} answered {answer}). See its log: {log}"
    )


def _answer(url: str, ca_file: str) -> str:
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if url.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=2) as response:
            return str(response.status)
    except urllib.error.HTTPError as e:
        return str(e.code)
    except OSError as e:
        return str(e)


def _of_run(known: dict[str, Any]) -> set[int]:
    """Return the live processes of a run: its parts and, on Linux, all processes that carry its id."""
    parts = known.get("parts", {}).values()
    pids = {part["pid"] for part in parts if _started(part["pid"]) == part["started"] is not None}
    if "run" not in known:
        return pids
    mark = f"{RUN_VARIABLE}={known['run']}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        pid = int(environment.parent.name)
        with contextlib.suppress(OSError):
            if mark in environment.read_bytes().split(b"\0") and _started(pid):
                pids.add(pid)
    return pids


def _started(pid: int) -> str | None:
    """Return a value that identifies the start of a process; None if it has ended (a zombie has ended)."""
    with contextlib.suppress(ChildProcessError, OSError):
        os.waitpid(pid, os.WNOHANG)  # Reap the process if it is an ended child of this one.
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else f"{boot}/{fields[19]}"
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or None
