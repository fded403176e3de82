# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The way back: to the slot that still runs by its weight alone, without a word to Kubernetes."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import plan as plans
from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso, span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext, event
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import failed_slot_content
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, Parts, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    named,
)
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import VersionNotObserved
from ansible_collections.teal.platform.plugins.module_utils.release.states import BEFORE_SWITCH, State
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store, label, release_id
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import (
    CALL_IN_FLIGHT,
    TrafficError,
)

#: What a rollback takes the lock from at once; for anything else it waits.
PREEMPTS = frozenset({"deploy", "retire"})
#: How many releases are looked through for one that is not among the latest.
HISTORY_LIMIT = 500
#: States in which a controller moves the weights.
_MOVING = frozenset({State.SWITCHING, State.ROLLING_BACK})


class RollbackFailed(Exception):
    """The rollback did not come through; the message says what serves now."""


class _StateChanged(Exception):
    """Something was written between the plan and the taking of the lock."""


@dataclass(frozen=True)
class Done:
    """What a rollback did: `seconds` from its first change to all addresses answering with the old version."""

    plan: plans.RollbackPlan
    record: Release | None = None
    seconds: float = 0.0
    stopped: Release | None = None


def decide(
    context: ReleaseContext, to: str, force: list[str], now: ObservedState | None = None
) -> plans.RollbackPlan:
    """Return what a rollback would do now. Raises Refused."""
    now = now or context.observe()
    target = None
    if to:
        target, history = recorded(context.store, to, now.history)
        now = replace(now, history=history)
    elif now.live and (not now.last_traffic_shift or (now.rollback_target_id and not now.rollback_target)):
        now = replace(now, history=context.store.history(HISTORY_LIMIT))
    plan = plans.rollback(now, target, force, context.has_healthy_target(now.rule, now.idle_slot))
    if plan.how in ("warm", "cold") and (reason := context.obstacle(now.rule)):
        raise plans.Refused(reason)
    return plan


def recorded(store: Store, to: str, latest: list[Release]) -> tuple[Release, list[Release]]:
    """Return the release that `to` names, and the history back to it. Raises Refused.

    What isn't among the `latest` is looked for among all that may still be of use, and by its number for ever.
    """
    with suppress(plans.Refused):
        return plans.find(latest, to), latest
    history = store.history(HISTORY_LIMIT)
    if re.fullmatch(r"r\d{1,8}", to.strip()) and (old := store.release(release_id(int(to.strip()[1:])))):
        history = [*(release for release in history if release["id"] > old["id"]), old]
    return plans.find(history, to), history


def warm(
    context: ReleaseContext,
    who: dict[str, Any],
    seconds: float,
    wait: float,
    to: str,
    reason: str,
    force: list[str],
) -> Done:
    """Go back by the weights alone if that is possible, and return what was done or has to be done.

    Raises Busy, Refused, RollbackFailed and LeaseLost.
    """
    now = context.observe()
    first = now
    begun: list[tuple[Release | None, Release | None]] = []
    while True:
        plan = decide(context, to, force, now)
        if plan.how not in ("warm", "stop"):
            return Done(plan)
        begun.clear()

        def begin(
            seen: dict[str, Any], plan: plans.RollbackPlan = plan, now: ObservedState = now
        ) -> tuple[Parts, dict[str, Any]]:
            # Asked a second time, the first taking was refused: by the lock, or by the slot that it was to go to.
            if (
                begun
                or seen["generation"] != now.lock["generation"]
                or seen.get("release") != now.lock.get("release")
            ):
                raise _StateChanged
            stopped = context.store.unfinished(seen)
            if (stopped or {}).get("state") != (plan.stops or {}).get("state"):
                raise _StateChanged
            record = _record(context, plan, who, seen, reason, now) if plan.how == "warm" else None
            parts, stopped = _stopping(context, plan, stopped, record, who)
            begun[:] = [(record, stopped)]
            if record:
                # Whoever holds the lock may be taking that slot away just now.
                parts += [
                    context.store.put(record),
                    context.store.unchanged(now.slots[plan.slot], "release", "state"),
                ]
            return parts, {"release": record["id"]} if record else {}

        try:
            lease, before = acquire(context.store, who, seconds, wait=wait, preempts=PREEMPTS, begin=begin)
        except _StateChanged:
            now = context.observe()
            if reached := _already_done(context, plan, first, now, to):
                return Done(reached)
            continue
        record, stopped = begun[0]
        if not record:
            lease.release_lock()
            return Done(plan, stopped=stopped)
        return _move(context, lease, plan, record, stopped, _call_in_flight(context, plan, before))


