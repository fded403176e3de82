#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_info
short_description: Read the live release, the slots, the lock and the latest releases
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Reads the weights, the slots, the lock and the latest releases. Changes nothing and needs no lock.
  - If a part cannot be read, for example because Kubernetes does not answer, the module returns the rest and adds a
    problem.
options:
  releases:
    description: Number of latest releases to return.
    type: int
    default: 10
  inspect_slots:
    description: Whether to read the pods or instances of the slots. Without it, the permissions of QA's role on AWS are
      enough.
    type: bool
    default: true
extends_documentation_fragment:
  - teal.platform.release
attributes:
  check_mode:
    description: Reads only.
    support: full
"""

EXAMPLES = r"""
- name: Read the current state
  teal.platform.release_info:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    cluster: assistant-staging
  register: __release_info
"""

RETURN = r"""
status:
  description:
    - C(live_slot), C(weights), C(slots) (by slot - C(release), C(version), C(tag), C(digest), C(state), C(warm_until),
      C(healthy), C(targets), C(wanted), C(ready), C(restarts)), C(lock), C(unfinished), C(releases), C(events) and
      C(problems).
    - While a release is in progress, C(live_slot) is the slot that it came from. It is empty if nothing is in progress and
      traffic is split.
    - C(events) are those of the release in progress, or else of the latest one, oldest first - C(at), C(state), C(note).
  type: dict
  returned: success
lines:
  description: The result as text for people.
  type: list
  elements: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, known, message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import moment
from ansible_collections.teal.platform.plugins.module_utils.release import operator_messages
from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso
from ansible_collections.teal.platform.plugins.module_utils.release.engine import Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import ObservedState, named
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    Condition,
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.store import label
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import (
    SLOTS,
    TrafficError,
    summary,
)

ARGUMENTS = {"releases": {"type": "int", "default": 10}, "inspect_slots": {"type": "bool", "default": True}}
_KEPT = ("kind", "state", "step", "steps", "weights", "slot", "tag", "version", "digest", "image", "commit", "who", "where",
         "run", "reason",
         "failure", "gate", "tests", "started", "finished", "seconds", "from_name", "replicas", "analysis")  # fmt: skip


def slot_conditions(engine: Engine, problems: list[str]) -> dict[str, Condition]:
    """Return the condition of each slot, and append to `problems` if it cannot be read."""
    if not engine.params["inspect_slots"]:
        return {}
    found: dict[str, Condition] = {}
    slots = engine.slots(patience=3.0)
    try:
        for slot in SLOTS:
            found[slot] = slots.condition(slot)
    except (KubernetesError, SlotFailed, TrafficError) as error:
        problems.append(message("status.slots_unreadable", error=error))
    return found


def slot_status(engine: Engine, now: ObservedState, slot: str, condition: Condition | None) -> dict[str, Any]:
    """Return the status of one slot."""
    content = now.slots.get(slot, {})
    targets = engine.traffic.health(now.rule.groups[slot])
    until = content.get("warm_until", 0)
    warm = slot != now.live_slot and content.get("state") == "up"
    return {
        "release": label(content["release"]) if content else "",
        **{key: content.get(key, "") for key in ("version", "tag", "digest", "state")},
        "name": named(content),
        "weight": now.rule.weights[slot],
        "warm_until": iso(until / 1000) if until and warm else "",
        "healthy": sum(target["state"] == "healthy" for target in targets),
        "targets": len(targets),
        "health": message("status.targets", health=summary(targets)),
        "wanted": condition.wanted if condition else None,
        "ready": condition.ready if condition else None,
        "restarts": condition.restarts if condition else None,
        "notes": condition.notes if condition else [],
    }


def lines_of(slot: dict[str, Any]) -> dict[str, Any]:
    """Return the status of a slot with its texts for people."""
    numbers = {key: slot[key] for key in ("ready", "wanted", "restarts")}
    pods = message("status.pods", **numbers) if slot["wanted"] else ""
    state = known(f"slot.{slot['state']}", "")
    if slot["state"] == "raising" and slot["weight"]:
        state = message("status.gets_share", percent=slot["weight"])
    until = slot["warm_until"]
    warm = message("status.warm_until", at=moment(until)) if until else state
    return {**slot, "pods": joined(*filter(None, [pods, *slot["notes"]]), by="; "), "warm": warm}


def info(engine: Engine) -> dict[str, Any]:
    """Return the current state of the environment."""
    problems: list[str] = []
    now = engine.context.observe()
    conditions = slot_conditions(engine, problems)
    slots = {slot: slot_status(engine, now, slot, conditions.get(slot)) for slot in SLOTS}
    one_live = now.rule.exclusive or now.unfinished is not None
    if not one_live:
        problems.append(message("status.split_traffic"))
    if obstacle := engine.context.obstacle(now.rule):
        problems.append(obstacle)
    shown = operator_messages.status(
        now,
        {slot: lines_of(status) for slot, status in slots.items()},
        engine.clock.wall(),
        problems,
        engine.reader,
    )
    lock = {key: now.lock.get(key, "") for key in ("who", "where", "run", "operation", "subject", "since")}
    unfinished = now.unfinished
    latest = unfinished or next(iter(now.history), {})
    status = {
        "live_slot": now.live_slot if one_live else "",
        "weights": now.rule.weights,
        "slots": slots,
        "lock": {"held": bool(now.lock["holder"]), **lock, "expires": iso(now.lock.get("expires", 0) / 1000)},
        "unfinished": label(unfinished["id"]) if unfinished else "",
        "releases": [
            {"release": label(each["id"]), **{key: each[key] for key in _KEPT if key in each}}
            for each in now.history[: engine.params["releases"]]
        ],
        "events": [
            {key: event.get(key, "") for key in ("at", "state", "note")} for event in latest.get("events", [])
        ],
        "problems": problems,
    }
    return {"changed": False, "status": status, "lines": shown}


def main() -> None:
    run(ARGUMENTS, info)


if __name__ == "__main__":
    main()
