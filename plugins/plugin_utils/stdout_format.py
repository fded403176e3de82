# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Says whether the standard output of a run is read by people or by programs."""

from __future__ import annotations

from ansible import constants as C


def is_machine_readable(callback: str | None = None) -> bool:
    """Return whether the stdout callback (by default the configured one) prints JSON or nothing.

    A line of another callback on stdout would make the JSON invalid.
    """
    name = (callback or C.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2]
    return "json" in name or name == "null"