def _already_done(
    context: ReleaseContext, plan: plans.RollbackPlan, first: ObservedState, now: ObservedState, to: str
) -> plans.RollbackPlan | None:
    """Return the plan that there is nothing to do if somebody else has just gone where `plan` was to go.

    None if there is still something to do. Raises Refused if something has that nobody asked for here: to
    go back once more from there would be wrong.
    """
    if to:
        return None
    if plan.stops and plan.how == "stop":
        stopped = context.store.release(plan.stops["id"]) or {}
        if stopped.get("state") == State.ABORTED:
            why = f"the deploy of {named(stopped)} was stopped already ({stopped.get('failure', '')})"
            return plans.RollbackPlan("none", f"{why}, and {named(now.live)} stays live")
    if first.live.get("release") == now.live.get("release"):
        return None
    moved = now.last_traffic_shift or {}
    by = (
        f"{moved.get('kind', 'a run')} {label(moved['id']) if moved else ''} by {moved.get('who', 'someone')}"
    )
    if plan.target and plans.slot_holds(plan.target, now.live) and now.rule.exclusive:
        if now.unfinished:
            return None  # whoever came first has died on the way: the rollback goes on to the same release
        return plans.RollbackPlan("none", f"{named(now.live)} is live since the {by}, which came first")
    raise plans.Refused(
        f"{named(first.live)} was live when this rollback began, and {named(now.live)} is now: {by} came first. "
        "Nothing was changed"
    )


def _record(
    context: ReleaseContext,
    plan: plans.RollbackPlan,
    who: dict[str, Any],
    seen: dict[str, Any],
    reason: str,
    now: ObservedState,
) -> Release:
    at = context.clock.wall()
    target, gone = plan.target, now.slots.get(plan.from_slot, {})
    return {
        "scope": "release",
        "id": release_id(seen["generation"] + 1),
        "kind": "rollback",
        "warm": True,
        "state": str(State.ROLLING_BACK),
        "slot": plan.slot,
        "from_slot": plan.from_slot,
        "from_release": plan.from_release,
        "from_image": gone.get("image", ""),
        "from_name": named(gone),
        "from_version": gone.get("version", ""),
        "to": target["id"],
        "previous": target.get("previous", ""),
        **{
            key: target.get(key, "") for key in ("image", "tag", "digest", "version", "commit", "config_name")
        },
        "config": target.get("config", {}),
        "settles": [plan.stops["id"], *plan.stops.get("settles", [])] if plan.stops else [],
        "who": who["who"],
        "where": who["where"],
        "run": who["run"],
        "reason": reason,
        "started": iso(at),
        "started_ms": int(at * 1000),
        "events": [event(State.ROLLING_BACK, iso(at), f"by {who['who']} on {who['where']}")],
    }


