"""The load balancers' metrics: which are counted where, and when they are published."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.balancer_metrics import Metrics, data

ALB, GROUP = "arn:aws:x:loadbalancer/app/a/1", "arn:aws:x:targetgroup/blue/2"


class Clock:
    now = 600.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock=clock)


def published(metrics: Metrics) -> dict[tuple[float, str, str], Any]:
    """Return what is published now: (minute, metric, dimensions) -> value, or values with their counts."""
    found = {}
    for at, _balancer, group, minute in metrics.due():
        for one in data(at, "app/a/1", group, minute):
            dimensions = ",".join(each["Name"] for each in one["Dimensions"])
            value = one.get("Value", dict(zip(one.get("Values", []), one.get("Counts", []), strict=True)))
            found[one["Timestamp"], one["MetricName"], dimensions] = value
    return found


def test_minute_is_published_after_the_delay(metrics: Metrics, clock: Clock) -> None:
    metrics.count(ALB, "RequestCount", group=GROUP)
    clock.now = 659
    metrics.count(ALB, "RequestCount", group=GROUP)
    clock.now = 660
    metrics.count(ALB, "RequestCount", group=GROUP)
    clock.now = 719
    assert published(metrics) == {}
    clock.now = 720
    first = published(metrics)
    assert first[600, "RequestCount", "TargetGroup,LoadBalancer"] == 2
    assert first[600, "RequestCount", "LoadBalancer"] == 2
    assert {at for at, *_ in first} == {600}
    assert published(metrics) == {}, "once"
    clock.now = 780
    assert published(metrics)[660, "RequestCount", "LoadBalancer"] == 1


def test_dimensions_are_those_of_aws(metrics: Metrics, clock: Clock) -> None:
    metrics.count(ALB, "RequestCount", group=GROUP, targets=2)
    metrics.answered(ALB, GROUP, "503", 0.12345)
    metrics.count(ALB, "TargetConnectionErrorCount", group=GROUP)
    metrics.count(ALB, "HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_502_Count")
    clock.now = 720
    both = ("TargetGroup,LoadBalancer", "LoadBalancer")
    assert published(metrics) == {
        **{(600, "RequestCount", where): 1 for where in both},
        **{(600, "HTTPCode_Target_5XX_Count", where): 1 for where in both},
        **{(600, "TargetConnectionErrorCount", where): 1 for where in both},
        **{(600, "TargetResponseTime", where): {0.123: 1} for where in both},
        **{(600, "RequestCountPerTarget", where): 0.5 for where in ("TargetGroup", both[0])},
        (600, "HTTPCode_ELB_5XX_Count", "LoadBalancer"): 1,
        (600, "HTTPCode_ELB_502_Count", "LoadBalancer"): 1,
    }


def test_minute_without_events_is_not_published(metrics: Metrics, clock: Clock) -> None:
    clock.now = 6000
    assert published(metrics) == {}


def test_compressed_clock(clock: Clock) -> None:
    metrics = Metrics(period=1, delay=0.5, clock=clock)
    metrics.count(ALB, "RequestCount")
    clock.now = 601.4
    assert published(metrics) == {}
    clock.now = 601.5
    assert published(metrics) == {(600, "RequestCount", "LoadBalancer"): 1}
