"""Build STAGING by a plain boto3 script, and by site.yml with the connections warm and local; compare the times.

    make bench
    python tests/benchmarks/bench.py --rounds 5

Each of the three starts with an empty emulator and runs twice. The benchmark fails unless all three create the same
objects. They build all of STAGING except the first release, whose duration depends on its pods only. Whole processes
are timed, from start to exit.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import cloud_snapshot  # noqa: E402
import report  # noqa: E402

from rehearsal import __main__ as cli  # noqa: E402
from rehearsal import config as settings  # noqa: E402

STAGING = ["ansible-playbook", "site.yml", "-i", "inventories/staging", "--limit", "!release"]
BOTO3, WARM, LOCAL = "boto3 script", "site.yml, warm", "site.yml, local"
RUNS = ("first run", "second run")


class Bench:
    """The running emulator, and the commands that are timed on it."""

    def __init__(self) -> None:
        self.home = settings.home()
        self.documents = self.home / "documents.json"
        self.environment = {**os.environ, **cli.variables_of(settings.load(self.home / "config.json"))}
        self.commands = {
            BOTO3: [sys.executable, "tests/benchmarks/boto3_staging.py", str(self.documents)],
            WARM: STAGING,
            LOCAL: [*STAGING, "-e", "ansible_connection=ansible.builtin.local"],
        }
        self.seconds: dict[tuple[str, str], list[float]] = {}

    def empty(self) -> None:
        """Reset the emulator."""
        self._run([sys.executable, "-m", "rehearsal", "reset"])

    def _run(self, command: list[str]) -> tuple[float, str]:
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - began
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-5000:]}")
        return seconds, done.stdout

    def timed(self, way: str, which: str, keep: bool) -> None:
        """Run and time a command. Fail if a second run changes anything."""
        seconds, output = self._run(self.commands[way])
        if which == RUNS[1] and (changed := re.findall(r"^(\S+) .*changed=[1-9]", output, re.MULTILINE)):
            sys.exit(f"{way}: the second run changed {', '.join(changed)}")
        print(f"{way:16} {which:11} {seconds:6.1f} s{'' if keep else '  (warm-up)'}", flush=True)
        if keep:
            self.seconds.setdefault((way, which), []).append(seconds)

    def round(self, ways: list[str], keep: bool) -> dict[str, Any]:
        """Time both runs of each way; return the objects that each created."""
        made = {}
        for way in ways:
            self.empty()
            for which in RUNS:
                self.timed(way, which, keep)
            found = cloud_snapshot.listing(self.home)
            made[way] = cloud_snapshot.comparable(found)
            if not self.documents.exists():
                self.documents.write_text(json.dumps(cloud_snapshot.documents(found), default=str))
        return made

    def rollbacks(self, count: int) -> list[float]:
        """Return the seconds of warm rollbacks as whole processes, alternating between two versions."""
        self._run(STAGING[:4])
        for_bench = json.dumps({"release_bake": "1s", "release_window": "1h", "image_tag": "1.1.0"})
        self._run(["ansible-playbook", "playbooks/deploy.yml", *STAGING[2:4], "-e", for_bench])
        seconds = []
        for number in range(count + 1):
            to = json.dumps({"to": ("1.0.0", "1.1.0")[number % 2], "force": "rolled_back"})
            took, output = self._run(["ansible-playbook", "playbooks/rollback.yml", *STAGING[2:4], "-e", to])
            if not re.search(r"changed=[1-9]", output):
                sys.exit(f"the rollback changed nothing:\n{output[-3000:]}")
            print(f"warm rollback {took:18.1f} s{'' if number else '  (warm-up)'}", flush=True)
            seconds.append(took)
        return seconds[1:]


def same(made: dict[str, Any]) -> None:
    """Exit unless all ways created the same objects."""
    texts = {way: json.dumps(found, indent=1, sort_keys=True).splitlines() for way, found in made.items()}
    first, *others = texts
    for other in others:
        if differs := list(difflib.unified_diff(texts[first], texts[other], first, other, lineterm="")):
            sys.exit("The created objects differ:\n" + "\n".join(differs[:80]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="after a warm-up (default 3); 0 only compares the created objects",
    )
    options = parser.parse_args()
    bench = Bench()
    ways = [WARM, BOTO3, LOCAL]
    same(bench.round(ways[:2], keep=False))
    if not options.rounds:
        return
    for _ in range(options.rounds):
        same(bench.round(ways, keep=True))
    rollbacks = bench.rollbacks(5)

    medians = {key: statistics.median(values) for key, values in bench.seconds.items()}
    rows = [["", *RUNS, "÷ boto3, first run", "÷ boto3, second run"]]
    for way in (BOTO3, WARM, LOCAL):
        figures = [medians[way, which] for which in RUNS]
        ratios = [figure / medians[BOTO3, which] for figure, which in zip(figures, RUNS, strict=True)]
        rows.append([way, *(f"{one:.1f} s" for one in figures), *(f"{one:.1f}" for one in ratios)])
    spread = "; ".join(
        f"{way}, {which}: {min(values):.1f}–{max(values):.1f} s"
        for (way, which), values in bench.seconds.items()
    )
    text = (
        f"{report.table(rows)}\n\nMedians of {options.rounds} rounds after a warm-up ({spread}).\n\n"
        f"A warm rollback, the whole process: {statistics.median(rollbacks):.1f} s, the median of {len(rollbacks)} "
        f"({min(rollbacks):.1f}–{max(rollbacks):.1f} s)."
    )
    report.keep("bench", "make bench", text)


if __name__ == "__main__":
    main()
