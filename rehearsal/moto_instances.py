"""The EC2 instances in moto that other parts of the emulator use: cluster nodes, and instances that run the service."""

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
"""Instances that run the service have the addresses `<subnet>.200` to `.239`."""

CONSOLES: dict[str, str] = {}
"""The consoles of instances, by instance id."""

ASG_TAG = "aws:autoscaling:groupName"


def nodes(query: dict[str, str], body: Any) -> dict[str, Any]:
    """GET /rehearsal/nodes: the running instances of all active node groups, oldest first."""
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
    """Return the name of a node group's Auto Scaling group, which its launch template has too."""
    return nodegroup.resources["autoScalingGroups"][0]["name"]


class ServiceInstances:
    """The instances that run the service (their user data names an image) and their local addresses."""

    def __init__(self, subnet: str) -> None:
        self._subnet = subnet
        self._lock = threading.Lock()
        self._ips: dict[str, str] = {}

    def addresses(self, query: dict[str, str], body: Any) -> dict[str, str]:
        """GET /rehearsal/instances: instance id → address."""
        return {service["instance_id"]: service["ip"] for service in self._all()}

    def described(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        """GET /rehearsal/service-instances: the services that `rehearsal.instances` has to run."""
        instances = {instance.id: instance for _, _, instance in _running()}
        return {
            "service_instances": [
                one | programs.unit(user_data(instance)) | {"memory": memory(instance)}
                for one in self._all()
                if (instance := instances.get(one["instance_id"]))
            ]
        }

    def console(self, query: dict[str, str], body: Any) -> dict[str, Any]:
        """POST /rehearsal/console: append text to the console of an instance."""
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
            f"more than {LAST - FIRST + 1} instances run the service: the emulator has no more addresses"
        )


def memory(instance: Instance) -> int:
    """Return the memory of an instance in bytes, by its type."""
    return INSTANCE_TYPES[instance.instance_type]["MemoryInfo"]["SizeInMiB"] * 1024 * 1024


def user_data(instance: Instance) -> str:
    """Return the user data of an instance as text, from its launch template if needed; "" if it has none."""
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
