"""Becomes `ansible-playbook playbooks/$PLAYBOOK.yml -i inventories/$ENVIRONMENT -e $VARIABLES $ARGUMENTS`.

What people type into a workflow's form or a commit message is data: each text is marked as unsafe, so that
Ansible never takes it for a template, and one value can't become two variables.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Refused(Exception):
    """What was asked for can't be run; the message says what is allowed."""


def command(environ: Mapping[str, str], root: Path) -> list[str]:
    """Return the command's words. `root` is the platform's folder. Raises Refused."""
    playbook = _existing(root / "playbooks", environ["PLAYBOOK"], ".yml")
    inventory = _existing(root / "inventories", environ["ENVIRONMENT"], "")
    try:
        variables = json.loads(environ.get("VARIABLES") or "{}")
    except ValueError as error:
        raise Refused(f"variables is not JSON: {error}") from None
    if not isinstance(variables, dict):
        raise Refused(f"variables is {variables!r}, and must be a JSON object")
    words = ["ansible-playbook", str(playbook.relative_to(root)), "-i", str(inventory.relative_to(root))]
    if given := {name: value for name, value in variables.items() if value not in ("", None)}:
        words += ["-e", "{" + ", ".join(f"{json.dumps(name)}: {marked(given[name])}" for name in given) + "}"]
    return words + shlex.split(environ.get("ARGUMENTS", ""))


def marked(value: Any) -> str:
    """Return a value as YAML on one line, a text marked as unsafe."""
    if not isinstance(value, str):
        return json.dumps(value)
    printable = "".join(letter if letter.isprintable() else " " for letter in value)
    return "!unsafe " + json.dumps(printable, ensure_ascii=False)


def _existing(folder: Path, name: str, ending: str) -> Path:
    path = folder / f"{name}{ending}"
    if not NAME.fullmatch(name) or not path.exists():
        known = ", ".join(
            sorted(entry.stem for entry in folder.iterdir() if not ending or entry.suffix == ending)
        )
        raise Refused(f"{folder.name} has no {name!r}; there are: {known}")
    return path


def main() -> None:
    root = Path.cwd()
    try:
        words = command(os.environ, root)
    except Refused as error:
        sys.exit(f"play: {error}")
    environ = dict(os.environ)
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        environ["PLATFORM_SUMMARY_MARKDOWN"] = summary
    print(f"$ {shlex.join(words)}", flush=True)
    os.execvpe(words[0], words, environ)


if __name__ == "__main__":
    main()
