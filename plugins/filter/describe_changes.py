# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the difference between the current and the wanted state of resources, one line for each attribute."""

from __future__ import annotations

DOCUMENTATION = r"""
name: describe_changes
author: Teal maintainers (@teal-platform)
version_added: 0.1.0
short_description: Describe the difference between the current and the wanted state of resources
description:
  - "Returns a line C(resource: attribute: before -> after) for each attribute that differs, and an empty list if nothing
    differs. It is meant for check mode, where the module that changes the resource returns no diff."
  - A value is text, a number, a boolean, a list or a dictionary. The attribute of a value inside a dictionary is a path,
    such as C(trust.Statement[Deploy].Action).
  - Text that contains a JSON object, such as an IAM policy, is compared as that object.
  - The order of a list does not matter. A line names the element that was added (C(none -> element)) or removed
    (C(element -> none)). Statements of a policy are matched by their C(Sid) if all of them have one. A single value
    equals a list of that value alone, as in an IAM policy.
  - The lines contain the values. Do not pass secrets.
positional: _input, wanted
options:
  _input:
    description: The current state. A dictionary of attributes for each resource that exists, by the name of the resource.
    type: dict
    required: true
  wanted:
    description: The wanted state, in the same form. A resource that is not in it is reported as removed.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report what would change in the route tables
  ansible.builtin.debug:
    msg: "{{ changes }}"
  vars:
    current: {shop-private: {routes: [0.0.0.0/0 nat-1], tags: {Tier: private}}}
    wanted: {shop-private: {routes: [0.0.0.0/0 nat-2], tags: {Tier: private}}}
    changes: "{{ current | teal.platform.describe_changes(wanted) }}"
  when: ansible_check_mode and changes
  # shop-private: routes: 0.0.0.0/0 nat-1 -> none
  # shop-private: routes: none -> 0.0.0.0/0 nat-2
"""

RETURN = r"""
_value:
  description: The lines, sorted by resource and attribute.
  type: list
  elements: str
  sample: ["shop-service: ingress: tcp 22 0.0.0.0/0 -> none"]
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from ansible.errors import AnsibleFilterError

NONE = "none"


def describe_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return a line for each attribute in which two states of resources differ."""
    for state in (before, after):
        if not isinstance(state, dict) or not all(isinstance(one, dict) for one in state.values()):
            raise AnsibleFilterError(
                "describe_changes: each state must be a dictionary that has a dictionary of attributes for each resource"
            )
    lines: list[str] = []
    for resource in sorted(before.keys() | after.keys()):
        if resource not in after:
            lines.append(f"{resource}: existing -> removed")
            continue
        if resource not in before:
            lines.append(f"{resource}: {NONE} -> created")
        changes = _changes("", before.get(resource, {}), after[resource])
        lines.extend(f"{resource}: {attribute}: {old} -> {new}" for attribute, old, new in changes)
    return lines


def _changes(path: str, before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the path, the value before and the value after of each difference."""
    before, after = _parsed(before), _parsed(after)
    if isinstance(before, list) or isinstance(after, list):
        yield from _changes_of_lists(path, _as_list(before), _as_list(after))
    elif isinstance(before, dict | None) and isinstance(after, dict | None):
        before, after = before or {}, after or {}
        for key in sorted(before.keys() | after.keys()):
            yield from _changes(f"{path}.{key}" if path else str(key), before.get(key), after.get(key))
    elif before != after:
        yield path, _text(before), _text(after)


def _changes_of_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[tuple[str, str, str]]:
    old, new = _by_sid(before), _by_sid(after)
    if old is not None and new is not None:
        for sid in sorted(old.keys() | new.keys()):
            if sid in old and sid in new:
                yield from _changes(f"{path}[{sid}]", old[sid], new[sid])
            else:
                yield f"{path}[{sid}]", _text(old.get(sid)), _text(new.get(sid))
        return
    old_texts, new_texts = [_text(one) for one in before], [_text(one) for one in after]
    for text in sorted(set(old_texts) - set(new_texts)):
        yield path, text, NONE
    for text in sorted(set(new_texts) - set(old_texts)):
        yield path, NONE, text


def _parsed(value: Any) -> Any:
    """Return the object that a text contains as JSON, or the value itself."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _by_sid(items: list[Any]) -> dict[str, dict[str, Any]] | None:
    """Return the statements of a policy by their Sid, or None if they are no statements or one has no Sid of its own."""
    if not all(isinstance(one, dict) and one.get("Sid") for one in items):
        return None
    found = {one["Sid"]: one for one in items}
    return found if len(found) == len(items) else None


def _text(value: Any) -> str:
    """Return a value as text; equal values have equal texts."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return value or "''"
    return json.dumps(_canonical(value), sort_keys=True, default=str)


def _canonical(value: Any) -> Any:
    """Return a value in the form in which it is compared: lists sorted, and a list of one value as that value."""
    if isinstance(value, dict):
        return {key: _canonical(one) for key, one in value.items()}
    if isinstance(value, list):
        items = sorted((_canonical(one) for one in value), key=lambda one: json.dumps(one, default=str))
        return items[0] if len(items) == 1 else items
    return value


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """Return the filters by name."""
        return {"describe_changes": describe_changes}
