"""Functions for all benchmarks: tables, the description of the machine, and writing to docs/benchmarks.md."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
COLLECTIONS = ("amazon.aws", "community.aws", "kubernetes.core")


def table(rows: list[list[str]]) -> str:
    """Return rows as a Markdown table; the first row is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def keep(name: str, command: str, text: str) -> None:
    """Print the result, and write it to its place in the page."""
    result = f"`{command}`, {measured_on()}.\n\n{text.strip()}\n"
    print(f"\n{result}")
    put(PAGE, name, result)


def put(path: Path, name: str, result: str) -> None:
    """Write a text to a page, between the markers of its name."""
    page = path.read_text(encoding="utf-8")
    begin, end = f"<!-- measured: {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _old, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{path} has no markers for '{name}'")
    path.write_text(f"{before}{begin}{result}{closed}{after}", encoding="utf-8")


def measured_on() -> str:
    """Return a description of the machine and the relevant versions."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("ansible-core", "boto3", "moto")]
    return (
        f"{os.cpu_count()} cores ({found[1] if found else platform.machine()}), {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {', '.join([*versions, *_collections()])}"
    )


def _collections() -> list[str]:
    """Return the versions of the collections in the package ansible."""
    import ansible_collections

    found = []
    for name in COLLECTIONS:
        for root in ansible_collections.__path__:
            manifest = Path(root, *name.split("."), "MANIFEST.json")
            if manifest.exists():
                found.append(f"{name} {json.loads(manifest.read_text())['collection_info']['version']}")
                break
    return found
