# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of registry, secrets and database."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.teal.platform.plugins.plugin_utils.checks.network import known_tier, ports_of
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import Found, check


@check
def registry(registry_keep_images: int, registry_encryption: str, registry_kms_key: str) -> Found:
    if registry_keep_images < 2:
        yield "registry_keep_images", "must be at least 2: the live image, and the image for a rollback"
    if registry_kms_key and registry_encryption != "KMS":
        yield "registry_kms_key", "needs registry_encryption: KMS"


@check
def secrets(secrets_list: list[dict[str, Any]], secrets_recovery_days: int) -> Found:
    seen: set[str] = set()
    for secret in secrets_list:
        name = secret["name"]
        if not re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,200}", name):
            yield "secrets_list", f"'{name}' must have only letters, digits and / _ + = . @ -; at most 200"
        if name in seen:
            yield "secrets_list", f"'{name}' is listed twice"
        seen.add(name)
    if secrets_recovery_days != 0 and not 7 <= secrets_recovery_days <= 30:
        yield "secrets_recovery_days", "must be 7 to 30 days, or 0 to delete immediately"


@check
def secret_of_the_database(
    secrets_list: list[dict[str, Any]], database_user_secret: str, platform_name: str
) -> Found:
    for secret in secrets_list:
        if f"{platform_name}/{secret['name']}" == database_user_secret:
            yield (
                "secrets_list",
                f"'{secret['name']}' is the name of the component database_user's secret; use another name",
            )


#: Seconds. An EKS token is valid for 15 minutes, and one task waits for the Job with one token.
LONGEST_JOB = 780


@check
def time_of_the_database_users_job(database_user_timeout: int, database_user_runner: str) -> Found:
    if database_user_runner == "job" and database_user_timeout > LONGEST_JOB:
        yield "database_user_timeout", f"must be at most {LONGEST_JOB} with database_user_runner: job"


@check
def database_name(database_name: str) -> Found:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", database_name):
        yield (
            "database_name",
            "must have only lower case letters, digits and underscores, begin with a letter, and have at most 63 characters",
        )


@check
def database_tier(database_tier: str, network_tiers: list[str]) -> Found:
    yield from known_tier("database_tier", database_tier, network_tiers)


#: Default ports of the engines in RDS.
ENGINE_PORTS = {"postgres": 5432, "mysql": 3306}


@check
def port_in_security_groups(database_engine: str, network_database_ports: list[str]) -> Found:
    port = ENGINE_PORTS[database_engine]
    if not any(port in ports for value in network_database_ports if (ports := ports_of(value))):
        yield (
            "network_database_ports",
            f'must contain "{port}", the port of {database_engine} (database_engine), otherwise the database is unreachable',
        )


@check
def port_in_network_policy(database_engine: str, namespace_database_port: int) -> Found:
    port = ENGINE_PORTS[database_engine]
    if namespace_database_port != port:
        yield (
            "namespace_database_port",
            f"must be {port}, the port of {database_engine} (database_engine), otherwise pods do not reach the database",
        )


@check
def database_sizes(
    database_storage_gib: int, database_max_storage_gib: int, database_backup_retention_days: int
) -> Found:
    if database_storage_gib < 20:
        yield "database_storage_gib", "must be at least 20"
    if 0 < database_max_storage_gib < database_storage_gib:
        yield "database_max_storage_gib", f"must be at least database_storage_gib ({database_storage_gib})"
    if not 0 <= database_backup_retention_days <= 35:
        yield "database_backup_retention_days", "must be 0 to 35 days"
