"""Build STAGING and PRODUCTION with AWS's creation times, and compare with the longest dependency chain.

    make bench-chain
    python tests/benchmarks/chain.py --scale 1:30 staging

The emulator gives EKS, node groups, NAT gateways, RDS and load balancers their creation times on AWS, scaled down. The
longest chain is computed from the same times. All components are built; no release is deployed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import report  # noqa: E402

from rehearsal import __main__ as cli  # noqa: E402
from rehearsal import config as settings  # noqa: E402

#: The resources that AWS creates only after others.
AFTER = {"nodegroup": ("cluster", "nat_gateway")}


def chain(times: dict[str, float], last: str) -> list[str]:
    """Return the longest chain that ends with a resource."""
    before = [chain(times, one) for one in AFTER.get(last, ())]
    return [*max(before, key=lambda names: total(times, names), default=[]), last]


def longest(times: dict[str, float]) -> list[str]:
    return max((chain(times, name) for name in times), key=lambda names: total(times, names))


def total(times: dict[str, float], names: list[str]) -> float:
    return sum(times[name] for name in names)


def build(environment: str, scale: str) -> float:
    """Build an environment on a new emulator; return the seconds of the whole process."""
    rehearsal = [sys.executable, "-m", "rehearsal"]
    subprocess.run([*rehearsal, "up", "--creation-times", scale], cwd=ROOT, check=True)
    try:
        variables = cli.variables_of(settings.load(settings.home() / "config.json"))
        began = time.monotonic()
        subprocess.run(
            ["ansible-playbook", "playbooks/provision.yml", "-i", f"inventories/{environment}"],
            cwd=ROOT,
            env={**os.environ, **variables},
            check=True,
        )
        return time.monotonic() - began
    finally:
        subprocess.run([*rehearsal, "down"], cwd=ROOT, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("environments", nargs="*", default=["staging", "production"])
    parser.add_argument("--scale", default="1:5", help="scale of the creation times (default 1:5)")
    options = parser.parse_args()
    times = settings.creation_times(options.scale)
    path = longest(times)
    rows = [["", "wall time", "sum of creation times", "longest chain", "wall time ÷ longest chain"]]
    for environment in options.environments:
        wall = build(environment, options.scale)
        figures = [wall, sum(times.values()), total(times, path)]
        rows.append([environment, *(f"{one:.1f} s" for one in figures), f"{wall / total(times, path):.2f}"])
    taken = ", ".join(f"{name.replace('_', ' ')} {seconds:g} s" for name, seconds in times.items())
    text = (
        f"{report.table(rows)}\n\nCreation times at {options.scale}: {taken}. "
        f"The longest chain: {' → '.join(name.replace('_', ' ') for name in path)}."
    )
    report.keep("chain", "make bench-chain", text)


if __name__ == "__main__":
    main()
