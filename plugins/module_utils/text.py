# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Values of YAML and JSON as text, the same wherever text is needed: tags, environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def as_text(value: Any) -> str:
    """Return a value as text: nothing as the empty string, mappings, lists, numbers and booleans as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def as_texts(values: Mapping[Any, Any]) -> dict[str, str]:
    """Return a mapping with text alone."""
    return {as_text(key): as_text(value) for key, value in values.items()}


def text(value: Any) -> str:
    """Return a module's option as it is; the type of an option that must be given as text. Raises TypeError.

    ansible's own `str` makes 1.1 of the version 1.10 that was given without quotes.
    """
    if isinstance(value, str):
        return value
    raise TypeError(f"{value!r} is not text: put it in quotes")
