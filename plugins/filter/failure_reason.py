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
positional: _input, task, language, timezone
options:
  _input:
    description: Result of the failed task, such as C(ansible_failed_result).
    type: dict
    required: true
  task:
    description: The failed task, such as C(ansible_failed_task).
    type: dict
    default: {}
  language:
    description: Language of a message that has an id (C(msg_i18n)). All other messages are returned as they are.
    type: str
    choices: [en, ko]
    default: en
  timezone:
    description: IANA name of the time zone of the times in such a message.
    type: str
    default: UTC
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

from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader
from ansible_collections.teal.platform.plugins.plugin_utils.reader_of_play import shown_message

NO_LOG = "(reason hidden, since the task has no_log)"
UNKNOWN = "no reason given"


def failure_reason(result: Any, task: Any = None, language: str = "en", timezone: str = "UTC") -> str:
    """Return the messages of `result`, or that they are hidden."""
    if not isinstance(result, Mapping):
        return str(result) if result else UNKNOWN
    if result.get("_ansible_no_log") or (isinstance(task, Mapping) and task.get("no_log")):
        return NO_LOG
    items = [item for item in result.get("results") or [] if isinstance(item, Mapping) and item.get("failed")]
    if items:
        return "\n".join(dict.fromkeys(_of_item(item, language, timezone) for item in items))
    found = {**result, "msg": shown_message(result, Reader(language, timezone))}
    texts = [str(found[key]).strip() for key in ("msg", "stderr", "module_stderr") if found.get(key)]
    return "\n".join(dict.fromkeys(texts)) or UNKNOWN


def _of_item(item: Mapping[str, Any], language: str, timezone: str) -> str:
    label = item.get("_ansible_item_label", item.get("item"))
    reason = failure_reason(item, None, language, timezone)
    return f"{label}: {reason}" if isinstance(label, (str, int)) else reason


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"failure_reason": failure_reason}
