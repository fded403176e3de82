# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The manifests of a slot: what they have to be, and what the engine adds to them. Nothing is read or written here."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import SlotFailed

Json = dict[str, Any]

RELEASE_LABEL = "teal.platform/release"
SLOT_LABEL = "teal.platform/slot"
GENERATION = "teal.platform/generation"
#: On a Deployment: what was applied beside it, so that the slot's next release can delete what it does not bring.
OBJECTS = "teal.platform/objects"
DEPLOYMENT, AUTOSCALER = "Deployment", "HorizontalPodAutoscaler"
#: Kinds with pods of their own. The engine watches, scales and stops the pods of one Deployment.
_WITH_PODS = frozenset(
    {"CronJob", "DaemonSet", "Job", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"}
)
#: Seconds between the last replica's readiness and the first request; the most that Kubernetes takes.
_UNTIL_REQUESTS = 600
_LONGEST_WINDOW = 3600


def checked(manifests: list[Json], name: str, slot: str, number: str, namespace: str) -> list[Json]:
    """Return the manifests in the order in which they are applied. Raises SlotFailed with what is wrong with them.

    `name` is what the Deployment has to be called, `number` that of the release, as its label has it.
    """
    if not manifests:
        raise SlotFailed(
            f"there are no manifests for slot {slot}: is slot_manifests_dir empty?", Cause.MANIFESTS
        )
    for obj in manifests:
        if reason := wrong(obj, name, namespace):
            raise SlotFailed(reason, Cause.MANIFESTS)
    deployments = [obj for obj in manifests if obj["kind"] == DEPLOYMENT]
    if [obj["metadata"]["name"] for obj in deployments] != [name]:
        found = ", ".join(obj["metadata"]["name"] for obj in deployments) or "none"
        raise SlotFailed(
            f"the manifests of slot {slot} must hold one Deployment, and its name must be {name} (slot_name); "
            f"they hold: {found}",
            Cause.MANIFESTS,
        )
    if reason := _mismatch(deployments[0], name, slot, number):
        raise SlotFailed(reason, Cause.MANIFESTS)
    last = (DEPLOYMENT, AUTOSCALER)
    return sorted(manifests, key=lambda obj: last.index(obj["kind"]) + 1 if obj["kind"] in last else 0)


def wrong(obj: Json, name: str, namespace: str) -> str:
    """Return why the engine does not take an object, or the empty string."""
    metadata = obj.get("metadata") or {}
    what = f"{obj.get('kind') or 'an object without kind'} {metadata.get('name', '')}".strip()
    if not (obj.get("apiVersion") and obj.get("kind")):
        return f"the manifests hold {what}, which needs apiVersion, kind and metadata.name"
    if obj["kind"] == "List" or obj["apiVersion"].startswith("kustomize.config.k8s.io/"):
        return f"the manifests hold a {obj['kind']}: write each object as a document of its own"
    if not metadata.get("name"):
        return f"the manifests hold a {obj['kind']} without metadata.name"
    if obj["kind"] in _WITH_PODS:
        return (
            f"the manifests hold {what}. A slot runs the pods of one Deployment, {name}: those of a {obj['kind']} would "
            "neither be watched nor stopped with the release. Put its containers into the Deployment, or create it "
            "apart from releases; for a change of the database there is slot_migration_command"
        )
    if metadata.get("namespace", namespace) != namespace:
        return (
            f"the manifests hold {what} in namespace {metadata['namespace']}, and a slot is in {namespace} "
            "(slot_namespace): leave metadata.namespace out"
        )
    return ""


def _mismatch(deployment: Json, name: str, slot: str, number: str) -> str:
    """Return what the Deployment lacks of what a slot needs, or the empty string."""
    spec = deployment.get("spec") or {}
    template = spec.get("template", {}).get("metadata", {}).get("labels", {})
    if template.get(RELEASE_LABEL) != number or template.get(SLOT_LABEL) != slot:
        return (
            f"the pods of Deployment {name} must bear the labels {SLOT_LABEL}: {slot} and "
            f"{RELEASE_LABEL}: {number} (both are in slot_labels)"
        )
    selector = spec.get("selector", {}).get("matchLabels", {})
    if selector.get(SLOT_LABEL) != slot or RELEASE_LABEL in selector:
        return (
            f"the selector of Deployment {name} must hold {SLOT_LABEL}: {slot}, and nothing that changes "
            f"with a release (slot_selector has what it needs)"
        )
    return ""


def key(obj: Json) -> str:
    """Return what an object is, as the annotation OBJECTS lists it."""
    return f"{obj['apiVersion']} {obj['kind']} {obj['metadata']['name']}"


def is_of(obj: Json, slot: str) -> bool:
    """Return whether an object was applied by the engine, for this slot."""
    return obj["metadata"].get("labels", {}).get(SLOT_LABEL) == slot


def listed(deployment: Json | None) -> list[str]:
    """Return what was applied beside a Deployment, as far as it says so."""
    annotations = (deployment or {}).get("metadata", {}).get("annotations", {})
    try:
        found = json.loads(annotations.get(OBJECTS, "[]"))
    except ValueError:
        return []
    return [each for each in found if isinstance(each, str) and each.count(" ") == 2]


def with_objects(deployment: Json, objects: list[Json]) -> Json:
    """Return the Deployment with the list of what is applied beside it."""
    metadata = dict(deployment["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), OBJECTS: json.dumps(_keys(objects))}
    return {**deployment, "metadata": metadata}


def announced(deployment: Json | None, objects: list[Json]) -> dict[str, str]:
    """Return the annotation by which a Deployment lists the objects, too, before they are applied; {} if it does."""
    known = listed(deployment)
    both = sorted({*known, *_keys(objects)})
    return {} if both == sorted(known) else {OBJECTS: json.dumps(both)}


def beside(objects: list[Json], slot: str) -> list[Json]:
    """Return what the role applies of a release's objects, with the slot's label: all but Deployment and autoscaler."""
    return [marked(obj, slot) for obj in objects if obj["kind"] not in (DEPLOYMENT, AUTOSCALER)]


def _keys(objects: list[Json]) -> list[str]:
    return sorted(key(obj) for obj in objects if obj["kind"] != DEPLOYMENT)


def patient(obj: Json, replicas: int, deployment: Json) -> Json:
    """Keep an autoscaler from taking replicas away before the new slot has its requests.

    It begins with what it finds, and goes by the most that it wanted in its stabilization window. A higher
    least number would do it, too, but would stay.
    """
    obj = _second_version(obj)
    spec = obj["spec"]
    behavior = spec.get("behavior", {})
    down = behavior.get("scaleDown", {})
    window = deployment["spec"].get("progressDeadlineSeconds", 600) + _UNTIL_REQUESTS
    window = min(max(window, down.get("stabilizationWindowSeconds", 0)), _LONGEST_WINDOW)
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
    """Return an autoscaler of autoscaling/v1, which knows no behavior, as one of autoscaling/v2."""
    if obj["apiVersion"] != "autoscaling/v1":
        return obj
    spec = dict(obj["spec"])
    if percent := spec.pop("targetCPUUtilizationPercentage", None):
        target = {"type": "Utilization", "averageUtilization": percent}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**obj, "apiVersion": "autoscaling/v2", "spec": spec}


def marked(obj: Json, slot: str, lease: Lease | None = None, version: str = "") -> Json:
    """Return the object with the labels and annotations by which the engine knows it again."""
    metadata = dict(obj["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), SLOT_LABEL: slot}
    if lease:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), GENERATION: str(lease.generation)}
    if version:
        metadata["resourceVersion"] = version
    return {**obj, "metadata": metadata}
