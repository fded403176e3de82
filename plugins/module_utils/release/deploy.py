# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The steps of a deploy that change records and traffic. Each step can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import (
    first_line,
    message,
    text_of,
)
from ansible_collections.teal.platform.plugins.module_utils.release import plan as plans
from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso, span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext, event
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, LeaseLost, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    named,
    state_of,
)
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import VersionNotObserved
from ansible_collections.teal.platform.plugins.module_utils.release.states import (
    BEFORE_SWITCH,
    RecoveryAction,
    State,
    passed,
    recovery_action,
)
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store, release_id
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import (
    SlotRule,
    TrafficError,
    other,
    shares,
)

#: Seconds for which an address may answer with failures only after the switch. Answers of the old version may last longer.
_FAILING = 2.0


class StepFailed(Exception):
    """A step of a release failed. The message is for people; `cause` is a value of failure_causes.Cause or empty."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True)
class Request:
    """A requested deploy or cold rollback. `image` is the reference that the slot runs, with its digest if known."""

    image: str
    tag: str = ""
    digest: str = ""
    commit: str = ""
    gate: dict[str, str] = field(default_factory=dict)
    tests: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    config: dict[str, str] = field(default_factory=dict)
    config_name: str = ""
    kind: str = "deploy"
    reason: str = ""
    to: str = ""
    force: list[str] = field(default_factory=list)
    #: The steps as `step_settings.normalized` returns them, and the seconds for which a client stays with its slot then.
    steps: list[dict[str, Any]] = field(default_factory=list)
    sticky: int = 0
    #: Paths that are watched through the load balancer, and paths at which the preview is checked.
    watched: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Begun:
    """How a deploy began.

    `release` and `lease` are None if there is nothing to do. `recovered` describes the interrupted release that was
    recovered first, if there was one. `resumed` is true if the deploy continues an interrupted release.
    """

    release: Release | None
    lease: Lease | None
    plan: plans.DeployPlan
    now: ObservedState
    recovered: str = ""
    resumed: bool = False


def preview(context: ReleaseContext, request: Request) -> Begun:
    """Decide as `begin` does, without changes. Raises Refused."""
    now = context.observe()
    return Begun(None, None, _decide(context, now, request), now)


def begin(
    context: ReleaseContext, request: Request, who: dict[str, Any], seconds: float, wait: float
) -> Begun:
    """Acquire the lock, recover or resume an interrupted release, and record the new one.

    `seconds` is the length of the lease, `wait` the seconds to wait for the lock. The request is checked before the lock
    is acquired, and again under it. The lock is released if there is nothing to do or the deploy is refused.
    Raises Busy and Refused.
    """
    now = context.observe()
    if not now.lock["holder"] and not now.unfinished:
        _decide(context, now, request)
    lease, before = acquire(context.store, who, seconds, wait=wait)
    try:
        unfinished = context.store.unfinished(before)
        now = context.observe()
        remove_previews(context, now, lease)
        if unfinished and plans.resumes(unfinished, request.image, request.config_name):
            plan = plans.DeployPlan(unfinished["slot"], unfinished["from_slot"], unfinished["from_release"])
            if reason := obstacle(context, now.rule, request):
                raise plans.Refused(reason)
            return Begun(resume(lease, unfinished), lease, plan, now, resumed=True)
        recovered = recover(context, lease, unfinished) if unfinished else ""
        now = context.observe() if unfinished else now
        plan = _decide(context, now, request)
        if plan.unchanged:
            lease.release_lock()
            return Begun(None, None, plan, now, recovered)
        if plan.first:
            # Both slots are empty. The first release, too, starts in the slot without traffic.
            context.traffic.switch(plan.from_slot, lease)
        return Begun(_record(context, lease, request, plan, who, now), lease, plan, now, recovered)
    except LeaseLost:
        raise
    except BaseException:
        lease.release_lock()
        raise


def _decide(context: ReleaseContext, now: ObservedState, request: Request) -> plans.DeployPlan:
    serves = bool(now.live) or context.has_healthy_target(now.rule, now.live_slot)
    history = now if request.kind == "deploy" else ObservedState(now.rule, now.lock, now.slots, [])
    plan = plans.deploy(history, request.image, request.config_name, request.force, serves)
    if not plan.unchanged and (reason := obstacle(context, now.rule, request)):
        raise plans.Refused(reason)
    return plan


def obstacle(context: ReleaseContext, rule: SlotRule, request: Request) -> str:
    """Return which load balancer rule would make the release fail, and what to do; empty if there is none."""
    return context.obstacle(rule, request.watched) or context.preview_obstacle(rule, request.checked)


def _record(
    context: ReleaseContext,
    lease: Lease,
    request: Request,
    plan: plans.DeployPlan,
    who: dict[str, Any],
    now: ObservedState,
) -> Release:
    at = context.clock.wall()
    previous = plan.from_release
    target: Release = {}
    if request.kind == "rollback":
        target = context.store.release(request.to) or {}
        previous = target.get("previous", "")
    release: Release = {
        "scope": "release",
        "id": release_id(lease.generation),
        "kind": request.kind,
        "state": str(State.LOCKED),
        "slot": plan.slot,
        "from_slot": plan.from_slot,
        "from_release": plan.from_release,
        "from_image": now.live.get("image", ""),
        "from_name": named(now.live),
        "from_version": now.live.get("version", ""),
        "previous": previous,
        "to": request.to,
        "image": request.image,
        "tag": request.tag,
        "digest": request.digest,
        "commit": request.commit,
        "gate": request.gate,
        "tests": request.tests,
        "expected": request.version,
        "version": "",
        "config": request.config,
        "config_name": request.config_name,
        # Without a live release there is nothing that could serve the rest of the requests.
        "steps": request.steps if plan.from_release else [],
        "sticky": request.sticky,
        "who": who["who"],
        "where": who["where"],
        "run": who["run"],
        "reason": request.reason,
        "started": iso(at),
        "started_ms": int(at * 1000),
        "events": [event(State.LOCKED, iso(at), message("event.begun", who=who["who"], where=who["where"]))],
    }
    lease.write([context.store.put(release)], release=release["id"])
    return release


def claim_slot(lease: Lease, release: Release) -> None:
    """Record that the slot now belongs to this release and is no rollback target. Call this before the slot changes."""
    content = slot_content(release, "raising", iso(lease.clock.wall()))
    lease.write(lease.store.slot_parts({release["slot"]: content}))


def failed_slot_content(store: Store, release: Release) -> dict[str, dict[str, Any]]:
    """Return the new content of the failed release's slot; empty if the release never used the slot."""
    slot = release["slot"]
    if store.slots().get(slot, {}).get("release") != release["id"]:
        return {}
    return {slot: slot_content(release, "failed", iso(store.clock.wall()))}


