# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The texts that people read, on the screen and on Discord: what happened, what is live now, what to do next."""

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
    """Return the event of a release, as the role notification sends it. Empty values are left out.

    `serving` is the live release, `how_back` the rollback command, `reason` the cause, `details` more lines.
    """
    commit, run = release.get("commit", ""), release.get("run", "")
    repository, on_github, _run_id = run.partition("/actions/runs/")
    fields = {
        "slot": release.get("slot", ""),
        "version": release.get("version") or release.get("tag", ""),
        "digest": release.get("digest", ""),
        "from_version": release.get("from_version", ""),
        "from_digest": release.get("from_image", "").partition("@")[2],
        # The commit of the image, not of the merge that deploys it.
        "commit": commit,
        "commit_url": f"{repository}/commit/{commit}" if commit and on_github else "",
        "duration": release.get("seconds", 0),
        "serving": serving,
        "how_back": how_back,
        "reason": reason,
        "analysis": "\n".join(analysis(release)),
        "details": details,
        "run_url": run,
        "who": release.get("who", ""),
    }
    return {key: value for key, value in fields.items() if value not in ("", None)}


def progress(release: Release) -> str:
    """Return the state of a release, and its step, e.g. `step_baking (step 1 of 2, 5 %)`."""
    percent = release.get("weights", {}).get(release["slot"], 0)
    if not 0 < percent < 100:
        return release["state"]
    return f"{release['state']} (step {release['step']} of {len(release['steps'])}, {percent} %)"


def analysis(release: Release) -> list[str]:
    """Return the verdicts of the analysis of a release, one for each share of the traffic."""
    return [
        each["text"] if each["percent"] == 100 else f"with {each['percent']} % of the traffic: {each['text']}"
        for each in release.get("analysis", [])
    ]


def live(now: ObservedState) -> str:
    """Return the live release and slot, or the weights if traffic is split."""
    if now.unfinished or now.rule.exclusive:
        return f"{named(now.live)} on {now.live_slot}"
    return f"by weight: {weights(now)}"


def shares(release: Release) -> str:
    """Return which releases get the requests by the weights on the record of a release that has traffic."""
    slot = release["slot"]
    percent = release.get("weights", {}).get(slot, 100)
    new = f"{named(release)} on {slot}"
    if percent == 100:
        return new
    return f"{release['from_name']} on {release['from_slot']} ({100 - percent} %), {new} ({percent} %)"


def failed(
    release: Release, step: str, reason: str, inventory: str, serves: str, cause: str = ""
) -> tuple[str, str, str]:
    """Return the topic, the message and the live release, for a release that failed.

    `step` is the name of the failed task, `cause` a value of failure_causes.Cause, `serves` the live release (see `live`),
    which is only used if the rollback failed: then the record does not know it.
    """
    state = State(release["state"])
    old, new = release["from_name"], named(release)
    lines = [f"The {release['kind']} of {new} failed at: {step}", *_indented(reason), ""]
    if state == State.ABORTED:
        serving = f"{old} on {release['from_slot']}, untouched"
        topic = "deploy aborted"
        lines += [
            f"Serving now:  {serving}. No request reached the new release.",
            f"What to do:   {advice(cause)} Slot {release['slot']} is free for the next deploy.",
        ]
    elif state == State.ROLLED_BACK:
        serving = f"{old} on {release['from_slot']}, again"
        topic = "deploy failed"
        lines += [
            f"Serving now:  {serving}. Traffic was shifted back automatically.",
            f"What to do:   {advice(cause)} Slot {release['slot']} ({new}) still runs, so that you can inspect it.",
        ]
    else:
        serving = serves
        topic = "rollback failed"
        lines += [
            f"The rollback failed: {release.get('return_failure', '')}",
            f"Serving now:  {serving}.",
            f"What to do:   ansible-playbook playbooks/status.yml -i {inventory}",
            f"              ansible-playbook playbooks/rollback.yml -i {inventory} -e to=<release>",
        ]
    return topic, "\n".join(lines), serving


def recovered(release: Release, inventory: str, serves: str) -> tuple[str, dict[str, Any]]:
    """Return the topic and the event of an interrupted release that another run recovered."""
    reason = release.get("failure", "")
    topic, _message, serving = failed(release, "its run was interrupted", reason, inventory, serves)
    if release.get("warm") and topic == "deploy failed":
        topic, serving = "rolled back", f"{named(release)} on {release['slot']}"
    return topic, event(release, serving, reason=reason)


def lost(release: Release, reason: str, inventory: str) -> str:
    """Return the message of a run that lost the lock."""
    return "\n".join(
        [
            f"The {release['kind']} of {named(release)} was stopped: {reason}",
            "",
            "It makes no further changes. To see the current state and who holds the lock:",
            f"  ansible-playbook playbooks/status.yml -i {inventory}",
        ]
    )


def stuck(release: Release, reason: str, error: str, inventory: str) -> str:
    """Return the message of a failed release that could not be aborted or rolled back either."""
    return "\n".join(
        [
            f"The {release['kind']} of {named(release)} failed:",
            *_indented(reason),
            "and could not be aborted or rolled back:",
            *_indented(error),
            "",
            "To see the current state, and to recover the release once that is possible:",
            f"  ansible-playbook playbooks/status.yml -i {inventory}",
            f"  ansible-playbook playbooks/retire.yml -i {inventory}",
        ]
    )


def plan(now: ObservedState, decided: RollbackPlan, inventory: str) -> list[str]:
    """Return what a rollback will do, and the history that the decision is based on, as lines."""
    heading = {
        "warm": f"WARM ROLLBACK to {named(decided.target)} on slot {decided.slot}: takes seconds, no pod is started",
        "cold": f"COLD ROLLBACK to {named(decided.target)} on slot {decided.slot}: a deploy starts the release again, "
        "which takes minutes and needs the permissions of the deploy role",
        "stop": "STOP the deploy in progress",
        "none": "NOTHING TO DO",
    }[decided.how]
    lines = [heading, f"  from  {named(now.live)} on slot {now.live_slot}", f"  why   {decided.why}", ""]
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
    """Return the current state as lines.

    `slots` maps each slot to name, health, pods, warm and digest. `clock` is the wall clock in seconds, `problems` are
    texts for people.
    """
    lines = []
    for slot, content in slots.items():
        known = now.rule.exclusive or now.unfinished
        live = "LIVE" if slot == now.live_slot and known else f"{now.rule.weights[slot]} %"
        lines.append(f"{slot:<6} {live:<5} {content['name']:<24} {content['health']}")
        details = [
            content["pods"],
            content["warm"],
            f"digest {content['digest']}" if content["digest"] else "",
        ]
        lines += [f"             {detail}" for detail in details if detail]
    lines += ["", f"weights   {weights(now)}"]
    held = now.lock.get("holder")
    lines.append(f"lock      {describe(now.lock, clock) if held else 'free'}")
    if (open_release := now.unfinished) is not None:
        since = open_release.get("updated") or open_release["started"]
        lines.append(
            f"unfinished  the {open_release['kind']} of {named(open_release)} by {open_release['who']}: "
            f"{progress(open_release)} since {since}"
        )
    lines += [f"verdict   {named(latest)}: {text}" for latest in now.history[:1] for text in analysis(latest)]
    lines += [f"note      {problem}" for problem in problems]
    return [*lines, "", *history(now.history[:10])]


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.strip().splitlines()[:25]]
