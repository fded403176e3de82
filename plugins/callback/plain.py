# SPDX-License-Identifier: MIT
"""The callback plugin teal.platform.plain: Ansible's default output, less what nobody reads."""

from __future__ import annotations

DOCUMENTATION = """
name: plain
type: stdout
author: The Teal team (@teal)
version_added: 0.1.0
short_description: The default output, with messages as they were written
description:
  - Prints what P(ansible.builtin.default#callback) prints, but messages of tasks line by line as they were
    written, neither as YAML nor wrapped, and a failure once, without the place in the code.
  - Leaves out what was included and argument specs that were met.
  - Prints the message of an attempt that is repeated, and nothing for each look of a task that waits for a condition.
    Long waits are reported by P(teal.platform.progress#callback).
  - With C(-v) and more it is P(ansible.builtin.default#callback), to the letter.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

import textwrap
import typing as t

from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default

#: What a result may have beside its message without there being more to see.
BESIDE = {"assertion", "changed", "error", "evaluated_to", "event", "failed", "skip_reason"}
#: A message that begins so is Ansible's own, such as of a template that fails: it needs the place.
OF_ANSIBLE = ("Task failed", "Action failed")


def message(result: t.Mapping[str, t.Any]) -> str | None:
    """What a task says, if that is all there is to its result."""
    told = result.get("msg")
    if isinstance(told, list):
        told = "\n".join(map(str, told))
    return told if isinstance(told, str) and told and result.keys() <= BESIDE | {"msg"} else None


class CallbackModule(Default):
    """As its parent, with less on it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "teal.platform.plain"

    @property
    def plain(self) -> bool:
        return self._display.verbosity == 0

    def _dump_results(self, result: t.Any, *args: t.Any, **options: t.Any) -> str:
        dressed = super()._dump_results(result, *args, **options)
        told = message(super()._dump_results(result, serialize=False)) if self.plain else None
        return dressed if told is None else "\n" + textwrap.indent(told, "    ")

    def _handle_exception(self, result: t.Any, use_stderr: bool = False) -> None:
        told = result.get("msg")
        if not self.plain or not told or str(told).startswith(OF_ANSIBLE):
            super()._handle_exception(result, use_stderr)

    def v2_playbook_on_include(self, included_file: t.Any) -> None:
        if not self.plain:
            super().v2_playbook_on_include(included_file)

    def v2_runner_retry(self, result: t.Any) -> None:
        if not self.plain:
            super().v2_runner_retry(result)
        # A task that waits for a condition has no message, unlike one whose attempt failed.
        elif told := result.result.get("msg"):
            attempt, name = result.result["attempts"], result.task_name or result.task
            self._display.display(f"[{self.host_label(result)}]: {name}: attempt {attempt}: {told}")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        task = result.task
        silent = isinstance(task, TaskInclude) or task.action.endswith("validate_argument_spec")
        if not (self.plain and silent):
            super().v2_runner_on_ok(result)
