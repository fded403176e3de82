# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The interface of slots, which both kinds (Kubernetes and EC2 instance) implement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import cause_of_refusal
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease


class KubernetesError(Exception):
    """Kubernetes refused a request. `status` is the HTTP status; the message names the request and quotes the API."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause_of_refusal(message, status)


class Unreachable(KubernetesError):
    """Kubernetes did not answer, or answered with a temporary error."""


class SlotFailed(Exception):
    """The slot cannot become ready, or did not stay ready. The message says why; `cause` is a value of Cause or empty."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True)
class Condition:
    """The condition of a slot: numbers of wanted and ready replicas and of restarts. `notes` are texts about replicas."""

    wanted: int = 0
    ready: int = 0
    restarts: int = 0
    release: str = ""
    image: str = ""
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the condition as module results have it."""
        return dict(vars(self))


class Slots(Protocol):
    """The two slots of an environment. Methods raise SlotFailed, and KubernetesError on Kubernetes."""

    def bring_up(self, release: dict[str, Any], lease: Lease, staged: Callable[[int], None]) -> int:
        """Run the release in its slot, with at least as many replicas as the live slot has now.

        Calls `staged(replicas)` once everything is applied, and returns the number of replicas once all are ready.
        Raises SlotFailed as soon as it is clear that they will not become ready.
        """

    def condition(self, slot: str) -> Condition:
        """Return the current condition of a slot."""

    def explain(self, slot: str) -> str:
        """Return why a slot is not healthy, with the last log lines; empty if no reason is found."""

    def keep_size(self, slot: str, lease: Lease) -> None:
        """Prevent a slot with little or no traffic from being scaled down by its autoscaler."""

    def restore_limits(self, slot: str, lease: Lease) -> bool:
        """Undo `keep_size` and `grow`: the slot's autoscaler gets its own limits again. Returns whether they were raised."""

    def replicas_to_match(self, slot: str) -> int:
        """Return the number of replicas of the other slot if it is greater than that of this warm slot, else 0."""

    def replicas_for(self, slot: str, percent: int) -> int:
        """Return how many replicas a slot needs for `percent` of the traffic that the other slot was scaled for."""

    def grow(self, slot: str, replicas: int, lease: Lease) -> None:
        """Scale a warm slot up to `replicas`."""

    def scale_down(self, slot: str, lease: Lease) -> bool:
        """Stop everything that runs in the slot, and return whether anything ran."""
