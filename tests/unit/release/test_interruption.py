"""Death at every step: a controller is killed before and after each of its calls, and another run comes.

The calls are not listed here. A deploy (or rollback) that goes well is recorded first, and each change that
it makes becomes two deaths: one before the change was carried out, and one after it with the answer lost.
With RELEASE_DEATHS=all each read becomes two as well.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import lease as leases
from ansible_collections.teal.platform.plugins.module_utils.release import plan as plans
from ansible_collections.teal.platform.plugins.module_utils.release.states import TERMINAL

from .fake_environment import TABLE, Controller, Environment, Killed

READS = ("Describe", "Get", "Query")
EVERYTHING = os.environ.get("RELEASE_DEATHS") == "all"
Act = Callable[[Controller], object]
#: Numbers of versions: none is used twice.
NUMBERS = itertools.count(1)
STEPS = [{"weight": 5, "bake": "1s"}, {"weight": 50, "bake": "1s"}]


@pytest.fixture
def served(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Controller:
    """1.0.0 is live. Who waits for a dead controller's lock looks rarely, since the clock is ours."""
    monkeypatch.setattr(leases, "_POLL_INTERVAL", 20)
    controller = Controller(environment)
    assert controller.deploy("1.0.0") == "committed"
    environment.serving_began = True
    return controller


def deaths(controller: Controller, act: Act) -> list[tuple[int, bool, str]]:
    """Do it once without dying, and return all deaths: number of the call, whether after it, its name."""
    environment = controller.environment
    environment.calls = 0
    environment.log.clear()
    act(controller)
    return [
        (number, after, name)
        for number, name in enumerate(environment.log, 1)
        if EVERYTHING or not name.startswith(READS)
        for after in (False, True)
    ]


def die(controller: Controller, act: Act, number: int, after: bool) -> None:
    environment = controller.environment
    environment.calls, environment.kill_at, environment.kill_after = 0, number, after
    try:
        act(controller)
    except Killed:
        pass
    finally:
        environment.dead, environment.kill_at = False, 0


def well(environment: Environment, where: str) -> None:
    """What has to be true whenever nobody works on the environment."""
    controller = Controller(environment)
    with environment.quietly():
        now = controller.context.observe()
    assert environment.unserved == [], where
    assert environment.previews() == [], where
    assert now.unfinished is None, where
    assert now.lock["holder"] == "", where
    assert all(release["state"] in TERMINAL for release in now.history), where
    running = environment.slots[environment.live()]
    assert now.live["release"] == running.release, (
        f"{where}: the record of the live slot is not what runs there"
    )
    assert now.live["state"] == "up", where


def forget(environment: Environment) -> None:
    """Keep the latest records, and what the slots hold: moto copies the whole table with every transaction."""
    with environment.quietly():
        store = Controller(environment).store
        held = {slot["release"] for slot in store.slots().values()}
        for old in [*store._query("release")[12:], *store._query("trace")[12:]]:
            if old["id"] not in held:
                key = {name: {"S": old[name]} for name in ("scope", "id")}
                environment.dynamodb.delete_item(TableName=TABLE, Key=key)


def again(version: str) -> Act:
    return lambda controller: controller.deploy(version, wait=120, force=["rolled_back"])


def other(version: str) -> Act:
    return lambda controller: controller.deploy(f"{version}-other", wait=120)


def back(version: str) -> Act:
    return lambda controller: controller.rollback(wait=120)


def cleanup(version: str) -> Act:
    """As the schedule does, some time later."""

    def retire(controller: Controller) -> object:
        controller.environment.time.now += 300
        return controller.retire()

    return retire


NEXT = (again, other, back, cleanup)


@pytest.mark.parametrize("followings", [[each] for each in NEXT] if EVERYTHING else [NEXT])
def test_interrupted_deploy_is_recovered_by_any_next_run(
    served: Controller, followings: list[Callable[[str], Act]]
) -> None:
    recover_each(served, followings, deaths(served, lambda c: c.deploy("2.0.0")))


#: Deaths around a change of the weights, counted from the one right after it: each change before it is two deaths.
RECORDED, CHANGED = -4, 0


