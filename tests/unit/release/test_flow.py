"""Deploys, rollbacks and retirements from their beginning to their end, and who comes in between."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import (
    deploy,
    observed_state,
    retire,
    rollback,
)
from ansible_collections.teal.platform.plugins.module_utils.release import plan as plans
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Busy, LeaseLost, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import named
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import (
    VersionEndpoint,
    VersionNotObserved,
    wait_for_version,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import Unreachable
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import TrafficError

from .fake_environment import Controller, Environment, who


@pytest.fixture
def controller(environment: Environment) -> Controller:
    return Controller(environment)


@pytest.fixture
def served(controller: Controller) -> Controller:
    """1.0.0 is live on blue, and nothing else was ever there."""
    assert controller.deploy("1.0.0") == "committed"
    controller.environment.serving_began = True
    return controller


def states(controller: Controller) -> list[tuple[str, str, str]]:
    return [(r["kind"], r["tag"], r["state"]) for r in controller.store.history()]


def events(controller: Controller) -> list[str]:
    return [event["state"] for event in controller.store.history()[0]["events"]]


def test_first_release_goes_to_blue_without_traffic_until_verified(
    controller: Controller,
) -> None:
    environment = controller.environment
    environment.behaviour["bad"] = "error"
    assert controller.deploy("bad") == "aborted"
    assert environment.live() == "green"
    assert controller.deploy("1.0.0") == "committed"
    assert (environment.live(), environment.slots["blue"].version) == ("blue", "1.0.0")


def test_deploy_passes_all_states_and_releases_the_lock(served: Controller) -> None:
    assert served.deploy("1.1.0") == "committed"
    assert events(served) == ["locked", "staged", "ready", "verified", "switching", "baking", "committed"]
    assert served.environment.live() == "green"
    assert served.store.lock()["holder"] == ""
    assert served.environment.previews() == []
    slots = served.store.slots()
    assert (slots["green"]["state"], slots["blue"]["state"]) == ("up", "up")
    assert slots["blue"]["warm_until"] > served.environment.time.now * 1000
    assert served.environment.unserved == []


def test_live_image_is_not_deployed_again_unless_forced(served: Controller) -> None:
    assert served.deploy("1.0.0") == "unchanged"
    assert served.store.lock()["holder"] == ""
    assert len(served.store.history()) == 1
    assert served.deploy("1.0.0", force=["same"]) == "committed"
    assert served.environment.live() == "green"


@pytest.mark.parametrize(
    ("behaviour", "ended"), [("crash", "aborted"), ("error", "aborted"), ("dies", "rolled_back")]
)
def test_bad_image_leaves_or_returns_traffic_to_the_previous_release(
    served: Controller, behaviour: str, ended: str
) -> None:
    served.environment.behaviour["bad"] = behaviour
    assert served.deploy("bad") == ended
    assert served.environment.live() == "blue"
    assert served.environment.unserved == []
    assert served.environment.previews() == []
    assert served.store.lock()["holder"] == ""
    assert ("switching" in events(served)) == (ended == "rolled_back")
    assert served.store.slots()["green"]["state"] == "failed"


def test_release_that_fails_at_the_first_request_is_rolled_back_in_seconds(
    served: Controller,
) -> None:
    environment = served.environment
    environment.behaviour["bad"] = "falls"
    environment.serving_began = False
    switched: list[float] = []
    modify = environment.elb.modify_rule

    def timed(**what: Any) -> Any:
        switched.append(environment.time.now)
        return modify(**what)

    environment.elb.modify_rule = timed
    assert served.deploy("bad") == "rolled_back"
    assert environment.live() == "blue"
    assert "baking" not in events(served)
    assert "52.0.0.1 returned 502" in served.store.history()[0]["failure"]
    assert switched[1] - switched[0] < served.context.observe_timeout / 2


def test_old_answers_and_single_failures_are_waited_for(served: Controller) -> None:
    """Only an address that does nothing but fail is given up before its time."""
    environment, clock = served.environment, served.context.clock
    answers = iter(["old", "bad", "old", "bad", "bad", "old"] * 4 + ["new"] * 3)

    def get_all(addresses: list[str], path: str) -> dict[str, Answer]:
        what = next(answers)
        if what == "bad":
            return dict.fromkeys(addresses, Answer(502, b""))
        return dict.fromkeys(addresses, Answer(200, json.dumps({"v": what}).encode()))

    environment.get_all = get_all  # type: ignore[method-assign]
    version = VersionEndpoint("/actuator/info", "v")
    took = wait_for_version(environment, version, "new", lambda _: ["52.0.0.1"], clock, failing=0.1)  # type: ignore[arg-type]
    assert took > 2
    answers = iter(["old"] + ["bad"] * 100)
    with pytest.raises(VersionNotObserved, match=r"in 2.\d s: 52.0.0.1 returned 502"):
        wait_for_version(environment, version, "new", lambda _: ["52.0.0.1"], clock, failing=2)  # type: ignore[arg-type]


def test_address_removed_by_the_load_balancer_is_not_waited_for(served: Controller) -> None:
    environment, clock = served.environment, served.context.clock
    known = [["52.0.0.1", "52.0.0.2"], ["52.0.0.1", "52.0.0.3"]]

    def get_all(addresses: list[str], path: str) -> dict[str, Answer]:
        fine, gone = Answer(200, b'{"v": "new"}'), Answer(0, error="refused")
        return {address: gone if address == "52.0.0.2" else fine for address in addresses}

    environment.get_all = get_all  # type: ignore[method-assign]
    version = VersionEndpoint("/actuator/info", "v")
    asked: list[list[str]] = []

    def addresses(silent: Collection[str]) -> list[str]:
        asked.append(known[min(len(asked), 1)])
        return asked[-1]

    assert wait_for_version(environment, version, "new", addresses, clock, failing=2) < 1  # type: ignore[arg-type]
    assert asked == known
    known[1].append("52.0.0.2")
    with pytest.raises(VersionNotObserved, match=r"52\.0\.0\.2 returned no answer \(refused\)"):
        wait_for_version(environment, version, "new", addresses, clock, failing=2)  # type: ignore[arg-type]


def test_silent_address_without_dns_record_does_not_count(served: Controller) -> None:
    context = served.context
    assert context.client_addresses() == context.client_addresses(["52.0.0.2"]) == ["52.0.0.1", "52.0.0.2"], (
        "nothing is known of the name"
    )
    context.resolved = lambda: {"52.0.0.1"}
    assert context.client_addresses() == ["52.0.0.1", "52.0.0.2"]
    assert context.client_addresses(["52.0.0.2"]) == ["52.0.0.1"]
    assert context.client_addresses(["52.0.0.1"]) == ["52.0.0.1", "52.0.0.2"]
    context.resolved = lambda: {"192.0.2.1"}
    assert context.client_addresses(["52.0.0.2"]) == ["52.0.0.1", "52.0.0.2"], (
        "the name leads elsewhere from here"
    )

    def throttled() -> list[str]:
        raise TrafficError("ec2: Throttling")

    context.addresses = throttled
    assert context.client_addresses(["52.0.0.2"]) == ["52.0.0.1", "52.0.0.2"], (
        "AWS may be silent for a moment"
    )


def test_version_is_read_from_the_new_slot_while_the_preview_rule_propagates(
    served: Controller,
) -> None:
    """Until the rule is in force, requests with the token reach the live slot; they prove nothing."""
    begun = served.deploy("1.1.0", version="")
    assert begun == "committed"
    assert served.store.history()[0]["version"] == "1.1.0"


def test_warm_rollback_is_one_call_to_the_load_balancer(served: Controller) -> None:
    served.deploy("1.1.0")
    served.environment.log.clear()
    assert served.rollback() == "warm"
    changes = [name for name in served.environment.log if not name.startswith(("Describe", "Get", "Query"))]
    assert changes == ["TransactWriteItems", "TransactWriteItems", "ModifyRule", "TransactWriteItems"]
    assert served.environment.live() == "blue"
    assert states(served)[0] == ("rollback", "1.0.0", "rolled_back")
    assert served.environment.unserved == []


def test_second_rollback_reports_nothing_to_do(served: Controller) -> None:
    served.deploy("1.1.0")
    served.rollback()
    count = len(served.store.history())
    assert served.rollback() == "none"
    assert served.environment.live() == "blue"
    assert len(served.store.history()) == count


def test_rollback_without_a_target_does_nothing(served: Controller) -> None:
    assert served.rollback() == "none"
    assert served.environment.live() == "blue"
    assert "first release" in _why(served)


def _why(controller: Controller) -> str:
    return rollback.decide(controller.context, "", []).why


def test_rollback_after_a_failed_deploy_does_nothing(served: Controller) -> None:
    served.deploy("1.1.0")
    served.environment.behaviour["bad"] = "dies"
    assert served.deploy("bad") == "rolled_back"
    assert served.rollback() == "none"
    assert "was already rolled back" in _why(served)
    assert served.environment.slots[served.environment.live()].version == "1.1.0"


def test_rollback_to_an_older_release_is_cold_and_uses_its_configuration(served: Controller) -> None:
    served.deploy("1.1.0")
    served.deploy("1.2.0")
    assert served.rollback(to="1.0.0") == "cold committed"
    live = served.environment.slots[served.environment.live()]
    assert live.version == "1.0.0"
    assert states(served)[0] == ("rollback", "1.0.0", "committed")
    assert served.rollback() == "none"


def test_rollback_by_number_tag_and_unknown_name(served: Controller) -> None:
    served.deploy("1.1.0")
    first = f"r{int(served.store.history()[-1]['id'])}"
    assert served.rollback(to=first) == "warm"
    assert served.rollback(to="1.0.0") == "none"
    with pytest.raises(plans.Refused, match=r"No recorded release is named '9\.9'.*1\.0\.0 \(r1\)"):
        served.rollback(to="9.9")


def test_rollback_target_is_found_in_older_history(
    served: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observed_state, "_HISTORY_LIMIT", 3)
    monkeypatch.setattr(rollback, "HISTORY_LIMIT", 7)
    served.deploy("1.1.0")
    for number in range(4):
        served.environment.behaviour[f"bad{number}"] = "crash"
        assert served.deploy(f"bad{number}") == "aborted"
    assert rollback.decide(served.context, "", []).target["tag"] == "1.0.0"
    assert rollback.decide(served.context, "1.1.0", []).how == "none"
    served.environment.behaviour["bad4"] = "crash"
    assert served.deploy("bad4") == "aborted"
    served.environment.behaviour["bad5"] = "crash"
    assert served.deploy("bad5") == "aborted"
    with pytest.raises(plans.Refused, match=r"No recorded release is named '1\.0\.0'"):
        rollback.decide(served.context, "1.0.0", [])
    assert rollback.decide(served.context, "r1", []).target["tag"] == "1.0.0"


def test_rolled_back_image_needs_force(served: Controller) -> None:
    served.deploy("1.1.0")
    served.rollback()
    with pytest.raises(
        plans.Refused,
        match=r"^1\.1\.0 \(r2\) was rolled back on .* by alice: it is bad.*-e force=rolled_back",
    ):
        served.deploy("1.1.0")
    assert served.store.lock()["holder"] == ""
    with pytest.raises(plans.Refused, match="itself rolled back"):
        served.rollback(to="1.1.0")
    assert served.rollback(to="1.1.0", force=["rolled_back"]) == "warm"
    assert served.environment.live() == "green"
    served.deploy("1.2.0")
    assert served.rollback() == "warm"
    assert served.environment.slots[served.environment.live()].version == "1.1.0"


def test_release_that_was_never_live_is_no_rollback_target(served: Controller) -> None:
    served.environment.behaviour["bad"] = "error"
    served.deploy("bad")
    with pytest.raises(plans.Refused, match="did not pass its verification"):
        served.rollback(to=f"r{int(served.store.history()[0]['id'])}")


@pytest.mark.parametrize("moved", [True, False])
def test_rollback_after_a_failed_rollback_has_the_same_target(served: Controller, moved: bool) -> None:
    served.deploy("1.1.0")
    served.deploy("1.2.0")
    fails = "wait_for_version" if moved else "switch"

    def fail(*_: object, **__: object) -> None:
        raise VersionNotObserved("no answer") if moved else TrafficError("AccessDenied")

    qa = Controller(served.environment, "qa")
    setattr(qa.context if moved else qa.context.traffic, fails, fail)
    with pytest.raises(rollback.RollbackFailed):
        qa.rollback()
    assert states(served)[0] == ("rollback", "1.1.0", "rollback_failed")
    again = Controller(served.environment, "qa").rollback()
    assert again == ("none" if moved else "warm")
    assert served.environment.slots[served.environment.live()].version == "1.1.0"


def test_interrupted_cold_rollback_is_resumed(served: Controller) -> None:
    served.deploy("1.1.0")
    served.deploy("1.2.0")
    begun = deploy.begin(
        served.context,
        deploy.Request(
            "1.0.0",
            tag="1.0.0",
            config_name="c",
            kind="rollback",
            to="00000001",
            force=["same", "rolled_back"],
        ),
        who(),
        60,
        0,
    )
    assert begun.release
    plan = rollback.decide(served.context, "", [])
    assert (plan.how, plan.target["id"]) == ("cold", "00000001")


def test_warm_slot_without_a_healthy_target_gets_no_traffic(served: Controller) -> None:
    served.deploy("1.1.0")
    served.environment.slots["blue"].healthy = False
    assert served.rollback() == "cold committed"
    assert served.environment.slots[served.environment.live()].version == "1.0.0"
    assert served.environment.unserved == []


def test_failed_release_stays_live_without_a_rollback_target(controller: Controller) -> None:
    controller.environment.behaviour["1.0.0"] = "dies"
    assert controller.deploy("1.0.0") == "rollback_failed"
    assert controller.environment.live() == "blue"
    release = controller.store.history()[0]
    assert "no healthy target" in release["return_failure"]
    assert controller.store.lock()["holder"] == ""


def test_failure_before_the_slot_is_claimed_keeps_the_rollback_target(served: Controller) -> None:
    """A migration that fails, say: the slot was not touched, so what is in it can still be gone back to."""
    served.deploy("1.1.0")
    request = deploy.Request(image="1.2.0", tag="1.2.0", config_name="c")
    begun = deploy.begin(served.context, request, who(), 60, 0)
    assert begun.lease and begun.release
    assert (
        deploy.abort_or_roll_back(served.context, begun.lease, begun.release, "no such column")["state"]
        == "aborted"
    )
    assert served.store.slots()["blue"]["state"] == "up"
    assert served.rollback() == "warm"
    assert served.environment.slots[served.environment.live()].version == "1.0.0"


def test_retire_keeps_the_rollback_target_warm_then_scales_it_down(served: Controller) -> None:
    served.deploy("1.1.0")
    assert "kept warm until" in served.retire()[1]
    assert set(served.environment.slots) == {"blue", "green"}
    served.environment.time.now += 3601
    changed, message = served.retire()
    assert changed
    assert message == "slot blue was scaled down: 1.0.0 (r1) is no longer kept warm"
    assert set(served.environment.slots) == {"green"}
    assert served.retire() == (False, "slot blue is already scaled down")
    assert served.rollback() == "cold committed"


def test_retire_scales_the_rollback_target_up_with_the_live_slot(served: Controller) -> None:
    served.deploy("1.1.0")
    served.environment.larger = 6
    changed, reported = served.retire()
    assert changed
    assert "kept warm until" in reported
    assert "it is scaled up to 6 replicas, like the live slot" in reported
    assert served.retire()[0] is False


def test_retire_reports_an_unknown_size_of_the_rollback_target(served: Controller) -> None:
    served.deploy("1.1.0")

    def silent(slot: str) -> int:
        raise Unreachable(0, "refused")

    served.environment.replicas_to_match = silent  # type: ignore[method-assign]
    changed, reported = served.retire()
    assert (changed, "its size could not be compared with the live slot: " in reported) == (False, True)
    assert served.store.lock()["holder"] == ""


def test_retire_at_once_if_requested(served: Controller) -> None:
    served.deploy("1.1.0")
    assert served.retire(now=True)[0]
    assert set(served.environment.slots) == {"green"}


@pytest.mark.parametrize("ago", [0, 86400])
def test_retire_counts_requests_in_published_minutes(served: Controller, ago: int) -> None:
    """What is not published yet would look like a slot that nobody asks."""
    time, delay, drain = served.environment.time, 180, 60
    served.deploy("1.1.0")
    moved = served.context.clock.wall()
    time.now += ago
    asked: list[tuple[float, float]] = []

    def requests(group: str, since: datetime, until: datetime) -> float:
        """One was made 30 s after the switch, and is reported `delay` later."""
        now = served.context.clock.wall()
        asked.append((since.timestamp(), until.timestamp()))
        made = moved + 30
        return float(since.timestamp() <= made < until.timestamp() and now >= made + delay)

    began = served.context.clock.wall()
    assert retire.retire(
        served.context,
        who(operation="retire"),
        60,
        0,
        lambda lease: served.environment,
        now=True,
        drain=drain,
        delay=delay,
        requests=requests,
    )[0]
    ended = served.context.clock.wall()
    since, until = asked[-1]
    assert until - since == drain
    assert until == pytest.approx(ended - delay, abs=1)
    # It is seen, and then it is long enough ago; a switch of yesterday is not waited for.
    assert since >= moved + 29
    assert ended - began == pytest.approx(drain if ago else 30 + drain + delay, abs=5)


def test_retire_keeps_a_slot_with_requests(served: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    served.deploy("1.1.0")
    monkeypatch.setattr(retire, "_DRAIN_LIMIT", 10)
    with pytest.raises(deploy.StepFailed, match="still received requests"):
        retire.retire(
            served.context,
            who(operation="retire"),
            60,
            0,
            lambda lease: served.environment,
            now=True,
            drain=1,
            delay=0,
            requests=lambda group, since, until: 5,
        )
    assert set(served.environment.slots) == {"blue", "green"}
    assert served.store.slots()["blue"]["state"] == "up"
    assert served.store.lock()["holder"] == ""


# -- others at the same time -----------------------------------------------------------------------


def _in_the_middle(served: Controller, state: str, other: object) -> None:
    """Have `other()` happen once the deploy's record has reached a state."""
    store, done = served.store, []
    write = store.write

    def watched(parts: object) -> None:
        write(parts)  # type: ignore[arg-type]
        latest = store.history(1)
        if not done and latest and latest[0]["state"] == state:
            done.append(1)
            other()  # type: ignore[operator]

    store.write = watched  # type: ignore[method-assign]


