#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_retire
short_description: Scale the idle slot down, or recover an interrupted release
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Scales the slot without traffic down once it is no longer kept warm as a rollback target. It acquires the lock, so it
    can run at any time, by a schedule or by hand. While a deploy or a rollback is in progress, it changes nothing.
  - If there is an interrupted release, it aborts it or rolls it back instead, which needs the permissions of a rollback.
options:
  now:
    description: Whether to ignore the time for which the slot is kept warm. After that, no warm rollback is possible.
    type: bool
    default: false
  recover_only:
    description: Whether to recover an interrupted release only, and scale no slot down.
    type: bool
    default: false
  drain:
    description: How long a slot must have had no requests before it is scaled down.
    type: str
    default: 60s
  metrics_delay:
    description:
      - Delay until CloudWatch has counted a request. It publishes the metric of a minute some time after the minute ends.
      - After a traffic shift, the module waits for this delay, so that later requests to the slot are counted.
    type: str
    default: 3m
  inventory:
    description: Path of the inventory, for the commands in messages.
    type: str
    default: ""
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.lock
attributes:
  check_mode:
    description: Reports whether the slot would be scaled down.
    support: full
"""

EXAMPLES = r"""
- name: Scale the idle slot down if it is no longer kept warm
  teal.platform.slot_retire:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    cluster: assistant-staging
"""

RETURN = r"""
message:
  description: What was done, or why nothing was done.
  type: str
  returned: success
topic:
  description: The topic of the event, for the role C(teal.platform.notification).
  type: str
  returned: when a release was recovered
event:
  description: The event for the role C(teal.platform.notification).
  type: dict
  returned: when a release was recovered
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.release import operator_messages, retire
from ansible_collections.teal.platform.plugins.module_utils.release.engine import LOCK_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Busy, describe
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import named

ARGUMENTS = {
    "now": {"type": "bool", "default": False},
    "recover_only": {"type": "bool", "default": False},
    "drain": {"type": "str", "default": "60s"},
    "metrics_delay": {"type": "str", "default": "3m"},
    "inventory": {"type": "str", "default": ""},
    **LOCK_ARGUMENTS,
}


def work(engine: Engine) -> dict[str, Any]:
    """Recover an interrupted release, or scale the idle slot down."""
    if engine.module.check_mode:
        now, wall = engine.context.observe(), engine.clock.wall()
        if now.lock["holder"] and now.lock["expires"] / 1000 > wall:
            return {"changed": False, "message": message("retire.unchanged", reason=describe(now.lock, wall))}
        if now.unfinished:
            return {"changed": True, "message": message("retire.would_recover", name=named(now.unfinished))}
        if engine.params["recover_only"]:
            return {"changed": False, "message": message("retire.nothing")}
        reason = retire.reason_to_keep(now, wall, engine.params["now"])
        if not reason:
            return {"changed": True, "message": message("retire.would_scale_down")}
        replicas, more = retire.replicas_to_match(now, engine.slots(patience=5.0))
        return {"changed": bool(replicas), "message": joined(reason, more)}
    try:
        changed, text, recovered = retire.retire(
            engine.context,
            engine.who("retire"),
            engine.length("lease"),
            engine.length("lock_wait"),
            lambda lease: engine.slots(lease=lease),
            now=engine.params["now"],
            drain=engine.length("drain"),
            delay=engine.length("metrics_delay"),
            requests=retire.request_counter(lambda: engine.client("cloudwatch")),
            recover_only=engine.params["recover_only"],
        )
    except Busy as error:
        if engine.params["now"]:
            raise
        return {"changed": False, "message": message("retire.unchanged", reason=error)}
    result = {"changed": changed, "message": text}
    if recovered:
        topic, event = operator_messages.recovered(recovered, engine.params["inventory"], engine.serving())
        result |= {"topic": topic, "event": event}
    return result


def main() -> None:
    run(ARGUMENTS, work)


if __name__ == "__main__":
    main()
