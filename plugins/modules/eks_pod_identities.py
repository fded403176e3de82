#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages the pod identity associations of an EKS cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_pod_identities
short_description: Manage the pod identity associations of an EKS cluster
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - An association assigns an IAM role to the pods of a service account.
  - Deletes an association that is not in O(associations) if it has the same C(ManagedBy) tag.
options:
  cluster:
    description: Name of the EKS cluster.
    type: str
    required: true
  associations:
    description: The associations, one per service account.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace:
        description: Namespace of the service account.
        type: str
        required: true
      service_account:
        description: Name of the service account. It need not exist yet.
        type: str
        required: true
      role_arn:
        description: ARN of the IAM role. It must trust C(pods.eks.amazonaws.com).
        type: str
        required: true
  state:
    description: V(absent) deletes the associations in O(associations) and those with the same C(ManagedBy) tag.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each association.
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
- name: Assign an IAM role to the pods of the service
  teal.platform.eks_pod_identities:
    cluster: shop-staging
    associations:
      - namespace: shop
        service_account: shop
        role_arn: arn:aws:iam::123456789012:role/shop-staging-service
    tags:
      ManagedBy: teal.platform
"""

RETURN = r"""
associations:
  description: The associations as EKS describes them, by C(<namespace>/<service account>).
  type: dict
  returned: when there are associations
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.eks import NO_CLUSTER, ClusterSet
from ansible_collections.teal.platform.plugins.module_utils.resource import COMMON_ARGUMENTS, AnsibleAWSModule


class EksPodIdentities(ClusterSet):
    kind = "associations"

    def wanted(self) -> dict[str, dict[str, Any]]:
        return {
            f"{one['namespace']}/{one['service_account']}": {"role_arn": one["role_arn"]}
            for one in self.params["associations"]
        }

    def keys(self) -> list[str]:
        listed = self.pages(
            "list_pod_identity_associations", "associations", clusterName=self.name, missing=NO_CLUSTER
        )
        self.ids = {f"{one['namespace']}/{one['serviceAccount']}": one["associationId"] for one in listed}
        return list(self.ids)

    def read(self, key: str) -> dict | None:
        answer = self.call(
            "describe_pod_identity_association",
            clusterName=self.name,
            associationId=self.ids[key],
            missing=NO_CLUSTER,
        )
        return answer and answer["association"]

    def settings(self, found: dict) -> dict[str, Any]:
        return {"role_arn": found["roleArn"]}

    def add(self, key: str, wanted: dict[str, Any]) -> None:
        namespace, account = key.split("/")
        self.call(
            "create_pod_identity_association",
            clusterName=self.name,
            namespace=namespace,
            serviceAccount=account,
            roleArn=wanted["role_arn"],
            tags=wanted["tags"],
        )

    def change(self, key: str, found: dict, wanted: dict[str, Any]) -> None:
        self.call(
            "update_pod_identity_association",
            clusterName=self.name,
            associationId=found["associationId"],
            roleArn=wanted["role_arn"],
        )

    def drop(self, key: str, found: dict) -> None:
        self.call(
            "delete_pod_identity_association",
            clusterName=self.name,
            associationId=found["associationId"],
            missing=NO_CLUSTER,
        )

    def arn(self, found: dict) -> str:
        return found["associationArn"]


def main() -> None:
    association = {
        name: {"type": "str", "required": True} for name in ("namespace", "service_account", "role_arn")
    }
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "cluster": {"type": "str", "required": True},
            "associations": {"type": "list", "elements": "dict", "default": [], "options": association},
        },
        supports_check_mode=True,
    )
    EksPodIdentities(module).run()


if __name__ == "__main__":
    main()
