# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of the user's tags: valid for all kinds of AWS resources, and no keys that the roles use."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.ignored_tags import matches
from ansible_collections.teal.platform.plugins.module_utils.text_values import as_text
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import Found, check
from ansible_collections.teal.platform.plugins.plugin_utils.value_source import (
    VERSIONS,
    source_text,
    type_name,
)

#: Keys by which resources are found or assigned to their owner. IAM ignores the case of keys.
RESERVED = (
    "Application",
    "CollectionVersion",
    "Component",
    "Environment",
    "ManagedBy",
    "Name",
    "Release",
    "Slot",
    "Tier",
)
#: All keys that the roles set.
OURS = (*RESERVED, "Purpose")
#: AWS allows 50 tags per resource, including the reserved ones.
MOST = 40


def _allowed(text: str) -> bool:
    """Return whether AWS allows these characters in a tag: letters and digits of any language, spaces, some symbols."""
    return all(char.isalnum() or char in " _.:/=+-@" for char in text)


@check
def extra_tags(platform_extra_tags: dict[Any, Any]) -> Found:
    variable = "platform_extra_tags"
    if len(platform_extra_tags) > MOST:
        yield variable, f"has {len(platform_extra_tags)} tags, but at most {MOST} are allowed"
    seen: dict[str, str] = {}
    for key, value in platform_extra_tags.items():
        if not isinstance(key, str):
            yield variable, f"the key {key} is {type_name(key)}: put it in quotes"
            continue
        folded = key.strip().casefold()
        reserved = next((name for name in RESERVED if name.casefold() == folded), None)
        if reserved or folded.startswith("aws:"):
            taken = ", ".join(RESERVED)
            yield (
                variable,
                f"'{key}' is a reserved key. Reserved are {taken}, and all keys that begin with aws:",
            )
        elif folded in seen:
            yield variable, f"'{key}' and '{seen[folded]}' are the same key for IAM"
        seen.setdefault(folded, key)
        if not 1 <= len(key) <= 128 or key != key.strip() or not _allowed(key):
            yield (
                variable,
                f"'{key}' must have 1 to 128 letters, digits, spaces and _ . : / = + - @, no space at its ends",
            )
        for message in text_problems(key, value, nested=False):
            yield variable, message
        text = as_text(value)
        if isinstance(value, str | int | float) and (
            len(text) > 256 or text != text.strip() or not _allowed(text)
        ):
            yield (
                variable,
                f"the value of '{key}' must have at most 256 letters, digits, spaces and _ . : / = + - @, "
                "no space at its ends",
            )


@check
def ignored_tags(platform_ignored_tags: list[str], platform_extra_tags: dict[Any, Any]) -> Found:
    for pattern in platform_ignored_tags:
        hit = [key for key in OURS if matches(key, [pattern])]
        if hit:
            yield (
                "platform_ignored_tags",
                f"'{pattern}' matches {', '.join(hit)}, which the roles set: use patterns for other keys only",
            )
        if not pattern or not _allowed(re.sub(r"[*?!\[\]]", "", pattern)):
            yield (
                "platform_ignored_tags",
                f"'{pattern}' must be the key of a tag, optionally with the wildcards * and ?",
            )
    for key in platform_extra_tags:
        if matches(str(key), platform_ignored_tags):
            yield "platform_extra_tags", f"'{key}' matches platform_ignored_tags, so it would be ignored"


def text_problems(key: str, value: Any, nested: bool, parent: Any = None) -> Iterator[str]:
    """Yield why the text of a value may differ from the text in its file.

    `nested` is true if mappings and lists are allowed. `parent` is the key of the value in one of them.
    """
    if isinstance(value, str) or value is None:
        return
    if isinstance(value, Mapping | list | tuple):
        if not nested:
            yield f"'{key}' must be text, but is {type_name(value)}"
            return
        pairs = value.items() if isinstance(value, Mapping) else ((parent or key, entry) for entry in value)
        for inner, entry in pairs:
            if not isinstance(inner, str):
                yield f"'{key}' has a key that is {type_name(inner)}, {inner}: put it in quotes"
            else:
                yield from text_problems(key, entry, nested, inner)
        return
    name = key if parent is None else parent
    source = source_text(value, name)
    if isinstance(value, date):
        yield f"'{key}' must be text, but is a date: put it in quotes"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"'{key}' must be text, but is {value}: put it in quotes"
    elif source and as_text(value) not in (source, source.lower()):
        yield f"'{key}' is {source}, which YAML reads as {as_text(value)}: put it in quotes"
    elif isinstance(value, float) and VERSIONS.search(name):
        yield f"'{key}' must be text, but {value} is a number: put it in quotes"
