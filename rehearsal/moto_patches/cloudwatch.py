"""CloudWatch: percentiles, exact dimensions, whole periods, and the periods that GetMetricData accepts."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import (
    CloudWatchBackend,
    MetricAggregatedDatum,
    MetricDatum,
    MetricDatumBase,
    Statistics,
)

SHORT_PERIODS = {1, 5, 10, 20, 30}
"""The periods in seconds that AWS accepts besides multiples of 60."""
QUERIES_AT_ONCE = 500


class Distribution(MetricAggregatedDatum):
    """Many values in one datum. moto stores each value of `Values` and `Counts` as a datum of its own."""

    def __init__(self, namespace: str, metric: dict[str, Any]) -> None:
        values = [float(value) for value in metric["Values"]]
        counts = [int(float(count)) for count in metric.get("Counts") or [1] * len(values)]
        self.values: Counter[float] = Counter()
        for value, count in zip(values, counts, strict=True):
            self.values[value] += count
        super().__init__(
            namespace=namespace,
            name=metric["MetricName"],
            min_stat=min(values),
            max_stat=max(values),
            sample_count=sum(counts),
            sum_stat=sum(value * count for value, count in self.values.items()),
            dimensions=metric.get("Dimensions") or [],
            timestamp=metric.get("Timestamp"),
            unit=metric.get("Unit"),
        )


def percentile(values: Counter[float], percent: float) -> float:
    """Return the smallest value that `percent` of all values do not exceed."""
    left = sum(values.values()) * percent / 100
    for value in sorted(values):
        left -= values[value]
        if left <= 1e-9:
            return value
    return max(values)


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    put, get = CloudWatchBackend.put_metric_data, CloudWatchBackend.get_metric_data
    statistics, plain = CloudWatchBackend.get_metric_statistics, Statistics.get_statistics_for_type

    def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        for metric in metric_data:
            if isinstance(at := metric.get("Timestamp"), int | float):  # The balancer sends JSON.
                metric["Timestamp"] = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
        put(self, namespace, [metric for metric in metric_data if not metric.get("Values")])
        self.metric_data += [
            Distribution(namespace, metric) for metric in metric_data if metric.get("Values")
        ]

    def get_metric_data(
        self: CloudWatchBackend,
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        _check(queries)
        if start_time >= end_time or any("Expression" in query for query in queries):
            return get(self, queries, start_time, end_time, scan_by)
        wanted = {query["Id"]: _key(query["MetricStat"]) for query in queries}
        found = defaultdict(list)
        for datum in self.get_all_metrics():
            if start_time <= datum.timestamp < end_time:
                found[_key_of(datum)].append(datum)
        return [
            _series(query, found[wanted[query["Id"]]], start_time, scan_by)
            for query in queries
            if query.get("ReturnData", True)
        ]

    def get_metric_statistics(self: CloudWatchBackend, *args: Any, **kwargs: Any) -> list[Statistics]:
        """Compare all dimensions: moto counts a metric of a target group and load balancer as the target group's, too."""
        asked = {each["Name"]: each["Value"] for each in kwargs.get("dimensions") or []}
        every = self.metric_data
        self.metric_data = [datum for datum in every if _dimensions(datum) == asked]
        try:
            return statistics(self, *args, **kwargs)
        finally:
            self.metric_data = every

    def get_statistics_for_type(self: Statistics, stat: str) -> Any:
        if not (stat.startswith("p") and stat[1:].replace(".", "", 1).isdigit()):
            return plain(self, stat)
        values: Counter[float] = Counter()
        for datum in self.metric_data:
            values.update(datum.values if isinstance(datum, Distribution) else ())
            values.update([datum.value] if isinstance(datum, MetricDatum) else ())
        return percentile(values, float(stat[1:])) if values else None

    CloudWatchBackend.put_metric_data = put_metric_data
    CloudWatchBackend.get_metric_data = get_metric_data
    CloudWatchBackend.get_metric_statistics = get_metric_statistics
    Statistics.get_statistics_for_type = get_statistics_for_type


def _check(queries: list[dict[str, Any]]) -> None:
    """Refuse what AWS refuses."""
    if len(queries) > QUERIES_AT_ONCE:
        raise ValidationError(
            f"The collection MetricDataQueries must not have a size greater than {QUERIES_AT_ONCE}."
        )
    ids = Counter(query["Id"] for query in queries)
    for name, count in ids.items():
        if not (name[:1].islower() and name.replace("_", "").isalnum()) or count > 1:
            raise ValidationError(f'The value "{name}" for parameter MetricDataQueries.member.Id is invalid.')
    for query in queries:
        period = int(query.get("MetricStat", {}).get("Period", 60))
        if period not in SHORT_PERIODS and (period < 60 or period % 60):
            raise ValidationError(
                "The parameter MetricDataQueries.member.MetricStat.Period must be 1, 5, 10, 20, 30 or a multiple of 60."
            )


def _dimensions(datum: MetricDatumBase) -> dict[str, str]:
    return {each.name: each.value for each in datum.dimensions}


def _key(stat: dict[str, Any]) -> tuple[Any, ...]:
    metric = stat["Metric"]
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
    return metric["Namespace"], metric["MetricName"], frozenset(dimensions.items())


def _key_of(datum: MetricDatumBase) -> tuple[Any, ...]:
    return datum.namespace, datum.name, frozenset(_dimensions(datum).items())


def _series(
    query: dict[str, Any], data: list[MetricDatumBase], start: datetime, scan_by: str
) -> dict[str, Any]:
    """Return the result of one query. Periods begin at multiples of the period, and not where moto finds the first datum."""
    stat = query["MetricStat"]
    length = timedelta(seconds=int(stat["Period"]))
    periods: dict[datetime, Statistics] = {}
    for datum in data:
        if stat.get("Unit") in (None, datum.unit):
            at = datum.timestamp - (datum.timestamp - datetime.min) % length
            periods.setdefault(at, Statistics([stat["Stat"]], at)).metric_data.append(datum)
    times = sorted(periods, reverse=scan_by == "TimestampDescending")
    return {
        "id": query["Id"],
        "label": query.get("Label") or f"{stat['Metric']['MetricName']} {stat['Stat']}",
        "values": [periods[at].get_statistics_for_type(stat["Stat"]) for at in times],
        "timestamps": times,
        "status_code": "Complete",
    }
