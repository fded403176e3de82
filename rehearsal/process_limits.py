"""What a container would keep a process from, watched from outside: memory above the limit, addresses of others.

It reads /proc, so it watches nothing on other systems than Linux.
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
    """Why a process is killed: Kubernetes' reason, the exit code, and a message for people."""

    reason: str
    code: int
    message: str


def violation(leader: int, limit: float | None) -> Violation | None:
    """Return what the session of a process does that it must not; `limit` is its memory limit in bytes."""
    pids = session(leader)
    if limit and (used := sum(map(memory, pids))) > limit:
        return Violation(
            "OOMKilled",
            137,
            f"The emulator killed this process: it uses {used / 2**20:.0f} MiB of memory, and its limit is"
            f" {limit / 2**20:.0f} MiB. Raise the limit, or lower the heap (-XX:MaxRAMPercentage).",
        )
    for address, port in sorted({found for pid in pids for found in listens(pid)}):
        if not ipaddress.ip_address(address).is_loopback:
            return Violation(
                "Error",
                1,
                f"The emulator stopped this process: it listens on {address}:{port}, where processes of all pods would"
                " meet. In a container that is right; here the program has to listen on the address that it gets:"
                " SERVER_ADDRESS (and MANAGEMENT_SERVER_ADDRESS), or {address} and {port} in --command.",
            )
    return None


def session(leader: int) -> list[int]:
    """Return the processes of a session, by the process that began it."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(stat.parent.name))
    return found


def memory(pid: int) -> int:
    """Return the bytes that cannot be reclaimed: anonymous and shared memory. Pages of files are not counted."""
    total = 0
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("RssAnon:", "RssShmem:")):
                total += int(line.split()[1]) * 1024
    return total


def listens(pid: int) -> set[tuple[str, int]]:
    """Return the addresses and ports of TCP on which a process listens."""
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
    """`0100007F:1F90` → 127.0.0.1 and 8080; an IPv4 address in an IPv6 one is told as IPv4."""
    digits, _, port = text.partition(":")
    words = [int(digits[n : n + 8], 16).to_bytes(4, sys.byteorder) for n in range(0, len(digits), 8)]
    packed = b"".join(words)
    if len(packed) == 16 and packed.startswith(b"\0" * 10 + b"\xff\xff"):
        packed = packed[12:]
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)
