# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of names, region, accounts and access."""

from __future__ import annotations

import difflib
import functools
import re
import zoneinfo
from pathlib import Path

from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import zone_of
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import LABEL, Found, check


@check
def names(platform_environment: str, platform_application: str) -> Found:
    for variable, value in (
        ("platform_environment", platform_environment),
        ("platform_application", platform_application),
    ):
        if not LABEL.fullmatch(value):
            yield (
                variable,
                "must have only lower case letters, digits and single hyphens, begin with a letter, not end with a hyphen",
            )
    if platform_application.startswith("internal"):
        yield (
            "platform_application",
            "must not begin with 'internal', which AWS reserves for its load balancers",
        )
    longest = f"{platform_application}-{platform_environment}-green"
    if len(longest) > 32:
        yield (
            "platform_application",
            f"too long together with platform_environment: the target group would be '{longest}' with "
            f"{len(longest)} characters, but AWS allows 32",
        )


@check
def name(platform_name: str, platform_application: str, platform_environment: str) -> Found:
    if platform_name != f"{platform_application}-{platform_environment}":
        yield "platform_name", "is computed from platform_application and platform_environment; remove it"


@check
def region(platform_region: str) -> Found:
    known = known_regions()
    if known and platform_region not in (name for regions in known.values() for name in regions):
        yield "platform_region", "is not an AWS region. Regions are: " + ", ".join(known["aws"])


@functools.cache
def known_regions() -> dict[str, list[str]]:
    """Return the regions with EC2 by partition, according to botocore; empty without botocore."""
    try:
        import botocore.session
    except ImportError:
        return {}
    session = botocore.session.get_session()
    return {
        partition: sorted(session.get_available_regions("ec2", partition_name=partition))
        for partition in session.get_available_partitions()
    }


@check
def timezone(platform_timezone: str) -> Found:
    if zone_of(platform_timezone) is None:
        known = zoneinfo.available_timezones()
        similar = difflib.get_close_matches(platform_timezone, known, 3)
        yield (
            "platform_timezone",
            "is not an IANA time zone, such as Asia/Seoul, Europe/Berlin or UTC"
            + (f". Similar: {', '.join(similar)}" if similar else "")
            if known
            else "cannot be used, since this machine has no time zone database. Install tzdata (apt install tzdata, or "
            "pip install tzdata in Ansible's environment), or use UTC",
        )


@check
def accounts(platform_allowed_accounts: list[str]) -> Found:
    yield from _account_ids("platform_allowed_accounts", platform_allowed_accounts)


@check
def release_keys(identity_release_keys: list[str], release_store_kms_key: str) -> Found:
    for key in identity_release_keys:
        if not re.fullmatch(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", key):
            yield (
                "identity_release_keys",
                f"'{key}' is not the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>)",
            )
    by_arn = ":key/" in release_store_kms_key
    if release_store_kms_key and not (
        release_store_kms_key in identity_release_keys if by_arn else identity_release_keys
    ):
        yield (
            "identity_release_keys",
            f"must contain the ARN of release_store_kms_key ({release_store_kms_key}), so that roles may use the key",
        )


@check
def image_accounts(identity_image_accounts: list[str]) -> Found:
    yield from _account_ids("identity_image_accounts", identity_image_accounts)


@check
def pull_accounts(registry_pull_accounts: list[str], registry_policy: dict) -> Found:
    yield from _account_ids("registry_pull_accounts", registry_pull_accounts)
    if registry_pull_accounts and registry_policy:
        yield "registry_pull_accounts", "has no effect together with registry_policy; set only one of them"


def _account_ids(variable: str, ids: list[str]) -> Found:
    for account in ids:
        if not re.fullmatch(r"\d{12}", account):
            yield variable, f"'{account}' is not an account ID: 12 digits, in quotes"


@check
def kubeconfig(platform_kubeconfig: str) -> Found:
    if platform_kubeconfig and not Path(platform_kubeconfig).expanduser().is_file():
        yield "platform_kubeconfig", "the file does not exist"


REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+|[\w.-]+@\d+/[\w.-]+@\d+")


@check
def github(identity_github_repository: str) -> Found:
    if identity_github_repository and not REPOSITORY.fullmatch(identity_github_repository):
        yield (
            "identity_github_repository",
            "must be organisation/repository, or with the numeric IDs of its tokens: "
            "organisation@123456/repository@456789",
        )
