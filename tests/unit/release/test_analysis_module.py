"""The analysis in the modules: when it is used, where its verdict is shown, and the token that never shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import engine as engines
from ansible_collections.teal.platform.plugins.module_utils.release import operator_messages
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Result
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.prometheus import QueryFailed
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store
from ansible_collections.teal.platform.plugins.modules import release_bake, release_info

from .fake_environment import TABLE, Environment
from .test_modules import FORWARD, carried, ecr, run  # noqa: F401 - fixtures

Run = Callable[..., dict[str, Any]]
TOKEN = "prometheus-token-that-never-shows"
VERDICT = {
    "result": "passed",
    "percent": 100,
    "text": "analysis passed. Measured: new version 900 requests",
    "since": "2026-11-30T00:00:00Z",
}


@pytest.fixture
def bake(
    run: Run,  # noqa: F811
    environment: Environment,
    ecr: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[dict[str, Any], Any]]:
    """Return bake(analysis, **changes of the record) -> the result of release_bake, and the analysis that it watched."""

    def baked(options: dict[str, Any] | None, **changes: Any) -> tuple[dict[str, Any], Any]:
        release, _store, _ = carried(run, environment, FORWARD, **changes)
        watched: list[Any] = []

        def watch(self: Any, lease: Any, record: Any, seconds: float, **more: Any) -> str:
            watched.append(more["analysis"])
            if watched[0]:
                watched[0].look(0)
            return "1 request"

        monkeypatch.setattr(engines.Engine, "watch", watch)
        monkeypatch.setattr(release_bake, "keep_size_of_previous_slot", lambda *_: None)
        result = run(release_bake, release=release, seconds="6m", analysis=options)
        return result, watched[0]

    return baked


def test_verdict_is_returned(bake: Callable[..., tuple[dict[str, Any], Any]]) -> None:
    """By moto's CloudWatch, which has no metrics."""
    result, analysis = bake({"error_rate": 1, "on_inconclusive": "extend", "extend_limit": "5m"})
    assert result["analysis"]["result"] == "inconclusive"
    assert (analysis.inconclusive.then, analysis.inconclusive.limit) == ("extend", 300)
    assert analysis.thresholds.delay == 120
    assert analysis.verdict.result == Result.INCONCLUSIVE
    assert analysis.failed_looks == 0


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (None, {}),
        ({}, {}),
        ({"min_requests": 5}, {}),
        ({"error_rate": 1}, {"kind": "rollback"}),
        ({"error_rate": 1}, {"from_release": ""}),
    ],
)
def test_release_without_analysis(
    bake: Callable[..., tuple[dict[str, Any], Any]], options: Any, changes: dict[str, Any]
) -> None:
    result, analysis = bake(options, **changes)
    assert analysis is None
    assert "analysis" not in result


def test_share_of_the_traffic_is_that_of_the_record(bake: Callable[..., tuple[dict[str, Any], Any]]) -> None:
    _, analysis = bake({"error_rate": 1}, weights={"blue": 95, "green": 5})
    assert analysis.percent == 5


def test_token_is_read_from_the_secret_and_never_shown(
    bake: Callable[..., tuple[dict[str, Any], Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "assistant-staging/analysis-prometheus"
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=f"{TOKEN}\n")
    query = {"name": "queue", "url": "https://127.0.0.1:1", "query": "queue", "max": 5, "token_secret": name}
    result, analysis = bake({"prometheus": [query]})
    (asked,) = analysis.queries
    assert asked.token() == TOKEN
    with pytest.raises(QueryFailed) as raised:
        asked.values()
    shown = capsys.readouterr()
    assert TOKEN not in f"{raised.value} {result} {analysis.summary()} {shown.out} {shown.err} {asked!r}"


def test_missing_secret_is_reported(bake: Callable[..., tuple[dict[str, Any], Any]]) -> None:
    query = {"name": "queue", "url": "https://127.0.0.1:1", "query": "x", "max": 5, "token_secret": "missing"}
    _, analysis = bake({"prometheus": [query]})
    with pytest.raises(QueryFailed, match="ResourceNotFoundException"):
        analysis.queries[0].values()


def test_verdict_is_shown(
    run: Run,  # noqa: F811
    environment: Environment,
    ecr: Any,  # noqa: F811
) -> None:
    release, store, record = carried(run, environment, FORWARD)
    lease = Lease.of(store, release)
    partly = {**VERDICT, "percent": 5, "text": "analysis inconclusive: 3 requests"}
    lease.write([store.note(record["id"], analysis=[partly, VERDICT])])
    stored = Store(environment.dynamodb, TABLE).release(record["id"])
    assert stored
    both = ["with 5 % of the traffic: analysis inconclusive: 3 requests", VERDICT["text"]]
    assert operator_messages.analysis(stored) == both
    assert operator_messages.event(stored, "x")["analysis"] == "\n".join(both)
    info = run(release_info, inspect_slots=False)
    assert info["status"]["releases"][0]["analysis"][1] == VERDICT
    assert f"verdict   1.4.2 (r2): {VERDICT['text']}" in info["lines"]
    assert operator_messages.analysis({}) == []
