#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_abort
short_description: Abort a failed release, or roll it back
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Before the switch, aborts the release and scales its slot down. After the switch, shifts all traffic back to the
    previous slot and waits until each address answers with the previous version.
  - If the lease is lost, it changes nothing and reports the holder of the lock.
options:
  step:
    description: Name of the step that failed.
    type: str
    required: true
  failure:
    description: Message of the failure.
    type: str
    required: true
  failure_i18n:
    description: The C(msg_i18n) of the failed module, which is the id of that message and its parameters.
    type: raw
  cause:
    description: Cause of the failure, as the failed module returned it. The message then says what to do next.
    type: str
    default: ""
  keep_failed:
    description: Whether the slot of an aborted release keeps running, for inspection.
    type: bool
    default: false
  inventory:
    description: Path of the inventory, for the commands in messages.
    type: str
    default: ""
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Abort or roll back the failed release
  teal.platform.release_abort:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    release: "{{ __release.release }}"
    step: "{{ ansible_failed_task.name }}"
    failure: "{{ ansible_failed_result.msg }}"
"""

RETURN = r"""
topic:
  description: The topic of the event, for the role C(teal.platform.notification).
  type: str
  returned: success
event:
  description: The event for the role C(teal.platform.notification).
  type: dict
  returned: success
message:
  description: The message for people.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import (
    decoded,
    joined,
    message,
    text_of,
)
from ansible_collections.teal.platform.plugins.module_utils.release import deploy, operator_messages
from ansible_collections.teal.platform.plugins.module_utils.release.engine import (
    FAILURES,
    STEP_ARGUMENTS,
    Engine,
    run,
)
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import advice
from ansible_collections.teal.platform.plugins.module_utils.release.lease import LeaseLost
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import (
    BEFORE_SWITCH,
    TERMINAL,
    State,
)

ARGUMENTS = {
    "step": {"type": "str", "required": True},
    "failure": {"type": "str", "required": True},
    "failure_i18n": {"type": "raw"},
    "cause": {"type": "str", "default": ""},
    "keep_failed": {"type": "bool", "default": False},
    "inventory": {"type": "str", "default": ""},
    **STEP_ARGUMENTS,
}


def roll_back(engine: Engine) -> dict[str, Any]:
    """Abort a failed release, or roll it back."""
    failure = decoded(engine.params["failure"], engine.params["failure_i18n"])
    inventory = engine.params["inventory"]
    lease, release = engine.step()
    try:
        lease.confirm()
        if State(release["state"]) in BEFORE_SWITCH and not engine.params["keep_failed"]:
            scale_down(engine, release, lease)
        if State(release["state"]) not in TERMINAL:
            release = deploy.abort_or_roll_back(engine.context, lease, release, failure)
    except LeaseLost as error:
        reason = failure if str(error) in failure else joined(failure, text_of(error), by="\n")
        return ended(
            "deploy failed", release, operator_messages.lost(release, reason, inventory), changed=False
        )
    except FAILURES as error:
        return ended(
            "rollback failed", release, operator_messages.stuck(release, failure, text_of(error), inventory)
        )
    step, serves = operator_messages.step_of(engine.params["step"]), engine.serving()
    topic, text, serving = operator_messages.failed(
        release, step, failure, inventory, serves, engine.params["cause"]
    )
    if topic != "rollback failed":
        failure = message("failed.with_advice", failure=failure, advice=advice(engine.params["cause"]))
    return ended(topic, release, text, serving=serving, reason=failure, step=step)


def ended(
    topic: str,
    release: dict[str, Any],
    text: str,
    serving: str = "",
    reason: str = "",
    step: str = "",
    changed: bool = True,
) -> dict[str, Any]:
    """Return the module's result."""
    event = operator_messages.event(release, serving or message("release.see_status"), reason=reason or text)
    if step:
        event["failed_task"] = step
    return {"changed": changed, "topic": topic, "event": event, "message": text}


def scale_down(engine: Engine, release: dict[str, Any], lease: Any) -> None:
    """Scale down the slot of a release that never had traffic. If that fails, warn only: it can be done later."""
    if not deploy.failed_slot_content(engine.store, release):
        return
    try:
        engine.slots(patience=5.0).scale_down(release["slot"], lease)
    except (KubernetesError, SlotFailed) as error:
        engine.warn(message("abort.not_scaled_down", slot=release["slot"], error=error))


def main() -> None:
    run(ARGUMENTS, roll_back, check=False)


if __name__ == "__main__":
    main()
