# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of the analysis of a release: its thresholds, and whether the bakes are long enough for it."""

from __future__ import annotations

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.analysis_settings import problems
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import Found, check


@check
def analysis(release_analysis: dict[str, Any], release_bake: str) -> Found:
    yield from problems(release_analysis, {"release_bake": release_bake})


@check
def analysis_of_steps(release_analysis: dict[str, Any], release_steps: list[dict[str, Any]]) -> Found:
    bakes = {
        f"release_steps[{number}].bake": step["bake"]
        for number, step in enumerate(release_steps)
        if "bake" in step
    }
    for name, problem in problems(release_analysis, bakes):
        if name in bakes:
            yield name, problem
