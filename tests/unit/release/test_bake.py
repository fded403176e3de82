"""Watching a release after it got the traffic: what is forgiven, and what sends it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import deploy
from ansible_collections.teal.platform.plugins.module_utils.release.alarms import AlarmsUnknown
from ansible_collections.teal.platform.plugins.module_utils.release.bake import Thresholds, bake
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, LeaseLost, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    Condition,
    SlotFailed,
    Unreachable,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import State
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import TrafficError
from ansible_collections.teal.platform.plugins.module_utils.release.verify import Check

from .fake_environment import Controller, Environment, who

WELL = Condition(wanted=2, ready=2)
BOUNDS = Thresholds(seconds=20, errors=1.0, unready=10, blind=30)


def begun(controller: Controller, image: str) -> tuple[Lease, Release]:
    """Bring a release to where it is watched."""
    request = deploy.Request(image=image, tag=image, version=image, config_name="c")
    made = deploy.begin(controller.context, request, who(), 30, 0)
    assert made.lease and made.release
    release, lease = made.release, made.lease
    controller.environment.bring_up(release, lease, lambda _: None)
    for state in (State.STAGED, State.READY, State.VERIFIED):
        release = lease.advance(release, state, version=image)
    deploy.switch(controller.context, lease, release)
    found = controller.store.release(release["id"])
    assert found
    return lease, found


@pytest.fixture
def watch(environment: Environment) -> Callable[..., str]:
    """Return watch(conditions, alarms): what each second finds; the last goes on. Its words, or StepFailed."""
    controller = Controller(environment)
    lease, serving = begun(controller, "1.0.0")

    def watched(
        conditions: list[Condition | Exception],
        alarms: list[list[str] | Exception] | None = None,
        restarts: int = 0,
        replicas: int = 0,
    ) -> str:
        left, reported = list(conditions), list(alarms or [[]])

        def condition(_: str) -> Condition:
            now = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(now, Exception):
                raise now
            return now

        def raised() -> list[str]:
            now = reported.pop(0) if len(reported) > 1 else reported[0]
            if isinstance(now, Exception):
                raise now
            return now

        environment.condition = condition  # type: ignore[method-assign]
        environment.explain = lambda _: "exit code 1"  # type: ignore[method-assign]
        release = {**serving, "restarts": restarts, "replicas": replicas}
        return bake(
            controller.context,
            Lease.of(controller.store, lease.ticket()),
            release,
            Check("/actuator/health"),
            BOUNDS,
            SlotMonitor.of(environment, release),
            raised,
        )

    return watched


def test_good_release_is_watched_to_the_end(watch: Callable[..., str]) -> None:
    assert watch([WELL]) == "42 requests, 0 failures in 20 s"


def test_restart_rolls_the_release_back_at_once(watch: Callable[..., str], environment: Environment) -> None:
    began = environment.time.now
    with pytest.raises(StepFailed, match=r"did not stay up in slot blue: 1 restart since .*\nexit code 1"):
        watch([WELL, WELL, Condition(2, 1, restarts=1, notes=["p: CrashLoopBackOff"])])
    assert environment.time.now - began < 4


def test_traffic_is_shifted_back_before_the_diagnosis(environment: Environment) -> None:
    controller = Controller(environment)
    assert controller.deploy("1.0.0") == "committed"
    lease, release = begun(controller, "2")
    assert environment.weights() == {"blue": 0, "green": 100}
    running = environment.slots["green"]
    environment.time.on_sleep.append(lambda: setattr(running, "status", 500))
    monitor = SlotMonitor.of(environment, release)
    with pytest.raises(StepFailed, match="requests failed after the switch"):
        bake(controller.context, lease, release, Check("/actuator/health"), BOUNDS, monitor, list)
    assert environment.weights() == {"blue": 100, "green": 0}
    stored = controller.store.release(release["id"])
    assert stored and stored["state"] == "rolling_back"
    assert deploy.abort_or_roll_back(controller.context, lease, stored, "bad")["state"] == "rolled_back"


def test_restarts_before_readiness_do_not_count(watch: Callable[..., str]) -> None:
    assert watch([Condition(2, 2, restarts=3)], restarts=3)
    with pytest.raises(StepFailed, match="2 restarts since"):
        watch([Condition(2, 2, restarts=3)], restarts=1)


def test_restart_after_a_pod_replacement_counts(watch: Callable[..., str]) -> None:
    pods = [Condition(2, 2, restarts=count) for count in (3, 0, 1)]
    with pytest.raises(StepFailed, match="1 restart since"):
        watch(pods, restarts=3)


def test_missing_pod_is_tolerated_while_a_node_is_replaced(watch: Callable[..., str]) -> None:
    assert watch([WELL, *[Condition(2, 1)] * 8, WELL])


def test_missing_pods_roll_the_release_back(watch: Callable[..., str]) -> None:
    with pytest.raises(StepFailed, match=r"only 1 of 2 replicas were ready for 10 s"):
        watch([WELL, Condition(2, 1)])


def test_short_outage_of_kubernetes_is_tolerated(watch: Callable[..., str], environment: Environment) -> None:
    began = environment.time.now
    assert watch([WELL, *[Unreachable(0, "refused")] * 25, WELL])
    assert environment.time.now - began > BOUNDS.seconds, "it was looked at again before it was committed"


@pytest.mark.parametrize("why", [SlotFailed("ec2: Throttling"), TrafficError("elb: Throttling")])
def test_short_outage_of_ec2_is_tolerated(watch: Callable[..., str], why: Exception) -> None:
    assert watch([WELL, why, why, WELL])


def test_long_outage_of_kubernetes_rolls_the_release_back(watch: Callable[..., str]) -> None:
    with pytest.raises(StepFailed, match=r"could not be read for .*: refused"):
        watch([WELL, Unreachable(0, "refused")])


def test_alarm_rolls_the_release_back(watch: Callable[..., str]) -> None:
    with pytest.raises(StepFailed, match="CloudWatch raised assistant-5xx"):
        watch([WELL], [[], [], ["assistant-5xx"]])


def test_short_outage_of_cloudwatch_is_tolerated(watch: Callable[..., str], environment: Environment) -> None:
    began, silent = environment.time.now, AlarmsUnknown("throttled")
    assert watch([WELL], [*[silent] * 25, []])
    assert environment.time.now - began > BOUNDS.seconds, (
        "it was asked again before the release was committed"
    )
    with pytest.raises(StepFailed, match=r"the alarms could not be read for .*: throttled"):
        watch([WELL], [[], silent])


def test_replicas_added_by_an_autoscaler_are_not_required(watch: Callable[..., str]) -> None:
    assert watch([WELL, Condition(6, 2)], replicas=2)
    with pytest.raises(StepFailed, match="only 1 of 2 replicas were ready"):
        watch([WELL, Condition(6, 1)], replicas=2)
    assert watch([Condition(1, 1)], replicas=2), "somebody may want fewer"


def test_one_round_of_failures_at_all_addresses_is_tolerated(
    watch: Callable[..., str], environment: Environment
) -> None:
    running = environment.slots["blue"]
    bad = iter([500, 200])
    environment.time.on_sleep.append(lambda: setattr(running, "status", next(bad, 200)))
    assert "2 failures" in watch([WELL])


def test_address_removed_by_the_load_balancer_does_not_count(
    watch: Callable[..., str], environment: Environment
) -> None:
    get_all, gone = environment.get_all, []

    def less(addresses: list[str], path: str, headers: object = None) -> dict[str, Answer]:
        return {
            address: Answer(0, error="refused") if address in gone else answer
            for address, answer in get_all(addresses, path).items()
        }

    environment.get_all = less  # type: ignore[method-assign]
    environment.time.on_sleep.append(lambda: gone.append("52.0.0.2"))
    with pytest.raises(StepFailed, match=r"52\.0\.0\.2: .*refused"):
        watch([WELL])
    gone.clear()
    environment.known_addresses = lambda: ["52.0.0.1"] if gone else ["52.0.0.1", "52.0.0.2"]
    assert "0 failures" in watch([WELL])


def test_failed_requests_roll_the_release_back(watch: Callable[..., str], environment: Environment) -> None:
    running = environment.slots["blue"]
    environment.time.on_sleep.append(lambda: setattr(running, "status", 500))
    with pytest.raises(
        StepFailed, match=r"4 of 6 requests failed after the switch: .* returned 500.*\nexit code 1"
    ):
        watch([WELL])


def test_lost_lease_ends_the_bake(watch: Callable[..., str], environment: Environment) -> None:
    controller = Controller(environment)

    def rollback() -> None:
        if environment.time.now > 1_800_000_003 and controller.store.lock()["generation"] == 1:
            acquire(controller.store, who("qa", "rollback"), 15, preempts={"deploy"})

    environment.time.on_sleep.append(rollback)
    with pytest.raises(LeaseLost):
        watch([WELL])
