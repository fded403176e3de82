"""The transcript of the demo and its picture: shortened, and nothing in them is made up."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.generate import build, data, demo, picture

RUN = """\
\x1b[1m$ ansible-playbook playbooks/deploy.yml -i inventories/staging\x1b[0m

TASK [teal.platform.release : Show the plan] ****
ok: [release.staging] =>
    Deploy 1.1.0 on slot green; 1.0.0 (r1) serves on blue

PLAY RECAP ****
release.staging            : ok=22   changed=7    unreachable=0    failed=0

SUMMARY ****
component        state    ok
release.staging  changed  22
"""


def test_transcript_is_shortened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "demo.txt"
    file.write_text(RUN + "x" * 500 + "\n")
    monkeypatch.setattr(demo, "FILE", file)
    assert demo.transcript().splitlines() == [
        "```text",
        "$ ansible-playbook playbooks/deploy.yml -i inventories/staging",
        "",
        "    Deploy 1.1.0 on slot green; 1.0.0 (r1) serves on blue",
        "",
        "SUMMARY ****",
        "component        state    ok",
        "release.staging  changed  22",
        "x" * (demo.WIDTH - 1) + "…",
        "```",
    ]


def test_missing_transcript_shows_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "FILE", tmp_path / "none")
    assert "make demo | tee docs/demo.txt" in demo.transcript()


def lines_of_picture(svg: str) -> list[str]:
    """Return the text of the picture's terminal, line by line."""
    rows: dict[float, str] = {}
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        if "textLength" in element.attrib:
            text, place = element.text or "", {name: float(element.attrib[name]) for name in ("x", "y")}
            column = round(place["x"] * len(text) / float(element.attrib["textLength"]))
            rows[place["y"]] = rows.get(place["y"], "").ljust(column) + text
    found = [rows[row].replace("\xa0", " ").rstrip() for row in sorted(rows)]
    return [line for line in found if line]


def test_picture_is_rendered_from_the_transcript() -> None:
    written = (data.ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
    assert written == picture.svg(), "run `make docs`"
    shown = lines_of_picture(written)
    transcript = iter(demo.transcript().splitlines())
    assert all(line in transcript for line in shown), "the picture has lines that the run did not print"
    assert [line.split()[2] for line in shown if line.startswith("$ ansible-playbook")] == [
        "playbooks/deploy.yml",
        "playbooks/rollback.yml",
    ]
    assert [line.split() for line in shown if line.startswith("  failed")] == [["failed", "0"]]


def test_picture_is_small_and_complete_in_itself() -> None:
    """GitHub shows pictures without what they load from elsewhere."""
    written = (data.ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
    assert len(written.encode()) < 150_000
    assert not re.search(r"@import|@font-face|url\((?!#)|href=|<image|<script", written)


def test_changed_transcript_makes_the_picture_stale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "demo.txt"
    file.write_text(demo.FILE.read_text(encoding="utf-8").replace("1.1.0", "1.1.9"))
    monkeypatch.setattr(demo, "FILE", file)
    assert data.ROOT / "docs" / "demo.svg" in build.stale()


def test_partial_transcript_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "demo.txt"
    file.write_text(RUN)
    monkeypatch.setattr(demo, "FILE", file)
    with pytest.raises(ValueError, match="not the transcript of a whole run"):
        picture.svg()
