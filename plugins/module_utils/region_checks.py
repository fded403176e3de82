# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks that an account and its region have what an environment needs: zones, and a quota of vCPUs."""

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
#: Families that begin with the letter of a standard family, but have their own quotas.
NOT_STANDARD = ("dl", "hpc", "inf", "mac", "trn")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
NOTHING = "Nothing was created or changed."


def denied_by_organization(error: ClientError) -> bool:
    """Return whether a service control policy of the organization denied a call."""
    return "service control policy" in error.response["Error"]["Message"]


class RegionChecks:
    """Fails the module, with advice, if the region lacks something. A check that AWS denies is skipped."""

    def __init__(self, module: AnsibleAWSModule, region: str) -> None:
        self.module = module
        self.region = region
        self.ec2 = module.client("ec2")

    def refuse(self, message: str) -> NoReturn:
        self.module.fail_json(msg=f"{message} {NOTHING}")

    def zones(self, wanted: list[str], for_eks: bool) -> None:
        """Fail if a zone does not exist in the region, or EKS does not support it."""
        try:
            found = self.ec2.describe_availability_zones()["AvailabilityZones"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in DENIED and denied_by_organization(error):
                self.refuse(
                    f"A service control policy of the organization denies this account EC2 in {self.region} ({code}). "
                    "Ask for the region to be allowed, or set another platform_region."
                )
            if code in DENIED:
                return
            raise
        usable = {
            zone["ZoneName"]: zone.get("ZoneId")
            for zone in found
            if zone.get("ZoneType", "availability-zone") == "availability-zone"
        }
        unsupported = {name for name, identifier in usable.items() if for_eks and identifier in NOT_FOR_EKS}
        names = ", ".join(sorted(usable.keys() - unsupported))
        if missing := [zone for zone in wanted if zone not in usable]:
            self.refuse(
                f"network_zones: {', '.join(missing)} does not exist in {self.region} for this account. "
                f"Its zones are {names}. Set network_zones to at least two of them."
            )
        if found_unsupported := [zone for zone in wanted if zone in unsupported]:
            self.refuse(
                f"network_zones: EKS has no control plane in {', '.join(found_unsupported)}. Set network_zones to at least "
                f"two of {names}."
            )

    def zones_of_nodes(self, wanted: list[str], cluster: str) -> None:
        """Fail if the zones differ from those of the existing node group."""
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
                f"network_zones is {', '.join(wanted)}, but the nodes of {cluster} are in {', '.join(sorted(zones))}. EKS "
                "cannot change the subnets of a node group. Restore network_zones, or destroy the environment first."
            )

    def vcpus(self, nodes: dict[str, Any]) -> None:
        """Fail if new nodes would exceed EC2's quota of vCPUs."""
        kind, count = nodes["instance_type"], nodes["count"]
        quota = QUOTAS[nodes["capacity_type"]]
        if not standard(kind) or self._nodes_exist(nodes["cluster"]):
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
                f"The nodes of {nodes['cluster']} need {needed} vCPUs ({count} x {kind}), but EC2's quota in "
                f"{self.region} leaves {max(0, int(limit) - used)} ({used} of {int(limit)} are in use). Raise the quota "
                f"(aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {quota} --region "
                f"{self.region} --desired-value {used + needed}), or reduce cluster_node_count or "
                "cluster_node_instance_type."
            )

    def _nodes_exist(self, cluster: str) -> bool:
        """Return whether the node group exists, so that its vCPUs are already counted as used."""
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
        """Return the vCPUs of the existing standard instances that count against the quota."""
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
    """Return whether an instance type counts against the quota of standard instances (A, C, D, H, I, M, R, T, Z)."""
    family = re.match(r"[a-z]*", instance_type)[0]  # type: ignore[index]
    return family[:1] in set("acdhimrtz") and family not in NOT_STANDARD
