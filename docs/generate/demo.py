"""The transcript of a real run of `make demo`, shortened. `make demo | tee docs/demo.txt` makes the file."""

from __future__ import annotations

import re
from itertools import takewhile

from docs.generate.data import ROOT

FILE = ROOT / "docs" / "demo.txt"
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: Lines of single tasks and hosts are left out; the summary covers them.
NOISE = re.compile(
    r"(PLAY |TASK |ok: |changed: |RUNNING HANDLER|\[WARNING\]|\[DEPRECATION|make: |installing into |\S+ +: ok=\d+)"
)
WIDTH = 132
HEADING = "━━ "


def transcript() -> str:
    """Return the shortened output of the run, or the command that records one."""
    return _fenced(_lines())


def printed(playbook: str) -> str:
    """Return the output of one playbook of the run, without the summary."""
    return _fenced(_output(playbook))


def excerpt() -> list[str]:
    """Return the lines for the picture: the deploy, the rollback and the chart of the requests, with their headings.

    Raises ValueError if one of them is missing in the transcript.
    """
    lines = _lines()
    deploy = _output("deploy")
    headings = [index for index, line in enumerate(lines) if line.startswith(HEADING)]
    try:
        first = max(index for index in headings if index < lines.index(deploy[0]))
    except ValueError:
        raise ValueError(f"{FILE} is not the transcript of a whole run of `make demo`") from None
    chart = takewhile(str.strip, lines[headings[-1] :])
    return [lines[first], *deploy, *_output("rollback"), *chart]


def _output(playbook: str) -> list[str]:
    lines = iter(_lines())
    command = next(
        (line for line in lines if line.startswith(f"$ ansible-playbook playbooks/{playbook}.yml")), ""
    )
    return [command, *takewhile(lambda line: not line.startswith(("$ ", "GET ", "SUMMARY")), lines)]


def _fenced(lines: list[str]) -> str:
    if not FILE.exists():
        return "*(`make docs` takes this from a real run: `make demo | tee docs/demo.txt`.)*"
    return "\n".join(["```text", *lines, "```"]).replace("\n\n```", "\n```")


def _lines() -> list[str]:
    kept: list[str] = []
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    for line in COLOURS.sub("", text).replace("\r", "").replace(str(ROOT), ".").splitlines():
        line = line.rstrip()
        if NOISE.match(line) or (not line and (not kept or not kept[-1])):
            continue
        kept.append(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")
    return kept
