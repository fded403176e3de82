"""The role quality_gate: it stops a release with the reason, or records an override."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outside import Outside

pytest_plugins = ["outside"]

PLAY = """
- name: Release
  hosts: localhost
  connection: local
  gather_facts: false
  roles:
    - role: teal.platform.quality_gate
  tasks:
    - name: Go on
      ansible.builtin.debug:
        msg: "went on with {{ quality_gate_result.measures }}"
"""
REVISION = "1f3b2c4d5e6f7a8b9c0d1f3b2c4d5e6f7a8b9c0d"
GATE = {"quality_gate_revision": REVISION, "quality_gate_version": "1.1.0", "quality_gate_branches": ["test"]}
CONDITION = {"metric": "new_coverage", "value": "61.5", "threshold": "80", "comparator": "LT"}


def record(outside: Outside, **given: Any) -> None:
    outside.ask("DELETE", outside.sonar + "/rehearsal/analyses")
    analysis = {
        "project": "assistant",
        "revision": REVISION,
        "branch": "test",
        "measures": {"coverage": "81.2"},
    }
    outside.ask("POST", outside.sonar + "/rehearsal/analyses", {**analysis, **given})


def test_met_quality_gate_continues_without_a_message(outside: Outside, tmp_path: Path) -> None:
    record(outside)
    done = outside.play(PLAY, tmp_path, **GATE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "went on with {'coverage': '81.2'}" in done.stdout.replace('"', "'").replace("''", "'")
    assert "changed=0 " in done.stdout
    assert outside.messages() == []


def test_unmet_quality_gate_stops_and_is_posted_once(outside: Outside, tmp_path: Path) -> None:
    record(outside, status="ERROR", conditions=[CONDITION])
    done = outside.play(PLAY, tmp_path, **GATE)
    assert done.returncode == 2
    assert "new_coverage is 61.5, and fails below 80" in done.stdout
    assert "went on" not in done.stdout
    (embed,) = outside.messages()
    assert embed["title"] == "⛔ STAGING: the quality gate failed for 1.1.0"
    assert "new_coverage is 61.5, and fails below 80" in embed["description"]
    shown = {field["name"]: field["value"] for field in embed["fields"]}
    assert (shown["Commit"], shown["Quality"]) == ("1f3b2c4", "coverage: 81.2")


def test_override_continues_and_is_recorded(outside: Outside, tmp_path: Path) -> None:
    record(outside, status="ERROR", conditions=[CONDITION])
    done = outside.play(PLAY, tmp_path, **GATE, quality_gate_override_reason="fix for incident 4711")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "went on" in done.stdout
    (embed,) = outside.messages()
    assert embed["title"] == "⚠️ STAGING: the quality gate was overridden for 1.1.0"
    assert "Overridden: fix for incident 4711" in embed["description"]
    assert "new_coverage is 61.5" in embed["description"]
