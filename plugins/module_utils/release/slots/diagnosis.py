# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Why pods do not start or stay ready. A verdict is returned as soon as waiting longer cannot help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, known, message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import (
    Cause,
    Diagnosed,
    cause_of_crash,
    cause_of_failed_pull,
    cause_of_refusal,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.log_excerpt import READ, excerpt

Json = dict[str, Any]
#: Reasons of a waiting container that do not pass.
_PERMANENT = {"InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff"}
#: Reasons that may pass: the missing object may be in creation.
_UNCONFIGURED = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
#: Causes of a failed pull that do not pass.
_PERMANENT_PULLS = {Cause.IMAGE_MISSING, Cause.IMAGE_PLATFORM, Cause.IMAGE_REFUSED}
#: Events of the Cluster Autoscaler and Karpenter about a pod for which they add a node.
_NODE_ADDED = {"TriggeredScaleUp", "Nominated"}


@dataclass(frozen=True)
class Verdict:
    """Why a slot cannot become ready: a short reason, details (probe answer, last log lines), and the cause."""

    reason: str
    details: str = ""
    cause: str = ""

    @property
    def explanation(self) -> Diagnosed:
        """The verdict as a text with its cause."""
        return Diagnosed.of(str(self), self.cause)

    def __str__(self) -> str:  # pylint: disable=invalid-str-returned
        return joined(*filter(None, (self.reason, self.details)), by="\n")


