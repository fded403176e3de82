#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: load_balancer_slots
short_description: Manage target groups and listener rule of the slots blue and green
version_added: 0.1.0
description:
  - Manages the resources of an application load balancer for two slots. These are a target group for each slot, and one
    catch-all rule of the HTTPS listener, whose weights determine the live slot. Also sets the tags of the listeners.
  - Does not create the load balancer and its listeners. Create them first with M(amazon.aws.elb_application_lb), with one
    listener on port 80 and one on port 443, both without C(Rules).
  - Sets the weights when it creates the rule (V(blue) 100, V(green) 0). After that, only releases change the weights. The
    module keeps them, and the stickiness of the rule, when it repairs other settings. A deleted rule is created with the
    initial weights and without stickiness.
  - Unlike M(amazon.aws.elb_application_lb), does not reset the weights in the next run, and manages the tags of rules
    and listeners. Unlike M(community.aws.elb_target_group), reports changes in check mode.
  - Waits until the load balancer is active, even if an earlier run created it.
  - With O(state=absent), waits until the target groups are no longer used. Delete the load balancer first, which also
    deletes the rule.
author: Teal maintainers (@teal-platform)
options:
  name:
    description: Name of the load balancer. The target groups have the names C(<name>-blue) and C(<name>-green).
    type: str
    required: true
  vpc_id:
    description: ID of the targets' VPC. Required for O(state=present).
    type: str
  ports:
    description: Port of each slot's targets.
    type: dict
    suboptions:
      blue:
        description: Port of the slot blue.
        type: int
        default: 8080
      green:
        description: Port of the slot green.
        type: int
        default: 8080
  health_check:
    description: Health check of the targets.
    type: dict
    suboptions:
      path:
        description: Path of the health check.
        type: str
        default: /
      matcher:
        description: Status codes that are healthy.
        type: str
        default: "200"
      interval:
        description: Seconds between two checks.
        type: int
        default: 10
      timeout:
        description: Seconds to wait for a response, less than O(health_check.interval).
        type: int
        default: 5
      healthy_threshold:
        description: Successful checks in a row that make a target healthy.
        type: int
        default: 2
      unhealthy_threshold:
        description: Failed checks in a row that make a target unhealthy.
        type: int
        default: 2
  deregistration_delay:
    description: Seconds for requests in progress after a target is deregistered.
    type: int
    default: 60
  algorithm:
    description: Routing algorithm of the target groups.
    type: str
    choices: [round_robin, least_outstanding_requests]
    default: least_outstanding_requests
  state:
    description: Whether the target groups and the rule should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the target groups, the rule and the listeners. C(Name) is added, and C(Slot) for target groups.
    type: dict
    aliases: [resource_tags]
    default: {}
  wait_timeout:
    description: Seconds to wait until the load balancer is active, or on deletion until the target groups are not used.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
attributes:
  check_mode:
    description: Reports what would change, even before the load balancer exists.
    support: full
  diff_mode:
    description: Shows all settings before and after, without the weights.
    support: full
"""

EXAMPLES = r"""
- name: Create the load balancer and its listeners
  amazon.aws.elb_application_lb:
    name: shop-staging
    subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    security_groups: [sg-0123456789abcdef0]
    listeners:
      - Protocol: HTTP
        Port: 80
        DefaultActions:
          - Type: redirect
            RedirectConfig:
              Protocol: HTTPS
              Port: "443"
              Host: "#{host}"
              Path: "/#{path}"
              Query: "#{query}"
              StatusCode: HTTP_301
      - Protocol: HTTPS
        Port: 443
        SslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06
        Certificates:
          - CertificateArn: arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012
        DefaultActions:
          - Type: fixed-response
            FixedResponseConfig:
              StatusCode: "503"
              ContentType: text/plain
              MessageBody: No release is in service.

- name: Create the target groups and the rule of the slots
  teal.platform.load_balancer_slots:
    name: shop-staging
    vpc_id: vpc-0123456789abcdef0
    ports: {blue: 30080, green: 30081}
    health_check:
      path: /actuator/health/readiness
"""

RETURN = r"""
arn:
  description: ARN of the load balancer.
  type: str
  returned: when it exists
dns_name:
  description: DNS name of the load balancer.
  type: str
  returned: when it exists
zone_id:
  description: ID of the hosted zone of the DNS name, for an alias record.
  type: str
  returned: when it exists
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.load_balancer_slots import (
    LISTENERS,
    ListenerTags,
    SlotRule,
    TargetGroups,
)
from ansible_collections.teal.platform.plugins.module_utils.resource import (
    IGNORED_TAGS,
    AnsibleAWSModule,
    Resource,
)
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet, finish

SLOTS = ("blue", "green")
#: Highest priority number of a rule. AWS evaluates the lowest number first, so all other rules precede the catch-all.
LAST = 50000

