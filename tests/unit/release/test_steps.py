"""A release that gets its traffic step by step: what is live meanwhile, how it goes on, how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import (
    deploy,
    engine,
    operator_messages,
    rollback,
    step_settings,
    steps,
)
from ansible_collections.teal.platform.plugins.module_utils.release import plan as plans
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.lease import LeaseLost
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import ObservedState
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import Condition, Unreachable
from ansible_collections.teal.platform.plugins.module_utils.release.states import State
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import SlotRule, shares
from ansible_collections.teal.platform.plugins.modules import release_bake, release_info, traffic_switch

from .fake_environment import Controller, Environment, Killed, record
from .test_modules import COMMON

WEIGHTS = (1, 50, 99)
STEPS = [{"weight": weight, "bake": "1s"} for weight in WEIGHTS]


# -- what is live, without any environment ------------------------------------------------------------


def observed(weights: dict[str, int], *history: dict[str, Any], unfinished: bool = True) -> ObservedState:
    """The state of an environment with 1.0.0 (r1) on blue and, if there is one more, a release on green."""
    first = record(1, state="committed", slot="blue", from_slot="green", tag="1.0.0", image="1.0.0", who="a")
    releases = [*history, first]
    slots = {
        "blue": {"scope": "slot", "id": "blue", "release": first["id"], "state": "up", "image": "1.0.0"},
        "green": {"scope": "slot", "id": "green", "release": releases[0]["id"], "state": "raising"},
    }
    rule = SlotRule("arn", "listener", 100, weights, {"blue": "b", "green": "g"}, {"Enabled": False})
    lock = {"holder": "", "generation": 2, "release": releases[0]["id"] if unfinished else first["id"]}
    defaults = {"config_name": "", "started": "2026-11-30T09:00:00Z", "previous": "", "who": "alice"}
    return ObservedState(rule, lock, slots, [{**defaults, **each} for each in releases])


def second(state: str, **more: Any) -> dict[str, Any]:
    return record(2, state=state, tag="1.1.0", image="1.1.0", previous="00000001", **more)


@pytest.mark.parametrize("state", ["stepping", "step_baking", "switching", "baking", "rolling_back"])
@pytest.mark.parametrize("percent", [0, *WEIGHTS, 100])
def test_live_is_the_previous_release_until_the_commit(state: str, percent: int) -> None:
    now = observed(shares("green", percent), second(state))
    assert (now.live_slot, now.idle_slot) == ("blue", "green")
    assert now.live["release"] == "00000001"
    assert operator_messages.live(now).endswith("(r1) on blue")
    assert now.rollback_target_id == "00000001"
    plan = plans.rollback(now, None, [], warm_serves=True)
    assert (plan.how, plan.slot, plan.target["id"]) == ("warm", "blue", "00000001")


@pytest.mark.parametrize("percent", WEIGHTS)
def test_live_slot_follows_a_rollback_that_failed_in_a_step(percent: int) -> None:
    """Nothing is in progress, and both slots have traffic: what was live is still what one goes back to."""
    now = observed(shares("green", percent), second("rollback_failed"), unfinished=False)
    assert now.live_slot == "blue"
    assert plans.rollback(now, None, [], warm_serves=True).slot == "blue"
    with pytest.raises(plans.Refused, match=r"playbooks/rollback.yml -e to=r1"):
        plans.deploy(now, "1.2.0", "", [], live_serves=True)


def test_live_slot_follows_the_weights_when_nothing_is_in_progress() -> None:
    for state in ("committed", "rollback_failed"):
        assert observed(shares("green"), second(state), unfinished=False).live_slot == "green"
    for state in ("rolled_back", "aborted"):
        assert observed(shares("blue"), second(state), unfinished=False).live_slot == "blue"
    assert observed(shares("green", 70), second("committed"), unfinished=False).live_slot == "green"


@pytest.mark.parametrize(("weights", "live"), [(shares("blue", 50), "blue"), (shares("green"), "green")])
def test_interrupted_warm_rollback_has_its_target_live(weights: dict[str, int], live: str) -> None:
    back = record(
        3, kind="rollback", warm=True, state="rolling_back", slot="blue", from_slot="green", to="00000001"
    )
    now = observed(weights, back, second("rolling_back"))
    assert now.live_slot == live


# -- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([{"weight": 0, "bake": "1m"}], "entry 1 has weight 0, which must be from 1 to 99"),
        ([{"weight": 100, "bake": "1m"}], "its bake is release_bake"),
        (
            [{"weight": 50, "bake": "1m"}, {"weight": 5, "bake": "1m"}],
            "entry 2 has weight 5, .* higher than 50",
        ),
        ([{"weight": 5, "bake": "1m"}, {"weight": 5, "bake": "1m"}], "entry 2 has weight 5"),
        ([{"weight": 5, "bake": "ten"}], "entry 1 has bake 'ten', which must be a length of time"),
        ([{"weight": 5}], "entry 1 must have weight and bake"),
    ],
)
def test_wrong_steps_are_named(given: list[dict[str, Any]], problem: str) -> None:
    (found,) = step_settings.problems(given)
    assert re.search(problem, found)


def test_right_steps() -> None:
    assert list(step_settings.problems(STEPS)) == []
    assert list(step_settings.problems([])) == []


# -- the size of the slot ------------------------------------------------------------------------------


class Sizes:
    """A slot that needs 6 replicas for all traffic and starts one a second."""

    def __init__(self, ready: int, wanted: int, silent: int = 0) -> None:
        self.ready, self.wanted, self.silent = ready, wanted, silent

    def replicas_for(self, slot: str, percent: int) -> int:
        self.silent -= 1
        if self.silent >= 0:
            raise Unreachable(0, "connection refused")
        return -(-6 * percent // 100)

    def condition(self, slot: str) -> Condition:
        self.ready = min(self.wanted, self.ready + 1)
        return Condition(wanted=self.wanted, ready=self.ready)

    def grow(self, slot: str, replicas: int, lease: Any) -> None:
        self.wanted = replicas


def test_step_waits_until_the_slot_is_large_enough(begun: Any, time: Any) -> None:
    lease, release = begun
    context = type("Context", (), {"clock": time.clock()})()
    slots = Sizes(ready=1, wanted=2, silent=3)
    steps.wait_for_size(context, lease, slots, release, 50, 60)  # type: ignore[arg-type]
    assert (slots.ready, slots.wanted) == (3, 3)
    slots = Sizes(ready=1, wanted=2)
    slots.grow = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(
        StepFailed, match=r"slot green was not large enough for 99 % .* 2 of 6 replicas"
    ) as error:
        steps.wait_for_size(context, lease, slots, release, 99, 20)  # type: ignore[arg-type]
    assert error.value.cause == "scheduling"


# -- whole releases ------------------------------------------------------------------------------------


@pytest.fixture
def served(environment: Environment) -> Controller:
    """1.0.0 is live on blue."""
    controller = Controller(environment)
    assert controller.deploy("1.0.0", steps=STEPS) == "committed"
    environment.serving_began = True
    return controller


def in_step(
    controller: Controller, act: Callable[[], object], state: str = "step_baking", percent: int = 50
) -> None:
    """Have `act` called once, when the latest release is in this state with this share."""
    begun: list[object] = []

    def look() -> None:
        with controller.environment.quietly():
            release = controller.store.history(1)[0]
        if not begun and (release["state"], release.get("weights", {}).get("green")) == (state, percent):
            begun.append(1)
            act()

    controller.environment.time.on_sleep.append(look)


def shifts(controller: Controller) -> list[str]:
    return [name for name in controller.environment.log if name == "ModifyRule"]


def test_first_release_takes_no_steps(served: Controller) -> None:
    assert [event["state"] for event in served.store.history()[0]["events"]].count("step_baking") == 0
    assert served.environment.unserved == []


def test_release_takes_its_steps(served: Controller) -> None:
    environment = served.environment
    environment.log.clear()
    assert served.deploy("1.1.0", steps=STEPS) == "committed"
    taken = [(e["state"], e["note"]) for e in served.store.history()[0]["events"]][4:]
    observed_at = [note for state, note in taken if state == "step_baking"]
    assert [each for each in taken if each[0] in ("stepping", "switching")] == [
        ("stepping", "1 %"), ("stepping", "50 %"), ("stepping", "99 %"), ("switching", "100 %")
    ]  # fmt: skip
    assert len(observed_at) == 3 and all("observed at every address" in note for note in observed_at)
    assert environment.weights() == shares("green")
    assert environment.unserved == []
    assert len(shifts(served)) == 1 + 4, "one for the preview, and one for each share"
    assert served.store.lock()["holder"] == ""


def test_rollback_in_a_step_is_one_change_of_the_weights(served: Controller) -> None:
    qa, reported = Controller(served.environment, "qa"), []
    in_step(served, lambda: (served.environment.log.clear(), reported.append(qa.rollback())))
    with pytest.raises(LeaseLost):
        served.deploy("1.1.0", steps=STEPS)
    assert (reported, len(shifts(served))) == (["warm"], 1)
    assert served.environment.weights() == shares("blue")
    assert [r["state"] for r in served.store.history(2)] == ["rolled_back", "rolled_back"]
    assert rollback.decide(served.context, "", []).how == "none"
    assert served.environment.unserved == []


@pytest.mark.long
def test_rollback_of_a_release_that_was_committed_meanwhile(served: Controller) -> None:
    """It was to take back what was in a step, and does so."""
    qa, reported = Controller(served.environment, "qa"), []
    look, looked = qa.context.observe, []

    def then_committed() -> ObservedState:
        now = look()
        if not looked:
            looked.append(1)
            served.environment.time.on_sleep.clear()
            with served.environment.quietly():
                lock = served.store.lock()
            lease = deploy.Lease.of(served.store, {**lock, "lease": 60})
            release = served.store.release(lock["release"])
            assert release
            release = lease.advance(release, State.SWITCHING)
            served.context.traffic.switch("green", lease)
            deploy.commit(served.context, lease, lease.advance(release, State.BAKING), 3600)
        return now

    qa.context.observe = then_committed  # type: ignore[method-assign]
    in_step(served, lambda: reported.append(qa.rollback()))
    with pytest.raises(LeaseLost):
        served.deploy("1.1.0", steps=STEPS)
    assert reported == ["warm"]
    assert served.environment.weights() == shares("blue")


def test_bad_release_is_taken_back_in_its_first_step(served: Controller) -> None:
    served.environment.behaviour["bad"] = "dies"
    assert served.deploy("bad", steps=STEPS) == "rolled_back"
    release = served.store.history()[0]
    assert (release["step"], release["weights"]) == (1, shares("blue"))
    assert served.environment.weights() == shares("blue")


@pytest.mark.long
def test_share_that_is_not_observed_is_taken_back(served: Controller) -> None:
    """The weights are set, and one address never applies them."""
    environment = served.environment
    get_many, answer = environment.get_many, Answer(200, json.dumps({"build": {"version": "1.0.0"}}).encode())

    def stale(addresses: list[str], path: str, times: int) -> dict[str, list[Answer]]:
        found = get_many(addresses, path, times)
        return {each: [answer] * times if each == "52.0.0.2" else found[each] for each in addresses}

    environment.get_many = stale  # type: ignore[method-assign]
    assert served.deploy("1.1.0", steps=STEPS[1:]) == "rolled_back"
    assert "52.0.0.2 returned it 0 times" in served.store.history()[0]["failure"]
    assert environment.weights() == shares("blue")


@pytest.mark.long
def test_steps_are_left_out_if_the_live_slot_serves_nobody(served: Controller) -> None:
    """A share for a slot without a healthy target would only fail: the fix gets all traffic."""
    served.environment.slots["blue"].healthy = False
    served.environment.serving_began = False
    assert served.deploy("1.1.0", steps=STEPS) == "committed"
    assert "stepping" not in [event["state"] for event in served.store.history()[0]["events"]]


@pytest.mark.parametrize("how", ["deploy", pytest.param("rollback", marks=pytest.mark.long)])
def test_dead_live_slot_in_a_step_gets_no_traffic_back(served: Controller, how: str) -> None:
    """Nearly all requests would go to a slot that is gone, and no deploy could end that."""
    environment, reported = served.environment, []

    def fall() -> None:
        environment.serving_began = False
        environment.slots["blue"].healthy = False
        if how == "rollback":
            with pytest.raises(rollback.RollbackFailed) as error:
                Controller(environment, "qa").rollback()
            reported.append(str(error.value))

    in_step(served, fall)
    if how == "rollback":
        with pytest.raises(LeaseLost):
            served.deploy("1.1.0", steps=STEPS)
        assert "slot blue has no healthy target" in reported[0]
    else:
        assert served.deploy("1.1.0", steps=STEPS) == "rollback_failed"
        assert "slot blue has no healthy target" in served.store.history()[0]["return_failure"]
    assert environment.weights() == shares("green")
    assert served.context.observe().live_slot == "green"
    environment.time.on_sleep.clear()
    assert served.deploy("1.2.0", steps=STEPS) == "committed"


@pytest.mark.long
def test_retire_recovers_a_release_that_died_in_a_step(served: Controller) -> None:
    environment = served.environment

    def die() -> None:
        raise Killed

    in_step(served, die, percent=99)
    with pytest.raises(Killed):
        served.deploy("1.1.0", steps=STEPS)
    assert environment.weights() == shares("green", 99)
    environment.time.on_sleep.clear()
    environment.time.now += 300
    environment.log.clear()
    changed, reported = Controller(environment, "schedule").retire()
    assert (changed, len(shifts(served))) == (True, 1)
    assert "was interrupted while step baking: 1.0.0 (r1) is live again" in reported
    assert environment.weights() == shares("blue")


@pytest.mark.long
@pytest.mark.parametrize("state", ["stepping", "step_baking"])
def test_interrupted_release_continues_with_the_steps_on_its_record(served: Controller, state: str) -> None:
    environment = served.environment

    def die() -> None:
        raise Killed

    in_step(served, die, state)
    with pytest.raises(Killed):
        served.deploy("1.1.0", steps=STEPS)
    environment.time.on_sleep.clear()
    environment.time.now += 300
    environment.log.clear()
    assert Controller(environment, "bob").deploy("1.1.0", wait=120) == "committed"
    notes = [e["note"] for e in served.store.history()[0]["events"] if e["state"] == "stepping"]
    assert [note for note in notes if note != "resumed"] == ["1 %", "50 %", "99 %"]
    assert environment.weights() == shares("green")


# -- modules -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "percent", [pytest.param(1, marks=pytest.mark.long), 50, pytest.param(99, marks=pytest.mark.long)]
)
def test_status_during_a_step(
    served: Controller, run_module: Callable[..., dict[str, Any]], percent: int
) -> None:
    shown: list[Any] = []

    def look() -> None:
        with served.environment.quietly():
            shown.append(run_module(release_info, inspect_slots=False, **COMMON))

    in_step(served, look, percent=percent)
    served.deploy("1.1.0", steps=STEPS)
    status, lines = shown[0]["status"], "\n".join(shown[0]["lines"])
    assert (status["live_slot"], status["unfinished"], status["weights"]) == (
        "blue",
        "r2",
        shares("green", percent),
    )
    assert status["problems"] == []
    assert status["slots"]["green"]["warm_until"] == ""
    latest = status["releases"][0]
    assert (latest["step"], latest["weights"]) == (WEIGHTS.index(percent) + 1, shares("green", percent))
    assert "blue   LIVE  1.0.0 (r1)" in lines
    assert f"green  {percent} %" in lines
    assert f"step baking (step {latest['step']} of 3, {percent} %) since" in lines


def test_module_does_not_repeat_a_step(
    served: Controller, run_module: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, tried = served.environment, []
    monkeypatch.setattr(engine.Engine, "slots", lambda self, *_, **__: environment)
    monkeypatch.setattr(engine, "Clock", environment.time.clock)

    def again() -> None:
        with environment.quietly():
            lock = served.store.lock()
            ticket = {
                "id": lock["release"],
                "holder": lock["holder"],
                "generation": lock["generation"],
                "lease": 60,
            }
            tried.append(run_module(traffic_switch, release=ticket, step=2, **COMMON))
            tried.append(run_module(traffic_switch, release=ticket, step=1, **COMMON))
            tried.append(run_module(release_bake, release=ticket, step=1, **COMMON))

    in_step(served, again)
    served.deploy("1.1.0", steps=STEPS)
    assert [each["changed"] for each in tried] == [False, False, False]
    assert tried[2]["seen"] == "the release is step baking"
