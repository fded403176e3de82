# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the security groups of a VPC to create, update and remove."""

from __future__ import annotations

DOCUMENTATION = r"""
name: security_group_plan
author: Teal maintainers
version_added: 0.1.0
short_description: Compare declared security groups with those of a VPC
description:
  - Returns the arguments of M(amazon.aws.ec2_security_group) for each declared group, and the groups of the environment
    that are no longer declared.
  - A rule of a declared group refers to other groups by their purpose, which is replaced by their ID. A group that does
    not exist yet, as in check mode before the first run, gets the placeholder C(sg-planned-<purpose>).
positional: _input, existing, name, tags, ignored_tags
options:
  _input:
    description:
      - The declared groups, each with C(purpose), C(description), and the lists of rules C(ingress) and C(egress).
      - A rule has C(peers) (purposes of declared groups, or ranges such as V(10.0.0.0/8)), C(ports) (V(443) or
        V(30080-30081)), C(description), and C(protocol) if it is not V(tcp).
    type: list
    elements: dict
    required: true
  existing:
    description:
      - All groups of the VPC, as M(amazon.aws.ec2_security_group_info) returns them. Results of
        M(amazon.aws.ec2_security_group) may be appended.
    type: list
    elements: dict
    required: true
  name:
    description: Prefix of the groups' names. A group has the name C(<name>-<purpose>), with hyphens for underscores.
    type: str
    required: true
  tags:
    description:
      - Tags of each group. C(Name) and C(Purpose) are added.
      - A group with the tag C(Purpose) belongs to the environment if its C(Application), C(Environment) and C(Component)
        are the same.
    type: dict
    required: true
  ignored_tags:
    description: Patterns of the keys of tags that others set. A group keeps them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show which security groups would be removed
  ansible.builtin.debug:
    msg: "{{ plan.undeclared | map(attribute='group_name') }}"
  vars:
    plan: "{{ declared | teal.platform.security_group_plan(found.security_groups, 'shop-test', tags) }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    groups:
      description:
        - The declared groups, each with C(purpose), C(name), C(description), C(rules), C(rules_egress), C(tags),
          C(group_id), C(exists), and C(replaces), which is true if rules are both added and removed.
      type: list
      elements: dict
    undeclared:
      description: The existing groups of the environment that are not declared, unchanged from O(existing).
      type: list
      elements: dict
    current:
      description: Attributes of the existing groups by name, for P(teal.platform.describe_changes#filter).
      type: dict
    wanted:
      description: Attributes of the declared groups by name, in the same form.
      type: dict
    refused:
      description: One message for each group that AWS cannot change to its declared state.
      type: list
      elements: str
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.filter.foreign_tags import foreign_tags

#: Tags that identify the environment and the component to which a group belongs.
OWNER_TAGS = ("Application", "Environment", "Component")
DIRECTIONS = {"ingress": "ip_permissions", "egress": "ip_permissions_egress"}


def security_group_plan(
    declared: list[dict[str, Any]],
    existing: list[dict[str, Any]],
    name: str,
    tags: dict[str, str],
    ignored_tags: Iterable[str] = (),
) -> dict[str, Any]:
    """Return what to create, update and remove; see RETURN."""
    found = {group["group_name"]: group for group in existing if group.get("group_name")}
    names = {group["purpose"]: f"{name}-{group['purpose'].replace('_', '-')}" for group in declared}
    ids = {
        purpose: found[known]["group_id"] if known in found else f"sg-planned-{purpose}"
        for purpose, known in names.items()
    }
    names_by_id = {group["group_id"]: known for known, group in found.items()}
    names_by_id |= {identifier: names[purpose] for purpose, identifier in ids.items()}
    undeclared = [
        group
        for known, group in found.items()
        if known not in names.values() and _is_own(group.get("tags") or {}, tags)
    ]
    plan: dict[str, Any] = {"groups": [], "undeclared": undeclared, "refused": [], "wanted": {}}
    plan["current"] = {
        known: _current(group, names_by_id)
        for known, group in found.items()
        if known in names.values() or group in undeclared
    }
    for group in declared:
        known = names[group["purpose"]]
        has = found.get(known, {})
        # ec2_security_group fails for a rule without a peer.
        rules = {
            direction: [_rule(one, ids) for one in group.get(direction, []) if one["peers"]]
            for direction in DIRECTIONS
        }
        lines = {direction: _lines_of_rules(rules[direction], names_by_id) for direction in DIRECTIONS}
        kept = foreign_tags(has.get("tags"), ignored_tags)
        wanted_tags = {**kept, **tags, "Name": known, "Purpose": group["purpose"]}
        plan["wanted"][known] = {"description": group["description"], **lines, "tags": wanted_tags}
        if has and has["description"] != group["description"]:
            plan["refused"].append(
                f"security group {known} ({has['group_id']}) has the description '{has['description']}', but "
                f"'{group['description']}' is declared"
            )
        plan["groups"].append(
            {
                "purpose": group["purpose"],
                "name": known,
                "description": group["description"],
                "group_id": ids[group["purpose"]],
                "exists": bool(has),
                "rules": rules["ingress"],
                "rules_egress": rules["egress"],
                "tags": wanted_tags,
                "replaces": bool(has) and _replaces(plan["current"][known], lines),
            }
        )
    return plan


def _is_own(have: dict[str, str], tags: dict[str, str]) -> bool:
    """Return whether a group with the tags `have` was created for the environment and component of `tags`."""
    return "Purpose" in have and all(have.get(key) == tags.get(key) for key in OWNER_TAGS)


def _rule(declared: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """Return a rule in the form of ec2_security_group."""
    rule: dict[str, Any] = {
        "proto": declared.get("protocol", "tcp"),
        "ports": [str(one) for one in declared["ports"]],
    }
    if declared.get("description"):
        rule["rule_desc"] = declared["description"]
    for peer in declared["peers"]:
        if peer in ids:
            kind, value = "group_id", ids[peer]
        else:
            try:
                network = ip_network(peer)
            except ValueError as error:
                raise AnsibleFilterError(
                    f"security_group_plan: peer '{peer}' is neither a range such as 10.0.0.0/8 nor one of the groups "
                    f"{', '.join(sorted(ids))}"
                ) from error
            kind, value = ("cidr_ip" if network.version == 4 else "cidr_ipv6"), str(network)
        rule.setdefault(kind, []).append(value)
    return rule


def _lines_of_rules(rules: list[dict[str, Any]], names: dict[str, str]) -> list[str]:
    """Return rules in the form of ec2_security_group as lines; equal rules have equal lines."""
    lines = set()
    for rule in rules:
        peers = [peer for kind in ("cidr_ip", "cidr_ipv6", "group_id") for peer in rule.get(kind, [])]
        for ports in rule["ports"]:
            first, _dash, last = ports.partition("-")
            for peer in peers:
                where = _ports(int(first), int(last or first))
                lines.add(_line(rule["proto"], where, names.get(peer, peer), rule.get("rule_desc")))
    return sorted(lines)


def _current(group: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return the attributes of an existing group, in the form of the wanted ones."""
    lines: dict[str, list[str]] = {}
    for direction, key in DIRECTIONS.items():
        lines[direction] = sorted(
            _line(
                permission["ip_protocol"],
                _ports(permission.get("from_port", -1), permission.get("to_port", -1)),
                names.get(peer, peer),
                why,
            )
            for permission in group.get(key) or []
            for peer, why in _peers(permission)
        )
    tags = {key: value for key, value in (group.get("tags") or {}).items() if not key.startswith("aws:")}
    return {"description": group.get("description"), **lines, "tags": tags}


