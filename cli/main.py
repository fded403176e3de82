"""Build the command of ansible-playbook, print it, and become it."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from cli import commands, options
from cli.inventories import ROOT, names
from cli.options import Refused
from cli.watch import watch

VENV = ".venv/bin"


def main(arguments: Sequence[str]) -> int:
    """Run a command line; return the exit code, unless ansible-playbook takes over this process."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    own, passed = words[:end], words[end + 1 :]
    given = commands.parser().parse_args(own)
    try:
        options.check(passed, given.command, given.environment, names(given.environment))
        start = program(os.environ)
        if getattr(given, "watch", None) is None:
            become(*prepared(start, given, passed, commands.variables(given)))
        with tempfile.TemporaryDirectory(prefix="teal-") as folder:
            file = Path(folder) / "status.json"
            run = prepared(start, given, passed, {"release_output_file": str(file)})
            return watch(*run, file, given.environment, given.watch)
    except Refused as refusal:
        print(f"teal {given.command}: {refusal}.\nNothing was run.", file=sys.stderr)
        return 2


def program(environ: Mapping[str, str], root: Path = ROOT) -> str:
    """Return ansible-playbook: the one on PATH, or else the one in .venv. Raises Refused."""
    if found := shutil.which("ansible-playbook", path=environ.get("PATH", "")):
        return str(Path(found).absolute())
    if os.access(root / VENV / "ansible-playbook", os.X_OK):
        return f"{VENV}/ansible-playbook"
    raise Refused(
        f"ansible-playbook is neither on PATH nor in {root / VENV}. Run `make setup` in {root}, "
        "or install requirements.txt"
    )


def prepared(
    start: str, given: argparse.Namespace, passed: Sequence[str], variables: Mapping[str, Any]
) -> tuple[list[str], dict[str, str]]:
    """Go to the repository, print the command, and return it with its environment."""
    environ = dict(os.environ)
    if start.startswith(VENV):
        environ["PATH"] = f"{ROOT / VENV}{os.pathsep}{environ.get('PATH', os.defpath)}"
    playbook = [f"playbooks/{given.playbook}.yml", "-i", f"inventories/{given.environment}"]
    ours = ["-e", commands.as_json(variables)] if variables else []
    typed = start if start.startswith(VENV) else "ansible-playbook"
    there = "" if Path.cwd() == ROOT else f"cd {shlex.quote(str(ROOT))} && "
    text = shlex.join([typed, *playbook, *options.shown(passed), *ours])
    print(f"$ {there}{text}", file=sys.stderr, flush=True)
    # ansible.cfg is there; and paths that a playbook takes from PWD are relative to the same folder as all others.
    os.chdir(ROOT)
    environ["PWD"] = str(ROOT)
    return [start, *playbook, *passed, *ours], environ


def become(words: list[str], environ: dict[str, str]) -> NoReturn:
    """Replace this process, so that signals and the exit code are those of ansible-playbook. Raises Refused."""
    try:
        os.execve(words[0], words, environ)
    except OSError as error:
        raise Refused(f"{words[0]} does not start: {error.strerror}. Run `make setup`") from None
