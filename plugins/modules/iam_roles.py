#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""All IAM roles of an environment, by their path."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_roles
short_description: Keep the IAM roles under a path exactly as they are described
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Brings all roles under an IAM path, with their policies and instance profiles, to what is described.
  - A role under the path that is not described is removed, with its instance profile.
    So the path belongs to one caller.
options:
  path:
    description: The IAM path, beginning and ending with C(/). Roles of other paths are never touched.
    type: str
    required: true
  roles:
    description: The roles that should exist under the path.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the role. It is unique in the account.
        type: str
        required: true
      needed:
        description: Whether the role should exist.
        type: bool
        default: true
      description:
        description: What the role is for.
        type: str
        default: ""
      trust:
        description: The trust policy, that says who may take the role.
        type: dict
        required: true
      policies:
        description: Inline policies by their name, each a dictionary or JSON.
        type: dict
        default: {}
      managed_policies:
        description: ARNs of the managed policies that are attached.
        type: list
        elements: str
        default: []
      instance_profile:
        description: Whether an instance profile of the same name holds the role.
        type: bool
        default: false
  boundary:
    description: ARN of the permissions boundary of every role. Not managed if not given.
    type: str
  state:
    description: V(absent) removes all roles and instance profiles under the path.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each role. C(Name) is added.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Not used. IAM acts at once.
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
- name: Make the roles of an environment
  teal.platform.iam_roles:
    path: /shop-staging/
    boundary: arn:aws:iam::123456789012:policy/shop-staging/shop-staging-boundary
    roles:
      - name: shop-staging-bastion
        description: The bastion host
        instance_profile: true
        managed_policies:
          - arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore
        trust:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: sts:AssumeRole
              Principal:
                Service: ec2.amazonaws.com
"""

RETURN = r"""
roles:
  description: ARN of each role, by its name.
  type: dict
  returned: when there are roles
  sample:
    shop-staging-bastion: arn:aws:iam::123456789012:role/shop-staging/shop-staging-bastion
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


