# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Converts values of YAML and JSON to text, for tags and environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule


def as_text(value: Any) -> str:
    """Return a value as text: None as the empty string; mappings, lists, numbers and booleans as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def as_texts(values: Mapping[Any, Any]) -> dict[str, str]:
    """Return a mapping with all keys and values as text."""
    return {as_text(key): as_text(value) for key, value in values.items()}


def require_text(module: AnsibleModule, *options: str) -> None:
    """Fail the module if one of its options of type `raw` is not text.

    The type `str` would convert the unquoted version 1.10 to the text 1.1.
    """
    for option in options:
        if not isinstance(value := module.params[option], str):
            module.fail_json(msg=f"{option}: {value!r} is not text: put it in quotes")
