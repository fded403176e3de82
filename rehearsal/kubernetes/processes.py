"""Processes of pods: they end with this one, and are killed with all that they started."""

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
STAND_IN = "print('This image is not run by the rehearsal: a stand-in takes its place.', flush=True)"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def program(command: list[str], arguments: list[str]) -> list[str]:
    """The sample image's command line, in terms of this machine's Python."""
    if not command:
        return [sys.executable, "-I", "-S", str(SERVICE), *arguments]
    words = [str(SERVICE) if word == IN_THE_IMAGE else word for word in [*command, *arguments]]
    if Path(words[0]).name in ("python", "python3"):
        words[0] = sys.executable
    return words


def stand_in(*, goes_on: bool) -> list[str]:
    """What runs for an image that can't be had: nothing, for ever or just once."""
    return [
        sys.executable,
        "-I",
        "-S",
        "-c",
        STAND_IN + ("; import signal; signal.pause()" if goes_on else ""),
    ]


def surroundings() -> dict[str, str]:
    """What a pod's process has in its environment beside what its spec says: no secret of the caller's."""
    kept = ("PATH", "LANG", "LD_LIBRARY_PATH", "TEAL_REHEARSAL_RUN")
    return {name: os.environ[name] for name in kept if name in os.environ}


async def start(
    arguments: list[str],
    environment: dict[str, str],
    output: int | IO[bytes],
    directory: Path | None = None,
) -> asyncio.subprocess.Process:
    """Raises OSError if there is no such program."""
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
    """Let the kernel send this process a signal when the thread that started it ends (Linux)."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, number)


def kill(process: asyncio.subprocess.Process) -> None:
    """The process and its children, at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def run(arguments: list[str], environment: dict[str, str], seconds: float) -> tuple[int, str]:
    """Run to the end: exit status and output. Raises TimeoutError; OSError if there is no such program."""
    process = await start(arguments, environment, asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            kill(process)
    return process.returncode or 0, output.decode(errors="replace").strip()
