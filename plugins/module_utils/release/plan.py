# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Decide what a deploy or rollback will do, from the observed state. Pure functions: nothing is read or changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import listed, message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import moment
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    kind_of,
    named,
    state_of,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import BEFORE_SWITCH, State
from ansible_collections.teal.platform.plugins.module_utils.release.store import label
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import other

#: Words that allow what is refused without them (`-e force=<word>`).
SAME, ROLLED_BACK = "same", "rolled_back"
FORCE_WORDS = (SAME, ROLLED_BACK)


class Refused(Exception):
    """The request was refused. The message says why, and which request would be accepted."""


@dataclass(frozen=True)
class DeployPlan:
    """The slot of a release. `first`: no release is live yet. `unchanged`: the image and configuration are live already."""

    slot: str
    from_slot: str
    from_release: str
    first: bool = False
    unchanged: bool = False


def deploy(
    now: ObservedState, image: str, config_name: str, force: list[str], live_serves: bool
) -> DeployPlan:
    """Decide on the deploy of `image` (with its digest) and `config_name`. Raises Refused.

    `live_serves` says whether the live slot has a healthy target. If it has neither a release nor a healthy target, it
    serves nothing, and the first release goes to blue.
    """
    if not now.rule.exclusive and now.slots:
        raise Refused(
            message(
                "plan.split_traffic",
                weights=weights(now),
                target=label(now.live["release"]) if now.live else "<release>",
            )
        )
    undone = rolled_back_from(now.history, image)
    if undone and ROLLED_BACK not in force:
        raise Refused(message("plan.was_rolled_back", name=undone["from_name"], **_undoing(undone)))
    if not now.live and not live_serves:
        return DeployPlan("blue", "green", "", first=True)
    same = now.live.get("image") == image and now.live.get("config_name") == config_name
    return DeployPlan(
        slot=now.idle_slot,
        from_slot=now.live_slot,
        from_release=now.live.get("release", ""),
        unchanged=same and SAME not in force,
    )


def resumes(unfinished: Release, image: str, config_name: str) -> bool:
    """Return whether a deploy of this image and configuration continues the unfinished release."""
    return (
        unfinished["image"] == image
        and unfinished["config_name"] == config_name
        and unfinished["state"] != State.ROLLING_BACK
    )


def rolled_back_from(history: list[Release], image: str) -> Release | None:
    """Return the rollback that took `image` out of service, or None if it was not rolled back or served again later."""
    for release in history:
        if release["kind"] == "rollback" and release.get("from_image") == image:
            return release if succeeded(release) else None
        if release.get("image") == image and release["state"] in (State.COMMITTED, State.ROLLED_BACK):
            return None
    return None


def _undoing(rollback: Release) -> dict[str, str]:
    """Return the parameters of a message about a release that was rolled back: when, by whom, why, and the word."""
    reason = rollback.get("reason")
    return {
        "at": moment(rollback["started"]),
        "who": rollback["who"],
        "reason": message("plan.with_reason", reason=reason) if reason else "",
        "word": ROLLED_BACK,
    }


def succeeded(rollback: Release) -> bool:
    """Return whether a rollback reached its target. A cold rollback in state `rolled_back` did not: it was undone itself."""
    state = State(rollback["state"])
    return state == State.COMMITTED or bool(rollback.get("warm") and state == State.ROLLED_BACK)


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback will do. `how` is warm, cold, stop (of a deploy that has no traffic yet) or none."""

    how: str
    why: str
    slot: str = ""
    from_slot: str = ""
    from_release: str = ""
    target: Release = field(default_factory=dict)
    stops: Release | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as module results have it."""
        return {
            "how": self.how,
            "why": self.why,
            "slot": self.slot,
            "from_slot": self.from_slot,
            "from_release": label(self.from_release) if self.from_release else "",
            "to_release": label(self.target["id"]) if self.target else "",
            "to_name": named(self.target) if self.target else "",
        }


