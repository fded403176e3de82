"""Who may change things, and what happens to a controller that may not any more."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.lease import (
    Busy,
    Lease,
    LeaseLost,
    acquire,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import State, TransitionRefused
from ansible_collections.teal.platform.plugins.module_utils.release.store import Conflict, Store, StoreError
from botocore.exceptions import ClientError, ReadTimeoutError

from .fake_environment import Time, record, who


def test_first_lease_has_generation_one_and_the_lock_names_its_holder(store: Store) -> None:
    lease, before = acquire(store, who("alice"), 30)
    assert (lease.generation, before["generation"]) == (1, 0)
    lock = store.lock()
    assert (lock["who"], lock["where"], lock["operation"], lock["subject"]) == (
        "alice",
        "laptop",
        "deploy",
        "1.1.0",
    )


def test_second_deploy_fails_at_once_and_names_the_holder(store: Store, time: Time) -> None:
    acquire(store, who("alice"), 30)
    time.now += 10
    with pytest.raises(
        Busy, match=r"a deploy of 1.1.0 by alice on laptop, .*since 2027-01-15T08:00:00Z .*expires in 20 s"
    ):
        acquire(store, who("bob"), 30)
    assert time.now == 1_800_000_010


def test_lock_wait_acquires_the_lock_when_it_is_released(store: Store, time: Time) -> None:
    first, _ = acquire(store, who("alice"), 30)

    def work() -> None:
        if time.now < 1_800_000_100:
            first.renew_if_due()
        elif store.lock()["generation"] == 1:
            first.release_lock()

    time.on_sleep.append(work)
    second, before = acquire(store, who("bob"), 30, wait=600)
    assert second.generation == 2
    assert before["holder"] == ""
    assert time.now == pytest.approx(1_800_000_100, abs=1)
    assert store.traces() == []


def test_lock_wait_ends_while_the_holder_is_alive(store: Store, time: Time) -> None:
    first, _ = acquire(store, who("alice"), 30)
    time.on_sleep.append(first.renew_if_due)
    with pytest.raises(Busy, match="alice"):
        acquire(store, who("bob"), 30, wait=120)
    assert time.now == pytest.approx(1_800_000_120, abs=1)


def test_lock_of_a_dead_holder_is_acquired_after_one_lease(store: Store, time: Time) -> None:
    acquire(store, who("alice"), 30)
    time.now += 3600
    began = time.now
    second, before = acquire(store, who("bob"), 30)
    assert second.generation == 2
    assert before["who"] == "alice"
    assert 30 <= time.now - began < 31
    (trace,) = store.traces()
    assert (trace["what"], trace["by"], trace["from"]["who"]) == ("expired", "bob on laptop", "alice")


@pytest.mark.parametrize("skew", [-7200, -60, 60, 7200])
def test_clock_skew_does_not_break_the_lock_of_a_living_holder(
    make_store: Any, time: Time, skew: float
) -> None:
    first, _ = acquire(make_store(), who("alice"), 30)
    time.on_sleep.append(first.renew_if_due)
    with pytest.raises(Busy):
        acquire(make_store(skew), who("bob"), 30, wait=300)
    first.confirm()


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_clock_skew_does_not_preserve_the_lock_of_a_dead_holder(make_store: Any, skew: float) -> None:
    acquire(make_store(), who("alice"), 30)
    second, _ = acquire(make_store(skew), who("bob"), 30, wait=60)
    assert second.generation == 2


def test_rollback_preempts_a_deploy_and_records_it(store: Store, time: Time) -> None:
    deploy, _ = acquire(store, who("alice"), 30)
    rollback, before = acquire(store, who("qa", "rollback"), 15, preempts={"deploy"})
    assert (rollback.generation, before["who"], time.now) == (2, "alice", 1_800_000_000)
    (trace,) = store.traces()
    assert (trace["what"], trace["by"], trace["for"]) == ("pre-empted", "qa on laptop", "rollback")
    with pytest.raises(LeaseLost, match=r"a rollback of 1\.1\.0 by qa on laptop"):
        deploy.renew()


def test_deploy_does_not_preempt_a_rollback(store: Store) -> None:
    acquire(store, who("qa", "rollback"), 15)
    with pytest.raises(Busy, match="a rollback"):
        acquire(store, who("alice"), 30, preempts=set())


def test_race_for_a_free_lock_has_one_winner(store: Store, make_store: Any) -> None:
    """Bob comes in between what alice read and what she writes."""
    others: list[Lease] = []

    def begin(seen: dict[str, Any]) -> tuple[list, dict]:
        if not others:
            others.append(acquire(make_store(), who("bob"), 30)[0])
        return [], {}

    with pytest.raises(Busy, match="bob"):
        acquire(store, who("alice"), 30, begin=begin)
    others[0].confirm()


def test_controller_paused_past_its_lease_changes_nothing(store: Store, time: Time) -> None:
    lease, _ = acquire(store, who("alice"), 30)
    time.now += 31
    changed = []
    with pytest.raises(
        LeaseLost, match=r"expired at 2027-01-15T08:00:30Z.*was the process paused.*nothing was changed"
    ):
        lease.guard(lambda: changed.append(1))
    with pytest.raises(LeaseLost):
        lease.release_lock()
    assert changed == []


def test_controller_paused_between_renewal_and_change_changes_nothing(
    store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, _ = acquire(store, who("alice"), 30)
    write = store.write

    def slowly(parts: Any) -> None:
        write(parts)
        time.now += 20

    monkeypatch.setattr(store, "write", slowly)
    changed = []
    with pytest.raises(LeaseLost, match="was paused"):
        lease.guard(lambda: changed.append(1))
    assert changed == []


def test_guard_reports_a_lock_lost_during_the_change(store: Store) -> None:
    lease, _ = acquire(store, who("alice"), 30)
    with pytest.raises(LeaseLost, match="another run acquired the lock"):
        lease.guard(lambda: acquire(store, who("qa", "rollback"), 15, preempts={"deploy"}))


def test_another_process_of_the_run_continues_the_lease(store: Store, time: Time) -> None:
    lease, _ = acquire(store, who("alice"), 30)
    time.now += 20
    Lease.of(store, lease.ticket()).renew()
    time.now += 20
    lease.renew()


def test_renew_if_due_renews_after_a_third_of_the_lease(store: Store, time: Time) -> None:
    lease, _ = acquire(store, who("alice"), 30)
    beat = store.lock()["beat"]
    time.now += 9
    lease.renew_if_due()
    assert store.lock()["beat"] == beat
    time.now += 2
    lease.renew_if_due()
    assert store.lock()["beat"] != beat


def test_advance_records_state_event_and_slot_in_one_write(begun: tuple, store: Store) -> None:
    lease, release = begun
    after = lease.advance(
        release, State.STAGED, "2 replicas", slots={"green": {"release": release["id"]}}, replicas=2
    )
    stored = store.release(release["id"])
    assert stored == after
    assert (stored["state"], stored["replicas"], stored["events"][-1]["note"]) == ("staged", 2, "2 replicas")
    assert store.slots()["green"]["release"] == release["id"]


def test_advance_refuses_a_forbidden_transition(begun: tuple, store: Store) -> None:
    lease, release = begun
    with pytest.raises(TransitionRefused):
        lease.advance(release, State.BAKING)
    assert store.release(release["id"])["state"] == "locked"


def test_advance_to_a_passed_state_writes_no_event(begun: tuple, store: Store) -> None:
    lease, release = begun
    release = lease.advance(release, State.STAGED)
    assert lease.advance(release, State.LOCKED) == release
    assert len(store.release(release["id"])["events"]) == 2


def test_advance_without_the_lease_writes_nothing(begun: tuple, store: Store) -> None:
    lease, release = begun
    acquire(store, who("qa", "rollback"), 15, preempts={"deploy"})
    with pytest.raises(LeaseLost):
        lease.advance(release, State.STAGED, slots={"green": {"release": "x"}})
    assert store.release(release["id"])["state"] == "locked"
    assert store.slots() == {}


def test_advance_of_a_changed_record_writes_nothing(begun: tuple, store: Store) -> None:
    lease, release = begun
    lease.advance(release, State.STAGED)
    with pytest.raises(Conflict):
        lease.advance(release, State.ABORTED, release_lock=True)
    assert store.release(release["id"])["state"] == "staged"
    lease.confirm()


@pytest.mark.parametrize("release_lock", [False, True])
def test_lost_answer_is_not_a_conflict(
    begun: tuple, store: Store, monkeypatch: pytest.MonkeyPatch, release_lock: bool
) -> None:
    """The first write arrives, its answer doesn't, and botocore asks again."""
    lease, release = begun
    write = store.write

    def twice(parts: Any) -> None:
        write(parts)
        write(parts)

    monkeypatch.setattr(store, "write", twice)
    after = lease.advance(release, State.ABORTED, release_lock=release_lock)
    assert after["state"] == store.release(release["id"])["state"] == "aborted"


