# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The lines of a log that explain why a program ended. A JVM ends with stack frames; the reason is above them."""

from __future__ import annotations

import re

#: How many lines of a log are read, and how many of them a message shows at most.
READ, SHOWN = 300, 12
_WIDTH = 400
#: Frames of a stack trace, as the JVM and Node print them.
_FRAME = re.compile(r"\s+at \S.*[)\d]\s*(~?\[.*\])?$|\s+\.\.\. \d+ (more|common frames omitted)$")
#: Spring Boot's own explanation of a failure that it knows, which is the last that it logs.
_SPRING_BOOT = "APPLICATION FAILED TO START"
#: Between the explanation's parts.
_RULE = re.compile(r"[\s*]*$")


def excerpt(log: str) -> tuple[str, list[str]]:
    """Return a heading, and the lines at the log's end that explain why the program ended; no lines of an empty log.

    Spring Boot's explanation if there is one, else the last lines without stack frames.
    """
    rows = [row.rstrip() for row in log.splitlines()]
    for at in range(len(rows) - 1, -1, -1):
        if rows[at].strip() == _SPRING_BOOT:
            told = [row for row in rows[at + 1 :] if not _RULE.match(row)]
            if told:
                return f"its log after {_SPRING_BOOT}", [_short(row) for row in told[:SHOWN]]
    written = [row for row in rows if row.strip()]
    told = [row for row in written if not _FRAME.match(row)]
    omitted = told != written
    return "last log lines" + (", without stack frames" if omitted else ""), [
        _short(row) for row in told[-SHOWN:]
    ]


def _short(row: str) -> str:
    return row if len(row) <= _WIDTH else f"{row[: _WIDTH - 1]}…"
