"""The pages of the documentation, and what they contain: links, anchors, code blocks and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
#: How the commands begin that a page has its reader type.
COMMANDS = ("make ", "python ", "ansible-", "PLATFORM_", "pytest ", "eval ")
_FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_blocks(path: Path) -> list[tuple[str, str]]:
    """Return the code blocks of a page: language and content."""
    return _FENCED.findall(path.read_text())


def prose(path: Path, block: str = "") -> str:
    """Return a page with `block` in place of each code block."""
    return _FENCED.sub(block, path.read_text())


def anchors(path: Path) -> list[str]:
    """Return the anchors of a page in order, as GitHub makes them from its headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return [heading.strip().replace(" ", "-") for heading in plain]


def links(path: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(path)))


def commands(path: Path) -> Iterator[list[str]]:
    """Yield the commands of a page as lists of words, without the variables that they are run with."""
    for kind, text in code_blocks(path):
        if kind not in ("console", "shell", "bash", "sh"):
            continue
        for line in text.replace("\\\n", " ").splitlines():
            line = line.strip().removeprefix("$ ")
            if line.startswith(COMMANDS):
                yield _words(line)
    for text in re.findall(r"`([^`\n]+)`", prose(path)):
        if text.startswith(COMMANDS) and (words := _words(text)):
            yield words


def _words(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    return list(dropwhile(re.compile(r"[A-Z_]+=").match, words))
