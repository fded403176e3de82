# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Converts the values of engine parameters from an inventory to the text that RDS accepts."""

from __future__ import annotations

import difflib
import re
from typing import Any

YES = ("1", "on", "true", "yes")
NO = ("0", "off", "false", "no")
#: the texts for true and false; AllowedValues of RDS has one of these pairs
PAIRS = (("1", "0"), ("ON", "OFF"), ("on", "off"), ("TRUE", "FALSE"), ("true", "false"), ("yes", "no"))
RANGE = re.compile(r"(-?[\d.]+)-(-?[\d.]+)")


class InvalidParameter(ValueError):
    """A parameter has a name or value that RDS ignores, or rejects only after other changes were made."""


def text_of(parameter: dict[str, Any], value: Any) -> str:
    """Return `value` as RDS stores it; raise InvalidParameter if the parameter does not accept it.

    `parameter` is an entry of DescribeDBParameters. A formula, such as `{DBInstanceClassMemory/9531392}`, is
    returned unchanged.
    """
    kind, allowed = parameter.get("DataType", "string"), parameter.get("AllowedValues") or ""
    given = str(value).strip()
    if "{" in given:
        return given
    choices = [one.strip() for one in allowed.split(",") if one.strip()]
    pair = next((pair for pair in PAIRS if set(pair) <= set(choices)), None)
    if kind == "boolean" or (pair and (isinstance(value, bool) or given.lower() in (*YES, *NO))):
        yes, no = pair or PAIRS[0]
        if given.lower() not in (*YES, *NO):
            raise InvalidParameter(f"{given!r} is not a boolean")
        return yes if given.lower() in YES else no
    if isinstance(value, bool):
        raise InvalidParameter(f"must be of type {kind}, not a boolean")
    if kind in ("integer", "float"):
        _require_number(kind, given, choices)
        return given
    if kind == "list" or not choices or any(RANGE.fullmatch(one) for one in choices):
        return given
    same = next((one for one in choices if one.lower() == given.lower()), None)
    if same is None:
        raise InvalidParameter(f"{given!r} is not one of {', '.join(choices)}")
    return same


def _require_number(kind: str, given: str, choices: list[str]) -> None:
    try:
        number = int(given) if kind == "integer" else float(given)
    except ValueError:
        unit = " without a unit" if re.fullmatch(r"\d+\s*[A-Za-z]+", given) else ""
        raise InvalidParameter(f"{given!r} must be of type {kind}{unit}") from None
    ranges = [RANGE.fullmatch(one) for one in choices]
    within = [found for found in ranges if found]
    if not choices or given in choices:
        return
    if not any(float(found[1]) <= number <= float(found[2]) for found in within):
        raise InvalidParameter(f"{given} is not in the range {', '.join(choices)}")


def same_value(one: str | None, other: str | None) -> bool:
    """Return whether two values of a parameter are equal, as text or as numbers (1 and 1.0)."""
    if one == other:
        return True
    try:
        return float(one or "") == float(other or "")
    except ValueError:
        return False


def checked(known: dict[str, dict[str, Any]], wanted: dict[str, Any], family: str) -> dict[str, str]:
    """Return the wanted values as RDS stores them. Raise InvalidParameter with all invalid names and values."""
    problems, values = [], {}
    for name, value in sorted(wanted.items()):
        parameter = known.get(name)
        if parameter is None:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"{name}: {family} has no such parameter{hint}")
        elif not parameter.get("IsModifiable", True):
            problems.append(f"{name}: RDS does not allow changes of this parameter")
        else:
            try:
                values[name] = text_of(parameter, value)
            except InvalidParameter as error:
                problems.append(f"{name}: {error}")
    if problems:
        raise InvalidParameter("; ".join(problems))
    return values
