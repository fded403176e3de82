#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages an IAM OpenID Connect provider."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_oidc_provider
short_description: Manage an IAM OpenID Connect provider, such as GitHub's
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Ensures that the account has an OpenID Connect provider for an issuer, with the wanted audiences.
  - An account has one provider per issuer. Others may use it too, so audiences are never removed.
  - Does not change the tags of a provider that others created, that is, whose tag C(ManagedBy) differs from O(tags).
options:
  url:
    description: URL of the issuer, beginning with C(https://).
    type: str
    required: true
  client_ids:
    description: Accepted audiences of tokens.
    type: list
    elements: str
    default: [sts.amazonaws.com]
  thumbprints:
    description:
      - SHA-1 fingerprints of the issuer's certificate authority. Not managed if not given.
      - AWS verifies well-known issuers, such as GitHub, with its own trust store and needs none.
    type: list
    elements: str
  state:
    description: Whether the provider should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the provider.
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
- name: Trust GitHub's tokens
  teal.platform.iam_oidc_provider:
    url: https://token.actions.githubusercontent.com
    tags:
      ManagedBy: teal.platform
"""

RETURN = r"""
arn:
  description: ARN of the provider.
  type: str
  returned: when it exists
  sample: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)


class OidcProvider(Resource):
    service = "iam"
    kind = "oidc_provider"
    #: the provider that `find` found; audiences that others added remain
    found: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return self.params["url"]

    @property
    def issuer(self) -> str:
        return self.params["url"].removeprefix("https://").rstrip("/")

    def find(self) -> dict | None:
        for provider in self.pages("list_open_id_connect_providers", "OpenIDConnectProviderList"):
            if provider["Arn"].partition(":oidc-provider/")[2] == self.issuer:
                details = self.call("get_open_id_connect_provider", OpenIDConnectProviderArn=provider["Arn"])
                self.found = {**details, "Arn": provider["Arn"]}
        return self.found or None

    def desired(self) -> dict[str, Any]:
        found = self.found
        tags = boto3_tag_list_to_ansible_dict(found.get("Tags", []))
        thumbprints = self.params["thumbprints"]
        return {
            "client_ids": sorted({*found.get("ClientIDList", []), *self.params["client_ids"]}),
            "thumbprints": None if thumbprints is None else sorted(thumbprints),
            "tags": tags if self._of_others(tags) else self.wanted_tags(tags),
        }

    def _of_others(self, tags: dict[str, str]) -> bool:
        owner = (self.params["tags"] or {}).get("ManagedBy")
        return bool(self.found) and owner is not None and tags.get("ManagedBy") != owner

    def current(self, found: dict) -> dict[str, Any]:
        return {
            "client_ids": sorted(found.get("ClientIDList", [])),
            "thumbprints": sorted(found.get("ThumbprintList", [])),
            "tags": boto3_tag_list_to_ansible_dict(found.get("Tags", [])),
        }

    def create(self) -> dict:
        arguments: dict[str, Any] = {"Url": self.params["url"], "ClientIDList": self.params["client_ids"]}
        if self.params["thumbprints"] is not None:
            arguments["ThumbprintList"] = self.params["thumbprints"]
        if self.params["tags"]:
            arguments["Tags"] = ansible_dict_to_boto3_tag_list(self.params["tags"])
        return self.call("create_open_id_connect_provider", **arguments) | {
            "Arn": (self.find() or {}).get("Arn")
        }

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        arn = {"OpenIDConnectProviderArn": found["Arn"]}
        for client_id in set(changes.get("client_ids", [])) - set(found.get("ClientIDList", [])):
            self.call("add_client_id_to_open_id_connect_provider", ClientID=client_id, **arn)
        if "thumbprints" in changes:
            self.call(
                "update_open_id_connect_provider_thumbprint", ThumbprintList=changes["thumbprints"], **arn
            )
        if "tags" in changes:
            gone = self.current(found)["tags"].keys() - changes["tags"].keys()
            if gone:
                self.call("untag_open_id_connect_provider", TagKeys=sorted(gone), **arn)
            tags = ansible_dict_to_boto3_tag_list(changes["tags"])
            self.call("tag_open_id_connect_provider", Tags=tags, **arn)
        return found

    def delete(self, found: dict) -> None:
        self.call("delete_open_id_connect_provider", OpenIDConnectProviderArn=found["Arn"])

    def describe(self, found: dict) -> dict[str, Any]:
        return {"arn": found["Arn"]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "url": {"type": "str", "required": True},
            "client_ids": {"type": "list", "elements": "str", "default": ["sts.amazonaws.com"]},
            "thumbprints": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    if not module.params["url"].startswith("https://"):
        module.fail_json(
            msg=f"url: '{module.params['url']}' is not the URL of an issuer; it must begin with https://"
        )
    OidcProvider(module).run()


if __name__ == "__main__":
    main()
