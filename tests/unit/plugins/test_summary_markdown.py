"""Tests of the summary in Markdown."""

from __future__ import annotations

from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader
from ansible_collections.teal.platform.plugins.plugin_utils.summary_markdown import cell, markdown

SUMMARY = {
    "components": {
        "network.test": {"state": "ok", "ok": 5, "changed": 0, "failed": 0, "seconds": 1.2},
        "release.test": {"state": "failed", "ok": 2, "changed": 1, "failed": 1, "seconds": 9.0},
    },
    "failures": [{"component": "release.test", "task": "Verify it", "reason": "a | b\n<img> @everyone `x`"}],
    "published": {"load_balancer": {"id": "assistant-test", "address": "https://test.example.com"}},
    "longest": [],
}


def test_markdown_tables() -> None:
    lines = markdown(SUMMARY, "deploy", Reader()).splitlines()
    assert lines[:4] == [
        "### deploy",
        "",
        "| component | state | ok | changed | failed | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    assert "| network.test | 🟢 ok | 5 | 0 | 0 | 1.2 |" in lines
    assert "| release.test | ❌ failed | 2 | 1 | 1 | 9.0 |" in lines
    assert "| load\\_balancer | assistant-test | https://test.example.com |" in lines


def test_reason_is_escaped() -> None:
    line = next(line for line in markdown(SUMMARY, "deploy", Reader()).splitlines() if line.startswith("- "))
    assert line == r"- ❌ release.test: Verify it: a \| b \<img\> \@everyone \`x\`"


def test_no_resources_table_without_published_values() -> None:
    assert "resources" in markdown(SUMMARY, "deploy", Reader())
    assert "resources" not in markdown({**SUMMARY, "published": {}}, "deploy", Reader())


def test_cell_is_one_line() -> None:
    assert cell("a\n\n b\t c") == "a b c"


def test_markdown_in_korean() -> None:
    lines = markdown(SUMMARY, "deploy", Reader("ko")).splitlines()
    assert "| 컴포넌트 | 상태 | 정상 | 변경 | 실패 | 초 |" in lines
    assert "| release.test | ❌ 실패 | 2 | 1 | 1 | 9.0 |" in lines
