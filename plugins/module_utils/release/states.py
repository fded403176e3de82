# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The states of a release, their transitions, and how an interrupted release is recovered.

`stepping`, `switching` and `rolling_back` are recorded before traffic is shifted, all other states after the step that they
name. So the record always covers everything that may have happened.

A release with `release_steps` passes `stepping` and `step_baking` once for each weight below 100 %. Its record has the
number of the current entry of that list (`step`), which only grows. Without steps it goes from `verified` to `switching`.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How far a release has come."""

    LOCKED = "locked"
    STAGED = "staged"
    READY = "ready"
    VERIFIED = "verified"
    STEPPING = "stepping"
    STEP_BAKING = "step_baking"
    SWITCHING = "switching"
    BAKING = "baking"
    COMMITTED = "committed"
    ABORTED = "aborted"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"


class RecoveryAction(StrEnum):
    """How an interrupted release is ended."""

    NOTHING = "nothing"
    ABORT = "abort"
    ROLL_BACK = "roll_back"


#: The states of a successful deploy without steps, in order.
FORWARD = (
    State.LOCKED,
    State.STAGED,
    State.READY,
    State.VERIFIED,
    State.SWITCHING,
    State.BAKING,
    State.COMMITTED,
)

#: States in which no request has reached the release's slot, and its run could not shift traffic.
BEFORE_SWITCH = frozenset({State.LOCKED, State.STAGED, State.READY, State.VERIFIED})

#: States that a release passes once for each entry of its steps, in order.
_STEP_STATES = (State.STEPPING, State.STEP_BAKING)

TERMINAL = frozenset({State.COMMITTED, State.ABORTED, State.ROLLED_BACK, State.ROLLBACK_FAILED})

#: The allowed next states. None means that the release is not recorded yet: a deploy begins as `locked`, a warm rollback
#: as `rolling_back`.
TRANSITIONS: dict[State | None, frozenset[State]] = {
    None: frozenset({State.LOCKED, State.ROLLING_BACK}),
    State.LOCKED: frozenset({State.STAGED, State.ABORTED}),
    State.STAGED: frozenset({State.READY, State.ABORTED}),
    State.READY: frozenset({State.VERIFIED, State.ABORTED}),
    State.VERIFIED: frozenset({State.STEPPING, State.SWITCHING, State.ABORTED}),
    State.STEPPING: frozenset({State.STEP_BAKING, State.ROLLING_BACK}),
    State.STEP_BAKING: frozenset({State.STEPPING, State.SWITCHING, State.ROLLING_BACK}),
    State.SWITCHING: frozenset({State.BAKING, State.ROLLING_BACK}),
    State.BAKING: frozenset({State.COMMITTED, State.ROLLING_BACK}),
    State.ROLLING_BACK: frozenset({State.ROLLED_BACK, State.ROLLBACK_FAILED}),
    State.COMMITTED: frozenset(),
    State.ABORTED: frozenset(),
    State.ROLLED_BACK: frozenset(),
    State.ROLLBACK_FAILED: frozenset(),
}


class TransitionRefused(Exception):
    """The requested state cannot follow the current state of the release."""


def check(current: State | None, wanted: State) -> None:
    """Raise TransitionRefused unless `wanted` may follow `current`."""
    if wanted not in TRANSITIONS[current]:
        allowed = ", ".join(sorted(TRANSITIONS[current])) or "none: the state is final"
        raise TransitionRefused(
            f"a release that is {current or 'not recorded'} cannot become {wanted} (allowed: {allowed})"
        )


def passed(current: State, wanted: State, step: int = 0, wanted_step: int = 0) -> bool:
    """Return whether a release in `current` is in `wanted` or has passed it.

    `step` and `wanted_step` are the numbers of the entries of its steps. They count for the states that repeat.
    """
    if current not in _ORDER or wanted not in _ORDER:
        return current == wanted
    return _position(current, step) >= _position(wanted, wanted_step)


def _position(state: State, step: int) -> tuple[int, int, int]:
    if state in _STEP_STATES:
        return _ORDER[state], step, _STEP_STATES.index(state)
    return _ORDER[state], 0, 0


_PLACES = (*FORWARD[:4], _STEP_STATES, *FORWARD[4:])
#: The place of each forward state. The states of the steps share one.
_ORDER = {
    state: place
    for place, states in enumerate(_PLACES)
    for state in (states if isinstance(states, tuple) else (states,))
}


def recovery_action(state: State) -> RecoveryAction:
    """Return how a release that was interrupted in `state` is ended."""
    if state in TERMINAL:
        return RecoveryAction.NOTHING
    return RecoveryAction.ABORT if state in BEFORE_SWITCH else RecoveryAction.ROLL_BACK
