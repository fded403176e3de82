# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The lease under which one controller at a time changes traffic and slots.

Whether a holder is alive is never judged by comparing two machines' clocks: who wants the lock of a
holder that may be dead watches it, by a clock of its own, until it has not moved for a whole lease.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from typing import Any, TypeVar

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
_LOOK_EVERY = 0.5
_NOTHING = "nothing was changed after that"
Parts = list[dict[str, Any]]


class Busy(Exception):
    """Someone else holds the lock; the message says who, for what and since when."""

    def __init__(self, message: str, lock: dict[str, Any]) -> None:
        super().__init__(message)
        self.lock = lock


class LeaseLost(Exception):
    """This controller is not (or may not be) the holder any more, and has to leave everything as it is."""


def holder(who: str, where: str, run: str, operation: str, subject: str = "") -> dict[str, Any]:
    """Return what the lock says of its holder. `operation` is what it is held for, `subject` of what."""
    return {
        "holder": uuid.uuid4().hex,
        "who": who,
        "where": where,
        "run": run,
        "operation": operation,
        "subject": subject,
    }


def describe(lock: dict[str, Any], now: float) -> str:
    """Return who holds the lock, for what and since when, in one sentence without its full stop."""
    run = f", {lock['run']}" if lock.get("run") else ""
    left = lock["expires"] / 1000 - now
    lease = f"its lease runs for {span(left)} more" if left > 0 else f"its lease ran out {span(-left)} ago"
    return (
        f"a {lock['operation']}{' of ' + lock['subject'] if lock.get('subject') else ''} by {lock['who']} "
        f"on {lock['where']}{run} holds the lock since {lock['since']} ({lease})"
    )


class Lease:
    """The right to change things, and the only way to write about it."""

    def __init__(self, store: Store, holder: str, generation: int, seconds: float) -> None:
        self.store = store
        self.clock = store.clock
        self.holder = holder
        self.generation = generation
        self.seconds = seconds
        self._renewed = float("-inf")

    def ticket(self) -> dict[str, Any]:
        """Return what another process of the same run needs to hold the lease on."""
        return {"holder": self.holder, "generation": self.generation, "lease": int(self.seconds)}

    @classmethod
    def of(cls, store: Store, ticket: dict[str, Any]) -> Lease:
        return cls(store, ticket["holder"], int(ticket["generation"]), float(ticket["lease"]))

    def freshness(self) -> dict[str, Any]:
        """Return until when a change may begin that another process makes, by this machine's steady clock."""
        return {"fresh_until": self._renewed + self.seconds / 2}

    # -- holding it ------------------------------------------------------------------------------

    def write(self, parts: Parts, **more: Any) -> None:
        """Renew the lease and carry out `parts`, all or nothing. Raises LeaseLost or Conflict."""
        began = self.clock.steady()
        try:
            self.store.write(
                [self.store.renew_lock(self.holder, self.generation, self.seconds, **more), *parts]
            )
        except Conflict:
            self._explain()
            raise
        self._renewed = began

    def renew(self) -> None:
        """Hold it for another lease length. Raises LeaseLost."""
        self.write([])

    def renew_if_due(self) -> None:
        """Renew it if a third of it has passed; for loops that wait."""
        if self.clock.steady() - self._renewed > self.seconds / 3:
            self.renew()

    def guard(self, change: Callable[[], _T]) -> _T:
        """Renew the lease, make a change outside of the table at once, and see that it was still ours.

        Raises LeaseLost: before the change if the lease has gone or this process was held up after
        renewing it, after it if somebody has taken the lock in the meantime.
        """
        self.renew()
        if self.clock.steady() - self._renewed > self.seconds / 2:
            raise LeaseLost("this controller was held up while it renewed its lease, and has changed nothing")
        result = change()
        self.confirm("what it had begun just then may have come after that")
        return result

    def confirm(self, then: str = _NOTHING) -> None:
        """Raise LeaseLost unless the lock is still this controller's; `then` says what it did after losing it."""
        if not self._mine(self.store.lock()):
            self._explain(then)

    def _mine(self, lock: dict[str, Any]) -> bool:
        return lock["holder"] == self.holder and lock["generation"] == self.generation

    def _explain(self, then: str = _NOTHING) -> None:
        """Raise LeaseLost with the reason if the lease has gone; return if it has not."""
        lock = self.store.lock()
        now = self.clock.wall()
        if self._mine(lock):
            if lock["expires"] >= now * 1000:
                return
            raise LeaseLost(
                f"the lease lapsed at {iso(lock['expires'] / 1000)}, before this controller came back to "
                f"renew it (was it paused?); {then}"
            )
        if not lock["holder"]:
            raise LeaseLost(f"the lock was broken or given back by someone else; {then}")
        raise LeaseLost(f"the lock has passed on: {describe(lock, now)}; {then}")

    # -- writing about releases --------------------------------------------------------------------

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
        """Record that `release` is in `state` now, and return it so; nothing is written if it has been there.

        `slots` says what is in a slot from now on, `also` are more parts for the same transaction,
        `release_lock` gives the lock back with it. Raises TransitionRefused, LeaseLost and Conflict.
        """
        current = State(release["state"])
        if passed(current, state):
            self.renew()
            return release
        try:
            check(current, state)
        except TransitionRefused:
            # Who has taken the lock may have ended the release meanwhile; then that is what there is to tell.
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
            # An answer that was lost on its way makes a write of ours fail the second time.
            stored = self.store.release(release["id"])
            if not stored or stored["events"][-1].get("key") != event["key"]:
                self._explain()
                raise
        return {**release, **changes, "state": str(state), "events": [*release["events"], event]}

    def release_lock(self, parts: Parts | None = None) -> None:
        """Free the lock, and carry out `parts` with it."""
        try:
            self.store.write([self.store.release_lock(self.holder, self.generation), *(parts or [])])
        except Conflict:
            lock = self.store.lock()
            if lock["holder"] or lock["generation"] != self.generation:
                self._explain()
                raise


