"""The analysis during a bake: when CloudWatch is read, what an inconclusive verdict means, and what is reported."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Minute, Result, Thresholds
from ansible_collections.teal.platform.plugins.module_utils.release.analysis_watch import (
    AnalysisWatch,
    Inconclusive,
    Times,
    times,
    verdicts,
)
from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso
from ansible_collections.teal.platform.plugins.module_utils.release.prometheus import Query, QueryFailed
from ansible_collections.teal.platform.plugins.module_utils.release.request_metrics import (
    MetricsUnknown,
    Reading,
)

from .fake_environment import Time

THROTTLED = MetricsUnknown("cloudwatch:GetMetricData failed: Throttling")


class Metrics:
    """CloudWatch with the same minutes since ever; `errors` of `requests` fail in each minute of the new version."""

    def __init__(self, time: Time, requests: int = 1000, errors: int = 0, ahead: float = 0.0) -> None:
        self.time, self.requests, self.errors, self.ahead = time, requests, errors, ahead
        self.fails: list[Exception | None] = []
        self.asked: list[float] = []

    def read(self, since: float) -> Reading:
        self.asked.append(self.time.now)
        fails = self.fails.pop(0) if len(self.fails) > 1 else self.fails[0] if self.fails else None
        if fails:
            raise fails
        first = int((since + self.ahead) // 60 * 60)
        ats = range(first, int(self.time.now + self.ahead), 60)
        new = [Minute(at, self.requests, self.errors, p90=50, p99=90) for at in ats]
        return Reading(self.ahead, new, [Minute(at, 1000, p90=50, p99=90) for at in ats], new)


@pytest.fixture
def metrics(time: Time) -> Metrics:
    return Metrics(time)


def watch(time: Time, metrics: Metrics, **given: Any) -> AnalysisWatch:
    return AnalysisWatch(
        given.pop("thresholds", Thresholds(error_rate=1)),
        given.pop("inconclusive", Inconclusive()),
        metrics.read,
        Times(time.now, time.now),
        time.clock(),
        **given,
    )


def test_cloudwatch_is_read_three_times_a_minute(time: Time, metrics: Metrics) -> None:
    analysis = watch(time, metrics)
    for _ in range(61):
        analysis.look(0)
        time.sleep(1)
    assert len(metrics.asked) == 4
    analysis.look(0, now=True)
    assert len(metrics.asked) == 5


@pytest.mark.parametrize("ahead", [-300, 0, 300])
def test_clock_of_this_machine_does_not_matter(time: Time, ahead: float) -> None:
    metrics = Metrics(time, ahead=ahead)
    analysis = watch(time, metrics)
    time.sleep(360)
    assert analysis.look(0).new.minutes in (3, 4)


@pytest.mark.parametrize(("percent", "counted"), [(100, 880), (5, 994)])
def test_own_requests_are_not_counted(time: Time, metrics: Metrics, percent: int, counted: int) -> None:
    """Of 2 requests a second, the new version gets its share."""
    analysis = watch(time, metrics, percent=percent)
    time.sleep(400)
    verdict = analysis.look(2.0)
    assert verdict.new.requests == counted * verdict.new.minutes


@pytest.mark.parametrize(
    ("inconclusive", "over", "ends", "fails"),
    [
        (Inconclusive("pass"), 0, True, False),
        (Inconclusive("fail"), 0, True, True),
        (Inconclusive("extend", 600), 599, False, False),
        (Inconclusive("extend", 600), 600, True, False),
        (Inconclusive("extend", 600, "fail"), 600, True, True),
    ],
)
def test_quiet_service(time: Time, inconclusive: Inconclusive, over: float, ends: bool, fails: bool) -> None:
    analysis = watch(time, Metrics(time, requests=2), inconclusive=inconclusive)
    time.sleep(400)
    assert analysis.look(0).result == Result.INCONCLUSIVE
    failure = analysis.failure(over)
    assert (failure is not None, bool(failure)) == (ends, fails)
    if fails:
        assert "is fail)" in str(failure)
        assert "requests of users, and 100 are needed (min_requests)" in str(failure)


@pytest.mark.parametrize(
    ("inconclusive", "over", "ends"),
    [
        (Inconclusive("pass"), 0, True),
        (Inconclusive("fail", 600), 0, False),
        (Inconclusive("fail", 600), 600, True),
        (Inconclusive("extend", 600, "fail"), 599, False),
        (Inconclusive("extend", 600, "fail"), 600, True),
    ],
)
@pytest.mark.parametrize("silent", [False, True])
def test_unreadable_cloudwatch_never_fails_a_release(
    time: Time, metrics: Metrics, inconclusive: Inconclusive, over: float, ends: bool, silent: bool
) -> None:
    metrics.fails = [THROTTLED]
    if silent:
        metrics.read = lambda since: Reading(0, [], [], [])  # type: ignore[method-assign]
    analysis = watch(time, metrics, inconclusive=inconclusive)
    time.sleep(400)
    verdict = analysis.look(2.0)
    assert (verdict.result, verdict.unreadable) == (Result.INCONCLUSIVE, True)
    assert analysis.failure(over) == ("" if ends else None)
    assert ("published no request" if silent else "Throttling") in analysis.summary()


def test_throttled_readings_are_reported_and_the_last_one_is_used(time: Time, metrics: Metrics) -> None:
    metrics.fails = [THROTTLED, None, THROTTLED]
    analysis = watch(time, metrics)
    for _ in range(3):
        time.sleep(200)
        verdict = analysis.look(0, now=True)
    assert (
        "CloudWatch could not be read 2 of 3 times, at last: cloudwatch:GetMetricData" in analysis.summary()
    )
    assert (verdict.result, analysis.record()["unreadable"]) == (Result.INCONCLUSIVE, 2)
    metrics.fails = [None]
    assert analysis.look(0, now=True).result == Result.PASSED
    assert analysis.summary().endswith("CloudWatch could not be read 2 of 4 times")


def test_reading_of_a_minute_ago_is_used(time: Time, metrics: Metrics) -> None:
    analysis = watch(time, metrics)
    time.sleep(400)
    assert analysis.look(0).result == Result.PASSED
    metrics.fails = [THROTTLED]
    time.sleep(60)
    assert analysis.look(0).result == Result.PASSED
    time.sleep(300)
    assert analysis.look(0).result == Result.INCONCLUSIVE


def test_bad_release_fails_even_if_cloudwatch_is_throttled_later(time: Time) -> None:
    metrics = Metrics(time, errors=50)
    analysis = watch(time, metrics)
    time.sleep(400)
    assert analysis.look(0).result == Result.FAILED
    metrics.fails = [THROTTLED]
    time.sleep(400)
    assert analysis.look(0).result == Result.FAILED
    assert "5.00 % of the new version's requests failed" in str(analysis.failure(0))


class Answers:
    """A query with the given answers, one for each reading; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def query(self) -> Query:
        query = Query("queue", "http://prometheus", "queue", most=10)
        object.__setattr__(query, "values", self.next)
        return query

    def next(self) -> list[float]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answers", "result", "text"),
    [
        ([[10.0]], Result.PASSED, "analysis passed"),
        ([[11.0], [9.0]], Result.PASSED, "analysis passed"),
        ([[9.0], [11.0], [12.0]], Result.FAILED, "analysis failed: queue is 12, and must be at most 10"),
        ([[9.0, 11.0]], Result.FAILED, "queue is 11"),
        ([QueryFailed("refused")], Result.INCONCLUSIVE, "queue could not be read: refused"),
    ],
)
def test_queries(time: Time, metrics: Metrics, answers: list[Any], result: Result, text: str) -> None:
    analysis = watch(time, metrics, queries=[Answers(*answers).query()])
    time.sleep(400)
    for _ in range(3):
        time.sleep(20)
        verdict = analysis.look(0)
    assert verdict.result == result
    assert text in analysis.summary()
    assert verdict.unreadable == (result == Result.INCONCLUSIVE)


