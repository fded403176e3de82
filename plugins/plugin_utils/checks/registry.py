# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The registry of checks, and patterns that several checks use."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

Found = Iterator[tuple[str, str]]
CHECKS: list[tuple[tuple[str, ...], Callable[..., Found]]] = []

LABEL = re.compile(r"[a-z](-?[a-z0-9])*")
DOMAIN = re.compile(r"(?=.{4,253}$)(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def check(function: Callable[..., Found]) -> Callable[..., Found]:
    """Register a check of the variables that its parameters name."""
    CHECKS.append((tuple(inspect.signature(function).parameters), function))
    return function


def run_checks(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the problems of `values` as (variable, message)."""
    found: list[tuple[str, str]] = []
    for names, function in CHECKS:
        if all(name in values for name in names):
            found.extend(function(**{name: values[name] for name in names}))
    return found