def test_commit_releases_the_lock_in_the_same_write(begun: tuple, store: Store) -> None:
    lease, release = begun
    lease.advance(release, State.ABORTED, "stopped", release_lock=True)
    assert store.lock()["holder"] == ""
    assert acquire(store, who("bob"), 30)[0].generation == 2


def test_generations_only_grow_so_history_has_an_order(store: Store, make_store: Any) -> None:
    for skew in (0, -3600, 3600):
        lease, _ = acquire(make_store(skew), who(), 30)
        lease.write([store.put(record(lease.generation, state="aborted"))])
        lease.release_lock()
    assert [release["id"] for release in store.history()] == ["00000003", "00000002", "00000001"]
    assert [release["id"] for release in store.history(limit=2)] == ["00000003", "00000002"]


def test_unfinished_is_the_latest_release_unless_it_has_ended(begun: tuple, store: Store) -> None:
    lease, release = begun
    assert store.unfinished(store.lock())["id"] == release["id"]
    lease.advance(release, State.ABORTED, release_lock=True)
    assert store.unfinished(store.lock()) is None


def _error(code: str, *reasons: str) -> ClientError:
    response = {"Error": {"Code": code, "Message": code}}
    if reasons:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(response, "TransactWriteItems")


def test_throttling_and_transaction_conflicts_are_retried(
    begun: tuple, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, _ = begun
    answers = [
        _error("TransactionCanceledException", "None", "TransactionConflict"),
        _error("TransactionCanceledException", "ThrottlingError", "None"),
    ]
    write = store.client.transact_write_items

    def busy(**arguments: Any) -> Any:
        if answers:
            raise answers.pop()
        return write(**arguments)

    monkeypatch.setattr(store.client, "transact_write_items", busy)
    lease.renew()
    assert not answers


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        (
            _error("AccessDeniedException"),
            "dynamodb:TransactWriteItems failed for table 'assistant-staging-releases'",
        ),
        (_error("ResourceNotFoundException"), "Provision the component release_store"),
        (ReadTimeoutError(endpoint_url="https://dynamodb"), "dynamodb:TransactWriteItems failed"),
    ],
)
def test_errors_name_the_action_and_the_table(
    begun: tuple, store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception, reported: str
) -> None:
    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(store.client, "transact_write_items", refuse)
    with pytest.raises(StoreError, match=reported):
        begun[0].renew()