def test_query_is_not_judged_in_the_first_minute(time: Time, metrics: Metrics) -> None:
    """Its value may be older than the switch."""
    analysis = watch(time, metrics, queries=[Answers([99.0], [99.0], [99.0], [1.0]).query()])
    for _ in range(3):
        time.sleep(20)
        analysis.look(0)
    assert not analysis.verdict.findings or analysis.verdict.findings[0].code != "query"


def test_query_fails_a_release_without_requests(time: Time) -> None:
    quiet = Metrics(time, requests=0)
    analysis = watch(time, quiet, queries=[Answers([11.0]).query()])
    time.sleep(400)
    analysis.look(0)
    time.sleep(30)
    assert analysis.look(0).result == Result.FAILED


def events(*states: tuple[str, float, str]) -> dict[str, Any]:
    return {"events": [{"state": state, "at": iso(at), "note": note} for state, at, note in states]}


@pytest.mark.parametrize(
    ("release", "began", "changed"),
    [
        (events(("locked", 1, ""), ("switching", 10, ""), ("baking", 13, "observed")), 10, 13),
        (events(("switching", 10, ""), ("baking", 13, ""), ("baking", 90, "resumed")), 10, 13),
        (
            events(
                ("stepping", 10, ""), ("step_baking", 12, ""), ("stepping", 300, ""), ("step_baking", 303, "")
            ),
            10,
            303,
        ),
        (events(("stepping", 10, ""), ("step_baking", 12, ""), ("switching", 600, "")), 10, 600),
    ],
)
def test_window_begins_with_the_last_change_of_the_weights(
    release: dict[str, Any], began: float, changed: float
) -> None:
    assert times(release) == Times(began, changed)


def test_each_change_of_the_weights_has_its_own_verdict() -> None:
    first, second = {"since": "a", "result": "passed"}, {"since": "b", "result": "passed"}
    record = {"since": "b", "result": "failed"}
    assert verdicts({}, first) == [first]
    assert verdicts({"analysis": [first]}, second) == [first, second]
    assert verdicts({"analysis": [first, second]}, record) == [first, record], "a bake that was interrupted"
