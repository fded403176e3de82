# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Renders the summary of a run as GitHub Markdown."""

from __future__ import annotations

import re
import typing as t

MARKS = {"failed": "❌", "not reached": "⏭️", "changed": "🟡", "ok": "🟢"}
#: Characters that are markup in a table's cell.
SPECIAL = re.compile(r"([\\\\`*_{}\[\]<>#|~@])")


def markdown(summary: dict[str, t.Any], title: str) -> str:
    """Return the `summary` of the callback teal.platform.summary as Markdown under the heading `title`."""
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
            ("resources", "id", "address"),
            (
                (name, values.get("id", ""), values.get("address", ""))
                for name, values in summary["published"].items()
            ),
        )
    return "\n".join(lines) + "\n"


def cell(value: object) -> str:
    """Return a value as one line of text with markup and mentions escaped."""
    return SPECIAL.sub(r"\\\1", " ".join(str(value).split()))


def _table(heads: tuple[str, ...], rows: t.Iterable[tuple[object, ...]]) -> list[str]:
    return [
        "| " + " | ".join(heads) + " |",
        "|" + " --- |" * len(heads),
        *("| " + " | ".join(map(cell, row)) + " |" for row in rows),
        "",
    ]