def rollback(now: ObservedState, to: Release | None, force: list[str], warm_serves: bool) -> RollbackPlan:
    """Decide on a rollback to the release `to`, or to the previous release if it is None. Raises Refused.

    `warm_serves` says whether the idle slot has a healthy target.
    """
    unfinished = now.unfinished
    early = unfinished if unfinished and State(unfinished["state"]) in BEFORE_SWITCH else None
    target = to
    if to is None and unfinished and unfinished["kind"] == "rollback":
        # An interrupted rollback continues to its own target.
        target = next((r for r in now.history if r["id"] == unfinished.get("to")), None)
    elif to is None:
        if early:
            return _stop(now, early)
        if (reason := _no_rollback_target(now)) is not None:
            return RollbackPlan("none", reason)
        target = now.rollback_target
    elif refusal := _refusal(now, to, force):
        raise Refused(refusal)
    if target is None:
        raise Refused(message("plan.interrupted", name=named(unfinished or {})))
    same_place = slot_holds(target, now.live)
    if same_place and early:
        return _stop(now, early)
    if same_place and now.rule.exclusive and not unfinished:
        return RollbackPlan("none", f"{named(target)} is live already")
    slot = now.live_slot if same_place else now.idle_slot
    return _plan_for_slot(now, target, slot, unfinished, warm_serves or same_place)


def _stop(now: ObservedState, early: Release) -> RollbackPlan:
    why = message("plan.stop", name=named(early), live=named(now.live))
    return RollbackPlan("stop", why, from_slot=now.live_slot, stops=early)


def _plan_for_slot(
    now: ObservedState, target: Release, slot: str, unfinished: Release | None, serves: bool
) -> RollbackPlan:
    known = {
        "slot": slot,
        "from_slot": other(slot),
        "from_release": now.slots.get(other(slot), {}).get("release", ""),
        "target": target,
        "stops": unfinished,
    }
    content = now.slots.get(slot, {})
    if not slot_holds(target, content):
        return RollbackPlan("cold", message("plan.holds_other", slot=slot, name=named(content)), **known)
    if content.get("state") != "up":
        state = content.get("state", "empty")
        return RollbackPlan("cold", message("plan.slot_state", slot=slot, state=state), **known)
    if not serves:
        return RollbackPlan("cold", message("plan.no_healthy_target", slot=slot), **known)
    return RollbackPlan("warm", message("plan.warm", name=named(target), slot=slot), **known)


def _no_rollback_target(now: ObservedState) -> str | None:
    """Return why there is no release to roll back to, or None if there is one."""
    last = now.last_traffic_shift
    if last is None:
        return message("plan.no_release")
    state = State(last["state"])
    if last["kind"] == "rollback" and succeeded(last):
        return message(
            "plan.live_since_rollback",
            name=named(now.live),
            label=label(last["id"]),
            who=last["who"],
            at=moment(last["started"]),
        )
    if state == State.ROLLED_BACK:
        return message(
            "plan.already_rolled_back", kind=kind_of(last), label=label(last["id"]), name=named(now.live)
        )
    if not now.rollback_target_id:
        return message("plan.first_release", name=named(last))
    if not now.rollback_target:
        return message("plan.previous_unknown", label=label(now.rollback_target_id))
    return None


def _refusal(now: ObservedState, to: Release, force: list[str]) -> str:
    if to["kind"] == "deploy" and to["state"] != State.COMMITTED:
        return message("plan.never_live", name=named(to), state=state_of(to["state"]))
    undone = rolled_back_from(now.history, to["image"])
    if undone and ROLLED_BACK not in force and not slot_holds(to, now.live):
        return message("plan.target_was_rolled_back", name=named(to), **_undoing(undone))
    return ""


def slot_holds(release: Release, content: dict[str, Any]) -> bool:
    """Return whether a slot's record `content` holds the release, or the same image and configuration."""
    return bool(content) and (
        content.get("release") == release["id"]
        or (content.get("image") == release["image"] and content.get("config_name") == release["config_name"])
    )


def weights(now: ObservedState) -> str:
    """Return the weights as text, e.g. `blue 100, green 0`."""
    return ", ".join(f"{slot} {weight}" for slot, weight in sorted(now.rule.weights.items()))


def find(history: list[Release], to: str) -> Release:
    """Return the release that `to` names: r<number>, a tag, a version or a digest (12 digits or more). Raises Refused."""
    wanted = to.strip()
    for release in history:
        if wanted == label(release["id"]):
            return release
    served = [r for r in history if r["state"] == State.COMMITTED] or history
    for release in served:
        digest = release.get("digest", "")
        if wanted in (release.get("tag"), release.get("version"), digest) or (
            len(wanted) >= 12 and digest.removeprefix("sha256:").startswith(wanted.removeprefix("sha256:"))
        ):
            return release
    known = listed(dict.fromkeys(named(release) for release in served[:10])) or message("plan.none_known")
    raise Refused(message("plan.unknown_release", name=to, known=known))
