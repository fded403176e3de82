"""The namespace controller."""

from __future__ import annotations

from collections.abc import Iterable

from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.objects import key_of
from rehearsal.kubernetes.registry import NAMESPACES
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Event, Key

ACCOUNTS = BY_NAME["serviceaccounts"]


class Namespaces(Controller):
    """Creates the default service account of a namespace; empties a deleted namespace, then removes it."""

    def affected(self, event: Event) -> Iterable[Key]:
        if event.resource is NAMESPACES and event.type != "DELETED":
            yield key_of(event.object)
        elif event.type == "DELETED" and (namespace := event.object["metadata"].get("namespace")):
            yield "", namespace

    def sync(self, key: Key) -> None:
        namespace = self.store.find(NAMESPACES, *key)
        if namespace is None:
            return
        if "deletionTimestamp" not in namespace["metadata"]:
            if not self.store.find(ACCOUNTS, key[1], "default"):
                self.registry.create(ACCOUNTS, {"metadata": {"name": "default"}}, key[1])
            return
        contents = [(r, o) for r, o in self.store.all() if o["metadata"].get("namespace") == key[1]]
        for resource, obj in contents:
            if "deletionTimestamp" not in obj["metadata"] and self.store.find(resource, *key_of(obj)):
                self.registry.delete(resource, *key_of(obj))
        if not any(o["metadata"].get("namespace") == key[1] for _, o in self.store.all()):
            self.registry.finish(NAMESPACES, namespace)
