"""Slots on Kubernetes: what is written in which order, and what is never written."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, LeaseLost, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.slots import manifests as manifests_of
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes import (
    GENERATION,
    RELEASE_LABEL,
    SLOT_LABEL,
    KubernetesSlots,
)
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store

from .fake_environment import Time, who

Json = dict[str, Any]


class FakeApi:
    """Objects by plural and name; Deployments become what `controller` makes of them at each look."""

    def __init__(self, time: Time) -> None:
        self.namespace = "assistant"
        self.clock = time.clock()
        self.objects: dict[tuple[str, str], Json] = {}
        self.pods: list[Json] = []
        self.reviews: list[str] = []
        self.denied: set[str] = set()
        self.writes: list[str] = []
        self.conflicts = 0
        self.version = 0
        self.controller: Callable[[Json], None] = all_ready

    def get(self, plural: str, name: str, version: str = "v1") -> Json | None:
        found = self.objects.get((plural, name))
        if found and plural == "deployments":
            self.controller(found)
        return copy.deepcopy(found)

    def list(
        self, plural: str, selector: str = "", version: str = "v1", fields: str = "", namespaced: bool = True
    ) -> list[Json]:
        if plural == "pods":
            phase = fields.partition("status.phase=")[2]
            return copy.deepcopy([p for p in self.pods if not phase or p["status"]["phase"] == phase])
        return [copy.deepcopy(obj) for (kind, _), obj in self.objects.items() if kind == plural]

    def apply(self, obj: Json) -> Json:
        plural = {"PodDisruptionBudget": "poddisruptionbudgets"}.get(obj["kind"], obj["kind"].lower() + "s")
        return self._write(plural, obj["metadata"]["name"], obj)

    def patch(self, plural: str, name: str, change: Json, version: str = "v1") -> Json:
        old = copy.deepcopy(self.objects[plural, name])
        old["spec"] |= change["spec"]
        changed = change.get("metadata", {})
        annotations = old["metadata"].get("annotations", {}) | changed.get("annotations", {})
        # In a merge patch, null removes a key.
        old["metadata"]["annotations"] = {
            key: value for key, value in annotations.items() if value is not None
        }
        old["metadata"].pop("resourceVersion")
        old["metadata"] |= {key: changed[key] for key in changed if key == "resourceVersion"}
        return self._write(plural, name, old)

    def _write(self, plural: str, name: str, obj: Json) -> Json:
        old = self.objects.get((plural, name))
        if self.conflicts:
            self.conflicts -= 1
            raise KubernetesError(409, "the object has been modified")
        wanted = obj["metadata"].get("resourceVersion")
        if wanted and old and wanted != old["metadata"]["resourceVersion"]:
            raise KubernetesError(409, "the object has been modified")
        self.version += 1
        obj = copy.deepcopy(obj)
        obj["metadata"] |= {"resourceVersion": str(self.version), "generation": self.version}
        obj["status"] = (old or {}).get("status", {})
        self.objects[plural, name] = obj
        self.writes.append(
            f"{plural}/{name}" + (f" ={obj['spec']['replicas']}" if plural == "deployments" else "")
        )
        return obj

    def delete(self, plural: str, name: str, version: str = "v1") -> None:
        if self.objects.pop((plural, name), None):
            self.writes.append(f"-{plural}/{name}")

    def log(self, *_: Any) -> str:
        return "last words"

    def plural(self, version: str, kind: str) -> tuple[str, bool]:
        if kind == "Gadget":
            raise KubernetesError(404, f"This cluster has no kind {kind} in {version}")
        return {"PodDisruptionBudget": "poddisruptionbudgets"}.get(kind, kind.lower() + "s"), True

    def request(self, method: str, path: str, body: Json) -> Json:
        assert (method, path.rpartition("/")[2]) == ("post", "selfsubjectaccessreviews")
        wanted = body["spec"]["resourceAttributes"]
        self.reviews.append(f"{wanted['verb']} {wanted['group']} {wanted['resource']}")
        return {"status": {"allowed": f"{wanted['verb']} {wanted['resource']}" not in self.denied}}


def all_ready(deployment: Json) -> None:
    wanted = deployment["spec"]["replicas"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    deployment["status"] = dict.fromkeys(counts, wanted) | {
        "observedGeneration": deployment["metadata"]["generation"]
    }


def manifests(slot: str, number: str) -> list[Json]:
    selector = {"app.kubernetes.io/name": "assistant", SLOT_LABEL: slot}
    labels = {**selector, RELEASE_LABEL: number}
    pod = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "service", "image": f"repo:{number}"}]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": selector}, "template": pod}
    name = f"assistant-{slot}"
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"assistant-{number}"},
            "immutable": True,
        },
    ]


@pytest.fixture
def api(time: Time) -> FakeApi:
    return FakeApi(time)


@pytest.fixture
def lease(store: Store) -> Lease:
    return acquire(store, who(), 30)[0]


@pytest.fixture
def up(api: FakeApi, lease: Lease) -> Callable[..., int]:
    """Return up(slot, generation): bring the release of this number up; its replicas."""

    def bring(slot: str, generation: int, replicas: int = 2, given: list[Json] | None = None) -> int:
        slots = KubernetesSlots(api, "assistant", given or manifests(slot, f"r{generation}"), replicas)  # type: ignore[arg-type]
        return up_with(slots, slot, generation, lease)

    return bring


def up_with(slots: KubernetesSlots, slot: str, generation: int, lease: Lease) -> int:
    """Do what the role does: prepare the slot, apply what is beside the Deployment, bring it up."""
    release = {"slot": slot, "id": f"{generation:08d}"}
    slots.prepare(release, lease)
    lease.renew()
    for obj in manifests_of.beside(slots.given, slot):
        slots.api.apply(obj)
    return slots.bring_up(release, lease, lambda _: None)


def test_deployment_is_applied_last(up: Any, api: FakeApi) -> None:
    assert up("green", 7) == 2
    assert api.writes == [
        "services/assistant-green",
        "configmaps/assistant-r7",
        "deployments/assistant-green =2",
    ]


def test_idle_slot_gets_at_least_as_many_replicas_as_the_live_one(up: Any, api: FakeApi) -> None:
    up("blue", 1, replicas=5)
    assert up("green", 2) == 5
    assert api.objects["deployments", "assistant-blue"]["spec"]["replicas"] == 5


def autoscaler(slot: str, least: int, most: int) -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"assistant-{slot}"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": f"assistant-{slot}"},
        "spec": {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most},
    }


def scaler(api: FakeApi, slot: str) -> Json:
    return api.objects["horizontalpodautoscalers", f"assistant-{slot}"]["spec"]


def test_manifests_may_ask_for_more_replicas(api: FakeApi, lease: Lease) -> None:
    objects = manifests("green", "r3")
    objects[0]["spec"]["replicas"] = 4
    slots = KubernetesSlots(api, "assistant", objects, replicas=2)  # type: ignore[arg-type]
    assert up_with(slots, "green", 3, lease) == 4


def test_autoscaler_waits_for_traffic_and_keeps_its_own_minimum(up: Any, api: FakeApi, lease: Lease) -> None:
    up("blue", 1, replicas=5)
    objects = [*manifests("green", "r2"), autoscaler("green", 2, 4)]
    objects[0]["spec"]["progressDeadlineSeconds"] = 180
    up_with(KubernetesSlots(api, "assistant", objects), "green", 2, lease)  # type: ignore[arg-type]
    found = scaler(api, "green")
    assert (found["minReplicas"], found["maxReplicas"]) == (2, 5)
    assert found["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 780


def test_previous_autoscaler_does_not_scale_the_next_release(up: Any, api: FakeApi) -> None:
    up("green", 1)
    api.apply(manifests_of.marked(autoscaler("green", 2, 4), "green"))
    api.apply(manifests_of.marked(autoscaler("blue", 2, 4), "blue"))
    api.writes.clear()
    up("green", 3)
    assert api.writes[0] == "-horizontalpodautoscalers/assistant-green"
    assert ("horizontalpodautoscalers", "assistant-blue") in api.objects


def test_slot_without_traffic_keeps_its_size(up: Any, api: FakeApi, lease: Lease) -> None:
    up("blue", 1, replicas=5)
    api.apply(manifests_of.marked(autoscaler("blue", 2, 9), "blue"))
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    slots.keep_size("blue", lease)
    assert (scaler(api, "blue")["minReplicas"], scaler(api, "blue")["maxReplicas"]) == (5, 9)
    api.writes.clear()
    slots.keep_size("blue", lease)
    slots.keep_size("green", lease)
    assert api.writes == []


def test_autoscaler_gets_its_own_limits_again(up: Any, api: FakeApi, lease: Lease) -> None:
    """They are raised for the time of a release's steps; the first limits are remembered, not the raised ones."""
    up("blue", 1, replicas=5)
    api.apply(manifests_of.marked(autoscaler("blue", 2, 4), "blue"))
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    assert not slots.restore_limits("blue", lease)
    slots.keep_size("blue", lease)
    slots.grow("blue", 7, lease)
    assert (scaler(api, "blue")["minReplicas"], scaler(api, "blue")["maxReplicas"]) == (7, 7)
    assert slots.restore_limits("blue", lease)
    assert (scaler(api, "blue")["minReplicas"], scaler(api, "blue")["maxReplicas"]) == (2, 4)
    assert not slots.restore_limits("blue", lease)


