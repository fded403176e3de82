"""The verdict of the analysis, as tables: thresholds and minutes in, verdict out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.messages.catalogue import CATALOGUE
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import (
    HISTORY,
    Finding,
    Measured,
    Minute,
    Result,
    Thresholds,
    Verdict,
    judge,
)
from ansible_collections.teal.platform.plugins.module_utils.release.analysis_messages import (
    numbers,
    reason,
    record,
    summary,
)

BEGAN = 6000.0
#: The last minute that the tests publish: five whole minutes after the switch.
MINUTES = 5
NOW = BEGAN + MINUTES * 60 + 120


def row(requests: int = 1000, errors: int = 0, refused: int = 0, p90: float = 50, p99: float = 100) -> Any:
    """Return the numbers of a minute."""
    return {"requests": requests, "errors": errors, "refused": refused, "p90": p90, "p99": p99}


def series(since: float, *rows: Any) -> list[Minute]:
    """Return minutes from `since` on; an empty row is a minute that was not published."""
    return [Minute(since + 60 * number, **one) for number, one in enumerate(rows) if one]


def after(*rows: Any) -> list[Minute]:
    return series(BEGAN, *rows)


def before(one: Any) -> list[Minute]:
    return series(BEGAN - HISTORY * 60, *[one] * HISTORY)


def measured(**given: Any) -> Measured:
    """Return a release that has all traffic of a service with 1,000 requests a minute."""
    whole: dict[str, Any] = {
        "now": NOW,
        "changed": BEGAN,
        "began": BEGAN,
        "new": after(*[row()] * MINUTES),
        "old": before(row()),
        "balancer": [*before(row()), *after(*[row()] * MINUTES)],
    }
    return Measured(**(whole | given))


def codes(verdict: Verdict) -> list[str]:
    return [each.code for each in verdict.findings]


FIXED = Thresholds(error_rate=1, latency_p90=200, latency_p99=500, balancer_error_increase=1)
RELATIVE = Thresholds(error_increase=0.5, latency_p90_ratio=1.5, latency_p99_ratio=2)


@pytest.mark.parametrize("thresholds", [FIXED, RELATIVE, Thresholds(error_rate=0)])
def test_good_release_passes(thresholds: Thresholds) -> None:
    verdict = judge(thresholds, measured())
    assert (verdict.result, verdict.findings) == (Result.PASSED, [])
    assert verdict.new.requests == 5000


@pytest.mark.parametrize(
    ("thresholds", "new", "found"),
    [
        (FIXED, row(errors=11), ["error_rate"]),
        (FIXED, row(errors=10), []),
        (FIXED, row(refused=11), ["error_rate"]),
        (FIXED, row(errors=6, refused=5), ["error_rate"]),
        (FIXED, row(p90=201), ["latency_p90"]),
        (FIXED, row(p99=501), ["latency_p99"]),
        (FIXED, row(p90=200, p99=500), []),
        (FIXED, row(errors=20, p90=900, p99=900), ["error_rate", "latency_p90", "latency_p99"]),
        (RELATIVE, row(errors=6), ["error_increase"]),
        (RELATIVE, row(errors=5), []),
        (RELATIVE, row(p90=76), ["latency_p90_ratio"]),
        (RELATIVE, row(p90=75), []),
        (RELATIVE, row(p99=201), ["latency_p99_ratio"]),
        (Thresholds(error_rate=0), row(errors=1), ["error_rate"]),
    ],
)
def test_thresholds(thresholds: Thresholds, new: Any, found: list[str]) -> None:
    """A value at its threshold is allowed."""
    verdict = judge(thresholds, measured(new=after(*[new] * MINUTES)))
    assert codes(verdict) == found
    assert verdict.result == (Result.FAILED if found else Result.PASSED)


def test_single_failed_request_is_tolerated() -> None:
    strict = Thresholds(error_rate=0, error_increase=0)
    one = [row(errors=1), *[row()] * 4]
    assert judge(strict, measured(new=after(*one))).result == Result.PASSED
    assert judge(strict, measured(new=after(row(errors=2), *one[1:]))).result == Result.FAILED


def test_small_differences_in_latency_are_not_compared() -> None:
    quick = measured(old=before(row(p90=2, p99=4)), new=after(*[row(p90=8, p99=12)] * MINUTES))
    assert judge(RELATIVE, quick).result == Result.PASSED


@pytest.mark.parametrize(
    ("old_after", "old_before", "errors", "compared_with", "result"),
    [
        # The old group has traffic: what was before does not matter. Both versions suffer from the same dependency.
        (row(errors=50), row(), 50, "same minutes", Result.PASSED),
        (row(), row(errors=50), 50, "same minutes", Result.FAILED),
        # All traffic has left the old group.
        (None, row(errors=50), 50, "before", Result.PASSED),
        (None, row(), 50, "before", Result.FAILED),
        # A few last requests of open connections are no baseline.
        (row(requests=3, errors=3), row(), 50, "before", Result.FAILED),
        (None, None, 50, "", Result.INCONCLUSIVE),
        (None, row(requests=1), 0, "", Result.INCONCLUSIVE),
    ],
)
def test_baseline(old_after: Any, old_before: Any, errors: int, compared_with: str, result: Result) -> None:
    old = [*before(old_before), *after(*[old_after] * MINUTES)]
    verdict = judge(RELATIVE, measured(old=old, new=after(*[row(errors=errors)] * MINUTES)))
    assert (verdict.compared_with, verdict.result) == (compared_with, result)
    assert ("no_baseline" in codes(verdict)) == (not compared_with)


def test_fixed_thresholds_need_no_baseline() -> None:
    assert judge(FIXED, measured(old=[])).result == Result.PASSED


@pytest.mark.parametrize(
    ("usual", "now", "new", "found"),
    [
        (0, 11, 1000, ["balancer_error_increase"]),
        (0, 10, 1000, []),
        # The load balancer had this rate before the release, too.
        (30, 30, 1000, []),
        (30, 45, 1000, ["balancer_error_increase"]),
        # The new version has 5 % of the traffic, and each 20th of its requests dies.
        (0, 2, 50, ["balancer_error_increase"]),
        # A single error among few requests.
        (0, 0.2, 50, []),
    ],
)
def test_own_errors_of_the_load_balancer(usual: int, now: float, new: int, found: list[str]) -> None:
    """They are not counted by target group: what exceeds their rate before the release counts as the release's."""
    first, *others = [row(errors=round(now * MINUTES)), *[row()] * (MINUTES - 1)]
    balancer = [*before(row(errors=usual)), *after(first, *others)]
    given = measured(balancer=balancer, new=after(*[row(requests=new)] * MINUTES))
    assert codes(judge(Thresholds(balancer_error_increase=1), given)) == found


