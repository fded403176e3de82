"""The status of an environment as lines for a terminal, from the JSON of playbooks/status.yml."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

Status = dict[str, Any]
#: The states of a release that succeeds without steps, in order.
STEPS = ("locked", "staged", "ready", "verified", "switching", "baking", "committed")
#: The states that repeat for each share of the traffic below 100 %.
IN_STEPS = ("stepping", "step_baking")
ENDED = ("committed", "aborted", "rolled_back", "rollback_failed")
SLOT_STATES = {
    "raising": "being brought up",
    "stopping": "being scaled down",
    "down": "scaled down",
    "failed": "failed",
}
EVENTS = 6
RELEASES = 5


def lines(environment: str, status: Status) -> list[str]:
    """Return the view: slots and weights, the state and verdict of the latest release, events, history."""
    releases = status.get("releases") or []
    now = _current(status, releases)
    parts = [
        [_headline(environment, status)],
        table([("slot", "weight", "release", "state", "targets", "pods"), *_slots(status)]),
        table([*_facts(status, now)]),
        _events(status, now),
        _history(releases),
    ]
    return [clean(line) for part in parts if part for line in (*part, "")][:-1]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, with columns as wide as their contents."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def clean(text: str) -> str:
    """Return a text without characters that move the cursor or change colours."""
    return "".join(character if character.isprintable() else " " for character in text)


def first_line(text: str) -> str:
    """Return the first line of a text that has something in it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _current(status: Status, releases: list[Status]) -> Status:
    """Return the release in progress, or else the latest one."""
    left = [each for each in releases if each["release"] == status.get("unfinished")]
    return next(iter([*left, *releases]), {})


def _headline(environment: str, status: Status) -> str:
    slot = status.get("live_slot")
    if not slot:
        return f"{environment.upper()}: requests do not all go to one slot"
    name = (status.get("slots") or {}).get(slot, {}).get("name") or "no release"
    return f"{environment.upper()}: {name} on {slot} is live"


def _slots(status: Status) -> Iterator[tuple[str, ...]]:
    weights = status.get("weights") or {}
    total = sum(weights.values()) or 1
    for name, slot in (status.get("slots") or {}).items():
        state = "LIVE" if name == status.get("live_slot") else SLOT_STATES.get(slot.get("state", ""), "")
        if slot.get("state") == "raising" and slot.get("weight"):
            state = "in a step"
        if until := slot.get("warm_until"):
            state = f"warm until {until}"
        pods = ""
        if slot.get("wanted"):
            pods = f"{slot.get('ready')} of {slot['wanted']} ready, {slot.get('restarts') or 0} restarts"
        yield (
            name,
            f"{100 * weights.get(name, 0) // total} %",
            slot.get("name") or "-",
            state,
            f"{slot.get('healthy', 0)} of {slot.get('targets', 0)} healthy",
            "; ".join(filter(None, [pods, *(slot.get("notes") or [])])),
        )


def _facts(status: Status, now: Status) -> Iterator[tuple[str, str]]:
    yield "state", _state(status, now)
    if steps := _steps(now):
        yield "steps", steps
    yield "verdict", _verdict(now)
    yield "lock", _lock(status.get("lock") or {})
    for problem in status.get("problems") or []:
        yield "problem", problem


def _state(status: Status, now: Status) -> str:
    if not now:
        return "no release yet"
    if not status.get("unfinished"):
        return "no release in progress"
    what = f"{now.get('kind', 'release')} of {now.get('tag') or now.get('version') or now['release']}"
    return (
        f"{_words(now)}: {what} ({now['release']}) by {now.get('who', '?')} since {now.get('started', '?')}"
    )


def _steps(now: Status) -> str:
    """Return the way of a release in progress, with its step in brackets; nothing for a rollback."""
    state, step = now.get("state"), now.get("step") or 0
    names = [f"{entry['weight']} %" for entry in now.get("steps") or []]
    if state in IN_STEPS and 0 < step <= len(names):
        state = names[step - 1]
    words = [*STEPS[:4], *names, *STEPS[4:]]
    if state in ENDED or state not in words:
        return ""
    return " > ".join(f"[{word}]" if word == state else word for word in words)


def _verdict(now: Status) -> str:
    if not now:
        return "-"
    words = [_words(now) if now.get("state") in ENDED else "none yet"]
    if why := first_line(now.get("failure") or ""):
        words[0] += f": {why}"
    gate = now.get("gate") or {}
    if gate.get("status"):
        words.append(f"quality gate {gate['status']}" + (" (overridden)" if gate.get("override") else ""))
    if "passed" in (now.get("tests") or {}):
        words.append(f"tests {'passed' if now['tests']['passed'] else 'failed'}")
    return "; ".join(words)


def _lock(lock: Status) -> str:
    if not lock.get("held"):
        return "free"
    what = " of ".join(filter(None, [lock.get("operation"), lock.get("subject")])) or "a run"
    return f"{what} by {lock.get('who')} since {lock.get('since')}, lease until {lock.get('expires')}"


def _events(status: Status, now: Status) -> list[str]:
    events = (status.get("events") or [])[-EVENTS:]
    if not events or not now:
        return []
    rows = [
        (event["at"], event["state"].replace("_", " "), first_line(event.get("note") or ""))
        for event in events
    ]
    return [f"events of {now['release']}", *(f"  {line}" for line in table(rows))]


def _history(releases: list[Status]) -> list[str]:
    rows = [("release", "what", "image", "who", "started", "took", "outcome")]
    for each in releases[:RELEASES]:
        why = first_line(each.get("failure") or each.get("reason") or "")
        rows.append(
            (
                each["release"],
                each.get("kind", ""),
                each.get("tag") or each.get("digest", "")[7:19],
                each.get("who", ""),
                each.get("started", ""),
                f"{each['seconds']} s" if each.get("seconds") is not None else "-",
                _words(each) + (f": {why}" if why else ""),
            )
        )
    return table(rows) if len(rows) > 1 else []


def _words(release: Status) -> str:
    return str(release.get("state", "")).replace("_", " ")