@pytest.mark.parametrize(("percent", "needed"), [(1, 1), (5, 1), (34, 3), (50, 3), (99, 6), (100, 6)])
def test_share_of_the_traffic_needs_its_share_of_the_replicas(
    up: Any, api: FakeApi, percent: int, needed: int
) -> None:
    up("blue", 1, replicas=6)
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    assert slots.replicas_for("green", percent) == needed


def test_slot_with_a_foreign_autoscaler_grows_by_its_deployment(up: Any, api: FakeApi, lease: Lease) -> None:
    up("green", 1)
    api.apply({**autoscaler("green", 1, 4), "metadata": {"name": "mine"}})
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    slots.grow("green", 3, lease)
    assert api.objects["deployments", "assistant-green"]["spec"]["replicas"] == 3
    assert api.objects["horizontalpodautoscalers", "mine"]["spec"]["minReplicas"] == 1


def test_warm_slot_is_scaled_up_with_the_live_one(up: Any, api: FakeApi, lease: Lease) -> None:
    up("blue", 1)
    up("green", 2)
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    assert slots.replicas_to_match("blue") == 0
    api.objects["deployments", "assistant-green"]["spec"]["replicas"] = 6
    assert slots.replicas_to_match("blue") == 6
    slots.grow("blue", 6, lease)
    assert api.objects["deployments", "assistant-blue"]["spec"]["replicas"] == 6
    assert (slots.replicas_to_match("blue"), slots.replicas_to_match("green")) == (0, 0)


