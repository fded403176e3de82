#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_migrate
short_description: Migrate the database before a release starts
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Runs a Job of the new image and waits until it succeeds. If it fails, the message has its last log lines.
  - The live version keeps running during the migration, and a rollback does not reverse it. So the migration must be
    compatible with the previous version.
options:
  manifests:
    description: The Job. The objects that it needs were applied before.
    type: list
    elements: dict
    required: true
  timeout:
    description: Time limit of the Job.
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
- name: Migrate the database
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
  description: Seconds that the migration took.
  type: float
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
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
    """Run the migration Job."""
    lease, release = engine.step()
    if passed(State(release["state"]), State.STAGED):
        lease.renew()
        return {"changed": False, "seconds": 0.0}
    slots = engine.slots(lease=lease)
    if not isinstance(slots, KubernetesSlots):
        raise SlotFailed(message("job.no_instances"))
    began = engine.clock.steady()
    slots.run_job(engine.params["manifests"], release["slot"], lease, engine.length("timeout"))
    return {"changed": True, "seconds": round(engine.clock.steady() - began, 1)}


def main() -> None:
    run(ARGUMENTS, migrate, check=False)


if __name__ == "__main__":
    main()