@pytest.mark.parametrize("state", ["locked", "staged", "ready", "verified"])
def test_rollback_stops_a_deploy_without_traffic(served: Controller, state: str) -> None:
    qa = Controller(served.environment, "qa")
    reported = []
    _in_the_middle(served, state, lambda: reported.append(qa.rollback()))
    with pytest.raises(LeaseLost):
        served.deploy("1.1.0")
    assert reported == ["stop"]
    assert served.environment.live() == "blue"
    assert states(served)[0] == ("deploy", "1.1.0", "aborted")
    assert served.store.traces()[0]["by"] == "qa on laptop"
    assert served.environment.previews() == []
    assert served.environment.unserved == []
    assert qa.deploy("1.2.0") == "committed"


@pytest.mark.parametrize("state", ["switching", "baking"])
def test_rollback_shifts_traffic_back_from_a_deploy(served: Controller, state: str) -> None:
    qa = Controller(served.environment, "qa")
    reported = []
    _in_the_middle(served, state, lambda: reported.append(qa.rollback()))
    with pytest.raises(LeaseLost):
        served.deploy("1.1.0")
    assert reported == ["warm"]
    assert served.environment.live() == "blue"
    assert [state for _, _, state in states(served)][:2] == ["rolled_back", "rolled_back"]
    assert served.environment.unserved == []
    assert served.store.unfinished(served.store.lock()) is None


