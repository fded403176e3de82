# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Name of the person who started the run, read from environment variables."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping


def github_actor(environment: Mapping[str, str]) -> str:
    """Return who started, or last re-ran, the run of GitHub Actions; empty elsewhere. GITHUB_ACTOR ignores a re-run."""
    return environment.get("GITHUB_TRIGGERING_ACTOR") or environment.get("GITHUB_ACTOR", "")


def local_user(environment: Mapping[str, str]) -> str:
    """Return the name of this machine's user."""
    try:
        return environment.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return f"uid {os.getuid()}"