@pytest.mark.parametrize(
    ("new", "own", "found"),
    [
        ([row(requests=10)] * 5, 0, ["few_requests"]),
        ([row(requests=20)] * 5, 0, []),
        # The bake's own requests are no users.
        ([row(requests=140)] * 5, 120, []),
        ([row(requests=130)] * 5, 120, ["few_requests"]),
        ([row(), row()], 0, ["few_minutes"]),
        ([row(), None, row(), None, row()], 0, []),
        ([], 0, ["few_requests", "few_minutes", "no_latency_p90", "no_latency_p99"]),
        ([row(p99=None)] * 5, 0, ["no_latency_p99"]),
    ],
)
def test_too_little_to_judge_is_inconclusive(new: list[Any], own: float, found: list[str]) -> None:
    verdict = judge(FIXED, measured(new=after(*new), own=own))
    assert codes(verdict) == found
    assert verdict.result == (Result.INCONCLUSIVE if found else Result.PASSED)
    assert not verdict.unreadable


def test_errors_among_few_requests_are_inconclusive() -> None:
    assert codes(judge(FIXED, measured(new=after(*[row(requests=10, errors=10)] * 5)))) == ["few_requests"]


def test_bad_release_fails_before_all_minutes_are_measured() -> None:
    early = measured(now=BEGAN + 60 + 120, new=after(row(errors=100)))
    assert judge(FIXED, early).result == Result.FAILED


@pytest.mark.parametrize(
    ("changed", "now", "counted"),
    [
        (BEGAN, NOW, 5),
        # The minute of the switch has requests from before it, and the preview's.
        (BEGAN + 1, NOW, 4),
        # The metrics of the last minute may still grow.
        (BEGAN, NOW - 1, 4),
        (BEGAN, BEGAN + 60 + 119, 0),
        # A later change of the weights begins a new window.
        (BEGAN + 120, NOW, 3),
    ],
)
def test_only_complete_minutes_since_the_change_count(changed: float, now: float, counted: int) -> None:
    assert judge(FIXED, measured(changed=changed, now=now)).new.minutes == counted