def test_late_call_of_a_stopped_deploy_is_corrected(served: Controller) -> None:
    """AWS may carry out what the deploy sent before it was stopped after the rollback has moved the traffic."""
    environment, qa = served.environment, Controller(served.environment, "qa")
    moves: list[dict] = []
    modify = environment.elb.modify_rule

    def held_back(**given: dict) -> object:
        if "ForwardConfig" not in given["Actions"][0]:
            return modify(**given)
        moves.append(given)
        environment.elb.modify_rule = modify
        environment.time.on_sleep.append(late)
        return reported.append(qa.rollback())

    def late() -> None:
        if moves:
            with environment.quietly():
                modify(**moves.pop())

    reported: list[str] = []
    environment.elb.modify_rule = held_back
    with pytest.raises(LeaseLost, match="its last change may have been made after it lost the lock"):
        served.deploy("1.1.0")
    assert reported == ["warm"]
    assert not moves, "the late call has come"
    assert environment.live() == "blue"
    assert [state for _, _, state in states(served)][:2] == ["rolled_back", "rolled_back"]


@pytest.mark.parametrize("state", ["stopping", "raising"])
def test_rollback_avoids_a_slot_that_is_being_scaled_down(served: Controller, state: str) -> None:
    """Whoever held the lock when the rollback looked marks the slot before the rollback has taken it from them."""
    served.deploy("1.1.0")
    qa = Controller(served.environment, "qa")
    holder, _ = acquire(served.store, who("cron", "retire"), 60)
    look, looks = qa.context.observe, []

    def then_marked() -> object:
        observed = look()
        if not looks:
            looks.append(1)
            content = {key: value for key, value in observed.idle.items() if key not in ("scope", "id")}
            holder.write(holder.store.slot_parts({observed.idle_slot: {**content, "state": state}}))
        return observed

    qa.context.observe = then_marked  # type: ignore[method-assign]
    done = rollback.warm(qa.context, who("qa", "rollback"), 15, 0, "", "", [])
    assert (done.plan.how, done.record) == ("cold", None)
    assert served.environment.live() == "green"
    assert served.store.lock()["holder"] == holder.holder, "nothing was taken from whoever is at work"


