"""The modules themselves: what they take, return and say when they can't."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import yaml
from ansible_collections.teal.platform.plugins.module_utils.release import engine as engines
from ansible_collections.teal.platform.plugins.module_utils.release import operator_messages
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import advice
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
    Unreachable,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import State
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import TrafficError
from ansible_collections.teal.platform.plugins.modules import (
    release_abort,
    release_begin,
    release_info,
    release_rollback,
    release_tested,
    release_unlock,
    slot_check,
    slot_lease,
    slot_migrate,
    slot_prepare,
    slot_retire,
    slot_up,
)
from botocore.exceptions import ClientError

from cli import view

from .fake_environment import NAME, TABLE, Controller, Environment, who

COMMON: dict[str, Any] = {
    "name": NAME,
    "domain": "assistant.example",
    "namespace": "assistant",
    "workload": "assistant",
}


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda module, check=False, **given: run_module(module, check=check, **{**COMMON, **given})


@pytest.fixture
def failed(run: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return failed(module, **arguments) -> what fail_json was given."""

    def expect(module: Any, **given: Any) -> dict[str, Any]:
        with pytest.raises(Exception) as error:
            run(module, **given)
        assert hasattr(error.value, "result"), error.value
        return error.value.result

    return expect


@pytest.fixture
def ecr(aws: None) -> Any:
    client = boto3.client("ecr")
    client.create_repository(repositoryName="assistant")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"})
    client.put_image(repositoryName="assistant", imageManifest=manifest, imageTag="1.4.2")
    return client


