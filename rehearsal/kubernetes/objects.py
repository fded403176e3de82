"""Questions about objects that several controllers ask: keys, owners, conditions, the state of a pod."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes.store import Key

Json = dict[str, Any]


def key_of(obj: Json) -> Key:
    """Return the namespace and name of an object."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def owner(obj: Json, kind: str) -> Key | None:
    """Return the key of the controller of that kind that owns an object; None if there is none."""
    for reference in obj["metadata"].get("ownerReferences") or []:
        if reference["kind"] == kind and reference.get("controller"):
            return obj["metadata"].get("namespace", ""), reference["name"]
    return None


def owned(objects: Iterable[Json], by: Json) -> list[Json]:
    """Return those of the objects that `by` owns."""
    uid = by["metadata"]["uid"]
    return [o for o in objects if any(r["uid"] == uid for r in o["metadata"].get("ownerReferences") or [])]


def reference(obj: Json) -> Json:
    """Return the ownerReference that makes `obj` the controller of a dependent object."""
    meta = obj["metadata"]
    kind = {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
    return kind | {"name": meta["name"], "uid": meta["uid"], "controller": True, "blockOwnerDeletion": True}


def condition(status: Json, kind: str) -> Json | None:
    """Return the condition of that type; None if the status has none."""
    return next((c for c in status.get("conditions") or [] if c["type"] == kind), None)


def is_ready(pod: Json) -> bool:
    """Return whether the pod's condition Ready is true."""
    ready = condition(pod["status"], "Ready")
    return bool(ready and ready["status"] == "True")


def is_active(pod: Json) -> bool:
    """Return whether the pod has neither ended nor been deleted."""
    return (
        pod["status"].get("phase") not in ("Succeeded", "Failed")
        and "deletionTimestamp" not in pod["metadata"]
    )
