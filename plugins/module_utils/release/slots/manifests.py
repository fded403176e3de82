# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The manifests of a slot: their requirements, and the labels and annotations that the engine adds. Pure functions."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import SlotFailed

Json = dict[str, Any]

RELEASE_LABEL = "teal.platform/release"
SLOT_LABEL = "teal.platform/slot"
GENERATION = "teal.platform/generation"
#: Annotation of a Deployment: the release's other objects, so that the next release can delete those that it does not have.
OBJECTS = "teal.platform/objects"
DEPLOYMENT, AUTOSCALER = "Deployment", "HorizontalPodAutoscaler"
#: Kinds that create pods. The engine watches, scales and stops only the pods of one Deployment.
_WITH_PODS = frozenset(
    {"CronJob", "DaemonSet", "Job", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"}
)
#: Seconds that may pass between the readiness of the last replica and the first request.
_UNTIL_REQUESTS = 600
_WINDOW_LIMIT = 3600


def checked(manifests: list[Json], name: str, slot: str, number: str, namespace: str) -> list[Json]:
    """Return the manifests in the order in which they are applied. Raises SlotFailed if they are not valid.

    `name` is the required name of the Deployment, `number` the release's label, e.g. `r42`.
    """
    if not manifests:
        raise SlotFailed(
            message("manifests.none", slot=slot),
            Cause.MANIFESTS,
        )
    for obj in manifests:
        if reason := wrong(obj, name, namespace):
            raise SlotFailed(reason, Cause.MANIFESTS)
    deployments = [obj for obj in manifests if obj["kind"] == DEPLOYMENT]
    if [obj["metadata"]["name"] for obj in deployments] != [name]:
        found = ", ".join(obj["metadata"]["name"] for obj in deployments)
        found = found or message("manifests.none_found")
        raise SlotFailed(
            message("manifests.one_deployment", slot=slot, name=name, found=found), Cause.MANIFESTS
        )
    if reason := _mismatch(deployments[0], name, slot, number):
        raise SlotFailed(reason, Cause.MANIFESTS)
    last = (DEPLOYMENT, AUTOSCALER)
    return sorted(manifests, key=lambda obj: last.index(obj["kind"]) + 1 if obj["kind"] in last else 0)


def wrong(obj: Json, name: str, namespace: str) -> str:
    """Return why the engine refuses an object, or the empty string."""
    metadata = obj.get("metadata") or {}
    kind = obj.get("kind") or message("manifests.without_kind")
    what = joined(*filter(None, (kind, metadata.get("name", ""))), by=" ")
    if not (obj.get("apiVersion") and obj.get("kind")):
        return message("manifests.incomplete", what=what)
    if obj["kind"] == "List" or obj["apiVersion"].startswith("kustomize.config.k8s.io/"):
        return message("manifests.list", kind=obj["kind"])
    if not metadata.get("name"):
        return message("manifests.without_name", kind=obj["kind"])
    if obj["kind"] in _WITH_PODS:
        return message("manifests.other_pods", what=what, name=name, kind=obj["kind"])
    if metadata.get("namespace", namespace) != namespace:
        return message(
            "manifests.other_namespace", what=what, found=metadata["namespace"], namespace=namespace
        )
    return ""


def _mismatch(deployment: Json, name: str, slot: str, number: str) -> str:
    """Return which label or selector the Deployment lacks, or the empty string."""
    spec = deployment.get("spec") or {}
    template = spec.get("template", {}).get("metadata", {}).get("labels", {})
    if template.get(RELEASE_LABEL) != number or template.get(SLOT_LABEL) != slot:
        return message(
            "manifests.labels",
            name=name,
            slot_label=SLOT_LABEL,
            slot=slot,
            release_label=RELEASE_LABEL,
            number=number,
        )
    selector = spec.get("selector", {}).get("matchLabels", {})
    if selector.get(SLOT_LABEL) != slot or RELEASE_LABEL in selector:
        return message("manifests.selector", name=name, slot_label=SLOT_LABEL, slot=slot)
    return ""


def key(obj: Json) -> str:
    """Return the name of an object in the annotation OBJECTS."""
    return f"{obj['apiVersion']} {obj['kind']} {obj['metadata']['name']}"


def is_of(obj: Json, slot: str) -> bool:
    """Return whether an object was applied by the engine, for this slot."""
    return obj["metadata"].get("labels", {}).get(SLOT_LABEL) == slot


def listed(deployment: Json | None) -> list[str]:
    """Return the objects that a Deployment's annotation lists; empty if there is none."""
    annotations = (deployment or {}).get("metadata", {}).get("annotations", {})
    try:
        found = json.loads(annotations.get(OBJECTS, "[]"))
    except ValueError:
        return []
    return [each for each in found if isinstance(each, str) and each.count(" ") == 2]


def with_objects(deployment: Json, objects: list[Json]) -> Json:
    """Return the Deployment with the list of the release's other objects in its annotation."""
    metadata = dict(deployment["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), OBJECTS: json.dumps(_keys(objects))}
    return {**deployment, "metadata": metadata}


def announced(deployment: Json | None, objects: list[Json]) -> dict[str, str]:
    """Return the annotation that lists these objects in addition to the known ones; empty if it lists them already."""
    known = listed(deployment)
    both = sorted({*known, *_keys(objects)})
    return {} if both == sorted(known) else {OBJECTS: json.dumps(both)}


def beside(objects: list[Json], slot: str) -> list[Json]:
    """Return the objects that the role applies (all but Deployment and autoscaler), with the slot's label."""
    return [marked(obj, slot) for obj in objects if obj["kind"] not in (DEPLOYMENT, AUTOSCALER)]


def _keys(objects: list[Json]) -> list[str]:
    return sorted(key(obj) for obj in objects if obj["kind"] != DEPLOYMENT)


def patient(obj: Json, replicas: int, deployment: Json) -> Json:
    """Return the autoscaler with a stabilization window in which it removes no replicas from the new slot.

    An autoscaler starts with the current number of replicas and follows the highest recommendation in its window, so the
    slot keeps its replicas until it has traffic. A higher minReplicas would do the same, but permanently.
    """
    obj = _second_version(obj)
    spec = obj["spec"]
    behavior = spec.get("behavior", {})
    down = behavior.get("scaleDown", {})
    window = deployment["spec"].get("progressDeadlineSeconds", 600) + _UNTIL_REQUESTS
    window = min(max(window, down.get("stabilizationWindowSeconds", 0)), _WINDOW_LIMIT)
    down = {**down, "stabilizationWindowSeconds": window}
    return {
        **obj,
        "spec": {
            **spec,
            "maxReplicas": max(int(spec["maxReplicas"]), replicas),
            "behavior": {**behavior, "scaleDown": down},
        },
    }


def _second_version(obj: Json) -> Json:
    """Return an autoscaler of autoscaling/v1, which has no behavior, as autoscaling/v2."""
    if obj["apiVersion"] != "autoscaling/v1":
        return obj
    spec = dict(obj["spec"])
    if percent := spec.pop("targetCPUUtilizationPercentage", None):
        target = {"type": "Utilization", "averageUtilization": percent}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**obj, "apiVersion": "autoscaling/v2", "spec": spec}


def marked(obj: Json, slot: str, lease: Lease | None = None, version: str = "") -> Json:
    """Return the object with the labels and annotations by which the engine recognizes it."""
    metadata = dict(obj["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), SLOT_LABEL: slot}
    if lease:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), GENERATION: str(lease.generation)}
    if version:
        metadata["resourceVersion"] = version
    return {**obj, "metadata": metadata}
