# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: replace the purposes of IAM roles by their ARNs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: with_role_arns
author: Teal maintainers (@teal-platform)
version_added: 0.1.0
short_description: Replace the purposes of an environment's IAM roles by their ARNs
description:
  - In each dictionary of a list, replaces C(role), the purpose of an IAM role, by the role's ARN.
positional: roles
options:
  _input:
    description: The dictionaries. Those without C(role) are not changed.
    type: list
    elements: dict
    required: true
  roles:
    description: ARNs of the roles by purpose, as M(teal.platform.component_info) returns them for C(identity).
    type: dict
    required: true
  key:
    description: Key for the ARN.
    type: str
    default: role_arn
"""

EXAMPLES = r"""
- name: Show the access entries of the cluster
  ansible.builtin.debug:
    msg: "{{ [{'role': 'deploy', 'groups': ['x']}] | teal.platform.with_role_arns(roles, 'principal_arn') }}"
"""

RETURN = r"""
_value:
  description: The dictionaries with ARNs.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError


def with_role_arns(entries: list[dict], roles: dict[str, str], key: str = "role_arn") -> list[dict[str, Any]]:
    """Return `entries` with `role` replaced by `key`, the ARN of that role in `roles`."""
    result = []
    for entry in entries:
        changed = {name: value for name, value in entry.items() if name != "role"}
        if "role" in entry:
            purpose = entry["role"].replace("-", "_")
            if purpose not in roles:
                raise AnsibleFilterError(
                    f"IAM role '{entry['role']}' not found. The environment has: "
                    f"{', '.join(sorted(roles)) or 'none'}. Create the component identity, or use another role."
                )
            changed[key] = roles[purpose]
        result.append(changed)
    return result


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"with_role_arns": with_role_arns}