def slot_content(release: Release, state: str, since: str, warm_until: int = 0) -> dict[str, Any]:
    """Return the record of a slot that holds `release`.

    `state` is raising, up, failed, stopping or down. `since` is an ISO 8601 time, `warm_until` is in milliseconds.
    """
    return {
        "release": release["id"],
        "state": state,
        "since": since,
        "warm_until": warm_until,
        **{key: release.get(key, "") for key in ("image", "tag", "digest", "version", "config_name")},
    }


def resume(lease: Lease, release: Release) -> Release:
    """Continue a release that another run left unfinished, and record that."""
    note = {
        "state": release["state"],
        "at": iso(lease.clock.wall()),
        "note": message("event.resumed"),
        "key": lease.holder[:8],
    }
    events = [*release["events"], note]
    lease.write([lease.store.put({**release, "events": events})], release=release["id"])
    return {**release, "events": events}


# -- the switch ----------------------------------------------------------------------------------


def switch(
    context: ReleaseContext, lease: Lease, release: Release, diagnose: Callable[[], str] = str
) -> tuple[Release, float]:
    """Shift all traffic to the release's slot, and wait until every address answers with its version.

    Returns the release's record and the seconds that it took. Raises StepFailed as `shift_traffic` does.
    """
    if passed(State(release["state"]), State.BAKING):
        lease.renew()
        return release, 0.0

    def observe(_rule: SlotRule) -> None:
        context.wait_for_version(release["version"], lease, failing=_FAILING)

    states = State.SWITCHING, State.BAKING
    return shift_traffic(context, lease, release, states, 100, observe, diagnose)


