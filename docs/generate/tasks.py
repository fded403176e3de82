"""The tasks that a build runs, read from the roles: by includes and by conditions on settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from jinja2 import ChainableUndefined, Environment, TemplateError, meta

from docs.generate import data

UPSTREAM = ("amazon.", "community.", "kubernetes.")
OWN = "teal.platform."
INCLUDES = tuple(f"ansible.builtin.{verb}_tasks" for verb in ("include", "import"))
ROLES = tuple(f"ansible.builtin.{verb}_role" for verb in ("include", "import"))
BLOCKS = ("block", "always")
JINJA = Environment(undefined=ChainableUndefined, autoescape=False)


def known(environment: data.Environment) -> dict[str, Any]:
    """Return the settings with a known value: those without a template."""
    values = {name: value for name, value in environment.values.items() if "{{" not in str(value)}
    return dict(values, platform_state="present", ansible_check_mode=False)


def may_run(condition: Any, values: dict[str, Any]) -> bool:
    """Return False if a condition names only settings and is false."""
    for each in condition if isinstance(condition, list) else [condition]:
        text = str(each)
        try:
            names = [name for name in _names(text) if name not in values]
            if not names and not JINJA.compile_expression(text)(**values):
                return False
        except (TemplateError, TypeError, ValueError):
            continue
    return True


def _names(expression: str) -> set[str]:
    return meta.find_undeclared_variables(JINJA.parse("{{ " + expression + " }}"))


def files(role: str, name: str, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a role's file, and of the files that it includes."""
    path = data.ROOT / "roles" / role / "tasks" / f"{name.removesuffix('.yml')}.yml"
    yield from walk(data.read_yaml(path) or [], role, values)


def walk(tasks: list[dict[str, Any]], role: str, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        if not may_run(task.get("when", True), values):
            continue
        literal = {key: value for key, value in (task.get("vars") or {}).items() if "{{" not in str(value)}
        given = {**values, **literal}
        for block in BLOCKS:
            yield from walk(task.get(block, []), role, given)
        included = next((task[key] for key in INCLUDES if key in task), None)
        if included:
            # `{{ network_state }}.yml`
            name = included["file"] if isinstance(included, dict) else included
            yield from files(role, "present" if "_state }}" in name else name, given)
        called = next((task[key] for key in ROLES if key in task), None)
        if called:
            other = called["name"].removeprefix(OWN)
            yield from files(other, called.get("tasks_from", "main"), given)
        yield task


def module(task: dict[str, Any]) -> str:
    """Return the module that a task calls, if it is one of a collection other than ansible.builtin."""
    return next((key for key in task if key.startswith((OWN, *UPSTREAM))), "")


def count(environment: data.Environment, groups: dict[str, str]) -> Counter[str]:
    """Return how many tasks of a build call a module of each group; upstream's modules are the group `upstream`."""
    values = known(environment)
    names = [
        module(task) for component in environment.components for task in files(component, "main", values)
    ]
    return Counter(
        "upstream" if name.startswith(UPSTREAM) else groups.get(name.removeprefix(OWN), "resource")
        for name in names
        if name
    )
