# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The steps of a deploy that concern records and traffic, each safe to do again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import plan as plans
from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso, span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext, event
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, LeaseLost, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    named,
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
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import SlotRule, TrafficError

#: For how many seconds an address may answer with failures alone after the switch. Old answers may take longer to end.
_FAILING = 2.0


class StepFailed(Exception):
    """A step of a release failed; the message is for people and says why, `cause` in a word."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True)
class Request:
    """What is to be deployed. `image` is what the slot runs, with its digest where it is known."""

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
    #: Paths at which the release is watched through the load balancer, and at which its preview is checked.
    watched: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Begun:
    """How a deploy began: `release` is None if there is nothing to do; `settled` tells of one that was left."""

    release: Release | None
    lease: Lease | None
    plan: plans.DeployPlan
    now: ObservedState
    recovered: str = ""
    resumed: bool = False


def preview(context: ReleaseContext, request: Request) -> Begun:
    """Decide as `begin` would, and change nothing. Raises Refused."""
    now = context.observe()
    return Begun(None, None, _decide(context, now, request), now)


def begin(
    context: ReleaseContext, request: Request, who: dict[str, Any], seconds: float, wait: float
) -> Begun:
    """Take the lock, settle what a controller left behind, and record the release.

    What can be refused without the lock is. The lock is given back if there is nothing to do, or if the deploy is
    refused all the same. Raises Busy, Refused.
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
        settled = recover(context, lease, unfinished) if unfinished else ""
        now = context.observe() if unfinished else now
        plan = _decide(context, now, request)
        if plan.unchanged:
            lease.release_lock()
            return Begun(None, None, plan, now, settled)
        if plan.first:
            # Nothing serves, so both slots are empty: the first release comes up away from the traffic, too.
            context.traffic.switch(plan.from_slot, lease)
        return Begun(_record(context, lease, request, plan, who, now), lease, plan, now, settled)
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
    """Return which rule of the load balancer the release would fail at, and what to do; empty if there is none."""
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
        "who": who["who"],
        "where": who["where"],
        "run": who["run"],
        "reason": request.reason,
        "started": iso(at),
        "started_ms": int(at * 1000),
        "events": [event(State.LOCKED, iso(at), f"by {who['who']} on {who['where']}")],
    }
    lease.write([context.store.put(release)], release=release["id"])
    return release


def claim_slot(lease: Lease, release: Release) -> None:
    """Record, before anything is done to it, that the slot holds this release and no way back any more."""
    content = slot_content(release, "raising", iso(lease.clock.wall()))
    lease.write(lease.store.slot_parts({release["slot"]: content}))


def failed_slot_content(store: Store, release: Release) -> dict[str, dict[str, Any]]:
    """Return what the release's slot holds after it failed; nothing new if it was never brought up there."""
    slot = release["slot"]
    if store.slots().get(slot, {}).get("release") != release["id"]:
        return {}
    return {slot: slot_content(release, "failed", iso(store.clock.wall()))}


def slot_content(release: Release, state: str, since: str, warm_until: int = 0) -> dict[str, Any]:
    """Return what a slot holds from now on. `state` is raising, up, failed, stopping or down."""
    return {
        "release": release["id"],
        "state": state,
        "since": since,
        "warm_until": warm_until,
        **{key: release.get(key, "") for key in ("image", "tag", "digest", "version", "config_name")},
    }


def resume(lease: Lease, release: Release) -> Release:
    """Go on with a release that another controller left; the record says so."""
    note = {
        "state": release["state"],
        "at": iso(lease.clock.wall()),
        "note": "taken up again",
        "key": lease.holder[:8],
    }
    events = [*release["events"], note]
    lease.write([lease.store.put({**release, "events": events})], release=release["id"])
    return {**release, "events": events}


# -- the switch ----------------------------------------------------------------------------------


def switch(
    context: ReleaseContext, lease: Lease, release: Release, why: Callable[[], str] = str
) -> tuple[Release, float]:
    """Send all requests to the release's slot and see them arrive; return the seconds that it took.

    If they don't arrive they are sent back before anything else, and StepFailed is raised; `why` returns what there
    is to add to its message.
    """
    if passed(State(release["state"]), State.BAKING):
        lease.renew()
        return release, 0.0
    rule = context.traffic.rule()
    if not context.has_healthy_target(rule, release["slot"]):
        health = context.health(rule, release["slot"])
        raise StepFailed(
            f"no target of slot {release['slot']} is healthy ({health}): it gets no traffic", Cause.TARGETS
        )
    if reason := context.obstacle(rule):
        raise StepFailed(reason, Cause.RULES)
    release = lease.advance(release, State.SWITCHING)
    began = context.clock.steady()
    context.traffic.switch(release["slot"], lease)
    try:
        context.wait_for_version(release["version"], lease, failing=_FAILING)
    except (TrafficError, VersionNotObserved) as error:
        shift_traffic_back(context, lease, release, str(error))
        told = why()
        raise StepFailed(
            f"{error}{told}", getattr(told, "cause", "") or Cause.VERSION_NOT_OBSERVED
        ) from error
    took = context.clock.steady() - began
    return lease.advance(release, State.BAKING, f"seen at every address after {span(took)}"), took


# -- the ends ------------------------------------------------------------------------------------


