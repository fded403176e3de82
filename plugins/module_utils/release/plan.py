# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Decide what a deploy or rollback will do, from the observed state. Pure functions: nothing is read or changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    named,
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
            f"traffic goes to both slots or to none ({weights(now)}), which no release does. Send all traffic to one "
            f"slot first: playbooks/rollback.yml -e to={label(now.live['release']) if now.live else '<release>'}"
        )
    undone = rolled_back_from(now.history, image)
    if undone and ROLLED_BACK not in force:
        raise Refused(
            f"{undone['from_name']} was rolled back on {undone['started']} by {undone['who']}"
            f"{': ' + undone['reason'] if undone.get('reason') else ''}. "
            f"To deploy it anyway, add -e force={ROLLED_BACK}"
        )
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
        raise Refused(
            f"{named(unfinished)} was interrupted. Name the release to roll back to: -e to=<release>"
        )
    same_place = slot_holds(target, now.live)
    if same_place and early:
        return _stop(now, early)
    if same_place and now.rule.exclusive and not unfinished:
        return RollbackPlan("none", f"{named(target)} is live already")
    slot = now.live_slot if same_place else now.idle_slot
    return _plan_for_slot(now, target, slot, unfinished, warm_serves or same_place)


def _stop(now: ObservedState, early: Release) -> RollbackPlan:
    why = f"the deploy of {named(early)} has no traffic yet: it is stopped, and {named(now.live)} stays live"
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
        return RollbackPlan(
            "cold", f"slot {slot} holds {named(content)}, so the release has to be started", **known
        )
    if content.get("state") != "up":
        return RollbackPlan(
            "cold",
            f"slot {slot} is {content.get('state', 'empty')}, so the release has to be started",
            **known,
        )
    if not serves:
        return RollbackPlan(
            "cold", f"slot {slot} has no healthy target, so the release has to be started", **known
        )
    return RollbackPlan(
        "warm", f"{named(target)} still runs in slot {slot}: only the weights change", **known
    )


def _no_rollback_target(now: ObservedState) -> str | None:
    """Return why there is no release to roll back to, or None if there is one."""
    last = now.last_traffic_shift
    if last is None:
        return "no release is recorded yet"
    state = State(last["state"])
    if last["kind"] == "rollback" and succeeded(last):
        return (
            f"{named(now.live)} is live since the rollback {label(last['id'])} by {last['who']} on "
            f"{last['started']}. To go further back, name the release: -e to=<release>"
        )
    if state == State.ROLLED_BACK:
        return (
            f"the {last['kind']} {label(last['id'])} was already rolled back: {named(now.live)} is live. "
            "To go further back, name the release: -e to=<release>"
        )
    if not now.rollback_target_id:
        return f"{named(last)} is the first release: there is no release before it"
    if not now.rollback_target:
        return f"the previous release {label(now.rollback_target_id)} is not among the latest. Name it: -e to=<release>"
    return None


def _refusal(now: ObservedState, to: Release, force: list[str]) -> str:
    if to["kind"] == "deploy" and to["state"] != State.COMMITTED:
        return (
            f"{named(to)} is {to['state']}: it did not pass its verification and bake. Choose a release that was live: "
            "playbooks/status.yml lists them"
        )
    undone = rolled_back_from(now.history, to["image"])
    if undone and ROLLED_BACK not in force and not slot_holds(to, now.live):
        return (
            f"{named(to)} was itself rolled back on {undone['started']} by {undone['who']}"
            f"{': ' + undone['reason'] if undone.get('reason') else ''}. "
            f"To roll back to it anyway, add -e force={ROLLED_BACK}"
        )
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
    known = ", ".join(dict.fromkeys(named(release) for release in served[:10])) or "none"
    raise Refused(f"No recorded release is named '{to}'. The latest releases that were live: {known}")
