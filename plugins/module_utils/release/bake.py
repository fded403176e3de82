# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Watching a release for a while after it got the traffic, from outside and from inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed, turn_back
from ansible_collections.teal.platform.plugins.module_utils.release.inside import Inside
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.situation import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import KubernetesError
from ansible_collections.teal.platform.plugins.module_utils.release.verify import Check
from ansible_collections.teal.platform.plugins.module_utils.release.world import World


@dataclass(frozen=True)
class Bounds:
    """What a release may do while it is watched. Times are in seconds, errors in percent of our own requests."""

    seconds: float = 60.0
    every: float = 1.0
    errors: float = 1.0
    unready: float = 30.0
    blind: float = 120.0


@dataclass
class _Seen:
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    unready_since: float | None = None
    looked: float = 0.0
    why_blind: str = ""


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
    `alarms` returns the names of CloudWatch alarms that are raised.
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
    seen = _Seen(looked=began)
    addresses = world.addresses()
    while True:
        _from_inside(world, seen, inside, bounds)
        _from_outside(world, seen, check, addresses, bounds, inside)
        if raised := alarms():
            raise StepFailed(f"CloudWatch raised {', '.join(raised)}")
        passed = world.clock.steady() - began
        blind = world.clock.steady() - seen.looked
        if passed >= bounds.seconds:
            if not seen.why_blind and seen.unready_since is None:
                return f"{seen.requests} requests, {len(seen.failures)} failures in {span(passed)}"
            if seen.why_blind and blind > bounds.blind:
                raise StepFailed(f"the pods could not be looked at for {span(blind)}: {seen.why_blind}")
        lease.keep()
        world.clock.sleep(bounds.every)


def _from_outside(
    world: World, seen: _Seen, check: Check, addresses: list[str], bounds: Bounds, inside: Inside
) -> None:
    answers: dict[str, Answer] = world.service.get_all(addresses, check.path)
    for address, answer in answers.items():
        seen.requests += 1
        if wrong := check.wrong(answer):
            seen.failures.append(f"{address}: {wrong}")
    # One hiccup is none: with a handful of requests a single one would be many percent.
    if len(seen.failures) > max(1.0, seen.requests * bounds.errors / 100):
        raise StepFailed(
            f"{len(seen.failures)} of {seen.requests} requests failed after the switch: {seen.failures[-1]}"
            + inside.why()
        )


def _from_inside(world: World, seen: _Seen, inside: Inside, bounds: Bounds) -> None:
    try:
        now = inside.look()
    except KubernetesError as error:
        seen.why_blind = str(error)
        return
    seen.looked, seen.why_blind = world.clock.steady(), ""
    if now.wanted and now.ready >= now.wanted:
        seen.unready_since = None
        return
    if seen.unready_since is None:
        seen.unready_since = world.clock.steady()
    if world.clock.steady() - seen.unready_since > bounds.unready:
        raise StepFailed(
            f"only {now.ready} of {now.wanted} are ready since {span(bounds.unready)}: {'; '.join(now.notes)}"
            + inside.why()
        )
