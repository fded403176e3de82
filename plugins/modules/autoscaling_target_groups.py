#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Attaches Auto Scaling groups to target groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_target_groups
short_description: Attach Auto Scaling groups to target groups
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Registers the instances of Auto Scaling groups as targets of target groups.
  - Does not change other settings of an Auto Scaling group, such as its health check type. So it works with groups that
    another service owns, such as the groups of an EKS node group.
options:
  autoscaling_groups:
    description: Names of the Auto Scaling groups.
    type: list
    elements: str
    required: true
  target_group_arns:
    description: ARNs of the target groups. Each Auto Scaling group is attached to each of them.
    type: list
    elements: str
    required: true
  state:
    description: V(absent) detaches the groups. Attachments to other target groups remain.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Whether to wait until all instances are registered, or deregistered.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Register the nodes as targets of a slot
  teal.platform.autoscaling_target_groups:
    autoscaling_groups: [eks-workers-0123]
    target_group_arns:
      - "{{ blue.target_group_arn }}"
"""

RETURN = r"""
attachments:
  description: ARNs of the attached target groups by Auto Scaling group.
  type: dict
  returned: when there are attachments
"""

from collections.abc import Iterable
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
)


class Attachments(Resource):
    service = "autoscaling"
    kind = "attachments"

    @property
    def name(self) -> str:
        return ", ".join(self.params["autoscaling_groups"])

    def find(self) -> dict | None:
        names = self.params["autoscaling_groups"]
        if not names:  # without names, AWS returns all groups
            return None
        groups = self.pages("describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=names)
        self.known = {one["AutoScalingGroupName"] for one in groups}
        wanted = set(self.params["target_group_arns"])
        attached = {
            one["AutoScalingGroupName"]: wanted & set(one.get("TargetGroupARNs", [])) for one in groups
        }
        return {name: sorted(arns) for name, arns in attached.items()} if any(attached.values()) else None

    def desired(self) -> dict[str, Any]:
        return {name: sorted(self.params["target_group_arns"]) for name in self.params["autoscaling_groups"]}

    def current(self, found: dict) -> dict[str, Any]:
        return {name: arns for name, arns in found.items() if arns}

    def create(self) -> dict:
        return self.update({}, self.desired())

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        unknown = sorted(changes.keys() - self.known)
        if unknown:
            self.module.fail_json(
                msg=f"Auto Scaling group {', '.join(unknown)} not found. Create the component cluster first: its node "
                "group creates the Auto Scaling group."
            )
        for name, arns in changes.items():
            missing = sorted(set(arns) - set(found.get(name, [])))
            self.call(
                "attach_load_balancer_target_groups", AutoScalingGroupName=name, TargetGroupARNs=missing
            )
        return self._wait_for_targets("Adding", changes) or {}

    def delete(self, found: dict) -> None:
        for name, arns in self.current(found).items():
            self.call("detach_load_balancer_target_groups", AutoScalingGroupName=name, TargetGroupARNs=arns)
        self._wait_for_targets("Removing", found)

    def _wait_for_targets(self, state: str, names: Iterable[str]) -> dict | None:
        """Wait, if `wait` is set, until no attachment has the given state."""

        def finished(_found: Any) -> bool:
            states = [
                one["State"]
                for name in names
                for one in self.pages(
                    "describe_load_balancer_target_groups",
                    "LoadBalancerTargetGroups",
                    AutoScalingGroupName=name,
                )
            ]
            return state not in states

        if self.params["wait"]:
            return self.wait_until(finished, "attached" if state == "Adding" else "detached")
        return self.find()


def main() -> None:
    strings = {"type": "list", "elements": "str", "required": True}
    common = {name: spec for name, spec in COMMON_ARGUMENTS.items() if "tags" not in name}
    module = AnsibleAWSModule(
        argument_spec={**common, "autoscaling_groups": strings, "target_group_arns": strings},
        supports_check_mode=True,
    )
    Attachments(module).run()


if __name__ == "__main__":
    main()
