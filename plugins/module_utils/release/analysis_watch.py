# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The analysis during a bake: when CloudWatch and Prometheus are read, and what an inconclusive verdict means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release import analysis_messages
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import (
    HISTORY,
    Finding,
    Measured,
    Result,
    Thresholds,
    Verdict,
    judge,
)
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, iso
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.prometheus import Query, QueryFailed
from ansible_collections.teal.platform.plugins.module_utils.release.request_metrics import (
    MetricsUnknown,
    Reading,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import State

#: States that are recorded when the weights change, and when the change is observed.
_MOVING = frozenset({State.STEPPING, State.SWITCHING})
_MOVED = frozenset({State.STEP_BAKING, State.BAKING})
#: A query fails a release if its value is out of its limits this many times in a row.
_OUT_OF_LIMITS = 2
#: A reading of CloudWatch is used for this many minutes.
_FRESH = 3


@dataclass(frozen=True)
class Inconclusive:
    """What happens at the end of a bake with an inconclusive verdict.

    then: pass, extend or fail. limit: seconds by which the bake is extended. after: pass or fail at that limit.
    """

    then: str = "pass"
    limit: float = 600.0
    after: str = "pass"

    @property
    def extension(self) -> float:
        """Seconds by which a bake may be extended."""
        return 0.0 if self.then == "pass" else self.limit


@dataclass(frozen=True)
class Times:
    """When a release first got traffic, and when the weights were last changed, in seconds since 1970."""

    began: float
    changed: float


def times(release: Release) -> Times:
    """Return the times of a release that has traffic, from its events."""
    # A run that continues the release repeats its state.
    seen = [event for event in release["events"] if event["note"] != message("event.resumed")]

    def at(states: frozenset[State]) -> list[float]:
        return [datetime.fromisoformat(event["at"]).timestamp() for event in seen if event["state"] in states]

    return Times(at(_MOVING)[0], at(_MOVING | _MOVED)[-1])


@dataclass
class AnalysisWatch:
    """The analysis of a release while it is watched.

    `read` returns the metrics since a time (see `RequestMetrics.read`). `percent` is the release's share of the traffic.
    """

    thresholds: Thresholds
    inconclusive: Inconclusive
    read: Callable[[float], Reading]
    times: Times
    clock: Clock
    queries: list[Query] = field(default_factory=list)
    percent: int = 100
    verdict: Verdict = field(default_factory=lambda: Verdict(Result.INCONCLUSIVE))
    looks: int = 0
    failed_looks: int = 0
    error: str = ""
    _next: float = float("-inf")
    _reading: Reading | None = None
    _read_at: float = float("-inf")
    _out: Counter[str] = field(default_factory=Counter)

    def look(self, own: float, now: bool = False) -> Verdict:
        """Return the verdict. CloudWatch is read three times a minute, or at once with `now`.

        `own` is the number of requests per second that this run itself sends to the service.
        """
        if self.clock.steady() >= self._next or now:
            self._next = self.clock.steady() + self.thresholds.period / 3
            self._read()
            self.verdict = self._queried(self._judged(own))
        return self.verdict

    def _read(self) -> None:
        self.looks += 1
        try:
            self._reading = self.read(self.times.began - HISTORY * self.thresholds.period)
            self._read_at, self.error = self.clock.steady(), ""
        except MetricsUnknown as error:
            self.failed_looks += 1
            self.error = str(error)

    def _judged(self, own: float) -> Verdict:
        reading = self._reading
        stale = self.clock.steady() - self._read_at > _FRESH * self.thresholds.period
        if reading is None:
            return Verdict(Result.INCONCLUSIVE, [_unreadable(self.error)])
        # AWS dates the metrics, and this machine's clock dates the release.
        measured = Measured(
            now=self.clock.wall() + reading.ahead,
            changed=self.times.changed + reading.ahead,
            began=self.times.began + reading.ahead,
            new=reading.new,
            old=reading.old,
            balancer=reading.balancer,
            own=own * self.thresholds.period * self.percent / 100,
        )
        verdict = judge(self.thresholds, measured)
        if self.error and stale and verdict.result != Result.FAILED:
            return replace(verdict, result=Result.INCONCLUSIVE, findings=[_unreadable(self.error)])
        return verdict

    def _queried(self, verdict: Verdict) -> Verdict:
        """Return the verdict with the findings of the queries, once the release has had traffic for a minute."""
        if self.clock.wall() - self.times.changed < self.thresholds.period:
            return verdict
        failed, unreadable = [], []
        for query in self.queries:
            try:
                bad = [value for value in query.values() if not query.within(value)]
            except QueryFailed as error:
                unreadable.append(
                    Finding("query_unreadable", numbers={"name": query.name, "error": str(error)})
                )
                continue
            self._out[query.name] = self._out[query.name] + 1 if bad else 0
            if self._out[query.name] >= _OUT_OF_LIMITS:
                numbers = {"name": query.name, "condition": query.condition}
                failed.append(Finding("query", bad[0], numbers=numbers))
        if failed:
            found = verdict.findings if verdict.result == Result.FAILED else []
            return replace(verdict, result=Result.FAILED, findings=[*found, *failed])
        if unreadable and verdict.result != Result.FAILED:
            return replace(verdict, result=Result.INCONCLUSIVE, findings=[*verdict.findings, *unreadable])
        return verdict

    def failure(self, over: float) -> str | None:
        """Return why the release fails at the end of its bake; the empty string if it does not.

        `over` is the number of seconds since that end. None means that the bake is extended.
        """
        verdict = self.verdict
        if verdict.result != Result.INCONCLUSIVE:
            return self.summary() if verdict.result == Result.FAILED else ""
        # Metrics that cannot be read are no failure of the release: then `fail` only waits for them.
        extends = self.inconclusive.then == "extend" or (
            self.inconclusive.then == "fail" and verdict.unreadable
        )
        if extends and over < self.inconclusive.limit:
            return None
        then = self.inconclusive.after if extends else self.inconclusive.then
        if then != "fail" or verdict.unreadable:
            return ""
        setting = "after_extension" if extends else "on_inconclusive"
        return message("analysis.fails_by_setting", summary=self.summary(), setting=setting)

    def summary(self) -> str:
        """Return the verdict as one line, with the readings that failed."""
        text = analysis_messages.summary(self.verdict, self.thresholds.period)
        if not self.failed_looks:
            return text
        known = {"summary": text, "failed": self.failed_looks, "looks": self.looks}
        if self.error:
            return message("analysis.unread_at_last", error=self.error, **known)
        return message("analysis.unread", **known)

    def record(self) -> dict[str, Any]:
        """Return the verdict for the record of the release."""
        return {
            **analysis_messages.record(self.verdict, self.thresholds.period),
            "text": self.summary(),
            "percent": self.percent,
            "since": iso(self.times.changed),
            "unreadable": self.failed_looks,
        }


def _unreadable(error: str) -> Finding:
    return Finding("unreadable", numbers={"error": error})


def verdicts(release: Release, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the verdicts of a release with `record`, which replaces an earlier one about the same weights."""
    earlier = [each for each in release.get("analysis", []) if each["since"] != record["since"]]
    return [*earlier, record]
