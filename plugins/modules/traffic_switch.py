#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: traffic_switch
short_description: Send all requests to the slot of a release
version_added: 0.1.0
author: Teal maintainers
description:
  - Moves the weights of the load balancer's slot rule, by one call and under the lease, and waits until new connections
    to each address of the load balancer answer with the new version.
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
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
event:
  description: What there is to tell of it.
  type: dict
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import deploy, report
from ansible_collections.teal.platform.plugins.module_utils.release.setup import STEP_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.situation import named


def switch(engine: Engine) -> dict[str, Any]:
    """Do what the module is for."""
    lease, release = engine.step()
    release, seconds = deploy.switch(engine.world, lease, release)
    told = report.event(release, f"{named(release)} on {release['slot']}") | {"duration": round(seconds, 1)}
    return {"changed": True, "seconds": round(seconds, 3), "event": told}


def main() -> None:
    run(STEP_ARGUMENTS, switch, check=False)


if __name__ == "__main__":
    main()
