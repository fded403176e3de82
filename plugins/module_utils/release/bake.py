# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Watching a release for a while after it got the traffic, from outside and from monitor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.teal.platform.plugins.module_utils.release.alarms import AlarmsUnknown
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import (
    StepFailed,
    shift_traffic_back,
)
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import TrafficError
from ansible_collections.teal.platform.plugins.module_utils.release.verify import Check

#: Seconds after which it is asked again whether a failure was but a hiccup.
_AGAIN = 0.5


@dataclass(frozen=True)
class Thresholds:
    """What a release may do while it is watched. Times are in seconds, errors in percent of our own requests."""

    seconds: float = 60.0
    every: float = 1.0
    errors: float = 1.0
    unready: float = 90.0
    blind: float = 120.0


@dataclass
class _Watch:
    """What was seen so far. `failed_rounds` is how many times something failed, at however many addresses at once."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)
    failed_rounds: int = 0
    unready_since: float | None = None
    looked: dict[str, float] = field(default_factory=dict)
    blind: dict[str, str] = field(default_factory=dict)

    def saw(self, what: str, now: float, why_not: Exception | None = None) -> None:
        """Note that `what` was looked at, or why it couldn't be."""
        if why_not:
            self.blind[what] = str(why_not)
        else:
            self.looked[what] = now
            self.blind.pop(what, None)


def bake(
    context: ReleaseContext,
    lease: Lease,
    release: Release,
    check: Check,
    thresholds: Thresholds,
    monitor: SlotMonitor,
    alarms: Callable[[], list[str]],
) -> str:
    """Watch the release for `thresholds.seconds` and return what was seen, in words.

    A release that does badly raises StepFailed. The requests are on their way back by then: they are failing, and
    what there is to record and to tell can wait. While the slot can't be looked at (Kubernetes doesn't answer), the
    watch from outside goes on, and the release is not committed before it has been looked at again.
    `alarms` returns the names of CloudWatch alarms that were raised since the switch, or raises AlarmsUnknown.
    """
    try:
        return _watch(context, lease, check, thresholds, monitor, alarms)
    except StepFailed as error:
        shift_traffic_back(context, lease, release, str(error))
        raise


def _watch(
    context: ReleaseContext,
    lease: Lease,
    check: Check,
    thresholds: Thresholds,
    monitor: SlotMonitor,
    alarms: Callable[[], list[str]],
) -> str:
    began = context.clock.steady()
    seen = _Watch()
    addresses = context.client_addresses()
    while True:
        _check_pods(context, seen, monitor, thresholds)
        bad = seen.failed_rounds
        addresses = _check_requests(context, seen, check, addresses, thresholds, monitor)
        again = min(thresholds.every, _AGAIN) if seen.failed_rounds > bad else thresholds.every
        _check_alarms(context, seen, alarms)
        now = context.clock.steady()
        if now - began >= thresholds.seconds:
            if not seen.blind and seen.unready_since is None:
                return f"{seen.requests} requests, {len(seen.failures)} failures in {span(now - began)}"
            for what, why in seen.blind.items():
                if (blind := now - seen.looked.get(what, began)) > thresholds.blind:
                    cause = Cause.API if what == "pods" else Cause.ALARM
                    raise StepFailed(f"the {what} could not be looked at for {span(blind)}: {why}", cause)
        lease.renew_if_due()
        context.clock.sleep(again)


def _check_requests(
    context: ReleaseContext,
    seen: _Watch,
    check: Check,
    addresses: list[str],
    thresholds: Thresholds,
    monitor: SlotMonitor,
) -> list[str]:
    """Ask the service at each address, and return the addresses to ask next."""
    answers: dict[str, Answer] = context.service.get_all(addresses, check.path)
    if silent := [address for address, answer in answers.items() if not answer.status]:
        addresses = context.client_addresses(silent)
        answers = {
            address: answer for address, answer in answers.items() if answer.status or address in addresses
        }
    wrong = {address: why for address, answer in answers.items() if (why := check.wrong(answer))}
    seen.requests += len(answers)
    seen.failures += [f"{address}: {why}" for address, why in wrong.items()]
    seen.failed_rounds += bool(wrong)
    # One hiccup is none: with a handful of requests a single one would be many percent.
    if seen.failed_rounds > 1 and len(seen.failures) > seen.requests * thresholds.errors / 100:
        raise monitor.failure(
            f"{len(seen.failures)} of {seen.requests} requests failed after the switch: {seen.failures[-1]}",
            Cause.ERRORS,
        )
    return addresses


def _check_alarms(context: ReleaseContext, seen: _Watch, alarms: Callable[[], list[str]]) -> None:
    try:
        raised = alarms()
    except AlarmsUnknown as error:
        seen.saw("alarms", context.clock.steady(), error)
        return
    seen.saw("alarms", context.clock.steady())
    if raised:
        raise StepFailed(f"CloudWatch raised {', '.join(raised)}", Cause.ALARM)


def _check_pods(context: ReleaseContext, seen: _Watch, monitor: SlotMonitor, thresholds: Thresholds) -> None:
    try:
        now = monitor.check()
    except (KubernetesError, SlotFailed, TrafficError) as error:
        seen.saw("pods", context.clock.steady(), error)
        return
    seen.saw("pods", context.clock.steady())
    # What an autoscaler adds meanwhile isn't what was verified, and takes its time.
    wanted = min(now.wanted, monitor.replicas or now.wanted)
    if wanted and now.ready >= wanted:
        seen.unready_since = None
        return
    if seen.unready_since is None:
        seen.unready_since = context.clock.steady()
    if context.clock.steady() - seen.unready_since > thresholds.unready:
        raise monitor.failure(
            f"only {now.ready} of {wanted} are ready since {span(thresholds.unready)}: {'; '.join(now.notes)}",
            Cause.PROBE,
        )