def shift_traffic(
    context: ReleaseContext,
    lease: Lease,
    release: Release,
    states: tuple[State, State],
    percent: int,
    observe: Callable[[SlotRule], object],
    diagnose: Callable[[], str],
    sticky: float = 0,
    **changes: Any,
) -> tuple[Release, float]:
    """Give the release's slot `percent` of the traffic, and return the release's record and the seconds that it took.

    `states` are recorded before the weights change, with the new weights, and after `observe(rule before)` returned. It
    raises VersionNotObserved if the weights are not in force: traffic is then shifted back first, and StepFailed is raised.
    `diagnose` returns the text to add to its message, `sticky` is as in `Traffic.set_weights`, `changes` are attributes of
    the record.
    """
    slot = release["slot"]
    rule = context.traffic.rule()
    if not context.has_healthy_target(rule, slot):
        health = context.health(rule, slot)
        raise StepFailed(
            message("deploy.target_unhealthy", slot=slot, health=health),
            Cause.TARGETS,
        )
    if reason := context.obstacle(rule):
        raise StepFailed(reason, Cause.RULES)
    weights = shares(slot, percent)
    note = f"{percent} %" if release.get("steps") else ""
    release = lease.advance(release, states[0], note, weights=weights, **changes)
    began = context.clock.steady()
    context.traffic.set_weights(weights, lease, rule, sticky)
    try:
        observe(rule)
    except (TrafficError, VersionNotObserved) as error:
        shift_traffic_back(context, lease, release, text_of(error))
        diagnosis = diagnose()
        raise StepFailed(
            text_of(error) + diagnosis, getattr(diagnosis, "cause", "") or Cause.VERSION_NOT_OBSERVED
        ) from error
    took = context.clock.steady() - began
    return lease.advance(release, states[1], message("event.observed", span=span(took))), took


# -- the ends ------------------------------------------------------------------------------------


def commit(context: ReleaseContext, lease: Lease, release: Release, window: float) -> tuple[Release, bool]:
    """Record that the release is live, keep the other slot warm for `window` seconds, and release the lock.

    Returns the release's record, and whether the other slot is a warm rollback target.
    """
    at = context.clock.wall()
    slots = {release["slot"]: slot_content(release, "up", iso(at))}
    before = context.store.slots().get(release["from_slot"], {})
    warm = before.get("state") == "up"
    if warm:
        slots[release["from_slot"]] = {**_without_key(before), "warm_until": int((at + window) * 1000)}
    ended = _ended(context, release)
    return lease.advance(
        release, State.COMMITTED, message("event.live"), slots=slots, release_lock=True, **ended
    ), warm


def abort_or_roll_back(context: ReleaseContext, lease: Lease, release: Release, reason: str) -> Release:
    """End a failed release: abort it before the switch, roll it back after the switch."""
    if recovery_action(State(release["state"])) == RecoveryAction.ABORT:
        return abort(context, lease, release, reason)
    return roll_back(context, lease, release, reason)


def abort(
    context: ReleaseContext, lease: Lease, release: Release, reason: str, release_lock: bool = True
) -> Release:
    """End a release that never had traffic. Its slot is left as it is until the next release or retire."""
    return lease.advance(
        release,
        State.ABORTED,
        first_line(reason),
        slots=failed_slot_content(context.store, release),
        release_lock=release_lock,
        failure=reason,
        **_ended(context, release),
    )


