# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What this collection's modules for IAM share."""

from __future__ import annotations

import json
from typing import Any


def canonical(policy: Any) -> Any:
    """Return a policy in one form: IAM gives lists back in another order, and a list of one as a string."""
    if isinstance(policy, dict):
        return {key: canonical(value) for key, value in sorted(policy.items())}
    if isinstance(policy, list):
        items = sorted((canonical(item) for item in policy), key=json.dumps)
        return items[0] if len(items) == 1 else items
    return str(policy).lower() if isinstance(policy, bool) else policy
