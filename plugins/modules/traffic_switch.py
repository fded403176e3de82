#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: traffic_switch
short_description: Send all requests to the slot of a release
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Moves the weights of the load balancer's slot rule, by one call and under the lease, and waits until new connections
    to each address of the load balancer answer with the new version.
  - Goes on to watch the first seconds, as M(teal.platform.release_bake) does for the rest, since a release that can't
    stand the traffic mostly falls at once.
  - Fails as soon as requests don't arrive or the release does badly, and sends them back to what served before;
    M(teal.platform.release_abort) then records it.
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
- name: Send all requests to the new release
  teal.platform.traffic_switch:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    release: "{{ __release.release }}"
"""

RETURN = r"""
seconds:
  description: How long it took until all addresses answered with the new version.
  type: float
  returned: success
watched:
  description: For how many seconds the release was watched after that.
  type: float
  returned: success
event:
  description: What there is to tell of it.
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

#: The first seconds are watched here, since the next module takes time to start, and Discord is told before it.
FIRST = 10.0


def switch(engine: Engine) -> dict[str, Any]:
    """Do what the module is for."""
    lease, release = engine.step()
    monitor = SlotMonitor.of(engine.slots(patience=5.0), release)
    switched = passed(State(release["state"]), State.BAKING)
    release, seconds = deploy.switch(engine.context, lease, release, monitor.diagnose)
    watched = 0.0 if switched else min(FIRST, engine.length("seconds"))
    if watched:
        engine.watch(lease, release, watched, every=0.5)
    told = operator_messages.event(release, f"{named(release)} on {release['slot']}") | {
        "duration": round(seconds, 1)
    }
    return {"changed": True, "seconds": round(seconds, 3), "watched": watched, "event": told}


def main() -> None:
    run({**STEP_ARGUMENTS, **WATCH_ARGUMENTS}, switch, check=False)


if __name__ == "__main__":
    main()
