"""The garbage collector: deletes objects whose owners no longer exist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.objects import key_of
from rehearsal.kubernetes.registry import FOREGROUND
from rehearsal.kubernetes.store import Event, Key

Json = dict[str, Any]


class GarbageCollector(Controller):
    """Deletes objects that lost their last owner, and owners deleted in the foreground after their dependents.

    Keys are (uid of an owner, "").
    """

    def affected(self, event: Event) -> Iterable[Key]:
        meta = event.object["metadata"]
        if event.type == "DELETED":
            yield meta["uid"], ""
            for o in meta.get("ownerReferences") or []:
                yield o["uid"], ""
        elif FOREGROUND in meta.get("finalizers", ()):
            yield meta["uid"], ""

    def sync(self, key: Key) -> None:
        uid, everything = key[0], list(self.store.all())
        living = {o["metadata"]["uid"]: (r, o) for r, o in everything}
        owner = living.get(uid)
        waits = owner is not None and FOREGROUND in owner[1]["metadata"].get("finalizers", ())
        if owner and not waits:
            return
        left = 0
        for resource, obj in everything:
            owners = [o["uid"] for o in obj["metadata"].get("ownerReferences") or []]
            if uid in owners and not any(o in living and o != uid for o in owners):
                left += 1
                if "deletionTimestamp" not in obj["metadata"]:
                    policy = "Foreground" if waits else "Background"
                    self.registry.delete(resource, *key_of(obj), {"propagationPolicy": policy})
        if owner and waits and not left:
            self.registry.patch(owner[0], *key_of(owner[1]), _without_foreground)


def _without_foreground(obj: Json) -> Json:
    obj["metadata"]["finalizers"] = [f for f in obj["metadata"]["finalizers"] if f != FOREGROUND]
    return obj
