"""The endpoints controller: the ready pods of each Service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.objects import is_ready, key_of, reference
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.selectors import subset
from rehearsal.kubernetes.store import Event, Key

Json = dict[str, Any]
SERVICES, PODS = BY_NAME["services"], BY_NAME["pods"]
ENDPOINTS, SLICES = BY_NAME["endpoints"], BY_NAME["endpointslices"]


class Endpoints(Controller):
    """Writes an Endpoints object and one EndpointSlice for each Service with a selector."""

    def affected(self, event: Event) -> Iterable[Key]:
        if event.resource is SERVICES:
            yield key_of(event.object)
        elif event.resource is PODS:
            meta = event.object["metadata"]
            for service in self.store.list(SERVICES, meta["namespace"]):
                chosen = service["spec"].get("selector")
                if any(o and subset(chosen, o["metadata"].get("labels")) for o in (event.object, event.old)):
                    yield key_of(service)

    def sync(self, key: Key) -> None:
        service = self.store.find(SERVICES, *key)
        if service is None and (left := self.store.find(ENDPOINTS, *key)):
            self.registry.finish(ENDPOINTS, left)
        if service is None or not service["spec"].get("selector"):
            return
        pods = [
            p
            for p in self.store.list(PODS, key[0])
            if subset(service["spec"]["selector"], p["metadata"].get("labels"))
            and p["status"].get("podIP")
            and p["status"].get("phase") not in ("Succeeded", "Failed")
        ]
        labels = service["metadata"].get("labels") or {}
        endpoints = {"metadata": {"name": key[1], "namespace": key[0], "labels": labels}}
        endpoints |= {"subsets": subsets} if (subsets := _subsets(service, pods)) else {}
        self._write(ENDPOINTS, endpoints)
        labels = labels | {
            "kubernetes.io/service-name": key[1],
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }
        meta = {"name": f"{key[1]}-slice", "namespace": key[0], "labels": labels}
        slice_ = {
            "addressType": "IPv4",
            "ports": _slice_ports(service, pods),
            "endpoints": [_endpoint(p) for p in pods],
        }
        self._write(SLICES, {"metadata": meta | {"ownerReferences": [reference(service)]}} | slice_)

    def _write(self, resource: Any, obj: Json) -> None:
        meta = obj["metadata"]
        old = self.store.find(resource, meta["namespace"], meta["name"])
        if old is None:
            self.registry.create(resource, obj, meta["namespace"])
        else:
            self.registry.update(
                resource, {"metadata": meta} | {k: v for k, v in obj.items() if k != "metadata"}
            )


def target_port(port: Json, pod: Json) -> int | None:
    """Return the number of a Service's port in a pod; None if the pod has no port of that name."""
    wanted = port.get("targetPort") or port["port"]
    if isinstance(wanted, int):
        return wanted
    for container in pod["spec"]["containers"]:
        for p in container.get("ports") or []:
            if p.get("name") == wanted:
                return p["containerPort"]
    return int(wanted) if wanted.isdigit() else None


def serves(service: Json, pod: Json) -> bool:
    """Return whether a pod receives new connections of a Service."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    return is_ready(pod) or bool(service["spec"].get("publishNotReadyAddresses"))


def _subsets(service: Json, pods: list[Json]) -> list[Json]:
    groups: dict[tuple[int, ...], Json] = {}
    for pod in pods:
        ports = [(p, number) for p in service["spec"].get("ports") or [] if (number := target_port(p, pod))]
        if "deletionTimestamp" in pod["metadata"] or not ports:
            continue
        group = groups.setdefault(tuple(n for _, n in ports), {})
        address = {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": _ref(pod)}
        part = "addresses" if serves(service, pod) else "notReadyAddresses"
        group.setdefault(part, []).append(address)
        group["ports"] = [_port(p, n) for p, n in ports]
    return list(groups.values())


def _port(port: Json, number: int) -> Json:
    return ({"name": port["name"]} if port.get("name") else {}) | {
        "port": number,
        "protocol": port["protocol"],
    }


def _slice_ports(service: Json, pods: list[Json]) -> list[Json]:
    found = []
    for port in service["spec"].get("ports") or []:
        numbers = [n for p in pods if (n := target_port(port, p))]
        if numbers:
            found.append({"name": port.get("name", ""), "port": numbers[0], "protocol": port["protocol"]})
    return found


def _endpoint(pod: Json) -> Json:
    ready, leaving = is_ready(pod), "deletionTimestamp" in pod["metadata"]
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready and not leaving, "serving": ready, "terminating": leaving},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": _ref(pod),
    }


def _ref(pod: Json) -> Json:
    meta = pod["metadata"]
    return {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
