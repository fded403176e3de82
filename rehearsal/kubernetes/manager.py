"""Runs the controllers: each is told of changes, and brings one object at a time to where it should be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rehearsal.kubernetes.errors import ApiError
from rehearsal.kubernetes.store import Event, Key

if TYPE_CHECKING:
    from rehearsal.kubernetes.cluster import Cluster

Json = dict[str, Any]
log = logging.getLogger(__name__)
BATCH = 20
RETRY_SECONDS = 0.5


class Controller:
    """Level-triggered: `sync` looks at what is, whatever the changes were that led to it. It never waits."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.store
        self.registry = cluster.registry
        self.events = cluster.events

    def concerned(self, event: Event) -> Iterable[Key]:
        """Which objects (namespace, name) have to be looked at after this change."""
        raise NotImplementedError

    def sync(self, key: Key) -> float | None:
        """Returns after how many seconds to look again though nothing changed; None: no need to."""
        raise NotImplementedError


class Manager:
    """A queue of (controller, object), each in it once at most, worked off in the event loop."""

    def __init__(self, cluster: Cluster, controllers: Iterable[type[Controller]]) -> None:
        self._loop = asyncio.get_running_loop()
        self.controllers = [c(cluster) for c in controllers]
        self._queue: dict[tuple[Controller, Key], None] = {}
        self._timers: dict[tuple[Controller, Key], asyncio.TimerHandle] = {}
        self._scheduled = False
        self._stop = cluster.store.listen(self._tell)

    def close(self) -> None:
        self._stop()
        self._queue.clear()
        for timer in self._timers.values():
            timer.cancel()

    def _tell(self, event: Event) -> None:
        for controller in self.controllers:
            for key in controller.concerned(event):
                self._enqueue(controller, key)

    def _enqueue(self, controller: Controller, key: Key) -> None:
        self._queue[(controller, key)] = None
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._work)

    def _work(self) -> None:
        self._scheduled = False
        for item in list(self._queue)[:BATCH]:
            self._queue.pop(item, None)
            self._sync(*item)
        if self._queue and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._work)

    def _sync(self, controller: Controller, key: Key) -> None:
        if timer := self._timers.pop((controller, key), None):
            timer.cancel()
        try:
            again = controller.sync(key)
        except ApiError as e:
            log.warning("%s %s: %s", type(controller).__name__, "/".join(key), e)
            again = RETRY_SECONDS
        except Exception:
            log.exception("%s %s", type(controller).__name__, "/".join(key))
            again = None
        if again is not None:
            self._timers[(controller, key)] = self._loop.call_later(again, self._enqueue, controller, key)


def key_of(obj: Json) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def owner(obj: Json, kind: str) -> Key | None:
    """The controller of that kind that an object belongs to."""
    for reference in obj["metadata"].get("ownerReferences") or []:
        if reference["kind"] == kind and reference.get("controller"):
            return obj["metadata"].get("namespace", ""), reference["name"]
    return None


def owned(objects: Iterable[Json], by: Json) -> list[Json]:
    uid = by["metadata"]["uid"]
    return [o for o in objects if any(r["uid"] == uid for r in o["metadata"].get("ownerReferences") or [])]


def reference(obj: Json) -> Json:
    """An ownerReference to `obj` as its dependents' controller."""
    meta = obj["metadata"]
    kind = {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
    return kind | {"name": meta["name"], "uid": meta["uid"], "controller": True, "blockOwnerDeletion": True}


def condition(status: Json, kind: str) -> Json | None:
    return next((c for c in status.get("conditions") or [] if c["type"] == kind), None)


def is_ready(pod: Json) -> bool:
    ready = condition(pod["status"], "Ready")
    return bool(ready and ready["status"] == "True")


def is_active(pod: Json) -> bool:
    return (
        pod["status"].get("phase") not in ("Succeeded", "Failed")
        and "deletionTimestamp" not in pod["metadata"]
    )
