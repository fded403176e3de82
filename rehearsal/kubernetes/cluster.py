"""One cluster: its state, its controllers, its kubelet and its node ports."""

from __future__ import annotations

from rehearsal.kubernetes import rbac
from rehearsal.kubernetes.addresses import Addresses
from rehearsal.kubernetes.aws_client import AwsClient
from rehearsal.kubernetes.cluster_state import ClusterState
from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.controller_manager import ControllerManager
from rehearsal.kubernetes.deployments import Deployments
from rehearsal.kubernetes.disruption_budgets import DisruptionBudgets
from rehearsal.kubernetes.endpoints import Endpoints
from rehearsal.kubernetes.garbage_collector import GarbageCollector
from rehearsal.kubernetes.jobs import Jobs
from rehearsal.kubernetes.kubelet import Kubelet
from rehearsal.kubernetes.namespaces import Namespaces
from rehearsal.kubernetes.nodeports import NodePorts
from rehearsal.kubernetes.nodes import Nodes
from rehearsal.kubernetes.registry import NAMESPACES
from rehearsal.kubernetes.replicasets import ReplicaSets
from rehearsal.kubernetes.scheduler import Scheduler
from rehearsal.kubernetes.settings import Settings
from rehearsal.kubernetes.volume_claims import VolumeClaims

CONTROLLERS: tuple[type[Controller], ...] = (
    Namespaces,
    GarbageCollector,
    Nodes,
    Scheduler,
    Deployments,
    ReplicaSets,
    Jobs,
    Endpoints,
    DisruptionBudgets,
    VolumeClaims,
)


class Cluster(ClusterState):
    """A running cluster. Create it in a running event loop."""

    def __init__(self, name: str, settings: Settings, addresses: Addresses, aws: AwsClient) -> None:
        super().__init__(name, settings, addresses, aws)
        self.kubelet = Kubelet(self)
        self.nodeports = NodePorts(self)
        self.manager = ControllerManager(self, CONTROLLERS)
        self.nodes = next(c for c in self.manager.controllers if isinstance(c, Nodes))
        for namespace in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.registry.create(NAMESPACES, {"metadata": {"name": namespace}})
        for resource, obj in rbac.builtin():
            self.registry.create(resource, obj)

    async def close(self) -> None:
        """Kill the processes of all pods at once."""
        self.manager.close()
        await self.nodeports.close()
        await self.kubelet.close()