def test_warm_slot_with_an_autoscaler_is_scaled_by_its_minimum(up: Any, api: FakeApi, lease: Lease) -> None:
    up("blue", 1)
    up("green", 2)
    api.apply(manifests_of.marked(autoscaler("blue", 2, 4), "blue"))
    api.objects["deployments", "assistant-green"]["spec"]["replicas"] = 6
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    slots.grow("blue", slots.replicas_to_match("blue"), lease)
    assert (scaler(api, "blue")["minReplicas"], scaler(api, "blue")["maxReplicas"]) == (6, 6)
    assert api.objects["deployments", "assistant-blue"]["spec"]["replicas"] == 2, "two would fight over it"
    assert slots.replicas_to_match("blue") == 0, "it is on its way"


def test_retired_slot_is_not_scaled_up(up: Any, api: FakeApi, lease: Lease) -> None:
    up("blue", 1)
    up("green", 2)
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    assert slots.scale_down("blue", lease)
    assert slots.replicas_to_match("blue") == 0


def test_live_slot_is_not_written(up: Any, api: FakeApi) -> None:
    up("blue", 1)
    api.writes.clear()
    up("green", 2)
    assert not [write for write in api.writes if "blue" in write]


def test_pods_of_another_release_end_before_new_ones_start(up: Any, api: FakeApi) -> None:
    up("green", 1)
    api.writes.clear()
    up("green", 2)
    assert [write for write in api.writes if write.startswith("deployments")] == [
        "deployments/assistant-green =0",
        "deployments/assistant-green =2",
    ]


