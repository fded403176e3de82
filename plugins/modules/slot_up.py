#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_up
short_description: Start a release in its slot, and wait until it is ready
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Starts the release in the idle slot, with at least as many replicas as the live slot has now, and waits until all are
    ready. The live slot is not changed.
  - Fails as soon as it is clear that the release will not become ready, with the reason and the last log lines.
options:
  manifests:
    description:
      - With O(slot_kind=kubernetes), the slot's objects, including its Deployment.
      - Only the Deployment and a HorizontalPodAutoscaler are applied. Run M(teal.platform.slot_prepare) first, then
        apply the other objects with C(kubernetes.core.k8s).
    type: list
    elements: dict
    default: []
  replicas:
    description: Minimum number of replicas.
    type: int
    default: 1
  schedule_timeout:
    description: How long pods may be unschedulable, such as V(60s).
    type: str
    default: 60s
  user_data:
    description: With O(slot_kind=instance), the user data that the instance runs at its start.
    type: str
    default: ""
  start_timeout:
    description: With O(slot_kind=instance), how long the instance may take to become healthy.
    type: str
    default: 300s
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Start the release in the idle slot
  teal.platform.slot_up:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    cluster: assistant-staging
    release: "{{ __release.release }}"
    manifests: "{{ lookup('ansible.builtin.template', 'slot.yml.j2') | from_yaml_all }}"
    replicas: 2
"""

RETURN = r"""
replicas:
  description: Number of ready replicas.
  type: int
  returned: success
seconds:
  description: Seconds that the start took.
  type: float
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import claim_slot
from ansible_collections.teal.platform.plugins.module_utils.release.engine import STEP_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.states import State, passed

ARGUMENTS = {
    "manifests": {"type": "list", "elements": "dict", "default": []},
    "replicas": {"type": "int", "default": 1},
    "schedule_timeout": {"type": "str", "default": "60s"},
    "user_data": {"type": "str", "default": ""},
    "start_timeout": {"type": "str", "default": "300s"},
    **STEP_ARGUMENTS,
}


def bring_up(engine: Engine) -> dict[str, Any]:
    """Start a release in its slot."""
    lease, release = engine.step()
    if passed(State(release["state"]), State.STEPPING):
        # The release is live already: a run that resumes it does not change its slot.
        lease.renew()
        return {"changed": False, "replicas": release.get("replicas", 0), "seconds": 0.0}
    began = engine.clock.steady()

    def staged(replicas: int) -> None:
        nonlocal release
        note = message("event.wanted", number=replicas)
        release = lease.advance(release, State.STAGED, note, replicas=replicas)

    if engine.params["slot_kind"] == "instance":
        slots = engine.slots(user_data=engine.params["user_data"], start_limit=engine.length("start_timeout"))
    else:
        slots = engine.slots(
            lease=lease,
            given=engine.params["manifests"],
            replicas=engine.params["replicas"],
            unschedulable=engine.length("schedule_timeout"),
        )
    claim_slot(lease, release)
    ready = slots.bring_up(release, lease, staged)
    restarts = slots.condition(release["slot"]).restarts
    for warning in getattr(slots, "warnings", []):
        engine.warn(warning)
    lease.advance(release, State.READY, message("event.ready", number=ready), restarts=restarts)
    return {"changed": True, "replicas": ready, "seconds": round(engine.clock.steady() - began, 1)}


def main() -> None:
    run(ARGUMENTS, bring_up, check=False)


if __name__ == "__main__":
    main()
