"""The Job controller: runs pods until enough have succeeded or too many have failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes import times
from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.objects import condition, is_active, is_ready, key_of, owned, owner
from rehearsal.kubernetes.replicasets import pod_of
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Event, Key

Json = dict[str, Any]
JOBS, PODS = BY_NAME["jobs"], BY_NAME["pods"]
SOURCE = "job-controller"


class Jobs(Controller):
    def affected(self, event: Event) -> Iterable[Key]:
        if event.resource is JOBS and event.type != "DELETED":
            yield key_of(event.object)
        elif event.resource is PODS and (key := owner(event.object, "Job")):
            yield key

    def sync(self, key: Key) -> float | None:
        job = self.store.find(JOBS, *key)
        if job is None or "deletionTimestamp" in job["metadata"]:
            return None
        status = job["status"]
        if any(condition(status, kind) for kind in ("Complete", "Failed")):
            return self._expire(job)
        pods = owned(self.store.list(PODS, key[0]), job)
        active = [p for p in pods if is_active(p)]
        succeeded = sum(p["status"].get("phase") == "Succeeded" for p in pods)
        failed = [p for p in pods if p["status"].get("phase") == "Failed"]
        again = None
        conditions: list[Json] = []
        if reason := self._gave_up(job, pods, failed):
            active = self._end(active)
            conditions = [_condition("FailureTarget", *reason), _condition("Failed", *reason)]
            self.events.warning(job, *reason, SOURCE)
        elif succeeded >= (job["spec"].get("completions") or 1):
            active = self._end(active)
            reason = ("CompletionsReached", "Reached expected number of succeeded pods")
            conditions = [_condition("SuccessCriteriaMet", *reason), _condition("Complete", *reason)]
            self.events.normal(job, "Completed", "Job completed", SOURCE)
        elif job["spec"]["suspend"]:
            active = self._end(active)
        else:
            again = self._start(job, len(active), succeeded, failed)
            active = [p for p in owned(self.store.list(PODS, key[0]), job) if is_active(p)]
        numbers = {"active": len(active), "succeeded": succeeded, "failed": len(failed)}
        new: Json = {k: v for k, v in numbers.items() if v}
        new |= {"ready": sum(is_ready(p) for p in active), "terminating": 0, "uncountedTerminatedPods": {}}
        new["startTime"] = status.get("startTime") or times.now()
        if conditions:
            new["conditions"] = conditions
            if conditions[-1]["type"] == "Complete":
                new["completionTime"] = times.now()
        self.registry.set_status(JOBS, job, new)
        deadline = job["spec"].get("activeDeadlineSeconds")
        waits = [again, deadline and not conditions and deadline - times.age(new["startTime"]) + 0.1]
        return min((w for w in waits if w), default=None)

    def _gave_up(self, job: Json, pods: list[Json], failed: list[Json]) -> tuple[str, str] | None:
        spec, started = job["spec"], job["status"].get("startTime")
        restarts = sum(s["restartCount"] for p in pods for s in p["status"].get("containerStatuses") or [])
        onward = spec["template"]["spec"]["restartPolicy"] == "OnFailure"
        if len(failed) > spec["backoffLimit"] or (onward and restarts > spec["backoffLimit"]):
            return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        deadline = spec.get("activeDeadlineSeconds")
        if deadline and started and times.age(started) >= deadline:
            return "DeadlineExceeded", "Job was active longer than specified deadline"
        return None

    def _start(self, job: Json, active: int, succeeded: int, failed: list[Json]) -> float | None:
        """Create the missing pods. After failures, return the seconds to wait first instead."""
        missing = min(job["spec"]["parallelism"], (job["spec"].get("completions") or 1) - succeeded) - active
        if missing > 0 and failed:
            pause = self.cluster.settings.backoff(len(failed))
            left = pause - min(times.age(_ended(p)) for p in failed)
            if left > 0:
                return left
        for _ in range(missing):
            pod = pod_of(job, job["spec"]["template"])
            pod = self.registry.create(PODS, pod, job["metadata"]["namespace"])
            self.events.normal(job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", SOURCE)
        return None

    def _end(self, pods: list[Json]) -> list[Json]:
        for pod in pods:
            self.registry.delete(PODS, *key_of(pod))
        return []

    def _expire(self, job: Json) -> float | None:
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        left = ttl - times.age(job["status"]["conditions"][-1]["lastTransitionTime"])
        if left > 0:
            return left
        self.registry.delete(JOBS, *key_of(job), {"propagationPolicy": "Background"})
        return None


def _condition(kind: str, reason: str, message: str) -> Json:
    now = times.now()
    times_ = {"lastProbeTime": now, "lastTransitionTime": now}
    return {"type": kind, "status": "True", "reason": reason, "message": message} | times_


def _ended(pod: Json) -> str:
    ends = [
        s["state"]["terminated"]["finishedAt"]
        for s in pod["status"].get("containerStatuses") or []
        if "terminated" in s["state"]
    ]
    return max(ends, default=pod["metadata"]["creationTimestamp"])
