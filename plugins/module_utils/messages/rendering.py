# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Show messages in a language, with times in a time zone."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.teal.platform.plugins.module_utils.messages.catalogue import LANGUAGES, template
from ansible_collections.teal.platform.plugins.module_utils.messages.korean import particle
from ansible_collections.teal.platform.plugins.module_utils.messages.message import (
    SHAPES,
    Message,
    message,
    plain,
)


def moment(at: str) -> str:
    """Return a time (ISO 8601 with its zone) as a message, which is shown in the reader's time zone."""
    return message("time", at=at) if at else ""


def zone_of(name: str) -> tzinfo | None:
    """Return a time zone by its IANA name, or None if this machine does not know it.

    UTC needs no database of time zones. Other zones are in the system's, or in the package tzdata of PyPI.
    """
    if name.upper() in ("UTC", ""):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@dataclass(frozen=True)
class Reader:
    """The language of the people who read a message, and the IANA name of their time zone.

    An unknown zone, which preflight refuses, shows times in UTC: a rollback must not fail because of it.
    """

    language: str = LANGUAGES[0]
    timezone: str = "UTC"

    def show(self, text: str) -> str:
        """Return a message in the reader's language. A plain text is returned as it is.

        A message that this version does not know, from a record of a newer one, is shown in English.
        """
        try:
            return self._shown(text)
        except (KeyError, IndexError, ValueError, AttributeError):
            return plain(text)

    def show_all(self, value: Any) -> Any:
        """Return data (dicts and lists) with all its messages shown."""
        if isinstance(value, dict):
            return {key: self.show_all(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.show_all(entry) for entry in value]
        return self.show(value) if isinstance(value, str) else value

    def time(self, at: str) -> str:
        """Return a time (ISO 8601) as `2026-11-30 18:30 KST`. A text that is no time is returned as it is."""
        try:
            when = datetime.fromisoformat(at)
        except ValueError:
            return at
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(zone_of(self.timezone) or UTC)
        zone = when.tzname() or "UTC"
        return f"{when:%Y-%m-%d %H:%M} {'UTC' if zone[0] in '+-' else ''}{zone}"

    def _shown(self, text: str) -> str:
        if not isinstance(text, Message):
            return text
        if text.parts:
            return "".join(map(self._shown, text.parts))
        if text.id == "time":
            return self.time(text.parameters["at"])
        if not text.id:
            if not text:
                raise KeyError("a part without its text")
            return plain(text)
        filled = self._filled(template(text.id, self.language), text.parameters)
        return SHAPES[text.id](filled) if text.id in SHAPES else filled

    def _filled(self, form: str, parameters: Any) -> str:
        """Return a template with its placeholders filled. Korean particles fit the value before them."""
        shown = ""
        for literal, name, _spec, _conversion in string.Formatter().parse(form):
            shown += particle(shown, literal) if self.language == "ko" else literal
            if name is not None:
                shown += self._shown(parameters[name])
        return shown


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as lines, with columns as wide as their contents. The last column is not padded."""
    cells = [list(row) for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
