# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The steps of a release: shares of the traffic below 100 %, each with its own bake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed, shift_traffic
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_share import Share
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
    Slots,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import State, passed
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import SlotRule


def entry(release: Release, number: int) -> dict[str, Any]:
    """Return entry `number` (from 1) of the release's steps."""
    return release["steps"][number - 1]


def taken(release: Release, number: int) -> bool:
    """Return whether a release has taken step `number`, or is beyond it."""
    return passed(State(release["state"]), State.STEP_BAKING, release.get("step", 0), number)


def bakes_at(release: Release, number: int) -> bool:
    """Return whether a release bakes at step `number` now. 0 is the bake with all traffic."""
    if not number:
        return release["state"] == State.BAKING
    return release["state"] == State.STEP_BAKING and release.get("step") == number


def first_traffic(release: Release) -> str:
    """Return the time (ISO 8601) before which no request reached the release. It must have traffic."""
    moving = (State.STEPPING, State.SWITCHING)
    return next(event["at"] for event in release["events"] if event["state"] in moving)


def take(
    context: ReleaseContext,
    lease: Lease,
    release: Release,
    number: int,
    slots: Slots,
    limit: float,
    diagnose: Callable[[], str] = str,
) -> tuple[Release, float]:
    """Take step `number`: give the release its share of the traffic, and wait until every address shows it.

    Before that, waits up to `limit` seconds until the slot is large enough for the share. A step that was taken is not
    taken again. If the live slot has no healthy target, the step is left out: a share for that slot would fail.
    Returns the release's record and the seconds from the change until it was observed. Raises StepFailed.
    """
    serves = context.has_healthy_target
    if taken(release, number) or not serves(context.traffic.rule(), release["from_slot"]):
        lease.renew()
        return release, 0.0
    percent, slot = entry(release, number)["weight"], release["slot"]
    wait_for_size(context, lease, slots, release, percent, limit)

    def observe(before: SlotRule) -> None:
        previous = before.weights[slot] if sum(before.weights.values()) == 100 else 0
        share = Share(
            version=release["version"],
            before=release["from_version"],
            percent=percent,
            previous=previous if previous < percent else 0,
        )
        context.wait_for_share(share, lease)

    states = State.STEPPING, State.STEP_BAKING
    return shift_traffic(
        context, lease, release, states, percent, observe, diagnose, release.get("sticky", 0), step=number
    )


def wait_for_size(
    context: ReleaseContext, lease: Lease, slots: Slots, release: Release, percent: int, limit: float
) -> None:
    """Wait until the slot of the release has as many ready replicas as `percent` of the traffic needs.

    A slot that is too small is scaled up. Raises StepFailed after `limit` seconds.
    """
    slot, began = release["slot"], context.clock.steady()
    while True:
        try:
            needed = slots.replicas_for(slot, percent)
            now = slots.condition(slot)
            if now.ready >= needed:
                return
            problem: str = message("steps.ready", ready=now.ready, needed=needed)
            if now.wanted < needed:
                slots.grow(slot, needed, lease)
        except (KubernetesError, SlotFailed) as error:
            problem = str(error)
        if context.clock.steady() - began > limit:
            raise StepFailed(
                message("steps.too_small", slot=slot, percent=percent, span=span(limit), problem=problem),
                Cause.SCHEDULING,
            )
        lease.renew_if_due()
        context.clock.sleep(1.0)


def keep_sizes(lease: Lease, slots: Slots, release: Release) -> list[str]:
    """Keep the size of both slots until the release has ended, and return warnings.

    The live slot loses traffic to the release, and would be too small when all of it comes back. The release's own
    autoscaler would remove the replicas that the next step needs.
    """
    warnings = []
    for slot in (release["from_slot"], release["slot"]):
        try:
            slots.keep_size(slot, lease)
        except (KubernetesError, SlotFailed) as error:
            warnings.append(message("steps.may_shrink", slot=slot, error=error))
    return warnings