def _stopping(
    context: ReleaseContext,
    plan: plans.RollbackPlan,
    stopped: Release | None,
    record: Release | None,
    who: dict[str, Any],
) -> tuple[Parts, Release | None]:
    """Return the writes that stop an unfinished release as the lock is taken from it, and the release after.

    Raises _StateChanged if it has taken the slot that is gone to.
    """
    if not stopped:
        return [], None
    by = f"stopped by {who['who']}'s rollback" + (f" {label(record['id'])}" if record else "")
    early = State(stopped["state"]) in BEFORE_SWITCH
    state = State.ABORTED if early else State.ROLLING_BACK
    if stopped["state"] == state:
        return [], stopped
    at = iso(context.clock.wall())
    changes: dict[str, Any] = {"failure": by, "updated": at}
    parts: Parts = []
    if early:
        changes |= {"finished": at, "seconds": int(context.clock.wall() - stopped["started_ms"] / 1000)}
        failed = failed_slot_content(context.store, stopped)
        if plan.slot in failed:
            raise _StateChanged
        parts += context.store.slot_parts(failed)
    note = {**event(state, at, by), "key": who["holder"][:8]}
    parts.append(context.store.move(stopped, state, note, changes))
    return parts, {**stopped, **changes, "state": str(state), "events": [*stopped["events"], note]}


def _move(
    context: ReleaseContext,
    lease: Lease,
    plan: plans.RollbackPlan,
    record: Release,
    stopped: Release | None,
    call_in_flight: bool,
) -> Done:
    """Move the requests, see them arrive and end the rollback; `call_in_flight`: who was stopped may be moving them, too."""
    began = context.clock.steady()
    try:
        rule = context.traffic.rule()
        if not context.has_healthy_target(rule, plan.slot):
            health = context.health(rule, plan.slot)
            raise TrafficError(
                f"no target of slot {plan.slot} is healthy any more ({health}): traffic stayed"
            )
        if reason := context.obstacle(rule):
            raise TrafficError(f"{reason}. Traffic stayed")
        context.traffic.switch(plan.slot, lease, rule)
        context.wait_for_version(plan.target.get("version", ""), lease)
    except (TrafficError, VersionNotObserved) as error:
        _end(context, lease, record, State.ROLLBACK_FAILED, str(error))
        raise RollbackFailed(str(error)) from error
    took = context.clock.steady() - began
    if call_in_flight:
        _hold(context, lease, plan.slot)
    record = _end(context, lease, record, State.ROLLED_BACK, f"seen at every address after {span(took)}")
    return Done(plan, record, took, stopped)


def _call_in_flight(context: ReleaseContext, plan: plans.RollbackPlan, before: dict[str, Any]) -> bool:
    """Return whether a call of the controller that was stopped, as it held the lock before, may be on its way."""
    if not plan.stops or State(plan.stops["state"]) not in _MOVING:
        return False
    return before.get("expires", 0) / 1000 + CALL_IN_FLIGHT > context.clock.wall()


def _hold(context: ReleaseContext, lease: Lease, slot: str) -> None:
    """Keep the requests in `slot` until no call is on its way any more of the controller that was stopped."""
    until = context.clock.steady() + CALL_IN_FLIGHT
    while context.clock.steady() < until:
        context.clock.sleep(1.0)
        lease.renew_if_due()
        # They are where they belong; a look that AWS refuses is made again a second later.
        with suppress(TrafficError):
            context.traffic.switch(slot, lease)


def _end(context: ReleaseContext, lease: Lease, record: Release, state: State, note: str) -> Release:
    """End the rollback, and with it what it stopped, in one write with the lock."""
    at = context.clock.wall()
    ended = {"finished": iso(at), "updated": iso(at)}
    also: Parts = []
    for stopped in filter(None, map(context.store.release, record["settles"])):
        if stopped["state"] != State.ROLLING_BACK:
            continue
        own = {**event(state, iso(at), note), "key": "settled"}
        seconds = max(0, int(at - stopped["started_ms"] / 1000))
        also.append(context.store.move(stopped, state, own, {**ended, "seconds": seconds}))
        if stopped["slot"] != record["slot"]:
            also += context.store.slot_parts(failed_slot_content(context.store, stopped))
    seconds = max(0, int(at - record["started_ms"] / 1000))
    return lease.advance(record, state, note, also=also, release_lock=True, seconds=seconds, finished=iso(at))
