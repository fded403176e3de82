#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: security_groups
short_description: All security groups of an environment, that refer to each other
version_added: 0.1.0
description:
  - Brings a set of security groups to what is declared, in one process. All groups are made before their
    rules, so that rules may refer to any group of the set, in circles too.
  - Rules that are not declared are removed, after what is missing was added. Among them is the rule by which
    AWS lets a new group reach everything.
  - Groups are known again by their tag C(Purpose); groups of the VPC without it are left alone.
author: Teal maintainers (@teal-platform)
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  name:
    description: Prefix of the groups' names. A group is C(<name>-<purpose>), hyphens for underscores.
    type: str
    required: true
  groups:
    description: The groups.
    type: list
    elements: dict
    default: []
    suboptions:
      purpose:
        description: What the group is for. Rules refer to groups by it.
        type: str
        required: true
      description:
        description: Description of the group. AWS cannot change it later.
        type: str
        required: true
      ingress:
        description: Who may reach its members.
        type: list
        elements: dict
        default: []
        suboptions: &rule
          peers:
            description: Purposes of groups of this set, or ranges like V(10.0.0.0/8).
            type: list
            elements: str
            required: true
          ports:
            description: Ports, or ranges of them like V(30080-30081). V(-1) is all.
            type: list
            elements: str
            required: true
          protocol:
            description: Protocol. V(-1) is all.
            type: str
            choices: [tcp, udp, icmp, "-1"]
            default: tcp
          description:
            description: Why the rule is there. Given to a rule when it is made, and not compared later.
            type: str
            default: ""
      egress:
        description: Whom its members may reach.
        type: list
        elements: dict
        default: []
        suboptions: *rule
  state:
    description:
      - V(absent) removes all groups with a tag C(Purpose); their references to each other first. It also removes
        the group that EKS made for a cluster called O(name), if EKS left it behind.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of each group. C(Name) and C(Purpose) are added.
    type: dict
    aliases: [resource_tags]
    default: {}
  wait_timeout:
    description: Seconds to wait on removal until nothing uses a group any more.
    type: int
    default: 300
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
    description: Shows all groups with their rules before and after.
    support: full
"""

EXAMPLES = r"""
- name: Let the world reach the load balancer, and the load balancer the service
  teal.platform.security_groups:
    vpc_id: vpc-0123456789abcdef0
    name: shop-staging
    groups:
      - purpose: load_balancer
        description: Load balancer
        ingress:
          - {peers: [0.0.0.0/0], ports: [443], description: HTTPS}
        egress:
          - {peers: [service], ports: [8080]}
      - purpose: service
        description: Service
        ingress:
          - {peers: [load_balancer], ports: [8080]}
"""

RETURN = r"""
group_ids:
  description: IDs of the groups by purpose. In check mode, those that are yet to be made have placeholders.
  type: dict
  returned: when state is present
