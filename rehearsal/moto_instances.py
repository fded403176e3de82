"""The EC2 instances that the other parts know of: the cluster's nodes, and those that run the service."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance
from moto.eks.models import Nodegroup, eks_backends

from rehearsal import programs
from rehearsal.moto_images import REFERENCE

FIRST, LAST = 200, 239
"""Instances that run the service have the addresses `<subnet>.200` to `.254`."""

CONSOLES: dict[str, str] = {}
"""What instances have written to their consoles, by instance id."""

ASG_TAG = "aws:autoscaling:groupName"


def nodes(query: dict[str, str], body: Any) -> dict[str, Any]:
    """GET /rehearsal/nodes: the running instances of all node groups that are there, oldest first."""
    groups = {
        (account, region, group_name(nodegroup)): nodegroup
        for account, regions in list(eks_backends.items())
        for region, backend in list(regions.items())
        for cluster in list(backend.clusters.values())
        for nodegroup in list(cluster.nodegroups.values())
        if nodegroup.status == "ACTIVE"
    }
    found = []
    for account, region, instance in _running():
        if nodegroup := groups.get((account, region, _tags(instance).get(ASG_TAG))):
            found.append(
                {
                    "instance_id": instance.id,
                    "az": instance.placement.zone,
                    "cluster": nodegroup.cluster_name,
                    "nodegroup": nodegroup.nodegroup_name,
                    "private_dns": instance.private_dns_name,
                    "private_ip": instance.private_ip,
                    "instance_type": instance.instance_type,
                    "labels": nodegroup.labels,
                }
            )
    return {"nodes": found}


def group_name(nodegroup: Nodegroup) -> str:
    """The name of its Auto Scaling group, and of the launch template that EKS makes for it."""
    return nodegroup.resources["autoScalingGroups"][0]["name"]


class StandIns:
    """Which instances run the service (their user data names an image), and where their stand-ins serve."""

    def __init__(self, subnet: str) -> None:
        self._subnet = subnet
        self._lock = threading.Lock()
        self._ips: dict[str, str] = {}

    def addresses(self, query: dict[str, str], body: Any) -> dict[str, str]:
        """GET /rehearsal/instances: instance id → address."""
        return {stand_in["instance_id"]: stand_in["ip"] for stand_in in self._all()}

    def described(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        """GET /rehearsal/stand-ins: what `rehearsal.instances` is to run."""
        instances = {instance.id: instance for _, _, instance in _running()}
        return {
            "stand_ins": [
                one | programs.unit(user_data(instance)) | {"memory": memory(instance)}
                for one in self._all()
                if (instance := instances.get(one["instance_id"]))
            ]
        }

    def console(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        """POST /rehearsal/console: text that an instance writes to its console."""
        CONSOLES[body["instance_id"]] = CONSOLES.get(body["instance_id"], "") + body["text"]
        return {"written": len(body["text"])}

    def _all(self) -> list[dict[str, str]]:
        with self._lock:
            images = {
                instance.id: match.group()
                for _, _, instance in _running()
                if (match := REFERENCE.search(user_data(instance)))
            }
            self._ips = {id_: ip for id_, ip in self._ips.items() if id_ in images}
            for id_ in images.keys() - self._ips.keys():
                self._ips[id_] = self._free()
            return [{"instance_id": i, "ip": self._ips[i], "image": image} for i, image in images.items()]

    def _free(self) -> str:
        for last in range(FIRST, LAST + 1):
            if (ip := f"{self._subnet}.{last}") not in self._ips.values():
                return ip
        raise RuntimeError(
            f"more than {LAST - FIRST + 1} instances run the service: the rehearsal has no more"
        )


def memory(instance: Instance) -> int:
    """Its memory in bytes, by its type."""
    return INSTANCE_TYPES[instance.instance_type]["MemoryInfo"]["SizeInMiB"] * 1024 * 1024


def user_data(instance: Instance) -> str:
    """Its user data as text, from the launch template if it was launched by one; empty if there is none."""
    data = instance.user_data
    if not data and (template := _tags(instance).get("aws:ec2launchtemplate:id")):
        version = _tags(instance)["aws:ec2launchtemplate:version"]
        data = instance.ec2_backend.launch_templates[template].get_version(version).user_data
    if not data:
        return ""
    return base64.b64decode(data if isinstance(data, bytes) else str(data)).decode(errors="replace")


def _running() -> Iterator[tuple[str, str, Instance]]:
    for account, regions in list(ec2_backends.items()):
        for region, backend in list(regions.items()):
            for reservation in list(backend.reservations.values()):
                for instance in list(reservation.instances):
                    if instance.state == "running":
                        yield account, region, instance


def _tags(instance: Instance) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in instance.get_tags()}
