"""The scheduler: assigns a node to each pod by its requests, and spreads pods over zones and nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes import selectors, times, volume_claims
from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.objects import condition, is_active, key_of
from rehearsal.kubernetes.quantities import amount
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Event, Key

Json = dict[str, Any]
Labels = dict[str, dict[str, str]]
"""The labels of nodes, by the node's name."""
NODES, PODS = BY_NAME["nodes"], BY_NAME["pods"]
SOURCE = "default-scheduler"


class Scheduler(Controller):
    def affected(self, event: Event) -> Iterable[Key]:
        if event.resource is PODS and event.type == "ADDED":
            yield key_of(event.object)
        elif event.resource in (NODES, volume_claims.CLAIMS) or (
            event.resource is PODS and event.type == "DELETED"
        ):
            for pod in self.store.list(PODS):
                if "nodeName" not in pod["spec"]:
                    yield key_of(pod)

    def sync(self, key: Key) -> None:
        pod = self.store.find(PODS, *key)
        if pod is None or "nodeName" in pod["spec"] or "deletionTimestamp" in pod["metadata"]:
            return
        everywhere = self.store.list(NODES)
        if everywhere and (why := volume_claims.missing(self.store, pod)):
            self._refuse(pod, f"0/{len(everywhere)} nodes are available: {why}.")
            return
        placed = [p for p in self.store.list(PODS) if is_active(p) and "nodeName" in p["spec"]]
        labels = {n["metadata"]["name"]: n["metadata"]["labels"] for n in everywhere}
        nodes, refused = [], Counter[str]()
        for node in everywhere:
            why = _misfit(pod, node, placed, labels)
            nodes += [] if why else [node]
            refused.update([why] if why else [])
        spread = [n for n in nodes if not _violates_spread(pod, n, nodes, placed, labels)]
        if nodes and not spread:
            refused["node(s) didn't match pod topology spread constraints"] += len(nodes)
        if not spread:
            total = sum(refused.values())
            why = ", ".join(f"{n} {reason}" for reason, n in sorted(refused.items()))
            self._refuse(
                pod,
                f"0/{total} nodes are available: {why}." if total else "no nodes available to schedule pods",
            )
            return
        node = min(spread, key=lambda n: _cost(pod, n, placed, labels))
        name = node["metadata"]["name"]
        status = pod["status"] | {"conditions": [_scheduled(None)]}
        spec = pod["spec"] | {"nodeName": name}
        self.store.put(PODS, pod | {"metadata": dict(pod["metadata"]), "spec": spec, "status": status})
        self.events.normal(pod, "Scheduled", f"Successfully assigned {'/'.join(key)} to {name}", SOURCE)

    def _refuse(self, pod: Json, message: str) -> None:
        was = condition(pod["status"], "PodScheduled")
        if was and was.get("message") == message:
            return
        self.registry.set_status(PODS, pod, pod["status"] | {"conditions": [_scheduled(message)]})
        self.events.warning(pod, "FailedScheduling", message, SOURCE)


def _scheduled(refusal: str | None) -> Json:
    new = {"type": "PodScheduled", "status": str(refusal is None), "lastTransitionTime": times.now()}
    return new | ({"reason": "Unschedulable", "message": refusal} if refusal else {})


def requests(pod: Json) -> Counter[str]:
    """Return a pod's resource requests: CPUs, bytes, and one pod."""
    total: Counter[str] = Counter({"pods": 1})
    for container in pod["spec"]["containers"]:
        for name, value in (container["resources"].get("requests") or {}).items():
            total[name] += amount(value)  # type: ignore[assignment]
    return total


def _misfit(pod: Json, node: Json, placed: list[Json], labels: Labels) -> str:
    """Return the reason why a pod does not fit on a node; "" if it fits."""
    if node["spec"].get("unschedulable") or "deletionTimestamp" in node["metadata"]:
        return "node(s) were unschedulable"
    name, own = node["metadata"]["name"], node["metadata"]["labels"]
    if any(own.get(k) != v for k, v in (pod["spec"].get("nodeSelector") or {}).items()):
        return "node(s) didn't match Pod's node affinity/selector"
    used: Counter[str] = Counter()
    for other in placed:
        if other["spec"]["nodeName"] == name:
            used.update(requests(other))
    for resource, wanted in requests(pod).items():
        if used[resource] + wanted > amount(node["status"]["allocatable"].get(resource, "0")):
            return "Too many pods" if resource == "pods" else f"Insufficient {resource}"
    anti = (pod["spec"].get("affinity") or {}).get("podAntiAffinity") or {}
    for term in anti.get("requiredDuringSchedulingIgnoredDuringExecution") or []:
        if _count_in_domain(
            term.get("labelSelector"), placed, term["topologyKey"], own.get(term["topologyKey"]), labels
        ):
            return "node(s) didn't match pod anti-affinity rules"
    return ""


def _count_in_domain(
    selector: Json | None, placed: list[Json], key: str, domain: str | None, labels: Labels
) -> int:
    """Return how many of the selected pods are in a topology domain (a zone, a node)."""
    return sum(
        labels.get(p["spec"]["nodeName"], {}).get(key) == domain
        for p in placed
        if selectors.matches(selector, p["metadata"].get("labels"))
    )


def _violates_spread(pod: Json, node: Json, nodes: list[Json], placed: list[Json], labels: Labels) -> bool:
    """Return whether a pod on this node would violate a required spread constraint."""
    for rule in pod["spec"].get("topologySpreadConstraints") or []:
        key = rule["topologyKey"]
        domains = {n["metadata"]["labels"].get(key) for n in nodes}
        counts = {d: _count_in_domain(rule.get("labelSelector"), placed, key, d, labels) for d in domains}
        here = counts[node["metadata"]["labels"].get(key)] + 1
        if (
            rule.get("whenUnsatisfiable") != "ScheduleAnyway"
            and here - min(counts.values()) > rule["maxSkew"]
        ):
            return True
    return False


def _cost(pod: Json, node: Json, placed: list[Json], labels: Labels) -> tuple[float, ...]:
    """Return the cost of a node: similar pods in its zone, similar pods on it, all pods on it."""
    own, meta = node["metadata"]["labels"], pod["metadata"]
    alike = {"matchLabels": meta.get("labels") or {}}
    in_zone, on_node = (
        _count_in_domain(alike, placed, key, own.get(key), labels)
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    )
    return in_zone, on_node, sum(p["spec"]["nodeName"] == node["metadata"]["name"] for p in placed)
