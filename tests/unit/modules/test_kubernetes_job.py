"""The module that runs a Job once, against an API of our own making."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from types import SimpleNamespace as Thing
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.modules import kubernetes_job
from conftest import ModuleFailed
from kubernetes.client.exceptions import ApiException

ARGUMENTS = {
    "cluster": "shop-staging",
    "definition": {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "namespace": "shop"},
    },
}
Run = Callable[..., dict[str, Any]]


def job(outcome: str | None) -> Thing:
    conditions = [Thing(type=outcome, status="True", reason="Because", message="so")] if outcome else None
    return Thing(status=Thing(conditions=conditions))


def container(name: str, waiting: Any = None, terminated: Any = None) -> Thing:
    running = None if waiting or terminated else Thing()
    return Thing(name=name, state=Thing(waiting=waiting, running=running, terminated=terminated))


class Api:
    """A Kubernetes with at most one Job, that goes through `outcomes` each time it is looked at."""

    def __init__(self, *outcomes: str | None) -> None:
        self.outcomes = list(outcomes)
        self.stands = bool(outcomes)
        self.calls: list[str] = []
        self.pods: list[Thing] = []
        self.namespace_after = 0

    def read_namespaced_job(self, name: str, namespace: str) -> Thing:
        if not self.stands:
            raise ApiException(status=404)
        return job(self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0])

    def create_namespaced_job(self, namespace: str, body: dict) -> None:
        self.namespace_after -= 1
        if self.namespace_after >= 0:
            raise ApiException(status=404)
        self.calls.append("create")
        self.stands = True
        self.outcomes = self.outcomes or [None, "Complete"]

    def delete_namespaced_job(self, name: str, namespace: str, propagation_policy: str) -> None:
        self.calls.append("delete")
        self.stands, self.outcomes = False, [None, "Complete"]

    def list_namespaced_pod(self, namespace: str, label_selector: str) -> Thing:
        return Thing(items=self.pods)

    def read_namespaced_pod_log(self, pod: str, namespace: str, container: str, tail_lines: int) -> str:
        return f"the last words of {container} in {pod}"


@pytest.fixture
def use(aws: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Api], Api]:
    def use(api: Api) -> Api:
        monkeypatch.setattr(kubernetes_job, "api_client", lambda module: None)
        monkeypatch.setattr(kubernetes_job.kubernetes, "BatchV1Api", lambda client: api)
        monkeypatch.setattr(kubernetes_job.kubernetes, "CoreV1Api", lambda client: api)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        return api

    return use


def test_a_new_job_is_run_to_its_end(use: Any, run_module: Run) -> None:
    api = use(Api())
    assert run_module(kubernetes_job, check=True, **ARGUMENTS)["changed"]
    assert api.calls == []
    assert run_module(kubernetes_job, **ARGUMENTS)["changed"]
    assert api.calls == ["create"]


def test_one_that_is_complete_is_left_alone(use: Any, run_module: Run) -> None:
    api = use(Api("Complete"))
    assert not run_module(kubernetes_job, **ARGUMENTS)["changed"]
    assert api.calls == []


def test_one_that_runs_is_waited_for_and_not_started_again(use: Any, run_module: Run) -> None:
    api = use(Api(None, None, "Complete"))
    assert not run_module(kubernetes_job, **ARGUMENTS)["changed"]
    assert api.calls == [] and len(api.outcomes) == 1


def test_one_that_failed_is_run_anew(use: Any, run_module: Run) -> None:
    api = use(Api("Failed"))
    assert run_module(kubernetes_job, check=True, **ARGUMENTS)["changed"]
    assert run_module(kubernetes_job, **ARGUMENTS)["changed"]
    assert api.calls == ["delete", "create"]


def test_a_failure_is_told_at_once_with_the_last_words_of_the_newest_pod(use: Any, run_module: Run) -> None:
    api = use(Api())
    api.outcomes = [None, "Failed"]
    api.pods = [
        Thing(
            metadata=Thing(name=f"pod-{n}", creation_timestamp=datetime.datetime(2026, 1, n)),
            status=Thing(
                phase="Failed",
                init_container_statuses=[container("prepare", terminated=Thing(exit_code=0))],
                container_statuses=[container("client", terminated=Thing(exit_code=3))],
            ),
        )
        for n in (2, 1)
    ]
    with pytest.raises(ModuleFailed) as failed:
        run_module(kubernetes_job, **ARGUMENTS)
    assert failed.value.result["msg"].splitlines() == [
        "Job 'shop/migrate' failed: Because: so",
        "Container client ended with 3. Its last lines:",
        "the last words of client in pod-2",
    ]


def test_one_that_hangs_tells_its_last_words_though_its_pod_is_gone(
    use: Any, run_module: Run, monkeypatch: Any
) -> None:
    monkeypatch.setattr(kubernetes_job, "LOG_SECONDS", 0)
    api = use(Api())
    api.outcomes = [None, None, None, "Failed"]
    metadata = Thing(name="pod", creation_timestamp=1)
    running = Thing(phase="Running", init_container_statuses=None, container_statuses=[container("client")])
    api.pods = [Thing(metadata=metadata, status=running)]

    def pods(namespace: str, label_selector: str) -> Thing:
        return Thing(items=[] if api.outcomes == ["Failed"] else api.pods)

    monkeypatch.setattr(api, "list_namespaced_pod", pods)
    with pytest.raises(ModuleFailed) as failed:
        run_module(kubernetes_job, **ARGUMENTS)
    assert failed.value.result["msg"].splitlines() == [
        "Job 'shop/migrate' failed: Because: so",
        "Container client runs. Its last lines:",
        "the last words of client in pod",
    ]


def test_an_image_that_cannot_be_had_is_named_at_the_timeout(use: Any, run_module: Run) -> None:
    api = use(Api())
    api.outcomes = [None]
    waiting = Thing(reason="ImagePullBackOff", message="not found")
    api.pods = [
        Thing(
            metadata=Thing(name="pod", creation_timestamp=1),
            status=Thing(
                phase="Pending",
                init_container_statuses=None,
                container_statuses=[container("client", waiting=waiting)],
            ),
        )
    ]
    with pytest.raises(
        ModuleFailed, match="did not complete in 0 s\nContainer client waits: ImagePullBackOff: not found"
    ):
        run_module(kubernetes_job, **ARGUMENTS, wait_timeout=0)


def test_a_namespace_that_is_being_made_beside_it_is_waited_for(use: Any, run_module: Run) -> None:
    api = use(Api())
    api.namespace_after = 3
    assert run_module(kubernetes_job, **ARGUMENTS)["changed"]


def test_a_namespace_that_never_comes_is_named(use: Any, run_module: Run, monkeypatch: Any) -> None:
    monkeypatch.setattr(kubernetes_job, "NAMESPACE_SECONDS", 0)
    use(Api()).namespace_after = 10**9
    with pytest.raises(ModuleFailed, match="there is no namespace 'shop'"):
        run_module(kubernetes_job, **ARGUMENTS)


def test_what_kubernetes_refuses_is_told(use: Any, run_module: Run, monkeypatch: Any) -> None:
    api = use(Api())

    def refused(*_: Any) -> None:
        raise ApiException(status=403, reason="Forbidden")

    monkeypatch.setattr(api, "create_namespaced_job", refused)
    with pytest.raises(ModuleFailed, match="Kubernetes refused: 403 Forbidden"):
        run_module(kubernetes_job, **ARGUMENTS)
