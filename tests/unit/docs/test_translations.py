"""Pages that exist in English and in Korean have the same content: sections, tables, lists, code, settings and links."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pages import PAGES, ROOT, anchors, code_blocks, commands, links, name, prose

#: What QA and the team read. The tests compare every page of this list with its `.ko.md`.
TRANSLATED = (
    "README.md",
    "docs/blue-green.md",
    "docs/demo.md",
    "docs/first-mistakes.md",
    "docs/pipeline.md",
    "docs/rollback-runbook.md",
    "docs/spring-boot.md",
    "docs/your-service.md",
)
BOTH = pytest.mark.parametrize("page", TRANSLATED)


def korean(page: str) -> Path:
    return ROOT / page.replace(".md", ".ko.md")


def literal_blocks(path: Path) -> list[str]:
    """Return the code blocks that are the same in each language: all but pictures."""
    return [text for kind, text in code_blocks(path) if kind != "mermaid"]


def transitions(path: Path) -> list[str]:
    """Return the edges of the state diagrams, without their labels."""
    pictures = [text for _, text in code_blocks(path) if text.startswith("stateDiagram")]
    return [line.partition(":")[0].strip() for text in pictures for line in text.splitlines()]


def structure(path: Path) -> list[str]:
    """Return a page's headings, code blocks, table rows, list items, steps and generated blocks, in order."""
    found = []
    for line in prose(path, "CODE\n").splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line)) - 1
            found.append(f"row of {cells}")
        elif match := re.match(r"#+ |CODE| *- | *\d+\. |\*\*\d+\.|<!-- .*? -->|!\[", line):
            found.append(match[0])
    return found


def code(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def rows(path: Path) -> list[set[str]]:
    """Return the inline code of each table row."""
    return [code(line) for line in prose(path).splitlines() if line.startswith("|")]


def paragraphs(path: Path) -> list[str]:
    text = re.sub(
        r"<!-- (?:begin|measured): (\S+) -->.*?<!-- end(?: of|:) \1 -->", "", prose(path), flags=re.DOTALL
    )
    text = re.sub(r"`[^`]*`|\]\(.*?\)", "", text)
    return [part for part in re.split(r"\n\s*\n|\n *- |\n *\d+\. |\n\|", text) if len(part.strip()) > 40]


def as_in_english(link: str, page: Path) -> str:
    """Return a link of a Korean page as the English page would write it."""
    target, _, anchor = link.partition("#")
    file = (page.parent / target).resolve() if target else page
    if not file.name.endswith(".ko.md"):
        return link
    english = file.with_name(file.name.replace(".ko.md", ".md"))
    if anchor:
        anchor = "#" + anchors(english)[anchors(file).index(anchor)]
    return target.replace(".ko.md", ".md") + anchor


def test_every_korean_page_is_compared() -> None:
    assert sorted(name(path) for path in PAGES if path.name.endswith(".ko.md")) == sorted(
        name(korean(page)) for page in TRANSLATED
    )


@BOTH
def test_both_languages_have_the_same_code_and_commands(page: str) -> None:
    assert literal_blocks(korean(page)) == literal_blocks(ROOT / page)
    assert list(commands(korean(page))) == list(commands(ROOT / page))
    assert transitions(korean(page)) == transitions(ROOT / page)


@BOTH
def test_both_languages_have_the_same_structure(page: str) -> None:
    assert structure(korean(page)) == structure(ROOT / page)


@BOTH
def test_both_languages_name_the_same_settings_and_messages(page: str) -> None:
    assert code(prose(korean(page))) == code(prose(ROOT / page))
    assert rows(korean(page)) == rows(ROOT / page)


@BOTH
def test_both_languages_have_the_same_links(page: str) -> None:
    def targets(path: Path) -> list[str]:
        own = {Path(page).name, korean(page).name}
        return sorted(as_in_english(link, path) for link in links(path) if link not in own)

    assert targets(korean(page)) == targets(ROOT / page)


@BOTH
def test_each_page_links_to_its_other_language(page: str) -> None:
    assert korean(page).name in links(ROOT / page)
    assert Path(page).name in links(korean(page))


@BOTH
def test_a_korean_page_links_to_korean_pages(page: str) -> None:
    translated = {(ROOT / each).resolve() for each in TRANSLATED} - {ROOT / page}
    english = [
        link
        for link in links(korean(page))
        if (korean(page).parent / link.partition("#")[0]).resolve() in translated
    ]
    assert english == []


@BOTH
def test_no_paragraph_is_left_in_english(page: str) -> None:
    assert [part for part in paragraphs(korean(page)) if not re.search(r"[가-힣]", part)] == []


PAGE = """\
## Before
Run `make down` with `lock_wait`:
```console
make down
```
| What | Command |
|---|---|
| slow | `make up` |
- one
"""


@pytest.mark.parametrize(
    ("old", "new", "compared"),
    [
        ("## Before\n", "", structure),
        ("| slow | `make up` |\n", "", structure),
        ("- one\n", "", structure),
        ("make down\n", "make up\n", literal_blocks),
        ("`make up`", "`make moon`", rows),
    ],
)
def test_a_difference_is_noticed(
    tmp_path: Path, old: str, new: str, compared: Callable[[Path], list]
) -> None:
    page, changed = tmp_path / "page.md", tmp_path / "page.ko.md"
    page.write_text(PAGE)
    changed.write_text(PAGE.replace(old, new))
    assert old in PAGE and compared(changed) != compared(page)