"""

import re
import time
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.interfaces import (
    await_functions,
    interfaces,
    remove_left_by_nodes,
)
from ansible_collections.teal.platform.plugins.module_utils.resource import IGNORED_TAGS, AnsibleAWSModule
from ansible_collections.teal.platform.plugins.module_utils.resource_set import EC2Set, finish

#: The tag by which EKS names the cluster that it made a group for.
OF_EKS = "aws:eks:cluster-name"


class SecurityGroups(EC2Set):
    """Groups with their rules. A rule is a line of text: direction, protocol, ports, peer."""

    kind = "security group"
    id_key = "GroupId"
    fixed = frozenset({"description"})
    needed_tags = frozenset({OF_EKS})

    def find_all(self) -> dict[str, dict]:
        groups = self.in_vpc("describe_security_groups", "SecurityGroups")
        found = {self.tags_of(group).get("Purpose"): group for group in groups}
        found.pop(None, None)
        if self.params["state"] == "absent":
            left = [
                group
                for group in groups
                if {"Key": OF_EKS, "Value": self.params["name"]} in group.get("Tags", [])
            ]
            found |= {group["GroupName"]: group for group in left}
        self.purposes = {group["GroupId"]: purpose for purpose, group in found.items()}
        self.rules: dict[str, dict[str, dict]] = {identifier: {} for identifier in self.purposes}
        if found:
            mine = [{"Name": "group-id", "Values": sorted(self.purposes)}]
            for rule in self.pages("describe_security_group_rules", "SecurityGroupRules", Filters=mine):
                self.rules[rule["GroupId"]][self._line(rule)] = rule
        return found

    def _line(self, rule: dict) -> str:
        group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
        peer = self.purposes.get(group, group) or rule.get("CidrIpv4") or rule.get("CidrIpv6")
        return rule_line(
            "egress" if rule["IsEgress"] else "ingress",
            rule["IpProtocol"],
            rule.get("FromPort", -1),
            rule.get("ToPort", -1),
            peer or rule.get("PrefixListId", "?"),
        )

    def settings(self, found: dict) -> dict[str, Any]:
        return {
            "description": found["Description"],
            "rules": sorted(self.rules[found["GroupId"]]),
            "tags": self.tags_of(found),
        }

    def create_one(self, key: str, want: dict[str, Any]) -> dict:
        found = self.call(
            "create_security_group",
            GroupName=want["tags"]["Name"],
            Description=want["description"],
            VpcId=self.params["vpc_id"],
            TagSpecifications=self.specification("security-group", want["tags"]),
        )
        return {"GroupId": found["GroupId"], "Tags": []}

    def update_one(self, key: str, found: dict, want: dict[str, Any]) -> dict:
        self.sync_tags(found, want["tags"])
        return found

    def delete_one(self, key: str, found: dict) -> None:
        inside = interfaces(self, self.client, group_id=found["GroupId"])
        remove_left_by_nodes(self, self.client, inside)
        await_functions(self, self.client, found["GroupId"])
        self.delete_when_free(
            "delete_security_group", gone=["InvalidGroup.NotFound"], GroupId=found["GroupId"]
        )

    def ensure_rules(self, wanted: dict[str, dict[str, str]], group_ids: dict[str, str]) -> None:
        """Bring the rules of all groups to `wanted` (why, by line); add first, so that nothing is cut off."""
        if self.module.check_mode:
            return
        for purpose, found in self._all_visible(wanted.keys()).items():
            self._at, identifier = purpose, found["GroupId"]
            have, reasons = self.rules[identifier], wanted.get(purpose, {})
            missing = [line for line in reasons if line not in have]
            extra = {line: rule["SecurityGroupRuleId"] for line, rule in have.items() if line not in reasons}
            for direction in ("ingress", "egress"):
                permissions = [
                    permission(line, reasons[line], group_ids)
                    for line in missing
                    if line.startswith(direction)
                ]
                if permissions:
                    self.call_when_visible(
                        f"authorize_security_group_{direction}", GroupId=identifier, IpPermissions=permissions
                    )
                rules = [rule for line, rule in extra.items() if line.startswith(direction)]
                if rules:
                    self.call(
                        f"revoke_security_group_{direction}", GroupId=identifier, SecurityGroupRuleIds=rules
                    )

    def _all_visible(self, purposes: Iterable[str]) -> dict[str, dict]:
        """Return all groups, once those that were just made are listed among them."""
        give_up = time.monotonic() + 20
        while unseen := set(purposes) - (found := self.find_all()).keys():
            if time.monotonic() > give_up:
                self.module.fail_json(
                    msg="ec2:DescribeSecurityGroups does not list what was just made: "
                    f"{', '.join(sorted(unseen))}. Run this again."
                )
            time.sleep(1)
        return found


def rule_line(direction: str, protocol: str, first: int, last: int, peer: str) -> str:
    """Return a rule as one line; equal rules have equal lines."""
    ports = str(first) if first == last else f"{first}-{last}"
    return f"{direction} {protocol} {ports} {peer}"


def permission(line: str, why: str, group_ids: dict[str, str]) -> dict[str, Any]:
    """Return the IpPermission that a rule's line stands for."""
    _direction, protocol, ports, peer = line.split()
    description = {"Description": why} if why else {}
    result: dict[str, Any] = {"IpProtocol": protocol}
    if protocol != "-1":
        first, _dash, last = ports.partition("-") if not ports.startswith("-") else (ports, "", "")
        result |= {"FromPort": int(first), "ToPort": int(last or first)}
    if peer in group_ids:
        return result | {"UserIdGroupPairs": [{"GroupId": group_ids[peer], **description}]}
    if ":" in peer:
        return result | {"Ipv6Ranges": [{"CidrIpv6": peer, **description}]}
    return result | {"IpRanges": [{"CidrIp": peer, **description}]}


