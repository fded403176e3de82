"""One cluster: its objects, its controllers, its pods."""

from __future__ import annotations

from typing import Any

from rehearsal.kubernetes import errors, rbac, selectors
from rehearsal.kubernetes.addresses import Addresses
from rehearsal.kubernetes.aws import Aws
from rehearsal.kubernetes.claims import Claims
from rehearsal.kubernetes.deployments import Deployments
from rehearsal.kubernetes.endpoints import Endpoints
from rehearsal.kubernetes.events import Recorder
from rehearsal.kubernetes.housekeeping import BUDGETS, Budgets, Garbage, Namespaces
from rehearsal.kubernetes.jobs import Jobs
from rehearsal.kubernetes.kubelet import Kubelet
from rehearsal.kubernetes.manager import Manager
from rehearsal.kubernetes.nodeports import NodePorts
from rehearsal.kubernetes.nodes import NODES, Nodes
from rehearsal.kubernetes.registry import NAMESPACES, PODS, Registry
from rehearsal.kubernetes.replicasets import ReplicaSets
from rehearsal.kubernetes.scheduler import Scheduler
from rehearsal.kubernetes.settings import Settings
from rehearsal.kubernetes.store import Store

Json = dict[str, Any]


class Cluster:
    """Needs a running event loop from the start."""

    def __init__(self, name: str, settings: Settings, addresses: Addresses, aws: Aws) -> None:
        self.name = name
        self.settings = settings
        self.addresses = addresses
        self.aws = aws
        self.addons: list[str] = []
        self.store = Store()
        self.registry = Registry(self.store)
        self.events = Recorder(self.store)
        self.kubelet = Kubelet(self)
        self.nodeports = NodePorts(self)
        controllers = (
            Namespaces,
            Garbage,
            Nodes,
            Scheduler,
            Deployments,
            ReplicaSets,
            Jobs,
            Endpoints,
            Budgets,
            Claims,
        )
        self.manager = Manager(self, controllers)
        self.nodes = next(c for c in self.manager.controllers if isinstance(c, Nodes))
        for namespace in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.registry.create(NAMESPACES, {"metadata": {"name": namespace}})
        for resource, obj in rbac.builtin():
            self.registry.create(resource, obj)

    async def close(self) -> None:
        """End every pod's processes, at once."""
        self.manager.close()
        await self.nodeports.close()
        await self.kubelet.close()

    def node_address(self, name: str) -> str:
        node = self.store.find(NODES, "", name)
        return node["status"]["addresses"][0]["address"] if node else ""

    def evict(self, namespace: str, name: str, options: Json | None, *, dry_run: bool) -> Json:
        """Delete a pod unless a disruption budget forbids it. Raises ApiError 404 and 429."""
        pod = self.store.get(PODS, namespace, name)
        for budget in self.store.list(BUDGETS, namespace):
            chosen = selectors.matches(budget["spec"].get("selector"), pod["metadata"].get("labels"))
            if chosen and not budget.get("status", {}).get("disruptionsAllowed", 0):
                why = "Cannot evict pod as it would violate the pod's disruption budget."
                raise errors.ApiError(429, "TooManyRequests", why)
        self.registry.delete(PODS, namespace, name, options, dry_run=dry_run)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
