"""The API server's defaults for missing fields: those that the emulator or its clients read."""

from __future__ import annotations

import base64
from typing import Any

from rehearsal.kubernetes.resources import Resource

Json = dict[str, Any]


def fill(resource: Resource, obj: Json) -> None:
    """Add the defaults of a kind to `obj`, in place."""
    match resource.kind:
        case "Pod":
            _pod_spec(obj.setdefault("spec", {}))
            obj["spec"].setdefault("serviceAccountName", "default")
        case "Deployment":
            _deployment(obj.setdefault("spec", {}))
        case "ReplicaSet":
            obj.setdefault("spec", {}).setdefault("replicas", 1)
            _template(obj["spec"])
        case "Job":
            spec = obj.setdefault("spec", {})
            _missing(spec, backoffLimit=6, completionMode="NonIndexed", suspend=False)
            if "parallelism" not in spec:
                spec["parallelism"] = 1
                spec.setdefault("completions", 1)
            _template(spec)
        case "Service":
            _service(obj.setdefault("spec", {}))
        case "Secret":
            obj.setdefault("type", "Opaque")
            if plain := obj.pop("stringData", None):
                data = obj.get("data") or {}
                obj["data"] = data | {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
        case "Namespace":
            obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            obj.setdefault("metadata", {}).setdefault("labels", {})["kubernetes.io/metadata.name"] = obj[
                "metadata"
            ].get("name", "")
        case "PersistentVolumeClaim":
            obj.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
        case "HorizontalPodAutoscaler":
            obj.setdefault("spec", {}).setdefault("minReplicas", 1)
        case "RoleBinding" | "ClusterRoleBinding":
            for subject in obj.get("subjects") or []:
                if subject.get("kind") in ("User", "Group"):
                    subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def status(resource: Resource, obj: Json) -> None:
    """Set the first status of a new object."""
    obj.pop("status", None)
    match resource.kind:
        case "Namespace":
            obj["status"] = {"phase": "Active"}
        case "Pod":
            obj["status"] = {"phase": "Pending", "qosClass": quality(obj["spec"])}
        case "PersistentVolumeClaim":
            obj["status"] = {"phase": "Pending"}
        case "Service":
            obj["status"] = {"loadBalancer": {}}
        case "Deployment" | "Job":
            obj["status"] = {}
        case "ReplicaSet":
            obj["status"] = {"replicas": 0}


def _missing(obj: Json, **values: Any) -> None:
    for key, value in values.items():
        if obj.get(key) is None:
            obj[key] = value


def _deployment(spec: Json) -> None:
    _missing(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    strategy = spec["strategy"]
    _missing(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _missing(strategy, rollingUpdate={})
        _missing(strategy["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")
    _template(spec)


def _template(spec: Json) -> None:
    template = spec.get("template")
    if isinstance(template, dict):
        template.setdefault("metadata", {})
        _pod_spec(template.setdefault("spec", {}))


def _pod_spec(spec: Json) -> None:
    _missing(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        securityContext={},
    )
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        if not isinstance(container, dict):
            continue
        tag = str(container.get("image", "")).rpartition("/")[2]
        latest = "@" not in tag and (":" not in tag or tag.endswith(":latest"))
        _missing(
            container,
            imagePullPolicy="Always" if latest else "IfNotPresent",
            resources={},
            terminationMessagePath="/dev/termination-log",
            terminationMessagePolicy="File",
        )
        for port in container.get("ports") or []:
            _missing(port, protocol="TCP")
        for kind in ("readinessProbe", "livenessProbe", "startupProbe"):
            if probe := container.get(kind):
                _missing(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
                if "httpGet" in probe:
                    _missing(probe["httpGet"], path="/", scheme="HTTP")
        for entry in container.get("env") or []:
            if field := (entry.get("valueFrom") or {}).get("fieldRef"):
                _missing(field, apiVersion="v1")
        _quantities(container["resources"])
    for volume in spec.get("volumes") or []:
        for kind in ("configMap", "secret"):
            if kind in volume:
                _missing(volume[kind], defaultMode=0o644)


def _quantities(resources: Json) -> None:
    for part in ("limits", "requests"):
        if amounts := resources.get(part):
            resources[part] = {k: str(v) for k, v in amounts.items()}
    if limits := resources.get("limits"):
        resources["requests"] = limits | (resources.get("requests") or {})


def quality(spec: Json) -> str:
    """Return the quality of service class of a pod."""
    resources = [c.get("resources") or {} for c in spec.get("containers") or []]
    if not any(r.get("requests") or r.get("limits") for r in resources):
        return "BestEffort"
    full = all(
        r.get("limits") == r.get("requests") and {"cpu", "memory"} <= set(r.get("limits") or {})
        for r in resources
    )
    return "Guaranteed" if full else "Burstable"


def _service(spec: Json) -> None:
    _missing(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    if spec["type"] != "ExternalName":
        _missing(spec, ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _missing(spec, externalTrafficPolicy="Cluster")
    for port in spec.get("ports") or []:
        _missing(port, protocol="TCP", targetPort=port.get("port"))
