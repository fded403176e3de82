# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Renders the summary of a run as GitHub Markdown."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.teal.platform.plugins.module_utils.messages.message import known, message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader

MARKS = {"failed": "❌", "not reached": "⏭️", "changed": "🟡", "ok": "🟢"}
#: Characters that are markup in a table's cell.
SPECIAL = re.compile(r"([\\\\`*_{}\[\]<>#|~@])")


def state_of(state: str) -> str:
    """Return the state of a component for people."""
    return known(f"summary.{state.replace(' ', '_')}", state)


def component_heads() -> tuple[str, ...]:
    """Return the headings of the table of components."""
    return (
        message("summary.component"),
        message("summary.state"),
        message("summary.ok"),
        message("summary.changed"),
        message("summary.failed"),
        message("summary.seconds"),
    )


def markdown(summary: dict[str, t.Any], title: str, reader: Reader) -> str:
    """Return the `summary` of the callback teal.platform.summary as Markdown under the heading `title`."""
    words = reader.show
    lines = [f"### {cell(title)}", ""]
    lines += _table(
        tuple(map(words, component_heads())),
        (
            (
                name,
                f"{MARKS[one['state']]} {words(state_of(one['state']))}",
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
            tuple(
                map(words, (message("summary.resources"), message("summary.id"), message("summary.address")))
            ),
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
