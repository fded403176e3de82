"""The filter that says which containers keep a Job from its end."""

from __future__ import annotations

from typing import Any

from ansible_collections.teal.platform.plugins.filter.pod_failures import FilterModule

pod_failures = FilterModule().filters()["pod_failures"]


def pod(name: str, created: str, *containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": f"2026-11-{created}T00:00:00Z"}
    return {"metadata": metadata, "status": {"containerStatuses": list(containers), **status}}


def container(name: str, **state: Any) -> dict[str, Any]:
    return {"name": name, "state": state}


def texts(*pods: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(one["text"], one["log"]) for one in pod_failures(list(pods))]


def test_no_pod_has_no_failure() -> None:
    assert pod_failures([]) == []


def test_failed_container_of_the_newest_pod_is_reported() -> None:
    prepared = container("prepare", terminated={"exitCode": 0})
    newest = pod(
        "new", "02", container("client", terminated={"exitCode": 3}), initContainerStatuses=[prepared]
    )
    oldest = pod("old", "01", container("client", terminated={"exitCode": 4}))
    assert pod_failures([newest, oldest]) == [
        {
            "pod": "new",
            "container": "client",
            "text": "Container client of pod new ended with exit code 3. Its last log lines:",
            "log": True,
        }
    ]


def test_running_or_waiting_container_is_reported() -> None:
    pulling = container("client", waiting={"reason": "ImagePullBackOff", "message": "not found"})
    assert texts(pod("p", "01", pulling)) == [
        ("Container client of pod p waits: ImagePullBackOff: not found", False)
    ]
    starting = container("client", waiting={"reason": "PodInitializing"})
    runs = container("prepare", running={"startedAt": "now"})
    assert texts(pod("p", "01", starting, initContainerStatuses=[runs])) == [
        ("Container prepare of pod p still runs. Its last log lines:", True)
    ]


def test_pod_without_containers_is_reported_with_its_reason() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}
    assert texts(pod("p", "01", phase="Pending", conditions=[condition])) == [
        ("Pod p is Pending: 0/2 nodes are available.", False)
    ]
    assert texts({"metadata": {"name": "p", "creationTimestamp": ""}}) == [("Pod p is Unknown.", False)]
