"""What the benchmarks share: tables, what was measured on, and the page that keeps the figures."""

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
    """Rows as a table in Markdown, the first one its heads; figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def keep(name: str, command: str, text: str) -> None:
    """Print what was measured, and put it into the page where it has its place."""
    told = f"`{command}`, {measured_on()}.\n\n{text.strip()}\n"
    print(f"\n{told}")
    put(PAGE, name, told)


def put(path: Path, name: str, told: str) -> None:
    """Put a text into a page, between the marks of its name."""
    page = path.read_text(encoding="utf-8")
    begin, end = f"<!-- measured: {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _old, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{path} has no place for '{name}'")
    path.write_text(f"{before}{begin}{told}{closed}{after}", encoding="utf-8")


def measured_on() -> str:
    """The machine, and the versions that matter."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("ansible-core", "boto3", "moto")]
    return (
        f"{os.cpu_count()} cores ({found[1] if found else platform.machine()}), {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {', '.join([*versions, *_collections()])}"
    )


def _collections() -> list[str]:
    """The versions of the collections that the package ansible brings."""
    import ansible_collections

    found = []
    for name in COLLECTIONS:
        for root in ansible_collections.__path__:
            manifest = Path(root, *name.split("."), "MANIFEST.json")
            if manifest.exists():
                found.append(f"{name} {json.loads(manifest.read_text())['collection_info']['version']}")
                break
    return found
