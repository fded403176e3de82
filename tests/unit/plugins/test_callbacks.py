# SPDX-License-Identifier: MIT
"""Tests of the callbacks progress and summary."""

from __future__ import annotations

import json
import pathlib
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.callback import progress, summary
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span


class FakeDisplay:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def display(self, line: str, color: str | None = None) -> None:
        self.lines.append(line)

    banner = display

    def warning(self, line: str) -> None:
        self.warnings.append(line)


def host(name: str) -> Any:
    return SimpleNamespace(get_name=lambda: name)


def task(name: str, no_log: bool = False, run_once: bool = False, action: str = "debug") -> Any:
    return SimpleNamespace(
        get_name=lambda: name, no_log=no_log, run_once=run_once, action=action, _uuid=f"uuid of {name}"
    )


def result(where: str, of: Any, **values: Any) -> Any:
    return SimpleNamespace(host=host(where), task=of, result=values)


def play(uuid: str, pattern: str, inventory: dict[str, list[str]]) -> Any:
    def get_hosts(wanted: str, ignore_restrictions: bool = False) -> list[Any]:
        # At the end of a run, the inventory is restricted to the hosts of the last play.
        return [host(name) for name in inventory[wanted] if ignore_restrictions or wanted == "cluster"]

    source = SimpleNamespace(get_hosts=get_hosts)
    return SimpleNamespace(
        _uuid=uuid, hosts=pattern, get_variable_manager=lambda: SimpleNamespace(_inventory=source)
    )


class FakeStats:
    def __init__(self, **figures: dict[str, int]) -> None:
        self.processed = dict.fromkeys(figures, 1)
        self.figures = figures

    def summarize(self, name: str) -> dict[str, int]:
        return {"ok": 0, "changed": 0, "failures": 0, "unreachable": 0} | self.figures[name]


INVENTORY = {
    "all": ["network", "registry", "cluster"],
    "wave_1": ["network", "registry"],
    "wave_2": ["cluster"],
}


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Any:
    callback = summary.CallbackModule()
    callback._display = FakeDisplay()
    options = {"file": str(tmp_path / "summary.json"), "longest": 10}
    monkeypatch.setattr(callback, "get_option", options.get)
    plays = [play(name, name, INVENTORY) for name in ("wave_1", "all", "wave_2")]
    callback.v2_playbook_on_start(SimpleNamespace(get_plays=lambda: plays, _file_name="playbooks/site.yml"))
    callback.v2_playbook_on_play_start(plays[0])
    for name in INVENTORY["wave_1"]:
        callback.v2_runner_on_start(host(name), task("Create it"))
    return callback


def states(callback: Any, stats: FakeStats) -> dict[str, str]:
    return {name: one["state"] for name, one in callback.summary(stats)["components"].items()}


def test_failed_wave_lists_failures_and_components_not_reached(closing: Any) -> None:
    closing.v2_runner_on_ok(result("registry", task("Create it"), changed=True))
    closing.v2_runner_on_failed(
        result("network", task("Create it"), msg="Task failed: Module failed: no\n  room")
    )
    closing.v2_runner_on_failed(result("network", task("Fail again"), msg="network: Create it: no room"))
    gate = task("Stop if a component failed", run_once=True)
    closing.v2_runner_on_failed(result("registry", gate, msg="Stopped: network"))
    stats = FakeStats(
        network={"failures": 1}, registry={"ok": 1, "changed": 1, "failures": 1}, cluster={"ok": 1}
    )
    assert states(closing, stats) == {"cluster": "not reached", "network": "failed", "registry": "changed"}
    assert closing.summary(stats)["failures"] == [
        {"component": "network", "task": "Create it", "reason": "no room"},
        {"component": "", "task": "Stop if a component failed", "reason": "Stopped: network"},
    ]


