# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The CloudWatch alarms that fail a release while it is baking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.messages.message import listed, message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import moment
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, iso, span
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused

_QUERY_INTERVAL = 10.0
#: Seconds until CloudWatch has the load balancer's metrics of a minute.
_METRIC_DELAY = 120.0
Alarm = dict[str, Any]


class AlarmsUnknown(Exception):
    """CloudWatch could not be queried. The message says why."""


class Alarms:
    """The alarms `names`. `connect` creates the CloudWatch client, at the first query."""

    def __init__(self, connect: Callable[[], Any], names: list[str], clock: Clock) -> None:
        self.connect = connect
        self.names = names
        self.clock = clock
        self._client: Any = None
        self._asked = float("-inf")
        self._raised: list[str] = []
        self._unknown: AlarmsUnknown | None = None

    def check(self, watched: float) -> list[str]:
        """Return warnings about alarms that cannot fail a release which bakes for `watched` seconds.

        Raises Refused if an alarm does not exist or CloudWatch cannot be queried.
        """
        if not self.names:
            return []
        try:
            alarms, _suppressed = self._describe()
        except AlarmsUnknown as error:
            raise Refused(message("alarms.needed", error=error)) from error
        if missing := sorted(set(self.names) - {alarm["AlarmName"] for alarm in alarms}):
            raise Refused(message("alarms.missing", names=listed(missing)))
        return [
            message("alarms.late", name=alarm["AlarmName"], needed=span(needed), watched=span(watched))
            for alarm in alarms
            if (needed := _needed(alarm)) > watched
        ] + [
            message("alarms.since_before", name=alarm["AlarmName"], since=moment(iso(since.timestamp())))
            for alarm in alarms
            if alarm["StateValue"] == "ALARM" and (since := _since(alarm))
        ]

    def raised(self, since: str) -> list[str]:
        """Return the names of the alarms that went to ALARM after `since` (ISO 8601). Queries AWS every 10 seconds at most.

        An alarm that was raised earlier is ignored: the release may be its fix. The age of `since` is measured with
        this machine's clock and the age of the alarm with AWS's clock. Raises AlarmsUnknown.
        """
        if self.names and self.clock.steady() - self._asked >= _QUERY_INTERVAL:
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
        """Return the alarms, and the current time of AWS's clock."""
        try:
            self._client = self._client or self.connect()
            # Without AlarmTypes AWS returns metric alarms only.
            found = self._client.describe_alarms(
                AlarmNames=self.names, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        except (ClientError, BotoCoreError) as error:
            raise AlarmsUnknown(message("alarms.unknown", error=error)) from error
        dated = found["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
        now = parsedate_to_datetime(dated) if dated else datetime.fromtimestamp(self.clock.wall(), UTC)
        return [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])], now


def _raised(alarms: list[Alarm], switched: datetime) -> list[str]:
    """Return the names of the alarms that went to ALARM after the switch."""
    return [
        alarm["AlarmName"]
        for alarm in alarms
        if alarm["StateValue"] == "ALARM" and (_since(alarm) or switched) >= switched
    ]


def _since(alarm: Alarm) -> datetime | None:
    """Return the time at which the alarm entered its current state."""
    since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    return since.astimezone(UTC) if since else None


def _needed(alarm: Alarm) -> float:
    """Return the seconds from the first bad minute to the alarm; 0 for a composite alarm."""
    periods = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods") or 0)
    metrics = [metric.get("MetricStat", metric).get("Period", 0) for metric in alarm.get("Metrics", [])]
    period = alarm.get("Period") or max(metrics, default=0)
    return period * periods + _METRIC_DELAY if period else 0.0
