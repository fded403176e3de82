"""Why pods don't come up: reported as soon as it is clear, and not while it may still pass."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause, advice
from ansible_collections.teal.platform.plugins.module_utils.release.slots import diagnosis
from ansible_collections.teal.platform.plugins.module_utils.release.slots.diagnosis import Diagnosis

from .fake_environment import Time

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
    reported = {"reason": "Unschedulable", "message": "0/2: no cpu"}
    return pod(name, conditions=[{"type": "PodScheduled", "status": "False", **reported}])


@pytest.fixture
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def nodes() -> list[dict[str, Any]]:
    return [node("n-1")]


@pytest.fixture
def look(time: Time, events: list[dict[str, Any]], nodes: list[dict[str, Any]]) -> Diagnosis:
    return Diagnosis(time.clock(), log=lambda *_: LOG, events=lambda _: events, nodes=lambda: nodes)


def test_starting_pods_give_no_verdict(look: Diagnosis) -> None:
    assert look.verdict(DEPLOYMENT, [pod(containerStatuses=[container("ContainerCreating")])]) is None
    assert look.verdict(DEPLOYMENT, [pod(containerStatuses=[container(restarts=1)])]) is None
    assert look.verdict(DEPLOYMENT, []) is None


def test_crash_loop_reports_exit_code_and_last_log_lines(look: Diagnosis) -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    crashed = pod(containerStatuses=[container("CrashLoopBackOff", restarts=2, lastState=ended)])
    reported = str(look.verdict(DEPLOYMENT, [pod("fine", containerStatuses=[container()]), crashed]))
    assert (
        "container service of pod p-1 crashes: 2 restarts, it last ended with OOMKilled, exit code 137"
        in reported
    )
    assert f"  | {LOG}" in reported


@pytest.mark.parametrize(
    ("end", "cause"), [({"reason": "Error", "exitCode": 3}, Cause.HEAP), ({"reason": "OOMKilled"}, Cause.OOM)]
)
def test_full_heap_is_not_the_memory_limit(time: Time, end: dict[str, Any], cause: Cause) -> None:
    log = "Terminating due to java.lang.OutOfMemoryError: Java heap space"
    heap = Diagnosis(time.clock(), log=lambda *_: log, events=lambda _: [], nodes=list)
    crashed = pod(
        containerStatuses=[container("CrashLoopBackOff", restarts=2, lastState={"terminated": end})]
    )
    found = heap.verdict(DEPLOYMENT, [crashed])
    assert found is not None and found.cause == cause


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
def test_image_that_cannot_be_pulled(look: Diagnosis, reason: str, message: str, hopeless: bool) -> None:
    found = look.verdict(DEPLOYMENT, [pod(containerStatuses=[container(reason, message)])])
    assert (found is not None) == hopeless
    if hopeless:
        assert "cannot be pulled" in str(found)
        assert ": repo:1: " in str(found)


def test_failed_pull_is_reported_after_retries(look: Diagnosis, time: Time) -> None:
    first = pod(containerStatuses=[container("ErrImagePull", "dial tcp: connection refused")])
    assert look.verdict(DEPLOYMENT, [first]) is None
    time.now += 35
    later = pod(containerStatuses=[container("ImagePullBackOff", "Back-off pulling image")])
    assert look.verdict(DEPLOYMENT, [later]) is None, "it is tried after 10 seconds, and after 20 more"
    time.now += 11
    assert "cannot be pulled" in str(look.verdict(DEPLOYMENT, [later]))


def test_crash_reports_a_probe_only_if_it_killed_the_container(
    look: Diagnosis, events: list[dict[str, Any]]
) -> None:
    crashed = pod(containerStatuses=[container("CrashLoopBackOff", restarts=1)])
    events.append({"reason": "Unhealthy", "message": "Startup probe failed: connection refused"})
    assert "Startup" not in str(look.verdict(DEPLOYMENT, [crashed]))
    events.append(
        {"reason": "Killing", "message": "Container service failed startup probe, will be restarted"}
    )
    assert "Startup probe failed: connection refused" in str(look.verdict(DEPLOYMENT, [crashed]))


def test_quota_is_waited_for_while_pods_terminate(look: Diagnosis) -> None:
    message = 'pods "p" is forbidden: exceeded quota: all'
    refused = {"type": "ReplicaFailure", "status": "True", "message": message}
    deployment = {**DEPLOYMENT, "status": {"conditions": [refused]}}
    ending = {**pod("before"), "metadata": {"name": "before", "deletionTimestamp": "now"}}
    assert look.verdict(deployment, [ending]) is None
    assert message in str(look.verdict(deployment, []))


def test_missing_configuration_is_tolerated_briefly(look: Diagnosis, time: Time) -> None:
    waiting = [pod(containerStatuses=[container("CreateContainerConfigError", 'secret "db" not found')])]
    assert look.verdict(DEPLOYMENT, waiting) is None
    time.now += 11
    assert 'CreateContainerConfigError: secret "db" not found' in str(look.verdict(DEPLOYMENT, waiting))


def test_unschedulable_pod_is_reported_once_no_pod_terminates(look: Diagnosis, time: Time) -> None:
    ending = pod("old")
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert look.verdict(DEPLOYMENT, [homeless()]) is None
    time.now += 61
    assert look.verdict(DEPLOYMENT, [homeless(), ending]) is None
    assert str(look.verdict(DEPLOYMENT, [homeless()])) == "pod p-1 cannot be scheduled: 0/2: no cpu"


@pytest.mark.parametrize("reason", ["TriggeredScaleUp", "Nominated"])
def test_node_added_by_an_autoscaler_is_waited_for_until_the_deadline(
    look: Diagnosis, time: Time, events: list[dict[str, Any]], reason: str
) -> None:
    look.verdict(DEPLOYMENT, [homeless()])
    events.append({"reason": reason, "message": "pod triggered scale-up"})
    time.now += 170
    assert look.verdict(DEPLOYMENT, [homeless()]) is None
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    reported = str(look.verdict({**DEPLOYMENT, "status": {"conditions": [late]}}, [homeless()]))
    assert "within 180 s" in reported and "it cannot be scheduled: 0/2: no cpu" in reported


def test_autoscaler_that_adds_no_node_reports_why(
    look: Diagnosis, time: Time, events: list[dict[str, Any]]
) -> None:
    look.verdict(DEPLOYMENT, [homeless()])
    events.append({"reason": "NotTriggerScaleUp", "message": "1 max node group size reached"})
    time.now += 61
    assert "\n1 max node group size reached" in str(look.verdict(DEPLOYMENT, [homeless()]))


def test_terminating_pods_on_a_lost_node_free_no_resources(
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


def test_lost_node_is_named_with_the_next_step(
    look: Diagnosis, time: Time, nodes: list[dict[str, Any]]
) -> None:
    nodes.append(node("n-2", "Unknown", providerID="aws:///ap-northeast-2a/i-0abc"))
    nodes.append(node("n-3", "False"))
    look.verdict(DEPLOYMENT, [homeless()])
    time.now += 61
    reported = str(look.verdict(DEPLOYMENT, [homeless()]))
    assert (
        "node n-2 is NotReady (NodeStatusUnknown: Kubelet stopped posting node status.). If this lasts: "
        "aws ec2 terminate-instances --instance-ids i-0abc; its node group replaces it"
    ) in reported
    assert "kubectl describe node n-3" in reported and "n-1" not in reported
    away = pod(conditions=[{"type": "Ready", "status": "False"}]) | {"spec": {"nodeName": "n-2"}}
    assert "node n-2 is NotReady" in str(look.problem(away)) and "n-3" not in str(look.problem(away))
    assert look.lost_nodes([away | {"spec": {"nodeName": "n-1"}}]) == ""


def test_quota_or_policy_that_refuses_pods_is_reported_at_once(look: Diagnosis) -> None:
    message = 'pods "x" is forbidden: exceeded quota'
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    assert message in str(look.verdict({**DEPLOYMENT, "status": {"conditions": [refused]}}, []))


def test_exceeded_deadline_reports_the_probe_answer(look: Diagnosis, events: list[dict[str, Any]]) -> None:
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
    reported = str(
        look.verdict({**DEPLOYMENT, "status": {"conditions": [late]}}, [pod(containerStatuses=[container()])])
    )
    assert (
        "did not become ready within 180 s: pod p-1 is not ready\nReadiness probe failed: statuscode: 503"
        in reported
    )
    assert LOG in reported


def sidecar(name: str, **more: Any) -> dict[str, Any]:
    return {**container(), "name": name, **more}


def ended(at: str, code: int = 1) -> dict[str, Any]:
    return {"terminated": {"reason": "Error", "exitCode": code, "finishedAt": f"2026-01-01T00:00:{at}Z"}}


@pytest.fixture
def logs(time: Time, events: list[dict[str, Any]]) -> Diagnosis:
    """A diagnosis to which each container's log is its name."""
    return Diagnosis(
        time.clock(), lambda _, name, *__: f"I am {name}", lambda _: events, lambda: [node("n-1")]
    )


