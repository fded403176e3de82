#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages secrets in Secrets Manager without their values."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secretsmanager_secrets
short_description: Manage secrets in Secrets Manager without their values
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Creates secrets without a value, and never reads or writes a value. C(community.aws.secretsmanager_secret) requires a
    value.
  - Restores a deleted secret, with its value, during its recovery window.
  - Deletes secrets below O(prefix) that are not in O(secrets) and have the tags O(owner_tags).
options:
  prefix:
    description: Prefix of all names.
    type: str
    required: true
  secrets:
    description: The secrets that should exist. An empty list deletes all.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the secret, without O(prefix).
        type: str
        required: true
      description:
        description: Description of the secret.
        type: str
        default: ""
  recovery_days:
    description: Recovery window of a deleted secret, 7 to 30 days. V(0) deletes it immediately.
    type: int
    default: 30
  owner_tags:
    description: Tags that identify these secrets among others below the prefix.
    type: dict
    required: true
  tags:
    description: Additional tags of each secret. Other tags are removed.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create a secret for the API keys of model providers
  teal.platform.secretsmanager_secrets:
    prefix: shop-staging/
    secrets:
      - name: model-api-keys
        description: API keys of the model providers, as JSON
    owner_tags:
      Environment: staging
      Component: secrets
"""

RETURN = r"""
without_value:
  description: Names of the secrets that have no value yet.
  type: list
  elements: str
  returned: always
  sample: [shop-staging/model-api-keys]
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    IGNORED_TAGS,
    AnsibleAWSModule,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet, finish


class Secrets(ResourceSet):
    service = "secretsmanager"
    kind = "secret"

    def __init__(self, module: AnsibleAWSModule) -> None:
        super().__init__(module)
        self._to_restore: set[str] = set()

    def wanted(self) -> dict[str, dict[str, Any]]:
        tags = {**self.params["tags"], **self.params["owner_tags"]}
        return {
            name: {"description": one["description"], "tags": {**tags, "Name": name}}
            for one in self.params["secrets"]
            for name in [self.params["prefix"] + one["name"]]
        }

    def find_all(self) -> dict[str, dict]:
        # A new secret is missing in the list for a while, so the wanted ones are read by name.
        names = {secret["Name"] for secret in self._listed()} | self.wanted().keys()
        described = {
            name: self.call("describe_secret", SecretId=name, missing=["ResourceNotFoundException"])
            for name in sorted(names)
        }
        found = {name: secret for name, secret in described.items() if secret}
        self._to_restore = {name for name, secret in found.items() if secret.get("DeletedDate")}
        return {name: secret for name, secret in found.items() if name not in self._to_restore}

    def _listed(self) -> list[dict]:
        filters = [{"Key": "name", "Values": [self.params["prefix"]]}]
        listed = self.pages("list_secrets", "SecretList", Filters=filters)
        return [
            secret for secret in listed if self.params["owner_tags"].items() <= self._tags(secret).items()
        ]

    @staticmethod
    def _tags(secret: dict) -> dict[str, str]:
        return boto3_tag_list_to_ansible_dict(secret.get("Tags") or [])

    def settings(self, found: dict) -> dict[str, Any]:
        return {"description": found.get("Description", ""), "tags": self._tags(found)}

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        if key in self._to_restore:
            self.call("restore_secret", SecretId=key)
            return self.update_one(key, self.call("describe_secret", SecretId=key), want)
        tags = ansible_dict_to_boto3_tag_list(want["tags"])
        self.call("create_secret", Name=key, Description=want["description"], Tags=tags)
        return self.call("describe_secret", SecretId=key)

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        have = self.settings(found)
        if have["description"] != want["description"]:
            self.call("update_secret", SecretId=key, Description=want["description"])
        extra = have["tags"].keys() - want["tags"].keys()
        if extra:
            self.call("untag_resource", SecretId=key, TagKeys=sorted(extra))
        if have["tags"] != want["tags"]:
            self.call("tag_resource", SecretId=key, Tags=ansible_dict_to_boto3_tag_list(want["tags"]))
        return self.call("describe_secret", SecretId=key)

    def delete_one(self, key: str, found: dict) -> None:
        days = self.params["recovery_days"]
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        self.call("delete_secret", SecretId=key, **how)


def main() -> None:
    secret = {"name": {"type": "str", "required": True}, "description": {"type": "str", "default": ""}}
    module = AnsibleAWSModule(
        argument_spec={
            "prefix": {"type": "str", "required": True},
            "secrets": {
                "type": "list",
                "elements": "dict",
                "options": secret,
                "required": True,
                "no_log": False,
            },
            "recovery_days": {"type": "int", "default": 30},
            "owner_tags": {"type": "dict", "required": True},
            "tags": {"type": "dict", "default": {}},
            "ignored_tags": IGNORED_TAGS,
        },
        supports_check_mode=True,
    )
    secrets = Secrets(module)
    found = secrets.ensure(secrets.wanted())
    secrets.purge()
    empty = [name for name in secrets.after if "VersionIdsToStages" not in found.get(name, {})]
    finish(module, {"secrets": secrets}, without_value=sorted(empty))


if __name__ == "__main__":
    main()