def test_repeated_bring_up_stops_nothing(up: Any, api: FakeApi) -> None:
    up("green", 1)
    api.writes.clear()
    assert up("green", 1) == 2
    assert "deployments/assistant-green =0" not in api.writes


def test_repeated_bring_up_removes_no_replica(up: Any, api: FakeApi) -> None:
    up("green", 1)
    api.objects["deployments", "assistant-green"]["spec"]["replicas"] = 5
    assert up("green", 1) == 5


def test_conflict_is_retried_with_a_new_read(up: Any, api: FakeApi) -> None:
    given = [m for m in manifests("green", "r1") if m["kind"] == "Deployment"]
    api.conflicts = 3
    assert up("green", 1, given=given) == 2


def test_write_of_a_later_run_is_not_overwritten(up: Any, api: FakeApi) -> None:
    up("green", 1)
    api.objects["deployments", "assistant-green"]["metadata"]["annotations"][GENERATION] = "99"
    api.writes.clear()
    with pytest.raises(SlotFailed, match=r"assistant-green was written by run 99.* annotate deployment"):
        up("green", 2)
    assert not [write for write in api.writes if write.startswith("deployments")]


def test_controller_without_the_lease_writes_nothing(up: Any, api: FakeApi, store: Store) -> None:
    acquire(store, who("qa", "rollback"), 15, preempts={"deploy"})
    with pytest.raises(LeaseLost):
        up("green", 1)
    assert api.writes == []


def test_verdict_ends_the_wait(up: Any, api: FakeApi) -> None:
    def never(deployment: Json) -> None:
        all_ready(deployment)
        deployment["status"]["readyReplicas"] = 0

    api.controller = never
    api.pods = [
        {
            "metadata": {"name": "p", "labels": {RELEASE_LABEL: "r1", SLOT_LABEL: "green"}},
            "status": {"containerStatuses": [{"name": "service", "restartCount": 2, "state": {}}]},
        }
    ]
    with pytest.raises(SlotFailed, match=r"pod p crashes: 2 restarts.*\n.*last log lines:\n  \| last words"):
        up("green", 1)


def test_deployment_changed_by_another_program_is_reported(up: Any, api: FakeApi) -> None:
    def other(deployment: Json) -> None:
        all_ready(deployment)
        deployment["spec"]["template"]["metadata"]["labels"][RELEASE_LABEL] = "r0"

    api.controller = other
    with pytest.raises(SlotFailed, match="was changed or deleted by another program"):
        up("green", 1)


@pytest.mark.parametrize(
    ("wrong", "reported"),
    [
        (lambda m: m["metadata"].update(name="mine"), "its name must be assistant-green"),
        (lambda m: m["spec"]["template"]["metadata"].update(labels={}), "must have the labels"),
        (
            lambda m: m["spec"]["selector"]["matchLabels"].update({RELEASE_LABEL: "r1"}),
            "nothing that changes",
        ),
        (
            lambda m: m["spec"]["selector"].update(matchLabels={}),
            "selector of Deployment assistant-green must contain",
        ),
    ],
)
def test_own_manifests_are_checked_before_any_write(
    up: Any, api: FakeApi, wrong: Callable[[Json], None], reported: str
) -> None:
    given = json.loads(json.dumps(manifests("green", "r1")))
    wrong(given[0])
    with pytest.raises(SlotFailed, match=reported):
        up("green", 1, given=given)
    assert api.writes == []


