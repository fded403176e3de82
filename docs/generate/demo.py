"""The transcript of a real run of `make demo`, shortened. `make demo | tee docs/demo.txt` makes the file."""

from __future__ import annotations

import re

from docs.generate.data import ROOT

FILE = ROOT / "docs" / "demo.txt"
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: What Ansible prints of each task and host is left out; the summary has it in short.
NOISE = re.compile(
    r"(PLAY |TASK |ok: |changed: |RUNNING HANDLER|\[WARNING\]|\[DEPRECATION|make: |installing into |\S+ +: ok=\d+)"
)
WIDTH = 132


def transcript() -> str:
    """Return what is to be seen of the run, or how to make it if there was none yet."""
    if not FILE.exists():
        return "*(Put here by `make docs` from a real run: `make demo | tee docs/demo.txt`.)*"
    text = COLOURS.sub("", FILE.read_text(encoding="utf-8")).replace("\r", "").replace(str(ROOT), ".")
    kept: list[str] = []
    for line in map(str.rstrip, text.splitlines()):
        if NOISE.match(line) or (not line and (not kept or not kept[-1])):
            continue
        kept.append(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")
    return "\n".join(["```text", *kept, "```"])
