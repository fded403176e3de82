"""Detects processes that do what a container would prevent: exceed the memory limit, listen on a foreign address.

The checks read /proc, so they find nothing on systems other than Linux.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
from pathlib import Path
from typing import NamedTuple

CHECK_SECONDS = 0.25
_LISTENS = "0A"


class Violation(NamedTuple):
    """The reason for killing a process: Kubernetes' reason, the exit code, and a message."""

    reason: str
    code: int
    message: str


def violation(leader: int, limit: float | None) -> Violation | None:
    """Return the first violation in the session of a process; `limit` is the memory limit in bytes."""
    pids = session(leader)
    if limit and (used := sum(map(memory, pids))) > limit:
        return Violation(
            "OOMKilled",
            137,
            f"The emulator killed this process: it uses {used / 2**20:.0f} MiB of memory, but its limit is"
            f" {limit / 2**20:.0f} MiB. Raise the limit, or lower the heap (-XX:MaxRAMPercentage).",
        )
    for address, port in sorted({found for pid in pids for found in listens(pid)}):
        if not ipaddress.ip_address(address).is_loopback:
            return Violation(
                "Error",
                1,
                f"The emulator stopped this process: it listens on {address}:{port}, which all pods share here. That is"
                " correct in a container; in the emulator, the program has to listen on its own address:"
                " SERVER_ADDRESS (and MANAGEMENT_SERVER_ADDRESS), or {address} and {port} in --command.",
            )
    return None


def session(leader: int) -> list[int]:
    """Return the process ids of a session, by its leader."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(stat.parent.name))
    return found


def memory(pid: int) -> int:
    """Return the bytes of anonymous and shared memory, which cannot be reclaimed. File pages do not count."""
    total = 0
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("RssAnon:", "RssShmem:")):
                total += int(line.split()[1]) * 1024
    return total


def listens(pid: int) -> set[tuple[str, int]]:
    """Return the TCP addresses and ports on which a process listens."""
    inodes = set()
    with contextlib.suppress(OSError):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                name = str(file.readlink())
                if name.startswith("socket:["):
                    inodes.add(name[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and fields[9] in inodes:
                    found.add(_address(fields[1]))
    return found


def _address(text: str) -> tuple[str, int]:
    """Parse `0100007F:1F90` to 127.0.0.1 and 8080. An IPv4-mapped IPv6 address becomes an IPv4 address."""
    digits, _, port = text.partition(":")
    words = [int(digits[n : n + 8], 16).to_bytes(4, sys.byteorder) for n in range(0, len(digits), 8)]
    packed = b"".join(words)
    if len(packed) == 16 and packed.startswith(b"\0" * 10 + b"\xff\xff"):
        packed = packed[12:]
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)
