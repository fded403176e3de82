# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The texts that people read, on the screen and on Discord: what happened, what is live now, what to do next.

Texts are messages (see messages/message.py). Functions with a `reader` return lines in the reader's language, since the
columns of a table depend on it.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import (
    Message,
    first_line,
    joined,
    known,
    message,
)
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader, columns, moment
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import advice
from ansible_collections.teal.platform.plugins.module_utils.release.lease import describe
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    kind_of,
    named,
    state_of,
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
    """Return the state of a release, and its step, e.g. `step baking (step 1 of 2, 5 %)`."""
    percent = release.get("weights", {}).get(release["slot"], 0)
    state = state_of(release["state"])
    if not 0 < percent < 100:
        return state
    steps = len(release["steps"])
    return message("release.progress", state=state, step=release["step"], steps=steps, percent=percent)


def analysis(release: Release) -> list[str]:
    """Return the verdicts of the analysis of a release, one for each share of the traffic."""
    return [
        each["text"]
        if each["percent"] == 100
        else message("analysis.share", percent=each["percent"], text=each["text"])
        for each in release.get("analysis", [])
    ]


def live(now: ObservedState) -> Message:
    """Return the live release and slot, or the weights if traffic is split."""
    if now.unfinished or now.rule.exclusive:
        return on_slot(named(now.live), now.live_slot)
    return message("release.by_weight", weights=weights(now))


def shares(release: Release) -> Message:
    """Return which releases get the requests by the weights on the record of a release that has traffic."""
    slot = release["slot"]
    percent = release.get("weights", {}).get(slot, 100)
    new = on_slot(named(release), slot)
    if percent == 100:
        return new
    old = on_slot(release["from_name"], release["from_slot"])
    return message("release.shares", old=old, rest=100 - percent, new=new, percent=percent)


def step_of(task: str) -> str:
    """Return the step of a release that a task carries out, or the name of the task if it is none of the steps."""
    name = task.rpartition(" : ")[2]
    return known(f"step.{name.lower().replace(' ', '_')}", name)


def on_slot(name: str, slot: str) -> Message:
    """Return a release and its slot."""
    return message("release.on_slot", name=name, slot=slot)


def failed(
    release: Release, step: str, reason: str, inventory: str, serves: str, cause: str = ""
) -> tuple[str, Message, str]:
    """Return the topic, the message and the live release, for a release that failed.

    `step` is the name of the failed task, `cause` a value of failure_causes.Cause, `serves` the live release (see `live`),
    which is only used if the rollback failed: then the record does not know it.
    """
    state = State(release["state"])
    old, new = release["from_name"], named(release)
    lines = [message("failed.at", kind=kind_of(release), name=new, step=step), _indented(reason), ""]
    serving: str
    if state == State.ABORTED:
        serving = message("failed.untouched", name=old, slot=release["from_slot"])
        topic = "deploy aborted"
        lines += [
            message("failed.aborted", serving=serving),
            message("failed.slot_is_free", advice=advice(cause), slot=release["slot"]),
        ]
    elif state == State.ROLLED_BACK:
        serving = message("failed.again", name=old, slot=release["from_slot"])
        topic = "deploy failed"
        lines += [
            message("failed.shifted_back", serving=serving),
            message("failed.slot_still_runs", advice=advice(cause), slot=release["slot"], name=new),
        ]
    else:
        serving = serves
        topic = "rollback failed"
        lines += [
            message("rollback.failed", error=release.get("return_failure", "")),
            message("failed.serving", serving=serving),
            message("failed.commands", inventory=inventory),
        ]
    return topic, joined(*lines, by="\n"), serving


def recovered(release: Release, inventory: str, serves: str) -> tuple[str, dict[str, Any]]:
    """Return the topic and the event of an interrupted release that another run recovered."""
    reason = release.get("failure", "")
    step = message("failed.interrupted")
    topic, _message, serving = failed(release, step, reason, inventory, serves)
    if release.get("warm") and topic == "deploy failed":
        topic, serving = "rolled back", on_slot(named(release), release["slot"])
    return topic, event(release, serving, reason=reason)


def lost(release: Release, reason: str, inventory: str) -> Message:
    """Return the message of a run that lost the lock."""
    return joined(
        message("failed.stopped", kind=kind_of(release), name=named(release), reason=reason),
        "",
        message("failed.no_more_changes"),
        f"  ansible-playbook playbooks/status.yml -i {inventory}",
        by="\n",
    )