def _peers(permission: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return the peers of a permission, each with the description of its rule."""
    kinds = (
        ("ip_ranges", "cidr_ip"),
        ("ipv6_ranges", "cidr_ipv6"),
        ("prefix_list_ids", "prefix_list_id"),
        ("user_id_group_pairs", "group_id"),
    )
    return [
        (str(one.get(member)), one.get("description"))
        for kind, member in kinds
        for one in permission.get(kind) or []
    ]


def _ports(first: int | None, last: int | None) -> str:
    if first in (None, -1):
        return "all"
    return str(first) if first == last else f"{first}-{last}"


def _line(protocol: str, ports: str, peer: str, why: str | None) -> str:
    """Return a rule as one line, such as ``tcp 443 0.0.0.0/0 (HTTPS)``."""
    line = "all traffic" if str(protocol) == "-1" else f"{protocol} {ports}"
    return f"{line} {peer} ({why})" if why else f"{line} {peer}"


def _replaces(current: dict[str, Any], wanted: dict[str, list[str]]) -> bool:
    """Return whether rules are both added and removed. A change of the description only is neither."""
    for direction in DIRECTIONS:
        have, want = ({one.split(" (")[0] for one in side[direction]} for side in (current, wanted))
        if have - want and want - have:
            return True
    return False


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """Return the filters by name."""
        return {"security_group_plan": security_group_plan}
