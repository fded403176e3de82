# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The bake: watch a release that has traffic, by its answers, its pods, CloudWatch alarms and the analysis of its users'
requests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, listed, message
from ansible_collections.teal.platform.plugins.module_utils.release.alarms import AlarmsUnknown
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Result
from ansible_collections.teal.platform.plugins.module_utils.release.analysis_watch import (
    AnalysisWatch,
    verdicts,
)
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import (
    StepFailed,
    shift_traffic_back,
)
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, LeaseLost
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.store import Conflict, StoreError
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import TrafficError
from ansible_collections.teal.platform.plugins.module_utils.release.verify import Check

#: Seconds until the next check after a failed one.
_RETRY_AFTER = 0.5


@dataclass(frozen=True)
class Thresholds:
    """When a release fails its bake.

    seconds: duration of the bake. every: seconds between two checks. errors: percent of our own requests that may fail.
    unready: seconds for which replicas may be not ready. blind: seconds for which pods or alarms may be unreadable.
    """

    seconds: float = 60.0
    every: float = 1.0
    errors: float = 1.0
    unready: float = 90.0
    blind: float = 120.0


@dataclass
class _Watch:
    """The results so far. `failed_rounds` counts rounds of requests in which at least one address failed.

    `ended` says that the planned end of the bake is over.
    """

    requests: int = 0
    failures: list[str] = field(default_factory=list)
    failed_rounds: int = 0
    unready_since: float | None = None
    ended: bool = False
    last_read: dict[str, float] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def record(self, what: str, now: float, error: Exception | None = None) -> None:
        """Record that `what` (pods or alarms) was read at `now`, or the error that prevented it."""
        if error:
            self.unreadable[what] = str(error)
        else:
            self.last_read[what] = now
            self.unreadable.pop(what, None)


def bake(
    context: ReleaseContext,
    lease: Lease,
    release: Release,
    check: Check,
    thresholds: Thresholds,
    monitor: SlotMonitor,
    alarms: Callable[[], list[str]],
    analysis: AnalysisWatch | None = None,
) -> str:
    """Watch the release for `thresholds.seconds` and return a summary of the requests.

    `alarms` returns the names of the CloudWatch alarms that were raised since the switch, or raises AlarmsUnknown.
    `analysis` judges the requests of users since the weights were last changed. Its verdict is written to the record, and
    may extend the bake.
    Raises StepFailed if the release is bad. Traffic is shifted back before that: failing requests come first, records
    and notifications later. While the pods cannot be read (Kubernetes does not answer), the requests are still
    checked, and the release is not committed before the pods were read again.
    """
    try:
        seen = _watch(context, lease, check, thresholds, monitor, alarms, analysis)
    except StepFailed as error:
        shift_traffic_back(context, lease, release, str(error))
        # The failure is more important than its numbers.
        with contextlib.suppress(StoreError, Conflict, LeaseLost):
            _record(lease, release, analysis)
        raise
    _record(lease, release, analysis)
    return joined(seen, analysis.summary(), by="; ") if analysis else seen


def _record(lease: Lease, release: Release, analysis: AnalysisWatch | None) -> None:
    """Write the verdict of the analysis to the record of the release."""
    if analysis:
        found = verdicts(release, analysis.record())
        lease.write([lease.store.note(release["id"], analysis=found)], release=release["id"])