EXCEEDED = {
    "spec": {"progressDeadlineSeconds": 180},
    "status": {
        "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    },
}


@pytest.mark.parametrize("which", ["service", "proxy", "init"])
def test_log_is_from_the_crashing_container(logs: Diagnosis, which: str) -> None:
    crashing = sidecar(which, restartCount=2, lastState=ended("01"))
    others = [sidecar(name) for name in ("service", "proxy") if name != which]
    statuses = {"containerStatuses": [*others, *([crashing] if which != "init" else [])]}
    if which == "init":
        statuses["initContainerStatuses"] = [sidecar("first", state=ended("00", 0)), crashing]
    reported = str(logs.verdict(DEPLOYMENT, [pod(**statuses)]))
    assert f"container {which} of pod p-1 crashes" in reported
    assert f"  | I am {which}" in reported


@pytest.mark.parametrize("which", ["service", "proxy", "init"])
def test_log_is_from_the_container_that_is_not_ready(logs: Diagnosis, which: str) -> None:
    waiting = {"waiting": {"reason": "PodInitializing"}}
    main = [
        sidecar(
            name, ready=which != "init" and name != which, **({"state": waiting} if which == "init" else {})
        )
        for name in ("service", "proxy")
    ]
    first = [sidecar("init", ready=which != "init")]
    reported = str(logs.verdict(EXCEEDED, [pod(initContainerStatuses=first, containerStatuses=main)]))
    assert f"last log lines of container {which}:\n  | I am {which}" in reported


def test_log_of_a_running_pod_is_from_the_last_ended_container(logs: Diagnosis) -> None:
    """A sidecar that was started twice in the beginning is not why the service has ended now."""
    early = sidecar("proxy", restartCount=1, lastState=ended("01"))
    late = sidecar("service", restartCount=1, lastState=ended("59"))
    found = logs.problem(pod(containerStatuses=[early, late]))
    assert "container service of pod p-1 crashes" in str(found)
    unready = pod(containerStatuses=[sidecar("service", ready=True), sidecar("proxy", ready=False)])
    assert "of container proxy:\n  | I am proxy" in str(logs.problem(unready))


def test_sidecar_init_container_counts_and_an_ended_one_does_not(logs: Diagnosis) -> None:
    spec = {"initContainers": [{"name": "once"}, {"name": "proxy", "restartPolicy": "Always"}]}
    once = sidecar("once", restartCount=3, state=ended("00", 0))
    proxy = sidecar("proxy", restartCount=2, lastState=ended("09"))
    found = {**pod(initContainerStatuses=[once, proxy], containerStatuses=[sidecar("service")]), "spec": spec}
    assert diagnosis.restarts(found) == 2
    assert "container proxy of pod p-1 crashes" in str(logs.problem(found))


def test_probe_of_another_container_is_not_quoted(logs: Diagnosis, events: list[dict[str, Any]]) -> None:
    for name, at in (("service", "01"), ("proxy", "02")):
        of = {"involvedObject": {"fieldPath": f"spec.containers{{{name}}}"}, "lastTimestamp": at}
        events.append({"reason": "Unhealthy", "message": f"Readiness probe failed: {name} says 503", **of})
    late = pod(containerStatuses=[sidecar("service", ready=False), sidecar("proxy", ready=True)])
    reported = str(logs.verdict(EXCEEDED, [late]))
    assert "service says 503" in reported and "proxy says 503" not in reported


def _pull(message: str) -> dict[str, Any]:
    return pod(containerStatuses=[container("ErrImagePull", message)])


OOM = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
CAUSES = [
    (pod(containerStatuses=[container("CrashLoopBackOff", restarts=2, lastState=ended("01"))]), Cause.CRASH),
    (pod(containerStatuses=[container("CrashLoopBackOff", restarts=2, lastState=OOM)]), Cause.OOM),
    (_pull("repo:9: not found"), Cause.IMAGE_MISSING),
    (_pull("unexpected status from HEAD request: 403 Forbidden"), Cause.IMAGE_REFUSED),
    (_pull('Head "https://r/v2/": dial tcp: lookup r on 10.0.0.2:53: no such host'), Cause.REGISTRY),
    (_pull("dial tcp 10.1.1.1:443: i/o timeout"), Cause.REGISTRY),
    (_pull("unexpected status from HEAD request: 503 Service Unavailable"), Cause.REGISTRY),
    (_pull("repo:503: not found"), Cause.IMAGE_MISSING),
    (_pull("no match for platform in manifest: not found"), Cause.IMAGE_PLATFORM),
    (pod(containerStatuses=[container("InvalidImageName", "couldn't parse")]), Cause.IMAGE_NAME),
    (
        pod(containerStatuses=[container("CreateContainerConfigError", 'secret "db" not found')]),
        Cause.MISSING,
    ),
    (
        pod(containerStatuses=[container("CreateContainerConfigError", "image will run as root")]),
        Cause.START,
    ),
    (homeless(), Cause.SCHEDULING),
    (pod(phase="Failed", reason="Evicted", message="disk"), Cause.NODE),
]


@pytest.mark.parametrize(("found", "cause"), CAUSES)
def test_each_failure_has_its_cause(look: Diagnosis, time: Time, found: dict[str, Any], cause: Cause) -> None:
    look.verdict(DEPLOYMENT, [found])
    time.now += 61
    verdict = look.verdict(DEPLOYMENT, [found])
    assert verdict and verdict.cause == cause, verdict


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ('pods "a" is forbidden: exceeded quota: all, requested: cpu=1', Cause.QUOTA),
        ('pods "a" is forbidden: violates PodSecurity "restricted:latest"', Cause.ADMISSION),
        ('error looking up service account x/y: serviceaccount "y" not found', Cause.MISSING),
    ],
)
def test_refused_pods_have_their_cause(look: Diagnosis, message: str, cause: Cause) -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": message}
    verdict = look.verdict({"spec": {}, "status": {"conditions": [refused]}}, [])
    assert verdict and verdict.cause == cause


def test_each_cause_has_advice() -> None:
    texts = {advice(cause) for cause in Cause}
    assert len(texts) == len(Cause)
    assert advice("") not in texts


def test_init_container_that_succeeds_after_retries_has_not_crashed(logs: Diagnosis) -> None:
    tried = sidecar("wait-for-database", restartCount=4, state=ended("09", 0), lastState=ended("08"))
    starting = pod(initContainerStatuses=[tried], containerStatuses=[sidecar("service", ready=False)])
    assert logs.verdict(DEPLOYMENT, [starting]) is None
