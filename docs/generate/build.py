"""Whole pages, and blocks from `<!-- begin: NAME -->` to `<!-- end: NAME -->` in pages written by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs.generate import (
    code_map,
    costs,
    demo,
    environments,
    notifications,
    own_modules,
    picture,
    reference,
    releases,
    resources,
    sanity,
)
from docs.generate.data import ROOT

BLOCK = re.compile(r"(<!-- begin: ([a-z-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
#: By name; for a page in Korean, `<name>-ko` if there is one.
BLOCKS: dict[str, Callable[[], str]] = {
    "code": code_map.diagram,
    "demo": demo.transcript,
    "rollback": partial(demo.printed, "rollback"),
    "status": partial(demo.printed, "status"),
    "environments": environments.overview,
    "environments-ko": partial(environments.overview, korean=True),
    "components": environments.needs,
    "costs": costs.block,
    "monthly": costs.monthly,
    "monthly-ko": partial(costs.monthly, korean=True),
    "resources": resources.block,
    "states": releases.states,
    "timeline": releases.timeline,
}


class UnknownBlock(Exception):
    """A page has a block that BLOCKS does not have."""


def fill(text: str, korean: bool, where: str = "") -> str:
    """Return a page with current blocks. Raises UnknownBlock."""

    def content(match: re.Match[str]) -> str:
        name = match[2]
        make = BLOCKS.get(f"{name}-ko") if korean else None
        make = make or BLOCKS.get(name)
        if make is None:
            raise UnknownBlock(f"{where}: no block '{name}' exists; the blocks are {', '.join(BLOCKS)}")
        return f"{match[1]}{make()}\n{match[3]}"

    return BLOCK.sub(content, text)


def whole_pages() -> dict[Path, str]:
    pages = {
        "environments.md": environments.environments_page(),
        "notifications.md": notifications.whole_page(),
        "own-modules.md": own_modules.whole_page(),
        "demo.svg": picture.svg(),
        **reference.pages(),
    }
    return (
        {ROOT / "docs" / name: text for name, text in pages.items()}
        | reference.role_readmes()
        | sanity.ignore_files()
    )


def stale() -> dict[Path, str | None]:
    """Return the text of each page that is not current, by path; None for an obsolete page of the reference."""
    wanted: dict[Path, str | None] = dict(whole_pages())
    for path in (ROOT / "docs" / "reference").rglob("*.md"):
        wanted.setdefault(path, None)
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        if path not in wanted:
            wanted[path] = fill(path.read_text(encoding="utf-8"), path.name.endswith(".ko.md"), path.name)
    return {path: text for path, text in wanted.items() if text is None or not _is(path, text)}


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
