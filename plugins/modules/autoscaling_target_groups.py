#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Attaches Auto Scaling groups to target groups, and nothing else of either."""

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_target_groups
short_description: Attach Auto Scaling groups to target groups
version_added: 0.1.0
author: Teal maintainers
description:
  - Sees to it that the instances of Auto Scaling groups are targets of target groups.
  - Other settings of an Auto Scaling group, such as its health check type, are left alone. So it serves for
    groups that something else owns, such as those of an EKS node group.
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
    description: V(absent) detaches them. Attachments to other target groups are left alone.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Whether to wait until all instances are registered, or deregistered.
    type: bool
    default: true
  wait_timeout:
    description: For how many seconds to wait.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Make the nodes targets of both slots
  teal.platform.autoscaling_target_groups:
    autoscaling_groups: [eks-workers-0123]
    target_group_arns:
      - "{{ blue.target_group_arn }}"
"""

RETURN = r"""
attachments:
  description: State of each attachment, such as V(Added), by Auto Scaling group and target group.
  type: dict
  returned: when there are attachments
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
)

ATTACHED = ("Adding", "Added", "InService")


class Attachments(Resource):
    service = "autoscaling"
    kind = "attachments"

    @property
    def name(self) -> str:
        return ", ".join(self.params["autoscaling_groups"])

    def find(self) -> dict | None:
        wanted = self.params["target_group_arns"]
        found = {}
        for group in self.params["autoscaling_groups"]:
            states = self.pages(
                "describe_load_balancer_target_groups",
                "LoadBalancerTargetGroups",
                missing=["ValidationError"] if self.module.check_mode or self._leaving() else [],
                AutoScalingGroupName=group,
            )
            arns = {one["LoadBalancerTargetGroupARN"]: one["State"] for one in states}
            found[group] = {arn: arns[arn] for arn in wanted if arns.get(arn, "Removed") != "Removed"}
        return found if any(found.values()) else None

    def _leaving(self) -> bool:
        return self.params["state"] == "absent"

    def settled(self, found: dict) -> bool:
        return not any(state in ("Adding", "Removing") for arns in found.values() for state in arns.values())

    def desired(self) -> dict[str, Any]:
        return {
            group: sorted(self.params["target_group_arns"]) for group in self.params["autoscaling_groups"]
        }

    def current(self, found: dict) -> dict[str, Any]:
        return {
            group: sorted(arn for arn, state in arns.items() if state in ATTACHED)
            for group, arns in found.items()
        }

    def create(self) -> dict:
        return self.update({}, self.desired())

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        attached = self.current(found)
        for group, arns in changes.items():
            missing = [arn for arn in arns if arn not in attached.get(group, [])]
            self.call(
                "attach_load_balancer_target_groups", AutoScalingGroupName=group, TargetGroupARNs=missing
            )
        return self.wait_settled() or {}

    def delete(self, found: dict) -> None:
        for group, arns in self.current(found).items():
            if arns:
                self.call(
                    "detach_load_balancer_target_groups", AutoScalingGroupName=group, TargetGroupARNs=arns
                )
        self.wait_gone()


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
