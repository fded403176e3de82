"""The modules of rehearsal/ import each other in one direction."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import rehearsal

PACKAGE = Path(rehearsal.__file__).parent


def modules(package: Path) -> dict[str, Path]:
    """Return the modules of a package and its subpackages by their full names."""
    found = {}
    for path in package.rglob("*.py"):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules that a file imports anywhere: in functions and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else str(node.module) for name in names]
        else:
            continue
        yield from (name for name in names if name in known)


def cycle(package: Path) -> list[str]:
    """Return the modules of one import cycle, in order; an empty list if there is none."""
    known = modules(package)
    graph = {name: set(imported(path, known)) - {name} for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as e:
        return e.args[1]
    return []


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    assert not cycle(PACKAGE)


@pytest.mark.parametrize(
    "text",
    [
        "import pack.b",
        "from pack import b",
        "from pack.b import x",
        "def f():\n    from pack import b",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack.b import x",
    ],
)
def test_circle_is_found_wherever_the_import_is(tmp_path: Path, text: str) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text(text)
    (package / "b.py").write_text("")
    assert not cycle(package)
    (package / "b.py").write_text("import pack.a")
    assert set(cycle(package)) == {"pack.a", "pack.b"}
