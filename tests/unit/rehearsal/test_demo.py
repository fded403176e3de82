"""The output of `make demo`. Only a run of the demo tests the demo itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rehearsal import demo, demo_application, supervisor


def test_timeline_shows_versions_over_time() -> None:
    series = [{"second": second, "1.0.0" if second < 70 else "1.1.0": 40} for second in range(130)]
    series[71] |= {"1.0.0": 3}
    counts = {"series": series, "versions": {"1.1.0": 2400, "1.0.0": 2803}, "failures": {"HTTP 502": 1}}
    old, new, failed, legend = demo.timeline(counts)
    assert old.split() == ["1.0.0", "█" * 23 + "▄", "2803"]
    assert new.split() == ["1.1.0", "▄" + "█" * 20, "2400"]
    assert old.index("▄") == new.index("▄")
    assert failed.split() == ["failed", "1"]
    assert "each column: 3 s" in legend


def test_timeline_without_answers() -> None:
    counts = {"series": [{"second": 0, "failed": 2}], "versions": {}, "failures": {"refused": 2}}
    failed, _ = demo.timeline(counts)
    assert failed.split() == ["failed", "█", "2"]


def test_card_shows_a_message_as_discord_does() -> None:
    fields = [
        {"name": "Who", "value": r"ansible\-playbook by dana", "inline": True},
        {"name": "To roll back", "value": "```\nansible-playbook playbooks/rollback.yml\n```"},
        {"name": "Slot", "value": "green", "inline": True},
    ]
    assert list(demo.card({"title": "STAGING: 1.1.0 is live", "fields": fields})) == [
        "  ▌ STAGING: 1.1.0 is live",
        "  ▌   Who: ansible-playbook by dana · Slot: green",
        "  ▌   To roll back: ansible-playbook playbooks/rollback.yml",
    ]


def test_emulator_state_after_an_interrupted_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAL_REHEARSAL_HOME", str(tmp_path))
    assert demo.emulator_state() == "The emulator is not running."
    me = {"pid": os.getpid(), "started": supervisor._started(os.getpid())}
    (tmp_path / "state.json").write_text(json.dumps({"parts": {"aws": me}}))
    assert "still running" in demo.emulator_state()


def test_every_release_folder_is_used_by_a_release() -> None:
    folders = {path.name for path in (demo_application.SOURCES / "releases").iterdir()}
    assert folders == {name for names in demo_application.OVERLAYS.values() for name in names}
    assert set(demo_application.ApplicationDemo.versions) == demo_application.OVERLAYS.keys()
