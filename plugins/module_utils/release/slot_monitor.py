# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Looking at a slot from monitor: whether what has come up in it stays up, and why not."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause, Diagnosed
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    Condition,
    KubernetesError,
    SlotFailed,
    Slots,
)


@dataclass
class SlotMonitor:
    """What runs in a slot. `restarts` is how many there were when it was ready, `replicas` what it was to have."""

    slots: Slots
    slot: str
    restarts: int = 0
    replicas: int = 0

    @classmethod
    def of(cls, slots: Slots, release: Release) -> SlotMonitor:
        return cls(slots, release["slot"], release.get("restarts", 0), release.get("replicas", 0))

    def check(self) -> Condition:
        """Return how the slot is. Raises StepFailed if something in it had to be started again since it was ready.

        Raises KubernetesError if it can't be told now.
        """
        now = self.slots.condition(self.slot)
        more = now.restarts - self.restarts
        # A pod that was replaced takes its count with it.
        self.restarts = min(self.restarts, now.restarts)
        if more > 0:
            restarts = "1 restart" if more == 1 else f"{more} restarts"
            raise self.failure(
                f"the release did not stay up in slot {self.slot}: {restarts} since it was ready", Cause.CRASH
            )
        return now

    def diagnose(self) -> Diagnosed:
        """Return why the slot does badly, as lines to be added to a message; empty if that can't be told."""
        try:
            told = self.slots.explain(self.slot)
        except (KubernetesError, SlotFailed):
            return Diagnosed()
        return Diagnosed.of(f"\n{told}" if told else "", getattr(told, "cause", ""))

    def failure(self, message: str, cause: str) -> StepFailed:
        """Return a failure with why the slot does badly; `cause` is what the slot itself says nothing of."""
        told = self.diagnose()
        return StepFailed(message + told, told.cause or cause)
