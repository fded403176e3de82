# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Clocks and lengths of time. Tests replace the clock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.teal.platform.plugins.module_utils.messages.message import Message, joined, message

#: Where the system has it, the clock that runs on while the machine sleeps: a lease must expire during sleep, too.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_UNITS = (86400, 3600, 60, 1)
#: Days, hours, minutes and seconds, each at most once and in this order.
_LENGTH = re.compile(r"\s*".join(rf"(?:({_NUMBER.pattern}){unit})?" for unit in "dhms"))
#: The allowed formats, for error messages.
LENGTHS = "a length of time such as 90s, 10m, 1h30m or 1d12h"
#: Longest length of time, in seconds: beyond it, dates that are computed from it may not exist.
LONGEST = 10 * 365 * 86400


@dataclass(frozen=True)
class Clock:
    """`steady` is monotonic and measures durations; `wall` dates records. Both return seconds."""

    steady: Callable[[], float] = lambda: time.clock_gettime(_STEADY)
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def iso(wall: float) -> str:
    """Return `wall` (seconds since 1970) as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: float) -> Message:
    """Return a length of time for people, e.g. `42 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        # Records hold whole seconds, so 0 means less than one.
        if not seconds:
            return message("less_than_a_second")
        return message("span.seconds", number=whole if seconds >= 10 else f"{seconds:.1f}")
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [("hours", hours), ("minutes", minutes), ("seconds", 0 if hours else rest)]
    return joined(*(message(f"span.{unit}", number=number) for unit, number in parts if number), by=" ")


def seconds(text: str | float) -> float:
    """Return a length of time such as `90`, `90s`, `10m`, `1h30m` or `1d12h` in seconds. Raises ValueError."""
    given = str(text).strip().lower()
    parts = _LENGTH.fullmatch(given) if given else None
    if parts:
        total = sum(float(part or 0) * unit for part, unit in zip(parts.groups(), _UNITS, strict=True))
    elif _NUMBER.fullmatch(given):
        total = float(given)
    else:
        raise ValueError(f"{text!r} is no length of time")
    if total > LONGEST:
        raise ValueError(f"{text!r} is longer than ten years")
    return total
