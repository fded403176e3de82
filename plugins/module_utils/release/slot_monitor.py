# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Monitor the pods or the instance of a slot: whether they stay up, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
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
    """Monitors one slot. `restarts` is the count when the slot became ready, `replicas` the number that was started."""

    slots: Slots
    slot: str
    restarts: int = 0
    replicas: int = 0

    @classmethod
    def of(cls, slots: Slots, release: Release) -> SlotMonitor:
        """Return a monitor of the release's slot."""
        return cls(slots, release["slot"], release.get("restarts", 0), release.get("replicas", 0))

    def check(self) -> Condition:
        """Return the condition of the slot.

        Raises StepFailed if a container was restarted since the slot became ready, and KubernetesError or SlotFailed if
        the slot cannot be read.
        """
        now = self.slots.condition(self.slot)
        more = now.restarts - self.restarts
        # The restarts of a pod that was replaced no longer count.
        self.restarts = min(self.restarts, now.restarts)
        if more > 0:
            restarts = message("bake.one_restart") if more == 1 else message("bake.restarts", number=more)
            raise self.failure(message("bake.restarted", slot=self.slot, restarts=restarts), Cause.CRASH)
        return now

    def diagnose(self) -> Diagnosed:
        """Return why the slot is not healthy, as lines to add to a message; empty if unknown."""
        try:
            found = self.slots.explain(self.slot)
        except (KubernetesError, SlotFailed):
            return Diagnosed()
        return Diagnosed.of(joined("\n", found) if found else "", getattr(found, "cause", ""))

    def failure(self, text: str, cause: str) -> StepFailed:
        """Return a failure with `text` and the diagnosis of the slot. `cause` is used if the diagnosis has none."""
        diagnosis = self.diagnose()
        return StepFailed(text + diagnosis, diagnosis.cause or cause)
