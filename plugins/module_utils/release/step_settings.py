# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Check the setting `release_steps`. Preflight and the module that begins a release use the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.clock import LENGTHS, seconds

#: Longest target group stickiness in seconds that AWS allows.
LONGEST_STICKINESS = 7 * 86400


def problems(steps: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with the steps, each as a sentence without its subject, e.g. `entry 2 has no bake`."""
    highest = 0
    for number, step in enumerate(steps, 1):
        weight, bake = step.get("weight"), step.get("bake")
        if weight is None or bake is None:
            yield f"entry {number} must have weight and bake, such as {{weight: 5, bake: 10m}}"
            continue
        if not 1 <= weight <= 99:
            yield (
                f"entry {number} has weight {weight}, which must be from 1 to 99. The last share, 100 %, is not in the "
                "list: its bake is release_bake"
            )
        elif weight <= highest:
            yield f"entry {number} has weight {weight}, which must be higher than {highest}, the weight before"
        highest = max(highest, weight)
        try:
            seconds(bake)
        except ValueError:
            yield f"entry {number} has bake '{bake}', which must be {LENGTHS}"


def normalized(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the steps as the record of a release has them."""
    return [{"weight": int(step["weight"]), "bake": str(step["bake"])} for step in steps]
