# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the inline policies to put on IAM roles, and those to delete."""

from __future__ import annotations

DOCUMENTATION = r"""
name: inline_policies
author: Teal maintainers
version_added: 0.1.0
short_description: List the inline policies to put on IAM roles, and those to delete
description:
  - Returns one entry for each wanted inline policy of a role, and one for each unwanted one that exists.
  - Omits existing roles that are not wanted, since their policies are deleted together with the role.
positional: _input, existing
options:
  _input:
    description: The wanted roles, each with C(name) and C(policies), the documents by name.
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
- name: Show the inline policies to put and to delete
  ansible.builtin.debug:
    msg: "{{ [{'name': 'qa', 'policies': {'qa': '{}'}}] | teal.platform.inline_policies(found.iam_roles) }}"
"""

RETURN = r"""
_value:
  description:
    - The policies, each with C(role), C(name), C(state) (V(present) or V(absent)) and C(exists), whether the role exists.
    - Policies with C(state=present) have their C(document).
  type: list
  elements: dict
"""

from typing import Any


def inline_policies(roles: list[dict[str, Any]], existing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the policies to put on `roles`, and those of `existing` (a result of `iam_role_info`) to delete."""
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
