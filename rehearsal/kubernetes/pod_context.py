"""The part of a pod that its containers use: specification, address, folder, logs, tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.cluster_state import ClusterState

Json = dict[str, Any]


class PodContext:
    """The base class of `rehearsal.kubernetes.pod.Pod`. It knows no containers."""

    def __init__(self, cluster: ClusterState, obj: Json, address: str) -> None:
        self.cluster, self.object, self.address = cluster, obj, address
        self.spec, self.store, self.events = obj["spec"], cluster.store, cluster.events
        self.settings = cluster.settings
        self.folder = self.settings.home / "pods" / cluster.name / obj["metadata"]["uid"]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._tasks: set[asyncio.Task[Any]] = set()

    def publish(self) -> None:
        """Write the pod's status to the API."""
        raise NotImplementedError

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that `Pod.close` cancels."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def new_log(self, container: str) -> Path:
        """Return the path of a container's new log. The log of its previous run is kept beside it."""
        path = self.log(container)
        if path.exists():
            path.replace(self.log(container, previous=True))
        return path

    def log(self, container: str, *, previous: bool = False) -> Path:
        """Return the path of a container's log, or of the log of its previous run."""
        return self.folder / f"{container}{'.previous' if previous else ''}.log"
