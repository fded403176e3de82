#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_check
short_description: Check manifests and permissions before a release begins
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Fails before the lock is acquired for problems that would fail the release later - manifests that a slot cannot run,
    kinds that this cluster does not have, a foreign HorizontalPodAutoscaler that would conflict with the release's own,
    and permissions that this identity lacks in the namespace.
  - Only reads, and sends SelfSubjectAccessReviews. Changes nothing.
options:
  manifests:
    description: The objects, rendered for slot V(blue) and release V(r0).
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - teal.platform.release
attributes:
  check_mode:
    description: Does the same.
    support: full
"""

EXAMPLES = r"""
- name: Check the manifests and the permissions on Kubernetes
  teal.platform.slot_check:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    cluster: assistant-staging
    manifests: "{{ lookup('ansible.builtin.template', 'slot.yml.j2') | from_yaml_all }}"
"""

RETURN = r"""
rights:
  description: The checked permissions, each as verb and resource.
  type: list
  elements: str
  returned: with O(slot_kind=kubernetes)
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release.engine import Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import advice
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)

ARGUMENTS = {"manifests": {"type": "list", "elements": "dict", "default": []}}
#: Slot and release for which the manifests are rendered. They are not applied.
SLOT = "blue"
NUMBER = "r0"


def check(engine: Engine) -> dict[str, Any]:
    """Check manifests and permissions."""
    if engine.params["slot_kind"] == "instance":
        return {"changed": False}
    slots: Any = engine.slots(given=engine.params["manifests"], patience=30.0)
    try:
        rights = slots.check(SLOT, NUMBER)
    except (KubernetesError, SlotFailed) as error:
        raise Refused(message("slot_check.refused", error=error, advice=advice(error.cause))) from error
    return {"changed": False, "rights": rights}


def main() -> None:
    run(ARGUMENTS, check)


if __name__ == "__main__":
    main()
