# SPDX-License-Identifier: MIT
"""The callback plugin teal.platform.plain: Ansible's default output without the noise."""

from __future__ import annotations

DOCUMENTATION = """
name: plain
type: stdout
author: The Teal team (@teal)
version_added: 0.1.0
short_description: The default output, with unformatted messages
description:
  - Prints the same as P(ansible.builtin.default#callback), with these differences. The message of a task is printed line
    by line, neither as YAML nor wrapped. A failure is printed once, without its position in the code.
  - Omits C(included) lines and argument specs that were validated successfully.
  - Prints the message of a failed attempt that is retried. Prints nothing while a task polls for a condition.
    P(teal.platform.progress#callback) reports long waits.
  - A message with an id (C(msg_i18n)) is printed in the language of C(platform_language).
  - With C(-v) or more, the output is exactly that of P(ansible.builtin.default#callback).
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

import textwrap
import typing as t

from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader
from ansible_collections.teal.platform.plugins.plugin_utils.reader_of_play import reader_of, shown_message

#: Keys of a result that add nothing to its message.
IGNORED_KEYS = {
    *(
        "assertion",
        "cause",
        "changed",
        "error",
        "evaluated_to",
        "event",
        "failed",
        "msg_i18n",
        "skip_reason",
        "topic",
    ),
}
#: Beginnings of Ansible's own messages, such as those of a template error. They are printed with their position.
ANSIBLE_ERRORS = ("Task failed", "Action failed")
ENGLISH = Reader()


def text_of(result: t.Mapping[str, t.Any], reader: Reader = ENGLISH) -> str | None:
    """Return the message of a result in the reader's language, or None if the result holds more than a message."""
    text = shown_message(result, reader)
    if isinstance(text, list):
        text = "\n".join(map(str, text))
    return text if isinstance(text, str) and text and result.keys() <= IGNORED_KEYS | {"msg"} else None


class CallbackModule(Default):
    """The default callback with shorter output."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "teal.platform.plain"

    @property
    def plain(self) -> bool:
        return self._display.verbosity == 0

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        self._played = play
        super().v2_playbook_on_play_start(play)

    def _reader(self, result: t.Mapping[str, t.Any]) -> Reader:
        """Return the reader of a result. The variables of the play are only read if the language matters."""
        return reader_of(getattr(self, "_played", None)) if result.get("msg_i18n") else ENGLISH

    def _dump_results(self, result: t.Any, *args: t.Any, **options: t.Any) -> str:
        formatted = super()._dump_results(result, *args, **options)
        shown = super()._dump_results(result, serialize=False) if self.plain else {}
        text = text_of(shown, self._reader(shown))
        return formatted if text is None else "\n" + textwrap.indent(text, "    ")

    def _handle_exception(self, result: t.Any, use_stderr: bool = False) -> None:
        text = result.get("msg")
        if not self.plain or not text or str(text).startswith(ANSIBLE_ERRORS):
            super()._handle_exception(result, use_stderr)

    def v2_playbook_on_include(self, included_file: t.Any) -> None:
        if not self.plain:
            super().v2_playbook_on_include(included_file)

    def v2_runner_retry(self, result: t.Any) -> None:
        if not self.plain:
            super().v2_runner_retry(result)
        # A failed attempt has a message; a task that polls for a condition has none.
        elif text := shown_message(result.result, self._reader(result.result)):
            attempt, name = result.result["attempts"], result.task_name or result.task
            self._display.display(f"[{self.host_label(result)}]: {name}: attempt {attempt}: {text}")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        task = result.task
        silent = isinstance(task, TaskInclude) or task.action.endswith("validate_argument_spec")
        if not (self.plain and silent):
            super().v2_runner_on_ok(result)
