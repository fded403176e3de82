"""Alarms that are asked for while a release is watched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import time as now_of_day
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.alarms import Alarms, AlarmsUnknown
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, iso
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused
from botocore.exceptions import ClientError

from .fake_environment import Time

SWITCHED = iso((datetime.now(UTC) - timedelta(seconds=30)).timestamp())


@pytest.fixture
def cloudwatch(aws: None) -> Any:
    client = boto3.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="5xx",
        MetricName="HTTPCode_Target_5XX_Count",
        Namespace="AWS/ApplicationELB",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
    )
    return client


@pytest.fixture
def alarms(cloudwatch: Any, time: Time) -> Alarms:
    return Alarms(lambda: cloudwatch, ["5xx"], Clock(lambda: time.now, now_of_day, time.sleep))


def _raise(cloudwatch: Any) -> None:
    cloudwatch.set_alarm_state(AlarmName="5xx", StateValue="ALARM", StateReason="bad")


def test_alarm_raised_after_the_switch_counts(alarms: Alarms, cloudwatch: Any, time: Time) -> None:
    assert alarms.raised(SWITCHED) == []
    _raise(cloudwatch)
    assert alarms.raised(SWITCHED) == [], "it is asked every ten seconds"
    time.sleep(10)
    assert alarms.raised(SWITCHED) == ["5xx"]


def test_alarm_raised_already_causes_a_warning(alarms: Alarms, cloudwatch: Any) -> None:
    _raise(cloudwatch)
    assert any("5xx is in ALARM since" in warning for warning in alarms.check(600))


@pytest.mark.parametrize("skew", [-300, 0, 300])
@pytest.mark.parametrize(("ago", "raised"), [(200, []), (20, ["5xx"])])
def test_alarm_raised_before_the_switch_is_ignored(
    time: Time, skew: int, ago: int, raised: list[str]
) -> None:
    """Whatever the controller's clock says: how long ago the switch was is by its clock, the alarm's age by AWS's."""
    at = datetime.fromtimestamp(time.now, UTC)
    alarm = {
        "AlarmName": "5xx",
        "StateValue": "ALARM",
        "StateTransitionedTimestamp": at - timedelta(seconds=ago),
    }

    class CloudWatch:
        def describe_alarms(self, **_: Any) -> dict[str, Any]:
            return {
                "MetricAlarms": [alarm],
                "ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(at, usegmt=True)}},
            }

    clock = time.clock(skew)
    assert Alarms(CloudWatch, ["5xx"], clock).raised(iso(clock.wall() - 100)) == raised


def test_refused_query_is_not_an_alarm(
    alarms: Alarms, cloudwatch: Any, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "DescribeAlarms")

    with monkeypatch.context() as patched:
        patched.setattr(cloudwatch, "describe_alarms", throttle)
        for _ in range(2):
            with pytest.raises(AlarmsUnknown, match=r"cloudwatch:DescribeAlarms failed: .*Throttling"):
                alarms.raised(SWITCHED)
        with pytest.raises(Refused, match="needs the state of release_alarms before its first change"):
            alarms.check(60)
    time.sleep(10)
    assert alarms.raised(SWITCHED) == []


def test_alarm_names_are_checked_and_a_short_bake_causes_a_warning(
    alarms: Alarms, cloudwatch: Any, time: Time
) -> None:
    assert alarms.check(240) == []
    assert "5xx goes to ALARM 4 min after the first bad minute" in alarms.check(60)[0]
    unknown = Alarms(lambda: cloudwatch, ["5xx", "latency"], time.clock())
    with pytest.raises(Refused, match="CloudWatch has no alarm latency"):
        unknown.check(240)


def test_without_names_aws_is_not_queried(time: Time) -> None:
    nobody = Alarms(lambda: pytest.fail("asked"), [], time.clock())
    assert (nobody.check(1), nobody.raised(SWITCHED)) == ([], [])
