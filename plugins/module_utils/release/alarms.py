# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""CloudWatch alarms that speak for or against a release."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, iso, span
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused

_ASKED_EVERY = 10.0
#: What CloudWatch takes until it has the load balancer's figures of a minute, in seconds.
_LATE = 120.0
Alarm = dict[str, Any]


class AlarmsUnknown(Exception):
    """CloudWatch doesn't tell now; the message says why."""


class Alarms:
    """The alarms `names`, asked for by a client that `connect` makes when it is needed."""

    def __init__(self, connect: Callable[[], Any], names: list[str], clock: Clock) -> None:
        self.connect = connect
        self.names = names
        self.clock = clock
        self._client: Any = None
        self._asked = float("-inf")
        self._raised: list[str] = []
        self._unknown: AlarmsUnknown | None = None

    def check(self, watched: float) -> list[str]:
        """Return what is to be warned of if a release is watched for so many seconds.

        Raises Refused if CloudWatch doesn't have one of them, or doesn't tell.
        """
        if not self.names:
            return []
        try:
            alarms, _suppressed = self._describe()
        except AlarmsUnknown as error:
            raise Refused(f"{error}. It has to tell of release_alarms before anything is changed") from error
        if missing := sorted(set(self.names) - {alarm["AlarmName"] for alarm in alarms}):
            raise Refused(
                f"CloudWatch has no alarm {', '.join(missing)}. Build the component alarms, or correct release_alarms"
            )
        return [
            f"{alarm['AlarmName']} is raised {span(needed)} after the first bad minute began, and a release is watched "
            f"for {span(watched)} (release_bake): it may be committed before that"
            for alarm in alarms
            if (needed := _needed(alarm)) > watched
        ] + [
            f"{alarm['AlarmName']} is raised already, since {iso(since.timestamp())}: it counts again once it has been OK"
            for alarm in alarms
            if alarm["StateValue"] == "ALARM" and (since := _since(alarm))
        ]

    def raised(self, since: str) -> list[str]:
        """Return the names of those raised since `since` (ISO 8601); asks AWS every ten seconds at most.

        One that was raised before that says nothing of the release, which may be there to mend what raised it.
        How long ago both were is compared, each by the clock that dated it. Raises AlarmsUnknown.
        """
        if self.names and self.clock.steady() - self._asked >= _ASKED_EVERY:
            self._asked = self.clock.steady()
            try:
                alarms, now = self._describe()
                passed = self.clock.wall() - datetime.fromisoformat(since).timestamp()
                self._raised, self._unknown = _raised(alarms, now - timedelta(seconds=passed)), None
            except AlarmsUnknown as error:
                self._unknown = error
        if self._unknown:
            raise self._unknown
        return self._raised

    def _describe(self) -> tuple[list[Alarm], datetime]:
        """Return the alarms, and what time it is by AWS's clock."""
        try:
            self._client = self._client or self.connect()
            # Without its types AWS tells of metric alarms alone.
            found = self._client.describe_alarms(
                AlarmNames=self.names, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        except (ClientError, BotoCoreError) as error:
            raise AlarmsUnknown(f"cloudwatch:DescribeAlarms failed: {error}") from error
        dated = found["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
        now = parsedate_to_datetime(dated) if dated else datetime.fromtimestamp(self.clock.wall(), UTC)
        return [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])], now


def _raised(alarms: list[Alarm], switched: datetime) -> list[str]:
    """Return the names of those that are raised, and were not before the switch."""
    return [
        alarm["AlarmName"]
        for alarm in alarms
        if alarm["StateValue"] == "ALARM" and (_since(alarm) or switched) >= switched
    ]


def _since(alarm: Alarm) -> datetime | None:
    """Return since when the alarm is in its state."""
    since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    return since.astimezone(UTC) if since else None


def _needed(alarm: Alarm) -> float:
    """Return the seconds from the first bad minute to the alarm; 0 for one that is made of others."""
    periods = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods") or 0)
    metrics = [metric.get("MetricStat", metric).get("Period", 0) for metric in alarm.get("Metrics", [])]
    period = alarm.get("Period") or max(metrics, default=0)
    return period * periods + _LATE if period else 0.0
