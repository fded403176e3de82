# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The summary of a run as GitHub shows it."""

from __future__ import annotations

import re
import typing as t

MARKS = {"failed": "❌", "not reached": "⏭️", "changed": "🟡", "ok": "🟢"}
#: What would be more than text in a table's cell.
SPECIAL = re.compile(r"([\\\\`*_{}\[\]<>#|~@])")


def markdown(summary: dict[str, t.Any], title: str) -> str:
    """Return `summary`, as the callback teal.platform.summary gathers it, under the heading `title`."""
    lines = [f"### {cell(title)}", ""]
    lines += _table(
        ("component", "state", "ok", "changed", "failed", "seconds"),
        (
            (
                name,
                f"{MARKS[one['state']]} {one['state']}",
                *(one[key] for key in ("ok", "changed", "failed", "seconds")),
            )
            for name, one in summary["components"].items()
        ),
    )
    for one in summary["failures"]:
        lines.append(
            "- ❌ " + ": ".join(cell(one[key]) for key in ("component", "task", "reason") if one[key])
        )
    if summary["failures"]:
        lines.append("")
    if summary["published"]:
        lines += _table(
            ("what stands", "id", "address"),
            (
                (name, values.get("id", ""), values.get("address", ""))
                for name, values in summary["published"].items()
            ),
        )
    return "\n".join(lines) + "\n"


def cell(value: object) -> str:
    """Return text that is shown as it is: no markup, no mention, one line."""
    return SPECIAL.sub(r"\\\1", " ".join(str(value).split()))


def _table(heads: tuple[str, ...], rows: t.Iterable[tuple[object, ...]]) -> list[str]:
    return [
        "| " + " | ".join(heads) + " |",
        "|" + " --- |" * len(heads),
        *("| " + " | ".join(map(cell, row)) + " |" for row in rows),
        "",
    ]
