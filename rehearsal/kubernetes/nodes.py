"""The node controller: one node for each running instance of the node groups in EC2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes import times
from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.errors import ApiError
from rehearsal.kubernetes.objects import key_of
from rehearsal.kubernetes.resources import BY_NAME, VERSION
from rehearsal.kubernetes.store import Event, Key

Json = dict[str, Any]
NODES, PODS = BY_NAME["nodes"], BY_NAME["pods"]
SIZES = {
    "t3.medium": ("2", "4Gi", "17"),
    "t3.large": ("2", "8Gi", "35"),
    "m5.large": ("2", "8Gi", "29"),
    "m6i.large": ("2", "8Gi", "29"),
    "m7i.large": ("2", "8Gi", "29"),
}
"""CPUs, memory and pods by instance type; unknown types count as m5.xlarge."""
LEAVING = "node.kubernetes.io/unschedulable"
EVICT_EVERY = 0.2
#: Seconds for which evictions respect disruption budgets; a managed node group does for 15 minutes.
PATIENCE = 60


class Nodes(Controller):
    """Creates nodes for new instances; drains and removes the node of an instance that has ended.

    A managed node group drains a node before its instance ends, but the emulated EC2 ends instances at once. As on
    EKS, the drain respects disruption budgets for a limited time.
    """

    def update(self, instances: list[Json]) -> None:
        """Add and remove nodes to match the instances of this cluster."""
        named = {i["private_dns"]: i for i in instances}
        for name, instance in named.items():
            if not self.store.find(NODES, "", name) and (address := self.cluster.addresses.node()):
                self._join(name, instance, address)
        for node in self.store.list(NODES):
            gone = named.get(node["metadata"]["name"], {}).get("instance_id") != _instance(node)
            if gone and "deletionTimestamp" not in node["metadata"]:
                self.registry.patch(NODES, "", node["metadata"]["name"], _cordon)
                self.registry.delete(NODES, "", node["metadata"]["name"])

    def addresses(self) -> dict[str, str]:
        """Return the addresses of the nodes, by instance id."""
        return {_instance(n): n["status"]["addresses"][0]["address"] for n in self.store.list(NODES)}

    def affected(self, event: Event) -> Iterable[Key]:
        if event.resource is NODES:
            yield key_of(event.object)
            if event.type == "DELETED":
                self.cluster.addresses.release(event.object["status"]["addresses"][0]["address"])
        elif (
            event.resource is PODS
            and event.type == "DELETED"
            and (name := event.object["spec"].get("nodeName"))
        ):
            yield "", name

    def sync(self, key: Key) -> float | None:
        node = self.store.find(NODES, *key)
        if node is not None and "deletionTimestamp" not in node["metadata"]:
            return None
        pods = [p for p in self.store.list(PODS) if p["spec"].get("nodeName") == key[1]]
        if node is None:
            for pod in pods:
                self.registry.delete(PODS, *key_of(pod), {"gracePeriodSeconds": 0})
            return None
        if not pods:
            self.registry.patch(NODES, *key, _remove_finalizers)
            return None
        staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        # Evict one pod at a time, because each eviction changes the disruption budgets.
        next(filter(None, (self._evict(pod, node) for pod in staying)), None)
        return EVICT_EVERY if staying else None

    def _evict(self, pod: Json, node: Json) -> bool:
        """Evict a pod. Return False if a disruption budget forbids it now."""
        if times.age(node["metadata"]["deletionTimestamp"]) > PATIENCE:
            self.registry.delete(PODS, *key_of(pod))
        else:
            try:
                self.cluster.evict(*key_of(pod), None, dry_run=False)
            except ApiError as error:
                if error.code != 429:
                    raise
                return False
        name = "/".join(key_of(pod))
        self.events.normal(pod, "TaintManagerEviction", f"Deleting pod {name}", "taint-eviction")
        return True

    def _join(self, name: str, instance: Json, address: str) -> None:
        zone, kind = instance["az"], instance.get("instance_type", "m5.xlarge")
        cpu, memory, pods = SIZES.get(kind, ("4", "16Gi", "58"))
        capacity = {"cpu": cpu, "memory": memory, "pods": pods, "ephemeral-storage": "20Gi"}
        labels = (instance.get("labels") or {}) | {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "node.kubernetes.io/instance-type": kind,
            "topology.kubernetes.io/region": zone[:-1],
            "topology.kubernetes.io/zone": zone,
            "eks.amazonaws.com/nodegroup": instance["nodegroup"],
        }
        meta = {"name": name, "labels": labels, "finalizers": ["teal.rehearsal/drain"]}
        spec = {"providerID": f"aws:///{zone}/{instance['instance_id']}"}
        node = self.registry.create(NODES, {"metadata": meta, "spec": spec})
        now = times.now()
        states = {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True"}
        reasons = {"Ready": ("KubeletReady", "kubelet is posting ready status")}
        status = {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [
                {
                    "type": kind,
                    "status": state,
                    "reason": reasons.get(kind, (f"KubeletHasNo{kind}", ""))[0],
                    "message": reasons.get(kind, ("", f"kubelet has no {kind}"))[1],
                    "lastHeartbeatTime": now,
                    "lastTransitionTime": now,
                }
                for kind, state in states.items()
            ],
            "nodeInfo": {
                "kubeletVersion": VERSION,
                "kubeProxyVersion": VERSION,
                "osImage": "Teal rehearsal",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "containerRuntimeVersion": "processes://1",
                "kernelVersion": "",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
        }
        self.registry.set_status(NODES, node, status)
        self.events.normal(
            node, "RegisteredNode", f"Node {name} event: Registered Node {name}", "node-controller"
        )


def _instance(node: Json) -> str:
    return node["spec"]["providerID"].rpartition("/")[2]


def _cordon(node: Json) -> Json:
    node["spec"]["unschedulable"] = True
    node["spec"]["taints"] = [{"key": LEAVING, "effect": "NoSchedule", "timeAdded": times.now()}]
    return node


def _remove_finalizers(node: Json) -> Json:
    node["metadata"].pop("finalizers", None)
    return node
