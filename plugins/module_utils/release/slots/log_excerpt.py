# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The lines of a log that explain why a program ended. In a JVM's log, the reason is above the stack frames."""

from __future__ import annotations

import re

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message

#: Number of log lines that are read, and the most that a message shows.
READ, SHOWN = 300, 12
_WIDTH = 400
#: Frames of a stack trace, as the JVM and Node print them.
_FRAME = re.compile(r"\s+at \S.*[)\d]\s*(~?\[.*\])?$|\s+\.\.\. \d+ (more|common frames omitted)$")
#: Heading of Spring Boot's failure analysis, which it logs last.
_SPRING_BOOT = "APPLICATION FAILED TO START"
#: Separators in the failure analysis.
_RULE = re.compile(r"[\s*]*$")


def excerpt(log: str) -> tuple[str, list[str]]:
    """Return a heading and the last lines of the log that explain why the program ended.

    That is Spring Boot's failure analysis if there is one, else the last lines without stack frames. An empty log gives
    no lines.
    """
    rows = [row.rstrip() for row in log.splitlines()]
    for at in range(len(rows) - 1, -1, -1):
        if rows[at].strip() == _SPRING_BOOT:
            analysis = [row for row in rows[at + 1 :] if not _RULE.match(row)]
            if analysis:
                return message("log.after", heading=_SPRING_BOOT), [_short(row) for row in analysis[:SHOWN]]
    written = [row for row in rows if row.strip()]
    shown = [row for row in written if not _FRAME.match(row)]
    heading = message("log.last") if shown == written else message("log.last_without_frames")
    return heading, [_short(row) for row in shown[-SHOWN:]]


def _short(row: str) -> str:
    return row if len(row) <= _WIDTH else f"{row[: _WIDTH - 1]}…"