def commit(context: ReleaseContext, lease: Lease, release: Release, window: float) -> tuple[Release, bool]:
    """Record that the release is the one that serves, keep the other slot warm for `window` seconds, let go.

    Returns the release's record, and whether the other slot is one to go back to.
    """
    at = context.clock.wall()
    slots = {release["slot"]: slot_content(release, "up", iso(at))}
    before = context.store.slots().get(release["from_slot"], {})
    warm = before.get("state") == "up"
    if warm:
        slots[release["from_slot"]] = {**_bare(before), "warm_until": int((at + window) * 1000)}
    ended = _ended(context, release)
    return lease.advance(release, State.COMMITTED, "live", slots=slots, release_lock=True, **ended), warm


def abort_or_roll_back(context: ReleaseContext, lease: Lease, release: Release, reason: str) -> Release:
    """Bring a release that failed to its end: aborted before the switch, back to the old slot after it."""
    if recovery_action(State(release["state"])) == RecoveryAction.ABORT:
        return abort(context, lease, release, reason)
    return roll_back(context, lease, release, reason)


def abort(
    context: ReleaseContext, lease: Lease, release: Release, reason: str, release_lock: bool = True
) -> Release:
    """End a release that never had traffic. Its slot keeps what is in it, until the next one or a retire."""
    return lease.advance(
        release,
        State.ABORTED,
        _short(reason),
        slots=failed_slot_content(context.store, release),
        release_lock=release_lock,
        failure=reason,
        **_ended(context, release),
    )


def roll_back(
    context: ReleaseContext, lease: Lease, release: Release, reason: str, release_lock: bool = True
) -> Release:
    """Send the requests to where they belong when a release is taken back, see them arrive, and record it.

    A slot without a healthy target gets none: the release then stays where it is, as `rollback_failed`.
    """
    release, wrong = shift_traffic_back(context, lease, release, reason)
    back, version, name = _rollback_target(release)
    if not wrong and name:
        try:
            context.wait_for_version(version, lease)
        except (TrafficError, VersionNotObserved) as error:
            wrong = str(error)
    slots = {} if back == release["slot"] else failed_slot_content(context.store, release)
    ended = {"slots": slots, "release_lock": release_lock, **_ended(context, release)}
    if wrong:
        return lease.advance(release, State.ROLLBACK_FAILED, wrong, return_failure=wrong, **ended)
    return lease.advance(release, State.ROLLED_BACK, f"{name or 'nothing'} serves again", **ended)


def shift_traffic_back(
    context: ReleaseContext, lease: Lease, release: Release, reason: str
) -> tuple[Release, str]:
    """Send the requests to where they belong when a release is taken back; return its record, and why not."""
    if release["state"] != State.ROLLING_BACK:
        release = lease.advance(release, State.ROLLING_BACK, _short(reason), failure=reason)
    back = _rollback_target(release)[0]
    try:
        rule = context.traffic.rule()
        if rule.live == back and rule.exclusive:
            return release, ""
        if not context.has_healthy_target(rule, back):
            return (
                release,
                f"slot {back} has no healthy target ({context.health(rule, back)}), so that traffic stayed",
            )
        context.traffic.switch(back, lease, rule)
    except TrafficError as error:
        return release, str(error)
    return release, ""


def _rollback_target(release: Release) -> tuple[str, str, str]:
    """Return slot, version and name of what serves when a release is taken back.

    A warm rollback is on its way there itself. Without a name nothing served before.
    """
    if release.get("warm"):
        return release["slot"], release["version"], named(release)
    return (
        release["from_slot"],
        release["from_version"],
        release["from_name"] if release["from_release"] else "",
    )


def recover(context: ReleaseContext, lease: Lease, release: Release) -> str:
    """Bring a release to its end whose controller is gone, and return what was done in words."""
    state = State(release["state"])
    reason = f"its controller was gone while the release was {state}"
    left = f"{named(release)} was left {state} by {release['who']}"
    if state in BEFORE_SWITCH:
        abort(context, lease, release, reason, release_lock=False)
        return f"{left}: it had no traffic, and is aborted now"
    # The release itself comes last, so that what it was to settle is found again if this is cut short, too.
    for stopped in map(context.store.release, release.get("settles", [])):
        if stopped and stopped["state"] == State.ROLLING_BACK:
            roll_back(context, lease, stopped, reason, release_lock=False)
    ended = roll_back(context, lease, release, reason, release_lock=False)
    if ended["state"] == State.ROLLBACK_FAILED:
        return f"{left}, and could not go back: {ended['return_failure']}"
    return f"{left}: {_rollback_target(release)[2] or 'nothing'} serves again"


def remove_previews(context: ReleaseContext, now: ObservedState, lease: Lease) -> None:
    """Remove preview rules that controllers left behind which died."""
    for arn in context.traffic.previews(now.rule.listener):
        lease.guard(lambda arn=arn: context.traffic.close_preview(arn))


def _ended(context: ReleaseContext, release: Release) -> dict[str, Any]:
    at = context.clock.wall()
    return {"finished": iso(at), "seconds": max(0, int(at - release["started_ms"] / 1000))}


def _bare(slot: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in slot.items() if key not in ("scope", "id")}


def _short(reason: str) -> str:
    return reason.strip().splitlines()[0][:300] if reason.strip() else ""