HEALTH_CHECK_OPTIONS = {
    "path": {"type": "str", "default": "/"},
    "matcher": {"type": "str", "default": "200"},
    "interval": {"type": "int", "default": 10},
    "timeout": {"type": "int", "default": 5},
    "healthy_threshold": {"type": "int", "default": 2},
    "unhealthy_threshold": {"type": "int", "default": 2},
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "vpc_id": {"type": "str"},
    "ports": {
        "type": "dict",
        "apply_defaults": True,
        "options": {slot: {"type": "int", "default": 8080} for slot in SLOTS},
    },
    "health_check": {"type": "dict", "apply_defaults": True, "options": HEALTH_CHECK_OPTIONS},
    "deregistration_delay": {"type": "int", "default": 60},
    "algorithm": {
        "type": "str",
        "choices": ["round_robin", "least_outstanding_requests"],
        "default": "least_outstanding_requests",
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "tags": {"type": "dict", "aliases": ["resource_tags"], "default": {}},
    "ignored_tags": IGNORED_TAGS,
    "wait_timeout": {"type": "int", "default": 600},
}


class Balancer(Resource):
    """The load balancer, which this module only reads."""

    service = "elbv2"
    kind = "load balancer"
    status_kind = "load balancer"

    def find(self) -> dict | None:
        answer = self.call("describe_load_balancers", Names=[self.name], missing=["LoadBalancerNotFound"])
        return answer["LoadBalancers"][0] if answer else None

    def status(self, found: dict) -> str | None:
        return found["State"]["Code"]

    def issues(self, found: dict) -> str:
        return f": {found['State'].get('Reason', 'AWS gives no reason')}"

    def needed(self) -> dict:
        """Return the load balancer; {} in check mode if it does not exist."""
        found = self.find()
        if found is None and not self.module.check_mode:
            self.module.fail_json(
                msg=f"Load balancer '{self.name}' is missing. This module creates none. Create it with "
                "amazon.aws.elb_application_lb, and run the same command again."
            )
        return found or {}

    def wait_until_active(self, found: dict) -> None:
        """Wait until the load balancer is active; warn of one that is impaired."""
        if not self.module.check_mode and not self.is_ready(found):
            found = (
                self.wait_until(lambda now: now is None or self.is_ready(now), "active", failure=self.failure)
                or self.needed()
            )
        if self.status(found) == "active_impaired":
            self.module.warn(
                f"load balancer '{self.name}' is active_impaired: it routes requests, but cannot scale out"
                f"{self.issues(found)}. Check that its subnets have free addresses."
            )


class Slots:
    """Target groups, listener tags and slot rule, in the order in which they depend on each other."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.params = module.params
        self.present = module.params["state"] == "present"
        client = module.client("elbv2")
        self.balancer = Balancer(module, client)
        self.groups = TargetGroups(module, client)
        self.listeners = ListenerTags(module, client)
        self.rule = SlotRule(module, client)
        self.groups.wanted_attributes = {
            "deregistration_delay.timeout_seconds": str(module.params["deregistration_delay"]),
            "load_balancing.algorithm.type": module.params["algorithm"],
            "stickiness.enabled": "false",
        }

    @property
    def sets(self) -> dict[str, ResourceSet]:
        return {
            "target groups": self.groups,
            "listeners": self.listeners,
            "rule of the slots": self.rule,
        }

    def tags(self, name: str, **more: str) -> dict[str, str]:
        return {**self.params["tags"], **more, "Name": name}

    def wanted_groups(self) -> dict[str, dict[str, Any]]:
        check = {key: self.params["health_check"][key] for key in HEALTH_CHECK_OPTIONS}
        return {
            slot: {
                "port": self.params["ports"][slot],
                "protocol": "HTTP",
                "target_type": "instance",
                "vpc_id": self.params["vpc_id"],
                "health_check": {**check, "protocol": "HTTP", "port": "traffic-port"},
                "attributes": self.groups.wanted_attributes,
                "tags": self.tags(self.groups.group_name(slot), Slot=slot),
            }
            for slot in SLOTS
        }

    def wanted_listeners(self) -> dict[str, dict[str, Any]]:
        return {str(port): {"tags": self.tags(f"{self.params['name']}-{port}")} for port in LISTENERS}

    def wanted_rule(self) -> dict[str, dict[str, Any]]:
        slots = {"priority": LAST, "paths": ["*"], "slots": sorted(SLOTS)}
        return {"slots": {**slots, "tags": self.tags(f"{self.params['name']}-slots")}}

    def ensure(self) -> dict[str, Any]:
        """Create and update all resources; return the load balancer, or {} if it does not exist."""
        balancer = self.balancer.needed()
        groups = self.groups.ensure(self.wanted_groups())
        self.listeners.balancer = balancer.get("LoadBalancerArn")
        listeners = self.listeners.ensure(self.wanted_listeners())
        self.rule.listener = listeners.get("443", {}).get("ListenerArn")
        self.rule.groups = {slot: group["TargetGroupArn"] for slot, group in groups.items()}
        self.rule.ensure(self.wanted_rule())
        if balancer:
            self.balancer.wait_until_active(balancer)
        return balancer

    def remove(self) -> None:
        """Delete the target groups. The deletion of a load balancer deletes its listeners and rules."""
        self.groups.ensure({})
        self.groups.purge()


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ARGUMENTS,
        required_if=[("state", "present", ["vpc_id"])],
        supports_check_mode=True,
    )
    slots = Slots(module)
    result = {}
    if not slots.present:
        slots.remove()
    elif found := slots.ensure():
        result = {
            "arn": found["LoadBalancerArn"],
            "dns_name": found["DNSName"],
            "zone_id": found.get("CanonicalHostedZoneId"),
        }
    finish(module, slots.sets, **result)


if __name__ == "__main__":
    main()
