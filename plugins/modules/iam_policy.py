#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""A managed policy of IAM, found without listing AWS's own thousand."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_policy
short_description: A managed policy of IAM
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Keeps a customer managed policy with one version, the present one.
  - Looks under O(path) alone, which takes one call; C(amazon.aws.iam_managed_policy) lists all policies of AWS.
options:
  name:
    description: Name of the policy.
    type: str
    required: true
  path:
    description: The IAM path, beginning and ending with C(/).
    type: str
    default: /
  description:
    description: What the policy is for. AWS cannot change it later, so it is given when the policy is made.
    type: str
    default: ""
  document:
    description: The policy, a dictionary or JSON. Needed to make it.
    type: dict
  state:
    description: Whether the policy should exist. One that is still attached is not removed.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the policy.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Has no effect, since nothing has to be waited for.
    type: bool
    default: true
  wait_timeout:
    description: Has no effect, since nothing has to be waited for.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Bound what any role of the environment can ever do
  teal.platform.iam_policy:
    name: shop-staging-boundary
    path: /shop-staging/
    document:
      Version: "2012-10-17"
      Statement:
        - {Effect: Allow, Action: "s3:*", Resource: "*"}
"""

RETURN = r"""
arn:
  description: ARN of the policy.
  type: str
  returned: when it exists
  sample: arn:aws:iam::123456789012:policy/shop-staging/shop-staging-boundary
"""

import json
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.iam import canonical
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)


class IamPolicy(Resource):
    service = "iam"
    kind = "policy"

    def find(self) -> dict | None:
        self.found = None
        under = {"Scope": "Local", "PathPrefix": self.params["path"]}
        for listed in self.pages("list_policies", "Policies", **under):
            if listed["PolicyName"] == self.name and listed["Path"] == self.params["path"]:
                self.found = self._read(listed["Arn"])
        return self.found

    def _read(self, arn: str) -> dict | None:
        """Return a policy with its document, or None if it is gone already and still listed."""
        answer = self.call("get_policy", PolicyArn=arn, missing=["NoSuchEntity"])
        if answer is None:
            return None
        policy = answer["Policy"]
        version = self.call("get_policy_version", PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        return {**policy, "Document": version["PolicyVersion"]["Document"]}

    def desired(self) -> dict[str, Any]:
        tags = boto3_tag_list_to_ansible_dict(self.found.get("Tags", [])) if self.found else {}
        return {"document": canonical(self.params["document"]), "tags": self.wanted_tags(tags)}

    def current(self, found: dict) -> dict[str, Any]:
        tags = boto3_tag_list_to_ansible_dict(found.get("Tags", []))
        return {"document": canonical(found["Document"]), "tags": tags}

    def create(self) -> dict:
        self.call(
            "create_policy",
            PolicyName=self.name,
            Path=self.params["path"],
            Description=self.params["description"],
            PolicyDocument=json.dumps(self.params["document"]),
            Tags=ansible_dict_to_boto3_tag_list(self.params["tags"] or {}),
        )
        return self.wait_listed()

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        policy = {"PolicyArn": found["Arn"]}
        if "document" in changes:
            # IAM keeps five versions at most; an earlier run may have been killed between these calls.
            self._drop_versions(found)
            self.call(
                "create_policy_version",
                PolicyDocument=json.dumps(self.params["document"]),
                SetAsDefault=True,
                **policy,
            )
            self._drop_versions(found)
        if "tags" in changes:
            old = self.current(found)["tags"]
            gone = sorted(old.keys() - changes["tags"].keys())
            if gone:
                self.call("untag_policy", TagKeys=gone, **policy)
            self.call("tag_policy", Tags=ansible_dict_to_boto3_tag_list(changes["tags"]), **policy)
        return found

    def _drop_versions(self, found: dict) -> None:
        """Remove all versions but the one that is in force."""
        for version in self.pages("list_policy_versions", "Versions", PolicyArn=found["Arn"]):
            if not version["IsDefaultVersion"]:
                self.call(
                    "delete_policy_version",
                    PolicyArn=found["Arn"],
                    VersionId=version["VersionId"],
                    missing=["NoSuchEntity"],
                )

    def delete(self, found: dict) -> None:
        self._drop_versions(found)
        self.call("delete_policy", PolicyArn=found["Arn"], missing=["NoSuchEntity"])

    def describe(self, found: dict) -> dict[str, Any]:
        return {"arn": found["Arn"]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "path": {"type": "str", "default": "/"},
            "description": {"type": "str", "default": ""},
            "document": {"type": "dict"},
        },
        required_if=[("state", "present", ["document"])],
        supports_check_mode=True,
    )
    IamPolicy(module).run()


if __name__ == "__main__":
    main()
