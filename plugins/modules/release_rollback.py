#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_rollback
short_description: Roll back to the previous release, or to another one
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - If the target still runs in the other slot, shifts all traffic there by the load balancer's weights alone, and waits
    until each address answers with its version. This needs no Kubernetes, and only the permissions of QA's role.
  - Stops a deploy in progress, and records that.
  - If the target has to be started again (a cold rollback), nothing is changed and the result says so. The caller then
    deploys it with M(teal.platform.release_begin) and O(teal.platform.release_begin#module:kind=rollback).
  - In check mode it returns the plan.
options:
  to:
    description: The target release, by its number such as V(r42), its tag, version or digest. Empty for the previous
      release.
    type: raw
    default: ""
  inventory:
    description: Path of the inventory, for the commands in messages.
    type: str
    default: ""
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.lock
attributes:
  check_mode:
    description: Returns the plan, and changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Roll back to the previous release
  teal.platform.release_rollback:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    reason: answers are cut off
"""

RETURN = r"""
how:
  description: V(warm), V(cold), V(stop) (a deploy that had no traffic yet was stopped) or V(none).
  type: str
  returned: success
plan:
  description: What is done and why, and the latest releases, as lines.
  type: list
  elements: str
  returned: success
to:
  description: The target release, for a cold rollback.
  type: str
  returned: success
seconds:
  description: Seconds from the first change until all addresses answered with the target's version.
  type: float
  returned: success
topic:
  description: The topic of the event, for the role C(teal.platform.notification).
  type: str
  returned: when something was done
event:
  description: The event for the role C(teal.platform.notification).
  type: dict
  returned: when something was done
message:
  description: The result as text for people.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import (
    joined,
    listed,
    message,
    text_of,
)
from ansible_collections.teal.platform.plugins.module_utils.release import operator_messages, rollback
from ansible_collections.teal.platform.plugins.module_utils.release import plan as plans
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.engine import (
    LOCK_ARGUMENTS,
    Engine,
    fail,
    run,
)
from ansible_collections.teal.platform.plugins.module_utils.release.lease import LeaseLost
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import named
from ansible_collections.teal.platform.plugins.module_utils.text_values import require_text

ARGUMENTS = {
    "to": {"type": "raw", "default": ""},
    "inventory": {"type": "str", "default": ""},
    **LOCK_ARGUMENTS,
}


def roll_back(engine: Engine) -> dict[str, Any]:
    """Roll back, or return the plan of a cold rollback."""
    params = engine.params
    require_text(engine.module, "to")
    to, force = params["to"], params["force"]
    if unknown := set(force) - {plans.ROLLED_BACK}:
        given = listed(sorted(unknown))
        raise plans.Refused(message("plan.unknown_force", given=given, allowed=plans.ROLLED_BACK))
    if engine.module.check_mode:
        now = engine.context.observe()
        decided = rollback.decide(engine.context, to, force, now)
        shown = operator_messages.plan(now, decided, engine.reader)
        return {"changed": decided.how not in ("none",), **plan_result(decided), "plan": shown}
    done = rollback.warm(
        engine.context,
        engine.who("rollback", to),
        engine.length("lease"),
        engine.length("lock_wait"),
        to,
        params["reason"],
        force,
    )
    result = {
        "changed": done.record is not None or done.stopped is not None,
        **plan_result(done.plan),
        "plan": [],
    }
    if done.record:
        serving = operator_messages.on_slot(named(done.plan.target), done.plan.slot)
        result |= {
            "seconds": round(done.seconds, 3),
            "topic": "rolled back",
            "event": operator_messages.event(done.record, serving, reason=params["reason"]),
            "message": message("rollback.serves_again", serving=serving, span=span(done.seconds)),
        }
    elif done.stopped:
        serving = operator_messages.on_slot(done.stopped["from_name"], done.stopped["from_slot"])
        result |= {
            "topic": "deploy aborted",
            "event": operator_messages.event(done.stopped, serving),
            "message": message("rollback.deploy_stopped", name=named(done.stopped), why=done.plan.why),
        }
    return result


def plan_result(decided: plans.RollbackPlan) -> dict[str, Any]:
    """Return the plan as the module returns it."""
    to = decided.as_dict()["to_release"]
    return {"how": decided.how, "to": to, "seconds": 0.0, "message": decided.why}


def work(engine: Engine) -> dict[str, Any]:
    """Roll back, and fail with topic, event and message if the rollback failed."""
    try:
        return roll_back(engine)
    except (rollback.RollbackFailed, LeaseLost) as error:
        now = engine.context.observe()
        where = {"name": named(now.live), "slot": now.live_slot, "weights": plans.weights(now)}
        text = joined(
            message("rollback.failed", error=error),
            "",
            message("rollback.serving_now", **where),
            message("failed.commands", inventory=engine.params["inventory"]),
            by="\n",
        )
        event = {"serving": message("rollback.serving", **where), "reason": text_of(error)}
        fail(engine.module, text, topic="rollback failed", event=engine.reader.show_all(event))


def main() -> None:
    run(ARGUMENTS, work)


if __name__ == "__main__":
    main()
