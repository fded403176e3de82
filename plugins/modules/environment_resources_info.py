#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Lists the AWS resources of an environment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_resources_info
short_description: List all AWS resources of an environment
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Queries each AWS service for resources with the environment's tags, or with its name if a service has no tags.
  - Use it before a destroy to find protected resources, and after it to find leftovers.
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  application:
    description: Name of the application.
    type: str
    required: true
  components:
    description: Components whose resources are listed. Resources without a component are always listed.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Reads only.
    support: full
"""

EXAMPLES = r"""
- name: List the leftovers of an environment
  teal.platform.environment_resources_info:
    environment: staging
    application: shop
    components: [network, cluster]
  register: left
"""

RETURN = r"""
existing:
  description: Existing resources that belong to the environment, as C(component kind id).
  type: list
  elements: str
  returned: always
  sample: ["network subnet subnet-0123456789abcdef0"]
protected:
  description: Existing resources with deletion protection. AWS does not delete them.
  type: list
  elements: str
  returned: always
  sample: ["database database shop-production"]
kept:
  description: Resources that remain after a destroy, with the reason.
  type: list
  elements: str
  returned: always
  sample: ["registry repository shop (shared by all environments of the account)"]
"""

from ansible_collections.teal.platform.plugins.module_utils.environment_resources import EnvironmentResources
from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "environment": {"type": "str", "required": True},
            "application": {"type": "str", "required": True},
            "components": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    wanted = {*module.params["components"], ""}
    found = EnvironmentResources(module, module.params["environment"], module.params["application"]).all()
    existing, protected, kept = [], [], []
    for entry in found:
        if entry["component"] not in wanted:
            continue
        text = f"{entry['component'] or 'unknown'} {entry['kind']} {entry['id']}"
        if entry["kept"]:
            kept.append(f"{text} ({entry['kept']})")
            continue
        existing.append(text)
        if entry["protected"]:
            protected.append(text)
    module.exit_json(changed=False, existing=existing, protected=protected, kept=kept)


if __name__ == "__main__":
    main()
