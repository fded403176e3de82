# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Read the load balancer's metrics of both target groups from CloudWatch, by one GetMetricData for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Minute
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock

NAMESPACE = "AWS/ApplicationELB"
#: The names of a minute's fields, and the metric and statistic that each is read from.
GROUP = {
    "requests": ("RequestCount", "Sum"),
    "errors": ("HTTPCode_Target_5XX_Count", "Sum"),
    "refused": ("TargetConnectionErrorCount", "Sum"),
    "p90": ("TargetResponseTime", "p90"),
    "p99": ("TargetResponseTime", "p99"),
}
#: The same for the load balancer as a whole. Its own errors are the sum of three metrics.
BALANCER = {
    "requests": ("RequestCount", "Sum"),
    "errors_502": ("HTTPCode_ELB_502_Count", "Sum"),
    "errors_503": ("HTTPCode_ELB_503_Count", "Sum"),
    "errors_504": ("HTTPCode_ELB_504_Count", "Sum"),
}
_SERIES = {"new": GROUP, "old": GROUP, "balancer": BALANCER}
#: Seconds by which the clocks of this machine and of AWS may differ. AWS refuses calls with more than 15 minutes.
_SKEW = 900.0


class MetricsUnknown(Exception):
    """CloudWatch could not be read. The message says why."""


@dataclass(frozen=True)
class Reading:
    """The published minutes, and by how many seconds AWS's clock is ahead of this machine's."""

    ahead: float
    new: list[Minute]
    old: list[Minute]
    balancer: list[Minute]


class RequestMetrics:
    """The metrics of a release: `new` and `old` are the ARNs of the target groups, `balancer` of the load balancer.

    `connect` creates the CloudWatch client, at the first reading. `period` is the length of a minute in seconds.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        balancer: str,
        new: str,
        old: str,
        clock: Clock,
        period: float = 60.0,
    ) -> None:
        self.connect = connect
        self.clock = clock
        self.period = period
        whole = {"Name": "LoadBalancer", "Value": balancer.split(":loadbalancer/")[-1]}
        self._dimensions = {
            "new": [_group(new), whole],
            "old": [_group(old), whole],
            "balancer": [whole],
        }
        self._client: Any = None

    def read(self, since: float) -> Reading:
        """Return the published minutes from `since` (seconds since 1970) on. Raises MetricsUnknown."""
        begin = (since - _SKEW) // self.period * self.period
        request = {
            "MetricDataQueries": self._queries(),
            "StartTime": datetime.fromtimestamp(begin, UTC),
            "EndTime": datetime.fromtimestamp(self.clock.wall() + _SKEW, UTC),
            "ScanBy": "TimestampAscending",
        }
        found: dict[str, dict[float, float]] = defaultdict(dict)
        try:
            self._client = self._client or self.connect()
            while True:
                answer = self._client.get_metric_data(**request)
                for result in answer["MetricDataResults"]:
                    if result.get("StatusCode") in ("InternalError", "Forbidden"):
                        raise MetricsUnknown(_partly(result))
                    values = zip(result["Timestamps"], result["Values"], strict=True)
                    found[result["Id"]] |= {at.timestamp(): value for at, value in values}
                if not answer.get("NextToken"):
                    break
                request["NextToken"] = answer["NextToken"]
        except (ClientError, BotoCoreError) as error:
            raise MetricsUnknown(f"cloudwatch:GetMetricData failed: {error}") from error
        dated = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        now = self.clock.wall()
        ahead = parsedate_to_datetime(dated).timestamp() - now if dated else 0.0
        return Reading(ahead, **{series: _minutes(series, found) for series in _SERIES})

    def _queries(self) -> list[dict[str, Any]]:
        return [
            {
                "Id": f"{series}_{field}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": NAMESPACE,
                        "MetricName": metric,
                        "Dimensions": self._dimensions[series],
                    },
                    "Period": int(self.period),
                    "Stat": statistic,
                },
            }
            for series, fields in _SERIES.items()
            for field, (metric, statistic) in fields.items()
        ]


def _group(arn: str) -> dict[str, str]:
    return {"Name": "TargetGroup", "Value": arn.rsplit(":", 1)[-1]}


def _partly(result: dict[str, Any]) -> str:
    messages = "; ".join(message.get("Value", "") for message in result.get("Messages", []))
    return f"cloudwatch:GetMetricData returned {result['StatusCode']} for {result['Id']}: {messages}"


def _minutes(series: str, found: dict[str, dict[float, float]]) -> list[Minute]:
    """Return the minutes of a series whose request count is published. Other metrics without events are 0 or None."""

    def value(field: str, at: float) -> float | None:
        return found.get(f"{series}_{field}", {}).get(at)

    def count(at: float, *fields: str) -> int:
        return round(sum(value(field, at) or 0 for field in fields))

    def milliseconds(field: str, at: float) -> float | None:
        seconds = value(field, at)
        return None if seconds is None else seconds * 1000

    return [
        Minute(
            at,
            round(requests),
            errors=count(at, *(field for field in _SERIES[series] if field.startswith("errors"))),
            refused=count(at, "refused"),
            p90=milliseconds("p90", at),
            p99=milliseconds("p99", at),
        )
        for at, requests in sorted(found.get(f"{series}_requests", {}).items())
    ]
