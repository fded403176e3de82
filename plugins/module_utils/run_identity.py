# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Who runs this, as the environment's variables tell."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping


def github_actor(environment: Mapping[str, str]) -> str:
    """Return who started GitHub's run, or started it again: the actor stays that of the first time. Empty elsewhere."""
    return environment.get("GITHUB_TRIGGERING_ACTOR") or environment.get("GITHUB_ACTOR", "")


def local_user(environment: Mapping[str, str]) -> str:
    """Return the name of this machine's user."""
    try:
        return environment.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"
