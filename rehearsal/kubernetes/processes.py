"""Processes of pods: they end with this process, and are killed together with their children."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import IO

from rehearsal import sample_service

SERVICE = Path(sample_service.__file__).resolve()
IN_THE_IMAGE = "/app/sample_service.py"
PLACEHOLDER = "print('The emulator does not run this image: a placeholder runs instead.', flush=True)"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def program(command: list[str], arguments: list[str]) -> list[str]:
    """Return the command line of the sample image for this machine's Python."""
    if not command:
        return [sys.executable, "-I", "-S", str(SERVICE), *arguments]
    words = [str(SERVICE) if word == IN_THE_IMAGE else word for word in [*command, *arguments]]
    if Path(words[0]).name in ("python", "python3"):
        words[0] = sys.executable
    return words


def placeholder(*, goes_on: bool) -> list[str]:
    """Return the command line of the placeholder for other images: it sleeps for ever, or ends at once."""
    return [
        sys.executable,
        "-I",
        "-S",
        "-c",
        PLACEHOLDER + ("; import signal; signal.pause()" if goes_on else ""),
    ]


def surroundings() -> dict[str, str]:
    """Return the variables that a pod's process inherits. None of them is secret."""
    kept = ("PATH", "LANG", "LD_LIBRARY_PATH", "TEAL_REHEARSAL_RUN")
    return {name: os.environ[name] for name in kept if name in os.environ}


async def start(
    arguments: list[str],
    environment: dict[str, str],
    output: int | IO[bytes],
    directory: Path | None = None,
) -> asyncio.subprocess.Process:
    """Start a process. Raises OSError if the program does not exist."""
    return await asyncio.create_subprocess_exec(
        *arguments,
        env=environment,
        cwd=directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )


def _die_with_parent() -> None:
    set_parent_death_signal(signal.SIGKILL)


def set_parent_death_signal(number: int) -> None:
    """Make the kernel signal this process when the thread that started it ends (Linux)."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, number)


def kill(process: asyncio.subprocess.Process) -> None:
    """Kill a process and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def run(arguments: list[str], environment: dict[str, str], seconds: float) -> tuple[int, str]:
    """Run a program and return exit status and output. Raises TimeoutError; OSError if it does not exist."""
    process = await start(arguments, environment, asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            kill(process)
    return process.returncode or 0, output.decode(errors="replace").strip()
