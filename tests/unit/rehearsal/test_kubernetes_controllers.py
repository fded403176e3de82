"""The controllers without processes: the tests set the state of pods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.kubernetes import patching, times
from rehearsal.kubernetes.addresses import Addresses
from rehearsal.kubernetes.cluster import CONTROLLERS
from rehearsal.kubernetes.cluster_state import ClusterState
from rehearsal.kubernetes.controller_manager import ControllerManager
from rehearsal.kubernetes.deployments import REVISION
from rehearsal.kubernetes.events import EVENTS
from rehearsal.kubernetes.nodes import EVICT_EVERY, Nodes
from rehearsal.kubernetes.objects import condition
from rehearsal.kubernetes.quantities import share
from rehearsal.kubernetes.registry import NAMESPACES
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.settings import Settings
from rehearsal.kubernetes.volume_claims import CLAIMS, DRIVER, VolumeClaims

Json = dict[str, Any]
PODS, DEPLOYMENTS, REPLICASETS, JOBS = (BY_NAME[n] for n in ("pods", "deployments", "replicasets", "jobs"))
BUDGETS = BY_NAME["poddisruptionbudgets"]


class Bench:
    """The controllers of a cluster with two nodes; the tests set the state of pods."""

    def __init__(self) -> None:
        settings = Settings(
            Path("/"), "http://aws.invalid", "127.9.9", "https://api.invalid", first_backoff=0.0
        )
        self.cluster = ClusterState("x", settings, Addresses("127.9.9"), aws=None)  # type: ignore[arg-type]
        self.store, self.registry = self.cluster.store, self.cluster.registry
        self.manager = ControllerManager(self.cluster, CONTROLLERS)
        self.nodes = next(c for c in self.manager.controllers if isinstance(c, Nodes))
        for name in ("default", "x"):
            self.registry.create(NAMESPACES, {"metadata": {"name": name}})
        self.instances = [instance("a", 1), instance("b", 2)]
        self.nodes.update(self.instances)

    async def reconcile(self) -> None:
        """Run the controllers until their queue is empty."""
        await asyncio.sleep(0)
        while not self.manager.idle:
            await asyncio.sleep(0)

    def pods(self, **labels: str) -> list[Json]:
        return self.store.list(
            PODS, "x", lambda p: labels.items() <= (p["metadata"].get("labels") or {}).items()
        )

    def make_ready(self, pod: Json, ready: bool = True) -> None:
        now = self.store.find(PODS, "x", pod["metadata"]["name"])
        if now:
            kept = [c for c in now["status"].get("conditions", []) if c["type"] != "Ready"]
            new = {"type": "Ready", "status": str(ready), "lastTransitionTime": times.now()}
            status = now["status"] | {"phase": "Running", "podIP": "127.9.9.99", "conditions": [*kept, new]}
            self.registry.set_status(PODS, now, status)

    def end(self, pod: Json, phase: str) -> None:
        self.registry.set_status(PODS, pod, pod["status"] | {"phase": phase})

    def remove_deleted_pods(self) -> None:
        """Remove deleted pods from the API, as a kubelet does when their processes have ended."""
        for pod in self.store.list(PODS):
            if "deletionTimestamp" in pod["metadata"]:
                self.registry.finish(PODS, pod)

    def change(self, name: str, **spec: Any) -> None:
        self.registry.patch(DEPLOYMENTS, "x", name, lambda o: patching.strategic(o, {"spec": spec}))

    def deployment(self, name: str = "d") -> Json:
        return self.store.get(DEPLOYMENTS, "x", name)

    def reasons(self, name: str) -> list[str]:
        found = [e for e in self.store.list(EVENTS) if e["involvedObject"]["name"] == name]
        return [e["reason"] for e in found]


def instance(zone: str, number: int, kind: str = "m5.xlarge") -> Json:
    return {
        "instance_id": f"i-{number}",
        "az": f"ap-northeast-2{zone}",
        "nodegroup": "workers",
        "private_dns": f"node-{number}",
        "instance_type": kind,
    }


@pytest.fixture
def run() -> Iterator[Callable[[Callable[[Bench], Any]], None]]:
    """Return a function that runs an async test with a bench."""

    def runner(body: Callable[[Bench], Any]) -> None:
        async def main() -> None:
            bench = Bench()
            await bench.reconcile()
            try:
                await body(bench)
            finally:
                bench.manager.close()

        asyncio.run(main())

    yield runner


def image(tag: str, **more: Any) -> Json:
    return {"spec": {"containers": [{"name": "app", "image": f"app:{tag}"} | more]}}


def deployment(replicas: int = 2, **spec: Any) -> Json:
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}} | image("1")
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template} | spec
    return {"metadata": {"name": "d"}, "spec": spec}


def test_deployment_becomes_available(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(), "x")
        await bench.reconcile()
        made = bench.deployment()
        assert made["metadata"]["annotations"][REVISION] == "1"
        assert made["status"]["observedGeneration"] == 1
        assert made["status"]["replicas"] == made["status"]["unavailableReplicas"] == 2
        assert "readyReplicas" not in made["status"], "zeros are omitted, as in Kubernetes"
        assert condition(made["status"], "Available")["status"] == "False"  # type: ignore[index]
        assert {p["spec"]["nodeName"] for p in bench.pods()} == {"node-1", "node-2"}, "spread over the zones"
        for pod in bench.pods():
            bench.make_ready(pod)
        await bench.reconcile()
        status = bench.deployment()["status"]
        assert (status["readyReplicas"], status["availableReplicas"], status["updatedReplicas"]) == (2, 2, 2)
        assert condition(status, "Progressing")["reason"] == "NewReplicaSetAvailable"  # type: ignore[index]
        assert bench.reasons("d") == ["ScalingReplicaSet"]

    run(body)


@settings(max_examples=40, deadline=None)
@given(
    replicas=st.integers(1, 6),
    surge=st.sampled_from([0, 1, 3, "25%", "100%"]),
    unavailable=st.sampled_from([0, 1, 2, "25%", "50%"]),
    order=st.randoms(use_true_random=False),
)
def test_rollout_respects_surge_and_unavailable(
    replicas: int, surge: Any, unavailable: Any, order: Any
) -> None:
    if str(surge).strip("%") == "0" and str(unavailable).strip("%") == "0":
        return

    async def main() -> None:
        bench = Bench()
        rolling = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
        bench.registry.create(DEPLOYMENTS, deployment(replicas, strategy=rolling), "x")
        await bench.reconcile()
        for pod in bench.pods():
            bench.make_ready(pod)
        await bench.reconcile()
        most = replicas + share(surge, replicas, up=True)
        least = replicas - (share(unavailable, replicas, up=False) or int(most == replicas))
        bench.change("d", template=image("2"))
        for _ in range(100):
            await bench.reconcile()
            sets = bench.store.list(REPLICASETS, "x")
            ready = [
                p
                for p in bench.pods()
                if (condition(p["status"], "Ready") or {}).get("status") == "True"
                and "deletionTimestamp" not in p["metadata"]
            ]
            assert len(ready) >= least
            assert sum(s["spec"]["replicas"] for s in sets) <= most
            unready = [p for p in bench.pods() if p not in ready and "deletionTimestamp" not in p["metadata"]]
            if unready and order.random() < 0.7:
                bench.make_ready(order.choice(unready))
            else:
                bench.remove_deleted_pods()
            if not unready and len(bench.pods()) == replicas:
                break
        images = {p["spec"]["containers"][0]["image"] for p in bench.pods()}
        assert images == {"app:2"} and len(bench.pods()) == replicas
        bench.manager.close()

    asyncio.run(main())


def test_stalled_rollout_exceeds_its_deadline(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(1, progressDeadlineSeconds=1), "x")
        await bench.reconcile()
        while condition(bench.deployment()["status"], "Progressing")["status"] == "True":  # type: ignore[index]
            await asyncio.sleep(0.05)
            await bench.reconcile()
        late = condition(bench.deployment()["status"], "Progressing")
        assert late and late["reason"] == "ProgressDeadlineExceeded"
        bench.make_ready(bench.pods()[0])
        await bench.reconcile()
        progress = condition(bench.deployment()["status"], "Progressing")
        assert progress and progress["reason"] == "NewReplicaSetAvailable", "the pods may still become ready"

    run(body)


def test_refused_pods_are_reported(run: Any) -> None:
    async def body(bench: Bench) -> None:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        bench.registry.patch(
            NAMESPACES, "", "x", lambda o: patching.merge(o, {"metadata": {"labels": labels}})
        )
        bench.registry.create(DEPLOYMENTS, deployment(), "x")
        await bench.reconcile()
        failure = condition(bench.deployment()["status"], "ReplicaFailure")
        assert (
            failure and failure["reason"] == "FailedCreate" and "violates PodSecurity" in failure["message"]
        )

    run(body)


def test_recreate_waits_for_the_old_pods_to_end(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(2, strategy={"type": "Recreate"}), "x")
        await bench.reconcile()
        bench.change("d", template=image("2"))
        await bench.reconcile()
        assert all("deletionTimestamp" in p["metadata"] for p in bench.pods())
        bench.remove_deleted_pods()
        await bench.reconcile()
        assert [p["spec"]["containers"][0]["image"] for p in bench.pods()] == ["app:2", "app:2"]

    run(body)


def test_rollback_reuses_the_old_replica_set(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(1, revisionHistoryLimit=1), "x")
        for tag in ("2", "1", "3", "4"):
            await bench.reconcile()
            for pod in bench.pods():
                bench.make_ready(pod)
            await bench.reconcile()
            bench.remove_deleted_pods()
            await bench.reconcile()
            bench.change("d", template=image(tag))
        await bench.reconcile()
        sets = {s["metadata"]["annotations"][REVISION] for s in bench.store.list(REPLICASETS, "x")}
        assert bench.deployment()["metadata"]["annotations"][REVISION] == "5"
        assert sets <= {"3", "4", "5"} and "5" in sets

    run(body)


def test_paused_deployment_is_scaled_but_not_rolled_out(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(1), "x")
        await bench.reconcile()
        bench.change("d", paused=True)
        bench.change("d", replicas=3, template={"metadata": {"annotations": {"a": "b"}}})
        await bench.reconcile()
        assert len(bench.store.list(REPLICASETS, "x")) == 1

    run(body)


def test_missing_pods_are_replaced_and_scaling_removes_the_least_useful(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(3), "x")
        await bench.reconcile()
        first, second, third = bench.pods()
        bench.make_ready(first)
        bench.make_ready(third)
        bench.registry.delete(PODS, "x", first["metadata"]["name"], {"gracePeriodSeconds": 0})
        await bench.reconcile()
        assert len(bench.pods()) == 3
        bench.change("d", replicas=1)
        await bench.reconcile()
        bench.remove_deleted_pods()
        assert [p["metadata"]["name"] for p in bench.pods()] == [third["metadata"]["name"]]
        assert second not in bench.pods()

    run(body)


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_dependents_are_deleted_with_their_owner(run: Any, policy: str) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(), "x")
        await bench.reconcile()
        bench.registry.delete(DEPLOYMENTS, "x", "d", {"propagationPolicy": policy})
        await bench.reconcile()
        if policy == "Foreground":
            await bench.reconcile()
            assert bench.deployment(), "the deletion waits for all dependents"
        bench.remove_deleted_pods()
        await bench.reconcile()
        assert not [*bench.store.list(REPLICASETS), *bench.store.list(PODS), *bench.store.list(DEPLOYMENTS)]

    run(body)


def test_orphans_are_kept(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(), "x")
        await bench.reconcile()
        bench.registry.delete(DEPLOYMENTS, "x", "d", {"propagationPolicy": "Orphan"})
        await bench.reconcile()
        assert len(bench.pods()) == 2 and len(bench.store.list(REPLICASETS)) == 1

    run(body)


def test_namespace_is_removed_when_empty(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(), "x")
        await bench.reconcile()
        bench.registry.delete(NAMESPACES, "", "x")
        await bench.reconcile()
        assert bench.store.get(NAMESPACES, "", "x")["status"] == {"phase": "Terminating"}
        bench.remove_deleted_pods()
        await bench.reconcile()
        assert bench.store.find(NAMESPACES, "", "x") is None
        assert not [o for _, o in bench.store.all() if o["metadata"].get("namespace") == "x"]

    run(body)


def test_endpoints_follow_readiness_and_deletion(run: Any) -> None:
    def addresses(bench: Bench, part: str = "addresses") -> int:
        subsets = bench.store.get(BY_NAME["endpoints"], "x", "s").get("subsets") or []
        return sum(len(s.get(part) or []) for s in subsets)

    async def body(bench: Bench) -> None:
        ports = [{"port": 80, "targetPort": "http"}]
        service = {"metadata": {"name": "s"}, "spec": {"selector": {"app": "a"}, "ports": ports}}
        bench.registry.create(BY_NAME["services"], service, "x")
        template = {"metadata": {"labels": {"app": "a"}}}
        template |= image("1", ports=[{"name": "http", "containerPort": 8080}])
        bench.registry.create(DEPLOYMENTS, deployment(2, template=template), "x")
        await bench.reconcile()
        assert addresses(bench) == 0
        for pod in bench.pods():
            bench.make_ready(pod)
        await bench.reconcile()
        assert addresses(bench) == 2
        assert bench.store.get(BY_NAME["endpoints"], "x", "s")["subsets"][0]["ports"][0]["port"] == 8080
        bench.make_ready(bench.pods()[0], ready=False)
        await bench.reconcile()
        assert (addresses(bench), addresses(bench, "notReadyAddresses")) == (1, 1)
        bench.make_ready(bench.pods()[0])
        bench.registry.delete(PODS, "x", bench.pods()[1]["metadata"]["name"])
        await bench.reconcile()
        assert addresses(bench) == 1, "a pod that is being deleted gets no new connections"
        slice_ = bench.store.list(BY_NAME["endpointslices"], "x")[0]
        states = [e["conditions"] for e in slice_["endpoints"]]
        assert {"ready": False, "serving": True, "terminating": True} in states
        bench.registry.delete(BY_NAME["services"], "x", "s")
        await bench.reconcile()
        assert not bench.store.list(BY_NAME["endpoints"]) and not bench.store.list(BY_NAME["endpointslices"])

    run(body)


def test_scheduler_reports_reasons(run: Any) -> None:
    async def body(bench: Bench) -> None:
        template = {"metadata": {"labels": {"app": "a"}}} | image("1", resources={"requests": {"cpu": "3"}})
        bench.registry.create(DEPLOYMENTS, deployment(3, template=template), "x")
        await bench.reconcile()
        waiting = [p for p in bench.pods() if "nodeName" not in p["spec"]]
        assert len(waiting) == 1
        why = condition(waiting[0]["status"], "PodScheduled")
        assert why and (why["reason"], why["message"]) == (
            "Unschedulable",
            "0/2 nodes are available: 2 Insufficient cpu.",
        )
        assert "FailedScheduling" in bench.reasons(waiting[0]["metadata"]["name"])
        bench.instances.append(instance("a", 3))
        bench.nodes.update(bench.instances)
        await bench.reconcile()
        assert all("nodeName" in p["spec"] for p in bench.pods()), "the new node has capacity"

    run(body)


def test_required_constraints_are_respected(run: Any) -> None:
    async def body(bench: Bench) -> None:
        rule = {"labelSelector": {"matchLabels": {"app": "a"}}, "topologyKey": "kubernetes.io/hostname"}
        anti = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}
        template = {"metadata": {"labels": {"app": "a"}}} | image("1")
        template["spec"]["affinity"] = anti
        bench.registry.create(DEPLOYMENTS, deployment(3, template=template), "x")
        await bench.reconcile()
        assert sum("nodeName" in p["spec"] for p in bench.pods()) == 2

    run(body)


def test_pods_of_a_removed_node_start_elsewhere(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(DEPLOYMENTS, deployment(2), "x")
        await bench.reconcile()
        assert bench.nodes.addresses() == {"i-1": "127.9.9.1", "i-2": "127.9.9.2"}
        bench.nodes.update(bench.instances[:1])
        await bench.reconcile()
        assert bench.store.find(BY_NAME["nodes"], "", "node-2"), "the node waits for its pods"
        assert [p["spec"]["nodeName"] for p in bench.pods() if "deletionTimestamp" not in p["metadata"]] == [
            "node-1",
            "node-1",
        ]
        bench.remove_deleted_pods()
        await bench.reconcile()
        assert bench.nodes.addresses() == {"i-1": "127.9.9.1"}

    run(body)


def budget(least: int) -> Json:
    selector = {"matchLabels": {"app": "a"}}
    return {"metadata": {"name": "b"}, "spec": {"minAvailable": least, "selector": selector}}


def test_drain_respects_disruption_budgets(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(BUDGETS, budget(2), "x")
        bench.registry.create(DEPLOYMENTS, deployment(2), "x")
        await bench.reconcile()
        for pod in bench.pods():
            bench.make_ready(pod)
        bench.nodes.update(bench.instances[:1])
        await bench.reconcile()
        assert not any("deletionTimestamp" in pod["metadata"] for pod in bench.pods())
        bench.registry.patch(
            BUDGETS, "x", "b", lambda o: patching.strategic(o, {"spec": {"minAvailable": 1}})
        )
        await asyncio.sleep(2 * EVICT_EVERY)
        await bench.reconcile()
        leaving = [pod for pod in bench.pods() if "deletionTimestamp" in pod["metadata"]]
        assert [pod["spec"]["nodeName"] for pod in leaving] == ["node-2"]

    run(body)


def test_drain_ignores_budgets_after_its_patience(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.kubernetes.nodes.PATIENCE", -1)

    async def body(bench: Bench) -> None:
        bench.registry.create(BUDGETS, budget(2), "x")
        bench.registry.create(DEPLOYMENTS, deployment(2), "x")
        await bench.reconcile()
        bench.nodes.update(bench.instances[:1])
        await bench.reconcile()
        assert sum("deletionTimestamp" in pod["metadata"] for pod in bench.pods()) == 1

    run(body)


def job(**spec: Any) -> Json:
    template = image("1")
    template["spec"]["restartPolicy"] = "Never"
    return {"metadata": {"name": "j"}, "spec": {"template": template} | spec}


def test_job_completes(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(JOBS, job(completions=2, parallelism=2), "x")
        await bench.reconcile()
        assert bench.store.get(JOBS, "x", "j")["status"]["active"] == 2
        for pod in bench.pods():
            bench.end(pod, "Succeeded")
            await bench.reconcile()
        status = bench.store.get(JOBS, "x", "j")["status"]
        assert status["succeeded"] == 2 and "completionTime" in status and "active" not in status
        assert condition(status, "Complete")["status"] == "True"  # type: ignore[index]

    run(body)


def test_job_fails_after_its_retries(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(JOBS, job(backoffLimit=1), "x")
        for attempt in (1, 2):
            await bench.reconcile()
            assert len(bench.pods()) == attempt
            for pod in bench.pods():
                bench.end(pod, "Failed")
        await bench.reconcile()
        status = bench.store.get(JOBS, "x", "j")["status"]
        failed = condition(status, "Failed")
        assert failed and failed["reason"] == "BackoffLimitExceeded" and status["failed"] == 2
        assert len(bench.pods()) == 2

    run(body)


def test_budget_counts_allowed_disruptions(run: Any) -> None:
    async def body(bench: Bench) -> None:
        bench.registry.create(BUDGETS, budget(1), "x")
        bench.registry.create(DEPLOYMENTS, deployment(2), "x")
        await bench.reconcile()

        def allowed() -> int:
            return bench.store.get(BUDGETS, "x", "b")["status"]["disruptionsAllowed"]

        assert allowed() == 0
        for pod in bench.pods():
            bench.make_ready(pod)
        await bench.reconcile()
        assert allowed() == 1

    run(body)


def test_pod_waits_for_its_volume(run: Any) -> None:
    """EKS has no volume driver until the add-on is installed."""

    async def body(bench: Bench) -> None:
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        template = {"metadata": {"labels": {"app": "a"}}} | image("1")
        template["spec"]["volumes"] = volumes
        bench.registry.create(DEPLOYMENTS, deployment(1, template=template), "x")
        await bench.reconcile()

        def why() -> str:
            waiting = condition(bench.pods()[0]["status"], "PodScheduled")
            return waiting["message"] if waiting and waiting["status"] == "False" else ""

        assert why() == '0/2 nodes are available: persistentvolumeclaim "data" not found.'
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        bench.registry.create(CLAIMS, {"metadata": {"name": "data"}, "spec": spec}, "x")
        await bench.reconcile()
        assert why() == "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims."
        assert bench.store.get(CLAIMS, "x", "data")["status"] == {"phase": "Pending"}

        bench.cluster.addons.append(DRIVER)
        claims = next(c for c in bench.manager.controllers if isinstance(c, VolumeClaims))
        claims.sync(("x", "data"))
        await bench.reconcile()
        claim = bench.store.get(CLAIMS, "x", "data")
        assert (claim["status"]["phase"], claim["status"]["capacity"]) == ("Bound", {"storage": "1Gi"})
        assert all("nodeName" in pod["spec"] for pod in bench.pods())

    run(body)
