# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Slots on Kubernetes: Deployments that are applied server-side, watched, and scaled to zero when they are retired.

The role `slot` applies the release's other objects. Every write here is fenced twice: the lease is renewed just before
it, and the Deployment is written only in the version that was read, and never over a write of a later generation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.slots import (
    access_review,
    diagnosis,
    manifests,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.autoscalers import Autoscalers
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    Condition,
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes_api import (
    NO_LOG,
    Api,
    Json,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.log_excerpt import READ
from ansible_collections.teal.platform.plugins.module_utils.release.slots.manifests import (
    AUTOSCALER,
    DEPLOYMENT,
    GENERATION,
    RELEASE_LABEL,
    SLOT_LABEL,
)
from ansible_collections.teal.platform.plugins.module_utils.release.store import label
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import SLOTS, other

_APPS = "apps/v1"
_BATCH = "batch/v1"
_TRIES = 10
_POLL_INTERVAL = 0.5
_LOG_INTERVAL = 5.0
_TERMINATION_LIMIT = 300.0


class KubernetesSlots:
    """The Deployments `<workload>-blue` and `<workload>-green` of a namespace."""

    def __init__(
        self,
        api: Api,
        workload: str,
        given: list[Json] | None = None,
        replicas: int = 1,
        unschedulable: float = 60.0,
    ) -> None:
        self.api = api
        self.workload = workload
        self.given = given or []
        #: Warnings for the module to print.
        self.warnings: list[str] = []
        self.replicas = replicas
        self.unschedulable = unschedulable
        self.autoscalers = Autoscalers(api, self.name)

    def name(self, slot: str) -> str:
        """Return the name of a slot's Deployment."""
        return f"{self.workload}-{slot}"

    # -- check ------------------------------------------------------------------------------------

    def check(self, slot: str, number: str) -> list[str]:
        """Check the manifests and permissions of a release, and return the permissions. Raises SlotFailed.

        `number` is the release's label, e.g. `r42`.
        """
        objects = self._checked(slot, number)
        needed = list(access_review.ALWAYS)
        for obj in objects:
            plural, namespaced = self.api.plural(obj["apiVersion"], obj["kind"])
            group = obj["apiVersion"].rpartition("/")[0]
            if namespaced:
                # kubernetes.core reads an object before it applies it.
                needed += [("get", group, plural), ("patch", group, plural)]
        if lacks := access_review.missing(self.api, needed):
            rights = ", ".join(lacks)
            raise SlotFailed(
                message("kubernetes.lacks_rights", namespace=self.api.namespace, rights=rights), Cause.RIGHTS
            )
        if any(obj["kind"] == AUTOSCALER for obj in objects):
            for each in SLOTS:
                self.autoscalers.refuse_second(each)
        return [access_review.words(right) for right in dict.fromkeys(needed)]

    # -- start -----------------------------------------------------------------------------------

    def prepare(self, release: dict[str, Any], lease: Lease) -> None:
        """Prepare a slot for a release: delete its autoscaler, stop its pods, delete objects that the release does not have.

        After that the role applies the release's objects, and `bring_up` the Deployment. Raises SlotFailed and
        KubernetesError.
        """
        slot, number = release["slot"], label(release["id"])
        objects = self._checked(slot, number)
        for obj in objects:
            self.api.plural(obj["apiVersion"], obj["kind"])  # raises an error that names an unknown kind
        if any(obj["kind"] == AUTOSCALER for obj in objects):
            self.autoscalers.refuse_second(slot)
        before = self._deployment(slot)
        # The previous release's autoscaler would scale the new Deployment by its own limits.
        self.warnings += self.autoscalers.delete(slot, lease)
        # The objects are listed before they are applied, so that those of an interrupted run are deleted, too.
        announced = manifests.announced(before, objects)
        if not self._stop_other(before, slot, number, lease, announced) and before and announced:
            self._scale(slot, _wanted(before), lease, announced)
        self._delete_left(before, objects, slot, lease)

    def bring_up(self, release: dict[str, Any], lease: Lease, staged: Callable[[int], None]) -> int:
        """See Slots.bring_up. All objects except the Deployment and its autoscaler were applied before."""
        slot, number = release["slot"], label(release["id"])
        objects = self._checked(slot, number)
        own = next(obj for obj in objects if obj["kind"] == DEPLOYMENT)
        before = self._deployment(slot)
        others = _wanted(self._deployment(other(slot)))
        already = _wanted(before) if before and _release_of(before) == number else 0
        replicas = max(self.replicas, _wanted(own), others, already, 1)
        self._stop_other(before, slot, number, lease)
        self._apply_deployment(manifests.with_objects(own, objects), replicas, lease)
        for obj in objects:
            if obj["kind"] == AUTOSCALER:
                scaler = manifests.marked(manifests.patient(obj, replicas, own), slot)
                lease.guard(lambda scaler=scaler: self.api.apply(scaler))
        staged(replicas)
        self._wait_until_ready(slot, number, lease)
        return replicas

    def _checked(self, slot: str, number: str) -> list[Json]:
        return manifests.checked(self.given, self.name(slot), slot, number, self.api.namespace)

    def _stop_other(
        self,
        before: Json | None,
        slot: str,
        number: str,
        lease: Lease,
        annotations: dict[str, str] | None = None,
    ) -> bool:
        """Stop the pods of another release in the slot, and return whether there were any. They have no traffic."""
        if not before or _release_of(before) == number or not _wanted(before):
            return False
        self._scale(slot, 0, lease, annotations)
        self._wait_for_none(slot, lease)
        return True

    def _delete_left(self, before: Json | None, objects: list[Json], slot: str, lease: Lease) -> None:
        """Delete the objects of the slot's previous release that the new release does not have.

        Objects without this slot's label, and objects that the other slot uses, are not deleted.
        """
        beside = self._deployment(other(slot))
        kept = {manifests.key(obj) for obj in objects} | set(manifests.listed(beside))
        used = json.dumps((beside or {}).get("spec"))
        for key in manifests.listed(before):
            version, kind, name = key.split(" ")
            if key in kept or json.dumps(name) in used:
                continue
            try:
                plural, namespaced = self.api.plural(version, kind)
                found = self.api.get(plural, name, version) if namespaced else None
                if found and manifests.is_of(found, slot):
                    lease.guard(
                        lambda plural=plural, name=name, version=version: self.api.delete(
                            plural, name, version
                        )
                    )
            except KubernetesError as error:
                if error.status not in (403, 404):
                    raise
                self.warnings.append(message("kubernetes.not_deleted", kind=kind, name=name, error=error))

    def _apply_deployment(self, obj: Json, replicas: int, lease: Lease) -> None:
        slot = obj["spec"]["template"]["metadata"]["labels"][SLOT_LABEL]
        obj = {**obj, "spec": {**obj["spec"], "replicas": replicas}}
        self._write(slot, lambda version: self.api.apply(manifests.marked(obj, slot, lease, version)), lease)

    def _wait_until_ready(self, slot: str, number: str, lease: Lease) -> None:
        diagnoser = self._diagnosis()
        ready_since: float | None = None
        while True:
            deployment = self._deployment(slot)
            if not deployment or _release_of(deployment) != number:
                lease.confirm()
                raise SlotFailed(message("kubernetes.changed", name=self.name(slot)))
            status = deployment.get("status", {})
            if status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]:
                wanted = _wanted(deployment)
                counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
                if all(status.get(count, 0) == wanted for count in counts):
                    # A terminating pod still answers on connections that the load balancer keeps open.
                    ending = [pod for pod in self._pods(slot, number) if not _bears(pod, number)]
                    if not ending:
                        return
                    ready_since = self.api.clock.steady() if ready_since is None else ready_since
                    if self.api.clock.steady() - ready_since > _TERMINATION_LIMIT:
                        names = ", ".join(pod["metadata"]["name"] for pod in ending)
                        why = message("pods.not_terminating", slot=slot, names=names)
                        raise SlotFailed(
                            str(diagnosis.Verdict(why, diagnoser.lost_nodes(ending))), Cause.NODE
                        )
                    lease.renew_if_due()
                    self.api.clock.sleep(_POLL_INTERVAL)
                    continue
                ready_since = None
                found = diagnoser.verdict(deployment, self._pods(slot, number))
                if found:
                    raise SlotFailed(str(found), found.cause)
            lease.renew_if_due()
            self.api.clock.sleep(_POLL_INTERVAL)

    # -- Jobs --------------------------------------------------------------------------------------

    def run_job(self, objects: list[Json], slot: str, lease: Lease, limit: float) -> None:
        """Apply objects, one of them a Job, and wait up to `limit` seconds for its success. Raises SlotFailed with its log.

        A Job of the same name that has ended is not run again: its result counts. A Job whose pod cannot start is deleted,
        so that it does not start later unexpectedly.
        """
        job = next(obj for obj in objects if obj["kind"] == "Job")
        name = job["metadata"]["name"]
        for obj in objects:
            if obj is not job or not self.api.get("jobs", name, _BATCH):
                lease.guard(lambda obj=obj: self.api.apply(manifests.marked(obj, slot)))
        diagnoser, lines = self._diagnosis(), ""
        read = began = self.api.clock.steady()
        while True:
            found = self.api.get("jobs", name, _BATCH) or {}
            if diagnosis.condition_of(found, "Complete").get("status") == "True":
                return
            failed = diagnosis.condition_of(found, "Failed")
            now = self.api.clock.steady()
            late = now - began > limit
            if failed.get("status") == "True" or late:
                why = failed.get("message") or message("job.late", span=span(limit))
                lines = self._job_log(name, lines)
                text = message("job.failed", name=name, why=why)
                verdict = diagnosis.Verdict(text, diagnosis.quoted(lines))
                raise SlotFailed(str(verdict), Cause.MIGRATION)
            pods = self.api.list("pods", f"job-name={name}", fields="status.phase=Pending")
            blocked = next(filter(None, map(diagnoser.blocker, pods)), None)
            if blocked:
                lease.guard(lambda: self.api.delete("jobs", name, _BATCH))
                raise SlotFailed(message("job.failed", name=name, why=blocked), blocked.cause)
            if now - read > _LOG_INTERVAL:
                # Kubernetes deletes the pod of a Job that exceeded its deadline, and its log with it.
                read, lines = now, self._job_log(name, lines)
            lease.renew_if_due()
            self.api.clock.sleep(_POLL_INTERVAL)

    def _job_log(self, name: str, before: str) -> str:
        """Return the Job's last log lines, or `before` if none can be read."""
        for pod in self.api.list("pods", f"job-name={name}"):
            for container in diagnosis.by_fault(pod):
                if lines := self.api.log(pod["metadata"]["name"], container, READ):
                    return before if before and lines.startswith(NO_LOG) else lines
        return before

    # -- state -----------------------------------------------------------------------------------

    def condition(self, slot: str) -> Condition:
        """See Slots.condition. Only restarts of the current pods count."""
        deployment = self._deployment(slot)
        if not deployment:
            return Condition()
        number = _release_of(deployment)
        pods = [pod for pod in self._pods(slot, number) if _bears(pod, number)]
        notes = [
            joined(pod["metadata"]["name"], why, by=": ") for pod in pods if (why := _why_not_ready(pod))
        ]
        return Condition(
            wanted=_wanted(deployment),
            ready=sum(diagnosis.ready(pod) for pod in pods),
            restarts=sum(diagnosis.restarts(pod) for pod in pods),
            release=number,
            image=deployment["spec"]["template"]["spec"]["containers"][0]["image"],
            notes=notes,
        )

    def explain(self, slot: str) -> str:
        """See Slots.explain. The first pod with a problem is reported."""
        deployment = self._deployment(slot)
        number, diagnoser = _release_of(deployment) if deployment else "", self._diagnosis()
        found = [diagnoser.problem(pod) for pod in self._pods(slot, number) if _bears(pod, number)]
        verdict = next(filter(None, found), None)
        return verdict.explanation if verdict else ""

    # -- scaling ---------------------------------------------------------------------------------

    def keep_size(self, slot: str, lease: Lease) -> None:
        """See Slots.keep_size. Without load the autoscaler would leave too few replicas for a rollback."""
        if wanted := _wanted(self._deployment(slot)):
            self.autoscalers.keep_at_least(slot, wanted, lease)

    def replicas_to_match(self, slot: str) -> int:
        """See Slots.replicas_to_match. A minimum that an autoscaler already has counts as reached."""
        if self.autoscalers.foreign(slot):
            return 0  # a foreign autoscaler decides
        wanted = _wanted(self._deployment(other(slot)))
        least = [scaler["spec"].get("minReplicas", 1) for scaler in self.autoscalers.of(slot)]
        own = max([_wanted(self._deployment(slot)), *least])
        return wanted if 0 < own < wanted else 0

    def replicas_for(self, slot: str, percent: int) -> int:
        """See Slots.replicas_for."""
        return max(1, math.ceil(_wanted(self._deployment(other(slot))) * percent / 100))

    def grow(self, slot: str, replicas: int, lease: Lease) -> None:
        """See Slots.grow."""
        if not self.autoscalers.keep_at_least(slot, replicas, lease):
            self._scale(slot, replicas, lease)

    def restore_limits(self, slot: str, lease: Lease) -> bool:
        """See Slots.restore_limits."""
        return self.autoscalers.restore_limits(slot, lease)

    # -- stop -------------------------------------------------------------------------------------

    def scale_down(self, slot: str, lease: Lease) -> bool:
        """See Slots.scale_down. Pods terminate within their grace period; this does not wait for them."""
        deployment = self._deployment(slot)
        if not deployment or not _wanted(deployment):
            return False
        self.autoscalers.delete(slot, lease)
        self._scale(slot, 0, lease)
        self._prune(lease)
        return True

    def _prune(self, lease: Lease) -> None:
        """Delete ConfigMaps that neither slot uses. The records can recreate them."""
        used = "".join(json.dumps((self._deployment(slot) or {}).get("spec")) for slot in SLOTS)
        for config in self.api.list("configmaps", f"{SLOT_LABEL},app.kubernetes.io/name={self.workload}"):
            name = config["metadata"]["name"]
            if json.dumps(name) not in used and config.get("immutable"):
                lease.guard(lambda name=name: self.api.delete("configmaps", name))

    # -- writing, fenced ----------------------------------------------------------------------------

    def _write(self, slot: str, change: Callable[[str], Json], lease: Lease) -> None:
        """Write the slot's Deployment by `change(resourceVersion)`, unless a later generation has written it."""
        for attempt in range(1, _TRIES + 1):
            found = self._deployment(slot)
            metadata = found["metadata"] if found else {}
            written = int(metadata.get("annotations", {}).get(GENERATION, 0))
            if written > lease.generation:
                lease.confirm()
                raise SlotFailed(
                    message(
                        "kubernetes.other_run",
                        name=self.name(slot),
                        written=written,
                        generation=lease.generation,
                        namespace=self.api.namespace,
                        annotation=GENERATION,
                    )
                )
            version = metadata.get("resourceVersion", "")
            try:
                lease.guard(lambda version=version: change(version))
                return
            except KubernetesError as error:
                if error.status != 409 or attempt == _TRIES:
                    raise
            self.api.clock.sleep(0.1)

    def _scale(
        self, slot: str, replicas: int, lease: Lease, annotations: dict[str, str] | None = None
    ) -> None:
        def change(version: str) -> Json:
            written = {GENERATION: str(lease.generation), **(annotations or {})}
            metadata = {"resourceVersion": version, "annotations": written}
            return self.api.patch(
                "deployments", self.name(slot), {"metadata": metadata, "spec": {"replicas": replicas}}, _APPS
            )

        self._write(slot, change, lease)

    def _wait_for_none(self, slot: str, lease: Lease, limit: float = 120.0) -> None:
        """Wait until no pod of the slot counts as a replica, so that no rollout mixes old and new pods."""
        began = self.api.clock.steady()
        while True:
            deployment = self._deployment(slot)
            status = (deployment or {}).get("status", {})
            if not deployment or (
                status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
                and not status.get("replicas")
            ):
                return
            if self.api.clock.steady() - began > limit:
                raise SlotFailed(
                    message("pods.left", slot=slot, span=span(limit), number=status.get("replicas"))
                )
            lease.renew_if_due()
            self.api.clock.sleep(_POLL_INTERVAL)

    # -- reading ---------------------------------------------------------------------------------

    def _deployment(self, slot: str) -> Json | None:
        return self.api.get("deployments", self.name(slot), _APPS)

    def _pods(self, slot: str, number: str) -> list[Json]:
        """Return the release's pods, and the terminating pods in its slot."""
        pods = self.api.list("pods", f"app.kubernetes.io/name={self.workload},{SLOT_LABEL}={slot}")
        return [pod for pod in pods if _bears(pod, number) or "deletionTimestamp" in pod["metadata"]]

    def _diagnosis(self) -> diagnosis.Diagnosis:
        return diagnosis.Diagnosis(
            self.api.clock, self.api.log, self._events, self._nodes, self.unschedulable
        )

    def _nodes(self) -> list[Json]:
        try:
            return self.api.list("nodes", namespaced=False)
        except KubernetesError:
            return []  # without permission to list nodes, messages do not name them

    def _events(self, pod: str) -> list[Json]:
        try:
            return self.api.list("events", fields=f"involvedObject.name={pod}")
        except KubernetesError:
            return []


def _wanted(deployment: Json | None) -> int:
    return int(deployment["spec"].get("replicas", 1)) if deployment else 0


def _release_of(deployment: Json) -> str:
    return deployment["spec"]["template"]["metadata"].get("labels", {}).get(RELEASE_LABEL, "")


def _bears(pod: Json, number: str) -> bool:
    return pod["metadata"].get("labels", {}).get(RELEASE_LABEL) == number


def _why_not_ready(pod: Json) -> str:
    if diagnosis.ready(pod) or "deletionTimestamp" in pod["metadata"]:
        return ""
    status = pod.get("status", {})
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting:
            reason, restarts = waiting.get("reason", "waiting"), container.get("restartCount", 0)
            return message("pods.waiting", reason=reason, restarts=restarts)
    return diagnosis.condition_of(pod, "Ready").get("message", "") or status.get("phase", "not ready")
