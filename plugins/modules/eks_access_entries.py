#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages the access entries of an EKS cluster, which give IAM principals access to Kubernetes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_access_entries
short_description: Manage the access entries of an EKS cluster
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - An access entry assigns Kubernetes groups and EKS access policies to an IAM principal.
  - EKS stores the unique ID of the principal. After a principal was deleted and created again under the same ARN, the old
    entry does not work, so an entry that is older than its principal is replaced.
  - Deletes an entry that is not in O(entries) if it has the same C(ManagedBy) tag. Entries that EKS creates for its nodes
    and for the creator of the cluster remain.
options:
  cluster:
    description: Name of the EKS cluster. Its authentication mode must include C(API).
    type: str
    required: true
  entries:
    description: The entries, one per principal.
    type: list
    elements: dict
    default: []
    suboptions:
      principal_arn:
        description: ARN of the IAM role or user.
        type: str
        required: true
      groups:
        description: Kubernetes groups, to which RBAC binds roles.
        type: list
        elements: str
        default: []
      policies:
        description: EKS access policies for the whole cluster, such as V(AmazonEKSClusterAdminPolicy).
        type: list
        elements: str
        default: []
  state:
    description: V(absent) deletes the entries in O(entries) and those with the same C(ManagedBy) tag.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each entry.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Not used. Changes take effect immediately.
    type: bool
    default: true
  wait_timeout:
    description: Not used.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Give QA read access, and the pipeline the right to deploy
  teal.platform.eks_access_entries:
    cluster: shop-staging
    entries:
      - principal_arn: arn:aws:iam::123456789012:role/shop-staging-qa
        groups: [viewers]
      - principal_arn: arn:aws:iam::123456789012:role/shop-staging-deploy
        groups: [deployers]
    tags:
      ManagedBy: teal.platform
"""

RETURN = r"""
entries:
  description: The entries as EKS describes them, with their C(policies), by ARN of the principal.
  type: dict
  returned: when there are entries
"""

from functools import cached_property
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.eks import NO_CLUSTER, ClusterSet
from ansible_collections.teal.platform.plugins.module_utils.resource import COMMON_ARGUMENTS, AnsibleAWSModule


class EksAccessEntries(ClusterSet):
    kind = "entries"

    @cached_property
    def iam(self) -> Any:
        return self.module.client("iam")

    def wanted(self) -> dict[str, dict[str, Any]]:
        return {
            entry["principal_arn"]: {
                "groups": sorted(entry["groups"]),
                "policies": sorted(entry["policies"]),
                "older_than_principal": False,
            }
            for entry in self.params["entries"]
        }

    def keys(self) -> list[str]:
        return self.pages("list_access_entries", "accessEntries", clusterName=self.name, missing=NO_CLUSTER)

    def read(self, key: str) -> dict | None:
        entry = {"clusterName": self.name, "principalArn": key}
        answer = self.call("describe_access_entry", missing=NO_CLUSTER, **entry)
        if not answer:
            return None
        policies = self.pages("list_associated_access_policies", "associatedAccessPolicies", **entry)
        found = {
            **answer["accessEntry"],
            "policies": [policy["policyArn"] for policy in policies],
            "scopes": {policy["policyArn"]: policy.get("accessScope") or {} for policy in policies},
        }
        return {**found, "stale": key in self.wanted() and self._older(found)}

    def _older(self, found: dict) -> bool:
        """Return whether the entry was created before its principal, and so belongs to a deleted one."""
        arn = found["principalArn"]
        if arn.split(":")[4] != found["accessEntryArn"].split(":")[4]:
            return False  # IAM does not describe the roles of another account
        kind, name = arn.split(":", 5)[5].split("/")[0], arn.rsplit("/", 1)[-1]
        if kind not in ("role", "user"):
            return False
        which = {"RoleName": name} if kind == "role" else {"UserName": name}
        unknown = ["NoSuchEntity", "AccessDenied"]
        answer = self.call(f"get_{kind}", client=self.iam, missing=unknown, **which)
        return bool(answer) and answer[kind.capitalize()]["CreateDate"] > found["createdAt"]

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "groups": sorted(found.get("kubernetesGroups", [])),
            "policies": sorted(_named(arn, scope) for arn, scope in found["scopes"].items()),
            "older_than_principal": found["stale"],
        }

    def add(self, key: str, wanted: dict[str, Any]) -> None:
        self.call(
            "create_access_entry",
            clusterName=self.name,
            principalArn=key,
            kubernetesGroups=wanted["groups"],
            tags=wanted["tags"],
        )
        self._change_policies(key, [], wanted["policies"])

    def change(self, key: str, found: dict, wanted: dict[str, Any]) -> None:
        is_now = self.settings(found)
        if found["stale"]:
            self.drop(key, found)
            answer = self.call_with_retry(
                "create_access_entry",
                lambda error: error["Code"] == "ResourceInUseException",
                clusterName=self.name,
                principalArn=key,
                kubernetesGroups=wanted["groups"],
                tags=wanted["tags"],
            )
            found.update(answer["accessEntry"], tags=wanted["tags"])
            self._change_policies(key, [], wanted["policies"])
            return
        if is_now["groups"] != wanted["groups"]:
            self.call(
                "update_access_entry",
                clusterName=self.name,
                principalArn=key,
                kubernetesGroups=wanted["groups"],
            )
        self._change_policies(key, is_now["policies"], wanted["policies"])

    def _change_policies(self, key: str, old: list[str], new: list[str]) -> None:
        entry = {"clusterName": self.name, "principalArn": key}
        # The ARNs of EKS's policies have no account, but the partition of the principal.
        prefix = f"arn:{key.split(':')[1]}:eks::aws:cluster-access-policy"
        for policy in sorted(set(old) - set(new)):
            name = policy.split(" ")[0]
            self.call("disassociate_access_policy", policyArn=f"{prefix}/{name}", **entry)
        for policy in sorted(set(new) - set(old)):
            self.call(
                "associate_access_policy",
                policyArn=f"{prefix}/{policy}",
                accessScope={"type": "cluster"},
                **entry,
            )

    def drop(self, key: str, found: dict) -> None:
        self.call("delete_access_entry", clusterName=self.name, principalArn=key, missing=NO_CLUSTER)

    def arn(self, found: dict) -> str:
        return found["accessEntryArn"]


def _named(arn: str, scope: dict[str, Any]) -> str:
    """Return the name of a policy, with its namespaces if it does not apply to the whole cluster."""
    name = arn.rsplit("/", 1)[-1]
    if scope.get("type", "cluster") == "cluster":
        return name
    return f"{name} in {', '.join(sorted(scope.get('namespaces', [])))}"


def main() -> None:
    entry = {
        "principal_arn": {"type": "str", "required": True},
        "groups": {"type": "list", "elements": "str", "default": []},
        "policies": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "cluster": {"type": "str", "required": True},
            "entries": {"type": "list", "elements": "dict", "default": [], "options": entry},
        },
        supports_check_mode=True,
    )
    EksAccessEntries(module).run()


if __name__ == "__main__":
    main()
