# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Computes the sizes of the role identity's policies before a run, and compares them with IAM's limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.template import trust_as_template
from ansible_collections.teal.platform.plugins.plugin_utils.checks.platform import known_regions

#: IAM's limits in characters without white space: all inline policies of a role, a managed policy, and a trust policy
#: with its default and its highest quota.
INLINE, MANAGED, TRUST, TRUST_AT_MOST = 10_240, 6_144, 2_048, 4_096
#: Settings that lengthen policies.
IN_POLICIES = ("identity_release_keys", "identity_domain_names", "identity_image_accounts")
IN_TRUST = ("identity_trusted_principals", "identity_github_environments")


@dataclass(frozen=True)
class Size:
    """A policy, its number of characters, IAM's limit, and the settings that lengthen it."""

    what: str
    characters: int
    limit: int
    settings: tuple[str, ...]

    @property
    def free(self) -> float:
        """The share of the limit that is free."""
        return 1 - self.characters / self.limit


def size_of(document: Any) -> int:
    """Return the characters of a policy as IAM counts them: without white space."""
    text = document if isinstance(document, str) else json.dumps(document)
    return len(re.sub(r"\s", "", text))


def policy_sizes(templar: Any, variables: dict[str, Any], role: Path) -> Iterator[Size]:
    """Render the policies of the role `identity` and yield their sizes.

    `variables` are those of the component identity and its role. The account is not known yet, but all IDs have 12 digits.
    """
    region = templar.template(variables["platform_region"])
    partitions = known_regions()
    partition = next((name for name, regions in partitions.items() if region in regions), "aws")
    account = "0" * 12
    templar = templar.copy_with_new_env(
        available_variables={
            **variables,
            "__identity_caller": {"account": account, "arn": f"arn:{partition}:iam::{account}:root"},
            "ansible_search_path": [str(role)],
        }
    )
    for described in templar.template(variables["__identity_roles"]):
        if described.get("needed", True):
            name = described["name"]
            inline = sum(size_of(policy) for policy in described.get("policies", {}).values())
            yield Size(f"the inline policies of the role {name}", inline, INLINE, IN_POLICIES)
            yield Size(f"the trust policy of the role {name}", size_of(described["trust"]), TRUST, IN_TRUST)
    for described in templar.template(variables["__identity_policies"]):
        characters = size_of(described["document"])
        yield Size(f"the managed policy {described['name']}", characters, MANAGED, IN_POLICIES)
    boundary = trust_as_template("{{ lookup('ansible.builtin.template', 'boundary.json.j2') }}")
    yield Size("the permissions boundary", size_of(templar.template(boundary)), MANAGED, IN_POLICIES)


def too_large(size: Size, values: dict[str, Any]) -> tuple[str, str]:
    """Return the setting to shorten and the message. `values` are the settings."""
    longest = max(size.settings, key=lambda name: size_of(values.get(name) or ""))
    return longest, (
        f"{size.what} would have {size.characters} characters, but IAM allows {size.limit}. Shorten {longest}"
    )
