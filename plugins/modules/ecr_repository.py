#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ecr_repository
short_description: Manage an ECR repository with immutable tags
version_added: 0.1.0
description:
  - Manages a repository with immutable tags, scanning on push, encryption, a lifecycle policy and a repository policy.
  - Unlike M(community.aws.ecs_ecr) of community.aws 10.0.0 and 11.2.0, manages tags, supports exclusions from
    immutability, and returns a diff.
author: Teal maintainers (@teal-platform)
options:
  name:
    description: Name of the repository.
    type: str
    required: true
  immutable_tags:
    description: Whether image tags are immutable.
    type: bool
    default: true
  mutable_tags:
    description: Image tags that are excluded from immutability. C(*) matches any characters.
    type: list
    elements: str
    default: []
  scan_on_push:
    description: Whether images are scanned for known vulnerabilities when they are pushed.
    type: bool
    default: true
  encryption:
    description: Encryption of the images. AWS cannot change it later.
    type: str
    choices: [AES256, KMS]
    default: AES256
  kms_key:
    description: ARN of the KMS key with O(encryption=KMS). Empty for the AWS managed key.
    type: str
    default: ""
  lifecycle_policy:
    description: The lifecycle policy. Not managed if not given. An empty one is deleted.
    type: dict
  policy:
    description: The repository policy. Not managed if not given. An empty one is deleted.
    type: dict
  pull_accounts:
    description: IDs of other accounts that may only pull images. Replaces O(policy).
    type: list
    elements: str
    default: []
  state:
    description: Whether the repository should exist. V(absent) also deletes its images.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the repository. C(Name) is added.
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
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows the settings before and after.
    support: full
"""

EXAMPLES = r"""
- name: Create the repository of the service
  teal.platform.ecr_repository:
    name: shop
    lifecycle_policy:
      rules:
        - rulePriority: 1
          description: Keep the last 100 images
          selection: {tagStatus: any, countType: imageCountMoreThan, countNumber: 100}
          action: {type: expire}
"""

RETURN = r"""
arn:
  description: ARN of the repository.
  type: str
  returned: when the repository exists
uri:
  description: URI to push images to and pull them from, without a tag.
  type: str
  returned: when the repository exists