def test_repeated_long_reason_is_reported_once(closing: Any) -> None:
    why = "no room " * 100
    closing.v2_runner_on_failed(result("network", task("Create it"), msg=why))
    closing.v2_runner_on_failed(result("network", task("Fail again"), msg=f"It failed at: Create it {why}"))
    reported = closing.summary(FakeStats(network={"failures": 1}))["failures"]
    assert [one["task"] for one in reported] == ["Create it"]


def test_without_failures_every_component_counts_as_reached(closing: Any) -> None:
    stats = FakeStats(network={"ok": 1}, registry={"changed": 1}, cluster={"ok": 1})
    assert states(closing, stats) == {"cluster": "ok", "network": "ok", "registry": "changed"}


def test_rescued_or_ignored_failure_is_not_reported(closing: Any) -> None:
    closing.v2_runner_on_failed(result("network", task("Create it"), msg="rescued later"))
    closing.v2_runner_on_failed(result("registry", task("Create it"), msg="ignored"), ignore_errors=True)
    reported = closing.summary(FakeStats(network={"rescued": 1}, registry={"ignored": 1}))
    assert reported["failures"] == []


def test_unreachable_component_is_failed(closing: Any) -> None:
    closing.v2_runner_on_unreachable(result("network", task("Create it"), msg="no route"))
    reported = closing.summary(FakeStats(network={"unreachable": 1}))
    assert reported["components"]["network"]["state"] == "failed"
    assert reported["failures"][0]["reason"] == "no route"


@pytest.mark.parametrize(
    ("values", "no_log"),
    [
        ({"msg": "hunter2"}, True),
        ({"censored": "hidden due to no_log", "msg": "hunter2"}, False),
        ({"_ansible_no_log": True, "results": [{"failed": True, "msg": "hunter2"}]}, False),
        ({"results": [{"failed": True, "censored": "x", "msg": "hunter2"}]}, False),
    ],
)
def test_no_log_task_is_hidden(closing: Any, values: dict[str, Any], no_log: bool) -> None:
    closing.v2_runner_on_failed(result("network", task("Make it", no_log=no_log), **values))
    closing.v2_runner_on_ok(
        result(
            "registry",
            task("Publish", no_log=True),
            ansible_stats={"data": {"platform_summary": {"a": {"id": "hunter2"}}}},
        )
    )
    stats = FakeStats(network={"failures": 1})
    closing.v2_playbook_on_stats(stats)
    assert "hunter2" not in "\n".join(closing._display.lines) + json.dumps(closing.summary(stats))
    assert closing.summary(stats)["failures"][0]["reason"] == summary.HIDDEN


def test_reasons_of_loop_items_are_joined() -> None:
    items = [
        {"failed": True, "msg": "a"},
        {"failed": False, "msg": "b"},
        {"failed": True, "msg": "c"},
        {"failed": True, "msg": "a"},
    ]
    assert summary.reason_of({"msg": "One or more items failed", "results": items}, False) == "a; c"


def test_long_reason_is_cut() -> None:
    assert len(summary.reason_of({"msg": "x" * 5000}, False)) == summary.REASON_LENGTH


def test_component_without_values_is_listed(closing: Any) -> None:
    stats = {"data": {"platform_summary": {"identity": {}}}}
    closing.v2_runner_on_ok(result("network", task("Publish"), ansible_stats=stats))
    closing.v2_playbook_on_stats(FakeStats(network={"ok": 1}))
    assert "identity" in [line.strip() for line in closing._display.lines]


def test_plain_value_is_the_id_of_the_component(closing: Any) -> None:
    stats = {"data": {"platform_summary": {"network": "vpc-1"}}}
    closing.v2_runner_on_ok(result("network", task("Publish"), ansible_stats=stats))
    closing.v2_playbook_on_stats(FakeStats(network={"ok": 1}))
    assert "network    vpc-1" in closing._display.lines


