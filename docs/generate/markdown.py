"""Ansible's markup as Markdown, and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any


def plain(text: Any) -> str:
    """Return a description (a string or a list of them) in Markdown, in one line."""
    if isinstance(text, list):
        return " ".join(plain(part) for part in text)
    text = " ".join(str(text or "").split())
    text = re.sub(r"\b(?:O|V|C|E|RV|P|M)\(([^()]*(?:\([^()]*\)[^()]*)*)\)", _code, text)
    text = re.sub(r"\bF\(([^()]+)\)", r"`\1`", text)
    text = re.sub(r"\bB\(([^()]+)\)", r"**\1**", text)
    text = re.sub(r"\bI\(([^()]+)\)", r"*\1*", text)
    text = re.sub(r"\bL\(([^(),]+),\s*([^()]+)\)", r"[\1](\2)", text)
    return re.sub(r"\bU\(([^()]+)\)", r"<\1>", text)


def _code(match: re.Match[str]) -> str:
    name = match[1].replace("\\", "").replace("=", ": ") if match[0][0] == "O" else match[1].replace("\\", "")
    return f"`{name.partition('#')[0] if match[0][0] in 'PM' else name}`"


def value(content: Any) -> str:
    """Return a setting's value as a table shows it."""
    if content == "" or content == [] or content == {}:
        return "–"
    if isinstance(content, bool):
        return str(content).lower()
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    text = " ".join(text.split())
    if len(text) > 110:
        text = text[:107].rstrip() + "…"
    return f"`{text}`"


def cell(text: Any) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(each) for each in row) + " |" for row in rows]
    return "\n".join(lines)


def page(title: str, *parts: str) -> str:
    """Return a whole generated page."""
    note = "<!-- Written by `make docs`. Do not edit. -->"
    return "\n\n".join([f"# {title}", note, *(part.strip("\n") for part in parts if part)]) + "\n"
