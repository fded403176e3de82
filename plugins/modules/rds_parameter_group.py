#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages an RDS parameter group, with a comparison of values in check mode."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_parameter_group
short_description: Manage an RDS parameter group
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Creates and deletes a DB parameter group, sets its parameters, and resets parameters that are not in O(parameters).
  - M(amazon.aws.rds_instance_param_group) (11.4.0) reports no changed value in check mode, ignores unknown names, sends
    the text V(ON) as V(0), and applies static parameters immediately, which RDS rejects.
options:
  name:
    description: Name of the group.
    type: str
    required: true
  family:
    description: Family of the engine, such as V(postgres17). RDS cannot change it later.
    type: str
  description:
    description: Description of the group. Only used on creation, since RDS cannot change it.
    type: str
  parameters:
    description:
      - Values that differ from the family's defaults. Booleans may be written as V(true), V(ON), V(1) and so on. They are
        sent in the format of the parameter.
      - An unknown name or an invalid value fails the module before any change.
      - A parameter that was set but is not listed here is reset to its default.
    type: dict
    default: {}
  state:
    description: Whether the group should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the group.
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
    description: Maximum number of seconds to wait until no instance uses the group, on deletion.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Enforce TLS
  teal.platform.rds_parameter_group:
    name: shop-staging-postgres17
    family: postgres17
    description: Parameters of shop-staging's database
    parameters:
      rds.force_ssl: true
"""

RETURN = r"""
arn:
  description: ARN of the group.
  type: str
  returned: when it exists
parameters:
  description: The parameters that differ from the defaults, as RDS stores them.
  type: dict
  returned: when it exists
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.rds_parameters import (
    InvalidParameter,
    checked,
    same_value,
)
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

MISSING = ("DBParameterGroupNotFound", "DBParameterGroupNotFoundFault")
#: maximum number of parameters in one call
AT_ONCE = 20


class ParameterGroup(Resource):
    service = "rds"
    kind = "parameter group"
    immutable = frozenset({"family"})

    def find(self) -> dict | None:
        self.found = self._find()
        return self.found

    def _find(self) -> dict | None:
        answer = self.call("describe_db_parameter_groups", DBParameterGroupName=self.name, missing=MISSING)
        if not answer or not answer["DBParameterGroups"]:
            return None
        group = answer["DBParameterGroups"][0]
        parameters = self.pages("describe_db_parameters", "Parameters", DBParameterGroupName=self.name)
        tags = self.call("list_tags_for_resource", ResourceName=group["DBParameterGroupArn"])["TagList"]
        return {
            **group,
            "Parameters": {one["ParameterName"]: one for one in parameters},
            "Tags": boto3_tag_list_to_ansible_dict(tags),
        }

    def known(self) -> dict[str, dict[str, Any]]:
        """Return all parameters of the family, by name."""
        if self.found:
            return self.found["Parameters"]
        asked, parameters = {"DBParameterGroupFamily": self.params["family"]}, []
        while True:
            answer = self.call("describe_engine_default_parameters", **asked)["EngineDefaults"]
            parameters += answer.get("Parameters", [])
            if not answer.get("Marker"):
                return {one["ParameterName"]: one for one in parameters}
            asked["Marker"] = answer["Marker"]

    def desired(self) -> dict[str, Any]:
        if not self.params["family"]:
            self.module.fail_json(msg=f"family is required for the parameter group '{self.name}'")
        try:
            values = checked(self.known(), self.params["parameters"], self.params["family"])
        except InvalidParameter as error:
            self.module.fail_json(msg=f"parameter group '{self.name}': {error}. Nothing was changed.")
        self.values = values
        existing = self.found["Tags"] if self.found else {}
        return {
            "family": self.params["family"],
            "parameters": values,
            "tags": self.wanted_tags(existing),
        }

    def current(self, found: dict) -> dict[str, Any]:
        wanted, parameters = getattr(self, "values", {}), found["Parameters"]
        set_by_user = {name for name, one in parameters.items() if one.get("Source") == "user"}
        values = {}
        for name in sorted(set_by_user | wanted.keys()):
            value = parameters.get(name, {}).get("ParameterValue")
            # A wanted value that equals the default need not be set.
            values[name] = wanted[name] if name in wanted and same_value(value, wanted[name]) else value
        return {"family": found["DBParameterGroupFamily"], "parameters": values, "tags": found["Tags"]}

    def create(self) -> dict:
        if not self.params["description"]:
            self.module.fail_json(msg=f"description is required to create the parameter group '{self.name}'")
        self.call(
            "create_db_parameter_group",
            DBParameterGroupName=self.name,
            DBParameterGroupFamily=self.params["family"],
            Description=self.params["description"],
            Tags=ansible_dict_to_boto3_tag_list(self.params["tags"] or {}),
        )
        found = self.wait_listed()
        return self._set(found, self.values)

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        if "tags" in changes:
            arn, tags = found["DBParameterGroupArn"], changes["tags"]
            if gone := sorted(found["Tags"].keys() - tags.keys()):
                self.call("remove_tags_from_resource", ResourceName=arn, TagKeys=gone)
            self.call("add_tags_to_resource", ResourceName=arn, Tags=ansible_dict_to_boto3_tag_list(tags))
        if "parameters" in changes:
            surplus = self.current(found)["parameters"].keys() - self.values.keys()
            self._send("reset_db_parameter_group", found, dict.fromkeys(surplus))
            self._set(found, self.values)
        return self.find() or found

    def _set(self, found: dict, values: dict[str, str]) -> dict:
        """Set the values that differ."""
        parameters = found["Parameters"]
        differ = {
            name: value
            for name, value in values.items()
            if not same_value(parameters[name].get("ParameterValue"), value)
        }
        self._send("modify_db_parameter_group", found, differ)
        return self.find() or found

    def _send(self, operation: str, found: dict, values: dict[str, str | None]) -> None:
        entries = []
        for name, value in sorted(values.items()):
            # RDS cannot apply a static parameter immediately.
            dynamic = found["Parameters"][name].get("ApplyType") == "dynamic"
            entry = {"ParameterName": name, "ApplyMethod": "immediate" if dynamic else "pending-reboot"}
            entries.append(entry if value is None else {**entry, "ParameterValue": value})
        for start in range(0, len(entries), AT_ONCE):
            part = entries[start : start + AT_ONCE]
            self.call(operation, DBParameterGroupName=self.name, Parameters=part)

    def delete(self, found: dict) -> None:
        self.call_with_retry(
            "delete_db_parameter_group",
            lambda error: (
                error["Code"] in ("InvalidDBParameterGroupState", "InvalidDBParameterGroupStateFault")
            ),
            seconds=self.params["wait_timeout"],
            missing=MISSING,
            DBParameterGroupName=self.name,
        )

    def describe(self, found: dict) -> dict[str, Any]:
        return {"arn": found["DBParameterGroupArn"], "parameters": self.current(found)["parameters"]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "family": {"type": "str"},
            "description": {"type": "str"},
            "parameters": {"type": "dict", "default": {}},
            "wait_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    ParameterGroup(module).run()


if __name__ == "__main__":
    main()
