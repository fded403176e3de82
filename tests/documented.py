"""The commands in the documentation, and the test that runs each of them.

tests/scenarios/test_documented.py runs the commands of `console` blocks. Exceptions: sections and steps that are marked
with ☁ need AWS, and ELSEWHERE lists the commands that another test runs, or no test.
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
#: Pages whose commands the scenario runs, in this order: FIRST on one emulator, PLAYED on another.
FIRST = ("README.md", "docs/your-service.md")
PLAYED = (
    "docs/architecture.md",
    "docs/operations.md",
    "docs/blue-green.md",
    "docs/rollback-runbook.md",
    "docs/rehearsal.md",
)
OWN_JAR = "needs a JDK: tests/unit/rehearsal/test_user_program.py runs a jar, rehearsal/demo_application.py the commands"
#: What the scenario does not run (a page, a section or a command), and the test or the reason.
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
#: Not installed by `make setup`. The scenario runs their commands only if they are installed.
PROGRAMS = ("aws", "curl", "kubectl")


@dataclass(frozen=True)
class Block:
    """A `console` block of a page."""

    page: str
    heading: str
    aws: bool
    commands: tuple[str, ...]


def blocks(page: str, text: str | None = None) -> Iterator[Block]:
    """Yield the blocks of a page, with the section or numbered step that contains each block."""
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
    """Return the test that runs a command, or the reason why no test does; empty if there is neither."""
    if block.aws:
        return f"marked with {AWS}"
    if block.page.endswith(".ko.md"):
        return TRANSLATIONS
    for what in (block.page, block.heading, command):
        if what in ELSEWHERE:
            return ELSEWHERE[what]
    return SCENARIO if block.page in (*FIRST, *PLAYED) else ""


def clone(to: Path) -> Path:
    """Copy the files of the repository in their current state; return the copy."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for source in (ROOT / name for name in names):
        if source.exists() or source.is_symlink():
            target = to / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return to
