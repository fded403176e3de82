#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: component_info
short_description: Find the resources of components of an environment
version_added: 0.1.0
description:
  - Roles of this collection look up other components with this module only, so each component can be provisioned
    separately. Finds resources in AWS by their tags, or by their conventional names. Reads nothing from the inventory
    or from earlier runs.
  - Queries AWS for the given components only.
author: Teal maintainers (@teal-platform)
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
    description: Names of the components to find.
    type: list
    elements: str
    required: true
    choices:
      - bastion
      - cluster
      - database
      - functions
      - identity
      - instance
      - load_balancer
      - network
      - registry
      - release_store
  required:
    description:
      - Whether a missing or incomplete component is an error. The message lists all of them. If V(false), the existing
        parts of a component are returned.
      - In check mode, a missing component is not an error, since an earlier task would create it. Placeholders are
        returned instead, with C(planned=true).
    type: bool
    default: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Only reads. In check mode, returns placeholders for a missing component.
    support: full
"""

EXAMPLES = r"""
- name: Find the network and the IAM roles
  teal.platform.component_info:
    environment: "{{ platform_environment }}"
    application: "{{ platform_application }}"
    components: [network, identity]
  register: __cluster_needs

- name: Show the IDs of the private subnets
  ansible.builtin.debug:
    msg: "{{ __cluster_needs.components.network.subnet_ids.private }}"
"""

RETURN = r"""
components:
  description:
    - The components by name. Each has C(found), whether it exists, and C(planned), whether the other values are
      placeholders of check mode. If both are false, there are no other keys.
  returned: success
  type: dict
  contains:
    network:
      description: >-
        C(vpc_id), C(cidr), C(subnets) and C(subnet_ids) (lists by tier, sorted by zone; a subnet has C(id),
        C(az) and C(cidr)), C(security_groups) (id by purpose, such as V(load_balancer) or V(database)).
      type: dict
      returned: when asked for
    load_balancer:
      description: >-
        C(arn), C(name), C(dns_name), C(zone_id), C(listeners) (ARN by protocol, V(http) and V(https)),
        C(target_groups) (by slot: C(arn), C(port), C(protocol), C(health_check_path)), C(slot_rule_arn),
        C(weights) (by slot), C(addresses) (public ones).
      type: dict
      returned: when asked for
    cluster:
      description: >-
        C(name), C(arn), C(status), C(version), C(endpoint), C(certificate_authority) (Base64),
        C(oidc_issuer), C(security_group_id), C(nodegroups) (by name: C(status), C(autoscaling_groups)),
        C(autoscaling_groups) (names).
      type: dict
      returned: when asked for
    database:
      description: >-
        C(id), C(arn), C(resource_id), C(status), C(engine), C(database_name), C(endpoint), C(port),
        C(master_secret_arn).
      type: dict
      returned: when asked for
    identity:
      description: C(roles), ARNs by the role's name without the prefix, underscores for hyphens.
      type: dict
      returned: when asked for
    registry:
      description: C(name), C(arn), C(uri).
      type: dict
      returned: when asked for
    release_store:
      description: C(table), C(arn).
      type: dict
      returned: when asked for
    functions:
      description: C(api_id), C(name), C(url), C(functions) (names).
      type: dict
      returned: when asked for
    bastion:
      description: C(id), C(state), C(private_ip), C(public_ip), and C(instances), all that carry its tags.
      type: dict
      returned: when asked for
    instance:
      description: >-
        C(instances) (each C(id), C(state), C(private_ip), C(public_ip), C(slot)),
        C(launch_templates) (id by slot).
      type: dict
      returned: when asked for
"""

from ansible_collections.teal.platform.plugins.module_utils.components import COMPONENTS, Components
from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "environment": {"type": "str", "required": True},
            "application": {"type": "str", "required": True},
            "components": {"type": "list", "elements": "str", "required": True, "choices": COMPONENTS},
            "required": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    environment = module.params["environment"]
    finder = Components(module, environment, module.params["application"])
    found = {name: finder.find(name) for name in module.params["components"]}
    if module.params["required"]:
        found = {name: value if finder.usable(name, value) else None for name, value in found.items()}
    missing = [name for name, value in found.items() if value is None]
    stand_in = module.params["required"] and module.check_mode
    if missing and module.params["required"] and not module.check_mode:
        lines = [
            f"{name}: create it with `ansible-playbook playbooks/provision.yml -i inventories/{environment} "
            f"--limit {name}`"
            for name in missing
        ]
        module.fail_json(
            msg=f"Required components are missing in environment '{environment}' "
            f"(account {finder.account()}, region {finder.region}):\n" + "\n".join(lines)
        )
    module.exit_json(
        changed=False,
        components={
            name: {
                "found": value is not None,
                "planned": value is None and stand_in,
                **(value or (finder.planned(name) if stand_in else {})),
            }
            for name, value in found.items()
        },
    )


if __name__ == "__main__":
    main()