@dataclass
class Diagnosis:
    """Examines a rollout repeatedly, and remembers for how long a problem has lasted.

    `log(pod, container, lines, previous)` returns log lines, `events(pod)` the pod's events, `nodes()` the cluster's
    nodes. `unschedulable`, `unconfigured` and `unpulled` are the seconds for which a problem that often passes may last.
    Kubernetes retries an image pull after 10, 20 and 40 seconds.
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

        `pods` are the pods of the new release and the terminating pods of the previous one.
        """
        starting = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        # Terminating pods still use nodes and quotas.
        ending = [pod for pod in pods if "deletionTimestamp" in pod["metadata"]]
        refused = condition_of(deployment, "ReplicaFailure")
        answer = refused.get("message", "")
        if refused.get("status") == "True" and not (ending and "exceeded quota" in answer):
            return Verdict(message("pods.refused", message=answer), cause=cause_of_refusal(answer))
        for pod in starting:
            found = self.blocker(pod, ending)
            if found:
                return found
        if condition_of(deployment, "Progressing").get("reason") == "ProgressDeadlineExceeded":
            return self._too_slow(deployment, starting)
        return None

    def blocker(self, pod: Json, ending: list[Json] | None = None) -> Verdict | None:
        """Return why a pod will not start, or None while it may. Pods that are `ending` will free resources for it."""
        return self._containers(pod) or self._unschedulable(pod, ending or [])

    def lost_nodes(self, pods: list[Json] | None = None) -> str:
        """Return which nodes are not ready and what to do, or the empty string.

        If `pods` is given, only their nodes count.
        """
        among = None if pods is None else {pod.get("spec", {}).get("nodeName") for pod in pods}
        lines = []
        for node in self._not_ready():
            name, condition = node["metadata"]["name"], condition_of(node, "Ready")
            if among is not None and name not in among:
                continue
            instance = node.get("spec", {}).get("providerID", "").rpartition("/")[2]
            why = ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
            advice = f"kubectl describe node {name}"
            if instance.startswith("i-"):
                advice = message("pods.replace_node", instance=instance)
            why = why or message("pods.kubelet_silent")
            lines.append(message("pods.node_lost", name=name, why=why, advice=advice))
        return joined(*lines, by="\n")

    def problem(self, pod: Json) -> Verdict | None:
        """Return the problem of a pod that was ready before (a restart, or no longer ready), or None."""
        name = pod["metadata"]["name"]
        running = _running(pod)
        ended = [
            one for one in running if one.get("restartCount", 0) or one.get("state", {}).get("terminated")
        ]
        if ended:
            container = max(ended, key=lambda one: _last_end(one).get("finishedAt") or "")
            return self._crash(
                container, pod, message("pods.container", container=container["name"], pod=name)
            )
        if ready(pod):
            return None
        container = _at_fault(running)
        why = self._probe_answer(pod, ("Readiness", "Liveness"), container) or condition_of(pod, "Ready").get(
            "message", ""
        )
        lost = self.lost_nodes([pod])
        return Verdict(
            message("pods.not_ready", name=name),
            _joined(why, lost, self._last_lines(pod, container)),
            Cause.NODE if lost else Cause.PROBE,
        )

    def _last_lines(self, pod: Json, container: Json | None) -> str:
        """Return the last log lines of a container, or of its previous run if the current one has none yet."""
        if not container:
            return ""
        which = (pod["metadata"]["name"], container["name"], READ)
        lines = self.log(*which, False)
        if not lines and container.get("restartCount", 0):
            lines = self.log(*which, True)
        return quoted(lines, container["name"] if len(_containers_of(pod)) > 1 else "")

    def _lasts(self, pod: Json, what: str) -> float:
        """Return the seconds since the problem `what` of the pod was first seen."""
        first = self._since.setdefault((pod["metadata"]["name"], what), self.clock.steady())
        return self.clock.steady() - first

    def _not_ready(self) -> list[Json]:
        return [node for node in self.nodes() if condition_of(node, "Ready").get("status") != "True"]

    def _unschedulable(self, pod: Json, ending: list[Json]) -> Verdict | None:
        condition = condition_of(pod, "PodScheduled")
        if condition.get("status") != "False" or condition.get("reason") != "Unschedulable":
            return None
        # Pods on a node that is not ready do not terminate, and free no resources.
        lost = {node["metadata"]["name"] for node in self._not_ready()} if ending else set()
        if any(one.get("spec", {}).get("nodeName") not in lost for one in ending):
            return None
        name = pod["metadata"]["name"]
        if self._lasts(pod, "unschedulable") < self.unschedulable or self._node_is_added(name):
            return None
        lost = self.lost_nodes()
        return Verdict(
            message("pods.unschedulable", name=name, message=condition.get("message", "")),
            _joined(self._latest_event(name, "NotTriggerScaleUp"), lost),
            Cause.NODE if lost else Cause.SCHEDULING,
        )

    def _node_is_added(self, pod: str) -> bool:
        """Return whether an autoscaler adds a node for the pod. The rollout's deadline limits the wait."""
        return any(e.get("reason") in _NODE_ADDED for e in self.events(pod))

    def _containers(self, pod: Json) -> Verdict | None:
        status = pod.get("status", {})
        name = pod["metadata"]["name"]
        if status.get("phase") == "Failed" and status.get("reason"):
            text = message(
                "pods.failed", name=name, reason=status["reason"], message=status.get("message", "")
            )
            return Verdict(text, cause=Cause.NODE)
        for container in _containers_of(pod):
            waiting = container.get("state", {}).get("waiting") or {}
            reason, answer = waiting.get("reason", ""), waiting.get("message", "")
            where = message("pods.container", container=container["name"], pod=name)
            if (container.get("state", {}).get("terminated") or {}).get("exitCode") == 0:
                continue  # an init container that has succeeded, after any number of attempts
            if reason in _PERMANENT:
                return self._unpulled(pod, container, where, answer, Cause.IMAGE_NAME)
            if reason in _NO_IMAGE:
                cause = cause_of_failed_pull(answer)
                # Kubernetes changes from ErrImagePull to ImagePullBackOff without a new attempt.
                if cause in _PERMANENT_PULLS or self._lasts(pod, "no image") > self.unpulled:
                    return self._unpulled(pod, container, where, answer, cause)
            if reason in _UNCONFIGURED and self._lasts(pod, reason) > self.unconfigured:
                absent = reason == "CreateContainerConfigError" and "not found" in answer
                cause = Cause.MISSING if absent or "find key" in answer else Cause.START
                text = message("pods.cannot_start", container=where, reason=reason, message=answer)
                return Verdict(text, cause=cause)
            if reason == "CrashLoopBackOff" or container.get("restartCount", 0) >= 2:
                return self._crash(container, pod, where)
        return None

    def _unpulled(self, pod: Json, container: Json, where: str, answer: str, cause: str) -> Verdict:
        error = self._pull_error(pod, container) or answer
        cause = cause or cause_of_failed_pull(error) or Cause.REGISTRY
        reason = container["state"]["waiting"]["reason"]
        what = f"{container.get('image', '')}: {reason}: {error}"
        why = known(f"pull.{cause}", "")
        return Verdict(message("pods.not_pulled", container=where, why=why, what=what), cause=cause)

    def _crash(self, container: Json, pod: Json, where: str) -> Verdict:
        ended = _last_end(container)
        code = message("pods.exit_code", code=ended["exitCode"]) if "exitCode" in ended else ""
        name, which = pod["metadata"]["name"], container["name"]
        lines = self.log(name, which, READ, True) or self.log(name, which, READ, False)
        count = container.get("restartCount", 0)
        killed = self._killed(pod, container)
        cause = Cause.PROBE if killed and cause_of_crash(lines) != Cause.HEAP else cause_of_crash(lines)
        return Verdict(
            message(
                "pods.crashes",
                container=where,
                restarts=message("bake.one_restart")
                if count == 1
                else message("bake.restarts", number=count),
                reason=ended.get("reason", "Error"),
                code=code,
            ),
            _joined(killed, quoted(lines)),
            Cause.OOM if ended.get("reason") == "OOMKilled" else cause,
        )

    def _killed(self, pod: Json, container: Json) -> str:
        """Return the probe answer for which Kubernetes killed the container, or the empty string if it exited by itself."""
        messages = [
            e.get("message", "") for e in self._events_of(pod, container) if e.get("reason") == "Killing"
        ]
        probes = ("Liveness", "Startup")
        by = tuple(
            kind for kind in probes if any(f"failed {kind.lower()} probe" in text for text in messages)
        )
        return self._probe_answer(pod, by, container) if by else ""

    def _too_slow(self, deployment: Json, starting: list[Json]) -> Verdict:
        """Return the verdict about a rollout that exceeded its deadline: why a pod is not ready."""
        reason = message("pods.late", seconds=deployment["spec"].get("progressDeadlineSeconds"))
        pod = next((pod for pod in starting if not ready(pod)), None)
        if not pod:
            return Verdict(reason, cause=Cause.SLOW)
        container = _at_fault(_containers_of(pod))
        waiting = (container or {}).get("state", {}).get("waiting")
        why = self._probe_answer(pod, ("Readiness", "Startup", "Liveness"), container)
        cause = Cause.PROBE if why else Cause.SLOW
        scheduled = condition_of(pod, "PodScheduled")
        if scheduled.get("status") == "False":
            lost = self.lost_nodes()
            why = _joined(message("pods.no_room", message=scheduled.get("message", "")), lost)
            cause = Cause.NODE if lost else Cause.SCHEDULING
        elif unmounted := self._latest_event(pod["metadata"]["name"], "FailedMount"):
            why, cause = _joined(why, unmounted), Cause.MISSING
        elif waiting and not why:
            answer = waiting.get("message", "")
            why = message(
                "pods.waits",
                container=(container or {})["name"],
                reason=waiting.get("reason", ""),
                message=answer,
            )
            if waiting.get("reason") in _NO_IMAGE:
                cause = cause_of_failed_pull(self._pull_error(pod, container) or answer) or Cause.REGISTRY
        details = _joined(why, self._last_lines(pod, container))
        return Verdict(message("pods.late_pod", late=reason, name=pod["metadata"]["name"]), details, cause)

    def _probe_answer(self, pod: Json, kinds: tuple[str, ...], container: Json | None) -> str:
        """Return the last answer to the container's probes, from the pod's events."""
        return self._latest_event(
            pod["metadata"]["name"], "Unhealthy", kinds, self._events_of(pod, container)
        )

    def _pull_error(self, pod: Json, container: Json | None) -> str:
        events = self._events_of(pod, container)
        return self._latest_event(pod["metadata"]["name"], "Failed", "Failed to pull", events)

    def _events_of(self, pod: Json, container: Json | None) -> list[Json]:
        """Return the pod's events without those of other containers."""
        events = self.events(pod["metadata"]["name"])
        if not container:
            return events
        own = f"{{{container['name']}}}"
        paths = [(event, event.get("involvedObject", {}).get("fieldPath", "")) for event in events]
        return [event for event, path in paths if not path or path.endswith(own)]

    def _latest_event(
        self,
        pod: str,
        reason: str,
        beginning: str | tuple[str, ...] = "",
        events: list[Json] | None = None,
    ) -> str:
        """Return the message of the latest event with that reason, among `events` or else the pod's events."""
        found = [e for e in (self.events(pod) if events is None else events) if e.get("reason") == reason]
        found.sort(key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")
        messages = [e["message"].strip() for e in found if e.get("message", "").startswith(beginning)]
        return messages[-1] if messages else ""


def quoted(log: str, container: str = "") -> str:
    """Return the excerpt of a log for a message, with the name of its container if given."""
    heading, lines = excerpt(log)
    if not lines:
        return ""
    first = (
        message("log.of_container", heading=heading, container=container)
        if container
        else message("log.heading", heading=heading)
    )
    return joined(first, *(f"  | {line}" for line in lines), by="\n")


def _joined(*parts: str) -> str:
    return joined(*filter(None, parts), by="\n")


def condition_of(obj: Json, kind: str) -> Json:
    """Return the status condition of a type, or an empty dict."""
    return next((c for c in obj.get("status", {}).get("conditions", []) if c["type"] == kind), {})


def ready(pod: Json) -> bool:
    """Return whether a pod is ready and not terminating."""
    return condition_of(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]


def restarts(pod: Json) -> int:
    """Return the restarts of a pod's containers, without init containers that end."""
    return sum(container.get("restartCount", 0) for container in _running(pod))


def by_fault(pod: Json) -> list[str]:
    """Return the names of a pod's containers: those that failed first, then the others, init containers last."""
    bad = [one["name"] for one in _containers_of(pod) if _last_end(one).get("exitCode")]
    spec = pod.get("spec", {})
    names = [one["name"] for one in [*spec.get("containers", []), *spec.get("initContainers", [])]]
    return list(dict.fromkeys([*bad, *names]))


def _containers_of(pod: Json) -> list[Json]:
    """Return the status of each container, in the order in which Kubernetes starts them."""
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _running(pod: Json) -> list[Json]:
    """Return the status of each container that runs as long as the pod. That includes sidecars among init containers."""
    sidecars = {
        container["name"]
        for container in pod.get("spec", {}).get("initContainers", [])
        if container.get("restartPolicy") == "Always"
    }
    status = pod.get("status", {})
    started = [one for one in status.get("initContainerStatuses", []) if one["name"] in sidecars]
    return [*status.get("containerStatuses", []), *started]


def _at_fault(containers: list[Json]) -> Json | None:
    """Return the first container that is not ready, or else the first container."""
    return next(
        (one for one in containers if one.get("ready") is False), containers[0] if containers else None
    )


def _last_end(container: Json) -> Json:
    """Return the latest terminated state of a container."""
    now, before = container.get("state", {}), container.get("lastState", {})
    return before.get("terminated") or now.get("terminated") or {}
