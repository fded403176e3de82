"""Replace this process by `ansible-playbook playbooks/$PLAYBOOK.yml -i inventories/$ENVIRONMENT -e $VARIABLES $ARGUMENTS`.

Input from a workflow's form or a commit message is data. It is written to a file of variables that is marked as unsafe as
a whole, so that Ansible does not read it as a template, a further variable or a number (`1.10`).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9_-]*")
#: With other arguments (--limit, --tags, --list-tasks, a second -i …) a job could succeed although nothing ran.
ARGUMENT = re.compile(r"--check|-C|--diff|-D|--verbose|-v+")


class Refused(Exception):
    """The input is not allowed. The message lists what is allowed."""


def command(environ: Mapping[str, str], root: Path) -> list[str]:
    """Return the words of the command. `root` is the platform's folder. Raises Refused."""
    playbook = _existing(root / "playbooks", environ["PLAYBOOK"], ".yml")
    inventory = _existing(root / "inventories", environ["ENVIRONMENT"], "")
    try:
        variables = json.loads(environ.get("VARIABLES") or "{}")
    except ValueError as error:
        raise Refused(f"variables is not JSON: {error}") from None
    if not isinstance(variables, dict):
        raise Refused(f"variables is {variables!r}, and must be a JSON object")
    words = ["ansible-playbook", str(playbook.relative_to(root)), "-i", str(inventory.relative_to(root))]
    arguments = shlex.split(environ.get("ARGUMENTS", ""))
    if wrong := [word for word in arguments if not ARGUMENT.fullmatch(word)]:
        raise Refused(f"arguments has {shlex.join(wrong)}; allowed are --check, --diff and -v")
    given = {name: value for name, value in variables.items() if value not in ("", None)}
    if environ.get("AWS_ACCESS_KEY_ID"):
        # The job has the keys of its role. AWS modules refuse a profile together with keys.
        given["platform_aws_profile"] = ""
    if given:
        words += ["-e", f"@{_written(given, environ.get('RUNNER_TEMP'))}"]
    return words + arguments


def _written(given: dict[str, Any], folder: str | None) -> str:
    """Write variables to a file and return its path. Characters not allowed in YAML become spaces."""
    texts = {
        name: "".join(letter if letter.isprintable() else " " for letter in value)
        if isinstance(value, str)
        else value
        for name, value in given.items()
    }
    text = json.dumps(texts, ensure_ascii=False)
    print(f"variables: {text}")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".yml", dir=folder, delete=False) as file:
        file.write(f"!unsafe {text}\n")
    return file.name


def _existing(folder: Path, name: str, ending: str) -> Path:
    path = folder / f"{name}{ending}"
    if not NAME.fullmatch(name) or not path.exists():
        known = ", ".join(
            sorted(entry.stem for entry in folder.iterdir() if not ending or entry.suffix == ending)
        )
        raise Refused(f"{folder.name} has no {name!r}. Available: {known}")
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
