#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_verify
short_description: Verify a release through the load balancer before it has traffic
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Creates a preview rule in the load balancer, for requests with a random token in a header, sends the checks to each
    address of the load balancer, checks the version, and deletes the rule.
  - The token is created by the module, never printed, and not used after it.
options:
  checks:
    description: Requests and their expected answers.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path, beginning with a slash.
        type: str
        required: true
      status:
        description: Expected HTTP status.
        type: int
        default: 200
      json:
        description: Expected values in the JSON answer, by dotted path.
        type: dict
        default: {}
      contains:
        description: Text that the answer must contain.
        type: str
        default: ""
      latency:
        description: Maximum latency in milliseconds. 0 for no limit.
        type: int
        default: 0
  command:
    description:
      - A check of your own, run with E(RELEASE_URL), E(RELEASE_ADDRESS), E(RELEASE_VERSION), E(RELEASE_PREVIEW_HEADER)
        and E(RELEASE_PREVIEW_TOKEN) in its environment. The release fails if its exit status is not 0.
    type: list
    elements: str
    default: []
  command_timeout:
    description: Time limit of O(command).
    type: str
    default: 10m
  healthy_timeout:
    description: How long the slot's targets may take to become healthy.
    type: str
    default: 120s
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Verify the release while it has no traffic
  teal.platform.release_verify:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    release: "{{ __release.release }}"
    checks:
      - {path: /, status: 200, latency: 500}
      - {path: /actuator/health, json: {status: UP}}
"""

RETURN = r"""
version:
  description: The version that the service reports.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release import verify as verification
from ansible_collections.teal.platform.plugins.module_utils.release.engine import STEP_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.states import State, passed

CHECK = {
    "path": {"type": "str", "required": True},
    "status": {"type": "int", "default": 200},
    "json": {"type": "dict", "default": {}},
    "contains": {"type": "str", "default": ""},
    "latency": {"type": "int", "default": 0},
}
ARGUMENTS = {
    "checks": {"type": "list", "elements": "dict", "default": [], "options": CHECK},
    "command": {"type": "list", "elements": "str", "default": []},
    "command_timeout": {"type": "str", "default": "10m"},
    "healthy_timeout": {"type": "str", "default": "120s"},
    **STEP_ARGUMENTS,
}


def verify(engine: Engine) -> dict[str, Any]:
    """Verify a release."""
    lease, release = engine.step()
    if passed(State(release["state"]), State.VERIFIED):
        lease.renew()
        return {"changed": False, "version": release["version"]}
    version = verification.verify(
        engine.context,
        lease,
        release,
        [verification.Check(**check) for check in engine.params["checks"]],
        engine.params["command"],
        verification.Limits(
            healthy=engine.length("healthy_timeout"), command=engine.length("command_timeout")
        ),
        engine.params["tags"],
        SlotMonitor.of(engine.slots(patience=5.0), release),
    )
    lease.advance(release, State.VERIFIED, message("event.version", version=version), version=version)
    return {"changed": True, "version": version}


def main() -> None:
    run(ARGUMENTS, verify, check=False)


if __name__ == "__main__":
    main()
