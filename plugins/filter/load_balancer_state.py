# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the attributes of a load balancer and its listeners, for a comparison of current and wanted state."""

from __future__ import annotations

DOCUMENTATION = r"""
name: load_balancer_state
author: Teal maintainers (@teal-platform)
version_added: 0.1.0
short_description: Return the comparable attributes of an application load balancer and its listeners
description:
  - Returns the attributes of a load balancer and of its listeners, from the result of
    M(amazon.aws.elb_application_lb_info) or from the arguments of M(amazon.aws.elb_application_lb).
  - The form is the same for both, so that P(teal.platform.describe_changes#filter) can compare them. The attributes are
    those that the role C(load_balancer) sets.
options:
  _input:
    description: An item of C(load_balancers) of M(amazon.aws.elb_application_lb_info), or the arguments. Empty for none.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report what would change in the load balancer
  ansible.builtin.debug:
    msg: >-
      {{ found.load_balancers[0] | teal.platform.load_balancer_state
         | teal.platform.describe_changes(arguments | teal.platform.load_balancer_state) }}
"""

RETURN = r"""
_value:
  description: The load balancer under its name, and each listener under C(<name> listener <port>).
  type: dict
  sample:
    shop-staging: {subnets: [subnet-1, subnet-2], idle_timeout: 60}
    shop-staging listener 80: {protocol: HTTP, default_actions: [{type: redirect}]}
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

#: Arguments of the module, and their names in the info module.
ATTRIBUTES = {
    "access_logs_enabled": "access_logs_s3_enabled",
    "access_logs_s3_bucket": "access_logs_s3_bucket",
    "deletion_protection": "deletion_protection_enabled",
    "http_drop_invalid_header_fields": "routing_http_drop_invalid_header_fields_enabled",
    "idle_timeout": "idle_timeout_timeout_seconds",
}


def load_balancer_state(balancer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the attributes of a load balancer and of each of its listeners, by their name."""
    if not balancer:
        return {}
    if "load_balancer_name" in balancer:
        name = balancer["load_balancer_name"]
        subnets = [zone["subnet_id"] for zone in balancer["availability_zones"]]
    elif "name" in balancer:
        name, subnets = balancer["name"], balancer["subnets"]
    else:
        raise AnsibleFilterError(
            "load_balancer_state: the input has neither 'load_balancer_name' of elb_application_lb_info nor 'name' of "
            "elb_application_lb"
        )
    tags = {key: value for key, value in (balancer.get("tags") or {}).items() if not key.startswith("aws:")}
    state = {
        name: {
            "subnets": sorted(subnets),
            "security_groups": sorted(balancer["security_groups"]),
            **{key: _text(balancer.get(key, balancer.get(of_info))) for key, of_info in ATTRIBUTES.items()},
            "tags": tags,
        }
    }
    for listener in balancer.get("listeners") or []:
        snake = camel_dict_to_snake_dict(listener)
        state[f"{name} listener {snake['port']}"] = _listener(snake)
    return state


def _listener(listener: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that the module compares. It manages only the first certificate."""
    tls = listener["protocol"] == "HTTPS"
    certificates = listener.get("certificates") or []
    return {
        "protocol": listener["protocol"],
        "ssl_policy": listener.get("ssl_policy") if tls else None,
        "certificate": certificates[0]["certificate_arn"] if tls and certificates else None,
        "default_actions": [
            {key: value for key, value in action.items() if key != "order"}
            for action in listener["default_actions"]
        ],
    }


def _text(value: Any) -> str:
    """Return an attribute as text, as ELB does."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """Return the filters by name."""
        return {"load_balancer_state": load_balancer_state}
