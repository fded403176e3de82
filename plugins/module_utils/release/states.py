# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The states of a release, which may follow which, and how one is settled whose controller is gone.

`switching` and `rolling_back` are written down before the traffic is moved, the others when what
they say has been done. So a record never claims less than what may have happened.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What has happened to a release so far."""

    LOCKED = "locked"
    STAGED = "staged"
    READY = "ready"
    VERIFIED = "verified"
    SWITCHING = "switching"
    BAKING = "baking"
    COMMITTED = "committed"
    ABORTED = "aborted"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"


class RecoveryAction(StrEnum):
    """What is to be done with a release that nobody works on any more."""

    NOTHING = "nothing"
    ABORT = "abort"
    ROLL_BACK = "roll_back"


#: The way of a deploy that goes well, in order.
FORWARD = (
    State.LOCKED,
    State.STAGED,
    State.READY,
    State.VERIFIED,
    State.SWITCHING,
    State.BAKING,
    State.COMMITTED,
)

#: No request has gone to the release's slot, and its controller was not allowed to send one.
BEFORE_SWITCH = frozenset({State.LOCKED, State.STAGED, State.READY, State.VERIFIED})

TERMINAL = frozenset({State.COMMITTED, State.ABORTED, State.ROLLED_BACK, State.ROLLBACK_FAILED})

#: What may follow a state. None stands for a release that is not recorded yet: a deploy begins as
#: `locked`, a rollback to the warm slot as `rolling_back`.
TRANSITIONS: dict[State | None, frozenset[State]] = {
    None: frozenset({State.LOCKED, State.ROLLING_BACK}),
    State.LOCKED: frozenset({State.STAGED, State.ABORTED}),
    State.STAGED: frozenset({State.READY, State.ABORTED}),
    State.READY: frozenset({State.VERIFIED, State.ABORTED}),
    State.VERIFIED: frozenset({State.SWITCHING, State.ABORTED}),
    State.SWITCHING: frozenset({State.BAKING, State.ROLLING_BACK}),
    State.BAKING: frozenset({State.COMMITTED, State.ROLLING_BACK}),
    State.ROLLING_BACK: frozenset({State.ROLLED_BACK, State.ROLLBACK_FAILED}),
    State.COMMITTED: frozenset(),
    State.ABORTED: frozenset(),
    State.ROLLED_BACK: frozenset(),
    State.ROLLBACK_FAILED: frozenset(),
}


class TransitionRefused(Exception):
    """A release was to enter a state that cannot follow the one it is in."""


def check(current: State | None, wanted: State) -> None:
    """Raise TransitionRefused unless `wanted` may follow `current`."""
    if wanted not in TRANSITIONS[current]:
        allowed = ", ".join(sorted(TRANSITIONS[current])) or "nothing: it has ended"
        raise TransitionRefused(
            f"a release that is {current or 'not recorded'} cannot become {wanted} (allowed: {allowed})"
        )


def passed(current: State, wanted: State) -> bool:
    """Return whether a release in `current` has already been through `wanted`, or is in it."""
    if current == wanted:
        return True
    return current in FORWARD and wanted in FORWARD and FORWARD.index(current) > FORWARD.index(wanted)


def recovery_action(state: State) -> RecoveryAction:
    """Return what brings a release that was left in `state` to an end."""
    if state in TERMINAL:
        return RecoveryAction.NOTHING
    return RecoveryAction.ABORT if state in BEFORE_SWITCH else RecoveryAction.ROLL_BACK
