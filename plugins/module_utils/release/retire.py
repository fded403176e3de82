# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Scaling the idle slot down, once it is sure that nobody asks it and nobody may want to go back to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso, span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import (
    StepFailed,
    recover,
    remove_previews,
)
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import (
    ObservedState,
    Release,
    named,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
    Slots,
)

_DRAIN_LIMIT = 600.0
NOTHING_TO_RECOVER = "no release was left midway"


def reason_to_keep(now: ObservedState, wall: float, at_once: bool) -> str:
    """Return why the idle slot is left as it is, or the empty string."""
    idle = now.idle
    if not now.rule.exclusive:
        return "requests go to both slots or to none, so that no slot is idle"
    if not idle or idle["state"] == "down":
        return f"slot {now.idle_slot} is down already"
    if idle["state"] == "up" and not at_once and wall * 1000 < idle["warm_until"]:
        return f"{named(idle)} on slot {now.idle_slot} is kept warm until {iso(idle['warm_until'] / 1000)}"
    return ""


def replicas_to_match(now: ObservedState, slots: Slots) -> tuple[int, str]:
    """Return how many replicas the way back is to have if it has fewer than what is live, and what there is to tell."""
    if not now.rule.exclusive or now.idle.get("state") != "up":
        return 0, ""
    try:
        replicas = slots.replicas_to_match(now.idle_slot)
    except (KubernetesError, SlotFailed) as error:
        return 0, f"; whether it is as large as what is live can't be told: {error}"
    return replicas, f"; it grows to {replicas} replicas, as many as are live" if replicas else ""


def retire(
    context: ReleaseContext,
    who: dict[str, Any],
    seconds: float,
    wait: float,
    slots: Callable[[Lease], Slots],
    *,
    now: bool,
    drain: float,
    delay: float,
    requests: Callable[[str, datetime, datetime], float],
    recover_only: bool = False,
) -> tuple[bool, str, Release | None]:
    """Settle what was left, or else, unless `recover_only`, scale the idle slot down if it isn't kept.

    Returns whether anything was done, what, and the release that was brought to its end. One at a time: settling
    takes the rights of a rollback and no more. A slot that is kept grows with the live one, so that it can stand the
    same requests. One that isn't is marked before it is scaled down, so that nobody takes it for a way back meanwhile.
    Raises Busy.
    """
    lease, before = acquire(context.store, who, seconds, wait=wait)
    try:
        unfinished = context.store.unfinished(before)
        told = recover(context, lease, unfinished) if unfinished else ""
        observed = context.observe()
        remove_previews(context, observed, lease)
        if told or recover_only:
            lease.release_lock()
            left = context.store.release(unfinished["id"]) if unfinished else None
            return bool(told), told or NOTHING_TO_RECOVER, left
        if reason := reason_to_keep(observed, context.clock.wall(), now):
            replicas, more = replicas_to_match(observed, slots(lease))
            if replicas:
                slots(lease).grow(observed.idle_slot, replicas, lease)
            lease.release_lock()
            return bool(replicas), reason + more, None
        slot, name = observed.idle_slot, named(observed.idle)
        content = {key: value for key, value in observed.idle.items() if key not in ("scope", "id")}
        content["since"] = iso(context.clock.wall())
        _drain(context, lease, observed, slot, drain, delay, requests)
        lease.write(lease.store.slot_parts({slot: {**content, "state": "stopping"}}))
        slots(lease).scale_down(slot, lease)
        lease.release_lock(lease.store.slot_parts({slot: {**content, "state": "down"}}))
        return True, f"slot {slot} was scaled down: {name} is not kept warm any more", None
    except BaseException:
        _release_lock(lease)
        raise


def _drain(
    context: ReleaseContext,
    lease: Lease,
    observed: ObservedState,
    slot: str,
    drain: float,
    delay: float,
    requests: Callable[[str, datetime, datetime], float],
) -> None:
    """Wait until the slot has had no request for `drain` seconds, as far as CloudWatch tells.

    What it has not published yet looks like no request. So the seconds in question end `delay` ago, and they begin
    after the requests were moved: else they would say nothing of what still came.
    """
    began = context.clock.steady()
    moved = datetime.fromisoformat((observed.last_traffic_shift or {}).get("finished") or iso(0))
    while True:
        passed = context.clock.steady() - began
        until = datetime.fromtimestamp(context.clock.wall() - delay, UTC)
        published = (until - moved).total_seconds() >= drain
        since = until - timedelta(seconds=max(drain, 60.0))
        if passed >= drain and published and not requests(observed.rule.groups[slot], since, until):
            return
        if passed > drain + delay + _DRAIN_LIMIT:
            raise StepFailed(
                f"slot {slot} has no weight and still got requests for {span(passed)}; it stays up. "
                "Does another rule of the load balancer lead there?"
            )
        if context.traffic.rule().weights[slot]:
            raise StepFailed(f"slot {slot} was given requests while it was to be scaled down; it stays up")
        lease.renew_if_due()
        context.clock.sleep(min(2.0, drain or 0.1))


def _release_lock(lease: Lease) -> None:
    try:
        lease.release_lock()
    except Exception:
        # The lease has gone; what brought us here says more.
        return


def request_counter(connect: Callable[[], Any]) -> Callable[[str, datetime, datetime], float]:
    """Return count(target group's ARN, since, until): requests that CloudWatch has counted in that time."""

    def count(group: str, since: datetime, until: datetime) -> float:
        try:
            answer = connect().get_metric_statistics(
                Namespace="AWS/ApplicationELB",
                MetricName="RequestCountPerTarget",
                Dimensions=[{"Name": "TargetGroup", "Value": group.split(":")[-1]}],
                StartTime=since,
                EndTime=until,
                Period=60,
                Statistics=["Sum"],
            )
        except (ClientError, BotoCoreError) as error:
            raise StepFailed(
                f"cloudwatch:GetMetricStatistics failed for {group.split(':')[-1]}: {error}"
            ) from error
        return sum(point["Sum"] for point in answer["Datapoints"])

    return count
