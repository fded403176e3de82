# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The language and the time zone of the people who read a play's output, for callbacks."""

from __future__ import annotations

from typing import Any

from ansible.template import Templar
from ansible_collections.teal.platform.plugins.module_utils.messages.catalogue import LANGUAGES
from ansible_collections.teal.platform.plugins.module_utils.messages.message import decoded
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader


def reader_of(play: Any) -> Reader:
    """Return the reader by `platform_language` and `platform_timezone` of the inventory or the command line.

    A play without them, or with values that cannot be evaluated, has an English reader: a callback never fails a run.
    """
    try:
        manager = play.get_variable_manager()
        hosts = manager._inventory.get_hosts()
        variables = manager.get_vars(play=play, host=hosts[0] if hosts else None)
        templar = Templar(loader=manager._loader, variables=variables)
        language = templar.template(variables.get("platform_language", LANGUAGES[0]))
        timezone = templar.template(variables.get("platform_timezone", "UTC"))
    except Exception:  # an invalid inventory, or a variable that is not defined yet
        return Reader()
    return Reader(language if language in LANGUAGES else LANGUAGES[0], str(timezone))


def shown_message(result: Any, reader: Reader) -> Any:
    """Return the `msg` of a result in the reader's language, if the result has the id of the message."""
    text, data = result.get("msg"), result.get("msg_i18n")
    return reader.show(decoded(text, data)) if isinstance(text, str) and data else text
