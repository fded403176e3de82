"""tests/sanity/ignore-*.txt: the accepted errors of `ansible-test sanity`, with the reason."""

from __future__ import annotations

from pathlib import Path

from docs.generate.data import ROOT

#: The versions of ansible-core that the collection supports.
CORES = ("2.19", "2.20", "2.21")
#: validate-modules requires a header of the GPL in each file of these folders.
LICENSED = ("callback", "connection", "lookup", "modules")
REASON = "Teal is MIT-licensed, see CONTRIBUTING.md"


def ignore_files() -> dict[Path, str]:
    """Return the text of each file by its path."""
    files = [path for kind in LICENSED for path in sorted((ROOT / "plugins" / kind).glob("*.py"))]
    lines = [
        f"{path.relative_to(ROOT)} validate-modules:missing-gplv3-license # {REASON}\n"
        for path in files
        if path.stem != "__init__"
    ]
    return {ROOT / "tests" / "sanity" / f"ignore-{core}.txt": "".join(lines) for core in CORES}
