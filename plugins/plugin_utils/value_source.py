# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""How a value was given: where it was read from, how it was written there, and whether that is text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
from ansible_collections.teal.platform.plugins.module_utils.release.clock import LENGTHS
from ansible_collections.teal.platform.plugins.plugin_utils.vault_sources import is_vault_file

try:  # where a value was read from; ansible-core keeps it since 2.19, and not as a public interface
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

#: Options that hold a version, a tag, a digest or a release: nothing but text is meant by them.
VERSIONS = re.compile(r"(^|_|\.)(version|tag|digest|commit|revision|release|to)$", re.IGNORECASE)


def origin_of(variables: Mapping[str, Any], name: str) -> str:
    """Return the file and line that a variable was read from, as far as ansible knows it."""
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
    """Return the key itself: ansible notes there where it was read from."""
    return next((key for key in variables if key == name), name)


def template_variables(value: Any) -> set[str]:
    """Return the variables that a template uses; nothing if it is none, or none that jinja can read."""
    if not isinstance(value, str) or "{" not in value:
        return set()
    try:
        tree = jinja2.Environment(autoescape=True).parse(value)
    except jinja2.TemplateError:
        return set()
    return {node.name for node in tree.find_all(jinja2.nodes.Name)}


def type_name(value: Any) -> str:
    """Return in words what a value is that is not text."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, date):
        return "a date"
    if isinstance(value, (int, float)):
        return "a number"
    return "a list" if isinstance(value, list) else "a mapping"


def type_problems(name: str, value: Any, option: Mapping[str, Any], length: bool = False) -> Iterator[str]:
    """Yield why a value of an option that takes text is something else, as YAML or JSON read it.

    ansible makes text of everything, and 1.10 is 1.1 by then. A whole number is taken where no version is meant;
    `length` is true where a duration is meant, for which any number will do.
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
        yield f"{name} must be a number, and {value} is a boolean"
    elif kind == "int" and re.fullmatch(r"[-+]?0[0-7_]+|.*:.*", source := source_text(value)):
        yield f"{name} is written {source}, which YAML reads as {value}: write the number in decimals"
    elif kind == "str" and value is not None and not isinstance(value, str):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = number and isinstance(value, int)
        if (length and number) or (whole and not VERSIONS.search(name)):
            return
        if length:
            yield f"{name} must be {LENGTHS}, and {value} is {type_name(value)}"
        else:
            yield f"{name} must be text, and {value} is {type_name(value)}: put it in quotes"


def source_text(value: Any, key: Any = None) -> str:
    """Return how a number, a boolean or a date was written in its file, or nothing if that is not known.

    YAML reads `0644` as 420, `1_000` as 1000 and `no` as false. ansible notes the place of numbers and dates; that
    of a boolean follows from its `key`'s.
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
