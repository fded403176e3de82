# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""A snapshot of an environment: the weights, the lock, the slots and the latest releases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import known, message
from ansible_collections.teal.platform.plugins.module_utils.release.states import (
    BEFORE_SWITCH,
    TERMINAL,
    State,
)
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store, label
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import SlotRule, Traffic, other

Release = dict[str, Any]
_HISTORY_LIMIT = 50


@dataclass(frozen=True)
class ObservedState:
    """One snapshot. `history` is newest first."""

    rule: SlotRule
    lock: dict[str, Any]
    slots: dict[str, dict[str, Any]]
    history: list[Release]

    @property
    def live_slot(self) -> str:
        """The slot of the live release.

        While a release is in progress, this is the slot that it came from, whatever the weights, until it is committed.
        The same holds if its rollback failed while both slots had traffic. Otherwise it is the slot with the higher weight.
        """
        release = self.unfinished
        if not release and not self.rule.exclusive:
            release = self.last_traffic_shift
            release = release if release and release["state"] == State.ROLLBACK_FAILED else None
        if not release or (release.get("warm") and self.rule.exclusive):
            return self.rule.heaviest
        return release["slot"] if release.get("warm") else release["from_slot"]

    @property
    def idle_slot(self) -> str:
        """The slot that is not live."""
        return other(self.live_slot)

    @property
    def live(self) -> dict[str, Any]:
        """The record of the live slot; empty if no release was ever in it."""
        return self.slots.get(self.live_slot, {})

    @property
    def idle(self) -> dict[str, Any]:
        """The record of the idle slot; empty if no release was ever in it."""
        return self.slots.get(self.idle_slot, {})

    @property
    def unfinished(self) -> Release | None:
        """The latest release, if it is not in a final state."""
        last = next((r for r in self.history if r["id"] == self.lock.get("release")), None)
        return last if last and State(last["state"]) not in TERMINAL else None

    @property
    def last_traffic_shift(self) -> Release | None:
        """The latest release that shifted traffic, or may have."""
        return next(
            (r for r in self.history if State(r["state"]) not in BEFORE_SWITCH | {State.ABORTED}), None
        )

    @property
    def rollback_target_id(self) -> str:
        """The id of the release to which a rollback without a target goes; empty if there is none."""
        last = self.last_traffic_shift or {}
        # After a rollback that failed, its own target is still to be reached.
        failed_rollback = last.get("warm") and last["state"] == State.ROLLBACK_FAILED
        return last.get("to" if failed_rollback else "previous", "")

    @property
    def rollback_target(self) -> Release | None:
        """The record of `rollback_target_id`, if it is in `history`."""
        return next((r for r in self.history if r["id"] == self.rollback_target_id), None)


def read(store: Store, traffic: Traffic) -> ObservedState:
    """Read all parts in parallel. Raises StoreError and TrafficError."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        rule = pool.submit(traffic.rule)
        lock = pool.submit(store.lock)
        slots = pool.submit(store.slots)
        history = pool.submit(store.history, _HISTORY_LIMIT)
        return ObservedState(rule.result(), lock.result(), slots.result(), history.result())


def named(release: Release | dict[str, Any]) -> str:
    """Return a release's name for people, e.g. `1.4.2 (r42)`. `release` is a record of a release or of a slot."""
    identity = release.get("release") if release.get("scope") == "slot" else release.get("id")
    what = release.get("tag") or release.get("version") or release.get("digest", "")[:19]
    return f"{what} ({label(identity)})" if identity else what or message("release.none")


def kind_of(release: Release) -> str:
    """Return the kind of a release for people, e.g. `rollback`."""
    return known(f"kind.{release['kind']}", release["kind"])


def state_of(state: str) -> str:
    """Return a state of a release for people, e.g. `rolling back`."""
    return known(f"state.{state}", state.replace("_", " "))