def stuck(release: Release, reason: str, error: str, inventory: str) -> Message:
    """Return the message of a failed release that could not be aborted or rolled back either."""
    return joined(
        message("failed.stuck", kind=kind_of(release), name=named(release)),
        _indented(reason),
        message("failed.stuck_twice"),
        _indented(error),
        "",
        message("failed.recover_later"),
        f"  ansible-playbook playbooks/status.yml -i {inventory}",
        f"  ansible-playbook playbooks/retire.yml -i {inventory}",
        by="\n",
    )


def plan(now: ObservedState, decided: RollbackPlan, reader: Reader) -> list[str]:
    """Return what a rollback will do, and the history that the decision is based on, as lines."""
    heading = {
        "warm": message("plan.heading_warm", name=named(decided.target), slot=decided.slot),
        "cold": message("plan.heading_cold", name=named(decided.target), slot=decided.slot),
        "stop": message("plan.heading_stop"),
        "none": message("plan.heading_none"),
    }[decided.how]
    lines = [
        heading,
        message("plan.from", name=named(now.live), slot=now.live_slot),
        message("plan.why", why=decided.why),
        "",
    ]
    return [*map(reader.show, lines), *history(now.history[:10], reader)]


def history(releases: list[Release], reader: Reader) -> list[str]:
    """Return the releases as lines of a table."""
    heads = [
        message("history.release"),
        message("history.what"),
        message("history.image"),
        message("history.who"),
        message("history.started"),
        message("history.took"),
        message("history.outcome"),
    ]
    rows = [[reader.show(head) for head in heads]]
    for release in releases:
        outcome = reader.show(state_of(release["state"]))
        if why := release.get("failure") or release.get("reason"):
            outcome += f": {first_line(reader.show(why))}"
        rows.append(
            [
                label(release["id"]),
                reader.show(kind_of(release)),
                release.get("tag") or release.get("digest", "")[7:19],
                release["who"],
                reader.time(release["started"]),
                reader.show(span(release["seconds"])) if "seconds" in release else "-",
                outcome,
            ]
        )
    return [line[: _WIDTH + 40].rstrip() for line in columns(rows)]


def status(
    now: ObservedState, slots: dict[str, dict[str, Any]], clock: float, problems: list[str], reader: Reader
) -> list[str]:
    """Return the current state as lines.

    `slots` maps each slot to name, health, pods, warm and digest. `clock` is the wall clock in seconds, `problems` are
    texts for people.
    """
    rows, details = [], []
    for slot, content in slots.items():
        one_live = now.rule.exclusive or now.unfinished
        live = message("status.live") if slot == now.live_slot and one_live else ""
        share = live or f"{now.rule.weights[slot]} %"
        rows.append(
            [
                f"{slot:<6}",
                f"{reader.show(share):<5}",
                f"{reader.show(content['name']):<24}",
                content["health"],
            ]
        )
        digest = content["digest"] and message("status.digest", digest=content["digest"])
        details.append([text for text in (content["pods"], content["warm"], digest) if text])
    lines: list[str] = []
    for row, below in zip(rows, details, strict=True):
        lines.append(" ".join(map(reader.show, row)))
        lines += [f"             {reader.show(detail)}" for detail in below]
    lines += ["", reader.show(message("status.weights", weights=weights(now)))]
    holder = describe(now.lock, clock) if now.lock.get("holder") else message("status.lock_free")
    lines.append(reader.show(message("status.lock", lock=holder)))
    if (open_release := now.unfinished) is not None:
        unfinished = message(
            "status.unfinished",
            kind=kind_of(open_release),
            name=named(open_release),
            who=open_release["who"],
            state=progress(open_release),
            since=moment(open_release.get("updated") or open_release["started"]),
        )
        lines.append(reader.show(unfinished))
    for latest in now.history[:1]:
        lines += [
            reader.show(message("status.verdict", name=named(latest), text=text)) for text in analysis(latest)
        ]
    lines += [reader.show(message("status.note", problem=problem)) for problem in problems]
    return [*lines, "", *history(now.history[:10], reader)]


def _indented(text: str) -> Message:
    """Return the first lines of a text, indented."""
    return message("indented", text=text)
