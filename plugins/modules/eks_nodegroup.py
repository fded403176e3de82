#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages a managed node group of an EKS cluster with a launch template."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_nodegroup
short_description: Manage a node group of an EKS cluster
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Creates a managed node group from a launch template, scales it, and replaces its nodes for a new version of
    Kubernetes, machine image or launch template.
  - Unlike C(community.aws.eks_nodegroup), supports AL2023, and replaces nodes when their launch template has changed.
options:
  cluster:
    description: Name of the EKS cluster.
    type: str
    required: true
  name:
    description: Name of the node group.
    type: str
    required: true
  role_arn:
    description: ARN of the nodes' IAM role. Required to create the node group.
    type: str
  subnet_ids:
    description: Subnets of the nodes. Required to create the node group.
    type: list
    elements: str
  launch_template:
    description: Name of the launch template. Its default version is used. Required to create the node group.
    type: str
  ami_type:
    description: Type of machine image, such as V(AL2023_x86_64_STANDARD) or V(AL2023_ARM_64_STANDARD).
    type: str
    default: AL2023_x86_64_STANDARD
  capacity_type:
    description: Whether the nodes are on-demand or spot instances.
    type: str
    choices: [ON_DEMAND, SPOT]
    default: ON_DEMAND
  version:
    description: Version of Kubernetes, at most the version of the cluster. Not managed if not given.
    type: str
  release_version:
    description:
      - Release of EKS's machine image, such as V(1.35.1-20261101). A change replaces the nodes.
      - If not given, nodes get the newest release on creation, with a new O(version) or launch template, and with
        O(patch).
    type: str
  patch:
    description: Whether nodes are replaced if a newer machine image exists. Ignored with O(release_version).
    type: bool
    default: false
  max_age:
    description: Number of days after which the module warns of the age of the machine image. V(0) disables the warning.
    type: int
    default: 0
  min_size:
    description: Minimum number of nodes.
    type: int
    default: 2
  max_size:
    description: Maximum number of nodes.
    type: int
    default: 4
  desired_size:
    description: Number of nodes. With O(keep_desired_size), only used on creation.
    type: int
    default: 2
  keep_desired_size:
    description: Whether the module leaves the number of existing nodes to a cluster autoscaler.
    type: bool
    default: false
  max_unavailable:
    description: Maximum number of nodes that an update replaces at the same time.
    type: int
    default: 1
  labels:
    description: Kubernetes labels of the nodes.
    type: dict
    default: {}
  state:
    description: Whether the node group should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the node group. The launch template sets the tags of its instances.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Whether to wait until the node group is active, or deleted. Needed for more than one change.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait for each step.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create a node group with two nodes
  teal.platform.eks_nodegroup:
    cluster: shop-staging
    name: workers
    role_arn: arn:aws:iam::123456789012:role/shop-staging-nodes
    subnet_ids: [subnet-0a, subnet-0b]
    launch_template: shop-staging-nodes
"""

RETURN = r"""
nodegroup:
  description: The node group as EKS describes it.
  type: dict
  returned: when it exists
  sample: {"nodegroupName": "workers", "status": "ACTIVE"}
image_age_days:
  description: Age of the nodes' machine image in days, from its release version.
  type: int
  returned: when the release version contains a date
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.eks import NO_CLUSTER, EksResource
from ansible_collections.teal.platform.plugins.module_utils.image_age import (
    age_warning,
    days_since,
    release_date,
)
from ansible_collections.teal.platform.plugins.module_utils.resource import COMMON_ARGUMENTS, AnsibleAWSModule

#: public parameter with the newest release of a machine image
NEWEST = "/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{kind}/recommended/release_version"
KINDS = {
    "AL2023_x86_64_STANDARD": "x86_64/standard",
    "AL2023_ARM_64_STANDARD": "arm64/standard",
    "AL2023_x86_64_NVIDIA": "x86_64/nvidia",
    "AL2023_ARM_64_NVIDIA": "arm64/nvidia",
    "AL2023_x86_64_NEURON": "x86_64/neuron",
}
SIZES = {"min_size": "minSize", "max_size": "maxSize", "desired_size": "desiredSize"}


