"""Releases in the surroundings of a real team: its own manifests and autoscaler, an API server that does not respond, a
webhook that fails.

The tests run on the emulator and on the cluster of KUBECONFIG (`make scenarios-cluster`).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from .cloud import PAUSE_COMMAND, Cloud, new

MANIFESTS = Path(__file__).parent / "manifests"
#: The folder has a Deployment with a sidecar and an init container, its Service, and an autoscaler of its own.
OWN = {"slot_manifests_dir": str(MANIFESTS)}

# Eight minutes on a quiet machine, most of it waiting.
pytestmark = pytest.mark.long


def pause_or_skip(cloud: Cloud) -> None:
    if not cloud.can_pause_kubernetes:
        pytest.skip(f"{PAUSE_COMMAND} is not set, so the API server of this cluster cannot be paused")


# -- own manifests -----------------------------------------------------------------------------------


def test_own_manifests_with_a_sidecar_an_init_container_and_an_autoscaler(clean: Cloud) -> None:
    before, tags = clean.live(), [new(clean) for _ in range(2)]
    with clean.load() as load:
        for tag in tags:
            clean.deploy(tag, **OWN)
            assert clean.live() == tag
            slot = clean.status()["live_slot"]
            pods = clean.pods(slot)
            assert len(pods) == 2, "replicas of the folder's Deployment"
            for pod in pods:
                assert {c.name for c in pod.spec.containers} == {"proxy", "service"}
                ended, runs = pod.status.init_container_statuses
                assert ended.state.terminated.exit_code == 0
                assert runs.state.running, "a sidecar that is an init container keeps running"
            assert clean.autoscalers(slot) == [f"assistant-{slot}-cpu"]
        clean.play("rollback", **OWN)
        assert clean.live() == tags[0]
        clean.play("retire", at_once=True)
        clean.deploy(before)
    assert clean.live() == before
    assert load["failed"] == 0, load
    assert set(load["versions"]) == {before, *tags}


@pytest.mark.parametrize(
    ("bad", "container", "line"),
    [
        pytest.param({"init_behaviour": "crash"}, "prepare", "Migration failed", id="init-container"),
        pytest.param({"sidecar_behaviour": "crash"}, "proxy", "Application run failed", id="sidecar"),
        pytest.param({"native_behaviour": "crash"}, "agent", "Application run failed", id="native-sidecar"),
    ],
)
def test_crashing_sidecar_is_reported_with_its_log(
    clean: Cloud, bad: dict[str, str], container: str, line: str
) -> None:
    before = clean.live()
    with clean.load() as load:
        text = clean.deploy(new(clean), fails=True, **OWN, **bad)
    assert f"container {container} of pod" in text, text[-3000:]
    assert line in text, text[-3000:]
    assert clean.live() == before
    assert load["failed"] == 0, load


def test_foreign_autoscaler_is_kept_and_reported(clean: Cloud) -> None:
    before, live = clean.state(), clean.status()["live_slot"]
    slot = "green" if live == "blue" else "blue"
    clean.add_autoscaler(slot, "team-cpu")
    try:
        # The release's own autoscaler would conflict with it.
        text = clean.deploy(new(clean), fails=True, **OWN)
        assert f"HorizontalPodAutoscaler team-cpu scales Deployment assistant-{slot}" in text, text[-3000:]
        assert clean.state() == before, "no release has begun"
        tag = new(clean)
        text = clean.deploy(tag)
        assert "team-cpu" in text and "it was not changed" in text, text[-3000:]
        assert clean.autoscalers(slot) == ["team-cpu"]
        assert clean.live() == tag
    finally:
        clean.delete_autoscaler("team-cpu")


# -- an API server that does not answer --------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("locked", id="objects"),
        pytest.param("staged", id="bring-up"),
        pytest.param("baking", id="bake"),
    ],
)
def test_paused_api_server_delays_a_deploy_but_fails_none(clean: Cloud, state: str) -> None:
    pause_or_skip(clean)
    before, tag, latest = clean.live(), new(clean), clean.state()[0]
    with clean.load() as load:
        # A request waits for 20 s, so the role's default lease is used. Pods cannot be created meanwhile.
        run = clean.start(
            "deploy", image_tag=tag, release_lease="60s", slot_start_timeout=90, release_bake="6s"
        )
        clean.wait_for(run, state, latest)
        with clean.paused_kubernetes(20):
            began = time.monotonic()
        text, _ = run.communicate(timeout=300)
        took = time.monotonic() - began
    print(f"paused for 20 s at {state}: the deploy ended {took:.1f} s after the pause began")
    assert run.returncode == 0, text[-3000:]
    assert clean.live() == tag
    assert took > 20, "it was committed without a check of its pods"
    assert load["failed"] == 0, load
    assert set(load["versions"]) == {before, tag}


def test_warm_rollback_does_not_wait_for_a_paused_api_server(clean: Cloud) -> None:
    pause_or_skip(clean)
    before = clean.live()
    clean.deploy(new(clean))
    with clean.load() as load, clean.paused_kubernetes(20):
        time.sleep(0.5)
        began = time.monotonic()
        run = clean.start("rollback")
        text, _ = run.communicate(timeout=120)
        took = time.monotonic() - began
    print(f"warm rollback with a paused API server: {took:.1f} s")
    assert run.returncode == 0, text[-3000:]
    assert clean.live() == before
    assert load["failed"] == 0, load


# -- a webhook that fails ----------------------------------------------------------------------------

#: More faults than any run consumes.
MANY = 50


def test_rate_limited_webhook_receives_the_outcomes_later(clean: Cloud) -> None:
    before, tag = clean.live(), new(clean)
    # The first message is that of the switch, which is sent only once, since waiting would delay the release.
    clean.fault("discord", kind="rate_limit", count=2, seconds=0.4)
    clean.deploy(tag)
    clean.fault("discord", kind="rate_limit", count=2, seconds=0.4)
    clean.play("rollback")
    titles = [title.split(": ", 1)[1] for title in clean.messages()]
    assert titles == [f"{tag} is live", f"rolled back to {before}"]


@pytest.mark.parametrize(
    ("fault", "why", "deploy", "rollback"),
    [
        # The message of the switch gets one attempt, an outcome four.
        pytest.param({"kind": "error", "status": 500}, "HTTP 500", 5, 4, id="500"),
        # Each attempt takes 5 s: one for the switch, and one for the outcome after the weights have moved.
        pytest.param({"kind": "hang"}, "no response within 5 s", 2, 1, id="hangs"),
    ],
)
def test_failing_webhook_delays_a_run_but_fails_none(
    clean: Cloud, fault: dict[str, Any], why: str, deploy: int, rollback: int
) -> None:
    before, tag = clean.live(), new(clean)
    webhook = clean.config["discord"]["webhook_url"]
    runs = [("deploy", {"image_tag": tag}, deploy), ("rollback", {}, rollback)]
    with clean.load() as load:
        for playbook, variables, attempts in runs:
            clean.fault("discord", **fault, count=MANY)
            try:
                began = time.monotonic()
                text = clean.play(playbook, **variables)
                took, left = time.monotonic() - began, clean.discord_faults()
            finally:
                clean.forget_faults("discord")
            print(f"{playbook}, {fault['kind']}: {took:.1f} s")
            assert MANY - left == attempts, text[-3000:]
            assert why in text, text[-3000:]
            assert webhook not in text
    assert clean.messages() == []
    assert clean.live() == before
    assert load["failed"] == 0, load
