# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the objects that have tags which the inventory no longer has."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stale_tags
author: Teal maintainers
version_added: 0.1.0
short_description: Find the objects with tags that nobody wants any more
description:
  - Modules of other collections either keep each tag that they were not given, or remove it, those of others too.
  - This filter takes the results of a loop that kept them. It returns the objects that have tags which are neither
    wanted nor of others, with the tags that they should have. Give these to the same module with C(purge_tags).
positional: _input, key, tags, ignored
options:
  _input:
    description: The results of a loop over items that have a C(name). Those without the object are left out.
    type: list
    elements: dict
    required: true
  key:
    description: Under which key a result has the object, with its C(tags) as a dictionary.
    type: str
    required: true
  tags:
    description: The tags that each object should have. C(Name), the item's C(name), is added.
    type: dict
    required: true
  ignored:
    description: Patterns of the keys of tags that others set. AWS's own are never removed.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Create the roles
  amazon.aws.iam_role:
    name: "{{ item.name }}"
    assume_role_policy_document: "{{ item.trust }}"
    create_instance_profile: false
    tags: "{{ tags | combine({'Name': item.name}) }}"
    purge_tags: false
  loop: "{{ roles }}"
  register: made

- name: Remove the tags that the inventory no longer has
  amazon.aws.iam_role:
    name: "{{ item.item.name }}"
    assume_role_policy_document: "{{ item.item.trust }}"
    create_instance_profile: false
    tags: "{{ item.tags }}"
  loop: "{{ made.results | teal.platform.stale_tags('iam_role', tags, ['awsApplication']) }}"
"""

RETURN = r"""
_value:
  description: The objects, each with the loop's C(item) and all C(tags) that should be left.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.teal.platform.plugins.filter.foreign_tags import foreign_tags


def stale_tags(
    results: list[dict[str, Any]], key: str, tags: dict[str, str], ignored: list[str]
) -> list[dict[str, Any]]:
    """Return items of `results` whose object under `key` has tags that are neither in `tags` nor match `ignored`."""
    stale = []
    for result in results:
        existing = (result.get(key) or {}).get("tags") or {}
        wanted = {**tags, "Name": result["item"]["name"]}
        others = foreign_tags(existing, ignored)
        if any(key not in wanted | others and not key.startswith("aws:") for key in existing):
            stale.append({"item": result["item"], "tags": {**others, **wanted}})
    return stale


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"stale_tags": stale_tags}
