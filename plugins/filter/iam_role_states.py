# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the current and the wanted state of IAM roles, from results of check mode."""

from __future__ import annotations

DOCUMENTATION = r"""
name: iam_role_states
author: Teal maintainers
version_added: 0.1.0
short_description: Return the current and the wanted state of IAM roles in the same form
description:
  - M(amazon.aws.iam_role) returns no diff. In check mode, it returns the current role.
  - This filter returns the current and the wanted state, for P(teal.platform.describe_changes#filter).
positional: _input, results, policies, boundary
options:
  _input:
    description: The wanted roles, each with C(name), C(description), C(trust) and C(managed_policies).
    type: list
    elements: dict
    required: true
  results:
    description: The results of M(amazon.aws.iam_role) in check mode, in a loop over the roles.
    type: list
    elements: dict
    required: true
  policies:
    description:
      - The results of M(amazon.aws.iam_policy) in check mode, in a loop over the result of
        P(teal.platform.inline_policies#filter).
    type: list
    elements: dict
    required: true
  boundary:
    description: ARN of the permissions boundary that each role should have.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Report what would change in the IAM roles
  ansible.builtin.debug:
    msg: "{{ states.current | teal.platform.describe_changes(states.wanted) }}"
  vars:
    states: "{{ roles | teal.platform.iam_role_states(made.results, policies.results, boundary) }}"
  when: ansible_check_mode
"""

RETURN = r"""
_value:
  description: The states C(current) and C(wanted), each a dictionary of attributes by the name of the role.
  type: dict
  sample: {"current": {}, "wanted": {"shop-test-qa": {"description": "Looks", "inline": {}, "trust": {}}}}
"""

from typing import Any

State = dict[str, dict[str, Any]]


def iam_role_states(
    roles: list[dict[str, Any]],
    results: list[dict[str, Any]],
    policies: list[dict[str, Any]],
    boundary: str,
) -> dict[str, State]:
    """Return the states `current` and `wanted` of `roles`, from the `results` of check mode for roles and `policies`."""
    wanted: State = {
        role["name"]: {
            "description": role["description"],
            "trust": role["trust"],
            "inline": dict(role.get("policies", {})),
            "managed": list(role.get("managed_policies", [])),
            "boundary": boundary,
        }
        for role in roles
    }
    current: State = {
        result["item"]["name"]: _current(result["iam_role"]) for result in results if "iam_role" in result
    }
    for result in policies:
        # Each result has all inline policies of its role.
        if (role := result["item"]["role"]) in current and "diff" in result:
            current[role]["inline"] = result["diff"]["before"]
    return {"current": current, "wanted": wanted}


def _current(role: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": role.get("description", ""),
        "trust": role["assume_role_policy_document"],
        "inline": {},
        "managed": [policy["policy_arn"] for policy in role.get("attached_policies") or []],
        "boundary": (role.get("permissions_boundary") or {}).get("permissions_boundary_arn"),
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"iam_role_states": iam_role_states}