def test_begin_acquires_the_lock_and_returns_the_release(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    reported = run(release_begin, repository="assistant", image_tag="1.4.2", config={"A": 1}, who="alice")
    release = reported["release"]
    assert reported["changed"]
    assert (release["slot"], release["number"], release["kind"]) == ("blue", "r1", "deploy")
    assert release["image"].endswith("/assistant@" + release["digest"])
    assert release["config"] == {"A": "1"}
    assert release["config_name"].startswith("assistant-")
    assert reported["plan"] == ["Deploy 1.4.2 on slot blue; no release is live yet"]
    assert Controller(environment).store.lock()["who"] == "alice"


def test_gate_verdict_is_recorded(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    verdict = {"revision": "abc", "status": "OK", "override": ""}
    run(release_begin, repository="assistant", image_tag="1.4.2", gate=verdict)
    (reported,) = run(release_info, inspect_slots=False)["status"]["releases"]
    assert reported["gate"] == verdict


def test_gate_verdict_is_copied_to_a_cold_rollback(
    run: Callable[..., dict[str, Any]], environment: Environment
) -> None:
    verdict = {"revision": "abc", "status": "OK", "override": ""}
    controller = Controller(environment)
    controller.deploy("1.0.0", gate=verdict)
    run(release_tested)
    controller.deploy("1.1.0")
    run(release_begin, kind="rollback", to="r1")
    releases = run(release_info, inspect_slots=False)["status"]["releases"]
    assert [each["gate"] for each in releases] == [verdict, {}, verdict]
    assert [each["tests"].get("passed") for each in releases] == [True, None, True]


def test_test_result_is_recorded_once(run: Callable[..., dict[str, Any]], environment: Environment) -> None:
    """Of what is live, and of nothing else; a release that is gone back to keeps it."""
    digests = {version: f"sha256:{version * 64}" for version in "ab"}
    controller = Controller(environment)
    controller.deploy("a", digest=digests["a"])
    assert run(release_tested, check=True, digest=digests["a"])["changed"]
    assert run(release_tested, digest=digests["a"])["message"] == "the tests of a (r1) passed"
    assert not run(release_tested)["changed"]
    controller.deploy("b", digest=digests["b"])
    assert "is not live" in run(release_tested, digest=digests["a"], passed=False)["message"]
    assert run(release_tested, passed=False, who="alice")["changed"]
    newer, older = run(release_info, inspect_slots=False)["status"]["releases"]
    assert (newer["tests"]["passed"], newer["tests"]["who"], older["tests"]["passed"]) == (
        False,
        "alice",
        True,
    )
    controller.rollback()
    status = run(release_info, inspect_slots=False)["status"]
    live = status["slots"][status["live_slot"]]["release"]
    assert [each["tests"]["passed"] for each in status["releases"] if each["release"] == live] == [True]


def test_begin_in_check_mode_acquires_no_lock(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    reported = run(release_begin, check=True, repository="assistant", image_tag="1.4.2")
    assert reported["changed"]
    assert "release" not in reported
    assert Controller(environment).store.lock()["generation"] == 0


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        ({}, "Name the image to deploy"),
        ({"image_tag": "9.9"}, "has no image 9.9; its latest tags are: 1.4.2"),
        ({"image_tag": "1.4.2", "force": ["please"]}, "force is please, and may be same or rolled_back"),
        ({"image_tag": 1.10}, "1.1 is not text: put it in quotes"),
        ({"image_tag": "1.4.2", "version": True}, "True is not text: put it in quotes"),
        ({"image_tag": "1.4.2", "lock_wait": "soon"}, "lock_wait is 'soon', and must be a length of time"),
        (
            {"image_tag": "1.4.2", "alarms": ["5xx"]},
            "CloudWatch has no alarm 5xx. Build the component alarms",
        ),
    ],
)
def test_begin_reports_invalid_requests(
    failed: Callable[..., dict[str, Any]],
    environment: Environment,
    ecr: Any,
    given: dict[str, Any],
    reported: str,
) -> None:
    assert reported in failed(release_begin, repository="assistant", **given)["msg"]
    assert Controller(environment).store.lock()["holder"] == ""


def test_rollback_refuses_a_number_as_release(
    failed: Callable[..., dict[str, Any]], environment: Environment
) -> None:
    """Without quotes the tag 1.10 is the number 1.1, which may be another release."""
    assert "1.1 is not text: put it in quotes" in failed(release_rollback, to=1.10)["msg"]


def test_begin_refuses_a_configuration_before_the_lock(
    failed: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    given = {"repository": "assistant", "image_tag": "1.4.2", "config": {"SERVER_PORT": "9090"}}
    assert "SERVER_PORT is reserved: set slot_port" in failed(release_begin, **given)["msg"]
    assert Controller(environment).store.lock()["generation"] == 0


def test_missing_alarm_does_not_stop_a_rollback(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    controller = Controller(environment)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        assert controller.deploy(version) == "committed"
    assert "release" in run(release_begin, kind="rollback", to="r1", alarms=["5xx"])


def test_begin_reports_the_holder_of_the_lock_and_the_next_step(
    run: Callable[..., dict[str, Any]],
    failed: Callable[..., dict[str, Any]],
    environment: Environment,
    ecr: Any,
) -> None:
    run(release_begin, repository="assistant", image_tag="1.4.2", who="alice", run="https://ci/1")
    reported = failed(release_begin, repository="assistant", image_tag="1.4.2", who="bob")
    assert reported["error"] == "Busy"
    assert "a deploy of 1.4.2 by alice on " in reported["msg"]
    assert "https://ci/1" in reported["msg"]
    assert "-e lock_wait=10m" in reported["msg"]


def test_first_release_without_image_returns_the_push_commands(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    reported = run(
        release_begin, initial=True, repository="assistant", image_tag="1.0.0", inventory="inventories/x"
    )
    assert not reported["changed"]
    assert "docker push" in reported["plan"][0]
    assert "playbooks/deploy.yml -i inventories/x" in reported["plan"][1]


def test_first_release_changes_nothing_if_one_is_live(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    Controller(environment).deploy("1.0.0")
    reported = run(release_begin, initial=True, repository="assistant", image_tag="1.4.2")
    assert (reported["changed"], reported["plan"]) == (False, ["1.0.0 (r1) is live on blue"])


def test_first_release_of_a_missing_environment(run: Callable[..., dict[str, Any]], aws: None) -> None:
    assert not run(release_begin, check=True, initial=True, repository="assistant", image_tag="1.0.0")[
        "changed"
    ]


def test_info_returns_data_and_lines(run: Callable[..., dict[str, Any]], environment: Environment) -> None:
    controller = Controller(environment)
    controller.deploy("1.0.0")
    controller.deploy("1.1.0")
    reported = run(release_info, inspect_slots=False)
    status = reported["status"]
    assert (status["live_slot"], status["weights"]) == ("green", {"blue": 0, "green": 100})
    assert status["slots"]["green"]["version"] == "1.1.0"
    assert status["slots"]["blue"]["warm_until"]
    assert [release["release"] for release in status["releases"]] == ["r2", "r1"]
    assert [event["state"] for event in status["events"]][-2:] == ["baking", "committed"]
    assert all(event.keys() - {"note_i18n"} == {"at", "state", "note"} for event in status["events"])
    assert not status["lock"]["held"]
    assert any("LIVE" in line and "1.1.0 (r2)" in line for line in reported["lines"])
    shown = view.lines("staging", status)
    assert shown[0] == "STAGING: 1.1.0 (r2) on green is live"
    assert any(line.startswith("r1 ") and "committed" in line for line in shown)
    assert json.loads(json.dumps(status)) == status


def test_info_reports_an_unfinished_release(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    run(release_begin, repository="assistant", image_tag="1.4.2", who="alice")
    reported = run(release_info, inspect_slots=False)
    assert reported["status"]["unfinished"] == "r1"
    assert reported["status"]["lock"]["who"] == "alice"
    assert [event["state"] for event in reported["status"]["events"]] == ["locked"]
    assert any("unfinished" in line and "1.4.2 (r1) by alice: locked" in line for line in reported["lines"])


def test_rollback_in_check_mode_prints_plan_and_history(
    run: Callable[..., dict[str, Any]], environment: Environment
) -> None:
    controller = Controller(environment)
    controller.deploy("1.0.0")
    controller.deploy("1.1.0")
    reported = run(release_rollback, check=True)
    # What moto reports of an unregistered target is no health: the module looks for itself.
    assert reported["how"] == "cold"
    assert reported["to"] == "r1"
    assert reported["plan"][0].startswith("COLD ROLLBACK to 1.0.0 (r1) on slot blue")
    assert any("r2" in line and "1.1.0" in line for line in reported["plan"])
    assert environment.live() == "green"


def test_unlock_needs_a_reason_and_is_recorded(
    run: Callable[..., dict[str, Any]],
    failed: Callable[..., dict[str, Any]],
    environment: Environment,
    ecr: Any,
) -> None:
    assert not run(release_unlock, reason="x")["changed"]
    run(release_begin, repository="assistant", image_tag="1.4.2", who="alice")
    assert "To break it, give a reason" in failed(release_unlock)["msg"]
    reported = run(release_unlock, reason="the runner is gone", who="bob")
    assert reported["message"].startswith("broken: a deploy of 1.4.2 by alice")
    store = Controller(environment).store
    assert store.lock()["holder"] == ""
    (trace,) = store.traces()
    assert trace["by"].startswith("bob on ")
    assert trace["reason"] == "the runner is gone"


def test_event_has_the_commit_of_the_image() -> None:
    reported = operator_messages.event(
        {
            "version": "1.1.0",
            "from_version": "1.0.0",
            "digest": "sha256:bb",
            "from_image": "registry/assistant@sha256:aa",
            "commit": "abc",
            "run": "https://github.com/o/r/actions/runs/42",
        },
        "1.1.0 on green",
    )
    assert (reported["from_digest"], reported["digest"]) == ("sha256:aa", "sha256:bb")
    assert reported["commit_url"] == "https://github.com/o/r/commit/abc"
    assert "commit" not in operator_messages.event({"run": "https://ci.example/1"}, "1.1.0 on green")


FORWARD = ("staged", "ready", "verified", "switching", "baking")


def carried(
    run: Callable[..., dict[str, Any]], environment: Environment, states: Iterable[str], **changes: Any
) -> tuple[dict[str, Any], Store, dict[str, Any]]:
    """Begin a release beside one that is live, and carry its record through `states`; return ticket, store, record."""
    Controller(environment).deploy("1.0.0")
    release = run(release_begin, repository="assistant", image_tag="1.4.2")["release"]
    store = Store(environment.dynamodb, TABLE)
    record = store.release(release["id"])
    assert record
    for state in states:
        record = Lease.of(store, release).advance(record, State(state), **changes)
    return release, store, record


@pytest.mark.parametrize("state", ["switching", "baking"])
def test_resumed_live_release_is_not_started_again(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any, state: str
) -> None:
    states = FORWARD[: FORWARD.index(state) + 1]
    release, store, _ = carried(run, environment, states, replicas=6)
    before = store.slots()
    reported = run(slot_up, release=release, manifests=[])
    assert (reported["changed"], reported["replicas"]) == (False, 6)
    assert not run(slot_migrate, release=release, manifests=[])["changed"]
    prepared = run(slot_prepare, release=release, manifests=[])
    assert (prepared["changed"], prepared["needed"]) == (False, False)
    assert store.slots() == before


class Steady:
    """The machine's steady clock, turned by the test; sleeping turns it, too."""

    now = 1000.0

    def clock(self) -> Clock:
        return Clock(steady=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Steady:
    steady = Steady()
    monkeypatch.setattr(engines, "Clock", steady.clock)
    return steady


def test_lease_is_renewed_before_objects_are_applied(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any, steady: Steady
) -> None:
    release, store, _ = carried(run, environment, ())
    beat = store.lock()["beat"]
    lease = run(slot_lease, release=release)["lease"]
    assert lease == {"fresh_until": 1000.0 + release["lease"] / 2, "since": 1000.0}
    assert store.lock()["beat"] != beat


def test_failed_apply_is_retried_for_two_minutes(
    run: Callable[..., dict[str, Any]],
    failed: Callable[..., dict[str, Any]],
    environment: Environment,
    ecr: Any,
    steady: Steady,
) -> None:
    release, _, _ = carried(run, environment, ())
    lease, attempts = run(slot_lease, release=release)["lease"], 0
    again = {"release": release, "since": lease["since"], "failure": {"msg": "connection refused"}}
    while steady.now <= lease["since"] + 120:
        assert run(slot_lease, **again)["lease"]["since"] == lease["since"]
        attempts += 1
    assert attempts == 61
    reported = failed(slot_lease, **again)
    assert reported["msg"] == "Kubernetes did not accept the objects for 2 min 2 s: connection refused"
    assert (reported["error"], reported["cause"]) == ("Unreachable", "api")


def test_refused_apply_is_not_retried(
    run: Callable[..., dict[str, Any]],
    failed: Callable[..., dict[str, Any]],
    environment: Environment,
    ecr: Any,
    steady: Steady,
) -> None:
    release, store, _ = carried(run, environment, ())
    beat, body = store.lock()["beat"], '{"message": "User \\"x\\" cannot patch resource", "code": 403}'
    reported = failed(
        slot_lease, release=release, since=1000, failure={"msg": f"Failed to apply object: {body}"}
    )
    assert reported["msg"] == 'Failed to apply object: User "x" cannot patch resource'
    assert (reported["error"], reported["cause"]) == ("KubernetesError", "rights")
    assert (store.lock()["beat"], steady.now) == (beat, 1000.0)


def test_lost_lease_prevents_apply(
    run: Callable[..., dict[str, Any]],
    failed: Callable[..., dict[str, Any]],
    environment: Environment,
    ecr: Any,
    steady: Steady,
) -> None:
    release, store, _ = carried(run, environment, ())
    acquire(store, who("bob", "rollback"), 15, preempts={"deploy"})
    for given in ({}, {"since": steady.now, "failure": {"msg": "connection refused"}}):
        assert failed(slot_lease, release=release, **given)["error"] == "LeaseLost"


def test_prepare_records_the_slot_first_and_renews_the_lease_last(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, store, _ = carried(run, environment, ())
    seen: list[Any] = []

    def prepare(record: dict[str, Any], lease: Lease) -> None:
        seen.extend([store.slots()[release["slot"]]["release"], store.lock()["beat"]])

    slots = SimpleNamespace(prepare=prepare, warnings=[])
    monkeypatch.setattr(engines.Engine, "slots", lambda self, **_: slots)
    reported = run(slot_prepare, release=release, manifests=[{}])
    assert reported["needed"] and reported["lease"]["fresh_until"] > reported["lease"]["since"]
    assert seen[0] == release["id"]
    assert store.lock()["beat"] != seen[1]


def test_live_release_is_read_from_the_weights_after_a_failed_rollback(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    """The weights may have moved, and only the seeing of it failed."""
    release, store, record = carried(run, environment, (*FORWARD[:-1], "rolling_back"))
    ended = {"return_failure": "not seen", "release_lock": True}
    Lease.of(store, release).advance(record, State.ROLLBACK_FAILED, "not seen", **ended)
    lease, _ = acquire(store, who("alice"), 60)
    reported = run(release_abort, release={**release, **lease.ticket()}, step="watch", failure="bad")
    assert reported["topic"] == "rollback failed"
    assert reported["event"]["serving"] == "1.0.0 (r1) on blue"
    assert "Serving now:  1.0.0 (r1) on blue." in reported["message"]


def test_retire_changes_nothing_while_another_run_holds_the_lock(
    run: Callable[..., dict[str, Any]],
    failed: Callable[..., dict[str, Any]],
    environment: Environment,
    ecr: Any,
) -> None:
    run(release_begin, repository="assistant", image_tag="1.4.2", who="alice")
    reported = run(slot_retire)
    assert not reported["changed"]
    assert reported["message"].startswith("nothing was changed: a deploy of 1.4.2 by alice on ")
    assert failed(slot_retire, now=True)["error"] == "Busy"


@pytest.mark.parametrize("recover_only", [False, True])
def test_retire_recovers_a_release_and_returns_the_event(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any, recover_only: bool
) -> None:
    Controller(environment).deploy("1.0.0")
    run(release_begin, repository="assistant", image_tag="1.4.2", who="alice")
    environment.dynamodb.update_item(
        TableName=TABLE,
        Key={"scope": {"S": "lock"}, "id": {"S": "lock"}},
        UpdateExpression="SET lease = :short",
        ExpressionAttributeValues={":short": {"N": "1"}},
    )
    reported = run(slot_retire, lock_wait="10s", inventory="inventories/x", recover_only=recover_only)
    assert reported["changed"] and reported["topic"] == "deploy aborted"
    assert reported["event"]["version"] == "1.4.2"
    assert reported["event"]["who"] == "alice"
    assert reported["event"]["serving"].endswith(" on blue, untouched")
    assert "its run ended while the release was locked" in reported["event"]["reason"]


def test_recover_only_scales_no_slot_down(
    run: Callable[..., dict[str, Any]], environment: Environment
) -> None:
    """Though its time is over: the recovering role may lack the permission for it."""
    controller = Controller(environment)
    controller.deploy("1.0.0")
    controller.deploy("1.1.0")
    for check in (True, False):
        reported = run(slot_retire, check=check, now=True, recover_only=True)
        assert (reported["changed"], reported["message"]) == (False, "no interrupted release was found")
    assert environment.slots.keys() == {"blue", "green"}
    assert run(slot_retire, check=True, now=True)["changed"]


def test_retire_in_check_mode_reports_the_plan(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    controller = Controller(environment)
    controller.deploy("1.0.0")
    controller.deploy("1.1.0")
    assert run(slot_retire, check=True, now=True)["changed"]
    assert environment.slots.keys() == {"blue", "green"}
    run(release_begin, repository="assistant", image_tag="1.4.2", who="alice")
    reported = run(slot_retire, check=True, now=True)
    assert (
        reported["changed"],
        "nothing was changed: a deploy of 1.4.2 by alice" in reported["message"],
    ) == (
        False,
        True,
    )


@pytest.mark.parametrize(
    ("environ", "reported"),
    [
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "Is the rehearsal cloud up (python -m rehearsal status)?",
        ),
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"},
            "There are no AWS credentials. Sign in",
        ),
    ],
)
def test_refused_access_to_aws_is_explained(
    failed: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    reported: str,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    if "AWS_ENDPOINT_URL" in environ:
        environ = {**environ, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    message = failed(release_info, region="ap-northeast-2")["msg"]
    assert reported in message
    assert "failed for" in message


@pytest.mark.parametrize("cause", ["oom", "registry", "rights", ""])
def test_advice_matches_the_cause_on_screen_and_discord(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any, cause: str
) -> None:
    release, _, _ = carried(run, environment, ())
    reported = run(release_abort, release=release, step="Bring it up", failure="it fails", cause=cause)
    assert reported["topic"] == "deploy aborted"
    assert f"What to do:   {advice(cause)}" in reported["message"]
    assert reported["event"]["reason"] == f"it fails\nWhat to do: {advice(cause)}"


def test_refused_permission_is_a_cause() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ModifyRule")
    error = TrafficError("elasticloadbalancing:ModifyRule failed")
    assert engines.cause(error) == ""
    error.__cause__ = denied
    assert engines.cause(error) == "aws_rights"
    assert engines.cause(SlotFailed("it crashes", "crash")) == "crash"


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        (SlotFailed("no manifests", "manifests"), "What to do: correct the manifests"),
        (
            KubernetesError(403, 'deployments is forbidden: User "a" cannot get resource'),
            "lacks the permission",
        ),
        (Unreachable(0, "Kubernetes has not answered for 30 s"), "check that the cluster's API answers"),
    ],
)
def test_slot_check_refuses_with_advice(
    failed: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    aws: None,
    error: Exception,
    reported: str,
) -> None:
    class Slots:
        def check(self, slot: str, number: str) -> None:
            raise error

    monkeypatch.setattr(engines.Engine, "slots", lambda *_, **__: Slots())
    result = failed(slot_check, manifests=[])
    assert result["error"] == "Refused"
    assert str(error) in result["msg"] and reported in result["msg"]


def test_slot_check_renders_all_template_variables() -> None:
    root = Path(__file__).resolve().parents[3]
    (task,) = yaml.safe_load((root / "roles/slot/tasks/check.yml").read_text())
    lease = Lease(SimpleNamespace(clock=None), "", 0, 1)  # type: ignore[arg-type]
    known = set(engines.ticket(lease, {})) - set(lease.ticket())
    assert set(task["vars"]["slot_release"]) == known | {"number"}


def test_korean_results_and_english_records(
    run: Callable[..., dict[str, Any]], environment: Environment, ecr: Any
) -> None:
    korean = {"language": "ko", "timezone": "Asia/Seoul"}
    release, _, _ = carried(run, environment, ())
    reported = run(
        release_abort,
        release=release,
        step="Watch the release during its bake",
        failure="CloudWatch raised 5xx",
        failure_i18n={"id": "bake.alarms", "parameters": {"names": "5xx"}},
        cause="alarm",
        **korean,
    )
    for words in (
        "릴리스 관찰(bake)",
        "CloudWatch 알람이 발생했습니다: 5xx",
        "조치 방법:",
        "임계값을 고친 뒤",
    ):
        assert words in reported["message"]
    assert "CloudWatch 알람이 발생했습니다: 5xx\n조치 방법: " in reported["event"]["reason"]
    assert reported["event"]["failed_task"] == "릴리스 관찰(bake)"
    key = {"scope": {"S": "release"}, "id": {"S": release["id"]}}
    record = environment.dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    assert record["failure"] == {"S": "CloudWatch raised 5xx"}
    assert record["failure_i18n"]["M"]["id"] == {"S": "bake.alarms"}
    shown = run(release_info, inspect_slots=False, **korean)
    assert any(
        "취소: CloudWatch 알람이 발생했습니다: 5xx" in line and " KST" in line for line in shown["lines"]
    )
    assert shown["status"]["releases"][0]["failure"] == "CloudWatch raised 5xx"
