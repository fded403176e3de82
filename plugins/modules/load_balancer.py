#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: load_balancer
short_description: An application load balancer with two slots, blue and green
version_added: 0.1.0
description:
  - Keeps an application load balancer with a target group for each slot, a listener for HTTP that redirects
    to HTTPS, and a listener for HTTPS with one catch-all rule, whose weights say which slot is in service.
  - The weights are given when the rule is made (V(blue) 100, V(green) 0), and never changed after that,
    whatever else of the rule is repaired. They are a release's business. Only if somebody deleted the rule,
    it is made anew as at first.
  - Removal refuses while deletion protection is wanted. What is deleted first is the load balancer itself.
author: Teal maintainers (@teal-platform)
options:
  name:
    description: Name of the load balancer. Target groups are called C(<name>-blue) and C(<name>-green).
    type: str
    required: true
  vpc_id:
    description: The VPC. Required when it should exist.
    type: str
  subnet_ids:
    description: Subnets of at least two zones. Required when it should exist.
    type: list
    elements: str
    default: []
  security_group_ids:
    description: Security groups. Required when it should exist.
    type: list
    elements: str
    default: []
  certificate_arn:
    description: The certificate. Required when it should exist.
    type: str
  ssl_policy:
    description: Security policy of the HTTPS listener.
    type: str
    default: ELBSecurityPolicy-TLS13-1-2-2021-06
  scheme:
    description: Whether the world can reach it.
    type: str
    choices: [internet-facing, internal]
    default: internet-facing
  idle_timeout:
    description: Seconds that a connection may be idle.
    type: int
    default: 60
  deletion_protection:
    description: Whether it can be deleted. Removal with V(false) takes a protection away that stands.
    type: bool
    default: false
  access_logs_bucket:
    description: Name of the S3 bucket for access logs. Empty for none.
    type: str
    default: ""
  ports:
    description: Port of the targets of each slot.
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
    description: How targets are seen to be healthy.
    type: dict
    suboptions:
      path:
        description: Path that is asked for.
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
        description: Seconds to wait for an answer; less than O(health_check.interval).
        type: int
        default: 5
      healthy_threshold:
        description: Good answers in a row that make a target healthy.
        type: int
        default: 2
      unhealthy_threshold:
        description: Bad answers in a row that make a target unhealthy.
        type: int
        default: 2
  deregistration_delay:
    description: Seconds that a target which is taken out has for the requests that it still answers.
    type: int
    default: 60
  algorithm:
    description: How a target is chosen.
    type: str
    choices: [round_robin, least_outstanding_requests]
    default: least_outstanding_requests
  state:
    description: Whether it should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of every part. C(Name) is added, and C(Slot) for target groups.
    type: dict
    aliases: [resource_tags]
    default: {}
  wait_timeout:
    description: Seconds to wait until it is active, and on removal until its target groups are free.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
attributes:
  check_mode:
    description: Tells what would change.
    support: full
  diff_mode:
    description: Shows all parts before and after.
    support: full
"""

EXAMPLES = r"""
- name: Keep a load balancer with two slots
  teal.platform.load_balancer:
    name: shop-staging
    vpc_id: vpc-0123456789abcdef0
    subnet_ids: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    security_group_ids: [sg-0123456789abcdef0]
    certificate_arn: arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012
    ports: {blue: 30080, green: 30081}
    health_check:
      path: /actuator/health/readiness
"""

RETURN = r"""
arn:
  description: ARN of the load balancer.
  type: str
  returned: when it stands
dns_name:
  description: Its DNS name.
  type: str
  returned: when it stands
zone_id:
  description: ID of the hosted zone of its DNS name, for an alias.
  type: str
  returned: when it stands
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.load_balancer_parts import (
    NOTHING_HERE,
    REDIRECT_TO_HTTPS,
    Balancer,
    Listeners,
    SlotRule,
    TargetGroups,
    plain_action,
)
from ansible_collections.teal.platform.plugins.module_utils.resource import IGNORED_TAGS, AnsibleAWSModule
from ansible_collections.teal.platform.plugins.module_utils.resource_set import ResourceSet, finish

