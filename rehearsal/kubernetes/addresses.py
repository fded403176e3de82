"""Allocates addresses in the emulator's /24 of loopback: .1 to .15 for nodes, .16 to .199 for pods."""

from __future__ import annotations

from collections import deque

NODES = range(1, 16)
PODS = range(16, 200)


class Addresses:
    """The free addresses. A released address is reused last."""

    def __init__(self, subnet: str) -> None:
        self._subnet = subnet
        self._nodes = deque(NODES)
        self._pods = deque(PODS)

    def node(self) -> str | None:
        return f"{self._subnet}.{self._nodes.popleft()}" if self._nodes else None

    def pod(self) -> str | None:
        return f"{self._subnet}.{self._pods.popleft()}" if self._pods else None

    def release(self, address: str) -> None:
        number = int(address.rpartition(".")[2])
        (self._nodes if number in NODES else self._pods).append(number)
