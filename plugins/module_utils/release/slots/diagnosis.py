# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Why pods don't come up, told as soon as waiting longer can't help, in the words that a person needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock

Json = dict[str, Any]
_LOG_LINES = 12
#: Reasons for which a container waits and that time doesn't cure.
_HOPELESS = {"InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff"}
#: Reasons that may pass, when what is missing is being made just now.
_UNCONFIGURED = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_IMAGE_REFUSED = re.compile(
    r"not ?found|manifest unknown|does not exist|unauthorized|denied|no basic auth|forbidden|no match", re.I
)
#: What the Cluster Autoscaler and Karpenter say of a pod for which a node comes.
_NODE_COMES = {"TriggeredScaleUp", "Nominated"}


@dataclass(frozen=True)
class Verdict:
    """Why a slot can't come up: a short reason, and details such as a probe's answer or the last log lines."""

    reason: str
    details: str = ""

    def __str__(self) -> str:
        return self.reason + (f"\n{self.details}" if self.details else "")


@dataclass
class Diagnosis:
    """Looks at a rollout again and again, and knows for how long it has been as it is.

    `log(pod, container, lines, previous)` returns log lines, `events(pod)` the pod's events, `nodes()` the
    cluster's nodes. The limits are in seconds: for how long that may last which often passes by itself. Kubernetes
    tries to pull an image again after 10, 20 and 40 seconds.
    """

    clock: Clock
    log: Callable[[str, str, int, bool], str]
    events: Callable[[str], list[Json]]
    nodes: Callable[[], list[Json]]
    unschedulable: float = 60.0
    unconfigured: float = 10.0
    unpulled: float = 45.0
    _since: dict[tuple[str, str], float] = field(default_factory=dict)

    def verdict(self, deployment: Json, pods: list[Json]) -> Verdict | None:
        """Return why the pods of a rollout will not become ready, or None while they may.

        `pods` are those of the new release, and those that it replaces while they end.
        """
        coming = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        # Pods that end still take their share of nodes and quotas.
        ending = [pod for pod in pods if "deletionTimestamp" in pod["metadata"]]
        refused = condition_of(deployment, "ReplicaFailure")
        message = refused.get("message", "")
        if refused.get("status") == "True" and not (ending and "exceeded quota" in message):
            return Verdict(f"Kubernetes does not let the pods be made: {message}")
        for pod in coming:
            found = self.hindrance(pod, ending)
            if found:
                return found
        if condition_of(deployment, "Progressing").get("reason") == "ProgressDeadlineExceeded":
            return self._too_slow(deployment, coming)
        return None

    def hindrance(self, pod: Json, ending: list[Json] | None = None) -> Verdict | None:
        """Return why a pod will not start, or None while it may. Pods that are `ending` make room for it."""
        return self._containers(pod) or self._unschedulable(pod, ending or [])

    def lost_nodes(self, pods: list[Json] | None = None) -> str:
        """Return which nodes are not ready, of those on which `pods` are if given, and what to do; or nothing."""
        among = None if pods is None else {pod.get("spec", {}).get("nodeName") for pod in pods}
        told = []
        for node in self._not_ready():
            name, condition = node["metadata"]["name"], condition_of(node, "Ready")
            if among is not None and name not in among:
                continue
            instance = node.get("spec", {}).get("providerID", "").rpartition("/")[2]
            why = ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
            told.append(
                f"node {name} is NotReady ({why or 'its kubelet has not reported yet'}). If it stays so: "
                + (
                    f"aws ec2 terminate-instances --instance-ids {instance}; its group brings another"
                    if instance.startswith("i-")
                    else f"kubectl describe node {name}"
                )
            )
        return "\n".join(told)

    def trouble(self, pod: Json) -> Verdict | None:
        """Return what is wrong with a pod that has been up: it was started again, or is not ready any more."""
        name = pod["metadata"]["name"]
        containers = pod.get("status", {}).get("containerStatuses", [])
        for container in containers:
            ended = container.get("state", {}).get("terminated")
            if container.get("restartCount", 0) or ended:
                return self._crash(container, pod, f"container {container['name']} of pod {name}")
        if ready(pod):
            return None
        why = self._probe_answer(pod, ("Readiness", "Liveness")) or condition_of(pod, "Ready").get(
            "message", ""
        )
        lines = self.log(name, containers[0]["name"], _LOG_LINES, False) if containers else ""
        return Verdict(f"pod {name} is not ready", _joined(why, self.lost_nodes([pod]), quoted(lines)))

    def _lasts(self, pod: Json, what: str) -> float:
        """Return for how many seconds this has been seen of the pod, by our own clock."""
        first = self._since.setdefault((pod["metadata"]["name"], what), self.clock.steady())
        return self.clock.steady() - first

    def _not_ready(self) -> list[Json]:
        return [node for node in self.nodes() if condition_of(node, "Ready").get("status") != "True"]

    def _unschedulable(self, pod: Json, ending: list[Json]) -> Verdict | None:
        condition = condition_of(pod, "PodScheduled")
        if condition.get("status") != "False" or condition.get("reason") != "Unschedulable":
            return None
        # What is on a node that is not ready does not end, and makes no room.
        lost = {node["metadata"]["name"] for node in self._not_ready()} if ending else set()
        if any(one.get("spec", {}).get("nodeName") not in lost for one in ending):
            return None
        name = pod["metadata"]["name"]
        if self._lasts(pod, "unschedulable") < self.unschedulable or self._node_comes(name):
            return None
        return Verdict(
            f"pod {name} cannot be scheduled: {condition.get('message', '')}",
            _joined(self._told(name, "NotTriggerScaleUp"), self.lost_nodes()),
        )

    def _node_comes(self, pod: str) -> bool:
        """Whether an autoscaler brings a node for the pod; the rollout's deadline ends the waiting for it."""
        return any(e.get("reason") in _NODE_COMES for e in self.events(pod))

    def _containers(self, pod: Json) -> Verdict | None:
        status = pod.get("status", {})
        name = pod["metadata"]["name"]
        if status.get("phase") == "Failed" and status.get("reason"):
            return Verdict(f"pod {name} failed: {status['reason']}: {status.get('message', '')}")
        for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
            waiting = container.get("state", {}).get("waiting") or {}
            reason, message = waiting.get("reason", ""), waiting.get("message", "")
            where = f"container {container['name']} of pod {name}"
            if reason in _HOPELESS or (reason in _NO_IMAGE and self._no_image(pod, message)):
                told = self._pull_error(pod) or message
                return Verdict(
                    f"the image of {where} cannot be pulled: {container.get('image', '')}: {reason}: {told}"
                )
            if reason in _UNCONFIGURED and self._lasts(pod, reason) > self.unconfigured:
                return Verdict(f"{where} cannot be started: {reason}: {message}")
            if reason == "CrashLoopBackOff" or container.get("restartCount", 0) >= 2:
                return self._crash(container, pod, where)
        return None

    def _no_image(self, pod: Json, message: str) -> bool:
        # Kubernetes goes from ErrImagePull to ImagePullBackOff without having tried again.
        return bool(_IMAGE_REFUSED.search(message)) or self._lasts(pod, "no image") > self.unpulled

    def _crash(self, container: Json, pod: Json, where: str) -> Verdict:
        ended = (
            container.get("lastState", {}).get("terminated")
            or container.get("state", {}).get("terminated")
            or {}
        )
        code = f", exit code {ended['exitCode']}" if "exitCode" in ended else ""
        name = pod["metadata"]["name"]
        lines = self.log(name, container["name"], _LOG_LINES, True) or self.log(
            name, container["name"], _LOG_LINES, False
        )
        count = container.get("restartCount", 0)
        return Verdict(
            f"{where} crashes: {count} restart{'' if count == 1 else 's'}, "
            f"it last ended with {ended.get('reason', 'Error')}{code}",
            _joined(self._killed(pod), quoted(lines)),
        )

    def _killed(self, pod: Json) -> str:
        """Return the answer for which a probe had the pod's container ended; none if that ended by itself."""
        told = [
            e.get("message", "") for e in self.events(pod["metadata"]["name"]) if e.get("reason") == "Killing"
        ]
        probes = ("Liveness", "Startup")
        by = tuple(kind for kind in probes if any(f"failed {kind.lower()} probe" in text for text in told))
        return self._probe_answer(pod, by) if by else ""

    def _too_slow(self, deployment: Json, coming: list[Json]) -> Verdict:
        """Tell of a rollout whose time is over: what keeps a pod from being ready."""
        told = f"the pods did not become ready within {deployment['spec'].get('progressDeadlineSeconds')} s"
        pod = next((pod for pod in coming if not ready(pod)), None)
        if not pod:
            return Verdict(told)
        containers = pod.get("status", {}).get("containerStatuses", [])
        waiting = [c["state"]["waiting"] for c in containers if c.get("state", {}).get("waiting")]
        why = self._probe_answer(pod, ("Readiness", "Startup", "Liveness"))
        scheduled = condition_of(pod, "PodScheduled")
        if scheduled.get("status") == "False":
            why = _joined(f"it cannot be scheduled: {scheduled.get('message', '')}", self.lost_nodes())
        elif waiting and not why:
            why = f"it waits: {waiting[0].get('reason', '')}: {waiting[0].get('message', '')}"
        name = pod["metadata"]["name"]
        lines = self.log(name, containers[0]["name"], _LOG_LINES, False) if containers else ""
        return Verdict(f"{told}: pod {name} is not ready", _joined(why, quoted(lines)))

    def _probe_answer(self, pod: Json, kinds: tuple[str, ...]) -> str:
        """Return what the pod's probes answered last, as its events tell."""
        return self._told(pod["metadata"]["name"], "Unhealthy", kinds)

    def _pull_error(self, pod: Json) -> str:
        return self._told(pod["metadata"]["name"], "Failed", "Failed to pull")

    def _told(self, pod: str, reason: str, beginning: str | tuple[str, ...] = "") -> str:
        """Return what the pod's latest event of that reason says."""
        told = [e for e in self.events(pod) if e.get("reason") == reason]
        told.sort(key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")
        messages = [e["message"].strip() for e in told if e.get("message", "").startswith(beginning)]
        return messages[-1] if messages else ""


def quoted(lines: str) -> str:
    """Return log lines as a message has them."""
    text = "\n".join(f"  | {line}" for line in lines.strip().splitlines())
    return f"last log lines:\n{text}" if text else ""


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def condition_of(obj: Json, kind: str) -> Json:
    return next((c for c in obj.get("status", {}).get("conditions", []) if c["type"] == kind), {})


def ready(pod: Json) -> bool:
    return condition_of(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]


def restarts(pod: Json) -> int:
    return sum(c.get("restartCount", 0) for c in pod.get("status", {}).get("containerStatuses", []))
