# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of the service's configuration. Messages never contain its values."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import service_config
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import Found, check
from ansible_collections.teal.platform.plugins.plugin_utils.checks.tags import text_problems

SECRET = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@check
def configuration(slot_config: dict[Any, Any], slot_kind: str) -> Found:
    for message in service_config.wrong(slot_config, slot_kind):
        yield "slot_config", message
    for name, value in slot_config.items():
        if isinstance(name, str):
            for message in text_problems(name, value, nested=True):
                yield "slot_config", message


@check
def secrets_of_slots(slot_secrets: list[str]) -> Found:
    for secret in slot_secrets:
        if not SECRET.fullmatch(secret):
            yield (
                "slot_secrets",
                f"'{secret}' is not a valid name of a Secret: lower case letters, digits, - and .",
            )