def declared(module: AnsibleAWSModule) -> tuple[dict[str, dict], dict[str, dict[str, str]]]:
    """Return the wanted settings of all groups and the reasons of their rules, by purpose.

    Ends the module at a wrong peer, port or description.
    """
    groups = module.params["groups"] if module.params["state"] == "present" else []
    purposes = {group["purpose"] for group in groups}
    wanted: dict[str, dict] = {}
    reasons: dict[str, dict[str, str]] = {}
    for group in groups:
        purpose = group["purpose"]
        check_description(module, f"security group '{purpose}'", group["description"])
        lines = reasons[purpose] = {}
        for direction in ("ingress", "egress"):
            for rule in group[direction]:
                where = f"security group '{purpose}', {direction}"
                check_description(module, where, rule["description"])
                for ports in rule["ports"]:
                    first, last = port_range(module, where, rule["protocol"], ports)
                    for peer in rule["peers"]:
                        check_peer(module, where, peer, purposes)
                        lines[rule_line(direction, rule["protocol"], first, last, peer)] = rule["description"]
        name = f"{module.params['name']}-{purpose.replace('_', '-')}"
        wanted[purpose] = {
            "description": group["description"],
            "rules": sorted(lines),
            "tags": {**module.params["tags"], "Name": name, "Purpose": purpose},
        }
    return wanted, reasons


def check_description(module: AnsibleAWSModule, where: str, description: str) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}", description):
        module.fail_json(
            msg=f"{where}: AWS does not take the description '{description}'; letters, digits, spaces "
            "and ._-:/()#,@[]+=&;{}!$* are allowed, at most 255"
        )


def port_range(module: AnsibleAWSModule, where: str, protocol: str, ports: str) -> tuple[int, int]:
    if protocol == "-1" or ports == "-1":
        return -1, -1
    first, _dash, last = ports.partition("-")
    try:
        result = int(first), int(last or first)
    except ValueError:
        result = (-1, -1)
    if not 0 <= result[0] <= result[1] <= 65535:
        module.fail_json(msg=f"{where}: '{ports}' is no port (443) and no range of ports (30080-30081)")
    return result


def check_peer(module: AnsibleAWSModule, where: str, peer: str, purposes: set[str]) -> None:
    if peer in purposes:
        return
    try:
        ip_network(peer)
    except ValueError:
        module.fail_json(
            msg=f"{where}: peer '{peer}' is neither a range like 10.0.0.0/8 nor one of the groups "
            + ", ".join(sorted(purposes))
        )


def main() -> None:
    rule = {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "peers": {"type": "list", "elements": "str", "required": True},
            "ports": {"type": "list", "elements": "str", "required": True},
            "protocol": {"type": "str", "choices": ["tcp", "udp", "icmp", "-1"], "default": "tcp"},
            "description": {"type": "str", "default": ""},
        },
    }
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "groups": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "purpose": {"type": "str", "required": True},
                    "description": {"type": "str", "required": True},
                    "ingress": rule,
                    "egress": rule,
                },
            },
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "aliases": ["resource_tags"], "default": {}},
            "ignored_tags": IGNORED_TAGS,
            "wait_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    wanted, reasons = declared(module)
    groups = SecurityGroups(module)
    found = groups.ensure(wanted)
    group_ids = {
        purpose: found[purpose]["GroupId"] if purpose in found else f"sg-planned-{purpose}"
        for purpose in wanted
    }
    if any(groups.before.get(key, {}).get("rules") != want["rules"] for key, want in wanted.items()) or (
        groups.before.keys() - wanted.keys()
    ):
        groups.ensure_rules(reasons, group_ids)
    groups.purge()
    finish(module, {"security groups": groups}, **({"group_ids": group_ids} if wanted else {}))


if __name__ == "__main__":
    main()
