"""One pod: its containers, its status, its shutdown."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from rehearsal.kubernetes import environment, times, tool_images
from rehearsal.kubernetes.cluster_state import ClusterState
from rehearsal.kubernetes.container import Container
from rehearsal.kubernetes.objects import condition, key_of
from rehearsal.kubernetes.pod_context import PodContext
from rehearsal.kubernetes.registry import PODS

Json = dict[str, Any]
_LOOK_SECONDS = 0.05


class Pod(PodContext):
    """A pod on its node, from its start until its processes have ended."""

    def __init__(self, cluster: ClusterState, obj: Json, address: str) -> None:
        super().__init__(cluster, obj, address)
        self.inits = [Container(self, c, init=True) for c in self.spec.get("initContainers") or []]
        self.containers = [Container(self, c, init=False) for c in self.spec["containers"]]
        self.sidecars = [c for c in self.inits if c.sidecar]
        self._began = times.now()
        self._initialized = not self.inits
        self._failed: str | None = None
        self._stop: asyncio.Task[Any] | None = None
        self._over = False
        self._main = self.spawn(self._run())

    def writes(self, path: Path) -> bool:
        """Return whether a running container writes to this log."""
        return any(self.log(c.name) == path and "running" in c.state for c in self.inits + self.containers)

    def begin_stop(self, seconds: float) -> None:
        """Start the shutdown with a grace period in seconds. A later call replaces the grace period."""
        if self._stop and not self._stop.done():
            self._stop.cancel()
        self._stop = self.spawn(self._end(seconds))

    async def close(self) -> None:
        """Kill all containers without updating the API."""
        self._over = True
        for container in self.inits + self.containers:
            container.stopping = True
            container.kill()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        self.publish()
        while True:
            try:
                environment.check_volumes(self.store, self.object)
                break
            except environment.Missing as e:
                self.events.warning(self.object, "FailedMount", str(e), "kubelet")
            await asyncio.sleep(self.settings.first_backoff)
        for container in self.inits:
            if container.sidecar:
                self.spawn(container.run())
                while not container.started and not container.stopping:
                    await asyncio.sleep(_LOOK_SECONDS)
                continue
            code = await container.run()
            if container.stopping:
                return
            if code:
                tool_images.clear(self)
                self._failed = f"init container {container.name} ended with {code}"
                self.publish()
                return
        self._initialized = True
        await asyncio.gather(*(c.run() for c in self.containers))
        await self._end_sidecars(float(self.spec["terminationGracePeriodSeconds"]))
        tool_images.clear(self)
        self.publish()

    async def _end_sidecars(self, seconds: float) -> None:
        """Stop the sidecars after the containers, in reverse order of their start."""
        for container in reversed(self.sidecars):
            container.stopping = True
            await container.stop(seconds)

    async def _end(self, seconds: float) -> None:
        for container in self.inits + self.containers:
            container.stopping = True
            if "running" in container.state:
                self.events.normal(self.object, "Killing", f"Stopping container {container.name}", "kubelet")
        end = asyncio.get_running_loop().time() + seconds
        others = [c for c in self.inits + self.containers if not c.sidecar]
        await asyncio.gather(*(c.stop(seconds) for c in others))
        await self._end_sidecars(max(end - asyncio.get_running_loop().time(), 0.0))
        with contextlib.suppress(TimeoutError):  # Wait for the last status update.
            async with asyncio.timeout(0.2):
                await asyncio.shield(self._main)
        self._main.cancel()
        self.cluster.registry.finish(PODS, self.object)

    def publish(self) -> None:
        """Write the status to the API if it has changed."""
        if self._over:
            return
        now = self.store.find(PODS, *key_of(self.object))
        if now is None or now["metadata"]["uid"] != self.object["metadata"]["uid"]:
            return
        self.object = now
        self.cluster.registry.set_status(PODS, now, self._status(now["status"]))

    def _status(self, before: Json) -> Json:
        phase = self._phase()
        done = phase in ("Succeeded", "Failed")
        unready = [c.name for c in self.sidecars + self.containers if not c.ready]
        not_ready = ("PodCompleted", "") if phase == "Succeeded" else ("", "")
        if unready and not done:
            not_ready = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
        not_initialized = [c.name for c in self.inits if not (c.started if c.sidecar else c.ready)]
        waiting = (
            "ContainersNotInitialized",
            f"containers with incomplete status: [{' '.join(not_initialized)}]",
        )
        conditions = [c for c in before.get("conditions") or [] if c["type"] == "PodScheduled"]
        conditions += [
            _condition(before, "PodReadyToStartContainers", not done),
            _condition(before, "Initialized", self._initialized, *([] if self._initialized else waiting)),
            _condition(before, "ContainersReady", not unready, *([] if not unready else not_ready)),
            _condition(before, "Ready", not unready, *([] if not unready else not_ready)),
        ]
        status = before | {
            "phase": phase,
            "conditions": conditions,
            "hostIP": self.cluster.node_address(self.spec["nodeName"]),
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": self._began,
            "containerStatuses": [c.status() for c in self.containers],
        }
        if self.inits:
            status["initContainerStatuses"] = [c.status() for c in self.inits]
        return status

    def _phase(self) -> str:
        """Return the phase, derived from the containers as the kubelet does."""
        if self._failed:
            return "Failed"
        states = [c.state for c in self.containers]
        if not self._initialized or any("waiting" in c.state and not c.last for c in self.containers):
            return "Pending"
        sidecars_run = any("running" in c.state for c in self.sidecars)
        done = all("terminated" in s for s in states) and not sidecars_run
        if done and self.spec["restartPolicy"] != "Always":
            codes = [s["terminated"]["exitCode"] for s in states]
            if not any(codes):
                return "Succeeded"
            if self.spec["restartPolicy"] == "Never":
                return "Failed"
        return "Running"


def _condition(before: Json, kind: str, true: bool, reason: str = "", message: str = "") -> Json:
    was = condition(before, kind)
    moved = was["lastTransitionTime"] if was and was["status"] == str(true) else times.now()
    new = {"type": kind, "status": str(true), "lastProbeTime": None, "lastTransitionTime": moved}
    return new | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})
