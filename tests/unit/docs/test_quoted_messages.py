"""Messages in the FAQ and the runbook are messages of the code. `…` replaces variable parts."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


def text_of(node: ast.AST) -> str:
    """Return a string of the code, with `…` for the parts of an f-string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(value) for value in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"


@functools.cache
def printed() -> str:
    """Return all strings of plugins, and all text of roles and playbooks."""
    strings = [
        text_of(node)
        for file in (ROOT / "plugins").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.JoinedStr | ast.Constant)
    ]
    files = [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").rglob("*.yml")]
    strings += [re.sub(r"\{\{.*?\}\}", "…", file.read_text(), flags=re.DOTALL) for file in files]
    return "\n".join(" ".join(string.split()) for string in strings)


def quotes(page: str, pattern: str) -> list[str]:
    return re.findall(pattern, (DOCS / page).read_text(), re.MULTILINE)


def faq() -> list[str]:
    headings = quotes("faq.md", r"^## (`.*)$")
    return [quote for heading in headings for quote in re.findall(r"`([^`]+)`", heading)]


def runbook() -> list[str]:
    rows = quotes("rollback-runbook.md", r"^\| (.*) \|$")
    found = [quote for row in rows for quote in re.findall(r"`([^`]+)`", row)]
    return [quote for quote in found if " " in quote and not quote.startswith(("-e ", "ansible-playbook "))]


def is_printed(quote: str) -> bool:
    parts = [part.strip(" :;,()") for part in quote.split("…")]
    return all(part in printed() for part in parts if part)


@pytest.mark.parametrize("quote", [*faq(), *runbook()])
def test_quoted_message_is_printed(quote: str) -> None:
    assert is_printed(quote)


def test_unknown_message_is_reported() -> None:
    assert len(faq()) >= 10
    assert len(runbook()) >= 5
    assert not is_printed("the moon did not answer")