@pytest.mark.parametrize(
    "around", [(RECORDED, CHANGED), pytest.param(range(-5, 3), marks=pytest.mark.long, id="all")]
)
def test_release_interrupted_in_a_step_is_recovered_by_any_next_run(
    served: Controller, around: Sequence[int]
) -> None:
    """In each step: the weights are recorded, the lease is renewed, the weights change, the observation is recorded."""
    found = deaths(served, lambda c: c.deploy("2.0.0", steps=STEPS))
    # The first change of a rule is that of the preview.
    changes = [index for index, (_, after, name) in enumerate(found) if name == "ModifyRule" and after][1:]
    assert len(changes) == len(STEPS) + 1
    near = [found[change + each] for change in changes for each in around]
    for following in [NEXT] if len(around) == 2 else [(each,) for each in NEXT]:
        recover_each(served, following, near, steps=STEPS)


def recover_each(
    served: Controller,
    followings: Sequence[Callable[[str], Act]],
    found: list[tuple[int, bool, str]],
    steps: Sequence[dict[str, Any]] = (),
) -> None:
    """Die at each of these calls of a deploy, and have another run follow."""
    environment, number = served.environment, next(NUMBERS)

    def version() -> str:
        return f"2.{number}.0"

    for turn, (call, after, _) in enumerate(found):
        following = followings[turn % len(followings)]
        number = next(NUMBERS)
        before = environment.slots[environment.live()].version
        die(Controller(environment), lambda c: c.deploy(version(), steps=list(steps)), call, after)
        where = (
            f"the deploy of {version()} died at call {call}, {environment.killed}; then {following.__name__}"
        )
        assert environment.unserved == [], where
        recorded = served.store.history(1)[0]["tag"] == version()
        following(version())(Controller(environment, "bob"))
        if following is again:
            assert environment.slots[environment.live()].version == version(), where
        if following is back:
            # Of a deploy that was not even recorded, it knows nothing: it goes back from what is live.
            live = environment.slots[environment.live()].version
            assert not recorded or live == before or live == version(), where
            # What QA has no right to take away, the next deploy does.
            Controller(environment, "carol").deploy(f"{version()}-next", wait=120)
        well(environment, where)
        forget(environment)


@pytest.mark.parametrize("followings", [[each] for each in NEXT] if EVERYTHING else [[back], NEXT])
def test_interrupted_warm_rollback_is_completed_by_any_next_run(
    served: Controller, followings: list[Callable[[str], Act]]
) -> None:
    """Another rollback, a deploy and the schedule: none of them sends anybody to the bad release again."""
    environment = served.environment
    served.deploy("2.0.0")
    for turn, (call, after, _) in enumerate(deaths(served, lambda c: c.rollback()), 1):
        following = followings[turn % len(followings)]
        good = environment.slots[environment.live()].version
        bad = f"3.{turn}.0"
        assert Controller(environment).deploy(bad, wait=120) == "committed"
        die(Controller(environment), lambda c: c.rollback(), call, after)
        where = f"the rollback died at call {call}, {environment.killed}; then {following.__name__}"
        recorded = served.store.history(1)[0]["kind"] == "rollback"
        try:
            following(good)(Controller(environment, "bob"))
        except plans.Refused as refusal:
            assert "was faster" in str(refusal), where
        live = environment.slots[environment.live()].version
        assert live != bad or (following is cleanup and not recorded), where
        well(environment, where)
        forget(environment)


def test_interrupted_retirement_is_completed_by_the_next_one(served: Controller) -> None:
    environment = served.environment
    served.deploy("2.0.0")
    for number, (call, after, _) in enumerate(deaths(served, lambda c: c.retire(now=True)), 1):
        assert Controller(environment).deploy(f"3.{number}.0", wait=120) == "committed"
        die(Controller(environment), lambda c: c.retire(now=True), call, after)
        where = f"the retirement died at call {call}, {environment.killed}"
        environment.time.now += 300
        Controller(environment, "bob").retire(now=True)
        assert set(environment.slots) == {environment.live()}, where
        well(environment, where)
        forget(environment)


def test_interruptions_cover_every_kind_of_change(served: Controller) -> None:
    """The generator sees what it should: a test over an empty list would prove nothing."""
    found = {name for _, _, name in deaths(served, lambda c: c.deploy("2.0.0"))}
    assert found >= {"TransactWriteItems", "CreateRule", "DeleteRule", "ModifyRule", "slot green up"}
