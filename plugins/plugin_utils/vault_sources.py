# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Finds values that come from a vault, by Ansible's data tags and by the variables that templates use.

A template that is a single variable keeps the tags of its value. One with additional text, such as `jdbc:{{ password }}`,
does not, so the variables of templates are followed, too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes

try:  # private interfaces of ansible-core since 2.19
    from ansible._internal._datatag._tags import Origin, VaultedValue
    from ansible.parsing.vault import EncryptedString
except ImportError:
    Origin = VaultedValue = None
    EncryptedString = ()

_HEADER = b"$ANSIBLE_VAULT;"
_LOOKUPS = {"lookup", "query", "q"}
#: Lookups and filters whose name contains one of these return secrets.
_SECRET = ("vault", "secret")


def is_vaulted_value(value: Any) -> bool:
    """Return whether a value itself is encrypted (`!vault`), or was decrypted."""
    return VaultedValue is not None and (
        isinstance(value, EncryptedString) or VaultedValue.is_tagged_on(value)
    )


def in_vaulted_file(value: Any) -> bool:
    """Return whether a value was read from an encrypted file."""
    origin = Origin.get_tag(value) if Origin is not None else None
    return bool(origin and origin.path) and is_vault_file(str(origin.path))


@functools.lru_cache(maxsize=256)
def is_vault_file(path: str) -> bool:
    """Return whether a file is encrypted by ansible-vault."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except OSError:
        return False


def contains_vaulted_value(value: Any) -> bool:
    """Return whether a value, or one within it, comes from a vault."""
    if isinstance(value, Mapping):
        return any(
            contains_vaulted_value(key) or contains_vaulted_value(entry) for key, entry in value.items()
        )
    if isinstance(value, list | tuple):
        return any(contains_vaulted_value(entry) for entry in value)
    return is_vaulted_value(value) or in_vaulted_file(value)


def vault_sources(
    value: Any, variables: Mapping[str, Any], seen: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield a description of each vault that a value, or a variable of its template, comes from."""
    if isinstance(value, Mapping):
        for entry in value.values():
            yield from vault_sources(entry, variables, seen)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from vault_sources(entry, variables, seen)
    elif is_vaulted_value(value):
        yield "a vaulted value"
    elif in_vaulted_file(value):
        yield "a vaulted file"
    elif isinstance(value, str) and "{" in value:
        yield from _of_template(str(value), variables, seen)


def _of_template(template: str, variables: Mapping[str, Any], seen: frozenset[str]) -> Iterator[str]:
    try:
        tree = jinja2.Environment(autoescape=True).parse(template)
    except jinja2.TemplateError:
        return
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in _LOOKUPS:
            yield from _of_lookup([a.value for a in call.args if isinstance(a, nodes.Const)], variables, seen)
    for used in tree.find_all(nodes.Filter):
        if any(word in used.name for word in _SECRET):
            yield f"the filter {used.name}"
    for path in _paths(tree):
        name, *rest = path
        if name in ("hostvars", "vars"):
            # The variable of another host, or a computed name: use the variable of this host with that name.
            name, *rest = next(([n, *rest[i + 1 :]] for i, n in enumerate(rest) if n in variables), [name])
        yield from _of_variable(name, rest, variables, seen)


def _of_lookup(arguments: list[Any], variables: Mapping[str, Any], seen: frozenset[str]) -> Iterator[str]:
    if not arguments:
        return
    plugin, *terms = map(str, arguments)
    if any(word in plugin for word in _SECRET):
        yield f"the lookup {plugin}"
    elif plugin.rsplit(".", 1)[-1] == "vars":
        for term in terms:
            yield from _of_variable(term, [], variables, seen)
    elif any(is_vault_file(str(Path(term).expanduser())) for term in terms):
        yield "a vaulted file"


def _of_variable(
    name: str, path: list[str], variables: Mapping[str, Any], seen: frozenset[str]
) -> Iterator[str]:
    if name in seen or name not in variables or name in ("hostvars", "vars", "groups"):
        return
    value = variables[name]
    for step in path:
        if not isinstance(value, Mapping) or step not in value:
            break
        value = value[step]
    yield from (f"{found} ({name})" for found in vault_sources(value, variables, seen | {name}))


def _paths(tree: nodes.Template) -> list[list[str]]:
    """Return the variables of a template with their attributes: `a.b['c']` as [a, b, c]."""
    paths: list[list[str]] = []

    def walk(node: nodes.Node, after: list[str]) -> None:
        if isinstance(node, nodes.Name):
            paths.append([node.name, *after])
        elif isinstance(node, nodes.Getattr):
            walk(node.node, [node.attr, *after])
        elif isinstance(node, nodes.Getitem):
            constant = isinstance(node.arg, nodes.Const)
            walk(node.node, [str(node.arg.value) if constant else "", *after])
            if not constant:
                walk(node.arg, [])
        else:
            for child in node.iter_child_nodes():
                walk(child, [])

    walk(tree, [])
    return paths
