# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Roll back to the release that still runs in the other slot, by the load balancer's weights alone, without Kubernetes."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message, text_of
from ansible_collections.teal.platform.plugins.module_utils.release import plan as plans
from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso, span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext, event
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import (
    failed_slot_content,
    unhealthy_target,
)
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, Parts, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    kind_of,
    named,
)
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import VersionNotObserved
from ansible_collections.teal.platform.plugins.module_utils.release.states import BEFORE_SWITCH, State
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store, label, release_id
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import (
    IN_FLIGHT_LIMIT,
    TrafficError,
    shares,
)

#: Operations whose lock a rollback acquires at once. For any other lock it waits.
PREEMPTS = frozenset({"deploy", "retire"})
#: How many releases are searched for a target that is not among the latest.
HISTORY_LIMIT = 500
#: States in which a run changes the weights.
_MOVING = frozenset({State.STEPPING, State.SWITCHING, State.ROLLING_BACK})


class RollbackFailed(Exception):
    """The rollback failed. The message says why."""


class _StateChanged(Exception):
    """A record changed after the plan was made and before the lock was acquired."""


@dataclass(frozen=True)
class Done:
    """What a rollback did.

    `record` is its own record, `stopped` the release that it stopped. `seconds` is the time from its first change until
    all addresses answered with the target's version.
    """

    plan: plans.RollbackPlan
    record: Release | None = None
    seconds: float = 0.0
    stopped: Release | None = None


