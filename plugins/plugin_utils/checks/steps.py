# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of the steps of a release."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import step_settings
from ansible_collections.teal.platform.plugins.module_utils.release.clock import seconds
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import Found, check


@check
def release_steps(release_steps: list[dict[str, Any]]) -> Found:
    for problem in step_settings.problems(release_steps):
        yield "release_steps", problem


@check
def stickiness(release_sticky: str) -> Found:
    with contextlib.suppress(ValueError):
        if seconds(release_sticky) > step_settings.LONGEST_STICKINESS:
            yield "release_sticky", "must be at most 7d, the limit of the load balancer"
