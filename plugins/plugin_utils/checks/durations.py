# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of durations, before a release begins."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.teal.platform.plugins.module_utils.release.clock import LENGTHS, seconds
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import CHECKS, Found

#: Settings that are durations, with their minimum in seconds.
DURATIONS: dict[str, float] = {
    "release_bake": 0,
    "release_bake_unready": 0,
    "release_check_timeout": 1,
    "release_drain": 0,
    "release_healthy_timeout": 1,
    "release_lease": 5,
    "release_lock_wait": 0,
    "release_metrics_delay": 0,
    "release_observe_timeout": 1,
    "release_rollback_lease": 5,
    "release_rollback_lock_wait": 0,
    "release_sticky": 0,
    "release_window": 0,
    "slot_schedule_timeout": 0,
}


def duration(name: str, least: float) -> Callable[..., Found]:
    """Return the check of one duration."""

    def check(**values: str) -> Found:
        try:
            length = seconds(values[name])
        except ValueError:
            yield name, f"must be {LENGTHS}"
            return
        if length < least:
            yield name, f"must be at least {least:g}s"

    return check


CHECKS.extend(((name,), duration(name, least)) for name, least in DURATIONS.items())