class EksNodegroup(EksResource):
    kind = "nodegroup"
    status_kind = "EKS node group"
    immutable = frozenset({"role_arn", "subnet_ids", "ami_type", "capacity_type", "launch_template"})

    @property
    def name(self) -> str:
        return f"{self.params['cluster']}/{self.params['name']}"

    @property
    def address(self) -> dict[str, str]:
        return {"clusterName": self.params["cluster"], "nodegroupName": self.params["name"]}

    @property
    def place(self) -> dict[str, str]:
        """Return the arguments of DescribeUpdate that identify the node group."""
        return {"name": self.params["cluster"], "nodegroupName": self.params["name"]}

    def find(self) -> dict | None:
        answer = self.call("describe_nodegroup", missing=NO_CLUSTER, **self.address)
        self.found = answer and answer["nodegroup"]
        return self.found

    def _template_version(self) -> str | None:
        """Return the launch template's default version; None if the template does not exist yet."""
        if not self.params["launch_template"]:
            return None
        answer = self.call(
            "describe_launch_templates",
            client=self.ec2,
            LaunchTemplateNames=[self.params["launch_template"]],
            missing=["InvalidLaunchTemplateName.NotFoundException"] if self.module.check_mode else [],
        )
        return answer and str(answer["LaunchTemplates"][0]["DefaultVersionNumber"])

    def _release(self) -> str | None:
        """Return the wanted release of the machine image, or None for any."""
        pinned, found = self.params["release_version"], self.found
        if pinned or not self.params["patch"] or not found:
            return pinned or None
        kind = KINDS.get(found["amiType"])
        if kind is None:
            self.module.fail_json(
                msg=f"nodegroup '{self.name}': the newest image of {found['amiType']} is not known. Set "
                "cluster_node_release instead of patch_nodes."
            )
        name = NEWEST.format(version=self.params["version"] or found["version"], kind=kind)
        return self.call("get_parameter", client=self.module.client("ssm"), Name=name)["Parameter"]["Value"]

    def desired(self) -> dict[str, Any]:
        subnets = self.params["subnet_ids"]
        found = self.found
        settings = {
            name: self.params[name]
            for name in (
                "role_arn",
                "launch_template",
                "ami_type",
                "capacity_type",
                "version",
                "min_size",
                "max_size",
                "desired_size",
                "max_unavailable",
                "labels",
            )
        }
        if found and self.params["keep_desired_size"]:
            settings["desired_size"] = None
        return {
            **settings,
            "subnet_ids": subnets if subnets is None else sorted(subnets),
            "template_version": self._template_version(),
            "release_version": self._release(),
            "tags": self.wanted_tags((found or {}).get("tags", {})),
        }

    def current(self, found: dict) -> dict[str, Any]:
        template = found.get("launchTemplate") or {}
        return {
            **{name: found["scalingConfig"].get(key) for name, key in SIZES.items()},
            "role_arn": found["nodeRole"],
            "launch_template": template.get("name"),
            "template_version": template.get("version"),
            "ami_type": found["amiType"],
            "capacity_type": found["capacityType"],
            "version": found["version"],
            "release_version": found.get("releaseVersion"),
            "max_unavailable": (found.get("updateConfig") or {}).get("maxUnavailable"),
            "labels": found.get("labels") or {},
            "subnet_ids": sorted(found["subnets"]),
            "tags": found.get("tags", {}),
        }

    def create(self) -> dict:
        for name in ("role_arn", "subnet_ids", "launch_template"):
            if not self.params[name]:
                self.module.fail_json(msg=f"{name} is required to create the node group '{self.name}'")
        want = self.desired()
        version = {"version": want["version"]} if want["version"] else {}
        if want["release_version"]:
            version["releaseVersion"] = want["release_version"]
        self.call(
            "create_nodegroup",
            scalingConfig={key: want[name] for name, key in SIZES.items()},
            subnets=want["subnet_ids"],
            amiType=want["ami_type"],
            capacityType=want["capacity_type"],
            nodeRole=want["role_arn"],
            labels=want["labels"],
            launchTemplate={"name": want["launch_template"], "version": want["template_version"]},
            updateConfig={"maxUnavailable": want["max_unavailable"]},
            tags=want["tags"] or {},
            **version,
            **self.address,
        )
        return self.wait_until_ready()

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        if "tags" in changes:
            self.change_tags(found["nodegroupArn"], found.get("tags", {}), changes["tags"])
        config: dict[str, Any] = {}
        if changes.keys() & SIZES.keys():
            sizes = {**self.current(found), **changes}
            sizes["desired_size"] = min(max(sizes["desired_size"], sizes["min_size"]), sizes["max_size"])
            config["scalingConfig"] = {key: sizes[name] for name, key in SIZES.items()}
        if "max_unavailable" in changes:
            config["updateConfig"] = {"maxUnavailable": changes["max_unavailable"]}
        if "labels" in changes:
            gone = sorted((found.get("labels") or {}).keys() - changes["labels"].keys())
            config["labels"] = {"addOrUpdateLabels": changes["labels"], "removeLabels": gone}
        if config:
            self.step("update_nodegroup_config", self.place, **config, **self.address)
        # One update replaces the nodes for all three changes.
        roll: dict[str, Any] = {}
        if "version" in changes:
            roll["version"] = changes["version"]
        if "template_version" in changes:
            roll["launchTemplate"] = {
                "name": self.params["launch_template"],
                "version": changes["template_version"],
            }
        release = changes.get("release_version") or self.params["release_version"]
        if release and (roll or "release_version" in changes):
            # Without a release, EKS uses the newest.
            roll["releaseVersion"] = release
        if roll:
            # After a failed update, the node group is ACTIVE again with the previous version.
            self.step("update_nodegroup_version", self.place, **roll, **self.address)
        ready = self.wait_until_ready()
        if "template_version" in changes and self.params["wait"]:
            self._delete_old_template_versions(changes["template_version"])
        return ready

    def describe(self, found: dict) -> dict[str, Any]:
        release = found.get("releaseVersion")
        moment = release_date(release)
        days = days_since(moment) if moment else None
        warning = age_warning(
            f"nodegroup '{self.name}'",
            release or "",
            days,
            self.params["max_age"],
            "cluster_node_max_age",
            "To replace the nodes, run playbooks/provision.yml with -e patch_nodes=true or raise cluster_node_release",
        )
        if warning:
            self.module.warn(warning)
        return {"nodegroup": found, **({} if days is None else {"image_age_days": days})}

    def _delete_old_template_versions(self, used: str) -> None:
        """Delete the versions of the launch template that are older than the one in use."""
        template = {"client": self.ec2, "LaunchTemplateName": self.params["launch_template"]}
        # EC2 deletes at most 200 at once. The next change deletes the rest.
        answer = self.call("describe_launch_template_versions", MaxResults=200, **template)
        numbers = [entry["VersionNumber"] for entry in answer["LaunchTemplateVersions"]]
        if old := [str(number) for number in numbers if number < int(used)]:
            self.call("delete_launch_template_versions", Versions=old, **template)

    def delete(self, found: dict) -> None:
        if found["status"] != "DELETING":
            self.call("delete_nodegroup", missing=NO_CLUSTER, **self.address)
        self.wait_until_deleted()


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "cluster": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "role_arn": {"type": "str"},
            "subnet_ids": {"type": "list", "elements": "str"},
            "launch_template": {"type": "str"},
            "ami_type": {"type": "str", "default": "AL2023_x86_64_STANDARD"},
            "capacity_type": {"type": "str", "choices": ["ON_DEMAND", "SPOT"], "default": "ON_DEMAND"},
            "version": {"type": "str"},
            "release_version": {"type": "str"},
            "patch": {"type": "bool", "default": False},
            "max_age": {"type": "int", "default": 0},
            "min_size": {"type": "int", "default": 2},
            "max_size": {"type": "int", "default": 4},
            "desired_size": {"type": "int", "default": 2},
            "keep_desired_size": {"type": "bool", "default": False},
            "max_unavailable": {"type": "int", "default": 1},
            "labels": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    EksNodegroup(module).run()


if __name__ == "__main__":
    main()