def decide(
    context: ReleaseContext, to: str, force: list[str], now: ObservedState | None = None
) -> plans.RollbackPlan:
    """Return what a rollback to `to` (empty: the previous release) would do now. Raises Refused."""
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

    A release that is not among the `latest` is searched among the last HISTORY_LIMIT, or looked up by its number.
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
    """Roll back by the weights alone if that is possible, and return what was done.

    `seconds` is the length of the lease, `wait` the seconds to wait for the lock, `to` the target (empty: the previous
    release). If the plan is cold or none, nothing is changed and the caller acts on the plan.
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
            # A second call means that the first transaction was refused: the lock or the target slot has changed.
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
                # The holder of the lock may be scaling that slot down at this moment.
                parts += [
                    context.store.put(record),
                    context.store.unchanged(now.slots[plan.slot], "release", "state"),
                ]
            return parts, {"release": record["id"]} if record else {}

        try:
            lease, before = acquire(context.store, who, seconds, wait=wait, preempts=PREEMPTS, begin=begin)
        except _StateChanged:
            now = context.observe()
            if other_plan := _already_done(context, plan, first, now, to):
                return Done(other_plan)
            continue
        record, stopped = begun[0]
        if not record:
            lease.release_lock()
            return Done(plan, stopped=stopped)
        return _move(context, lease, plan, record, stopped, _call_in_flight(context, plan, before))


def _already_done(
    context: ReleaseContext, plan: plans.RollbackPlan, first: ObservedState, now: ObservedState, to: str
) -> plans.RollbackPlan | None:
    """Return a plan with nothing to do if another run has just reached the target of `plan`, else None.

    Raises Refused if another run made a different release live: this rollback was not meant for that release.
    """
    if to:
        return None
    if plan.stops and plan.how == "stop":
        stopped = context.store.release(plan.stops["id"]) or {}
        if stopped.get("state") == State.ABORTED:
            why = stopped.get("failure", "")
            return plans.RollbackPlan(
                "none",
                message("rollback.already_stopped", name=named(stopped), why=why, live=named(now.live)),
            )
    if now.live.get("release") in (first.live.get("release"), (first.unfinished or {}).get("id")):
        return (
            None  # nothing new is live, or the release that was in progress was committed: it is rolled back
        )
    shift = now.last_traffic_shift or {}
    run = message(
        "rollback.run",
        kind=kind_of(shift) if shift else message("rollback.a_run"),
        label=label(shift["id"]) if shift else "",
        who=shift.get("who") or message("rollback.someone"),
    )
    if plan.target and plans.slot_holds(plan.target, now.live) and now.rule.exclusive:
        if now.unfinished:
            return None  # the other run was interrupted: this rollback continues to the same release
        return plans.RollbackPlan("none", message("rollback.faster", name=named(now.live), run=run))
    raise plans.Refused(
        message("rollback.overtaken", before=named(first.live), live=named(now.live), run=run)
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
    target, replaced = plan.target, now.slots.get(plan.from_slot, {})
    return {
        "scope": "release",
        "id": release_id(seen["generation"] + 1),
        "kind": "rollback",
        "warm": True,
        "state": str(State.ROLLING_BACK),
        "slot": plan.slot,
        "from_slot": plan.from_slot,
        "from_release": plan.from_release,
        "from_image": replaced.get("image", ""),
        "from_name": named(replaced),
        "from_version": replaced.get("version", ""),
        "to": target["id"],
        "previous": target.get("previous", ""),
        "weights": shares(plan.slot),
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
        "events": [
            event(State.ROLLING_BACK, iso(at), message("event.begun", who=who["who"], where=who["where"]))
        ],
    }


def _stopping(
    context: ReleaseContext,
    plan: plans.RollbackPlan,
    stopped: Release | None,
    record: Release | None,
    who: dict[str, Any],
) -> tuple[Parts, Release | None]:
    """Return the parts that stop an unfinished release in the transaction that acquires its lock, and its new record.

    Raises _StateChanged if that release has claimed the target slot.
    """
    if not stopped:
        return [], None
    by = (
        message("rollback.stopped_by_release", who=who["who"], label=label(record["id"]))
        if record
        else message("rollback.stopped_by", who=who["who"])
    )
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
    """Shift traffic, wait until the target answers, and end the rollback.

    `call_in_flight` says whether a call of the stopped run may still change the weights. Raises RollbackFailed.
    """
    began = context.clock.steady()
    try:
        rule = context.traffic.rule()
        if wrong := unhealthy_target(context, lease, rule, plan.slot):
            raise TrafficError(wrong)
        if reason := context.obstacle(rule):
            raise TrafficError(message("rollback.not_shifted", reason=reason))
        context.traffic.switch(plan.slot, lease, rule)
        context.wait_for_version(plan.target.get("version", ""), lease)
    except (TrafficError, VersionNotObserved) as error:
        _end(context, lease, record, State.ROLLBACK_FAILED, text_of(error))
        raise RollbackFailed(text_of(error)) from error
    took = context.clock.steady() - began
    if call_in_flight:
        _hold_traffic(context, lease, plan.slot)
    record = _end(context, lease, record, State.ROLLED_BACK, message("event.observed", span=span(took)))
    return Done(plan, record, took, stopped)


def _call_in_flight(context: ReleaseContext, plan: plans.RollbackPlan, before: dict[str, Any]) -> bool:
    """Return whether a call of the stopped run may still be in flight. `before` is the lock that it held."""
    if not plan.stops or State(plan.stops["state"]) not in _MOVING:
        return False
    return before.get("expires", 0) / 1000 + IN_FLIGHT_LIMIT > context.clock.wall()


def _hold_traffic(context: ReleaseContext, lease: Lease, slot: str) -> None:
    """Keep all traffic on `slot` until no call of the stopped run can be in flight any more."""
    until = context.clock.steady() + IN_FLIGHT_LIMIT
    while context.clock.steady() < until:
        context.clock.sleep(1.0)
        lease.renew_if_due()
        # Traffic is on the slot already. A call that AWS refuses is repeated a second later.
        with suppress(TrafficError):
            context.traffic.switch(slot, lease)


def _end(context: ReleaseContext, lease: Lease, record: Release, state: State, note: str) -> Release:
    """End the rollback and the releases that it stopped, and release the lock, in one transaction."""
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