def roll_back(
    context: ReleaseContext, lease: Lease, release: Release, reason: str, release_lock: bool = True
) -> Release:
    """Shift traffic back to the release's rollback target, wait until it answers, and record the result.

    A slot without a healthy target gets no traffic: the release then stays live and is recorded as `rollback_failed`.
    """
    release, wrong = shift_traffic_back(context, lease, release, reason)
    slot, version, name = _rollback_target(release)
    if not wrong and name:
        try:
            context.wait_for_version(version, lease)
        except (TrafficError, VersionNotObserved) as error:
            wrong = text_of(error)
    slots = {} if slot == release["slot"] else failed_slot_content(context.store, release)
    ended = {"slots": slots, "release_lock": release_lock, **_ended(context, release)}
    if wrong:
        return lease.advance(release, State.ROLLBACK_FAILED, wrong, return_failure=wrong, **ended)
    note = message("event.live_again", name=name or message("release.none"))
    return lease.advance(release, State.ROLLED_BACK, note, **ended)


def shift_traffic_back(
    context: ReleaseContext, lease: Lease, release: Release, reason: str
) -> tuple[Release, str]:
    """Shift traffic back to the release's rollback target.

    Returns the release's record, and the reason if traffic was not shifted.
    """
    back = _rollback_target(release)[0]
    if release["state"] != State.ROLLING_BACK:
        note = {"failure": reason, "weights": shares(back)}
        release = lease.advance(release, State.ROLLING_BACK, first_line(reason), **note)
    try:
        rule = context.traffic.rule()
        if rule.carries_all(back):
            return release, ""
        if wrong := unhealthy_target(context, lease, rule, back):
            return release, wrong
        context.traffic.switch(back, lease, rule)
    except TrafficError as error:
        return release, text_of(error)
    return release, ""


def unhealthy_target(context: ReleaseContext, lease: Lease, rule: SlotRule, slot: str) -> str:
    """Return why traffic is not shifted to a slot that has no healthy target, or the empty string.

    If such a slot has a part of the traffic, all of it goes to the other slot: its requests fail, and while both slots
    have traffic nothing can be deployed.
    """
    if context.has_healthy_target(rule, slot):
        return ""
    health = context.health(rule, slot)
    if rule.exclusive:
        return message("deploy.back_unhealthy", slot=slot, health=health)
    if not context.has_healthy_target(rule, other(slot)):
        return ""
    context.traffic.switch(other(slot), lease, rule)
    return message("deploy.other_has_all", slot=slot, health=health, other=other(slot))


def _rollback_target(release: Release) -> tuple[str, str, str]:
    """Return slot, version and name of the release that is live after `release` was rolled back.

    For a warm rollback that is its own target. The name is empty if nothing was live before.
    """
    if release.get("warm"):
        return release["slot"], release["version"], named(release)
    return (
        release["from_slot"],
        release["from_version"],
        release["from_name"] if release["from_release"] else "",
    )


def recover(context: ReleaseContext, lease: Lease, release: Release) -> str:
    """Abort or roll back an interrupted release, and return a sentence about it."""
    state = State(release["state"])
    reason = message("recover.reason", state=state_of(state))
    left = message("recover.interrupted", name=named(release), who=release["who"], state=state_of(state))
    if state in BEFORE_SWITCH:
        abort(context, lease, release, reason, release_lock=False)
        return message("recover.aborted", interrupted=left)
    # The release itself comes last: if this run is interrupted too, the next one finds the others through its record.
    for stopped in map(context.store.release, release.get("settles", [])):
        if stopped and stopped["state"] == State.ROLLING_BACK:
            roll_back(context, lease, stopped, reason, release_lock=False)
    ended = roll_back(context, lease, release, reason, release_lock=False)
    if ended["state"] == State.ROLLBACK_FAILED:
        return message("recover.failed", interrupted=left, error=ended["return_failure"])
    name = _rollback_target(release)[2] or message("release.none")
    return message("recover.live_again", interrupted=left, name=name)


def remove_previews(context: ReleaseContext, now: ObservedState, lease: Lease) -> None:
    """Delete the preview rules of interrupted releases."""
    for arn in context.traffic.previews(now.rule.listener):
        lease.guard(lambda arn=arn: context.traffic.close_preview(arn))


def _ended(context: ReleaseContext, release: Release) -> dict[str, Any]:
    at = context.clock.wall()
    return {"finished": iso(at), "seconds": max(0, int(at - release["started_ms"] / 1000))}


def _without_key(slot: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in slot.items() if key not in ("scope", "id")}
