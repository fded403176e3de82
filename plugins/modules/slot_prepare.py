#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_prepare
short_description: Prepare a slot for the objects of a release
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Records that the slot now belongs to the release, deletes the slot's autoscaler, stops the pods of the previous release
    and deletes the objects that this release does not have. The live slot is not changed.
  - Renews the lease at the end, so that the next task may apply the objects with C(kubernetes.core.k8s).
  - Only with O(slot_kind=kubernetes).
options:
  manifests:
    description: All objects of the slot, as for M(teal.platform.slot_up).
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Prepare the idle slot
  teal.platform.slot_prepare:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    cluster: assistant-staging
    release: "{{ __release.release }}"
    manifests: "{{ lookup('ansible.builtin.template', 'slot.yml.j2') | from_yaml_all }}"
"""

RETURN = r"""
lease:
  description: The lease, as M(teal.platform.slot_lease) returns it.
  type: dict
  returned: success
needed:
  description: Whether the objects must be applied. False if the release already has traffic.
  type: bool
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.deploy import claim_slot
from ansible_collections.teal.platform.plugins.module_utils.release.engine import STEP_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.states import State, passed

ARGUMENTS = {
    "manifests": {"type": "list", "elements": "dict", "required": True},
    **STEP_ARGUMENTS,
}


def prepare(engine: Engine) -> dict[str, Any]:
    """Prepare a slot for a release's objects."""
    lease, release = engine.step()
    needed = not passed(State(release["state"]), State.STEPPING)
    if needed:
        slots: Any = engine.slots(lease=lease, given=engine.params["manifests"])
        claim_slot(lease, release)
        slots.prepare(release, lease)
        for warning in slots.warnings:
            engine.warn(warning)
    lease.renew()
    fresh = {**lease.freshness(), "since": engine.clock.steady()}
    return {"changed": needed, "needed": needed, "lease": fresh}


def main() -> None:
    run(ARGUMENTS, prepare, check=False)


if __name__ == "__main__":
    main()
