"""`python -m docs.generate [--check]`."""

from __future__ import annotations

import argparse
import sys

from docs.generate import build, own_modules
from docs.generate.data import ROOT


def main() -> int:
    """Write the pages that are not current; with --check only list them. Exit status 1 if --check finds one."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=build.__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if anything would be written"
    )
    parser.add_argument(
        "--figures", action="store_true", help="print the figures of docs/own-modules.md alone"
    )
    given = parser.parse_args()
    if given.figures:
        print(own_modules.figures())
        return 0
    check = given.check
    stale = build.stale()
    for path, text in stale.items():
        print(
            "not current" if check else "deleted" if text is None else "written",
            path.relative_to(ROOT),
            sep=": ",
        )
        if check:
            continue
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
