#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""EC2 launch templates whose default version provisioning keeps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: launch_templates
short_description: Keep the default versions of EC2 launch templates
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Brings the I(default) version of each launch template to what is described. A change makes a new version
    and makes that the default one.
  - Other versions are left alone, so releases can add versions of their own without being undone here.
  - A template with O(tags)' C(Application), C(Environment) and C(Component) that is not described is removed.
options:
  templates:
    description: The templates that should exist.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the template. It is unique in the account and region.
        type: str
        required: true
      data:
        description: What instances are launched with, in the words of EC2's C(RequestLaunchTemplateData).
        type: dict
        required: true
      tags:
        description: More tags of this template.
        type: dict
        default: {}
  state:
    description: V(absent) removes all templates that carry those three tags.
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
- name: Keep the ground of the slots
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
  description: Id and default version of each template, by its name.
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
    """Return `data` with its lists in one order: EC2 may give tags, groups and devices back in another."""
    if isinstance(data, dict):
        return {key: ordered(value) for key, value in data.items()}
    if isinstance(data, list):
        return sorted(map(ordered, data), key=_place)
    return data


def _place(item: Any) -> str:
    """Return by what an item of a list is told from the others."""
    if not isinstance(item, dict):
        return str(item)
    return str([item[key] for key in ("Key", "ResourceType", "DeviceName", "DeviceIndex") if key in item])


def said(wanted: Any, found: Any) -> Any:
    """Return of `found` what `wanted` speaks of: EC2 adds defaults below the settings that were given."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: said(value, found[key]) for key, value in wanted.items() if key in found}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [said(*pair) for pair in zip(wanted, found, strict=True)]
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
        return {"data": {**said(wanted, found["Data"]), **extra}, "tags": self.tags_of(found)}

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