def _watch(
    context: ReleaseContext,
    lease: Lease,
    check: Check,
    thresholds: Thresholds,
    monitor: SlotMonitor,
    alarms: Callable[[], list[str]],
    analysis: AnalysisWatch | None,
) -> str:
    began = context.clock.steady()
    watch = _Watch()
    addresses = context.client_addresses()
    while True:
        _check_pods(context, watch, monitor, thresholds)
        bad = watch.failed_rounds
        addresses = _check_requests(context, watch, check, addresses, thresholds, monitor)
        again = min(thresholds.every, _RETRY_AFTER) if watch.failed_rounds > bad else thresholds.every
        _check_alarms(context, watch, alarms)
        now = context.clock.steady()
        over = now - began - thresholds.seconds
        analysed = _check_analysis(watch, analysis, now - began, over)
        if over >= 0:
            if analysed and not watch.unreadable and watch.unready_since is None:
                failures, took = len(watch.failures), span(now - began)
                return message("bake.seen", requests=watch.requests, failures=failures, span=took)
            for what, why in watch.unreadable.items():
                if (blind := now - watch.last_read.get(what, began)) > thresholds.blind:
                    pods = what == "pods"
                    text = message(
                        "bake.blind_pods" if pods else "bake.blind_alarms", span=span(blind), error=why
                    )
                    raise StepFailed(text, Cause.API if pods else Cause.ALARM)
        lease.renew_if_due()
        context.clock.sleep(again)


def _check_requests(
    context: ReleaseContext,
    watch: _Watch,
    check: Check,
    addresses: list[str],
    thresholds: Thresholds,
    monitor: SlotMonitor,
) -> list[str]:
    """Send a request to each address, and return the addresses for the next round."""
    answers: dict[str, Answer] = context.service.get_all(addresses, check.path)
    if silent := [address for address, answer in answers.items() if not answer.status]:
        addresses = context.client_addresses(silent)
        answers = {
            address: answer for address, answer in answers.items() if answer.status or address in addresses
        }
    wrong = {address: why for address, answer in answers.items() if (why := check.wrong(answer))}
    watch.requests += len(answers)
    watch.failures += [joined(address, why, by=": ") for address, why in wrong.items()]
    watch.failed_rounds += bool(wrong)
    # A single failed round is tolerated: among few requests, one failure would be many percent.
    if watch.failed_rounds > 1 and len(watch.failures) > watch.requests * thresholds.errors / 100:
        raise monitor.failure(
            message(
                "bake.errors",
                failures=len(watch.failures),
                requests=watch.requests,
                last=watch.failures[-1],
            ),
            Cause.ERRORS,
        )
    return addresses


def _check_alarms(context: ReleaseContext, watch: _Watch, alarms: Callable[[], list[str]]) -> None:
    try:
        raised = alarms()
    except AlarmsUnknown as error:
        watch.record("alarms", context.clock.steady(), error)
        return
    watch.record("alarms", context.clock.steady())
    if raised:
        raise StepFailed(message("bake.alarms", names=listed(raised)), Cause.ALARM)


def _check_analysis(watch: _Watch, analysis: AnalysisWatch | None, passed: float, over: float) -> bool:
    """Return whether the analysis lets the bake end `over` seconds after its planned end. Raises StepFailed.

    `passed` is the number of seconds since the begin of the bake.
    """
    if not analysis:
        return True
    first = over >= 0 and not watch.ended
    watch.ended = over >= 0
    verdict = analysis.look(watch.requests / max(passed, 1.0), now=first)
    failure = analysis.failure(over) if over >= 0 or verdict.result == Result.FAILED else ""
    if failure:
        raise StepFailed(failure, Cause.ANALYSIS)
    return failure is not None


def _check_pods(context: ReleaseContext, watch: _Watch, monitor: SlotMonitor, thresholds: Thresholds) -> None:
    try:
        now = monitor.check()
    except (KubernetesError, SlotFailed, TrafficError) as error:
        watch.record("pods", context.clock.steady(), error)
        return
    watch.record("pods", context.clock.steady())
    # Replicas that an autoscaler adds during the bake do not count: they were not verified and may start slowly.
    wanted = min(now.wanted, monitor.replicas or now.wanted)
    if wanted and now.ready >= wanted:
        watch.unready_since = None
        return
    if watch.unready_since is None:
        watch.unready_since = context.clock.steady()
    if context.clock.steady() - watch.unready_since > thresholds.unready:
        raise monitor.failure(
            message(
                "bake.unready",
                ready=now.ready,
                wanted=wanted,
                span=span(thresholds.unready),
                notes=joined(*now.notes, by="; "),
            ),
            Cause.PROBE,
        )
