"""docs/release-through-the-code.md names files and functions that exist, up to the call of ModifyRule."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "release-through-the-code.md").read_text(encoding="utf-8")


def mentioned() -> list[tuple[str, str]]:
    """Return the files of the page, each with the functions in the same table row or paragraph."""
    found, file = [], ""
    for line in PAGE.splitlines():
        links = re.findall(r"\]\(\.\./([^)]+)\)", line)
        file = links[0] if links else file
        if links or "the same file" in line:
            found += [(file, name) for name in ["", *re.findall(r"`([A-Z]?[\w.]+?)(?:\(\))`", line)]]
    return found


def defined(file: Path) -> set[str]:
    """Return the functions, classes and methods of a Python file."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return names


@pytest.mark.parametrize(("file", "function"), mentioned())
def test_each_file_and_function_exists(file: str, function: str) -> None:
    assert (ROOT / file).is_file()
    assert not function or function in defined(ROOT / file)


def test_the_page_ends_at_the_call_of_modify_rule() -> None:
    assert len(mentioned()) > 50
    assert ("plugins/module_utils/release/traffic.py", "Traffic._set") in mentioned()
    code = (ROOT / "plugins/module_utils/release/traffic.py").read_text(encoding="utf-8")
    body = next(
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef) and node.name == "_set"
    )
    assert "modify_rule" in ast.dump(body)
