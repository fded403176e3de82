#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages the default versions of EC2 launch templates."""

from __future__ import annotations

DOCUMENTATION = r"""
module: launch_templates
short_description: Manage the default versions of EC2 launch templates
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Manages the I(default) version of each launch template. A change creates a new version and makes it the default.
  - Does not change other versions, so releases can add their own versions.
  - Deletes a template that is not in O(templates) if its tags C(Application), C(Environment) and C(Component) are the
    same as in O(tags).
options:
  templates:
    description: The templates that should exist.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the template, unique in the account and region.
        type: str
        required: true
      data:
        description: Launch template data, in the format of EC2's C(RequestLaunchTemplateData).
        type: dict
        required: true
      tags:
        description: Additional tags of this template.
        type: dict
        default: {}
  state:
    description: V(absent) deletes all templates with these three tags.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each template. C(Name) is added.
    type: dict
    required: true
    aliases: [resource_tags]
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create the launch template of a slot
  teal.platform.launch_templates:
    templates:
      - name: shop-test-blue
        data:
          ImageId: resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
          InstanceType: t3.small
          MetadataOptions:
            HttpTokens: required
    tags:
      Application: shop
      Environment: test
      Component: instance
"""

RETURN = r"""
templates:
  description: ID and default version of each template, by name.
  type: dict
  returned: always
  sample:
    shop-test-blue:
      id: lt-0123456789abcdef0
      version: 1
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import IGNORED_TAGS, AnsibleAWSModule
from ansible_collections.teal.platform.plugins.module_utils.resource_set import EC2Set, finish

OWNED_BY = ("Application", "Environment", "Component")
GONE = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException")


def ordered(data: Any) -> Any:
    """Return `data` with sorted lists, since EC2 returns tags, groups and devices in any order."""
    if isinstance(data, dict):
        return {key: ordered(value) for key, value in data.items()}
    if isinstance(data, list):
        return sorted(map(ordered, data), key=_sort_key)
    return data


def _sort_key(item: Any) -> str:
    """Return the sort key of a list's item."""
    if not isinstance(item, dict):
        return str(item)
    return str([item[key] for key in ("Key", "ResourceType", "DeviceName", "DeviceIndex") if key in item])


def matching_part(wanted: Any, found: Any) -> Any:
    """Return the part of `found` with the keys of `wanted`, since EC2 adds defaults to nested settings."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: matching_part(value, found[key]) for key, value in wanted.items() if key in found}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [matching_part(*pair) for pair in zip(wanted, found, strict=True)]
    return found


class LaunchTemplates(EC2Set):
    kind = "launch_template"
    id_key = "LaunchTemplateId"

    def wanted(self) -> dict[str, dict[str, Any]]:
        return {
            entry["name"]: {
                "data": ordered(entry["data"]),
                "tags": {**self.params["tags"], **entry["tags"], "Name": entry["name"]},
            }
            for entry in self.params["templates"]
        }

    def find_all(self) -> dict[str, dict]:
        filters = [
            {"Name": f"tag:{key}", "Values": [self.params["tags"][key]]}
            for key in OWNED_BY
            if key in self.params["tags"]
        ]
        templates = self.pages("describe_launch_templates", "LaunchTemplates", Filters=filters)
        return {template["LaunchTemplateName"]: self._read(template) for template in templates}

    def _read(self, template: dict) -> dict:
        versions = self.call(
            "describe_launch_template_versions",
            LaunchTemplateId=template["LaunchTemplateId"],
            Versions=["$Default"],
        )["LaunchTemplateVersions"]
        return {**template, "Data": ordered(versions[0]["LaunchTemplateData"])}

    def settings(self, found: dict) -> dict[str, Any]:
        wanted = self.wanted().get(found["LaunchTemplateName"], {}).get("data", {})
        extra = {key: value for key, value in found["Data"].items() if key not in wanted}
        return {"data": {**matching_part(wanted, found["Data"]), **extra}, "tags": self.tags_of(found)}

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        answer = self.call(
            "create_launch_template",
            LaunchTemplateName=key,
            LaunchTemplateData=want["data"],
            TagSpecifications=self.specification("launch-template", want["tags"]),
        )
        return answer["LaunchTemplate"]

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        have = self.settings(found)
        if have["tags"] != want["tags"]:
            self.sync_tags(found, want["tags"])
        if have["data"] == want["data"]:
            return found
        which = {"LaunchTemplateId": found["LaunchTemplateId"]}
        version = self.call("create_launch_template_version", LaunchTemplateData=want["data"], **which)
        number = str(version["LaunchTemplateVersion"]["VersionNumber"])
        return self.call("modify_launch_template", DefaultVersion=number, **which)["LaunchTemplate"]

    def delete_one(self, key: str, found: dict) -> None:
        self.call("delete_launch_template", LaunchTemplateId=found["LaunchTemplateId"], missing=GONE)


def main() -> None:
    template = {
        "name": {"type": "str", "required": True},
        "data": {"type": "dict", "required": True},
        "tags": {"type": "dict", "default": {}},
    }
    module = AnsibleAWSModule(
        argument_spec={
            "templates": {"type": "list", "elements": "dict", "default": [], "options": template},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "required": True, "aliases": ["resource_tags"]},
            "ignored_tags": IGNORED_TAGS,
        },
        supports_check_mode=True,
    )
    templates = LaunchTemplates(module)
    made = templates.ensure(templates.wanted() if module.params["state"] == "present" else {})
    templates.purge()
    result = {
        name: {"id": found["LaunchTemplateId"], "version": found["DefaultVersionNumber"]}
        for name, found in made.items()
    }
    finish(module, {"launch_templates": templates}, templates=result)


if __name__ == "__main__":
    main()