def test_refused_read_after_the_shift_does_not_fail_the_rollback(served: Controller) -> None:
    """The requests are back and were seen; whether they stay is looked at for a while."""
    qa = Controller(served.environment, "qa")
    rule, looks, reported = qa.context.traffic.rule, [], []

    def throttled() -> object:
        looks.append(1)
        if len(looks) in (6, 7):
            raise TrafficError("elasticloadbalancing:DescribeRules failed: Throttling")
        return rule()

    qa.context.traffic.rule = throttled  # type: ignore[method-assign]
    _in_the_middle(served, "switching", lambda: reported.append(qa.rollback()))
    with pytest.raises(LeaseLost):
        served.deploy("1.1.0")
    assert reported == ["warm"]
    assert len(looks) > 15
    assert states(served)[0] == ("rollback", "1.0.0", "rolled_back")


def test_no_wait_for_calls_of_a_long_dead_controller(served: Controller) -> None:
    environment = served.environment

    def die() -> None:
        raise RuntimeError("gone")

    _in_the_middle(served, "switching", die)
    with pytest.raises(RuntimeError):
        served.deploy("1.1.0")
    environment.time.now += 3600
    began = environment.time.now
    assert Controller(environment, "qa").rollback() == "warm"
    assert environment.time.now - began < 5


