"""The commands that the documentation tells people to type, and how each of them is proved.

A command in a `console` block is run by tests/scenarios/test_documented.py, unless it stands in a section, step or
block that is marked with ☁, for it needs AWS, or is in ELSEWHERE.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AWS = "☁"
SCENARIO = "tests/scenarios/test_documented.py"
#: Pages whose commands the scenario types, in this order: the first ones on an emulator of their own, the others on one.
FIRST = ("README.md", "docs/your-service.md")
PLAYED = (
    "docs/architecture.md",
    "docs/operations.md",
    "docs/blue-green.md",
    "docs/rollback-runbook.md",
    "docs/rehearsal.md",
)
OWN_JAR = "needs a JDK: tests/unit/rehearsal/test_user_program.py runs a jar, rehearsal/demo_application.py the commands"
#: What it doesn't type, a command or all of a section's or page's: who proves it, or why nobody does.
ELSEWHERE = {
    "make test": ".ci/run",
    "make application": ".ci/run",
    "CONTRIBUTING.md": "tests/unit/docs/test_contributing.py does its task, .ci/run the rest",
    "examples/playbook/README.md": "tests/unit/docs/test_artefact.py",
    "examples/sample-service/README.md": "needs docker and kind: .github/workflows/ci.yml has kind",
    "Release your own jar": OWN_JAR,
    "Your own service": OWN_JAR,
    "A cluster of your own behind it": "needs a cluster: .github/workflows/ci.yml has kind",
}
#: Compares the commands of a Korean page with those of the English page.
TRANSLATIONS = "tests/unit/docs/test_translations.py"
#: Not installed by `make setup`: typed where they are.
PROGRAMS = ("aws", "curl", "kubectl")


@dataclass(frozen=True)
class Block:
    """A `console` block of a page."""

    page: str
    heading: str
    aws: bool
    commands: tuple[str, ...]


def blocks(page: str, text: str | None = None) -> Iterator[Block]:
    """The blocks of a page, with the section or numbered step that each stands in."""
    heading, step, kind, lines = "", "", None, []
    for line in (text or (ROOT / page).read_text("utf-8")).splitlines():
        fence = re.match(r" *```(\w*)$", line)
        if fence and kind is None:
            kind, lines = fence[1], []
        elif fence:
            if kind == "console":
                yield Block(page, heading, AWS in heading + step, tuple(_commands(lines)))
            kind = None
        elif kind is not None:
            lines.append(line)
        elif line.startswith("#"):
            heading, step = line.lstrip("# "), ""
        elif re.match(r"\*\*\d+\. ", line):
            step = line


def _commands(lines: list[str]) -> Iterator[str]:
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if command := line.strip().removeprefix("$ "):
            yield " ".join(command.split())


def proof(block: Block, command: str) -> str:
    """Who proves a command; empty if it is in no hands."""
    if block.aws:
        return f"marked with {AWS}"
    if block.page.endswith(".ko.md"):
        return TRANSLATIONS
    for what in (block.page, block.heading, command):
        if what in ELSEWHERE:
            return ELSEWHERE[what]
    return SCENARIO if block.page in (*FIRST, *PLAYED) else ""


def clone(to: Path) -> Path:
    """Copy what belongs to the repository, as it is now; return the copy."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for source in (ROOT / name for name in names):
        if source.exists() or source.is_symlink():
            target = to / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return to
