"""The filter security_group_plan: declared groups compared with those that exist."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.teal.platform.plugins.filter.security_group_plan import security_group_plan
from support import ROOT

TAGS = {"Application": "shop", "Environment": "test", "Component": "network"}
RULE = {"peers": ["b"], "ports": ["80"]}
DECLARED = [
    {"purpose": "a_1", "description": "A", "egress": [{**RULE, "description": "To B"}]},
    {
        "purpose": "b",
        "description": "B",
        "ingress": [{**RULE, "peers": ["a_1", "10.0.0.1", "2001:DB8::/32"]}],
    },
]


def plan(existing: Any = (), declared: Any = DECLARED, ignored: Any = ()) -> dict[str, Any]:
    return security_group_plan(declared, list(existing), "shop-test", TAGS, ignored)


def group(name: str, identifier: str, **more: Any) -> dict[str, Any]:
    return {"group_name": name, "group_id": identifier, "description": "A", "tags": {}, **more}


def test_rules_name_groups_by_their_ids() -> None:
    a, b = plan([group("shop-test-a-1", "sg-a"), {"group_id": None, "changed": True}])["groups"]
    assert (a["name"], a["group_id"], a["exists"]) == ("shop-test-a-1", "sg-a", True)
    assert (b["name"], b["group_id"], b["exists"]) == ("shop-test-b", "sg-planned-b", False)
    assert a["rules"] == []
    assert a["rules_egress"] == [
        {"proto": "tcp", "ports": ["80"], "rule_desc": "To B", "group_id": ["sg-planned-b"]}
    ]
    # In the form in which AWS returns a range.
    ranges = {"cidr_ip": ["10.0.0.1/32"], "cidr_ipv6": ["2001:db8::/32"]}
    assert b["rules"] == [{"proto": "tcp", "ports": ["80"], "group_id": ["sg-a"], **ranges}]


def test_a_rule_without_peers_is_no_argument_that_upstream_refuses() -> None:
    """Such as SSH to the bastion host, from nowhere by default."""
    closed = [{"purpose": "b", "description": "B", "ingress": [{"peers": [], "ports": ["22"]}]}]
    assert plan(declared=closed)["groups"][0]["rules"] == []


@pytest.mark.parametrize("peer", ["c", "10.0.0.0/33", "10.0.0.1/8"])
def test_a_wrong_peer_is_refused(peer: str) -> None:
    wrong = [{"purpose": "b", "description": "B", "ingress": [{"peers": [peer], "ports": ["22"]}]}]
    with pytest.raises(
        AnsibleFilterError, match=f"peer '{peer}' is neither a range such as .* nor one of the groups b"
    ):
        plan(declared=wrong)


def test_current_and_wanted_attributes_have_one_form() -> None:
    permissions = [
        {"ip_protocol": "tcp", "from_port": 80, "to_port": 80, "user_id_group_pairs": [{"group_id": "sg-a"}]},
        {"ip_protocol": "tcp", "from_port": 80, "to_port": 81, "ip_ranges": [{"cidr_ip": "10.0.0.0/8"}]},
        {"ip_protocol": "-1", "prefix_list_ids": [{"prefix_list_id": "pl-1", "description": "S3"}]},
        {"ip_protocol": "icmp", "from_port": -1, "to_port": -1, "ipv6_ranges": [{"cidr_ipv6": "::/0"}]},
    ]
    tags = {"aws:x": "y", "CostCenter": "1", "Old": "1"}
    existing = [
        group("shop-test-a-1", "sg-a"),
        group("shop-test-b", "sg-b", description="B", ip_permissions=permissions, tags=tags),
    ]
    found = plan(existing, ignored=["aws:*", "Cost*"])
    assert found["current"]["shop-test-b"] == {
        "description": "B",
        "ingress": [
            "all traffic pl-1 (S3)",
            "icmp all ::/0",
            "tcp 80 shop-test-a-1",
            "tcp 80-81 10.0.0.0/8",
        ],
        "egress": [],
        "tags": {"CostCenter": "1", "Old": "1"},
    }
    assert found["wanted"]["shop-test-b"] == {
        "description": "B",
        "ingress": ["tcp 80 10.0.0.1/32", "tcp 80 2001:db8::/32", "tcp 80 shop-test-a-1"],
        "egress": [],
        "tags": {**TAGS, "Name": "shop-test-b", "Purpose": "b", "CostCenter": "1"},
    }
    assert [one["replaces"] for one in found["groups"]] == [False, True]


def test_only_groups_of_the_environment_are_removed_and_a_description_is_refused() -> None:
    mine = group("shop-test-c", "sg-c", tags={**TAGS, "Purpose": "c"})
    others = [
        group("default", "sg-1", tags=TAGS),
        group("shop-test-d", "sg-2", tags={"Purpose": "d"}),
        group("shop-prod-c", "sg-3", tags={**TAGS, "Environment": "prod", "Purpose": "c"}),
        group("eks", "sg-4", tags={**TAGS, "Component": "cluster", "Purpose": "c"}),
    ]
    found = plan([mine, *others, group("shop-test-b", "sg-b")])
    assert found["undeclared"] == [mine]
    assert found["current"].keys() == {"shop-test-b", "shop-test-c"}
    assert found["refused"] == [
        "security group shop-test-b (sg-b) has the description 'A', but 'B' is declared"
    ]


def test_the_groups_of_the_role() -> None:
    """AWS accepts few characters in descriptions; every peer exists."""
    loader = DataLoader()
    values = loader.load_from_file(str(ROOT / "roles/network/defaults/main.yml"), trusted_as_template=True)
    values |= loader.load_from_file(str(ROOT / "roles/network/vars/main.yml"), trusted_as_template=True)
    declared = Templar(loader=loader, variables=values).template(values["__network_security_groups"])
    found = plan(declared=declared)
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*")
    for one in found["groups"]:
        texts = [one["description"], *(rule["rule_desc"] for rule in one["rules"] + one["rules_egress"])]
        assert all(set(text) <= allowed and len(text) <= 255 for text in texts), texts
    assert {one["purpose"] for one in found["groups"]} == {
        *("load_balancer", "service", "functions", "bastion", "database")
    }
