# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the inline policies that roles should have, and those that they have beside them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: inline_policies
author: Teal maintainers
version_added: 0.1.0
short_description: List the inline policies to put on IAM roles, and those to delete
description:
  - Returns one entry for each inline policy that a role should have, and one for each that it has without need.
  - Roles that exist and that are not described are left out; whoever deletes them deletes their policies.
positional: _input, existing
options:
  _input:
    description: The roles as they should be, each with C(name) and C(policies), the documents by name.
    type: list
    elements: dict
    required: true
  existing:
    description: The roles that exist, as M(amazon.aws.iam_role_info) returns them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what to do with inline policies
  ansible.builtin.debug:
    msg: "{{ [{'name': 'qa', 'policies': {'qa': '{}'}}] | teal.platform.inline_policies(found.iam_roles) }}"
"""

RETURN = r"""
_value:
  description:
    - The policies, each with C(role), C(name), C(state) (V(present) or V(absent)) and C(exists), whether the role does.
    - Those that should exist have their C(document).
  type: list
  elements: dict
"""

from typing import Any


def inline_policies(roles: list[dict[str, Any]], existing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what `roles` should have, and what of `existing`, as `iam_role_info` returns it, they should not."""
    found = {role["role_name"]: role.get("inline_policies") or [] for role in existing}
    entries: list[dict[str, Any]] = []
    for role in roles:
        wanted = role.get("policies", {})
        about = {"role": role["name"], "exists": role["name"] in found}
        entries += [
            {**about, "name": name, "state": "present", "document": document}
            for name, document in wanted.items()
        ]
        entries += [
            {**about, "name": name, "state": "absent"}
            for name in sorted(set(found.get(role["name"], [])) - set(wanted))
        ]
    return entries


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"inline_policies": inline_policies}
