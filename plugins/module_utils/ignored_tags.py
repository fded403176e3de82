# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filters out tags that others set on our objects: AWS, its Service Catalog (awsApplication), cost tools."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

#: Names of the field with an object's tags in responses of AWS.
FIELDS = ("Tags", "tags", "TagList")
#: Names of the field with the key of a tag.
KEYS = ("Key", "TagKey", "key")


def matches(key: str, patterns: Iterable[str]) -> bool:
    """Return whether the key of a tag matches one of the shell patterns."""
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def without_tags(answer: Any, patterns: Iterable[str], but: Iterable[str] = ()) -> Any:
    """Return a response of AWS without the tags whose key matches `patterns`, except the keys in `but`."""
    patterns, but = tuple(patterns), frozenset(but)

    def kept(key: str) -> bool:
        return key in but or not matches(key, patterns)

    def tags(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: text for key, text in value.items() if kept(key)}
        return [one for one in value if kept(next((one[name] for name in KEYS if name in one), ""))]

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {key: tags(one) if key in FIELDS and is_tags(one) else walk(one) for key, one in value.items()}

    return walk(answer)


def is_tags(value: Any) -> bool:
    """Return whether a value is a dict of texts, or a list of entries with keys and values."""
    if isinstance(value, dict):
        return all(isinstance(text, str) for text in value.values())
    return isinstance(value, list) and all(
        isinstance(one, dict) and any(name in one for name in KEYS) for one in value
    )
