#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_migrate
short_description: Change the database for a release, before it comes up
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Runs a Job of the new image and waits until it has succeeded. If it fails, its last log lines are told.
  - The version that serves goes on meanwhile, and a rollback does not reverse the change, so it has to suit the
    version before as well.
options:
  manifests:
    description: The Job. What it needs was applied before.
    type: list
    elements: dict
    required: true
  timeout:
    description: For how long it may run.
    type: str
    default: 10m
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Change the database
  teal.platform.slot_migrate:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    cluster: assistant-staging
    release: "{{ __release.release }}"
    manifests: "{{ lookup('ansible.builtin.template', 'migration.yml.j2') | from_yaml_all }}"
"""

RETURN = r"""
seconds:
  description: How long it took.
  type: float
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.engine import STEP_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import SlotFailed
from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes import KubernetesSlots
from ansible_collections.teal.platform.plugins.module_utils.release.states import State, passed

ARGUMENTS = {
    "manifests": {"type": "list", "elements": "dict", "required": True},
    "timeout": {"type": "str", "default": "10m"},
    **STEP_ARGUMENTS,
}


def migrate(engine: Engine) -> dict[str, Any]:
    """Do what the module is for."""
    lease, release = engine.step()
    if passed(State(release["state"]), State.STAGED):
        lease.renew()
        return {"changed": False, "seconds": 0.0}
    slots = engine.slots(lease=lease)
    if not isinstance(slots, KubernetesSlots):
        raise SlotFailed(
            "a migration runs as a Job, which slot_kind=instance has not: run it from the service"
        )
    began = engine.clock.steady()
    slots.run_job(engine.params["manifests"], release["slot"], lease, engine.length("timeout"))
    return {"changed": True, "seconds": round(engine.clock.steady() - began, 1)}


def main() -> None:
    run(ARGUMENTS, migrate, check=False)


if __name__ == "__main__":
    main()
