"""The state of a cluster that its controllers, pods and node ports share. It knows none of them."""

from __future__ import annotations

from typing import Any

from rehearsal.kubernetes import errors, selectors
from rehearsal.kubernetes.addresses import Addresses
from rehearsal.kubernetes.aws_client import AwsClient
from rehearsal.kubernetes.events import EventRecorder
from rehearsal.kubernetes.registry import PODS, Registry
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.settings import Settings
from rehearsal.kubernetes.store import Store

Json = dict[str, Any]
NODES, BUDGETS = BY_NAME["nodes"], BY_NAME["poddisruptionbudgets"]


class ClusterState:
    """A cluster's objects, the API's rules for them, its events, addresses and settings."""

    def __init__(self, name: str, settings: Settings, addresses: Addresses, aws: AwsClient) -> None:
        self.name = name
        self.settings = settings
        self.addresses = addresses
        self.aws = aws
        self.addons: list[str] = []
        self.store = Store()
        self.registry = Registry(self.store)
        self.events = EventRecorder(self.store)

    def node_address(self, name: str) -> str:
        """Return the IP address of a node; "" if the node does not exist."""
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
