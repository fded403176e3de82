# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Values of YAML and JSON as text, the same wherever text is needed: tags, environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule


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


def require_text(module: AnsibleModule, *options: str) -> None:
    """Fail the module if one of its options of the type `raw` is not text.

    The type `str` would turn the version 1.10 that was given without quotes into the text 1.1.
    """
    for option in options:
        if not isinstance(value := module.params[option], str):
            module.fail_json(msg=f"{option} is {value!r}: {value!r} is not text: put it in quotes")
