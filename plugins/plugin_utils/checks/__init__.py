# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What must be true of the settings beyond their types: each check in a few lines, one module for each topic.

A check is a function decorated with `@check`. Its parameters are names of variables, of any component;
it runs if the inventory has all of them, with values of the right type, and yields what is wrong as
(variable, what is allowed). It knows nothing but these values.
"""

from __future__ import annotations

from ansible_collections.teal.platform.plugins.plugin_utils.checks import (  # noqa: F401 - they register checks
    analysis,
    cluster,
    config,
    durations,
    limits,
    load_balancer,
    machines,
    network,
    platform,
    slot,
    steps,
    stores,
    tags,
)
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import CHECKS, check, run_checks

__all__ = ["CHECKS", "check", "run_checks"]
