#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_up
short_description: Bring a release up in its slot, and watch it come
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Brings the idle slot up with the release, with at least as many replicas as the live slot has now, and waits until
    all are ready. The live slot is not touched.
  - Fails as soon as it is clear that it won't come up, with the reason and the last log lines.
options:
  manifests:
    description:
      - With O(slot_kind=kubernetes), the slot's objects. One of them is its Deployment.
      - Only the Deployment and a HorizontalPodAutoscaler are applied. M(teal.platform.slot_prepare) comes before, and
        C(kubernetes.core.k8s) with the other objects.
    type: list
    elements: dict
    default: []
  replicas:
    description: Least number of replicas.
    type: int
    default: 1
  schedule_timeout:
    description: For how long pods may stay without a node, such as V(60s).
    type: str
    default: 60s
  user_data:
    description: With O(slot_kind=instance), what the instance runs when it starts.
    type: str
    default: ""
  start_timeout:
    description: With O(slot_kind=instance), for how long it may take to become healthy.
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
- name: Bring the idle slot up
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
  description: How many are ready.
  type: int
  returned: success
seconds:
  description: How long it took.
  type: float
  returned: success
"""

from typing import Any

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
    """Do what the module is for."""
    lease, release = engine.step()
    if passed(State(release["state"]), State.SWITCHING):
        # It is what serves: whoever goes on with it has nothing to do with its slot any more.
        lease.renew()
        return {"changed": False, "replicas": release.get("replicas", 0), "seconds": 0.0}
    began = engine.clock.steady()

    def staged(replicas: int) -> None:
        nonlocal release
        release = lease.advance(release, State.STAGED, f"{replicas} wanted", replicas=replicas)

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
        engine.module.warn(warning)
    lease.advance(release, State.READY, f"{ready} ready", restarts=restarts)
    return {"changed": True, "replicas": ready, "seconds": round(engine.clock.steady() - began, 1)}


def main() -> None:
    run(ARGUMENTS, bring_up, check=False)


if __name__ == "__main__":
    main()
