# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the objects with tags that the inventory no longer has."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stale_tags
author: Teal maintainers
version_added: 0.1.0
short_description: Find objects with tags that are no longer wanted
description:
  - Modules of other collections either keep all tags that they are not given, or remove them, including tags that others
    set.
  - Pass the results of a loop with C(purge_tags=false). The filter returns the objects that have unwanted tags, with the
    tags that they should have. Pass these to the same module with C(purge_tags=true).
positional: _input, key, tags, ignored
options:
  _input:
    description: The results of a loop over items that have a C(name). Results without the object are omitted.
    type: list
    elements: dict
    required: true
  key:
    description: Key of the object in a result. The object has its C(tags) as a dictionary.
    type: str
    required: true
  tags:
    description: The wanted tags of each object. C(Name), the item's C(name), is added.
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
  description: The objects, each with the loop's C(item) and all C(tags) that should remain.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.teal.platform.plugins.filter.foreign_tags import foreign_tags


def stale_tags(
    results: list[dict[str, Any]], key: str, tags: dict[str, str], ignored: list[str]
) -> list[dict[str, Any]]:
    """Return the items of `results` whose object under `key` has tags that are not in `tags` and do not match `ignored`."""
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