def test_rollback_avoids_a_slot_that_a_deploy_has_just_claimed(served: Controller) -> None:
    """It is stopped by the rollback that was to go there; what it has put into the slot ends with it."""
    for version in ("1.1.0", "1.2.0"):
        served.deploy(version)
    begun = deploy.begin(
        served.context, deploy.Request("1.3.0", tag="1.3.0", version="1.3.0", config_name="c"), who(), 60, 0
    )
    assert begun.lease and begun.release
    qa = Controller(served.environment, "qa")
    look, looks = qa.context.observe, []

    def then_taken() -> object:
        observed = look()
        if not looks:
            looks.append(1)
            deploy.claim_slot(begun.lease, begun.release)
        return observed

    qa.context.observe = then_taken  # type: ignore[method-assign]
    done = rollback.warm(qa.context, who("qa", "rollback"), 15, 0, "1.1.0", "", [])
    assert (done.plan.how, done.plan.slot) == ("cold", "green")
    assert served.store.lock()["holder"] == begun.lease.holder


def test_undone_cold_rollback_does_not_count_as_done(served: Controller) -> None:
    for version in ("1.1.0", "1.2.0"):
        served.deploy(version)
    served.environment.behaviour["1.0.0"] = "dies"
    assert Controller(served.environment, "qa").rollback("1.0.0") == "cold rolled_back"
    plan = rollback.decide(served.context, "", [])
    assert (plan.how, "the rollback r4 was already rolled back: 1.2.0 (r3) is live" in plan.why) == (
        "none",
        True,
    )
    assert served.deploy("1.2.0", force=["same"]) == "committed", "1.2.0 was not rolled back"


