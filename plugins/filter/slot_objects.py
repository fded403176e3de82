# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the objects of a release that the role slot applies, if the lease is fresh."""

from __future__ import annotations

DOCUMENTATION = r"""
name: slot_objects
author: Teal maintainers
version_added: 0.1.0
short_description: Return the objects of a slot to apply, if the lease is fresh
description:
  - Returns all objects except the Deployment and the HorizontalPodAutoscaler, which M(teal.platform.slot_up) applies. Adds
    the label of the slot.
  - Fails if the lease was not renewed within half of its length. So a delayed run does not change objects in a slot that
    another run may own by then.
positional: _input, slot, lease
options:
  _input:
    description: The objects.
    type: list
    elements: dict
    required: true
  slot:
    description: V(blue) or V(green).
    type: str
    required: true
  lease:
    description: RV(teal.platform.slot_lease#module:lease). M(teal.platform.slot_prepare) returns the same.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Apply the objects of the slot
  kubernetes.core.k8s:
    definition: "{{ manifests | teal.platform.slot_objects('green', renewed.lease) }}"
    apply: true
    server_side_apply: {field_manager: teal.platform, force_conflicts: true}
"""

RETURN = r"""
_value:
  description: The objects to apply.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock
from ansible_collections.teal.platform.plugins.module_utils.release.slots.apply_errors import STALE
from ansible_collections.teal.platform.plugins.module_utils.release.slots.manifests import beside


def slot_objects(
    objects: list[dict[str, Any]], slot: str, lease: dict[str, float], clock: Clock | None = None
) -> list[dict[str, Any]]:
    """Return the `objects` that the role applies. Raises AnsibleFilterError if the lease is no longer fresh."""
    if (clock or Clock()).steady() > lease["fresh_until"]:
        raise AnsibleFilterError(STALE)
    return beside(objects, slot)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"slot_objects": slot_objects}
