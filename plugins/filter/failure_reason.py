# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the reason why a task failed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: failure_reason
short_description: Return the reason why a task failed
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Extracts the reason from the result of a failed task, including the failed items of a loop.
  - In a C(rescue), the result of a task with C(no_log) is available unredacted. The filter returns nothing of it.
positional: _input, task
options:
  _input:
    description: Result of the failed task, such as C(ansible_failed_result).
    type: dict
    required: true
  task:
    description: The failed task, such as C(ansible_failed_task).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the reason of the failure
  ansible.builtin.debug:
    msg: "{{ ansible_failed_result | teal.platform.failure_reason(ansible_failed_task) }}"
"""

RETURN = r"""
_value:
  description: The reason.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

NO_LOG = "(reason hidden, since the task has no_log)"
UNKNOWN = "no reason given"


def failure_reason(result: Any, task: Any = None) -> str:
    """Return the messages of `result`, or that they are hidden."""
    if not isinstance(result, Mapping):
        return str(result) if result else UNKNOWN
    if result.get("_ansible_no_log") or (isinstance(task, Mapping) and task.get("no_log")):
        return NO_LOG
    items = [item for item in result.get("results") or [] if isinstance(item, Mapping) and item.get("failed")]
    if items:
        return "\n".join(dict.fromkeys(_of_item(item) for item in items))
    texts = [str(result[key]).strip() for key in ("msg", "stderr", "module_stderr") if result.get(key)]
    return "\n".join(dict.fromkeys(texts)) or UNKNOWN


def _of_item(item: Mapping[str, Any]) -> str:
    label = item.get("_ansible_item_label", item.get("item"))
    reason = failure_reason(item)
    return f"{label}: {reason}" if isinstance(label, (str, int)) else reason


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"failure_reason": failure_reason}
