"""Kinds that are also served in an older version: HorizontalPodAutoscalers in `autoscaling/v1`.

They are stored in the newer version, and converted as Kubernetes does: what the older version lacks is in annotations.
"""

from __future__ import annotations

import json
from typing import Any

from rehearsal.kubernetes.store import clone

Json = dict[str, Any]
V1, V2 = "autoscaling/v1", "autoscaling/v2"
KIND = "HorizontalPodAutoscaler"
LACKING = {
    "metrics": "autoscaling.alpha.kubernetes.io/metrics",
    "behavior": "autoscaling.alpha.kubernetes.io/behavior",
}
"""Fields of the newer version's spec, and the annotations that hold them in the older version."""


def older(body: Any) -> Any:
    """Convert an object, or a list of objects, to the older version."""
    if not isinstance(body, dict):
        return body
    if body.get("kind") == f"{KIND}List":
        return body | {"apiVersion": V1, "items": [older(item) for item in body["items"]]}
    if body.get("kind") != KIND:
        return body
    new = clone(body) | {"apiVersion": V1}
    spec, annotations = new.get("spec") or {}, dict(new["metadata"].get("annotations") or {})
    metrics = spec.get("metrics") or []
    if metrics and (percentage := _cpu(metrics[0])) is not None:
        spec["targetCPUUtilizationPercentage"] = percentage
        metrics = metrics[1:]
    for field, value in (("metrics", metrics), ("behavior", spec.get("behavior"))):
        spec.pop(field, None)
        if value:
            annotations[LACKING[field]] = json.dumps(value)
    if annotations:
        new["metadata"]["annotations"] = annotations
    return new


def newer(body: Any) -> Any:
    """Convert an object of the older version, or a part of it, to the newer version."""
    if not isinstance(body, dict) or body.get("apiVersion", V1) != V1:
        return body
    new = clone(body) | {"apiVersion": V2, "kind": KIND}
    spec = new.setdefault("spec", {})
    annotations = (new.get("metadata") or {}).get("annotations") or {}
    carried = {
        field: json.loads(annotations.pop(name)) for field, name in LACKING.items() if name in annotations
    }
    metrics = carried.get("metrics", [])
    if (percentage := spec.pop("targetCPUUtilizationPercentage", None)) is not None:
        target = {"type": "Utilization", "averageUtilization": percentage}
        metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}, *metrics]
    if metrics:
        spec["metrics"] = metrics
    if "behavior" in carried:
        spec["behavior"] = carried["behavior"]
    if "metadata" in new and "annotations" in new["metadata"] and not annotations:
        del new["metadata"]["annotations"]
    return new


def _cpu(metric: Json) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    return (resource.get("target") or {}).get("averageUtilization")