def test_published_values_are_merged_and_printed(closing: Any, tmp_path: pathlib.Path) -> None:
    for values in ({"id": "vpc-1", "zones": "a, b"}, {"address": "10.0.0.0/16"}):
        data = {"platform_summary": {"network": values}}
        closing.v2_runner_on_ok(result("network", task("Publish"), ansible_stats={"data": data}))
    closing.v2_playbook_on_stats(FakeStats(network={"ok": 1}))
    at = closing._display.lines.index("network    vpc-1")
    assert closing._display.lines[at + 1 : at + 3] == ["           10.0.0.0/16", "           zones: a, b"]
    written = json.loads((tmp_path / "summary.json").read_text())
    assert written["published"] == {"network": {"id": "vpc-1", "zones": "a, b", "address": "10.0.0.0/16"}}
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_file_that_cannot_be_written_is_a_warning(closing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "get_option", {"file": "/nowhere/summary.json", "longest": 0}.get)
    closing.v2_playbook_on_stats(FakeStats(network={"ok": 1}))
    assert closing._display.warnings == [
        "teal.platform.summary: cannot write /nowhere/summary.json: No such file or directory"
    ]


def test_seconds_are_counted_per_component_and_task(closing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((10.0, 12.0, 15.0, 16.5))
    monkeypatch.setattr(summary.time, "monotonic", lambda: next(clock))
    for one in (task("Build"), task("Wait")):
        closing.v2_runner_on_start(host("cluster"), one)
        closing.v2_runner_on_ok(result("cluster", one))
    longest = closing.summary(FakeStats(cluster={"ok": 2}))["longest"]
    assert [(one["task"], one["seconds"]) for one in longest] == [("Build", 2.0), ("Wait", 1.5)]


def test_columns_align_wide_characters() -> None:
    assert summary.table(("a", "b"), [("서울", "x"), ("Seoul", "y")]) == ["a      b", "서울   x", "Seoul  y"]


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(progress.time, "monotonic", lambda: 100.0)
    callback = progress.CallbackModule()
    callback.v2_runner_on_start(
        host("cluster"), task("Build the cluster", action="teal.platform.eks_cluster")
    )
    callback.v2_runner_on_start(
        host("network"), task("Find the network", action="teal.platform.component_info")
    )
    return callback


def test_long_task_is_reported_with_its_usual_duration(waiting: Any) -> None:
    assert waiting.line(110.0, 15) == ""
    assert waiting.line(225.0, 15) == (
        "... waiting for cluster: Build the cluster (2 min 5 s, usually 8-12 min)\n"
        "                network: Find the network (2 min 5 s)"
    )


def test_bake_is_reported_with_its_setting(waiting: Any) -> None:
    bake = task(
        "teal.platform.release : Watch the release during its bake", action="teal.platform.release_bake"
    )
    waiting.v2_runner_on_start(host("release"), bake)
    assert waiting.line(120.0, 15).splitlines()[-1].strip() == (
        "release: Watch the release during its bake (20 s, duration: release_bake)"
    )


@pytest.mark.parametrize("end", ["ok", "failed", "skipped", "unreachable"])
def test_finished_task_is_not_reported(waiting: Any, end: str) -> None:
    getattr(waiting, f"v2_runner_on_{end}")(result("cluster", task("Build the cluster")))
    assert waiting.line(200.0, 15) == "... waiting for network: Find the network (1 min 40 s)"


def test_thread_reports_at_each_interval(waiting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting._display = FakeDisplay()
    asked = iter((False, False, True))
    monkeypatch.setattr(waiting.ended, "wait", lambda interval: next(asked))
    monkeypatch.setattr(progress.time, "monotonic", lambda: 130.0)
    waiting._report(15)
    assert len(waiting._display.lines) == 2
    assert waiting._display.lines[0].startswith("... waiting for cluster: Build the cluster (30 s, usually")


def test_thread_ends_with_the_run(waiting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting._display = FakeDisplay()
    waiting.v2_playbook_on_stats(None)
    waiting._report(0.01)  # would go on for ever
    assert waiting._display.lines == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "< 1 s"),
        (0.42, "0.4 s"),
        (40, "40 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (4205, "1 h 10 min"),
    ],
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert span(seconds) == text
