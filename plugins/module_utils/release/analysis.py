# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The analysis of a release: thresholds and measured minutes in, verdict out. It calls nothing and reads no clock.

A minute is one period of the load balancer's metrics in CloudWatch. Metrics without events are not published, and a
minute is complete only some time after its end. So a minute counts once its request count is published and it is older
than the publishing delay.

A release that gets traffic is judged by the minutes since the weights were last changed. It is compared with the old
slot's target group in the same minutes. If that has too few requests (all traffic has left it), it is compared with the
same group before the release had traffic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: A single failed request never fails a release: among few requests it would be many percent.
_LEAST_ERRORS = 2
#: Differences in latency below this, in milliseconds, are never compared: between 2 ms and 4 ms lies a factor of 2.
_LEAST_DELAY = 10.0
#: How many minutes before the release had traffic are its baseline.
HISTORY = 15


class Result(StrEnum):
    """The verdict on a release. A release with too few requests, or without metrics, is inconclusive."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Thresholds:
    """When the analysis fails a release. None means that a threshold is not set.

    error_rate: percent of the new group's requests that may fail. error_increase: percentage points by which that may be
    above the baseline. balancer_error_increase: 5xx answers of the load balancer itself beyond its rate before the
    release, in percent of the new group's requests. latency_p90, latency_p99: milliseconds. latency_p90_ratio,
    latency_p99_ratio: factor to the baseline. min_requests: requests of users that the new group needs, and the baseline
    too. minutes: how many minutes have to be measured. period: seconds of a minute. delay: seconds after the end of a
    minute until its metrics are complete.
    """

    error_rate: float | None = None
    error_increase: float | None = None
    balancer_error_increase: float | None = None
    latency_p90: float | None = None
    latency_p99: float | None = None
    latency_p90_ratio: float | None = None
    latency_p99_ratio: float | None = None
    min_requests: int = 100
    minutes: int = 3
    period: float = 60.0
    delay: float = 120.0

    @property
    def needed(self) -> float:
        """Seconds that a bake needs: the rest of the minute of the switch, the minutes, and the publishing delay."""
        return self.period * (1 + self.minutes) + self.delay


@dataclass(frozen=True)
class Minute:
    """The metrics of one minute that begins at `at` (seconds since 1970). Latencies are milliseconds.

    For a target group, `errors` are the 5xx answers of its targets and `refused` the connections that they did not accept.
    For the load balancer, `errors` are its own answers 502, 503 and 504.
    """

    at: float
    requests: int
    errors: int = 0
    refused: int = 0
    p90: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Measured:
    """All minutes that were read, by AWS's clock.

    now: the current time. changed: when the weights were last changed. began: when the release first got traffic.
    own: the bake's own requests to the new group per minute, which are no requests of users.
    """

    now: float
    changed: float
    began: float
    new: list[Minute] = field(default_factory=list)
    old: list[Minute] = field(default_factory=list)
    balancer: list[Minute] = field(default_factory=list)
    own: float = 0.0


@dataclass(frozen=True)
class Finding:
    """One reason of a verdict: a threshold that was exceeded, or something that could not be judged."""

    code: str
    measured: float = 0.0
    allowed: float = 0.0
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Total:
    """The sum of minutes. A latency is the mean of the minutes' percentiles, weighted by their requests."""

    minutes: int = 0
    requests: int = 0
    errors: int = 0
    refused: int = 0
    p90: float | None = None
    p99: float | None = None

    @property
    def failed(self) -> int:
        """Requests that failed. A refused connection is counted as one failed request."""
        return self.errors + self.refused

    @property
    def rate(self) -> float:
        """Percent of the requests that failed."""
        return 100.0 * self.failed / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Verdict:
    """A verdict with its reasons, and the numbers that it is based on.

    `compared_with` says which minutes are the baseline: `same minutes`, `before` or empty.
    """

    result: Result
    findings: list[Finding] = field(default_factory=list)
    new: Total = field(default_factory=Total)
    baseline: Total = field(default_factory=Total)
    compared_with: str = ""
    balancer: Total = field(default_factory=Total)
    balancer_before: Total = field(default_factory=Total)

    @property
    def unreadable(self) -> bool:
        """Whether the release could not be judged because of its metrics, and not because of the release."""
        return self.result == Result.INCONCLUSIVE and any(each.code in UNREADABLE for each in self.findings)


#: Findings about CloudWatch or Prometheus, and not about the release.
UNREADABLE = frozenset({"silent", "unreadable", "query_unreadable"})


def judge(thresholds: Thresholds, measured: Measured) -> Verdict:
    """Return the verdict on all complete minutes since the weights were last changed.

    The latest minutes are judged by themselves too, so that a long good time does not hide a release that turns bad.
    """
    window = _complete(thresholds, measured, measured.new)
    whole = _judge(thresholds, measured, window)
    if whole.result != Result.FAILED and len(window) > thresholds.minutes:
        latest = _judge(thresholds, measured, window[-thresholds.minutes :])
        if latest.result == Result.FAILED:
            return latest
    return whole


def _complete(thresholds: Thresholds, measured: Measured, minutes: Iterable[Minute]) -> list[Minute]:
    """Return the minutes that count, in their order: those that began after the change and are old enough."""
    latest = measured.now - thresholds.delay - thresholds.period
    return sorted(
        (each for each in minutes if measured.changed <= each.at <= latest), key=lambda each: each.at
    )


