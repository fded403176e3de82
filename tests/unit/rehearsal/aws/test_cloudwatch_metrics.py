"""The patches of CloudWatch: plain moto has each fault, patched moto does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_resources import name
from botocore.exceptions import ClientError

from rehearsal.balancer_metrics import Minute, data

START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
WHOLE = {"Name": "LoadBalancer", "Value": "app/a/1"}
GROUP = {"Name": "TargetGroup", "Value": "targetgroup/blue/1"}
FAULTS: list[Callable[[Any], Any]] = []


def fault(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    FAULTS.append(function)
    return function


def put(cloudwatch: Any, space: str, *data: dict[str, Any]) -> None:
    dated = [{"Timestamp": START, "MetricName": "m", "Dimensions": [GROUP, WHOLE], **one} for one in data]
    cloudwatch.put_metric_data(Namespace=space, MetricData=dated)


def read(cloudwatch: Any, space: str, stat: str = "Sum", **more: Any) -> dict[datetime, float]:
    dimensions, period = more.pop("dimensions", [GROUP, WHOLE]), more.pop("period", 60)
    metric = {"Namespace": space, "MetricName": more.pop("metric", "m"), "Dimensions": dimensions}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
    span = {"StartTime": START - timedelta(minutes=5), "EndTime": START + timedelta(minutes=10)}
    result = cloudwatch.get_metric_data(MetricDataQueries=[query], **(span | more))["MetricDataResults"][0]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


@fault
def no_percentiles(cloud: Any) -> Any:
    cloudwatch, space = cloud.client("cloudwatch"), name()
    put(cloudwatch, space, {"Values": [1.0, 2.0, 9.0], "Counts": [89, 10, 1]})
    found = [
        read(cloudwatch, space, stat).get(START) for stat in ("p50", "p90", "p99", "p100", "SampleCount")
    ]
    return found if found != [1, 2, 2, 9, 100] else None


@fault
def order_of_dimensions_matters(cloud: Any) -> Any:
    cloudwatch, space = cloud.client("cloudwatch"), name()
    put(cloudwatch, space, {"Value": 1}, {"Value": 2, "Dimensions": [WHOLE, GROUP]})
    found = [read(cloudwatch, space, dimensions=both) for both in ([GROUP, WHOLE], [WHOLE, GROUP])]
    return found if found != [{START: 3}] * 2 else None


@fault
def periods_begin_anywhere(cloud: Any) -> Any:
    cloudwatch, space = cloud.client("cloudwatch"), name()
    put(cloudwatch, space, {"Value": 1, "Timestamp": START + timedelta(seconds=50)})
    found = read(cloudwatch, space, StartTime=START - timedelta(seconds=90))
    return found if found != {START: 1} else None


@fault
def statistics_of_one_dimension_count_others(cloud: Any) -> Any:
    cloudwatch, space = cloud.client("cloudwatch"), name()
    put(cloudwatch, space, {"Value": 1}, {"Value": 1, "Dimensions": [GROUP]})
    found = cloudwatch.get_metric_statistics(
        Namespace=space,
        MetricName="m",
        Dimensions=[GROUP],
        StartTime=START,
        EndTime=START + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return found if [point["Sum"] for point in found] != [1] else None


def _refused(cloud: Any, **request: Any) -> Any:
    try:
        return read(cloud.client("cloudwatch"), "x", **request) or "accepted"
    except ClientError as error:
        return None if error.response["Error"]["Code"] == "ValidationError" else error


@fault
def any_period_is_accepted(cloud: Any) -> Any:
    return _refused(cloud, period=2) or _refused(cloud, period=90)


@pytest.mark.parametrize("function", FAULTS, ids=lambda function: function.__name__)
def test_patch(function: Callable[[Any], Any], plain: Any, patched: Any) -> None:
    def shown(cloud: Any) -> Any:
        try:
            return function(cloud)
        except (ClientError, LookupError) as error:
            return repr(error)

    assert shown(plain), "moto no longer needs this patch: remove it"
    assert not (wrong := shown(patched)), f"the fault is still there: {wrong}"


@pytest.mark.parametrize("period", [1, 5, 60, 300])
def test_valid_periods_are_accepted(patched: Any, period: int) -> None:
    assert read(patched.client("cloudwatch"), name(), period=period) == {}


def test_short_periods_are_separate(patched: Any) -> None:
    cloudwatch, space = patched.client("cloudwatch"), name()
    put(cloudwatch, space, *[{"Value": n, "Timestamp": START + timedelta(seconds=n)} for n in range(10)])
    assert read(cloudwatch, space, period=5) == {START: 10, START + timedelta(seconds=5): 35}


def test_descending_order_is_the_default(patched: Any) -> None:
    cloudwatch, space = patched.client("cloudwatch"), name()
    later = START + timedelta(minutes=1)
    put(cloudwatch, space, {"Value": 1}, {"Value": 2, "Timestamp": later})
    assert list(read(cloudwatch, space)) == [later, START]
    assert list(read(cloudwatch, space, ScanBy="TimestampAscending")) == [START, later]


def test_ids_are_checked(patched: Any) -> None:
    cloudwatch = patched.client("cloudwatch")
    metric = {"Metric": {"Namespace": "x", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    for ids in (["A"], ["a", "a"], ["a-b"]):
        with pytest.raises(ClientError, match="ValidationError"):
            cloudwatch.get_metric_data(
                MetricDataQueries=[{"Id": one, "MetricStat": metric} for one in ids],
                StartTime=START,
                EndTime=START + timedelta(minutes=1),
            )


def test_published_minute_of_the_balancer(patched: Any) -> None:
    """What the balancer sends is read as AWS's metric."""
    arn = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/blue/1"
    minute = Minute(Counter({"RequestCount": 10}), Counter({0.05: 9, 0.5: 1}), targets=2)
    sent = data(START.timestamp(), "app/a/1", arn, minute)
    space = name()
    put = {"namespace": space, "account": "123456789012", "region": "ap-northeast-2", "data": sent}
    assert patched.call("POST", "/rehearsal/metrics", put)[0] == 200
    cloudwatch = patched.client("cloudwatch")
    assert read(cloudwatch, space, metric="RequestCount") == {START: 10}
    assert read(cloudwatch, space, "p90", metric="TargetResponseTime") == {START: 0.05}
    assert read(cloudwatch, space, "p99", metric="TargetResponseTime") == {START: 0.5}
    assert read(cloudwatch, space, metric="RequestCountPerTarget", dimensions=[GROUP]) == {START: 5}
    assert read(cloudwatch, space, metric="RequestCount", dimensions=[WHOLE]) == {}
