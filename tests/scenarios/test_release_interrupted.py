"""Releases that are killed, paused or run several at once on STAGING: nothing is lost, and the next run finishes the work.

Like test_release.py, it has its own emulator (or cluster).
"""

from __future__ import annotations

import itertools
import os
import subprocess
import time

import pytest

from .cloud import Cloud, new

FORWARD = ("locked", "staged", "ready", "verified", "switching", "baking")
#: In `make test-full`, each state meets each kind of next run.
EVERYTHING = os.environ.get("RELEASE_DEATHS") == "all"
SOME_DEATHS = [("ready", "again"), ("switching", "other")]


# -- death -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "following"),
    list(itertools.product(FORWARD, ("again", "other", "back", "cleanup"))) if EVERYTHING else SOME_DEATHS,
)
def test_killed_deploy_loses_nothing_and_is_recovered_by_the_next_run(
    clean: Cloud, state: str, following: str
) -> None:
    before, tag = clean.live(), new(clean)
    latest = clean.state()[0]
    with clean.load() as load:
        clean.kill_at(clean.start("deploy", image_tag=tag), state, latest)
        status = clean.status()
        left = status["releases"][0]
        assert left["tag"] == tag
        assert status["unfinished"], "status says that somebody left something"
        assert sorted(status["weights"].values()) == [0, 100]
        wanted = before
        if following == "again":
            clean.deploy(tag, lock_wait="90s")
            wanted = tag
        elif following == "other":
            wanted = new(clean)
            clean.deploy(wanted, lock_wait="90s")
        elif following == "back":
            clean.play("rollback")
        else:
            clean.play("retire", lock_wait="90s")
    assert clean.live() == wanted
    assert load["failed"] == 0, load


@pytest.mark.parametrize(
    ("task", "after"),
    [
        pytest.param("Stop the former release in slot", 0.3, id="prepare", marks=pytest.mark.long),
        pytest.param("Apply the objects of slot", 0.0, id="before-objects", marks=pytest.mark.long),
        pytest.param("Apply the objects of slot", 0.7, id="in-objects"),
        pytest.param("Start the release in slot", 0.0, id="after-objects", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("again", [pytest.param(False, marks=pytest.mark.long), True], ids=["other", "again"])
def test_deploy_killed_while_applying_objects_is_recovered_by_the_next_run(
    clean: Cloud, task: str, after: float, again: bool
) -> None:
    """The engine's calls die in tests/unit/release; these tasks are Ansible's."""
    before, tag = clean.live(), new(clean)
    with clean.load() as load:
        clean.kill_in_task(clean.start("deploy", image_tag=tag), task, after)
        assert clean.live() == before
        wanted = tag if again else new(clean)
        clean.deploy(wanted, lock_wait="90s")
    status = clean.status()
    assert clean.live() == wanted
    assert len(clean.pods(status["live_slot"])) == 2
    assert load["failed"] == 0, load


@pytest.mark.long
def test_killed_rollback_is_completed_by_the_next_one(clean: Cloud) -> None:
    before = clean.live()
    clean.deploy(new(clean))
    latest = clean.state()[0]
    with clean.load() as load:
        clean.kill_at(clean.start("rollback"), "rolling_back", latest)
        clean.play("rollback")
    assert clean.live() == before
    assert load["failed"] == 0, load


def test_controller_with_an_expired_lease_changes_nothing(clean: Cloud) -> None:
    before, tag = clean.live(), new(clean)
    latest = clean.state()[0]
    process = clean.start("deploy", image_tag=tag)
    while clean.state()[1] != "staged" or clean.state()[0] == latest:
        time.sleep(0.05)
        assert process.poll() is None
    _signal_all(process, "STOP")
    other = new(clean)
    clean.deploy(other, lock_wait="90s")
    weights = clean.status()["weights"]
    _signal_all(process, "CONT")
    text, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "nothing was changed after that" in text or "has left everything as it was" in text, text[-3000:]
    assert clean.status()["weights"] == weights
    assert clean.live() == other
    assert before != other


def _signal_all(process: subprocess.Popen[str], name: str) -> None:
    """Signal the run and all that it started, as a machine that is suspended does."""
    tree = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in tree.splitlines())}
    family = {process.pid}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    subprocess.run(["kill", f"-{name}", *map(str, sorted(family))], check=False)


# -- several at once -----------------------------------------------------------------------------------


def test_one_of_several_deploys_wins_and_the_others_report_why(clean: Cloud) -> None:
    tags = [new(clean) for _ in range(3)]
    with clean.load() as load:
        runs = {tag: clean.start("deploy", image_tag=tag) for tag in tags}
        texts = {tag: run.communicate(timeout=300)[0] for tag, run in runs.items()}
    won = [tag for tag, run in runs.items() if run.returncode == 0]
    lost = [tag for tag in tags if tag not in won]
    assert won, texts
    assert clean.live() in won
    for tag in lost:
        assert "holds the lock since" in texts[tag], texts[tag][-2000:]
    assert not any("aborted" in title for title in clean.messages()), "nothing of theirs had begun"
    assert load["failed"] == 0, load


@pytest.mark.long
def test_concurrent_deploy_and_rollbacks_end_in_one_state(clean: Cloud) -> None:
    before = clean.live()
    clean.deploy(first := new(clean))
    second = new(clean)
    with clean.load() as load:
        deploy = clean.start("deploy", image_tag=second)
        rollbacks = [clean.start("rollback", reason="both of us") for _ in range(2)]
        for run in (deploy, *rollbacks):
            run.communicate(timeout=300)
    assert clean.live() in {before, first, second}
    assert load["failed"] == 0, load
