# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Source of a setting's value: its file and line, its original text, and whether it is text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
from ansible_collections.teal.platform.plugins.module_utils.release.clock import LENGTHS
from ansible_collections.teal.platform.plugins.plugin_utils.vault_sources import is_vault_file

try:  # the origin of a value; a private interface of ansible-core since 2.19
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

#: Options that hold a version, a tag, a digest or a release, and so must be text.
VERSIONS = re.compile(r"(^|_|\.)(version|tag|digest|commit|revision|release|to)$", re.IGNORECASE)


def origin_of(variables: Mapping[str, Any], name: str) -> str:
    """Return the file and line that a variable was read from; empty if unknown."""
    if Origin is None or name not in variables:
        return ""
    found = Origin.get_tag(variables[name]) or Origin.get_tag(_key(variables, name))
    if found is None:
        return ""
    if found.path is None:
        return "given with -e" if "-e" in (found.description or "") else (found.description or "")
    path = Path(found.path)
    try:
        path = path.relative_to(Path.cwd())
    except ValueError:
        pass
    return f"{path}:{found.line_num}" if found.line_num else str(path)


def _key(variables: Mapping[str, Any], name: str) -> Any:
    """Return the key object of a mapping, which carries the origin."""
    return next((key for key in variables if key == name), name)


def template_variables(value: Any) -> set[str]:
    """Return the variables that a template uses; empty without a valid template."""
    if not isinstance(value, str) or "{" not in value:
        return set()
    try:
        tree = jinja2.Environment(autoescape=True).parse(value)
    except jinja2.TemplateError:
        return set()
    return {node.name for node in tree.find_all(jinja2.nodes.Name)}


def type_name(value: Any) -> str:
    """Return the name of the type of a value that is not text."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, date):
        return "a date"
    if isinstance(value, (int, float)):
        return "a number"
    return "a list" if isinstance(value, list) else "a mapping"


def type_problems(name: str, value: Any, option: Mapping[str, Any], length: bool = False) -> Iterator[str]:
    """Yield why YAML or JSON did not read a value as the option's type.

    Ansible converts everything to text, and so 1.10 to 1.1. A whole number is accepted unless the option is a version.
    `length` is true for a duration, for which any number is accepted.
    """
    kind = option.get("type", "str")
    if kind == "list" and isinstance(value, list):
        element = {"type": option.get("elements", "raw"), "options": option.get("options")}
        for entry in value:
            yield from type_problems(name, entry, element)
    elif kind == "dict" and isinstance(value, Mapping):
        for key, inner in (option.get("options") or {}).items():
            if key in value:
                yield from type_problems(f"{name}.{key}", value[key], inner)
    elif kind in ("int", "float") and isinstance(value, bool):
        yield f"{name} must be a number, but {value} is a boolean"
    elif kind == "int" and re.fullmatch(r"[-+]?0[0-7_]+|.*:.*", source := source_text(value)):
        yield f"{name} is {source}, which YAML reads as {value}: use a decimal number"
    elif kind == "str" and value is not None and not isinstance(value, str):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = number and isinstance(value, int)
        if (length and number) or (whole and not VERSIONS.search(name)):
            return
        if length:
            yield f"{name} must be {LENGTHS}, but {value} is {type_name(value)}"
        else:
            yield f"{name} must be text, but {value} is {type_name(value)}: put it in quotes"


def source_text(value: Any, key: Any = None) -> str:
    """Return the original text of a number, a boolean or a date in its file; empty if unknown.

    YAML reads `0644` as 420, `1_000` as 1000 and `no` as false. Ansible records the position of numbers and dates. The
    position of a boolean follows from that of its `key`.
    """
    if Origin is None:
        return ""
    own = Origin.get_tag(value)
    found = own or Origin.get_tag(key)
    if (
        found is None
        or not found.path
        or not found.line_num
        or not found.col_num
        or is_vault_file(found.path)
    ):
        return ""
    try:
        line = Path(found.path).read_text(encoding="utf-8").splitlines()[found.line_num - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return ""
    rest = line[found.col_num - 1 :]
    match = re.match(r"([^\s,}\]#]+)" if own else r"[^:]+:\s+([^\s,}\]#]+)", rest)
    return match[1] if match else ""