SLOTS = ("blue", "green")
#: AWS takes 1 to 50000, and the lowest number first: rules of releases and of users go before the catch-all.
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
    "subnet_ids": {"type": "list", "elements": "str", "default": []},
    "security_group_ids": {"type": "list", "elements": "str", "default": []},
    "certificate_arn": {"type": "str"},
    "ssl_policy": {"type": "str", "default": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
    "scheme": {"type": "str", "choices": ["internet-facing", "internal"], "default": "internet-facing"},
    "idle_timeout": {"type": "int", "default": 60},
    "deletion_protection": {"type": "bool", "default": False},
    "access_logs_bucket": {"type": "str", "default": ""},
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


class LoadBalancer:
    """All parts together, in the order in which they need each other."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.module = module
        self.params = module.params
        self.present = module.params["state"] == "present"
        client = module.client("elbv2")
        self.groups = TargetGroups(module, client)
        self.balancer = Balancer(module, client)
        self.listeners = Listeners(module, client)
        self.rule = SlotRule(module, client)
        logs = module.params["access_logs_bucket"]
        self.balancer.wanted_attributes = {
            "deletion_protection.enabled": yes_or_no(module.params["deletion_protection"]),
            "idle_timeout.timeout_seconds": str(module.params["idle_timeout"]),
            "routing.http.drop_invalid_header_fields.enabled": "true",
            "access_logs.s3.enabled": yes_or_no(logs),
            **({"access_logs.s3.bucket": logs} if logs else {}),
        }
        self.groups.wanted_attributes = {
            "deregistration_delay.timeout_seconds": str(module.params["deregistration_delay"]),
            "load_balancing.algorithm.type": module.params["algorithm"],
            "stickiness.enabled": "false",
        }

    @property
    def sets(self) -> dict[str, ResourceSet]:
        return {
            "target groups": self.groups,
            "load balancer": self.balancer,
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

    def wanted_balancer(self) -> dict[str, dict[str, Any]]:
        return {
            self.params["name"]: {
                "scheme": self.params["scheme"],
                "subnets": sorted(self.params["subnet_ids"]),
                "security_groups": sorted(self.params["security_group_ids"]),
                "attributes": self.balancer.wanted_attributes,
                "tags": self.tags(self.params["name"]),
            }
        }

    def wanted_listeners(self) -> dict[str, dict[str, Any]]:
        def listener(port: str, protocol: str, action: dict, **tls: str) -> dict[str, Any]:
            tags = self.tags(f"{self.params['name']}-{port}")
            defaults = {"protocol": protocol, "certificate": None, "ssl_policy": None}
            return {**defaults, **tls, "default": plain_action([action]), "tags": tags}

        tls = {"certificate": self.params["certificate_arn"], "ssl_policy": self.params["ssl_policy"]}
        return {
            "80": listener("80", "HTTP", REDIRECT_TO_HTTPS),
            "443": listener("443", "HTTPS", NOTHING_HERE, **tls),
        }

    def wanted_rule(self) -> dict[str, dict[str, Any]]:
        slots = {"priority": LAST, "paths": ["*"], "slots": sorted(SLOTS), "sticky": False}
        return {"slots": {**slots, "tags": self.tags(f"{self.params['name']}-slots")}}

    def ensure(self) -> dict[str, Any]:
        """Make all parts, and return the load balancer as AWS describes it, or {} if there is none."""
        name = self.params["name"]
        groups = self.groups.ensure(self.wanted_groups() if self.present else {})
        balancer = self.balancer.ensure(self.wanted_balancer() if self.present else {}).get(name, {})
        if not self.present:
            self.refuse_protected()
            return {}
        self.listeners.balancer = balancer.get("LoadBalancerArn")
        listeners = self.listeners.ensure(self.wanted_listeners())
        self.rule.listener = listeners.get("443", {}).get("ListenerArn")
        self.rule.groups = {slot: group["TargetGroupArn"] for slot, group in groups.items()}
        self.rule.ensure(self.wanted_rule())
        if balancer:
            self.balancer.await_active(balancer)
        return balancer

    def refuse_protected(self) -> None:
        protected = any(
            found["attributes"]["deletion_protection.enabled"] == "true"
            for found in self.balancer.before.values()
        )
        if protected and self.params["deletion_protection"]:
            self.module.fail_json(
                msg=f"load balancer '{self.params['name']}' is protected from deletion; nothing was removed. "
                "Say deletion_protection: false to remove it all the same."
            )

    def purge(self) -> None:
        """Remove what is not wanted; listeners and rules go with their load balancer."""
        parts = (
            (self.rule, self.listeners, self.balancer, self.groups)
            if self.present
            else (self.balancer, self.groups)
        )
        for part in parts:
            part.purge()


def yes_or_no(value: Any) -> str:
    return "true" if value else "false"


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ARGUMENTS,
        required_if=[("state", "present", ["vpc_id", "subnet_ids", "security_group_ids", "certificate_arn"])],
        supports_check_mode=True,
    )
    balancer = LoadBalancer(module)
    found = balancer.ensure()
    balancer.purge()
    result = {}
    if found:
        result = {
            "arn": found["LoadBalancerArn"],
            "dns_name": found["DNSName"],
            "zone_id": found.get("CanonicalHostedZoneId"),
        }
    finish(module, balancer.sets, **result)


if __name__ == "__main__":
    main()