def total(minutes: Iterable[Minute], own: float = 0.0) -> Total:
    """Return the sum of `minutes`, less `own` requests in each."""
    given = list(minutes)
    requests = sum(each.requests for each in given)
    return Total(
        minutes=len(given),
        requests=max(0, round(requests - own * len(given))),
        errors=sum(each.errors for each in given),
        refused=sum(each.refused for each in given),
        p90=_mean((each.p90, each.requests) for each in given),
        p99=_mean((each.p99, each.requests) for each in given),
    )


def _mean(values: Iterable[tuple[float | None, int]]) -> float | None:
    given = [(value, weight) for value, weight in values if value is not None and weight]
    weights = sum(weight for _value, weight in given)
    return sum(value * weight for value, weight in given) / weights if weights else None


def _judge(thresholds: Thresholds, measured: Measured, window: list[Minute]) -> Verdict:
    """Return the verdict on the minutes of `window`."""
    times = {each.at for each in window}
    since = measured.began - HISTORY * thresholds.period

    def before(minutes: list[Minute]) -> Total:
        return total(each for each in minutes if since <= each.at <= measured.began - thresholds.period)

    def same(minutes: list[Minute]) -> Total:
        return total(each for each in minutes if each.at in times)

    new = total(window, measured.own)
    compared_with, baseline = "same minutes", same(measured.old)
    if baseline.requests < thresholds.min_requests:
        compared_with, baseline = "before", before(measured.old)
    if baseline.requests < thresholds.min_requests:
        compared_with = ""
    balancer, balancer_before = same(measured.balancer), before(measured.balancer)
    failed, gaps = _exceeded(thresholds, new, baseline if compared_with else None, balancer, balancer_before)
    too_few: list[Finding] = []
    if new.requests < thresholds.min_requests:
        too_few.append(Finding("few_requests", new.requests, thresholds.min_requests))
    if new.minutes < thresholds.minutes:
        too_few.append(Finding("few_minutes", new.minutes, thresholds.minutes))
    # The bake's own requests alone make the load balancer publish each minute.
    if _ended(thresholds, measured) and not _complete(thresholds, measured, measured.balancer):
        too_few = [Finding("silent", allowed=thresholds.delay)]
    if failed and new.requests >= thresholds.min_requests:
        result, findings = Result.FAILED, failed
    elif found := too_few + gaps:
        result, findings = Result.INCONCLUSIVE, found
    else:
        result, findings = Result.PASSED, []
    return Verdict(result, findings, new, baseline, compared_with, balancer, balancer_before)


def _ended(thresholds: Thresholds, measured: Measured) -> bool:
    """Return whether the metrics of a whole minute since the change should be published by now."""
    return measured.now - measured.changed >= 2 * thresholds.period + thresholds.delay


def _exceeded(
    thresholds: Thresholds, new: Total, baseline: Total | None, balancer: Total, before: Total
) -> tuple[list[Finding], list[Finding]]:
    """Return the thresholds that are exceeded, and those that could not be judged."""
    failed: list[Finding] = []
    gaps: list[Finding] = []
    counts = {"failed": new.failed, "requests": new.requests}
    many = new.failed >= _LEAST_ERRORS
    if thresholds.error_rate is not None and many and new.rate > thresholds.error_rate:
        failed.append(Finding("error_rate", new.rate, thresholds.error_rate, counts))
    if thresholds.error_increase is not None and baseline:
        increase = new.rate - baseline.rate
        if many and increase > thresholds.error_increase:
            numbers = {**counts, "rate": new.rate, "baseline": baseline.rate}
            failed.append(Finding("error_increase", increase, thresholds.error_increase, numbers))
    if thresholds.balancer_error_increase is not None and new.requests:
        # The load balancer does not count its own errors by target group. What exceeds the usual is the release's.
        excess = balancer.errors - before.rate / 100 * balancer.requests
        rate = 100.0 * excess / new.requests
        if excess >= _LEAST_ERRORS and rate > thresholds.balancer_error_increase:
            numbers = {"errors": balancer.errors, "usual": before.rate, "requests": balancer.requests}
            failed.append(
                Finding("balancer_error_increase", rate, thresholds.balancer_error_increase, numbers)
            )
    for name in ("p90", "p99"):
        value: float | None = getattr(new, name)
        limit, ratio = getattr(thresholds, f"latency_{name}"), getattr(thresholds, f"latency_{name}_ratio")
        if value is None:
            gaps += [Finding(f"no_latency_{name}")] if (limit, ratio) != (None, None) else []
            continue
        if limit is not None and value > limit:
            failed.append(Finding(f"latency_{name}", value, limit))
        usual = getattr(baseline, name) if baseline else None
        if ratio is not None and usual is None and baseline:
            gaps.append(Finding(f"no_baseline_latency_{name}"))
        elif ratio is not None and usual and value > usual * ratio and value - usual >= _LEAST_DELAY:
            numbers = {"value": value, "baseline": usual}
            failed.append(Finding(f"latency_{name}_ratio", value / usual, ratio, numbers))
    relative = (thresholds.error_increase, thresholds.latency_p90_ratio, thresholds.latency_p99_ratio)
    if not baseline and relative != (None, None, None):
        gaps.append(Finding("no_baseline", allowed=thresholds.min_requests))
    return failed, gaps
