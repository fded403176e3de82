#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages the add-ons of an EKS cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_addons
short_description: Manage the add-ons of an EKS cluster
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Installs, configures and updates EKS add-ons. Starts all changes first, then waits for all of them.
  - Removes an add-on that is not in O(addons) if it has the same C(ManagedBy) tag.
options:
  cluster:
    description: Name of the EKS cluster.
    type: str
    required: true
  addons:
    description: The add-ons.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the add-on.
        type: str
        required: true
      version:
        description:
          - Version of the add-on.
          - If not given, AWS's default version is installed, and remains while it supports the cluster's version.
        type: str
      configuration:
        description: Configuration values, according to the add-on's schema. Not managed if not given.
        type: dict
  state:
    description: V(absent) removes the add-ons in O(addons) and those with the same C(ManagedBy) tag.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each add-on.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Whether to wait until all add-ons are active.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Install the network plugin with network policies
  teal.platform.eks_addons:
    cluster: shop-staging
    addons:
      - name: vpc-cni
        configuration:
          enableNetworkPolicy: "true"
      - name: coredns
    tags:
      ManagedBy: teal.platform
"""

RETURN = r"""
addons:
  description: The add-ons as EKS describes them, by name.
  type: dict
  returned: when there are add-ons
"""

import json
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils import aws_statuses
from ansible_collections.teal.platform.plugins.module_utils.eks import NO_CLUSTER, ClusterSet
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    DELETE_FIRST,
    AnsibleAWSModule,
)


class EksAddons(ClusterSet):
    kind = "addons"
    status_kind = "EKS add-on"

    def wanted(self) -> dict[str, dict[str, Any]]:
        return {
            addon["name"]: {"version": addon["version"], "configuration": addon["configuration"]}
            for addon in self.params["addons"]
        }

    def keys(self) -> list[str]:
        return self.pages("list_addons", "addons", clusterName=self.name, missing=NO_CLUSTER)

    def read(self, key: str) -> dict | None:
        answer = self.call("describe_addon", clusterName=self.name, addonName=key, missing=NO_CLUSTER)
        return answer and answer["addon"]

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "version": found["addonVersion"],
            "configuration": json.loads(found.get("configurationValues") or "{}"),
        }

    def desired(self) -> dict[str, Any]:
        """Add the default version for add-ons whose version no longer supports the cluster's version."""
        settings = super().desired()
        free = [addon["name"] for addon in self.params["addons"] if addon["version"] is None]
        installed = [name for name in free if name in self.found]
        if installed:
            cluster = self.call("describe_cluster", name=self.name)["cluster"]["version"]
            for name in installed:
                versions = self._compatible(name, cluster)
                if versions and settings[name]["version"] not in versions:
                    settings[name]["version"] = versions[0]
        return settings

    def _compatible(self, name: str, cluster: str) -> list[str]:
        """Return the add-on's versions that support the version of the cluster, the default first.

        The query is by name: a filter by owner would miss community add-ons (metrics-server), and there are hundreds.
        """
        which = {"addonName": name, "kubernetesVersion": cluster}
        default: dict[str, bool] = {}
        for addon in self.pages("describe_addon_versions", "addons", **which):
            for version in addon["addonVersions"]:
                here = [one for one in version["compatibilities"] if one["clusterVersion"] == cluster]
                if here:
                    default[version["addonVersion"]] = any(one.get("defaultVersion") for one in here)
        return sorted(default, key=lambda version: not default[version])

    def meaning(self, found: dict) -> str:
        """Return the meaning of all statuses together: in progress before failed before ready."""
        meanings = {aws_statuses.meaning("EKS add-on", addon["status"]) for addon in found.values()}
        order = (aws_statuses.IN_PROGRESS, aws_statuses.FAILED)
        return next((meaning for meaning in order if meaning in meanings), aws_statuses.READY)

    def status(self, found: dict) -> str:
        """Return the add-ons that are not ready, with their statuses and the problems that EKS reports."""
        return "; ".join(
            f"{name} is {addon['status']}{self.issues(addon)}"
            for name, addon in found.items()
            if aws_statuses.meaning("EKS add-on", addon["status"]) != aws_statuses.READY
        )

    def failure(self, found: dict | None) -> str | None:
        if not found or self.meaning(found) != aws_statuses.FAILED:
            return None
        return f"{self.status(found)}.{'' if self.repairable(found) else DELETE_FIRST}"

    def repairable(self, found: dict) -> bool:
        failed = [addon["status"] for addon in found.values()]
        failed = [
            status for status in failed if aws_statuses.meaning("EKS add-on", status) == aws_statuses.FAILED
        ]
        return all(aws_statuses.repairable("EKS add-on", status) for status in failed)

    def _arguments(self, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
        arguments = {"clusterName": self.name, "addonName": key, "resolveConflicts": "OVERWRITE"}
        if wanted["version"] is not None:
            arguments["addonVersion"] = wanted["version"]
        if wanted["configuration"] is not None:
            arguments["configurationValues"] = json.dumps(wanted["configuration"])
        return arguments

    def add(self, key: str, wanted: dict[str, Any]) -> None:
        self.call("create_addon", tags=wanted["tags"], **self._arguments(key, wanted))

    def change(self, key: str, found: dict, wanted: dict[str, Any]) -> None:
        self.call("update_addon", **self._arguments(key, wanted))

    def drop(self, key: str, found: dict) -> None:
        self.call("delete_addon", clusterName=self.name, addonName=key, missing=NO_CLUSTER)

    def arn(self, found: dict) -> str:
        return found["addonArn"]


def main() -> None:
    addon = {
        "name": {"type": "str", "required": True},
        "version": {"type": "str"},
        "configuration": {"type": "dict"},
    }
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "cluster": {"type": "str", "required": True},
            "addons": {"type": "list", "elements": "dict", "default": [], "options": addon},
        },
        supports_check_mode=True,
    )
    EksAddons(module).run()


if __name__ == "__main__":
    main()
