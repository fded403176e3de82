"""The disruption controller: the status of PodDisruptionBudgets."""

from __future__ import annotations

from collections.abc import Iterable

from rehearsal.kubernetes import selectors
from rehearsal.kubernetes.cluster_state import BUDGETS
from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.objects import is_active, is_ready, key_of
from rehearsal.kubernetes.quantities import share
from rehearsal.kubernetes.registry import PODS
from rehearsal.kubernetes.store import Event, Key


class DisruptionBudgets(Controller):
    """Computes how many pods a budget allows to be evicted now."""

    def affected(self, event: Event) -> Iterable[Key]:
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
