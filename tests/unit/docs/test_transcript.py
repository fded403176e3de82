"""The transcript in the README: shortened, and nothing of it made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import demo

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


def test_it_is_shortened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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


def test_without_a_run_it_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "FILE", tmp_path / "none")
    assert "make demo | tee docs/demo.txt" in demo.transcript()
