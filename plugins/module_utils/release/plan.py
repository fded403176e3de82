# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What a deploy or a rollback will do, decided from what stands. Nothing is read or changed here."""

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

#: Words that ask for what is refused without them (`-e force=<word>`).
SAME, ROLLED_BACK = "same", "rolled_back"
FORCE_WORDS = (SAME, ROLLED_BACK)


class Refused(Exception):
    """What was asked for isn't done; the message says why, and what would be."""


@dataclass(frozen=True)
class DeployPlan:
    """Where a release goes. `first`: nothing serves yet. `unchanged`: it is live already."""

    slot: str
    from_slot: str
    from_release: str
    first: bool = False
    unchanged: bool = False


def deploy(
    now: ObservedState, image: str, config_name: str, force: list[str], live_serves: bool
) -> DeployPlan:
    """Decide on the deploy of `image` (with its digest) and configuration. Raises Refused.

    `live_serves` tells whether the live slot has a healthy target: one without a release and without
    such a target serves nothing, so that the first release can go to blue.
    """
    if not now.rule.exclusive and now.slots:
        raise Refused(
            f"requests go to both slots or to none ({weights(now)}), and no release did that. Send them to one "
            f"first: playbooks/rollback.yml -e to={label(now.live['release']) if now.live else '<release>'}"
        )
    undone = rolled_back_from(now.history, image)
    if undone and ROLLED_BACK not in force:
        raise Refused(
            f"{undone['from_name']} was rolled back on {undone['started']} by {undone['who']}"
            f"{': ' + undone['reason'] if undone.get('reason') else ''}. "
            f"To deploy it all the same, add -e force={ROLLED_BACK}"
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
    """Return whether a deploy of this image goes on with a release that was left unfinished."""
    return (
        unfinished["image"] == image
        and unfinished["config_name"] == config_name
        and unfinished["state"] != State.ROLLING_BACK
    )


def rolled_back_from(history: list[Release], image: str) -> Release | None:
    """Return the rollback that took `image` out of service, unless it was taken in again after that."""
    for release in history:
        if release["kind"] == "rollback" and release.get("from_image") == image:
            return release if succeeded(release) else None
        if release.get("image") == image and release["state"] in (State.COMMITTED, State.ROLLED_BACK):
            return None
    return None


def succeeded(rollback: Release) -> bool:
    """Return whether a rollback got where it was going. A cold one that was `rolled_back` was itself taken back."""
    state = State(rollback["state"])
    return state == State.COMMITTED or bool(rollback.get("warm") and state == State.ROLLED_BACK)


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback will do. `how` is warm, cold, stop (a deploy that has no traffic yet) or none."""

    how: str
    why: str
    slot: str = ""
    from_slot: str = ""
    from_release: str = ""
    target: Release = field(default_factory=dict)
    stops: Release | None = None

    def as_dict(self) -> dict[str, Any]:
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
    """Decide on a rollback, to the release `to` or to the one before. Raises Refused.

    `warm_serves` tells whether the idle slot has a healthy target.
    """
    unfinished = now.unfinished
    early = unfinished if unfinished and State(unfinished["state"]) in BEFORE_SWITCH else None
    target = to
    if to is None and unfinished and unfinished["kind"] == "rollback":
        # A rollback whose controller died goes on to where it was going.
        target = next((r for r in now.history if r["id"] == unfinished.get("to")), None)
    elif to is None:
        if early:
            return _stop(now, early)
        if (nothing := _nothing_to_go_to(now)) is not None:
            return RollbackPlan("none", nothing)
        target = now.rollback_target
    elif refusal := _refusal(now, to, force):
        raise Refused(refusal)
    if target is None:
        raise Refused(f"{named(unfinished)} was left unfinished; name the release to go to: -e to=<release>")
    same_place = slot_holds(target, now.live)
    if same_place and early:
        return _stop(now, early)
    if same_place and now.rule.exclusive and not unfinished:
        return RollbackPlan("none", f"{named(target)} is live already")
    slot = now.live_slot if same_place else now.idle_slot
    return _way(now, target, slot, unfinished, warm_serves or same_place)


def _stop(now: ObservedState, early: Release) -> RollbackPlan:
    why = f"the deploy of {named(early)} has no traffic yet: it is stopped, and {named(now.live)} stays live"
    return RollbackPlan("stop", why, from_slot=now.live_slot, stops=early)


def _way(
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
            "cold", f"slot {slot} holds {named(content)}, so that it has to be brought up", **known
        )
    if content.get("state") != "up":
        return RollbackPlan(
            "cold",
            f"slot {slot} is {content.get('state', 'empty')}, so that it has to be brought up",
            **known,
        )
    if not serves:
        return RollbackPlan(
            "cold", f"slot {slot} has no healthy target, so that it has to be brought up", **known
        )
    return RollbackPlan("warm", f"{named(target)} still runs in slot {slot}: only the weights move", **known)


def _nothing_to_go_to(now: ObservedState) -> str | None:
    """Return why there is no release before this one to go to, or None if there is one."""
    moved = now.last_traffic_shift
    if moved is None:
        return "no release is recorded yet"
    state = State(moved["state"])
    if moved["kind"] == "rollback" and succeeded(moved):
        return (
            f"{named(now.live)} is live since the rollback {label(moved['id'])} by {moved['who']} on "
            f"{moved['started']}. To go further back, name the release: -e to=<release>"
        )
    if state == State.ROLLED_BACK:
        return (
            f"the {moved['kind']} {label(moved['id'])} has already gone back: {named(now.live)} is live. "
            "To go further back, name the release: -e to=<release>"
        )
    if not now.rollback_target_id:
        return f"{named(now.live)} is the first release: there is none before it"
    if not now.rollback_target:
        return f"the release before, {label(now.rollback_target_id)}, is too long ago: name it with -e to=<release>"
    return None


def _refusal(now: ObservedState, to: Release, force: list[str]) -> str:
    if to["kind"] == "deploy" and to["state"] != State.COMMITTED:
        return (
            f"{named(to)} is {to['state']}: it never came through its verification and bake, so that it can't be "
            "gone back to"
        )
    undone = rolled_back_from(now.history, to["image"])
    if undone and ROLLED_BACK not in force and not slot_holds(to, now.live):
        return (
            f"{named(to)} was itself rolled back on {undone['started']} by {undone['who']}"
            f"{': ' + undone['reason'] if undone.get('reason') else ''}. "
            f"To go to it all the same, add -e force={ROLLED_BACK}"
        )
    return ""


def slot_holds(release: Release, content: dict[str, Any]) -> bool:
    return bool(content) and (
        content.get("release") == release["id"]
        or (content.get("image") == release["image"] and content.get("config_name") == release["config_name"])
    )


def weights(now: ObservedState) -> str:
    return ", ".join(f"{slot} {weight}" for slot, weight in sorted(now.rule.weights.items()))


def find(history: list[Release], to: str) -> Release:
    """Return the release that `to` names: r<number>, a tag, a version or a digest. Raises Refused."""
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
    raise Refused(f"No recorded release is called '{to}'. The latest that served are: {known}")
