"""A cluster's objects in memory, with resource versions and a history to watch.

Stored objects are immutable: a write replaces them, so that readers can share them. All code runs in one thread and
nothing here awaits, so a read-change-write without `await` is atomic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rehearsal.kubernetes import errors
from rehearsal.kubernetes.resources import BY_NAME, Resource
from rehearsal.kubernetes.selectors import Match

Json = dict[str, Any]
Key = tuple[str, str]
HISTORY = 4000


class Event(NamedTuple):
    """A change: ADDED, MODIFIED or DELETED. `old` is the previous object (None if ADDED)."""

    version: int
    type: str
    resource: Resource
    object: Json
    old: Json | None


def clone(value: Any) -> Any:
    """Return a deep copy of JSON, faster than copy.deepcopy."""
    if isinstance(value, dict):
        return {k: clone(v) for k, v in value.items()}
    if isinstance(value, list):
        return [clone(v) for v in value]
    return value


class Store:
    """All objects of a cluster."""

    def __init__(self) -> None:
        self.version = 1
        self._objects: dict[str, dict[Key, Json]] = {plural: {} for plural in BY_NAME}
        self._history: deque[Event] = deque(maxlen=HISTORY)
        self._listeners: list[Callable[[Event], None]] = []

    def find(self, resource: Resource, namespace: str, name: str) -> Json | None:
        return self._objects[resource.plural].get((namespace, name))

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """Return an object. Raises ApiError 404."""
        if (obj := self.find(resource, namespace, name)) is None:
            raise errors.not_found(resource, name)
        return obj

    def list(
        self, resource: Resource, namespace: str | None = None, match: Match | None = None
    ) -> list[Json]:
        """Return objects sorted by namespace and name; `namespace=None` means all namespaces."""
        found = self._objects[resource.plural]
        keys = sorted(k for k in found if namespace is None or k[0] == namespace)
        return [found[k] for k in keys if match is None or match(found[k])]

    def all(self) -> Iterator[tuple[Resource, Json]]:
        for plural, objects in self._objects.items():
            for obj in list(objects.values()):
                yield BY_NAME[plural], obj

    def put(self, resource: Resource, obj: Json) -> Json:
        """Write an object and set its resource version. The store owns the object afterwards."""
        meta = obj["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        old = self._objects[resource.plural].get(key)
        self.version += 1
        meta["resourceVersion"] = str(self.version)
        self._objects[resource.plural][key] = obj
        self._notify(Event(self.version, "MODIFIED" if old else "ADDED", resource, obj, old))
        return obj

    def remove(self, resource: Resource, obj: Json) -> None:
        meta = obj["metadata"]
        old = self._objects[resource.plural].pop((meta.get("namespace", ""), meta["name"]))
        self.version += 1
        last = old | {"metadata": old["metadata"] | {"resourceVersion": str(self.version)}}
        self._notify(Event(self.version, "DELETED", resource, last, old))

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` synchronously at each change; it must not write. Return the function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def since(self, version: int) -> list[Event]:
        """Return the changes after `version`. Raises ApiError 410 if the history does not reach back that far."""
        if len(self._history) == HISTORY and version < self._history[0].version - 1:
            raise errors.expired(version, self._history[0].version)
        return [e for e in self._history if e.version > version]

    def _notify(self, event: Event) -> None:
        self._history.append(event)
        for listener in list(self._listeners):
            listener(event)