def test_scale_down_ends_pods_and_deletes_unused_objects(up: Any, api: FakeApi, lease: Lease) -> None:
    up("blue", 1)
    up("green", 2)
    api.objects["configmaps", "assistant-r0"] = {"metadata": {"name": "assistant-r0"}, "immutable": True}
    api.objects["deployments", "assistant-green"]["spec"]["template"]["spec"]["use"] = ["assistant-r2"]
    api.objects["deployments", "assistant-blue"]["spec"]["template"]["spec"]["use"] = ["assistant-r1"]
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    assert slots.scale_down("blue", lease)
    assert api.objects["deployments", "assistant-blue"]["spec"]["replicas"] == 0
    assert {name for plural, name in api.objects if plural == "configmaps"} == {
        "assistant-r1",
        "assistant-r2",
    }
    assert not slots.scale_down("blue", lease)


def test_failed_job_reports_its_log_and_a_successful_one_is_not_repeated(api: FakeApi, lease: Lease) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate-r1"}}
    slots = KubernetesSlots(api, "assistant")  # type: ignore[arg-type]
    api.pods = [migration("Failed")]
    api.objects["jobs", "migrate-r1"] = {
        **job,
        "status": {"conditions": [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]},
    }
    with pytest.raises(
        SlotFailed, match=r"Job migrate-r1 failed: BackoffLimitExceeded\nlast log lines:\n  \| last"
    ):
        slots.run_job([job], "green", lease, 60)
    api.objects["jobs", "migrate-r1"]["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    slots.run_job([job], "green", lease, 60)
    assert api.writes == []


def migration(phase: str, **status: Any) -> Json:
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "migration"}]},
        "status": {"phase": phase, **status},
    }


def test_hanging_job_reports_its_log_after_its_pod_was_deleted(
    api: FakeApi, lease: Lease, time: Time
) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate-r1"}}
    api.pods = [migration("Running")]
    ended = {"type": "Failed", "status": "True", "message": "Job was active longer than specified deadline"}

    def sleep(seconds: float) -> None:
        time.now += seconds
        if time.now - began > 20:  # the controller has removed the pod, and its log with it
            api.pods = []
            api.objects["jobs", "migrate-r1"]["status"] = {"conditions": [ended]}

    began, api.clock = time.now, replace(api.clock, sleep=sleep)
    with pytest.raises(SlotFailed, match=r"longer than specified deadline\nlast log lines:\n  \| last"):
        KubernetesSlots(api, "assistant").run_job([job], "green", lease, 60)  # type: ignore[arg-type]


def test_job_whose_image_cannot_be_pulled_is_reported_and_deleted(api: FakeApi, lease: Lease) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate-r1"}}
    waiting = {"reason": "ErrImagePull", "message": "repo:9: not found"}
    api.pods = [
        migration("Pending", containerStatuses=[{"name": "migration", "state": {"waiting": waiting}}])
    ]
    with pytest.raises(SlotFailed, match=r"Job migrate-r1 failed: the image of .* cannot be pulled"):
        KubernetesSlots(api, "assistant").run_job([job], "green", lease, 60)  # type: ignore[arg-type]
    assert ("jobs", "migrate-r1") not in api.objects


def test_pods_that_do_not_terminate_are_reported_with_their_node(up: Any, api: FakeApi) -> None:
    labels = {RELEASE_LABEL: "r0", SLOT_LABEL: "green"}
    stuck = {"name": "old", "labels": labels, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    api.pods = [{"metadata": stuck, "spec": {"nodeName": "n-2"}, "status": {}}]
    for name, ready in (("n-1", "True"), ("n-2", "Unknown")):
        conditions = [{"type": "Ready", "status": ready, "reason": "NodeStatusUnknown"}]
        api.objects["nodes", name] = {"metadata": {"name": name}, "status": {"conditions": conditions}}
    with pytest.raises(SlotFailed, match=r"do not terminate in slot green: old\nnode n-2 is NotReady"):
        up("green", 1)


def test_condition_reports_why_pods_are_not_ready(up: Any, api: FakeApi) -> None:
    up("green", 1)
    labels = {RELEASE_LABEL: "r1", SLOT_LABEL: "green"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"restartCount": 3}]}
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 4}
    api.pods = [
        {"metadata": {"name": "a", "labels": labels}, "status": ready},
        {"metadata": {"name": "b", "labels": labels}, "status": {"containerStatuses": [waiting]}},
        {"metadata": {"name": "old", "labels": {**labels, RELEASE_LABEL: "r0"}}, "status": ready},
    ]
    found = KubernetesSlots(api, "assistant").condition("green")  # type: ignore[arg-type]
    assert (found.wanted, found.ready, found.restarts, found.release) == (2, 1, 7, "r1")
    assert found.notes == ["b: CrashLoopBackOff, 4 restarts"]


