# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: convert the values of a dictionary to text."""

from __future__ import annotations

DOCUMENTATION = r"""
name: as_texts
author: Teal maintainers (@teal-platform)
version_added: 0.1.0
short_description: Convert all values of a dictionary to text
description:
  - A boolean becomes V(true) or V(false), null becomes the empty string, and a dictionary or a list becomes JSON. Text is
    not changed.
options:
  _input:
    description: The dictionary.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show tags in the format of AWS
  ansible.builtin.debug:
    msg: "{{ {'CostCenter': 1234, 'Shared': true} | teal.platform.as_texts }}"
"""

RETURN = r"""
_value:
  description: The dictionary with the same keys, and text as values.
  type: dict
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.text_values import as_texts


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"as_texts": as_texts}