def test_slot_that_failed_during_the_wait_for_the_lock_gets_no_traffic(served: Controller) -> None:
    served.deploy("1.1.0")
    acquire(served.store, who("bob", "unlock"), 5)
    served.environment.time.on_sleep.append(
        lambda: setattr(served.environment.slots["blue"], "healthy", False)
    )
    with pytest.raises(rollback.RollbackFailed, match=r"slot blue has no healthy target"):
        served.rollback(wait=30)
    assert served.environment.live() == "green"
    assert states(served)[0] == ("rollback", "1.0.0", "rollback_failed")


def test_two_parallel_rollbacks_roll_back_once(served: Controller) -> None:
    served.deploy("1.1.0")
    served.deploy("1.2.0")
    first, second = Controller(served.environment, "bob"), Controller(served.environment, "carol")
    reported: list[str] = []
    _in_the_middle(first, "rolling_back", lambda: reported.append(_refused(second)))
    assert first.rollback() == "warm"
    assert "holds the lock" in reported[0]
    assert served.environment.slots[served.environment.live()].version == "1.1.0"


def _refused(controller: Controller) -> str:
    try:
        return controller.rollback(wait=0)
    except (Busy, plans.Refused) as error:
        return str(error)


def test_second_parallel_rollback_does_not_roll_back_further(served: Controller) -> None:
    """It decided while the bad release was live; by the time it gets the lock, somebody has gone back."""
    served.deploy("1.1.0")
    served.deploy("1.2.0")
    second = Controller(served.environment, "carol")
    real = second.store.lock
    came = []

    def lock() -> dict:
        if not came and second.store.history(1)[0]["state"] == "committed":
            before = real()
            came.append(before)
            if len(came) == 1:
                return before
        return real()

    second.store.lock = lock  # type: ignore[method-assign]
    now = second.context.observe
    read: list[object] = []

    def then_bob() -> object:
        observed = now()
        if not read:
            read.append(1)
            Controller(served.environment, "bob").rollback()
        return observed

    second.context.observe = then_bob  # type: ignore[method-assign]
    assert second.rollback() == "none"
    assert served.environment.slots[served.environment.live()].version == "1.1.0"


