#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Reports the age of an instance's machine image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_image_age_info
short_description: Report the age of an instance's machine image
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Returns the machine image of the instance that matches the filters, and the image's age. If the image no longer
    exists, the age is counted from the launch of the instance.
  - Warns if the image is older than O(max_age). Changes nothing.
options:
  name:
    description: Name of the instance, for the warning.
    type: str
    required: true
  filters:
    description: Filters of C(DescribeInstances) by name.
    type: dict
    required: true
  max_age:
    description: Number of days after which to warn. V(0) disables the warning.
    type: int
    default: 60
  setting:
    description: Name of the setting that O(max_age) comes from, for the warning.
    type: str
    default: max_age
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Report the age of the bastion's image
  teal.platform.ec2_image_age_info:
    name: shop-staging-bastion
    filters:
      tag:Name: shop-staging-bastion
      instance-state-name: [running, stopped]
"""

RETURN = r"""
instance_id:
  description: ID of the instance.
  type: str
  returned: when there is an instance
image_id:
  description: ID of its machine image.
  type: str
  returned: when there is an instance
image_age_days:
  description: Age of the image in days.
  type: int
  returned: when there is an instance
instance_profile:
  description: Name of its instance profile; empty without one.
  type: str
  returned: when there is an instance
"""

from datetime import datetime
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.image_age import age_warning, days_since
from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule, Resource


class Instances(Resource):
    service = "ec2"
    kind = "instance"

    def info(self) -> dict[str, Any]:
        filters = [
            {"Name": name, "Values": value if isinstance(value, list) else [value]}
            for name, value in self.params["filters"].items()
        ]
        reservations = self.pages("describe_instances", "Reservations", Filters=filters)
        found = [instance for one in reservations for instance in one["Instances"]]
        if not found:
            return {}
        instance = found[0]
        missing = ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"]
        answer = self.call("describe_images", ImageIds=[instance["ImageId"]], missing=missing)
        images = answer["Images"] if answer else []
        created = images[0].get("CreationDate") if images else None
        moment = datetime.fromisoformat(created.replace("Z", "+00:00")) if created else instance["LaunchTime"]
        return {
            "instance_id": instance["InstanceId"],
            "image_id": instance["ImageId"],
            "image_age_days": days_since(moment),
            "instance_profile": instance.get("IamInstanceProfile", {}).get("Arn", "").rsplit("/", 1)[-1],
        }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "filters": {"type": "dict", "required": True},
            "max_age": {"type": "int", "default": 60},
            "setting": {"type": "str", "default": "max_age"},
        },
        supports_check_mode=True,
    )
    found = Instances(module).info()
    warning = found and age_warning(
        module.params["name"],
        found["image_id"],
        found["image_age_days"],
        module.params["max_age"],
        module.params["setting"],
        "To replace the instance, run playbooks/provision.yml with -e patch_nodes=true",
    )
    if warning:
        module.warn(warning)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
