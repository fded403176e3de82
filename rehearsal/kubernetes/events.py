"""Events, which `kubectl describe` prints."""

from __future__ import annotations

import time
from typing import Any

from rehearsal.kubernetes import times
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Store

Json = dict[str, Any]
EVENTS = BY_NAME["events"]
KEPT = 1000


class EventRecorder:
    """Writes events. A repeated event increments its count."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, str, str], tuple[str, str]] = {}

    def normal(self, obj: Json, reason: str, message: str, source: str, path: str = "") -> None:
        self._record(obj, "Normal", reason, message, source, path)

    def warning(self, obj: Json, reason: str, message: str, source: str, path: str = "") -> None:
        self._record(obj, "Warning", reason, message, source, path)

    def _record(self, obj: Json, kind: str, reason: str, message: str, source: str, path: str) -> None:
        meta = obj["metadata"]
        namespace = meta.get("namespace", "default")
        if not self._store.find(BY_NAME["namespaces"], "", namespace):
            return
        now, known = times.now(), (meta["uid"], reason, message)
        if (key := self._known.get(known)) and (event := self._store.find(EVENTS, *key)):
            again = {"count": event["count"] + 1, "lastTimestamp": now}
            self._store.put(EVENTS, event | {"metadata": dict(event["metadata"])} | again)
            return
        name = f"{meta['name']}.{time.time_ns():016x}"
        self._known[known] = (namespace, name)
        about = {
            "kind": obj["kind"],
            "apiVersion": obj["apiVersion"],
            "name": meta["name"],
            "uid": meta["uid"],
        }
        about |= {"namespace": meta["namespace"]} if "namespace" in meta else {}
        about |= {"fieldPath": path} if path else {}
        self._store.put(
            EVENTS,
            {
                "kind": "Event",
                "apiVersion": "v1",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "uid": times.suffix(16),
                    "creationTimestamp": now,
                },
                "involvedObject": about,
                "type": kind,
                "reason": reason,
                "message": message,
                "source": {"component": source},
                "reportingComponent": source,
                "reportingInstance": "",
                "count": 1,
                "firstTimestamp": now,
                "lastTimestamp": now,
            },
        )
        if len(self._known) > KEPT:
            oldest = next(iter(self._known))
            if event := self._store.find(EVENTS, *self._known.pop(oldest)):
                self._store.remove(EVENTS, event)
