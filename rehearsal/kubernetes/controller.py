"""The base class of all controllers."""

from __future__ import annotations

from collections.abc import Iterable

from rehearsal.kubernetes.cluster_state import ClusterState
from rehearsal.kubernetes.store import Event, Key


class Controller:
    """A level-triggered controller: `sync` compares the current objects with the wanted state. It never blocks."""

    def __init__(self, cluster: ClusterState) -> None:
        self.cluster = cluster
        self.store = cluster.store
        self.registry = cluster.registry
        self.events = cluster.events

    def affected(self, event: Event) -> Iterable[Key]:
        """Yield the keys of the objects that have to be synchronized after this change."""
        raise NotImplementedError

    def sync(self, key: Key) -> float | None:
        """Reconcile one object. Return the seconds until the next sync without a change; None for no such sync."""
        raise NotImplementedError
