"""The load balancers' CloudWatch metrics: counted by minute, and published late, as an ALB does.

AWS publishes a metric for a minute only if it had events, some time after the end of the minute. Most metrics exist for
the load balancer and for each of its target groups; the load balancer's own errors exist for the load balancer only.
Metrics by availability zone are not published.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

NAMESPACE = "AWS/ApplicationELB"
PERIOD_SECONDS = 60.0
DELAY_SECONDS = 60.0
PERIODS = (1, 5, 10, 20, 30, 60)
"""The lengths of a minute that can be set: the periods up to a minute that CloudWatch's API accepts."""


@dataclass
class Minute:
    """What one load balancer or target group had within a period: counts by metric, and answer times in seconds."""

    counts: Counter[str] = field(default_factory=Counter)
    times: Counter[float] = field(default_factory=Counter)
    targets: int = 0


class Metrics:
    """Counts by (load balancer ARN, target group ARN or "") and period. `delay` is the publishing delay in seconds."""

    def __init__(
        self,
        period: float = PERIOD_SECONDS,
        delay: float = DELAY_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.period = period
        self.delay = delay
        self._clock = clock
        self._minutes: dict[float, dict[tuple[str, str], Minute]] = {}

    def count(self, balancer: str, *names: str, group: str = "", targets: int = 0) -> None:
        """Count an event of a load balancer, and of one of its target groups, which has `targets` healthy targets."""
        for minute in self._current(balancer, group):
            minute.counts.update(names)
            minute.targets = max(minute.targets, targets)

    def answered(self, balancer: str, group: str, status: str, seconds: float) -> None:
        """Count an answer of a target. `seconds` is the time until its headers."""
        self.count(balancer, f"HTTPCode_Target_{status[:1]}XX_Count", group=group)
        for minute in self._current(balancer, group):
            minute.times[float(f"{seconds:.3g}")] += 1

    def _current(self, balancer: str, group: str) -> list[Minute]:
        at = self._clock() // self.period * self.period
        minutes = self._minutes.setdefault(at, defaultdict(Minute))
        return [minutes[balancer, name] for name in dict.fromkeys(("", group))]

    def due(self) -> Iterator[tuple[float, str, str, Minute]]:
        """Remove and return the minutes that are published now: start, load balancer, target group or "", content."""
        latest = self._clock() - self.delay - self.period
        for at in sorted(self._minutes):
            if at <= latest:
                for (balancer, group), minute in self._minutes.pop(at).items():
                    yield at, balancer, group, minute


def data(at: float, balancer: str, group: str, minute: Minute) -> list[dict[str, Any]]:
    """Return a minute as CloudWatch's MetricData. `balancer` is the dimension's value, `group` an ARN or empty."""
    whole = {"Name": "LoadBalancer", "Value": balancer}
    one = {"Name": "TargetGroup", "Value": group.rsplit(":", 1)[-1]}
    common = {"Timestamp": at, "Dimensions": [one, whole] if group else [whole]}
    found: list[dict[str, Any]] = [
        {**common, "MetricName": name, "Value": count, "Unit": "Count"}
        for name, count in minute.counts.items()
    ]
    if minute.times:
        values = {"Values": list(minute.times), "Counts": list(minute.times.values())}
        found.append({**common, "MetricName": "TargetResponseTime", "Unit": "Seconds", **values})
    if group and minute.counts["RequestCount"]:
        share = minute.counts["RequestCount"] / max(1, minute.targets)
        found += [
            {
                "MetricName": "RequestCountPerTarget",
                "Timestamp": at,
                "Dimensions": dimensions,
                "Value": share,
                "Unit": "Count",
            }
            for dimensions in ([one], [one, whole])
        ]
    return found
