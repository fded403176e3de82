#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: traffic_switch
short_description: Shift all traffic to the slot of a release
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Changes the weights of the load balancer's slot rule, by one call and under the lease, and waits until new connections
    to each address of the load balancer answer with the new version.
  - Watches the release for its first seconds with traffic, because most overload failures happen then.
    M(teal.platform.release_bake) watches it for the rest.
  - If an address does not answer with the new version or the release is bad, it shifts traffic back to the previous
    release and fails. M(teal.platform.release_abort) then records the rollback.
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
  description: Seconds until all addresses answered with the new version.
  type: float
  returned: success
watched:
  description: Seconds for which the release was watched after that.
  type: float
  returned: success
event:
  description: The event for the role C(teal.platform.notification).
  type: dict
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import deploy, operator_messages
from ansible_collections.teal.platform.plugins.module_utils.release.engine import (
    STEP_ARGUMENTS,
    WATCH_ARGUMENTS,
    Engine,
    run,
)
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import named
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.states import State, passed

#: Seconds of watching in this module: the next module takes time to start, and a notification is sent before it.
FIRST = 10.0


def switch(engine: Engine) -> dict[str, Any]:
    """Shift traffic to a release and watch its first seconds."""
    lease, release = engine.step()
    monitor = SlotMonitor.of(engine.slots(patience=5.0), release)
    switched = passed(State(release["state"]), State.BAKING)
    release, seconds = deploy.switch(engine.context, lease, release, monitor.diagnose)
    watched = 0.0 if switched else min(FIRST, engine.length("seconds"))
    if watched:
        engine.watch(lease, release, watched, every=0.5)
    event = operator_messages.event(release, f"{named(release)} on {release['slot']}") | {
        "duration": round(seconds, 1)
    }
    return {"changed": True, "seconds": round(seconds, 3), "watched": watched, "event": event}


def main() -> None:
    run({**STEP_ARGUMENTS, **WATCH_ARGUMENTS}, switch, check=False)


if __name__ == "__main__":
    main()
