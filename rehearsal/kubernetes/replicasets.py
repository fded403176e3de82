"""The ReplicaSet controller: keeps the wanted number of pods."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes import times
from rehearsal.kubernetes.cluster_state import ClusterState
from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.errors import ApiError
from rehearsal.kubernetes.objects import condition, is_active, is_ready, key_of, owned, owner, reference
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Event, Key, clone

Json = dict[str, Any]
REPLICASETS, PODS = BY_NAME["replicasets"], BY_NAME["pods"]
SOURCE = "replicaset-controller"
RETRY_SECONDS = 2.0


def pod_of(owner_: Json, template: Json) -> Json:
    """A pod by a template, for its controller."""
    meta = clone(template["metadata"])
    meta["name"] = f"{owner_['metadata']['name'][:57]}-{times.suffix()}"
    meta["ownerReferences"] = [reference(owner_)]
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": clone(template["spec"])}


class ReplicaSets(Controller):
    def __init__(self, cluster: ClusterState) -> None:
        super().__init__(cluster)
        self._refused: dict[str, tuple[float, str]] = {}
        """By uid: the time until which no pod is created, and the reason."""

    def affected(self, event: Event) -> Iterable[Key]:
        if event.resource is REPLICASETS and event.type != "DELETED":
            yield key_of(event.object)
        elif event.resource is PODS and (key := owner(event.object, "ReplicaSet")):
            yield key

    def sync(self, key: Key) -> float | None:
        replica_set = self.store.find(REPLICASETS, *key)
        if replica_set is None:
            return None
        pods = [p for p in owned(self.store.list(PODS, key[0]), replica_set) if is_active(p)]
        failure = None
        if "deletionTimestamp" not in replica_set["metadata"]:
            failure = self._scale(replica_set, pods)
            pods = [p for p in owned(self.store.list(PODS, key[0]), replica_set) if is_active(p)]
        ready = [p for p in pods if is_ready(p)]
        waits = [replica_set["spec"].get("minReadySeconds", 0) - _ready_for(p) for p in ready]
        numbers = {
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": sum(w <= 0 for w in waits),
        }
        status: Json = {"replicas": len(pods), "observedGeneration": replica_set["metadata"]["generation"]}
        status |= {k: v for k, v in numbers.items() if v}
        if failure:
            was = condition(replica_set["status"], "ReplicaFailure")
            since = was["lastTransitionTime"] if was else times.now()
            status["conditions"] = [
                {
                    "type": "ReplicaFailure",
                    "status": "True",
                    "reason": "FailedCreate",
                    "message": failure,
                    "lastTransitionTime": since,
                }
            ]
        self.registry.set_status(REPLICASETS, replica_set, status)
        again = [w for w in waits if w > 0] + ([RETRY_SECONDS] if failure else [])
        return min(again, default=None)

    def _scale(self, replica_set: Json, pods: list[Json]) -> str | None:
        """Create or delete pods. Return an error if a pod could not be created."""
        more, uid = replica_set["spec"]["replicas"] - len(pods), replica_set["metadata"]["uid"]
        until, why = self._refused.pop(uid, (0.0, ""))
        if more > 0 and time.monotonic() < until:
            self._refused[uid] = until, why
            return why
        for _ in range(more):
            try:
                template = replica_set["spec"]["template"]
                pod = self.registry.create(
                    PODS, pod_of(replica_set, template), replica_set["metadata"]["namespace"]
                )
            except ApiError as e:
                self.events.warning(replica_set, "FailedCreate", f"Error creating: {e}", SOURCE)
                self._refused[uid] = time.monotonic() + RETRY_SECONDS, str(e)
                return str(e)
            message = f"Created pod: {pod['metadata']['name']}"
            self.events.normal(replica_set, "SuccessfulCreate", message, SOURCE)
        for pod in sorted(pods, key=_deletion_priority)[: max(0, -more)]:
            self.registry.delete(PODS, *key_of(pod))
            self.events.normal(
                replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", SOURCE
            )
        return None


def _deletion_priority(pod: Json) -> tuple[Any, ...]:
    """Sort key for deletion: first unscheduled, not running, not ready, often restarted, young pods."""
    restarts = sum(s["restartCount"] for s in pod["status"].get("containerStatuses") or [])
    running = pod["status"].get("phase") == "Running"
    return (
        "nodeName" in pod["spec"],
        running,
        is_ready(pod),
        -restarts,
        -int(pod["metadata"]["resourceVersion"]),
    )


def _ready_for(pod: Json) -> float:
    ready = condition(pod["status"], "Ready")
    return times.age(ready["lastTransitionTime"]) if ready else 0.0