def test_published_minute_of_the_first_requests_does_not_count_as_history() -> None:
    """The baseline ends before the release had traffic, and not before the last change of the weights."""
    old = [*before(row()), *after(row(errors=1000), row(errors=1000))]
    verdict = judge(RELATIVE, measured(changed=BEGAN + 120, old=old, new=series(BEGAN + 120, *[row()] * 3)))
    assert (verdict.compared_with, verdict.baseline.errors) == ("before", 0)


@pytest.mark.parametrize(
    ("now", "found"), [(NOW, ["silent"]), (BEGAN + 100, ["few_requests", "few_minutes"])]
)
def test_silent_cloudwatch_is_reported(now: float, found: list[str]) -> None:
    quiet = measured(now=now, new=[], balancer=before(row()))
    verdict = judge(Thresholds(error_rate=1), quiet)
    assert (verdict.result, codes(verdict)) == (Result.INCONCLUSIVE, found)
    assert verdict.unreadable == (found == ["silent"])


def test_late_failure_is_not_hidden_by_a_good_hour() -> None:
    hour = [row()] * 57 + [row(errors=50)] * 3
    given = measured(now=BEGAN + 60 * 60 + 120, new=after(*hour))
    verdict = judge(FIXED, given)
    assert (verdict.result, verdict.new.minutes) == (Result.FAILED, 3)


def test_latency_is_weighted_by_requests() -> None:
    """A slow minute with few requests, such as the first one of a JVM, does not outweigh the others."""
    given = measured(new=after(row(requests=10, p99=5000), *[row(requests=1000)] * 4))
    assert judge(FIXED, given).new.p99 == pytest.approx(112.2, abs=0.1)
    assert judge(FIXED, given).result == Result.PASSED


@pytest.mark.parametrize(
    ("thresholds", "needed"), [(Thresholds(), 360), (Thresholds(minutes=1, delay=60), 180)]
)
def test_bake_that_is_needed(thresholds: Thresholds, needed: float) -> None:
    assert thresholds.needed == needed
    worst = BEGAN + 1
    minutes = after(*[row()] * 20)
    late = measured(changed=worst, now=worst + needed, new=minutes, balancer=minutes)
    assert judge(
        Thresholds(error_rate=1, minutes=thresholds.minutes, delay=thresholds.delay), late
    ).result == (Result.PASSED)


def test_each_finding_has_a_text() -> None:
    every = {
        "failed": 1,
        "requests": 2,
        "rate": 1.0,
        "baseline": 1.0,
        "errors": 1,
        "usual": 0.1,
        "value": 2.0,
    }
    every |= {"name": "checkout", "condition": "at most 5", "error": "Throttling"}
    codes = [name.partition(".")[2] for name in CATALOGUE if name.startswith("finding.")]
    assert codes
    for code in codes:
        assert reason(Finding(code, 3, 4, every))


def test_texts_name_numbers_and_setting() -> None:
    verdict = judge(FIXED, measured(new=after(*[row(errors=21, p90=40)] * MINUTES)))
    assert summary(verdict) == (
        "analysis failed: 2.10 % of the new version's requests failed (105 of 5000), and at most 1 % are allowed "
        "(error_rate). Measured: new version 5000 requests, 105 failed (2.10 %), p90 40 ms, p99 100 ms in 5 min; old "
        "version 15000 requests, 0 failed (0.00 %), p90 50 ms, p99 100 ms before the switch"
    )


def test_verdict_in_korean() -> None:
    verdict = judge(FIXED, measured(new=after(*[row(errors=21, p90=40)] * MINUTES)))
    assert Reader("ko").show(summary(verdict)) == (
        "분석 실패: 새 버전 요청의 실패율 2.10%(5000건 중 105건), 허용치 1%(error_rate). 측정값: 새 버전 5분 동안 "
        "요청 5000건, 실패 105건(2.10%), p90 40 ms, p99 100 ms; 이전 버전 전환 전 요청 15000건, 실패 0건(0.00%), "
        "p90 50 ms, p99 100 ms"
    )


def test_numbers_without_metrics() -> None:
    assert numbers(judge(FIXED, measured(new=[], old=[], balancer=[]))) == "nothing measured"


def test_record_has_no_floats() -> None:
    """DynamoDB's client refuses floats."""
    from boto3.dynamodb.types import TypeSerializer

    stored = record(judge(RELATIVE, measured(new=after(*[row(errors=21, p90=40.4)] * MINUTES))))
    TypeSerializer().serialize(stored)
    assert stored["result"] == "failed"
    assert stored["new"] == {"requests": 5000, "errors": 105, "refused": 0, "p90_ms": 40, "p99_ms": 100}
    assert stored["baseline"]["requests"] == 15000
