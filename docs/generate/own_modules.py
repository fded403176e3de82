"""docs/own-modules.md: the reason for each own module, and figures: tasks of a build, lines of code."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.generate import data, tasks
from docs.generate.markdown import page, table

SOURCE = Path(__file__).with_name("own_modules.yml")
TITLES = {
    "resource": "Modules that manage resources",
    "information": "Modules that read state",
    "release": "Modules of the release engine",
    "other": "Other modules",
}
DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
PACKAGE = "ansible_collections.teal.platform."


def entries() -> dict[str, dict[str, dict[str, str]]]:
    """Return the entries by group and module."""
    return data.read_yaml(SOURCE)["groups"]


def existing() -> set[str]:
    return {file.stem for file in (data.ROOT / "plugins" / "modules").glob("*.py")} - {"__init__"}


def problems() -> list[str]:
    """Return the differences between the entries and the modules."""
    names = [name for group in entries().values() for name in group]
    where = SOURCE.relative_to(data.ROOT)
    return [
        *(f"{where}: no entry for the module {name}" for name in sorted(existing() - {*names})),
        *(f"{where}: no module {name} exists" for name in names if name not in existing()),
        *(f"{where}: {name} is listed twice" for name, count in Counter(names).items() if count > 1),
    ]


# -- lines of code ---------------------------------------------------------------------------------


def imported(file: Path) -> Iterator[Path]:
    """Yield the files of plugins/module_utils that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            place = data.ROOT / node.module.removeprefix(PACKAGE).replace(".", "/")
            places = [place, *(place / alias.name for alias in node.names)]
            yield from (found for each in places if (found := each.with_suffix(".py")).is_file())


def resource_files() -> list[Path]:
    """Return the modules that manage resources, and the helpers that they import."""
    folder = data.ROOT / "plugins" / "modules"
    others = {name for group, names in entries().items() if group != "resource" for name in names}
    todo = [folder / f"{name}.py" for name in sorted(existing() - others)]
    found: dict[Path, None] = {}
    while todo:
        file = todo.pop()
        if file not in found:
            found[file] = None
            todo += imported(file)
    return list(found)


def documentation_lines(text: str) -> int:
    """Return how many lines of a module are its documentation strings."""
    return sum(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in DOCUMENTATION
    )


def lines() -> dict[str, int]:
    """Return the figures of the modules that manage resources and of their helpers."""
    files = resource_files()
    texts = [file.read_text(encoding="utf-8") for file in files]
    documentation = sum(map(documentation_lines, texts))
    return {
        "modules": sum(file.parent.name == "modules" for file in files),
        "helpers": sum(file.parent.name != "modules" for file in files),
        "code": sum(len(text.splitlines()) for text in texts) - documentation,
        "documentation": documentation,
    }


# -- the page --------------------------------------------------------------------------------------


def figures() -> str:
    """Return the figures, which `make count-modules` prints, too."""
    groups = {name: group for group, names in entries().items() for name in names}
    rows = []
    for environment in data.environments():
        counted = tasks.count(environment, groups)
        own = [counted["resource"], counted["information"] + counted["other"], counted["release"]]
        rows.append([environment.name.upper(), counted["upstream"], *own])
    now = lines()
    return "\n\n".join(
        [
            table(
                [
                    "Environment",
                    "Upstream",
                    "Own: manage resources",
                    "Own: read, check",
                    "Own: release engine",
                ],
                rows,
            ),
            f"{now['modules']} own modules manage resources. With their {now['helpers']} helpers in "
            f"`plugins/module_utils` they have {now['code']:,} lines of code, and {now['documentation']:,} lines of "
            "documentation strings.",
        ]
    )


def rows(group: dict[str, dict[str, str]]) -> Iterator[list[str]]:
    for name, entry in group.items():
        upstream = ", ".join(
            each if " " in each else f"`{each}`" for each in entry["upstream"].split(", ") if each
        )
        link = f"[{name}](reference/modules/{name}.md)" if name in existing() else f"`{name}`"
        yield [link, entry["manages"], upstream or "None", entry["lacks"], entry["removable"]]


def whole_page() -> str:
    tried: dict[str, Any] = data.read_yaml(SOURCE)["tried"]
    versions = ", ".join(f"{name} {version}" for name, version in tried.items())
    head = [
        "Module",
        "What it manages",
        "Upstream",
        "What upstream lacks",
        "Could a change upstream remove it?",
    ]
    parts = [
        "A module of Teal exists only if no upstream module does the job. This page has the reason for each module. "
        f"Upstream was tried, and its source was read, in these versions: {versions}.",
        "## Figures",
        "Tasks of a build (`site.yml`) by the origin of their module. A task with a loop counts once. Tasks of "
        "`ansible.builtin`, and tasks whose condition is false with the settings of the environment, do not count. "
        "`make count-modules` prints these figures.",
        figures(),
    ]
    for name, title in TITLES.items():
        parts += [f"## {title}", table(head, rows(entries()[name]))]
    parts += [
        "## Names",
        "A module that only reads and returns state ends in `_info`. `preflight`, `run_options`, `slot_check` and "
        "`sonar_quality_gate` also read, but return no state: they pass or fail.",
    ]
    return page("Own modules", *parts)
