# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Scale the idle slot down once it has no requests and is no longer a warm rollback target."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import moment
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


def reason_to_keep(now: ObservedState, wall: float, at_once: bool) -> str:
    """Return why the idle slot is not scaled down, or the empty string.

    `wall` is the wall clock in seconds; `at_once` ignores the time for which the slot is kept warm.
    """
    idle = now.idle
    if not now.rule.exclusive:
        return message("retire.split_traffic")
    if not idle or idle["state"] == "down":
        return message("retire.down_already", slot=now.idle_slot)
    if idle["state"] == "up" and not at_once and wall * 1000 < idle["warm_until"]:
        until = moment(iso(idle["warm_until"] / 1000))
        return message("retire.kept_warm", name=named(idle), slot=now.idle_slot, until=until)
    return ""


def replicas_to_match(now: ObservedState, slots: Slots) -> tuple[int, str]:
    """Return how many replicas the warm slot needs if it has fewer than the live slot (else 0), and a text about it."""
    if not now.rule.exclusive or now.idle.get("state") != "up":
        return 0, ""
    try:
        replicas = slots.replicas_to_match(now.idle_slot)
    except (KubernetesError, SlotFailed) as error:
        return 0, message("retire.not_compared", error=error)
    return replicas, message("retire.grows", replicas=replicas) if replicas else ""


def restore_limits(now: ObservedState, slots: Slots, lease: Lease) -> str:
    """Give the live slot's autoscaler its own limits again, and return a text about it if they were raised.

    They were raised while a release took traffic from the slot, or while the slot was kept warm.
    """
    try:
        restored = now.rule.exclusive and slots.restore_limits(now.live_slot, lease)
    except (KubernetesError, SlotFailed) as error:
        return message("retire.limits_unknown", error=error)
    return message("retire.limits_restored", slot=now.live_slot) if restored else ""


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
    """Recover an interrupted release; if there is none and not `recover_only`, scale the idle slot down or keep it warm.

    `seconds` is the length of the lease, `wait` the seconds to wait for the lock, `now` ignores the time for which the
    slot is kept warm, `drain` the seconds without requests before the slot is scaled down, `delay` the delay of
    CloudWatch's metrics in seconds, `requests` counts requests (see `request_counter`).
    Returns whether anything changed, a text about it, and the recovered release. Raises Busy and StepFailed.

    One run does only one of both: recovery needs the permissions of a rollback and no more. A slot that is kept warm is
    scaled up with the live slot, so that it can carry the same load. A slot is marked before it is scaled down, so that
    no rollback picks it meanwhile.
    """
    lease, before = acquire(context.store, who, seconds, wait=wait)
    try:
        unfinished = context.store.unfinished(before)
        done = recover(context, lease, unfinished) if unfinished else ""
        observed = context.observe()
        remove_previews(context, observed, lease)
        if done or recover_only:
            lease.release_lock()
            recovered = context.store.release(unfinished["id"]) if unfinished else None
            return bool(done), done or message("retire.nothing"), recovered
        if reason := reason_to_keep(observed, context.clock.wall(), now):
            replicas, more = replicas_to_match(observed, slots(lease))
            if replicas:
                slots(lease).grow(observed.idle_slot, replicas, lease)
            # If Kubernetes did not answer just now, a second wait for it is useless.
            restored = restore_limits(observed, slots(lease), lease) if replicas or not more else ""
            lease.release_lock()
            return bool(replicas or restored), joined(reason, more, restored), None
        slot, name = observed.idle_slot, named(observed.idle)
        content = {key: value for key, value in observed.idle.items() if key not in ("scope", "id")}
        content["since"] = iso(context.clock.wall())
        _drain(context, lease, observed, slot, drain, delay, requests)
        lease.write(lease.store.slot_parts({slot: {**content, "state": "stopping"}}))
        slots(lease).scale_down(slot, lease)
        lease.release_lock(lease.store.slot_parts({slot: {**content, "state": "down"}}))
        return True, message("retire.done", slot=slot, name=name), None
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
    """Wait until CloudWatch has counted no request to the slot for `drain` seconds.

    Metrics that are not published yet look like no requests. So the interval ends `delay` seconds ago and begins after
    the last traffic shift. Raises StepFailed if requests still arrive after 10 minutes, or the slot gets a weight.
    """
    began = context.clock.steady()
    shifted = datetime.fromisoformat((observed.last_traffic_shift or {}).get("finished") or iso(0))
    while True:
        passed = context.clock.steady() - began
        until = datetime.fromtimestamp(context.clock.wall() - delay, UTC)
        published = (until - shifted).total_seconds() >= drain
        since = until - timedelta(seconds=max(drain, 60.0))
        if passed >= drain and published and not requests(observed.rule.groups[slot], since, until):
            return
        if passed > drain + delay + _DRAIN_LIMIT:
            raise StepFailed(message("retire.still_requests", slot=slot, span=span(passed)))
        if context.traffic.rule().weights[slot]:
            raise StepFailed(message("retire.traffic_again", slot=slot))
        lease.renew_if_due()
        context.clock.sleep(min(2.0, drain or 0.1))


def _release_lock(lease: Lease) -> None:
    try:
        lease.release_lock()
    except Exception:
        # The first error explains more than the lost lease.
        return


def request_counter(connect: Callable[[], Any]) -> Callable[[str, datetime, datetime], float]:
    """Return a function count(target group ARN, since, until) -> requests that CloudWatch counted. It raises StepFailed.

    `connect` creates the CloudWatch client.
    """

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
                message("retire.metrics_failed", group=group.split(":")[-1], error=error)
            ) from error
        return sum(point["Sum"] for point in answer["Datapoints"])

    return count
