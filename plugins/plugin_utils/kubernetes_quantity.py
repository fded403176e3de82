# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Parses Kubernetes quantities, such as `250m` and `512Mi`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_PATTERN = re.compile(
    r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([eE][+-]?[0-9]{1,2})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
EXAMPLES = "a Kubernetes quantity, such as 250m, 2, 512Mi or 1Gi"


def quantity(value: Any) -> Decimal:
    """Return a quantity as a number. Raises ValueError for an invalid or negative quantity."""
    match = None if isinstance(value, bool) else _PATTERN.fullmatch(str(value))
    if not match:
        raise ValueError(f"{value!r} is not {EXAMPLES}")
    number, exponent, suffix = match[1], match[2], match[3] or ""
    if exponent:
        return Decimal(number + exponent)
    if suffix in _BINARY:
        return Decimal(number) * 1024 ** (_BINARY.index(suffix) + 1)
    return Decimal(number).scaleb(_DECIMAL[suffix])
