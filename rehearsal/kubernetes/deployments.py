"""The Deployment controller: creates a ReplicaSet for each template and rolls out from the old ones to the new one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes import times
from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.objects import condition, key_of, owned, owner, reference
from rehearsal.kubernetes.quantities import share
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Event, Key, clone

Json = dict[str, Any]
DEPLOYMENTS, REPLICASETS, PODS = BY_NAME["deployments"], BY_NAME["replicasets"], BY_NAME["pods"]
HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"
OWN_ANNOTATIONS = {REVISION, DESIRED, MOST, "kubectl.kubernetes.io/last-applied-configuration"}
SOURCE = "deployment-controller"


class Deployments(Controller):
    def affected(self, event: Event) -> Iterable[Key]:
        if event.resource is DEPLOYMENTS and event.type != "DELETED":
            yield key_of(event.object)
        elif event.resource is REPLICASETS and (key := owner(event.object, "Deployment")):
            yield key
        elif event.resource is PODS and event.type == "DELETED":
            # With Recreate, the new pods wait until the last old pod has ended.
            for d in self.store.list(DEPLOYMENTS, event.object["metadata"]["namespace"]):
                if d["spec"]["strategy"]["type"] == "Recreate":
                    yield key_of(d)

    def sync(self, key: Key) -> float | None:
        deployment = self.store.find(DEPLOYMENTS, *key)
        if deployment is None or "deletionTimestamp" in deployment["metadata"]:
            return None
        sets = sorted(owned(self.store.list(REPLICASETS, key[0]), deployment), key=_revision)
        new = next((s for s in sets if _template(s) == deployment["spec"]["template"]), None)
        old = [s for s in sets if s is not new]
        reason = ""
        if not deployment["spec"].get("paused"):
            new, reason = self._ensure(deployment, new, old)
            roll = self._recreate if deployment["spec"]["strategy"]["type"] == "Recreate" else self._roll
            roll(deployment, new, old)
        elif new:
            self._scale(deployment, new, deployment["spec"]["replicas"])
        return self._status(deployment, reason)

    def _ensure(self, deployment: Json, new: Json | None, old: list[Json]) -> tuple[Json, str]:
        """Return the ReplicaSet of the current template, with the highest revision, and a reason if it is new."""
        revision = max([_revision(s) for s in old], default=0)
        notes = {
            k: v
            for k, v in (deployment["metadata"].get("annotations") or {}).items()
            if k not in OWN_ANNOTATIONS
        }
        reason = ""
        if new is None:
            new = self._create(deployment, notes | {REVISION: str(revision + 1)})
            reason = "NewReplicaSetCreated"
        elif _revision(new) <= revision:
            new = self._annotate(REPLICASETS, new, notes | {REVISION: str(revision + 1)})
        self._annotate(DEPLOYMENTS, deployment, {REVISION: new["metadata"]["annotations"][REVISION]})
        return new, reason

    def _annotate(self, resource: Any, obj: Json, notes: Json) -> Json:
        def add(now: Json) -> Json:
            now["metadata"]["annotations"] = (now["metadata"].get("annotations") or {}) | notes
            return now

        return self.registry.patch(resource, *key_of(obj), add)

    def _create(self, deployment: Json, notes: Json) -> Json:
        template = clone(deployment["spec"]["template"])
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
        mark = times.encode(int.from_bytes(digest[:8]), 10)
        template["metadata"]["labels"] = (template["metadata"].get("labels") or {}) | {HASH: mark}
        selector = clone(deployment["spec"]["selector"])
        selector["matchLabels"] = (selector.get("matchLabels") or {}) | {HASH: mark}
        spec = {"replicas": 0, "selector": selector, "template": template}
        if "minReadySeconds" in deployment["spec"]:
            spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
        namespace, name = key_of(deployment)
        meta = {
            "name": f"{name}-{mark}",
            "namespace": namespace,
            "labels": template["metadata"]["labels"],
            "annotations": notes,
            "ownerReferences": [reference(deployment)],
        }
        return self.registry.create(REPLICASETS, {"metadata": meta, "spec": spec}, namespace)

    def _scale(self, deployment: Json, replica_set: Json, replicas: int) -> Json:
        before, wanted = replica_set["spec"]["replicas"], deployment["spec"]["replicas"]
        notes = {DESIRED: str(wanted), MOST: str(wanted + _surge(deployment))}
        has = replica_set["metadata"].get("annotations") or {}
        if before == replicas and all(has.get(k) == v for k, v in notes.items()):
            return replica_set

        def change(now: Json) -> Json:
            now["metadata"].setdefault("annotations", {}).update(notes)
            now["spec"]["replicas"] = replicas
            return now

        result = self.registry.patch(REPLICASETS, *key_of(replica_set), change)
        if before != replicas:
            way = "up" if replicas > before else "down"
            name = replica_set["metadata"]["name"]
            message = f"Scaled {way} replica set {name} from {before} to {replicas}"
            self.events.normal(deployment, "ScalingReplicaSet", message, SOURCE)
        return result

    def _recreate(self, deployment: Json, new: Json, old: list[Json]) -> None:
        for s in old:
            self._scale(deployment, s, 0)
        pods = self.store.list(PODS, deployment["metadata"]["namespace"])
        if not any(owned(pods, s) for s in old):
            self._scale(deployment, new, deployment["spec"]["replicas"])

    def _roll(self, deployment: Json, new: Json, old: list[Json]) -> None:
        wanted = deployment["spec"]["replicas"]
        total = sum(s["spec"]["replicas"] for s in [new, *old])
        has = new["spec"]["replicas"]
        room = max(0, wanted + _surge(deployment) - total)
        new = self._scale(deployment, new, wanted if has > wanted else min(wanted, has + room))
        total += new["spec"]["replicas"] - has
        least = wanted - _unavailable(deployment)
        spare = total - least - (new["spec"]["replicas"] - new["status"].get("availableReplicas", 0))
        if spare > 0:
            old = self._drop_unhealthy(deployment, old, spare)
            available = sum(s["status"].get("availableReplicas", 0) for s in [new, *old])
            self._drop(deployment, old, available - least)

    def _drop_unhealthy(self, deployment: Json, old: list[Json], spare: int) -> list[Json]:
        result = []
        for s in old:
            unhealthy = s["spec"]["replicas"] - s["status"].get("availableReplicas", 0)
            gone = max(0, min(unhealthy, spare))
            spare -= gone
            result.append(self._scale(deployment, s, s["spec"]["replicas"] - gone) if gone else s)
        return result

    def _drop(self, deployment: Json, old: list[Json], spare: int) -> None:
        for s in old:
            if (gone := max(0, min(s["spec"]["replicas"], spare))) > 0:
                spare -= gone
                self._scale(deployment, s, s["spec"]["replicas"] - gone)

    def _status(self, deployment: Json, reason: str) -> float | None:
        deployment = self.store.get(DEPLOYMENTS, *key_of(deployment))
        spec, before = deployment["spec"], deployment.get("status") or {}
        sets = sorted(
            owned(self.store.list(REPLICASETS, deployment["metadata"]["namespace"]), deployment),
            key=_revision,
        )
        new = next((s for s in sets if _template(s) == spec["template"]), None)
        for s in sets[: -spec["revisionHistoryLimit"] - 1]:
            if s is not new and not s["spec"]["replicas"] and not s["status"].get("replicas"):
                self.registry.delete(REPLICASETS, *key_of(s))

        def count(field: str) -> int:
            return sum(s["status"].get(field, 0) for s in sets)

        available = count("availableReplicas")
        numbers = {
            "replicas": count("replicas"),
            "updatedReplicas": new["status"].get("replicas", 0) if new else 0,
            "readyReplicas": count("readyReplicas"),
            "availableReplicas": available,
            "unavailableReplicas": max(0, sum(s["spec"]["replicas"] for s in sets) - available),
        }
        status: Json = {"observedGeneration": deployment["metadata"]["generation"]}
        status |= {k: v for k, v in numbers.items() if v}
        enough = available >= spec["replicas"] - _unavailable(deployment)
        status["conditions"] = [
            _condition(
                before,
                "Available",
                enough,
                "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
                f"Deployment {'has' if enough else 'does not have'} minimum availability.",
            )
        ]
        progress, again = self._progress(deployment, before, status, new, reason)
        if progress:
            status["conditions"].append(progress)
        if new and (failure := condition(new["status"], "ReplicaFailure")):
            status["conditions"].append(failure | {"lastUpdateTime": failure["lastTransitionTime"]})
        self.registry.set_status(DEPLOYMENTS, deployment, status)
        return again

    def _progress(
        self, deployment: Json, before: Json, status: Json, new: Json | None, reason: str
    ) -> tuple[Json | None, float | None]:
        """Return the Progressing condition, and after how many seconds to check its deadline."""
        spec, was = deployment["spec"], condition(before, "Progressing")
        name = f'ReplicaSet "{new["metadata"]["name"]}"' if new else "Deployment"

        def has(field: str, where: Json = status) -> int:
            return where.get(field, 0)

        def now(true: bool, why: str, message: str) -> Json:
            return _condition(before, "Progressing", true, why, message, touch=True)

        if spec.get("paused"):
            return (was or now(True, "DeploymentPaused", "Deployment is paused")), None
        if reason:
            return now(True, reason, f"Created new replica set {name.split()[1]}"), spec[
                "progressDeadlineSeconds"
            ]
        rest = has("replicas") - has("updatedReplicas")
        if was and was["reason"] == "NewReplicaSetAvailable" and not rest:
            return was, None
        if all(has(f) == spec["replicas"] for f in ("updatedReplicas", "replicas", "availableReplicas")):
            return now(True, "NewReplicaSetAvailable", f"{name} has successfully progressed."), None
        moved = any(
            has(f) > has(f, before) for f in ("updatedReplicas", "readyReplicas", "availableReplicas")
        )
        if was is None or moved or rest < has("replicas", before) - has("updatedReplicas", before):
            return now(True, "ReplicaSetUpdated", f"{name} is progressing."), spec["progressDeadlineSeconds"]
        if was["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
            return was, None
        left = spec["progressDeadlineSeconds"] - times.age(was["lastUpdateTime"])
        if left > 0:
            return was, left
        return now(False, "ProgressDeadlineExceeded", f"{name} has timed out progressing."), None


def _revision(replica_set: Json) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, 0))


def _template(replica_set: Json) -> Json:
    """Return the template of a ReplicaSet as in its Deployment: without the hash."""
    template = replica_set["spec"]["template"]
    labels = {k: v for k, v in template["metadata"]["labels"].items() if k != HASH}
    return template | {"metadata": template["metadata"] | {"labels": labels}}


def _surge(deployment: Json) -> int:
    rolling = deployment["spec"]["strategy"].get("rollingUpdate")
    return share(rolling["maxSurge"], deployment["spec"]["replicas"], up=True) if rolling else 0


def _unavailable(deployment: Json) -> int:
    rolling = deployment["spec"]["strategy"].get("rollingUpdate")
    if not rolling:
        return 0
    most = share(rolling["maxUnavailable"], deployment["spec"]["replicas"], up=False)
    return min(most or int(_surge(deployment) == 0), deployment["spec"]["replicas"])


def _condition(
    before: Json, kind: str, true: bool, reason: str, message: str, *, touch: bool = False
) -> Json:
    """Return a condition that keeps its times while it is unchanged; `touch` renews its update time."""
    was, now = condition(before, kind), times.now()
    new = {"type": kind, "status": str(true), "reason": reason, "message": message}
    if was and not touch and all(was[k] == v for k, v in new.items()):
        return was
    moved = was["lastTransitionTime"] if was and was["status"] == str(true) else now
    return new | {"lastUpdateTime": now, "lastTransitionTime": moved}