# -- of others --------------------------------------------------------------------------------------


def test_foreign_autoscaler_is_neither_deleted_nor_changed(up: Any, api: FakeApi, lease: Lease) -> None:
    up("green", 1)
    theirs = {**autoscaler("green", 1, 4), "metadata": {"name": "mine"}}
    api.apply(theirs)
    slots = KubernetesSlots(api, "assistant", manifests("green", "r3"))  # type: ignore[arg-type]
    up_with(slots, "green", 3, lease)
    slots.keep_size("green", lease)
    assert slots.replicas_to_match("green") == 0
    slots.scale_down("green", lease)
    assert api.objects["horizontalpodautoscalers", "mine"]["spec"] == theirs["spec"]
    (warning,) = slots.warnings
    assert (
        "HorizontalPodAutoscaler mine scales Deployment assistant-green and belongs to no release" in warning
    )


@pytest.mark.parametrize("name", ["mine", "assistant-green"])
def test_foreign_autoscaler_beside_the_one_of_the_release_is_refused(
    up: Any, api: FakeApi, lease: Lease, name: str
) -> None:
    api.apply({**autoscaler("green", 1, 4), "metadata": {"name": name}})
    api.writes.clear()
    with pytest.raises(SlotFailed, match=f"HorizontalPodAutoscaler {name} scales .*delete horizontalpod"):
        up("green", 1, given=[*manifests("green", "r1"), autoscaler("green", 2, 4)])
    slots = KubernetesSlots(api, "assistant", [*manifests("blue", "r0"), autoscaler("blue", 2, 4)])  # type: ignore[arg-type]
    with pytest.raises(SlotFailed, match=f"HorizontalPodAutoscaler {name} scales Deployment assistant-green"):
        slots.check("blue", "r0")
    assert api.writes == []


