"""`make plain-words`: find words of the project's old private vocabulary in texts that users and maintainers read.

Checks Markdown, the YAML of roles, playbooks, inventories and workflows, templates, the strings of Python code
(documentation, docstrings and messages) and the names of plugins, roles and playbooks. The words, their replacements and
the allowed exceptions are in plain_words.yml. Prints one line for each word, and exits with 1 if it finds any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_suffix(".yml")
#: Files whose whole text is checked, and files whose strings are checked.
TEXTS = (
    *("*.md", "*.yml", ".github/**/*.md", ".github/**/*.yml", "changelogs/fragments/*.yml", "docs/**/*.md"),
    *("examples/**/*.md", "examples/**/*.yml", "inventories/**/*.yml", "molecule/**/*.yml"),
    *("playbooks/**/*.yml", "rehearsal/**/*.md", "roles/**/*.md", "roles/**/*.yml", "roles/**/*.j2"),
    *("docs/generate/*.yml", "meta/*.yml"),
)
CODE = ("plugins/**/*.py", "rehearsal/**/*.py", "docs/generate/*.py", "tools/*.py", ".github/**/*.py")


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    word: str
    write: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: '{self.word}'. Write: {self.write}"


class Words:
    """The list of words and exceptions."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.patterns = [
            (re.compile(rf"\b(?:{each['word']})\b", 0 if each.get("exact") else re.IGNORECASE), each["write"])
            for each in content["words"]
        ]
        self.allowed = content["allowed"]
        self.used: set[int] = set()

    def find(self, path: str, text: str, first_line: int = 1) -> Iterator[Finding]:
        """Yield the words in a text of a file, except the allowed ones."""
        for pattern, write in self.patterns:
            for match in pattern.finditer(text):
                if not self._allows(path, text, match):
                    line = first_line + text.count("\n", 0, match.start())
                    yield Finding(path, line, match[0], write)

    def _allows(self, path: str, text: str, match: re.Match[str]) -> bool:
        for number, each in enumerate(self.allowed):
            if fnmatch(path, each["file"]):
                around = re.escape(each["text"])
                if any(
                    found.start() <= match.start() and match.end() <= found.end()
                    for found in re.finditer(around, text)
                ):
                    self.used.add(number)
                    return True
        return False

    def unused(self) -> list[str]:
        """Return the exceptions that allowed nothing in this run."""
        return [
            f"{LIST.name}: the exception '{each['text']}' for {each['file']} is not used. Remove it."
            for number, each in enumerate(self.allowed)
            if number not in self.used
        ]


def strings(code: str) -> Iterator[tuple[int, str]]:
    """Yield the strings of Python code with their lines."""
    for node in ast.walk(ast.parse(code)):
        # A single name, such as a key of a record, is no text.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def findings(root: Path, words: Words) -> Iterator[Finding]:
    """Yield all words in the files below a folder."""
    for path in _files(root, TEXTS):
        yield from words.find(_name(path, root), path.read_text(encoding="utf-8"))
    for path in _files(root, CODE):
        for line, text in strings(path.read_text(encoding="utf-8")):
            yield from words.find(_name(path, root), text, line)
    for path in _files(root, ("plugins/**/*.py", "roles/*/*/*.yml", "playbooks/*.yml")):
        name = _name(path, root)
        yield from words.find(name, re.sub(r"[/_.-]", " ", name), 0)


def _files(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    # Code and templates that a build has put there are not ours.
    return sorted(path for path in found if not {"target", "__pycache__"} & {*path.relative_to(root).parts})


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def main() -> int:
    words = Words(yaml.safe_load(LIST.read_text(encoding="utf-8")))
    found = [
        *map(str, sorted(findings(ROOT, words), key=lambda each: (each.path, each.line))),
        *words.unused(),
    ]
    for line in found:
        print(line)
    if found:
        print(
            f"{len(found)} findings. Change the text, or add an exception with its reason to tools/{LIST.name}."
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
