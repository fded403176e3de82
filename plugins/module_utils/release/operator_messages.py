# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What a person is told, on one screen and on Discord alike: what happened, what serves now, what to do."""

from __future__ import annotations

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import advice
from ansible_collections.teal.platform.plugins.module_utils.release.lease import describe
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    named,
)
from ansible_collections.teal.platform.plugins.module_utils.release.plan import RollbackPlan, weights
from ansible_collections.teal.platform.plugins.module_utils.release.states import State
from ansible_collections.teal.platform.plugins.module_utils.release.store import label

_WIDTH = 100


def event(
    release: Release, serving: str, how_back: str = "", reason: str = "", details: str = ""
) -> dict[str, Any]:
    """Return what the role notification is told of a release."""
    commit, run = release.get("commit", ""), release.get("run", "")
    repository, on_github, _run_id = run.partition("/actions/runs/")
    told = {
        "slot": release.get("slot", ""),
        "version": release.get("version") or release.get("tag", ""),
        "digest": release.get("digest", ""),
        "from_version": release.get("from_version", ""),
        "from_digest": release.get("from_image", "").partition("@")[2],
        # The image's, and not that of the merge which deploys it.
        "commit": commit,
        "commit_url": f"{repository}/commit/{commit}" if commit and on_github else "",
        "duration": release.get("seconds", 0),
        "serving": serving,
        "how_back": how_back,
        "reason": reason,
        "details": details,
        "run_url": run,
        "who": release.get("who", ""),
    }
    return {key: value for key, value in told.items() if value not in ("", None)}


def live(now: ObservedState) -> str:
    """Return what serves, as far as the weights tell."""
    return f"{named(now.live)} on {now.live_slot}" if now.rule.exclusive else f"by weight: {weights(now)}"


def failed(
    release: Release, step: str, reason: str, inventory: str, serves: str, cause: str = ""
) -> tuple[str, str, str]:
    """Return the topic, the message and what serves now, for a release that has come to its end badly.

    `cause` is what it failed at, in a word (see `advice`). `serves` is what serves (see `live`), which a release doesn't
    know of itself if it could not go back.
    """
    state = State(release["state"])
    old, new = release["from_name"], named(release)
    lines = [f"The {release['kind']} of {new} failed at: {step}", *_indented(reason), ""]
    if state == State.ABORTED:
        serving = f"{old} on {release['from_slot']}, untouched"
        topic = "deploy aborted"
        lines += [
            f"Serving now:  {serving}. No request reached the new release.",
            f"What to do:   {advice(cause)} Slot {release['slot']} is free for that.",
        ]
    elif state == State.ROLLED_BACK:
        serving = f"{old} on {release['from_slot']}, again"
        topic = "deploy failed"
        lines += [
            f"Serving now:  {serving}. All requests went back by themselves.",
            f"What to do:   {advice(cause)} Slot {release['slot']} ({new}) is left as it was, to be looked at.",
        ]
    else:
        serving = serves
        topic = "rollback failed"
        lines += [
            f"Going back failed: {release.get('return_failure', '')}",
            f"Serving now:  {serving}.",
            f"What to do:   ansible-playbook playbooks/status.yml -i {inventory}",
            f"              ansible-playbook playbooks/rollback.yml -i {inventory} -e to=<release>",
        ]
    return topic, "\n".join(lines), serving


def recovered(release: Release, inventory: str, serves: str) -> tuple[str, dict[str, Any]]:
    """Return the topic and the event of a release that somebody else has brought to its end."""
    reason = release.get("failure", "")
    topic, _message, serving = failed(release, "its controller was gone", reason, inventory, serves)
    if release.get("warm") and topic == "deploy failed":
        topic, serving = "rolled back", f"{named(release)} on {release['slot']}"
    return topic, event(release, serving, reason=reason)


def lost(release: Release, reason: str, inventory: str) -> str:
    """Return the message of a controller that may not change anything any more."""
    return "\n".join(
        [
            f"The {release['kind']} of {named(release)} was stopped: {reason}",
            "",
            "It changes nothing any more. What stands, and who works on it now:",
            f"  ansible-playbook playbooks/status.yml -i {inventory}",
        ]
    )


def stuck(release: Release, reason: str, error: str, inventory: str) -> str:
    """Return the message of a release that failed, and could not be brought to its end either."""
    return "\n".join(
        [
            f"The {release['kind']} of {named(release)} failed:",
            *_indented(reason),
            "and could not be brought to its end:",
            *_indented(error),
            "",
            "What stands now, and what settles it as soon as that is possible again:",
            f"  ansible-playbook playbooks/status.yml -i {inventory}",
            f"  ansible-playbook playbooks/retire.yml -i {inventory}",
        ]
    )


def plan(now: ObservedState, decided: RollbackPlan, inventory: str) -> list[str]:
    """Return what a rollback will do, and the history that it is decided from."""
    told = {
        "warm": f"WARM ROLLBACK to {named(decided.target)} on slot {decided.slot}: seconds, no pod is started",
        "cold": f"COLD ROLLBACK to {named(decided.target)} on slot {decided.slot}: it is brought up again as a deploy, "
        "which takes minutes and the deploy role's rights",
        "stop": "STOP the deploy under way",
        "none": "NOTHING TO DO",
    }[decided.how]
    lines = [told, f"  from  {named(now.live)} on slot {now.live_slot}", f"  why   {decided.why}", ""]
    return [*lines, *history(now.history[:10])]


def history(releases: list[Release]) -> list[str]:
    """Return the releases as lines of a table."""
    rows = [("release", "what", "image", "who", "started", "took", "outcome")]
    for release in releases:
        outcome = release["state"].replace("_", " ")
        if why := release.get("failure") or release.get("reason"):
            outcome += f": {why.splitlines()[0]}"
        rows.append(
            (
                label(release["id"]),
                release["kind"],
                release.get("tag") or release.get("digest", "")[7:19],
                release["who"],
                release["started"],
                span(release["seconds"]) if "seconds" in release else "-",
                outcome,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return [
        ("  ".join(cell.ljust(width) for cell, width in zip(row[:6], widths, strict=True)) + "  " + row[6])[
            : _WIDTH + 40
        ].rstrip()
        for row in rows
    ]


def status(
    now: ObservedState, slots: dict[str, dict[str, Any]], clock: float, problems: list[str]
) -> list[str]:
    """Return what stands, as lines. `slots` has for each: version, health, pods, warm."""
    lines = []
    for slot, told in slots.items():
        live = "LIVE" if slot == now.live_slot and now.rule.exclusive else f"{now.rule.weights[slot]} %"
        lines.append(f"{slot:<6} {live:<5} {told['name']:<24} {told['health']}")
        details = [told["pods"], told["warm"], f"digest {told['digest']}" if told["digest"] else ""]
        lines += [f"             {detail}" for detail in details if detail]
    lines += ["", f"weights   {weights(now)}"]
    held = now.lock.get("holder")
    lines.append(f"lock      {describe(now.lock, clock) if held else 'free'}")
    if (left := now.unfinished) is not None:
        since = left.get("updated") or left["started"]
        lines.append(
            f"unfinished  the {left['kind']} of {named(left)} by {left['who']}: {left['state']} since {since}"
        )
    lines += [f"note      {problem}" for problem in problems]
    return [*lines, "", *history(now.history[:10])]


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.strip().splitlines()[:25]]
