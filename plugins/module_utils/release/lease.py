# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The lock of an environment, held as a lease: one run at a time changes traffic and slots.

A lease is a lock that expires unless its holder renews it. The clocks of two machines are never compared. A run that
finds the lock of a holder that may be dead waits, by its own clock, until the lock was not renewed for one full lease.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from ansible_collections.teal.platform.plugins.module_utils.messages.message import known, message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import moment
from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso, span
from ansible_collections.teal.platform.plugins.module_utils.release.states import (
    State,
    TransitionRefused,
    check,
    passed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.store import (
    Conflict,
    Store,
    label,
    release_id,
)

_T = TypeVar("_T")
_POLL_INTERVAL = 0.5
Parts = list[dict[str, Any]]


class Busy(Exception):
    """Another run holds the lock. The message names its holder, operation and start."""

    def __init__(self, message: str, lock: dict[str, Any]) -> None:
        super().__init__(message)
        self.lock = lock


class LeaseLost(Exception):
    """This run no longer holds the lock, or may have lost it, and must not change anything more."""


def holder(who: str, where: str, run: str, operation: str, subject: str = "") -> dict[str, Any]:
    """Return the attributes of the lock that describe its holder, with a new id for the holder.

    `who` and `where` are the user and the machine, `run` is a link to the run, `operation` is deploy, rollback or
    retire, `subject` is the tag or digest.
    """
    return {
        "holder": uuid.uuid4().hex,
        "who": who,
        "where": where,
        "run": run,
        "operation": operation,
        "subject": subject,
    }


def describe(lock: dict[str, Any], now: float) -> str:
    """Return who holds the lock, for what and since when, as a sentence without its full stop.

    `now` is the wall clock in seconds.
    """
    operation = known(f"kind.{lock['operation']}", lock["operation"])
    subject = lock.get("subject")
    left = lock["expires"] / 1000 - now
    return message(
        "lock.held",
        what=message("lock.what", operation=operation, subject=subject) if subject else operation,
        who=lock["who"],
        where=lock["where"] + (f", {lock['run']}" if lock.get("run") else ""),
        since=moment(lock["since"]),
        lease=message("lock.expires", span=span(left))
        if left > 0
        else message("lock.expired", span=span(-left)),
    )


class Lease:
    """The lock, as its holder has it. Every record is written together with a renewal of the lease.

    `holder` is the id of the holder, `generation` grows with each acquisition, `seconds` is the length of the lease.
    Arguments `parts` and `also` are parts of one DynamoDB transaction, as the methods of Store return them.
    """

    def __init__(self, store: Store, holder: str, generation: int, seconds: float) -> None:
        self.store = store
        self.clock = store.clock
        self.holder = holder
        self.generation = generation
        self.seconds = seconds
        self._renewed = float("-inf")

    def ticket(self) -> dict[str, Any]:
        """Return the data from which another process of the same run creates this lease again (see `of`)."""
        return {"holder": self.holder, "generation": self.generation, "lease": int(self.seconds)}

    @classmethod
    def of(cls, store: Store, ticket: dict[str, Any]) -> Lease:
        """Return the lease that another process of this run holds, from the data of its `ticket`."""
        return cls(store, ticket["holder"], int(ticket["generation"]), float(ticket["lease"]))

    def freshness(self) -> dict[str, Any]:
        """Return the latest time at which another process of this run may begin a change without a renewal.

        The time is in seconds of the clock `steady` of this machine: half a lease after the last renewal.
        """
        return {"fresh_until": self._renewed + self.seconds / 2}

    # -- renewing -------------------------------------------------------------------------------

    def write(self, parts: Parts, **more: Any) -> None:
        """Renew the lease and carry out `parts` in the same transaction. Raises LeaseLost or Conflict.

        `more` are attributes of the lock to change.
        """
        began = self.clock.steady()
        try:
            self.store.write(
                [self.store.renew_lock(self.holder, self.generation, self.seconds, **more), *parts]
            )
        except Conflict:
            self._raise_loss()
            raise
        self._renewed = began

    def renew(self) -> None:
        """Renew the lease for its full length. Raises LeaseLost."""
        self.write([])

    def renew_if_due(self) -> None:
        """Renew the lease if a third of it has passed. For loops that wait. Raises LeaseLost."""
        if self.clock.steady() - self._renewed > self.seconds / 3:
            self.renew()

    def guard(self, change: Callable[[], _T]) -> _T:
        """Renew the lease, call `change` at once, and check afterwards that the lease was not lost meanwhile.

        Returns the result of `change`, which changes something outside of the table. Raises LeaseLost: before the change
        if the lease is lost or this process was paused after the renewal, after it if another run acquired the lock.
        """
        self.renew()
        if self.clock.steady() - self._renewed > self.seconds / 2:
            raise LeaseLost(message("lock.paused"))
        result = change()
        self.confirm(message("lock.maybe_after"))
        return result

    def confirm(self, then: str = "") -> None:
        """Raise LeaseLost unless this run holds the lock. `then` ends the message: what happened after the loss."""
        if not self._mine(self.store.lock()):
            self._raise_loss(then)

    def _mine(self, lock: dict[str, Any]) -> bool:
        return lock["holder"] == self.holder and lock["generation"] == self.generation

    def _raise_loss(self, then: str = "") -> None:
        """Raise LeaseLost with the reason if the lease is lost, else return."""
        then = then or message("lock.nothing_after")
        lock = self.store.lock()
        now = self.clock.wall()
        if self._mine(lock):
            if lock["expires"] >= now * 1000:
                return
            expired = moment(iso(lock["expires"] / 1000))
            raise LeaseLost(message("lock.lost_expired", at=expired, then=then))
        if not lock["holder"]:
            raise LeaseLost(message("lock.lost_released", then=then))
        raise LeaseLost(message("lock.lost_acquired", holder=describe(lock, now), then=then))

    # -- writing records --------------------------------------------------------------------------

    def advance(
        self,
        release: dict[str, Any],
        state: State,
        note: str = "",
        *,
        slots: dict[str, dict[str, Any]] | None = None,
        also: Parts | None = None,
        release_lock: bool = False,
        **changes: Any,
    ) -> dict[str, Any]:
        """Record that `release` is now in `state`, and return the new record.

        If the release is already in `state` or a later one, only the lease is renewed.
        `note` is a text for people, `slots` holds new records of slots, `also` holds more parts of the same transaction,
        `changes` are attributes of the record. With `release_lock` the transaction also releases the lock.
        Raises TransitionRefused, LeaseLost and Conflict.
        """
        current, step = State(release["state"]), release.get("step", 0)
        if passed(current, state, step, changes.get("step", step)):
            self.renew()
            return release
        try:
            check(current, state)
        except TransitionRefused:
            # If another run acquired the lock and ended the release, LeaseLost is the better message.
            self.confirm()
            raise
        now = iso(self.clock.wall())
        event = {"state": str(state), "at": now, "note": note, "key": uuid.uuid4().hex[:8]}
        changes |= {"updated": now}
        parts = [
            self.store.move(release, state, event, changes),
            *self.store.slot_parts(slots or {}),
            *(also or []),
        ]
        try:
            if release_lock:
                self.store.write([self.store.release_lock(self.holder, self.generation), *parts])
            else:
                self.write(parts)
        except Conflict:
            # If the answer of a successful write was lost, the client repeats it and gets a conflict.
            stored = self.store.release(release["id"])
            if not stored or stored["events"][-1].get("key") != event["key"]:
                self._raise_loss()
                raise
        return {**release, **changes, "state": str(state), "events": [*release["events"], event]}

    def release_lock(self, parts: Parts | None = None) -> None:
        """Release the lock, and carry out `parts` in the same transaction. Raises LeaseLost and Conflict."""
        try:
            self.store.write([self.store.release_lock(self.holder, self.generation), *(parts or [])])
        except Conflict:
            # If the answer of a successful write was lost, the client repeats it and gets a conflict: the lock is free.
            lock = self.store.lock()
            if lock["holder"] or lock["generation"] != self.generation:
                self._raise_loss()
                raise


def acquire(
    store: Store,
    who: dict[str, Any],
    seconds: float,
    *,
    wait: float = 0,
    preempts: Collection[str] = (),
    reason: str = "",
    begin: Callable[[dict[str, Any]], tuple[Parts, dict[str, Any]]] = lambda seen: ([], {}),
) -> tuple[Lease, dict[str, Any]]:
    """Acquire the lock for `who` (see `holder`), and return the lease and the lock as it was before.

    `seconds` is the length of the lease. A free lock is acquired at once, and so is a lock that is held for an operation
    in `preempts`. Any other lock is acquired when its holder releases it within `wait` seconds, or has not renewed it for
    one full lease. `reason` is recorded if another holder is replaced.
    `begin(lock)` returns more parts of the transaction and more attributes of the lock. Raises Busy.
    """
    clock = store.clock
    deadline = clock.steady() + wait
    # Each renewal writes a new random `beat`. It was first seen at `since`; `renewed` is whether it changed meanwhile.
    beat, since, renewed = None, 0.0, False
    while True:
        seen = store.lock()
        if seen["beat"] != beat:
            renewed = beat is not None
            beat, since = seen["beat"], clock.steady()
        dead = bool(seen["holder"]) and clock.steady() - since >= seen["lease"] / 1000
        if not seen["holder"] or dead or seen["operation"] in preempts:
            lease = _claim(store, seen, who, seconds, "expired" if dead else "pre-empted", reason, begin)
            if lease:
                return lease, seen
            continue
        # Probably dead, by the clock of its machine: wait up to one lease longer than `wait`, instead of refusing.
        seems_dead = seen["expires"] < clock.wall() * 1000 and not renewed
        if clock.steady() >= deadline and not seems_dead:
            raise Busy(describe(seen, clock.wall()), seen)
        clock.sleep(_POLL_INTERVAL)


def _claim(
    store: Store,
    seen: dict[str, Any],
    who: dict[str, Any],
    seconds: float,
    how: str,
    reason: str,
    begin: Callable[[dict[str, Any]], tuple[Parts, dict[str, Any]]],
) -> Lease | None:
    """Acquire the lock if it is still as it was `seen`, and return the lease; return None if it has changed.

    `how` and `reason` are recorded if another holder is replaced.
    """
    parts, more = begin(seen)
    if seen["holder"]:
        parts = [*parts, trace(store, seen, who, how, reason)]
    lease = Lease(store, who["holder"], seen["generation"] + 1, seconds)
    began = store.clock.steady()
    try:
        store.write([store.acquire_lock(seen, who, seconds, **more), *parts])
    except Conflict:
        # The write succeeded nevertheless if only its answer was lost and the client repeated it.
        now = store.lock()
        if now["holder"] != who["holder"] or now["generation"] != lease.generation:
            return None
    lease._renewed = began
    return lease


def trace(store: Store, seen: dict[str, Any], who: dict[str, Any], what: str, reason: str) -> dict[str, Any]:
    """Return the part of a transaction that records that `who` replaced the holder of the lock `seen`.

    `what` is expired or pre-empted, `reason` is a text for people.
    """
    return store.put(
        {
            "scope": "trace",
            "id": release_id(seen["generation"] + 1),
            "what": what,
            "at": iso(store.clock.wall()),
            "by": f"{who['who']} on {who['where']}",
            "for": who["operation"],
            "run": who["run"],
            "reason": reason,
            "from": {
                key: seen.get(key, "") for key in ("who", "where", "run", "operation", "subject", "since")
            },
            "release": label(seen["release"]) if seen.get("release") else "",
        }
    )