def test_two_rollbacks_that_stop_the_same_deploy_keep_the_live_release(served: Controller) -> None:
    """The second one was to stop it, too, and not to go back from the release that was live all the time."""
    served.deploy("1.1.0")
    reported: list[str] = []

    def both() -> None:
        bob, carol = (Controller(served.environment, name) for name in ("bob", "carol"))
        now, read = carol.context.observe, []

        def then_bob() -> object:
            observed = now()
            if not read:
                read.append(1)
                reported.append(bob.rollback())
            return observed

        carol.context.observe = then_bob  # type: ignore[method-assign]
        reported.append(carol.rollback())

    _in_the_middle(served, "staged", both)
    with pytest.raises(LeaseLost):
        served.deploy("1.2.0")
    assert reported == ["stop", "none"]
    assert served.environment.slots[served.environment.live()].version == "1.1.0"


def test_rollback_is_refused_if_another_release_went_live(served: Controller) -> None:
    """It was to leave 1.1.0; meanwhile somebody has deployed."""
    served.deploy("1.1.0")
    second = Controller(served.environment, "carol")
    now, read = second.context.observe, []

    def then_bob() -> object:
        observed = now()
        if not read:
            read.append(1)
            Controller(served.environment, "bob").deploy("1.2.0")
        return observed

    second.context.observe = then_bob  # type: ignore[method-assign]
    with pytest.raises(plans.Refused, match=r"1\.1\.0 .* was live when this rollback began.*deploy r3 by"):
        second.rollback()
    assert served.environment.slots[served.environment.live()].version == "1.2.0"


# -- rules of others -------------------------------------------------------------------------------

ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
REDIRECT = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302", "Host": "status.example"}}
OIDC = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {
        "Issuer": "https://login.example",
        "AuthorizationEndpoint": "https://login.example/authorize",
        "TokenEndpoint": "https://login.example/token",
        "UserInfoEndpoint": "https://login.example/user",
        "ClientId": "assistant",
        "ClientSecret": "x",
    },
}
COGNITO = {
    "Type": "authenticate-cognito",
    "Order": 1,
    "AuthenticateCognitoConfig": {
        "UserPoolArn": "arn:aws:cognito-idp:ap-northeast-2:123456789012:userpool/ap-northeast-2_x",
        "UserPoolClientId": "assistant",
        "UserPoolDomain": "login",
    },
}


def authenticate(environment: Environment, action: dict[str, Any]) -> None:
    """Have the slot rule authenticate before it forwards."""
    with environment.quietly():
        (rule,) = environment.elb.describe_rules(RuleArns=[environment.rule])["Rules"]
        forward = {**rule["Actions"][-1], "Order": 2}
        environment.elb.modify_rule(RuleArn=environment.rule, Actions=[action, forward])


