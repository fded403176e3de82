from __future__ import annotations

import copy
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import cloudwatch_alarms

TAGS = {"Application": "shop", "Environment": "staging", "Component": "alarms", "CollectionVersion": "1"}
TOPIC = "arn:aws:sns:ap-northeast-2:123456789012:shop-staging-alarms"


def metric(name: str, **dimensions: str) -> dict:
    return {"namespace": "AWS/ApplicationELB", "metric": name, "statistic": "Sum", "dimensions": dimensions}


@pytest.fixture
def wanted() -> dict[str, Any]:
    return {
        "prefix": "shop-staging-",
        "topic_arn": TOPIC,
        "tags": TAGS,
        "alarms": [
            {
                "name": "alb-5xx",
                "description": "errors",
                "metrics": {
                    "a": metric("x", LoadBalancer="app/s/1"),
                    "b": metric("y", LoadBalancer="app/s/1"),
                },
                "expression": "FILL(a, 0) + FILL(b, 0)",
                "threshold": 5,
                "periods": 3,
                "bad_periods": 2,
            },
            {
                "name": "database-storage",
                "description": "full",
                "metrics": {"free": metric("FreeStorageSpace")},
                "comparison": "below",
                "threshold": 4 * 1024**3,
            },
        ],
    }


@pytest.fixture
def cloudwatch(aws: Any) -> Any:
    return boto3.client("cloudwatch")


def alarms(cloudwatch: Any) -> dict[str, dict]:
    return {alarm["AlarmName"]: alarm for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}


def test_second_run_creates_no_alarms(cloudwatch: Any, wanted: dict, run_module: Any) -> None:
    assert run_module(cloudwatch_alarms, check=True, **wanted)["changed"]
    assert not alarms(cloudwatch)
    names = ["shop-staging-alb-5xx", "shop-staging-database-storage"]
    assert run_module(cloudwatch_alarms, **wanted)["alarms"] == names
    made = alarms(cloudwatch)
    assert sorted(made) == names
    errors = made[names[0]]
    assert errors["AlarmActions"] == errors["OKActions"] == [TOPIC]
    assert [query["Id"] for query in errors["Metrics"] if query["ReturnData"]] == ["value"]
    assert (errors["EvaluationPeriods"], errors["DatapointsToAlarm"]) == (3, 2)
    assert made[names[1]]["ComparisonOperator"] == "LessThanThreshold"
    assert not run_module(cloudwatch_alarms, **wanted)["changed"]
    assert not run_module(cloudwatch_alarms, check=True, **wanted)["changed"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("threshold", 6),
        ("periods", 4),
        ("bad_periods", 1),
        ("comparison", "at_least"),
        ("missing", "breaching"),
        ("description", "another"),
        ("expression", "a"),
        ("period", 300),
    ],
)
def test_change_is_reported_and_applied(
    cloudwatch: Any, wanted: dict, run_module: Any, setting: str, value: Any
) -> None:
    before = copy.deepcopy(wanted)
    before["alarms"][0][setting] = value
    run_module(cloudwatch_alarms, **before)
    reported = run_module(cloudwatch_alarms, check=True, **wanted)
    sides = (reported["diff"][side]["alarms"]["shop-staging-alb-5xx"] for side in ("before", "after"))
    before_it, after_it = sides
    assert before_it[setting] != after_it[setting]
    assert run_module(cloudwatch_alarms, **wanted)["changed"]
    assert not run_module(cloudwatch_alarms, **wanted)["changed"]


@pytest.mark.parametrize(
    "drift",
    [
        lambda c: c.delete_alarms(AlarmNames=["shop-staging-alb-5xx"]),
        lambda c: c.disable_alarm_actions(AlarmNames=["shop-staging-alb-5xx"]),
        lambda c: c.untag_resource(
            ResourceARN=alarms(c)["shop-staging-alb-5xx"]["AlarmArn"], TagKeys=["CollectionVersion"]
        ),
    ],
)
def test_drift_is_corrected(cloudwatch: Any, wanted: dict, run_module: Any, drift: Any) -> None:
    run_module(cloudwatch_alarms, **wanted)
    drift(cloudwatch)
    assert run_module(cloudwatch_alarms, check=True, **wanted)["changed"]
    assert run_module(cloudwatch_alarms, **wanted)["changed"]
    assert not run_module(cloudwatch_alarms, **wanted)["changed"]


def test_undeclared_alarm_is_deleted_and_foreign_alarm_is_kept(
    cloudwatch: Any, wanted: dict, run_module: Any
) -> None:
    run_module(cloudwatch_alarms, **wanted)
    cloudwatch.put_metric_alarm(
        AlarmName="shop-staging-2-x",
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[{"Key": "Environment", "Value": "staging-2"}],
    )
    wanted["alarms"] = wanted["alarms"][:1]
    assert run_module(cloudwatch_alarms, **wanted)["changed"]
    assert sorted(alarms(cloudwatch)) == ["shop-staging-2-x", "shop-staging-alb-5xx"]
    gone = {"prefix": "shop-staging-", "tags": TAGS, "state": "absent"}
    assert run_module(cloudwatch_alarms, **gone)["changed"]
    assert sorted(alarms(cloudwatch)) == ["shop-staging-2-x"]
    assert not run_module(cloudwatch_alarms, **gone)["changed"]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            {"a": {"metric": "x"}},
            "metric 'a' of 'bad' must have exactly: dimensions, metric, namespace, statistic",
        ),
        ({"a": metric("x"), "b": metric("y")}, "'bad' has 2 metrics, so it needs an expression"),
    ],
)
def test_invalid_alarm_is_rejected(aws: Any, run_module: Any, metrics: dict, message: str) -> None:
    alarm = {"name": "bad", "description": "x", "metrics": metrics, "threshold": 1}
    with pytest.raises(Exception, match=message):
        run_module(cloudwatch_alarms, prefix="p-", tags=TAGS, alarms=[alarm])
