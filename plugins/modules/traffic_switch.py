#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: traffic_switch
short_description: Shift traffic to the slot of a release, all of it or a step's share
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Changes the weights of the load balancer's slot rule, by one call and under the lease, and waits until new connections
    to each address of the load balancer answer with the new version.
  - Watches the release for its first seconds with traffic, because most overload failures happen then.
    M(teal.platform.release_bake) watches it for the rest.
  - If an address does not answer with the new version or the release is bad, it shifts traffic back to the previous
    release and fails. M(teal.platform.release_abort) then records the rollback.
options:
  step:
    description:
      - Number of the entry of the release's steps (from 1), whose share of the traffic the release gets. V(0) for all
        traffic.
      - Before a share, waits until the slot has enough ready replicas for it, and keeps both slots at their size until the
        release has ended. Then waits until the answers of each address show the new weights.
      - Does nothing if the step was taken already, or if the live slot has no healthy target.
    type: int
    default: 0
  size_timeout:
    description: How long the slot may take to become large enough.
    type: str
    default: 120s
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
  - teal.platform.release.watch
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Shift all traffic to the new release
  teal.platform.traffic_switch:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    release: "{{ __release.release }}"
"""

RETURN = r"""
seconds:
  description: Seconds until all addresses answered with the new version, or showed the share.
  type: float
  returned: success
watched:
  description: Seconds for which the release was watched after that.
  type: float
  returned: success
event:
  description: The event for the role C(teal.platform.notification). Empty if the step was left out.
  type: dict
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import deploy, operator_messages, steps
from ansible_collections.teal.platform.plugins.module_utils.release.engine import (
    STEP_ARGUMENTS,
    WATCH_ARGUMENTS,
    Engine,
    run,
)
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import Slots
from ansible_collections.teal.platform.plugins.module_utils.release.states import State, passed

ARGUMENTS = {
    "step": {"type": "int", "default": 0},
    "size_timeout": {"type": "str", "default": "120s"},
    **STEP_ARGUMENTS,
    **WATCH_ARGUMENTS,
}

#: Seconds of watching in this module: the next module takes time to start, and a notification is sent before it.
FIRST = 10.0


def switch(engine: Engine) -> dict[str, Any]:
    """Shift traffic to a release and watch its first seconds."""
    lease, release = engine.step()
    number, slots = engine.params["step"], engine.slots(lease, patience=5.0)
    monitor = SlotMonitor.of(slots, release)
    if number:
        shifted, seconds = take_step(engine, lease, release, slots, monitor)
        if shifted is release:
            return {"changed": False, "seconds": 0.0, "watched": 0.0, "event": {}}
    else:
        if release.get("steps") and not passed(State(release["state"]), State.BAKING):
            limit = engine.length("size_timeout")
            steps.wait_for_size(engine.context, lease, slots, release, 100, limit)
        shifted, seconds = deploy.switch(engine.context, lease, release, monitor.diagnose)
    watched = 0.0 if shifted is release else min(FIRST, engine.length("seconds"))
    if watched:
        engine.watch(lease, shifted, watched, every=0.5)
    event = operator_messages.event(shifted, operator_messages.shares(shifted))
    return {
        "changed": True,
        "seconds": round(seconds, 3),
        "watched": watched,
        "event": event | {"duration": round(seconds, 1)},
    }


def take_step(
    engine: Engine, lease: Lease, release: Release, slots: Slots, monitor: SlotMonitor
) -> tuple[Release, float]:
    """Take the step of the module's option `step`, see `steps.take`."""
    number = engine.params["step"]
    if not steps.taken(release, number):
        for warning in steps.keep_sizes(lease, slots, release):
            engine.warn(warning)
    limit = engine.length("size_timeout")
    return steps.take(engine.context, lease, release, number, slots, limit, monitor.diagnose)


def main() -> None:
    run(ARGUMENTS, switch, check=False)


if __name__ == "__main__":
    main()
