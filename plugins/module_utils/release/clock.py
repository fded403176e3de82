# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The time, as the release engine needs it; tests put another one in its place."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

#: Goes on while the machine sleeps, where the system has such a clock: a lease must not outlive a closed lid.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_UNITS = (86400, 3600, 60, 1)
#: Days, hours, minutes and seconds, each at most once and in this order.
_LENGTH = re.compile(r"\s*".join(rf"(?:({_NUMBER.pattern}){unit})?" for unit in "dhms"))
#: What users are shown when a length of time is not understood.
LENGTHS = "a length of time such as 90s, 10m, 1h30m or 1d12h"
#: Beyond this a date that is computed from a length of time may not exist.
LONGEST = 10 * 365 * 86400


@dataclass(frozen=True)
class Clock:
    """`steady` measures spans and is never set back; `wall` dates records. Both are in seconds."""

    steady: Callable[[], float] = lambda: time.clock_gettime(_STEADY)
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def iso(wall: float) -> str:
    """Return `wall` (seconds since 1970) as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: float) -> str:
    """Return a length of time as people say it, e.g. `42 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        # Records are in whole seconds: a 0 there is less than one.
        return f"{whole} s" if seconds >= 10 else f"{seconds:.1f} s" if seconds else "< 1 s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


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
