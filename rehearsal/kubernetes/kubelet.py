"""The kubelet for all nodes of a cluster: runs the scheduled pods and reads their logs."""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.cluster_state import ClusterState
from rehearsal.kubernetes.errors import bad_request
from rehearsal.kubernetes.pod import Pod
from rehearsal.kubernetes.registry import PODS
from rehearsal.kubernetes.store import Event

Json = dict[str, Any]
Reader = Callable[[str | None, str | None, bool], AsyncIterator[bytes]]
FOLLOW_SECONDS = 0.2


class Kubelet:
    def __init__(self, cluster: ClusterState) -> None:
        self._cluster = cluster
        self._pods: dict[str, Pod] = {}
        self._waiting: deque[str] = deque()
        self._stop = cluster.store.listen(self._on_change)

    async def close(self) -> None:
        self._stop()
        await asyncio.gather(*(pod.close() for pod in list(self._pods.values())))

    def _on_change(self, event: Event) -> None:
        if event.resource is PODS:
            asyncio.get_running_loop().call_soon(self._sync, event.object["metadata"]["uid"], event)

    def _sync(self, uid: str, event: Event) -> None:
        pod = self._pods.get(uid)
        if event.type == "DELETED":
            if pod:
                del self._pods[uid]
                asyncio.get_running_loop().create_task(self._clear(pod))
        elif (
            pod is None
            and "nodeName" in event.object["spec"]
            and "deletionTimestamp" not in event.object["metadata"]
        ):
            if self._cluster.store.find(
                PODS, event.object["metadata"]["namespace"], event.object["metadata"]["name"]
            ):
                self._start(event.object)
        elif pod and (deadline := event.object["metadata"].get("deletionGracePeriodSeconds")) is not None:
            before = (event.old or {}).get("metadata", {}).get("deletionGracePeriodSeconds")
            if before != deadline:
                pod.begin_stop(deadline)

    def _start(self, obj: Json) -> None:
        address = self._cluster.addresses.pod()
        if address is None:
            message = "Failed to create pod sandbox: no address is free in the emulator's subnet"
            self._cluster.events.warning(obj, "FailedCreatePodSandBox", message, "kubelet")
            return
        self._pods[obj["metadata"]["uid"]] = Pod(self._cluster, obj, address)

    async def _clear(self, pod: Pod) -> None:
        await pod.close()
        self._cluster.addresses.release(pod.address)
        shutil.rmtree(pod.folder, ignore_errors=True)

    def log(self, pod: Json, container: str, *, previous: bool) -> Reader:
        """Return a function that reads a container's log. Raises ApiError 400 if there is no log."""
        name = pod["metadata"]["name"]
        names = [c["name"] for c in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]]
        if not container and len(pod["spec"]["containers"]) > 1:
            plain = [c["name"] for c in pod["spec"]["containers"]]
            raise bad_request(
                f"a container name must be specified for pod {name}, choose one of: [{' '.join(plain)}]"
            )
        container = container or pod["spec"]["containers"][0]["name"]
        if container not in names:
            raise bad_request(f"container {container} is not valid for pod {name}")
        running = self._pods.get(pod["metadata"]["uid"])
        path = running.log(container, previous=previous) if running else None
        if path is None or not path.exists():
            if previous:
                raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
            statuses = [
                *(pod["status"].get("initContainerStatuses") or []),
                *(pod["status"].get("containerStatuses") or []),
            ]
            waits = [s["state"].get("waiting", {}).get("reason") for s in statuses if s["name"] == container]
            reason = (waits and waits[0]) or "ContainerCreating"
            raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')
        return lambda tail, limit, follow: _read(path, tail, limit, follow and running is not None, running)


async def _read(
    path: Path, tail: str | None, limit: str | None, follow: bool, pod: Pod | None
) -> AsyncIterator[bytes]:
    """Yield a log or its last lines; with `follow`, also the text that is added while the container runs."""
    with path.open("rb") as file:
        content = file.read()
        if tail is not None:
            content = b"".join(content.splitlines(keepends=True)[-int(tail) :] if int(tail) else [])
        yield content[: int(limit)] if limit else content
        while follow and pod and pod.writes(path):
            await asyncio.sleep(FOLLOW_SECONDS)
            if more := file.read():
                yield more
        yield file.read()