class IamRoles(Resource):
    service = "iam"
    kind = "roles"

    def __init__(self, module: AnsibleAWSModule) -> None:
        super().__init__(module)
        self.wanted: dict[str, dict] = {role["name"]: role for role in self.params["roles"] if role["needed"]}
        for name, role in self.wanted.items():
            role["policies"] = {
                key: self._document(name, key, text) for key, text in role["policies"].items()
            }

    def _document(self, role: str, policy: str, text: Any) -> dict:
        """Return a policy given as a dict, or as JSON."""
        try:
            return text if isinstance(text, dict) else json.loads(text)
        except (TypeError, ValueError) as error:
            self.module.fail_json(msg=f"roles: policy '{policy}' of role '{role}' is no JSON: {error}")

    @property
    def name(self) -> str:
        return self.params["path"]

    def find(self) -> dict | None:
        path = {"PathPrefix": self.params["path"]}
        names = [role["RoleName"] for role in self.pages("list_roles", "Roles", **path)]
        profiles = {
            profile["InstanceProfileName"]: [role["RoleName"] for role in profile["Roles"]]
            for profile in self.pages("list_instance_profiles", "InstanceProfiles", **path)
        }
        roles = {name: role for name in names if (role := self._read(name))}
        self.found = {"roles": roles, "profiles": profiles}
        return self.found if roles or profiles else None

    def _read(self, name: str) -> dict[str, Any] | None:
        """Return a role with its policies, or None if it is gone already and still listed."""
        answer = self.call("get_role", RoleName=name, missing=["NoSuchEntity"])
        if answer is None:
            return None
        policies = self.pages("list_role_policies", "PolicyNames", RoleName=name)
        attached = self.pages("list_attached_role_policies", "AttachedPolicies", RoleName=name)
        return {
            **answer["Role"],
            "Inline": {
                policy: self.call("get_role_policy", RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in policies
            },
            "Managed": [policy["PolicyArn"] for policy in attached],
        }

    def current(self, found: dict) -> dict[str, Any]:
        settings: dict[str, Any] = {name: {} for name in found["profiles"]}
        for name, role in found["roles"].items():
            settings[name] = {
                "description": role.get("Description", ""),
                "trust": canonical(role["AssumeRolePolicyDocument"]),
                "policies": {key: canonical(policy) for key, policy in role["Inline"].items()},
                "managed_policies": sorted(role["Managed"]),
                "instance_profile": found["profiles"].get(name) == [name],
                "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
                "tags": boto3_tag_list_to_ansible_dict(role.get("Tags", [])),
            }
        return settings

    def desired(self) -> dict[str, Any]:
        existing = self.current(self.found)
        # An empty value stands for a role that goes.
        settings: dict[str, Any] = {name: {} for name in existing}
        for name, role in self.wanted.items():
            old = existing.get(name, {})
            tags = self.wanted_tags(old.get("tags", {}))
            settings[name] = {
                "description": role["description"],
                "trust": canonical(role["trust"]),
                "policies": {key: canonical(policy) for key, policy in role["policies"].items()},
                "managed_policies": sorted(role["managed_policies"]),
                "instance_profile": role["instance_profile"],
                "boundary": self.params["boundary"] or old.get("boundary"),
                "tags": old.get("tags", {}) if tags is None else {**tags, "Name": name},
            }
        return settings

    def create(self) -> dict:
        return self.update(self.found, self.desired())

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        current = self.current(found)
        for name, wanted in changes.items():
            if not wanted:
                self._delete_profile(name)
                self._delete_role(name)
                continue
            if name not in found["roles"]:
                self._create_role(name, wanted)
                old = wanted | {"policies": {}, "managed_policies": [], "instance_profile": False}
            else:
                old = current[name]
            self._change_role(name, old, wanted)
        return self.wait_until(self._complete, "listed", delay=1.0) or {"roles": {}, "profiles": {}}

    def _complete(self, found: dict | None) -> bool:
        """Return whether IAM's lists, by which others find the roles, name all that is wanted."""
        profiles = {name for name, role in self.wanted.items() if role["instance_profile"]}
        listed = found or {"roles": {}, "profiles": {}}
        return listed["roles"].keys() >= self.wanted.keys() and listed["profiles"].keys() >= profiles

    def _keep(self, operation: str, **arguments: Any) -> None:
        """Call `operation` on a role that may just have been made: IAM may not know it everywhere yet."""
        self.call_patiently(operation, lambda error: error["Code"] == "NoSuchEntity", **arguments)

    def _create_role(self, name: str, wanted: dict[str, Any]) -> None:
        boundary = {"PermissionsBoundary": wanted["boundary"]} if wanted["boundary"] else {}
        # Its boundary may be as new.
        self._keep(
            "create_role",
            RoleName=name,
            Path=self.params["path"],
            Description=wanted["description"],
            AssumeRolePolicyDocument=json.dumps(self.wanted[name]["trust"]),
            Tags=ansible_dict_to_boto3_tag_list(wanted["tags"]),
            **boundary,
        )

    def _change_role(self, name: str, old: dict[str, Any], wanted: dict[str, Any]) -> None:
        role = {"RoleName": name}
        # The boundary first: a role never gets more rights before it is bounded.
        if old["boundary"] != wanted["boundary"]:
            self._keep("put_role_permissions_boundary", PermissionsBoundary=wanted["boundary"], **role)
        if old["description"] != wanted["description"]:
            self.call("update_role", Description=wanted["description"], **role)
        if old["trust"] != wanted["trust"]:
            document = json.dumps(self.wanted[name]["trust"])
            self.call("update_assume_role_policy", PolicyDocument=document, **role)
        for policy in sorted(old["policies"].keys() - wanted["policies"].keys()):
            self.call("delete_role_policy", PolicyName=policy, missing=["NoSuchEntity"], **role)
        for policy, document in wanted["policies"].items():
            if old["policies"].get(policy) != document:
                text = json.dumps(self.wanted[name]["policies"][policy], separators=(",", ":"))
                self._keep("put_role_policy", PolicyName=policy, PolicyDocument=text, **role)
        for arn in sorted(set(old["managed_policies"]) - set(wanted["managed_policies"])):
            self.call("detach_role_policy", PolicyArn=arn, missing=["NoSuchEntity"], **role)
        for arn in sorted(set(wanted["managed_policies"]) - set(old["managed_policies"])):
            self._keep("attach_role_policy", PolicyArn=arn, **role)
        gone = sorted(old["tags"].keys() - wanted["tags"].keys())
        if gone:
            self.call("untag_role", TagKeys=gone, **role)
        if old["tags"] != wanted["tags"]:
            self._keep("tag_role", Tags=ansible_dict_to_boto3_tag_list(wanted["tags"]), **role)
        if old["instance_profile"] != wanted["instance_profile"]:
            if wanted["instance_profile"]:
                self._create_profile(name, wanted["tags"])
            else:
                self._delete_profile(name)

    def _create_profile(self, name: str, tags: dict[str, str]) -> None:
        if name not in self.found["profiles"]:
            self.call(
                "create_instance_profile",
                InstanceProfileName=name,
                Path=self.params["path"],
                Tags=ansible_dict_to_boto3_tag_list(tags),
            )
        self._keep("add_role_to_instance_profile", InstanceProfileName=name, RoleName=name)

    def _delete_profile(self, name: str) -> None:
        if name not in self.found["profiles"]:
            return
        for role in self.found["profiles"][name]:
            self.call("remove_role_from_instance_profile", InstanceProfileName=name, RoleName=role)
        self.call("delete_instance_profile", InstanceProfileName=name, missing=["NoSuchEntity"])

    def _delete_role(self, name: str) -> None:
        role = self.found["roles"].get(name)
        if role is None:
            return
        for arn in role["Managed"]:
            self.call("detach_role_policy", RoleName=name, PolicyArn=arn, missing=["NoSuchEntity"])
        for policy in role["Inline"]:
            self.call("delete_role_policy", RoleName=name, PolicyName=policy, missing=["NoSuchEntity"])
        self.call("delete_role", RoleName=name, missing=["NoSuchEntity"])

    def delete(self, found: dict) -> None:
        for name in found["profiles"]:
            self._delete_profile(name)
        for name in found["roles"]:
            self._delete_role(name)

    def describe(self, found: dict) -> dict[str, Any]:
        return {"roles": {name: role["Arn"] for name, role in found["roles"].items()}}


def main() -> None:
    role = {
        "name": {"type": "str", "required": True},
        "needed": {"type": "bool", "default": True},
        "description": {"type": "str", "default": ""},
        "trust": {"type": "dict", "required": True},
        "policies": {"type": "dict", "default": {}},
        "managed_policies": {"type": "list", "elements": "str", "default": []},
        "instance_profile": {"type": "bool", "default": False},
    }
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "path": {"type": "str", "required": True},
            "roles": {"type": "list", "elements": "dict", "default": [], "options": role},
            "boundary": {"type": "str"},
        },
        supports_check_mode=True,
    )
    path = module.params["path"]
    # The path '/' holds every role of the account, and the roles of a path are purged.
    if len(path) < 3 or not (path.startswith("/") and path.endswith("/")):
        module.fail_json(msg=f"path: '{path}' is not allowed; it has to be like /name/ and not / itself")
    IamRoles(module).run()


if __name__ == "__main__":
    main()
