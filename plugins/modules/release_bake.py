#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_bake
short_description: Watch a release that has traffic
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Sends requests to each address of the load balancer, and checks the pods or the instance of the slot (restarts,
    readiness) and CloudWatch alarms. At the first sign of a bad release, it shifts traffic back to the previous release
    and fails. M(teal.platform.release_abort) then records the rollback.
options:
  watched:
    description: Seconds for which M(teal.platform.traffic_switch) has already watched the release. They count towards
      O(seconds).
    type: float
    default: 0.0
  step:
    description: Number of the entry of the release's steps (from 1) whose share it has now. V(0) for all traffic.
    type: int
    default: 0
  alarms:
    description: Names of CloudWatch alarms that fail the release if they go to ALARM after the switch. An alarm that was
      raised before the switch is ignored, because the release may be its fix.
    type: list
    elements: str
    default: []
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
- name: Watch the release with traffic
  teal.platform.release_bake:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    release: "{{ __release.release }}"
    seconds: 5m
    watched: "{{ __release_switch.watched }}"
    alarms: [assistant-staging-5xx]
"""

RETURN = r"""
seen:
  description: Summary of the requests and their failures.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import steps
from ansible_collections.teal.platform.plugins.module_utils.release.alarms import Alarms
from ansible_collections.teal.platform.plugins.module_utils.release.engine import (
    STEP_ARGUMENTS,
    WATCH_ARGUMENTS,
    Engine,
    run,
)
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)

ARGUMENTS = {
    "alarms": {"type": "list", "elements": "str", "default": []},
    "step": {"type": "int", "default": 0},
    "watched": {"type": "float", "default": 0.0},
    **STEP_ARGUMENTS,
    **WATCH_ARGUMENTS,
}

#: Seconds without traffic after which the release's autoscaler may remove pods.
_STABLE = 600.0


def bake(engine: Engine) -> dict[str, Any]:
    """Watch a release that has traffic."""
    lease, release = engine.step()
    number = engine.params["step"]
    if not steps.bakes_at(release, number):
        lease.renew()
        return {"changed": False, "seen": f"the release is {release['state']}"}
    left = max(0.0, engine.length("seconds") - engine.params["watched"])
    if left > _STABLE and not number:
        keep_size_of_previous_slot(engine, lease, release)
    alarms = Alarms(lambda: engine.client("cloudwatch", attempts=1), engine.params["alarms"], engine.clock)
    since = steps.first_traffic(release)
    seen = engine.watch(lease, release, left, alarms=lambda: alarms.raised(since))
    return {"changed": False, "seen": seen}


def keep_size_of_previous_slot(engine: Engine, lease: Lease, release: Release) -> None:
    """Keep the size of the previous slot. Without traffic its autoscaler would remove pods."""
    try:
        engine.slots(lease, patience=5.0).keep_size(release["from_slot"], lease)
    except (KubernetesError, SlotFailed) as error:
        engine.module.warn(
            f"slot {release['from_slot']} may be scaled down while the release is watched: {error}"
        )


def main() -> None:
    run(ARGUMENTS, bake, check=False)


if __name__ == "__main__":
    main()
