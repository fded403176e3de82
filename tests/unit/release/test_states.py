"""Every transition of a release, and every refused one."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import states
from ansible_collections.teal.platform.plugins.module_utils.release.states import State

ALLOWED = {
    (None, "locked"),
    (None, "rolling_back"),
    ("locked", "staged"),
    ("staged", "ready"),
    ("ready", "verified"),
    ("verified", "switching"),
    ("verified", "stepping"),
    ("stepping", "step_baking"),
    ("step_baking", "stepping"),
    ("step_baking", "switching"),
    ("switching", "baking"),
    ("baking", "committed"),
    ("locked", "aborted"),
    ("staged", "aborted"),
    ("ready", "aborted"),
    ("verified", "aborted"),
    ("stepping", "rolling_back"),
    ("step_baking", "rolling_back"),
    ("switching", "rolling_back"),
    ("baking", "rolling_back"),
    ("rolling_back", "rolled_back"),
    ("rolling_back", "rollback_failed"),
}
PAIRS = list(itertools.product([None, *State], State))


@pytest.mark.parametrize(("current", "wanted"), PAIRS, ids=lambda state: str(state))
def test_transition(current: State | None, wanted: State) -> None:
    if (current, wanted) in ALLOWED:
        states.check(current, wanted)
        return
    with pytest.raises(states.TransitionRefused, match=f"cannot become {wanted}"):
        states.check(current, wanted)


def test_every_state_can_come_to_an_end() -> None:
    for state in State:
        reached, todo = {state}, [state]
        while todo:
            for following in states.TRANSITIONS[todo.pop()] - reached:
                reached.add(following)
                todo.append(following)
        assert reached & states.TERMINAL


def test_release_that_may_have_traffic_is_never_aborted() -> None:
    """`aborted` promises that no traffic moved, so nothing that follows the first shift may lead to it."""
    todo, reached = [State.STEPPING, State.SWITCHING], {State.STEPPING, State.SWITCHING}
    while todo:
        for following in states.TRANSITIONS[todo.pop()] - reached:
            reached.add(following)
            todo.append(following)
    assert State.ABORTED not in reached


@pytest.mark.parametrize("state", State)
def test_recovery_action_leads_to_a_final_state(state: State) -> None:
    wanted = {
        states.RecoveryAction.NOTHING: None,
        states.RecoveryAction.ABORT: State.ABORTED,
        states.RecoveryAction.ROLL_BACK: State.ROLLED_BACK,
    }[states.recovery_action(state)]
    if wanted is None:
        assert state in states.TERMINAL
    elif wanted == State.ABORTED:
        states.check(state, wanted)
    else:
        if state != State.ROLLING_BACK:
            states.check(state, State.ROLLING_BACK)
        states.check(State.ROLLING_BACK, wanted)


def test_passed_follows_forward_states_only() -> None:
    assert states.passed(State.BAKING, State.READY)
    assert states.passed(State.READY, State.READY)
    assert not states.passed(State.READY, State.BAKING)
    assert not states.passed(State.ROLLING_BACK, State.READY)
    assert not states.passed(State.ABORTED, State.LOCKED)


def test_states_of_steps_repeat_with_a_higher_step() -> None:
    """A run that continues a release repeats no step that was taken, and takes each one that was not."""
    assert states.passed(State.STEP_BAKING, State.STEPPING, 1, 1)
    assert states.passed(State.STEP_BAKING, State.VERIFIED, 1)
    assert states.passed(State.STEPPING, State.STEP_BAKING, 2, 1)
    assert not states.passed(State.STEP_BAKING, State.STEPPING, 1, 2)
    assert not states.passed(State.STEPPING, State.STEP_BAKING, 1, 1)
    assert states.passed(State.SWITCHING, State.STEP_BAKING, 3, 3)
    assert not states.passed(State.ROLLING_BACK, State.STEPPING, 1, 1)
