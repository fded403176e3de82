# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of numbers with a minimum and a maximum."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import CHECKS, Found

PORT = (1, 65535)
ANY = 10**9
#: Retentions in days that CloudWatch accepts for a log group.
RETENTION = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
LIMITS: dict[str, tuple[float, float]] = {
    "cluster_node_max_unavailable": (1, 100),
    "cluster_node_volume_gib": (20, 65536),
    "instance_volume_size": (8, 65536),
    "namespace_database_port": PORT,
    "namespace_wait_timeout": (1, ANY),
    "release_bake_errors": (0, 100),
    "release_observations": (1, 1000),
    "release_port": PORT,
    "slot_disruption": (1, ANY),
    "slot_keep_alive": (1, ANY),
    "slot_migration_timeout": (1, ANY),
    "slot_port": PORT,
    "slot_pre_stop": (0, 3600),
    "slot_replicas": (1, 1000),
    "slot_run_as_user": (1, 2**31 - 1),
    "slot_shutdown": (0, 3600),
    "slot_start_timeout": (1, 86400),
}
RETENTIONS = (
    "alarms_log_retention_days",
    "cluster_log_retention_days",
    "database_log_retention_days",
    "functions_log_retention_days",
    "instance_log_retention_days",
)


def limit(name: str, least: float, most: float) -> Callable[..., Found]:
    """Return the check of one number."""

    def check(**values: float) -> Found:
        if not least <= values[name] <= most:
            yield name, f"must be at least {least:g}" if most == ANY else f"must be {least:g} to {most:g}"

    return check


def retention(name: str) -> Callable[..., Found]:
    """Return the check of a log group's retention."""

    def check(**values: int) -> Found:
        if values[name] not in RETENTION:
            yield name, f"must be one of {', '.join(map(str, RETENTION))} (days that CloudWatch accepts)"

    return check


CHECKS.extend(((name,), limit(name, least, most)) for name, (least, most) in LIMITS.items())
CHECKS.extend(((name,), retention(name)) for name in RETENTIONS)