def put_before(environment: Environment, action: dict[str, Any], priority: int = 5, **condition: Any) -> str:
    """Make a rule before the slot rule, and return its ARN."""
    given = condition or {"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}
    with environment.quietly():
        made = environment.elb.create_rule(
            ListenerArn=environment.listener, Priority=priority, Conditions=[given], Actions=[action]
        )
    return made["Rules"][0]["RuleArn"]


@pytest.mark.parametrize("action", [OIDC, COGNITO])
def test_slot_rule_that_authenticates_is_refused_and_keeps_its_action(
    served: Controller, action: dict[str, Any]
) -> None:
    served.deploy("1.1.0")
    environment = served.environment
    authenticate(environment, action)
    for act in (
        lambda: served.deploy("1.2.0"),
        served.rollback,
        lambda: rollback.decide(served.context, "", []),
    ):
        with pytest.raises(plans.Refused, match=f"does more than forward: {action['Type']}"):
            act()
    lease, _ = acquire(served.store, who(), 60)
    with pytest.raises(TrafficError, match="would remove them"):
        served.context.traffic.switch("blue", lease)
    with environment.quietly():
        (rule,) = environment.elb.describe_rules(RuleArns=[environment.rule])["Rules"]
    assert [each["Type"] for each in rule["Actions"]] == [action["Type"], "forward"]
    assert len(served.store.history()) == 2


def test_action_added_during_a_release_is_not_removed(served: Controller) -> None:
    environment = served.environment
    _in_the_middle(served, "verified", lambda: authenticate(environment, OIDC))
    assert served.deploy("1.1.0") == "aborted"
    assert "does more than forward: authenticate-oidc" in served.store.history()[0]["failure"]
    assert environment.slots["blue"].version == "1.0.0"


@pytest.mark.parametrize(
    ("action", "reported"), [(ANSWER, "answers with a fixed 503"), (REDIRECT, "redirects with")]
)
def test_maintenance_rule_is_reported_before_the_lock(
    served: Controller, action: dict[str, Any], reported: str
) -> None:
    served.deploy("1.1.0")
    arn = put_before(served.environment, action)
    generation = served.store.lock()["generation"]
    for act in (lambda: served.deploy("1.2.0"), served.rollback):
        with pytest.raises(plans.Refused, match=f"Rule 5 .*{reported}.*delete-rule --rule-arn {arn}"):
            act()
    assert served.store.lock()["generation"] == generation
    assert served.environment.live() == "green"


def test_maintenance_rule_added_during_a_release_rolls_it_back(served: Controller) -> None:
    """Nothing of it is lost by going back; that nobody can see it is reported, with the rule."""
    environment = served.environment
    environment.behaviour["1.1.0"] = "dies"
    get, closed = environment.get, []

    def get_or_maintenance(address: str, path: str, headers: Any = None, **more: Any) -> Answer:
        return Answer(503, b"maintenance") if closed else get(address, path, headers, **more)

    def close() -> None:
        put_before(environment, ANSWER)
        closed.append(1)

    environment.get = get_or_maintenance  # type: ignore[method-assign]
    _in_the_middle(served, "baking", close)
    assert served.deploy("1.1.0") == "rollback_failed"
    assert environment.live() == "blue"
    assert "Rule 5" in served.store.history()[0]["return_failure"]


@pytest.mark.parametrize(
    "condition",
    [
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/shop/*"]}},
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["other.example"]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Beta", "Values": ["*"]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["203.0.113.0/24"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "beta", "Value": "1"}]}},
    ],
)
def test_rule_for_other_requests_is_no_obstacle(served: Controller, condition: dict[str, Any]) -> None:
    put_before(served.environment, ANSWER, **condition)
    assert rollback.decide(served.context, "", []).how == "none"
    deploy.preview(served.context, deploy.Request("1.1.0", tag="1.1.0", config_name="c"))


def test_rule_before_the_preview_is_reported_before_pods_start(served: Controller) -> None:
    def asked(path: str) -> deploy.Request:
        return deploy.Request("1.1.0", tag="1.1.0", config_name="c", checked=[path])

    put_before(served.environment, ANSWER, 1, Field="path-pattern", PathPatternConfig={"Values": ["/api/*"]})
    deploy.preview(served.context, asked("/"))
    with pytest.raises(
        plans.Refused,
        match=r"Rule 1 .*higher priority than the preview rule \(2\).*/api/health\?deep=1, which",
    ):
        deploy.begin(served.context, asked("/api/health?deep=1"), who(), 60, 0)
    assert served.store.lock()["generation"] == 1


def test_missing_priority_for_the_preview_is_reported_before_pods_start(served: Controller) -> None:
    environment = served.environment
    with environment.quietly():
        priorities = [{"RuleArn": environment.rule, "Priority": 1}]
        environment.elb.set_rule_priorities(RulePriorities=priorities)
    with pytest.raises(plans.Refused, match="has priority 1, and no lower number is free"):
        served.deploy("1.1.0")
    assert served.store.lock()["generation"] == 1


def test_second_rule_with_weights_is_refused(served: Controller) -> None:
    environment = served.environment
    with environment.quietly():
        (rule,) = environment.elb.describe_rules(RuleArns=[environment.rule])["Rules"]
    shop = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/shop/*"]}}
    put_before(environment, rule["Actions"][0], **shop)
    assert served.context.traffic.rule().arn == environment.rule
    with pytest.raises(plans.Refused, match=r"Rule 5 .*forwards to both slots with its own weights"):
        served.deploy("1.1.0")


def test_waiting_deploy_acquires_the_lock(served: Controller) -> None:
    lease, _ = acquire(served.store, who("bob"), 60)
    served.environment.time.on_sleep.append(
        lambda: lease.release_lock() if served.store.lock()["holder"] == lease.holder else None
    )
    assert served.deploy("1.1.0", wait=60) == "committed"


def test_named_returns_tag_and_number(served: Controller) -> None:
    assert named(served.store.history()[0]) == "1.0.0 (r1)"
    assert named({}) == "nothing"
