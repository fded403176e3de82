#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_retire
short_description: Scale the idle slot down when it is not kept warm any more
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Scales the slot down that gets no requests, once its time as a way back is over. It takes the lock for that, so it is
    safe to run at any time, by a schedule or by hand; while a deploy or a rollback is under way, it leaves all as it is.
  - If a controller left a release behind, it brings that to its end instead, which takes the rights of a rollback.
options:
  now:
    description: Whether not to wait until the time is over. There is no warm rollback after that.
    type: bool
    default: false
  recover_only:
    description: Whether only a release that was left behind is brought to its end, and no slot is scaled down.
    type: bool
    default: false
  drain:
    description: For how long a slot must have had no request before it is scaled down.
    type: str
    default: 60s
  metrics_delay:
    description:
      - How long after a request CloudWatch may take to count it. It tells minutes, some time after their end.
      - A slot that served until just now is waited for, so that requests are counted which came after that.
    type: str
    default: 3m
  inventory:
    description: The inventory as it is named in the commands that messages give.
    type: str
    default: ""
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.lock
attributes:
  check_mode:
    description: Says whether the slot would be scaled down.
    support: full
"""

EXAMPLES = r"""
- name: Scale the idle slot down, if it is not kept warm any more
  teal.platform.slot_retire:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    cluster: assistant-staging
"""

RETURN = r"""
message:
  description: What was done, or why not.
  type: str
  returned: success
topic:
  description: The event that the role C(teal.platform.notification) sends.
  type: str
  returned: when a release was brought to its end
event:
  description: What there is to tell of it.
  type: dict
  returned: when a release was brought to its end
"""

from typing import Any

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
    """Do what the module is for."""
    if engine.module.check_mode:
        now, wall = engine.context.observe(), engine.clock.wall()
        if now.lock["holder"] and now.lock["expires"] / 1000 > wall:
            return {"changed": False, "message": f"all is left as it is: {describe(now.lock, wall)}"}
        if now.unfinished:
            return {"changed": True, "message": f"{named(now.unfinished)} would be brought to its end"}
        if engine.params["recover_only"]:
            return {"changed": False, "message": retire.NOTHING_TO_RECOVER}
        reason = retire.reason_to_keep(now, wall, engine.params["now"])
        if not reason:
            return {"changed": True, "message": "the idle slot would be scaled down"}
        replicas, more = retire.replicas_to_match(now, engine.slots(patience=5.0))
        return {"changed": bool(replicas), "message": reason + more}
    try:
        changed, message, settled = retire.retire(
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
        return {"changed": False, "message": f"all is left as it is: {error}"}
    result = {"changed": changed, "message": message}
    if settled:
        topic, event = operator_messages.recovered(settled, engine.params["inventory"], engine.serving())
        result |= {"topic": topic, "event": event}
    return result


def main() -> None:
    run(ARGUMENTS, work)


if __name__ == "__main__":
    main()