"""

import json
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

NO_POLICY = ["LifecyclePolicyNotFoundException", "RepositoryPolicyNotFoundException"]


class Repository(Resource):
    service = "ecr"
    kind = "repository"
    immutable = frozenset({"encryption", "kms_key"})

    def find(self) -> dict | None:
        answer = self.call(
            "describe_repositories", repositoryNames=[self.name], missing=["RepositoryNotFoundException"]
        )
        if not answer:
            return None
        found = answer["repositories"][0]
        tags = self.call("list_tags_for_resource", resourceArn=found["repositoryArn"])["tags"]
        lifecycle = self.call("get_lifecycle_policy", repositoryName=self.name, missing=NO_POLICY)
        policy = self.call("get_repository_policy", repositoryName=self.name, missing=NO_POLICY)
        return {
            **found,
            "tags": boto3_tag_list_to_ansible_dict(tags),
            "lifecycle": json.loads(lifecycle["lifecyclePolicyText"]) if lifecycle else {},
            "policy": json.loads(policy["policyText"]) if policy else {},
        }

    def desired(self) -> dict[str, Any]:
        tags = self.params["tags"]
        return {
            "immutable_tags": self.params["immutable_tags"],
            "mutable_tags": sorted(self.params["mutable_tags"]) if self.params["immutable_tags"] else [],
            "scan_on_push": self.params["scan_on_push"],
            "encryption": self.params["encryption"],
            "kms_key": self.params["kms_key"] or None,
            "lifecycle_policy": self.params["lifecycle_policy"],
            "policy": self._pull_policy() or self.params["policy"],
            "tags": None if tags is None else {**tags, "Name": self.name},
        }

    def _pull_policy(self) -> dict[str, Any]:
        accounts, partition = self.params["pull_accounts"], self.client.meta.partition
        if not accounts:
            return {}
        statement = {
            "Sid": "PullFromOtherAccounts",
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:{partition}:iam::{account}:root" for account in accounts]},
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    def current(self, found: dict) -> dict[str, Any]:
        return {
            "immutable_tags": found["imageTagMutability"].startswith("IMMUTABLE"),
            "mutable_tags": sorted(
                entry["filter"] for entry in found.get("imageTagMutabilityExclusionFilters") or []
            ),
            "scan_on_push": found.get("imageScanningConfiguration", {}).get("scanOnPush", False),
            "encryption": found.get("encryptionConfiguration", {}).get("encryptionType", "AES256"),
            "kms_key": found.get("encryptionConfiguration", {}).get("kmsKey"),
            "lifecycle_policy": found["lifecycle"],
            "policy": found["policy"],
            "tags": found["tags"],
        }

    def create(self) -> dict:
        wanted = self.desired()
        encryption = {"encryptionType": wanted["encryption"]}
        if self.params["kms_key"]:
            encryption["kmsKey"] = self.params["kms_key"]
        self.call(
            "create_repository",
            repositoryName=self.name,
            **self._mutability(wanted),
            imageScanningConfiguration={"scanOnPush": wanted["scan_on_push"]},
            encryptionConfiguration=encryption,
            tags=ansible_dict_to_boto3_tag_list(wanted["tags"] or {}),
        )
        policies = {key: wanted[key] for key in ("lifecycle_policy", "policy") if wanted[key]}
        return self.update(self.find() or {}, policies)

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        name = {"repositoryName": self.name}
        if changes.keys() & {"immutable_tags", "mutable_tags"}:
            self.call("put_image_tag_mutability", **name, **self._mutability(self.desired()))
        if "scan_on_push" in changes:
            scanning = {"scanOnPush": changes["scan_on_push"]}
            self.call("put_image_scanning_configuration", **name, imageScanningConfiguration=scanning)
        if changes.get("lifecycle_policy"):
            policy = json.dumps(changes["lifecycle_policy"])
            self.call("put_lifecycle_policy", **name, lifecyclePolicyText=policy)
        elif "lifecycle_policy" in changes:
            self.call("delete_lifecycle_policy", **name, missing=NO_POLICY)
        if changes.get("policy"):
            self.call("set_repository_policy", **name, policyText=json.dumps(changes["policy"]))
        elif "policy" in changes:
            self.call("delete_repository_policy", **name, missing=NO_POLICY)
        if "tags" in changes:
            self._sync_tags(found, changes["tags"])
        return found

    @staticmethod
    def _mutability(wanted: dict[str, Any]) -> dict[str, Any]:
        if not wanted["immutable_tags"]:
            return {"imageTagMutability": "MUTABLE"}
        if not wanted["mutable_tags"]:
            return {"imageTagMutability": "IMMUTABLE"}
        return {
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [
                {"filterType": "WILDCARD", "filter": tag} for tag in wanted["mutable_tags"]
            ],
        }

    def _sync_tags(self, found: dict, want: dict[str, str]) -> None:
        arn = found["repositoryArn"]
        extra = sorted(found["tags"].keys() - want.keys())
        if extra:
            self.call("untag_resource", resourceArn=arn, tagKeys=extra)
        self.call("tag_resource", resourceArn=arn, tags=ansible_dict_to_boto3_tag_list(want))

    def delete(self, found: dict) -> None:
        self.call("delete_repository", repositoryName=self.name, force=True)

    def describe(self, found: dict) -> dict[str, Any]:
        return {"arn": found["repositoryArn"], "uri": found["repositoryUri"]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "immutable_tags": {"type": "bool", "default": True},
            "mutable_tags": {"type": "list", "elements": "str", "default": []},
            "scan_on_push": {"type": "bool", "default": True},
            "encryption": {"type": "str", "choices": ["AES256", "KMS"], "default": "AES256"},
            "kms_key": {"type": "str", "default": "", "no_log": False},
            "lifecycle_policy": {"type": "dict"},
            "policy": {"type": "dict"},
            "pull_accounts": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    Repository(module).run()


if __name__ == "__main__":
    main()