def test_autoscaler_v1_is_applied_as_v2(api: FakeApi, lease: Lease) -> None:
    old = {**autoscaler("green", 2, 4), "apiVersion": "autoscaling/v1"}
    old["spec"] = {**old["spec"], "targetCPUUtilizationPercentage": 60}
    slots = KubernetesSlots(api, "assistant", [*manifests("green", "r1"), old])  # type: ignore[arg-type]
    up_with(slots, "green", 1, lease)
    found = api.objects["horizontalpodautoscalers", "assistant-green"]
    assert found["apiVersion"] == "autoscaling/v2"
    assert found["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert "targetCPUUtilizationPercentage" not in found["spec"]


def extra(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {}}


def test_objects_that_the_next_release_lacks_are_deleted(up: Any, api: FakeApi) -> None:
    """But not what the other slot's release has brought, too, nor what has lost our label."""
    shared, own, taken = extra("shared"), extra("admin"), extra("taken")
    up("blue", 1, given=[*manifests("blue", "r1"), shared])
    up("green", 2, given=[*manifests("green", "r2"), shared, own, taken])
    api.objects["services", "taken"]["metadata"]["labels"] = {}
    api.objects["services", "theirs"] = extra("theirs")
    api.writes.clear()
    up("green", 3)
    assert [write for write in api.writes if write.startswith("-")] == [
        "-configmaps/assistant-r2",
        "-services/admin",
    ]
    assert {"shared", "taken", "theirs", "assistant-blue", "assistant-green"} <= {
        name for plural, name in api.objects if plural == "services"
    }


def test_objects_of_a_release_interrupted_before_its_deployment_are_deleted(up: Any, api: FakeApi) -> None:
    up("green", 1)
    apply = api.apply

    def dies(obj: Json) -> Json:
        if obj["kind"] == "Deployment":
            raise KubernetesError(403, "no more")
        return apply(obj)

    api.apply = dies  # type: ignore[method-assign]
    with pytest.raises(KubernetesError):
        up("green", 2, given=[*manifests("green", "r2"), extra("admin")])
    assert ("services", "admin") in api.objects
    api.apply = apply  # type: ignore[method-assign]
    up("green", 3)
    assert ("services", "admin") not in api.objects
    assert ("services", "assistant-green") in api.objects


def test_configuration_used_by_the_live_slot_is_kept(up: Any, api: FakeApi) -> None:
    """Also if the live Deployment says nothing of it, as one of an earlier version."""
    up("blue", 1)
    up("green", 2)
    blue = api.objects["deployments", "assistant-blue"]
    blue["metadata"]["annotations"].pop(manifests_of.OBJECTS)
    blue["spec"]["template"]["spec"]["use"] = ["assistant-r2"]
    up("green", 3)
    assert ("configmaps", "assistant-r2") in api.objects


@pytest.mark.parametrize(
    ("added", "reported"),
    [
        (
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "data"}},
            "contain StatefulSet data. A slot runs the pods of one Deployment, assistant-blue",
        ),
        ({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "n"}}, "contain CronJob n"),
        ({"apiVersion": "v1", "kind": "List", "items": []}, "contain a List: write each object"),
        (
            {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"},
            "contain a Kustomization: write each object",
        ),
        ({"kind": "Service"}, "needs apiVersion, kind and metadata.name"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {}}, "a Service without metadata.name"),
        (
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "other"}},
            "Service a in namespace other, but the slot is in assistant",
        ),
        (
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "worker"}},
            "Found: assistant-blue, worker",
        ),
    ],
)
def test_unsupported_objects_are_refused_before_any_write(
    up: Any, api: FakeApi, added: Json, reported: str
) -> None:
    given = [*manifests("blue", "r0"), added]
    with pytest.raises(SlotFailed, match=reported) as refused:
        KubernetesSlots(api, "assistant", given).check("blue", "r0")  # type: ignore[arg-type]
    assert refused.value.cause == "manifests"
    with pytest.raises(SlotFailed):
        up("blue", 0, given=given)
    assert api.writes == []


def test_missing_manifests_and_missing_deployment_are_refused(api: FakeApi) -> None:
    for given, reported in (
        ([], "Check that slot_manifests_dir is not empty"),
        (manifests("blue", "r0")[1:], "Found: none"),
    ):
        with pytest.raises(SlotFailed, match=reported):
            KubernetesSlots(api, "assistant", given).check("blue", "r0")  # type: ignore[arg-type]


def test_permissions_are_checked_before_a_release_begins(api: FakeApi) -> None:
    slots = KubernetesSlots(api, "assistant", manifests("blue", "r0"))  # type: ignore[arg-type]
    assert slots.check("blue", "r0")[1:4] == [
        "create deployments.apps",
        "patch deployments.apps",
        "list pods",
    ]
    assert {"create apps deployments", "patch apps deployments", "patch  configmaps"} <= set(api.reviews)
    api.denied = {"patch deployments", "list pods"}
    with pytest.raises(SlotFailed, match=r"patch deployments\.apps, list pods") as refused:
        slots.check("blue", "r0")
    assert refused.value.cause == "rights"
    assert api.writes == []


def test_unknown_kind_is_reported_before_a_release_begins(api: FakeApi) -> None:
    given = [*manifests("blue", "r0"), {"apiVersion": "x/v1", "kind": "Gadget", "metadata": {"name": "g"}}]
    with pytest.raises(KubernetesError, match="has no kind Gadget"):
        KubernetesSlots(api, "assistant", given).check("blue", "r0")  # type: ignore[arg-type]
