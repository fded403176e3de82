# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What an account and its region must offer before anything is built in them."""

from __future__ import annotations

import re
from typing import Any, NoReturn

try:
    from botocore.exceptions import ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule

#: Zones in which EKS places no control plane, by ID (EKS user guide, "View Amazon EKS networking requirements").
NOT_FOR_EKS = ("cac1-az3", "use1-az3", "usw1-az2")
#: EC2's quotas of vCPUs of standard instances, by EKS's name of how capacity is bought.
QUOTAS = {"ON_DEMAND": "L-1216C47A", "SPOT": "L-34B43A08"}
#: Families that begin with a standard family's letter, and have quotas of their own.
NOT_STANDARD = ("dl", "hpc", "inf", "mac", "trn")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
NOTHING = "Nothing was created or changed."


def denied_by_organization(error: ClientError) -> bool:
    """Say whether a service control policy of the organization refused a call."""
    return "service control policy" in error.response["Error"]["Message"]


class RegionChecks:
    """Asks the region what is needed, and ends the module with what to do if something is missing."""

    def __init__(self, module: AnsibleAWSModule, region: str) -> None:
        self.module = module
        self.region = region
        self.ec2 = module.client("ec2")

    def refuse(self, message: str) -> NoReturn:
        self.module.fail_json(msg=f"{message} {NOTHING}")

    def zones(self, wanted: list[str], for_eks: bool) -> None:
        """Refuse zones that the region lacks, or that are closed to EKS."""
        try:
            found = self.ec2.describe_availability_zones()["AvailabilityZones"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in DENIED and denied_by_organization(error):
                self.refuse(
                    f"EC2 in {self.region} is closed to this account by a service control policy of its organization "
                    f"({code}). Have the region allowed, or set another platform_region."
                )
            if code in DENIED:
                return
            raise
        usable = {
            zone["ZoneName"]: zone.get("ZoneId")
            for zone in found
            if zone.get("ZoneType", "availability-zone") == "availability-zone"
        }
        closed = {name for name, identifier in usable.items() if for_eks and identifier in NOT_FOR_EKS}
        names = ", ".join(sorted(usable.keys() - closed))
        if missing := [zone for zone in wanted if zone not in usable]:
            self.refuse(
                f"network_zones: {', '.join(missing)} does not exist in {self.region} for this account. "
                f"Its zones are {names}. Set network_zones to at least two of them."
            )
        if unfit := [zone for zone in wanted if zone in closed]:
            self.refuse(
                f"network_zones: EKS places no control plane in {', '.join(unfit)}. Set network_zones to at least "
                f"two of {names}."
            )

    def zones_of_nodes(self, wanted: list[str], cluster: str) -> None:
        """Refuse other zones than those of a node group that exists; who may not ask will see."""
        try:
            found = self.module.client("eks").describe_nodegroup(clusterName=cluster, nodegroupName=cluster)
            answer = self.ec2.describe_subnets(SubnetIds=found["nodegroup"]["subnets"])
        except ClientError as error:
            gone = ("ResourceNotFoundException", "InvalidSubnetID.NotFound")
            if error.response["Error"]["Code"] in (*DENIED, *gone):
                return
            raise
        zones = {subnet["AvailabilityZone"] for subnet in answer["Subnets"]}
        if zones != set(wanted):
            self.refuse(
                f"network_zones is {', '.join(wanted)}, and the nodes of {cluster} are in {', '.join(sorted(zones))}. EKS "
                "does not change the subnets of a node group. Set network_zones back, or destroy the environment first."
            )

    def vcpus(self, nodes: dict[str, Any]) -> None:
        """Refuse nodes that are yet to be built and exceed EC2's quota of vCPUs; who may not ask will see."""
        kind, count = nodes["instance_type"], nodes["count"]
        quota = QUOTAS[nodes["capacity_type"]]
        if not standard(kind) or self._stand(nodes["cluster"]):
            return
        try:
            limit = self.module.client("service-quotas").get_service_quota(
                ServiceCode="ec2", QuotaCode=quota
            )["Quota"]["Value"]
        except ClientError as error:
            if error.response["Error"]["Code"] in (*DENIED, "NoSuchResourceException"):
                return
            raise
        needed, used = count * self._vcpus_of(kind), self._used(nodes["capacity_type"])
        if used + needed > limit:
            self.refuse(
                f"The nodes of {nodes['cluster']} need {needed} vCPUs ({count} x {kind}), and EC2's quota in "
                f"{self.region} leaves {max(0, int(limit) - used)} ({used} of {int(limit)} are in use). Raise it (aws "
                f"service-quotas request-service-quota-increase --service-code ec2 --quota-code {quota} --region "
                f"{self.region} --desired-value {used + needed}), or set cluster_node_count or "
                "cluster_node_instance_type lower."
            )

    def _stand(self, cluster: str) -> bool:
        """Say whether the cluster has its nodes already, so that they count as used."""
        try:
            self.module.client("eks").describe_nodegroup(clusterName=cluster, nodegroupName=cluster)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in DENIED or code == "ResourceNotFoundException":
                return code in DENIED
            raise
        return True

    def _vcpus_of(self, kind: str) -> int:
        try:
            (found,) = self.ec2.describe_instance_types(InstanceTypes=[kind])["InstanceTypes"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidInstanceType":
                self.refuse(f"cluster_node_instance_type: EC2 has no {kind} in {self.region}.")
            raise
        return found["VCpuInfo"]["DefaultVCpus"]

    def _used(self, capacity_type: str) -> int:
        """Return the vCPUs of standard instances that count against the quota now."""
        states = {"Name": "instance-state-name", "Values": ["pending", "running"]}
        pages = self.ec2.get_paginator("describe_instances").paginate(Filters=[states])
        return sum(
            cores.get("CoreCount", 1) * cores.get("ThreadsPerCore", 1)
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
            if standard(instance["InstanceType"])
            and (instance.get("InstanceLifecycle") == "spot") == (capacity_type == "SPOT")
            for cores in [instance.get("CpuOptions") or {}]
        )


def standard(instance_type: str) -> bool:
    """Say whether EC2 counts an instance type as a standard one (A, C, D, H, I, M, R, T, Z)."""
    family = re.match(r"[a-z]*", instance_type)[0]  # type: ignore[index]
    return family[:1] in set("acdhimrtz") and family not in NOT_STANDARD
