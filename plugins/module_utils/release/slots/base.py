# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What the engine asks of a slot, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import cause_of_refusal
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease


class KubernetesError(Exception):
    """The API refused a request. `status` is HTTP's; the message is the API's, and names the request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause_of_refusal(message, status)


class Unreachable(KubernetesError):
    """The API didn't answer, or answered that it can't for now."""


class SlotFailed(Exception):
    """The slot can't come up, or did not stay up; the message is for people and says why, `cause` in a word."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True)
class Condition:
    """How a slot is: how many of what it runs are wanted, are ready, and have been restarted."""

    wanted: int = 0
    ready: int = 0
    restarts: int = 0
    release: str = ""
    image: str = ""
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


class Slots(Protocol):
    """The two slots of an environment."""

    def bring_up(self, release: dict[str, Any], lease: Lease, staged: Callable[[int], None]) -> int:
        """Run the release in its slot with at least as many replicas as the live slot has now.

        Calls `staged(replicas)` when all is under way, and returns the number of replicas when all
        are ready. Raises SlotFailed as soon as it is clear that they won't be.
        """

    def condition(self, slot: str) -> Condition:
        """Return how a slot is now."""

    def explain(self, slot: str) -> str:
        """Return why what runs in a slot does badly, with its last log lines; empty if nothing is to be seen."""

    def keep_size(self, slot: str, lease: Lease) -> None:
        """Keep a slot that has no requests any more as large as it was when it had them."""

    def replicas_to_match(self, slot: str) -> int:
        """Return how many replicas the other slot has now if they are more than those of this warm one; else 0."""

    def grow(self, slot: str, replicas: int, lease: Lease) -> None:
        """Have a warm slot run so many replicas."""

    def scale_down(self, slot: str, lease: Lease) -> bool:
        """Stop all that runs in the slot; return whether there was anything to stop."""
