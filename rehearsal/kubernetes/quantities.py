"""Kubernetes' quantities (`500m`, `1Gi`) and its int-or-percent values."""

from __future__ import annotations

import math
import re
from typing import Any

_UNITS = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
}
_UNITS |= {f"{letter}i": 1024.0 ** (n + 1) for n, letter in enumerate("KMGTPE")}


def amount(value: Any) -> float:
    """Return a quantity in its base unit: CPUs, bytes. Raises ValueError."""
    found = re.match(r"^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$", str(value))
    if not found or found[2] not in _UNITS:
        raise ValueError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    return float(found[1]) * _UNITS[found[2]]


def share(value: Any, whole: int, *, up: bool) -> int:
    """Return an int-or-percent value such as `2` or `25%` of `whole`, rounded up or down."""
    if isinstance(value, str) and value.endswith("%"):
        part = whole * int(value[:-1]) / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value)