def acquire(
    store: Store,
    who: dict[str, Any],
    seconds: float,
    *,
    wait: float = 0,
    preempts: Collection[str] = (),
    begin: Callable[[dict[str, Any]], tuple[Parts, dict[str, Any]]] = lambda seen: ([], {}),
) -> tuple[Lease, dict[str, Any]]:
    """Take the lock for `who` (see `holder`) and return the lease and the lock as it was before.

    A free lock is taken at once, and so is one held for an operation in `preempts`; another one when
    its holder gives it back within `wait` seconds, or has not moved for a whole lease of its own.
    `begin(lock)` returns more parts and more attributes of the lock, written in the same transaction.
    Raises Busy.
    """
    clock = store.clock
    give_up = clock.steady() + wait
    watched, since, moved = None, 0.0, False
    while True:
        seen = store.lock()
        if seen["beat"] != watched:
            moved = watched is not None
            watched, since = seen["beat"], clock.steady()
        dead = bool(seen["holder"]) and clock.steady() - since >= seen["lease"] / 1000
        if not seen["holder"] or dead or seen["operation"] in preempts:
            lease = _claim(store, seen, who, seconds, dead, begin)
            if lease:
                return lease, seen
            continue
        seems_dead = seen["expires"] < clock.wall() * 1000 and not moved
        if clock.steady() >= give_up and not seems_dead:
            raise Busy(describe(seen, clock.wall()), seen)
        clock.sleep(_LOOK_EVERY)


def _claim(
    store: Store,
    seen: dict[str, Any],
    who: dict[str, Any],
    seconds: float,
    dead: bool,
    begin: Callable[[dict[str, Any]], tuple[Parts, dict[str, Any]]],
) -> Lease | None:
    parts, more = begin(seen)
    if seen["holder"]:
        parts = [*parts, trace(store, seen, who, "expired" if dead else "pre-empted")]
    lease = Lease(store, who["holder"], seen["generation"] + 1, seconds)
    began = store.clock.steady()
    try:
        store.write([store.acquire_lock(seen, who, seconds, **more), *parts])
    except Conflict:
        now = store.lock()
        if now["holder"] != who["holder"] or now["generation"] != lease.generation:
            return None
    lease._renewed = began
    return lease


def trace(
    store: Store, seen: dict[str, Any], who: dict[str, Any], what: str, reason: str = ""
) -> dict[str, Any]:
    """Return the write that keeps on record from whom a lock was taken, and by whom."""
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
