"""The analysis in the bake: a bad release is taken back, a good one passes, a quiet one is inconclusive."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import bake as baking
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Thresholds as Limits
from ansible_collections.teal.platform.plugins.module_utils.release.analysis_watch import (
    AnalysisWatch,
    Inconclusive,
    Times,
)
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import Condition
from ansible_collections.teal.platform.plugins.module_utils.release.verify import Check

from .fake_environment import Time
from .test_analysis_watch import THROTTLED, Metrics

#: What the bake said, the verdict on the record, and whether the traffic was shifted back.
Outcome = tuple[str, dict[str, Any], bool]
UP = Answer(200, b"{}")


@pytest.fixture
def analyse(time: Time, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Return analyse(metrics, inconclusive): bake a release for 6 minutes whose readiness is fine all the time."""
    written: list[Any] = []
    context = SimpleNamespace(
        clock=time.clock(),
        client_addresses=lambda silent=(): ["52.0.0.1", "52.0.0.2"],
        service=SimpleNamespace(get_all=lambda addresses, path: dict.fromkeys(addresses, UP)),
    )
    lease = SimpleNamespace(
        renew_if_due=lambda: None,
        write=lambda parts, **more: written.append((parts, more)),
        store=SimpleNamespace(note=lambda identity, **changes: (identity, changes)),
    )
    monitor = SimpleNamespace(check=lambda: Condition(wanted=2, ready=2), replicas=2)

    def analysed(metrics: Metrics, inconclusive: Inconclusive | None = None) -> Outcome:
        shifted: list[str] = []

        def shift_traffic_back(context: Any, lease: Any, release: Any, reason: str) -> None:
            assert not written, "traffic first, records later"
            shifted.append(reason)

        monkeypatch.setattr(baking, "shift_traffic_back", shift_traffic_back)
        analysis = AnalysisWatch(
            Limits(error_rate=1),
            inconclusive or Inconclusive(),
            metrics.read,
            Times(time.now, time.now),
            time.clock(),
        )
        thresholds = baking.Thresholds(seconds=360, every=10)
        arguments: Any = (context, lease, {"id": "2"}, Check("/ready"), thresholds, monitor, list, analysis)
        try:
            said = baking.bake(*arguments)
        except StepFailed as error:
            said = f"{error.cause}: {error}"
        (((identity, changes),), more) = written[0]
        assert (identity, more) == ("2", {"release": "2"})
        return said, changes["analysis"][0], bool(shifted)

    return analysed


def test_analysis_of_a_good_release_is_recorded(analyse: Callable[..., Outcome], time: Time) -> None:
    began = time.now
    said, record, back = analyse(Metrics(time))
    assert "0 failures in 6 min; analysis passed. Measured: new version" in said
    assert time.now - began == pytest.approx(360, abs=15)
    assert (record["result"], record["percent"], back) == ("passed", 100, False)


def test_errors_of_users_roll_the_release_back(analyse: Callable[..., Outcome], time: Time) -> None:
    """Its readiness is fine all the time. It fails as soon as one bad minute is published, and not at the end."""
    began = time.now
    said, record, back = analyse(Metrics(time, errors=20))
    assert said.startswith("analysis: analysis failed: ")
    assert "% of the new version's requests failed" in said
    assert time.now - began < 300
    assert back
    assert record["result"] == "failed"
    assert record["new"]["errors"] > 0


@pytest.mark.parametrize(
    ("inconclusive", "seconds", "fails"),
    [
        (Inconclusive("pass"), 360, False),
        (Inconclusive("extend", 600), 960, False),
        (Inconclusive("extend", 600, "fail"), 960, True),
        (Inconclusive("fail"), 360, True),
    ],
)
def test_quiet_service_is_inconclusive(
    analyse: Callable[..., Outcome],
    time: Time,
    inconclusive: Inconclusive,
    seconds: float,
    fails: bool,
) -> None:
    began = time.now
    said, record, back = analyse(Metrics(time, requests=2), inconclusive)
    assert "analysis inconclusive: the new version got 0 requests of users, and 100 are needed" in said
    assert time.now - began == pytest.approx(seconds, abs=15)
    assert back == fails
    assert record["result"] == "inconclusive"


def test_extended_bake_ends_when_there_are_enough_requests(
    analyse: Callable[..., Outcome], time: Time
) -> None:
    metrics, began = Metrics(time, requests=2), time.now

    def morning() -> None:
        if time.now - began > 500:
            metrics.requests = 5000

    time.on_sleep.append(morning)
    said, _, _ = analyse(metrics, Inconclusive("extend", 3600))
    assert "analysis passed" in said
    assert 500 < time.now - began < 560


def test_throttled_cloudwatch_is_reported_and_fails_nothing(
    analyse: Callable[..., Outcome], time: Time
) -> None:
    metrics = Metrics(time)
    metrics.fails = [THROTTLED]
    said, record, back = analyse(metrics, Inconclusive("fail", 60))
    assert (
        "analysis inconclusive: CloudWatch could not be read: cloudwatch:GetMetricData failed: Throttling"
        in said
    )
    assert not back
    assert record["unreadable"] > 3
