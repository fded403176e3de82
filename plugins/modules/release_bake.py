#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_bake
short_description: Watch a release for a while after it got the traffic
version_added: 0.1.0
author: Teal maintainers
description:
  - Asks the service at each address of the load balancer, and looks at what runs in the slot (restarts, readiness or
    health) and at CloudWatch alarms. Fails as soon as one of them says that the release is bad, and sends the requests
    back to what served before at once; M(teal.platform.release_return) then records it.
options:
  watched:
    description: Seconds of O(seconds) that M(teal.platform.traffic_switch) has already watched it for.
    type: float
    default: 0.0
  alarms:
    description: Names of CloudWatch alarms that must not be raised.
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
- name: Watch the release serve
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
  description: What was seen, in words.
  type: str
  returned: success
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed
from ansible_collections.teal.platform.plugins.module_utils.release.setup import (
    STEP_ARGUMENTS,
    WATCH_ARGUMENTS,
    Engine,
    run,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import State

ARGUMENTS = {
    "alarms": {"type": "list", "elements": "str", "default": []},
    "watched": {"type": "float", "default": 0.0},
    **STEP_ARGUMENTS,
    **WATCH_ARGUMENTS,
}


def raised(engine: Engine) -> Callable[[], list[str]]:
    """Return what tells which of the named alarms are raised; asks AWS every ten seconds at most."""
    names = engine.params["alarms"]
    if not names:
        return list
    client = engine.client("cloudwatch")
    asked = float("-inf")

    def ask() -> list[str]:
        nonlocal asked
        if engine.clock.steady() - asked < 10:
            return []
        asked = engine.clock.steady()
        # Without its types AWS tells of metric alarms alone.
        found = client.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        if missing := set(names) - {alarm["AlarmName"] for alarm in alarms}:
            raise StepFailed(
                f"CloudWatch has no alarm {', '.join(sorted(missing))}. Build the component alarms, "
                "or correct release_alarms"
            )
        return [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]

    return ask


def bake(engine: Engine) -> dict[str, Any]:
    """Do what the module is for."""
    lease, release = engine.step()
    if release["state"] != State.BAKING:
        lease.renew()
        return {"changed": False, "seen": f"the release is {release['state']}"}
    left = max(0.0, engine.length("seconds") - engine.params["watched"])
    return {"changed": False, "seen": engine.watch(lease, release, left, alarms=raised(engine))}


def main() -> None:
    run(ARGUMENTS, bake, check=False)


if __name__ == "__main__":
    main()
