"""Why pods don't come up: told as soon as it is clear, and not while it may still pass."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.slots.diagnosis import Diagnosis

from .world import Time

DEPLOYMENT: dict[str, Any] = {"spec": {"progressDeadlineSeconds": 180}, "status": {}}
LOG = "ERROR no MODEL_API_KEY"


def pod(name: str = "p-1", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {}}, "status": status}


def container(reason: str = "", message: str = "", restarts: int = 0, **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}} if reason else {"running": {}}
    return {"name": "service", "image": "repo:1", "state": state, "restartCount": restarts, **more}


def node(name: str, ready: str = "True", **spec: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready}
    if ready != "True":
        condition |= {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
    return {"metadata": {"name": name}, "spec": spec, "status": {"conditions": [condition]}}


def homeless(name: str = "p-1") -> dict[str, Any]:
    told = {"reason": "Unschedulable", "message": "0/2: no cpu"}
    return pod(name, conditions=[{"type": "PodScheduled", "status": "False", **told}])


@pytest.fixture
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def nodes() -> list[dict[str, Any]]:
    return [node("n-1")]


@pytest.fixture
def look(time: Time, events: list[dict[str, Any]], nodes: list[dict[str, Any]]) -> Diagnosis:
    return Diagnosis(time.clock(), log=lambda *_: LOG, events=lambda _: events, nodes=lambda: nodes)


def test_all_is_well_while_pods_start(look: Diagnosis) -> None:
    assert look.verdict(DEPLOYMENT, [pod(containerStatuses=[container("ContainerCreating")])]) is None
    assert look.verdict(DEPLOYMENT, [pod(containerStatuses=[container(restarts=1)])]) is None
    assert look.verdict(DEPLOYMENT, []) is None


def test_a_crash_loop_tells_exit_code_and_last_log_lines(look: Diagnosis) -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    crashed = pod(containerStatuses=[container("CrashLoopBackOff", restarts=2, lastState=ended)])
    told = str(look.verdict(DEPLOYMENT, [pod("fine", containerStatuses=[container()]), crashed]))
    assert (
        "container service of pod p-1 crashes: 2 restarts, it last ended with OOMKilled, exit code 137"
        in told
    )
    assert f"  | {LOG}" in told


def test_two_restarts_are_a_verdict_before_kubernetes_calls_it_a_loop(look: Diagnosis) -> None:
    assert look.verdict(DEPLOYMENT, [pod(containerStatuses=[container(restarts=2)])])


@pytest.mark.parametrize(
    ("reason", "message", "hopeless"),
    [
        ("ErrImagePull", 'rpc error: manifest for "repo:9" not found: manifest unknown', True),
        ("ErrImagePull", "pull access denied", True),
        ("ErrImagePull", "dial tcp: i/o timeout", False),
        ("ImagePullBackOff", "Back-off pulling image", False),
        ("ImagePullBackOff", 'Back-off pulling image "repo:9": ErrImagePull: repo:9: not found', True),
        ("InvalidImageName", "couldn't parse image name", True),
        ("ErrImageNeverPull", "image is not present with pull policy of Never", True),
        ("PodInitializing", "", False),
    ],
)
def test_an_image_that_cannot_be_had(look: Diagnosis, reason: str, message: str, hopeless: bool) -> None:
    found = look.verdict(DEPLOYMENT, [pod(containerStatuses=[container(reason, message)])])
    assert (found is not None) == hopeless
    if hopeless:
        assert "cannot be pulled: repo:1" in str(found)


def test_an_image_that_does_not_come_is_told_once_it_was_tried_again(look: Diagnosis, time: Time) -> None:
    first = pod(containerStatuses=[container("ErrImagePull", "dial tcp: connection refused")])
    assert look.verdict(DEPLOYMENT, [first]) is None
    time.now += 35
    later = pod(containerStatuses=[container("ImagePullBackOff", "Back-off pulling image")])
    assert look.verdict(DEPLOYMENT, [later]) is None, "it is tried after 10 seconds, and after 20 more"
    time.now += 11
    assert "cannot be pulled" in str(look.verdict(DEPLOYMENT, [later]))


def test_a_crash_tells_of_a_probe_only_if_that_ended_it(
    look: Diagnosis, events: list[dict[str, Any]]
) -> None:
    crashed = pod(containerStatuses=[container("CrashLoopBackOff", restarts=1)])
    events.append({"reason": "Unhealthy", "message": "Startup probe failed: connection refused"})
    assert "Startup" not in str(look.verdict(DEPLOYMENT, [crashed]))
    events.append(
        {"reason": "Killing", "message": "Container service failed startup probe, will be restarted"}
    )
    assert "Startup probe failed: connection refused" in str(look.verdict(DEPLOYMENT, [crashed]))


def test_a_quota_is_waited_for_while_pods_end(look: Diagnosis) -> None:
    message = 'pods "p" is forbidden: exceeded quota: all'
    refused = {"type": "ReplicaFailure", "status": "True", "message": message}
    deployment = {**DEPLOYMENT, "status": {"conditions": [refused]}}
    ending = {**pod("before"), "metadata": {"name": "before", "deletionTimestamp": "now"}}
    assert look.verdict(deployment, [ending]) is None
    assert message in str(look.verdict(deployment, []))


def test_a_missing_configuration_may_come_for_a_moment(look: Diagnosis, time: Time) -> None:
    waiting = [pod(containerStatuses=[container("CreateContainerConfigError", 'secret "db" not found')])]
    assert look.verdict(DEPLOYMENT, waiting) is None
    time.now += 11
    assert 'CreateContainerConfigError: secret "db" not found' in str(look.verdict(DEPLOYMENT, waiting))


def test_unschedulable_is_told_when_nothing_makes_room_any_more(look: Diagnosis, time: Time) -> None:
    ending = pod("old")
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert look.verdict(DEPLOYMENT, [homeless()]) is None
    time.now += 61
    assert look.verdict(DEPLOYMENT, [homeless(), ending]) is None
    assert str(look.verdict(DEPLOYMENT, [homeless()])) == "pod p-1 cannot be scheduled: 0/2: no cpu"


@pytest.mark.parametrize("reason", ["TriggeredScaleUp", "Nominated"])
def test_a_node_that_an_autoscaler_brings_is_waited_for_until_the_deadline(
    look: Diagnosis, time: Time, events: list[dict[str, Any]], reason: str
) -> None:
    look.verdict(DEPLOYMENT, [homeless()])
    events.append({"reason": reason, "message": "pod triggered scale-up"})
    time.now += 170
    assert look.verdict(DEPLOYMENT, [homeless()]) is None
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    told = str(look.verdict({**DEPLOYMENT, "status": {"conditions": [late]}}, [homeless()]))
    assert "within 180 s" in told and "it cannot be scheduled: 0/2: no cpu" in told


def test_an_autoscaler_that_brings_none_says_why(
    look: Diagnosis, time: Time, events: list[dict[str, Any]]
) -> None:
    look.verdict(DEPLOYMENT, [homeless()])
    events.append({"reason": "NotTriggerScaleUp", "message": "1 max node group size reached"})
    time.now += 61
    assert "\n1 max node group size reached" in str(look.verdict(DEPLOYMENT, [homeless()]))


def test_pods_that_end_on_a_node_that_is_not_ready_make_no_room(
    look: Diagnosis, time: Time, nodes: list[dict[str, Any]]
) -> None:
    ending = [pod(name) | {"spec": {"nodeName": name}} for name in ("n-1", "n-2")]
    for one in ending:
        one["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    nodes.append(node("n-2", "Unknown"))
    time.now += 61
    assert look.verdict(DEPLOYMENT, [homeless(), *ending]) is None
    assert look.verdict(DEPLOYMENT, [homeless(), ending[1]]) is None, "its time begins once there is no room"
    time.now += 61
    assert look.verdict(DEPLOYMENT, [homeless(), *ending]) is None
    assert "node n-2 is NotReady" in str(look.verdict(DEPLOYMENT, [homeless(), ending[1]]))


def test_a_node_that_is_not_ready_is_named_with_what_to_do(
    look: Diagnosis, time: Time, nodes: list[dict[str, Any]]
) -> None:
    nodes.append(node("n-2", "Unknown", providerID="aws:///ap-northeast-2a/i-0abc"))
    nodes.append(node("n-3", "False"))
    look.verdict(DEPLOYMENT, [homeless()])
    time.now += 61
    told = str(look.verdict(DEPLOYMENT, [homeless()]))
    assert (
        "node n-2 is NotReady (NodeStatusUnknown: Kubelet stopped posting node status.). If it stays so: "
        "aws ec2 terminate-instances --instance-ids i-0abc; its group brings another"
    ) in told
    assert "kubectl describe node n-3" in told and "n-1" not in told
    away = pod(conditions=[{"type": "Ready", "status": "False"}]) | {"spec": {"nodeName": "n-2"}}
    assert "node n-2 is NotReady" in str(look.trouble(away)) and "n-3" not in str(look.trouble(away))
    assert look.lost_nodes([away | {"spec": {"nodeName": "n-1"}}]) == ""


def test_a_quota_or_policy_that_refuses_pods_is_told_at_once(look: Diagnosis) -> None:
    message = 'pods "x" is forbidden: exceeded quota'
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    assert message in str(look.verdict({**DEPLOYMENT, "status": {"conditions": [refused]}}, []))


def test_the_deadline_tells_what_the_probe_answered(look: Diagnosis, events: list[dict[str, Any]]) -> None:
    events += [
        {
            "reason": "Unhealthy",
            "message": "Readiness probe failed: connection refused",
            "lastTimestamp": "1",
        },
        {"reason": "Unhealthy", "message": "Readiness probe failed: statuscode: 503", "lastTimestamp": "2"},
        {"reason": "Pulled", "message": "Container image pulled", "lastTimestamp": "3"},
    ]
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    told = str(
        look.verdict({**DEPLOYMENT, "status": {"conditions": [late]}}, [pod(containerStatuses=[container()])])
    )
    assert (
        "did not become ready within 180 s: pod p-1 is not ready\nReadiness probe failed: statuscode: 503"
        in told
    )
    assert LOG in told
