# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the tags of a resource that others set."""

from __future__ import annotations

DOCUMENTATION = r"""
name: foreign_tags
author: Teal maintainers (@teal-platform)
version_added: 0.1.0
short_description: Select the tags of a resource that others set
description:
  - Returns the tags whose keys match one of the patterns, without AWS's own tags (C(aws:*)), which cannot be set.
  - The modules of amazon.aws remove all tags that they are not given. Pass them these tags together with your own, so
    that they remain.
positional: _input, patterns
options:
  _input:
    description: All tags of the resource. Empty for a resource that does not exist.
    type: dict
    required: true
  patterns:
    description: Shell patterns for the keys, such as O(patterns=["CostCenter*"]).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Create the VPC
  amazon.aws.ec2_vpc_net:
    name: shop-staging
    cidr_block: 10.20.0.0/16
    tags: "{{ {'Application': 'shop'} | combine(existing.tags | teal.platform.foreign_tags(platform_ignored_tags)) }}"
"""

RETURN = r"""
_value:
  description: The tags that others set.
  type: dict
  sample: {"awsApplication": "arn:aws:resource-groups:eu-west-1:123456789012:group/shop/0abc"}
"""

from collections.abc import Callable, Iterable

from ansible_collections.teal.platform.plugins.module_utils.ignored_tags import matches


def foreign_tags(tags: dict[str, str] | None, patterns: Iterable[str]) -> dict[str, str]:
    """Return the `tags` whose keys match one of `patterns`, without AWS's own."""
    return {
        key: value
        for key, value in (tags or {}).items()
        if matches(key, patterns) and not key.startswith("aws:")
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """Return the filters by name."""
        return {"foreign_tags": foreign_tags}
