"""The small controllers: garbage, namespaces, disruption budgets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes import selectors
from rehearsal.kubernetes.manager import Controller, is_active, is_ready, key_of
from rehearsal.kubernetes.quantities import share
from rehearsal.kubernetes.registry import FOREGROUND, NAMESPACES
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Event, Key

Json = dict[str, Any]
PODS, BUDGETS, ACCOUNTS = BY_NAME["pods"], BY_NAME["poddisruptionbudgets"], BY_NAME["serviceaccounts"]


class Garbage(Controller):
    """Deletes what has lost its last owner, and what was deleted in the foreground after its dependents.

    Its keys are (uid of an owner, "").
    """

    def concerned(self, event: Event) -> Iterable[Key]:
        meta = event.object["metadata"]
        if event.type == "DELETED":
            yield meta["uid"], ""
            for o in meta.get("ownerReferences") or []:
                yield o["uid"], ""
        elif FOREGROUND in meta.get("finalizers", ()):
            yield meta["uid"], ""

    def sync(self, key: Key) -> None:
        uid, everything = key[0], list(self.store.all())
        living = {o["metadata"]["uid"]: (r, o) for r, o in everything}
        owner = living.get(uid)
        waits = owner is not None and FOREGROUND in owner[1]["metadata"].get("finalizers", ())
        if owner and not waits:
            return
        left = 0
        for resource, obj in everything:
            owners = [o["uid"] for o in obj["metadata"].get("ownerReferences") or []]
            if uid in owners and not any(o in living and o != uid for o in owners):
                left += 1
                if "deletionTimestamp" not in obj["metadata"]:
                    policy = "Foreground" if waits else "Background"
                    self.registry.delete(resource, *key_of(obj), {"propagationPolicy": policy})
        if owner and waits and not left:
            self.registry.patch(owner[0], *key_of(owner[1]), _without_foreground)


def _without_foreground(obj: Json) -> Json:
    obj["metadata"]["finalizers"] = [f for f in obj["metadata"]["finalizers"] if f != FOREGROUND]
    return obj


class Namespaces(Controller):
    """Gives a namespace its service account; empties it when it is deleted, then lets it go."""

    def concerned(self, event: Event) -> Iterable[Key]:
        if event.resource is NAMESPACES and event.type != "DELETED":
            yield key_of(event.object)
        elif event.type == "DELETED" and (namespace := event.object["metadata"].get("namespace")):
            yield "", namespace

    def sync(self, key: Key) -> None:
        namespace = self.store.find(NAMESPACES, *key)
        if namespace is None:
            return
        if "deletionTimestamp" not in namespace["metadata"]:
            if not self.store.find(ACCOUNTS, key[1], "default"):
                self.registry.create(ACCOUNTS, {"metadata": {"name": "default"}}, key[1])
            return
        contents = [(r, o) for r, o in self.store.all() if o["metadata"].get("namespace") == key[1]]
        for resource, obj in contents:
            if "deletionTimestamp" not in obj["metadata"] and self.store.find(resource, *key_of(obj)):
                self.registry.delete(resource, *key_of(obj))
        if not any(o["metadata"].get("namespace") == key[1] for _, o in self.store.all()):
            self.registry.finish(NAMESPACES, namespace)


class Budgets(Controller):
    """How many pods a PodDisruptionBudget lets go just now."""

    def concerned(self, event: Event) -> Iterable[Key]:
        if event.resource is BUDGETS and event.type != "DELETED":
            yield key_of(event.object)
        elif event.resource is PODS:
            for budget in self.store.list(BUDGETS, event.object["metadata"]["namespace"]):
                yield key_of(budget)

    def sync(self, key: Key) -> None:
        budget = self.store.find(BUDGETS, *key)
        if budget is None:
            return
        spec = budget["spec"]
        pods = [
            p
            for p in self.store.list(PODS, key[0])
            if is_active(p) and selectors.matches(spec.get("selector"), p["metadata"].get("labels"))
        ]
        healthy = sum(is_ready(p) for p in pods)
        if "maxUnavailable" in spec:
            desired = max(0, len(pods) - share(spec["maxUnavailable"], len(pods), up=True))
        else:
            desired = share(spec.get("minAvailable", 1), len(pods), up=True)
        allowed = max(0, healthy - desired)
        status = {
            "observedGeneration": budget["metadata"]["generation"],
            "expectedPods": len(pods),
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "disruptionsAllowed": allowed,
        }
        self.registry.set_status(BUDGETS, budget, status)
