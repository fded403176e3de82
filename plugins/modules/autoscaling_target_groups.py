#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Attaches Auto Scaling groups to target groups, and nothing else of either."""

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_target_groups
short_description: Attach Auto Scaling groups to target groups
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
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
  description: ARNs of the target groups to which they are attached, by Auto Scaling group.
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
        if not names:  # AWS would tell of all
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
                msg=f"There is no Auto Scaling group {', '.join(unknown)}. Build the component cluster first: "
                "a node group brings its own."
            )
        for name, arns in changes.items():
            missing = sorted(set(arns) - set(found.get(name, [])))
            self.call(
                "attach_load_balancer_target_groups", AutoScalingGroupName=name, TargetGroupARNs=missing
            )
        return self._done("Adding", changes) or {}

    def delete(self, found: dict) -> None:
        for name, arns in self.current(found).items():
            self.call("detach_load_balancer_target_groups", AutoScalingGroupName=name, TargetGroupARNs=arns)
        self._done("Removing", found)

    def _done(self, state: str, names: Iterable[str]) -> dict | None:
        """Wait, if asked to, until no instance is being registered, or deregistered, any more."""

        def over(_found: Any) -> bool:
            told = [
                one["State"]
                for name in names
                for one in self.pages(
                    "describe_load_balancer_target_groups",
                    "LoadBalancerTargetGroups",
                    AutoScalingGroupName=name,
                )
            ]
            return state not in told

        if self.params["wait"]:
            return self.wait_until(over, "attached" if state == "Adding" else "detached")
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
