# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Watching a release for a while after it got the traffic, from outside and from inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.teal.platform.plugins.module_utils.release.advice import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.alarms import AlarmsUnknown
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed, turn_back
from ansible_collections.teal.platform.plugins.module_utils.release.inside import Inside
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.situation import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import TrafficError
from ansible_collections.teal.platform.plugins.module_utils.release.verify import Check
from ansible_collections.teal.platform.plugins.module_utils.release.world import World

#: Seconds after which it is asked again whether a failure was but a hiccup.
_AGAIN = 0.5


@dataclass(frozen=True)
class Bounds:
    """What a release may do while it is watched. Times are in seconds, errors in percent of our own requests."""

    seconds: float = 60.0
    every: float = 1.0
    errors: float = 1.0
    unready: float = 90.0
    blind: float = 120.0


@dataclass
class _Seen:
    """What was seen so far. `bad_looks` is how many times something failed, at however many addresses at once."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)
    bad_looks: int = 0
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
    world: World,
    lease: Lease,
    release: Release,
    check: Check,
    bounds: Bounds,
    inside: Inside,
    alarms: Callable[[], list[str]],
) -> str:
    """Watch the release for `bounds.seconds` and return what was seen, in words.

    A release that does badly raises StepFailed. The requests are on their way back by then: they are failing, and
    what there is to record and to tell can wait. While the slot can't be looked at (Kubernetes doesn't answer), the
    watch from outside goes on, and the release is not committed before it has been looked at again.
    `alarms` returns the names of CloudWatch alarms that were raised since the switch, or raises AlarmsUnknown.
    """
    try:
        return _watch(world, lease, check, bounds, inside, alarms)
    except StepFailed as error:
        turn_back(world, lease, release, str(error))
        raise


def _watch(
    world: World,
    lease: Lease,
    check: Check,
    bounds: Bounds,
    inside: Inside,
    alarms: Callable[[], list[str]],
) -> str:
    began = world.clock.steady()
    seen = _Seen()
    addresses = world.asked()
    while True:
        _from_inside(world, seen, inside, bounds)
        bad = seen.bad_looks
        addresses = _from_outside(world, seen, check, addresses, bounds, inside)
        again = min(bounds.every, _AGAIN) if seen.bad_looks > bad else bounds.every
        _from_alarms(world, seen, alarms)
        now = world.clock.steady()
        if now - began >= bounds.seconds:
            if not seen.blind and seen.unready_since is None:
                return f"{seen.requests} requests, {len(seen.failures)} failures in {span(now - began)}"
            for what, why in seen.blind.items():
                if (blind := now - seen.looked.get(what, began)) > bounds.blind:
                    cause = Cause.API if what == "pods" else Cause.ALARM
                    raise StepFailed(f"the {what} could not be looked at for {span(blind)}: {why}", cause)
        lease.keep()
        world.clock.sleep(again)


def _from_outside(
    world: World, seen: _Seen, check: Check, addresses: list[str], bounds: Bounds, inside: Inside
) -> list[str]:
    """Ask the service at each address, and return the addresses to ask next."""
    answers: dict[str, Answer] = world.service.get_all(addresses, check.path)
    if silent := [address for address, answer in answers.items() if not answer.status]:
        addresses = world.asked(silent)
        answers = {
            address: answer for address, answer in answers.items() if answer.status or address in addresses
        }
    wrong = {address: why for address, answer in answers.items() if (why := check.wrong(answer))}
    seen.requests += len(answers)
    seen.failures += [f"{address}: {why}" for address, why in wrong.items()]
    seen.bad_looks += bool(wrong)
    # One hiccup is none: with a handful of requests a single one would be many percent.
    if seen.bad_looks > 1 and len(seen.failures) > seen.requests * bounds.errors / 100:
        raise inside.failure(
            f"{len(seen.failures)} of {seen.requests} requests failed after the switch: {seen.failures[-1]}",
            Cause.ERRORS,
        )
    return addresses


def _from_alarms(world: World, seen: _Seen, alarms: Callable[[], list[str]]) -> None:
    try:
        raised = alarms()
    except AlarmsUnknown as error:
        seen.saw("alarms", world.clock.steady(), error)
        return
    seen.saw("alarms", world.clock.steady())
    if raised:
        raise StepFailed(f"CloudWatch raised {', '.join(raised)}", Cause.ALARM)


def _from_inside(world: World, seen: _Seen, inside: Inside, bounds: Bounds) -> None:
    try:
        now = inside.look()
    except (KubernetesError, SlotFailed, TrafficError) as error:
        seen.saw("pods", world.clock.steady(), error)
        return
    seen.saw("pods", world.clock.steady())
    # What an autoscaler adds meanwhile isn't what was verified, and takes its time.
    wanted = min(now.wanted, inside.replicas or now.wanted)
    if wanted and now.ready >= wanted:
        seen.unready_since = None
        return
    if seen.unready_since is None:
        seen.unready_since = world.clock.steady()
    if world.clock.steady() - seen.unready_since > bounds.unready:
        raise inside.failure(
            f"only {now.ready} of {wanted} are ready since {span(bounds.unready)}: {'; '.join(now.notes)}",
            Cause.PROBE,
        )
