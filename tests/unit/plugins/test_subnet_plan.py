"""The filter subnet_plan: subnets fit the VPC, don't overlap, and stay where they are."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.filter.subnet_plan import subnet_plan
from hypothesis import given
from hypothesis import strategies as st

ZONES = ["eu-west-1a", "eu-west-1b"]


def test_names_and_ranges():
    assert subnet_plan("10.20.0.0/16", ["public", "private"], ZONES, 4, "shop") == [
        {"name": "shop-public-a", "tier": "public", "az": "eu-west-1a", "cidr": "10.20.0.0/20"},
        {"name": "shop-public-b", "tier": "public", "az": "eu-west-1b", "cidr": "10.20.16.0/20"},
        {"name": "shop-private-a", "tier": "private", "az": "eu-west-1a", "cidr": "10.20.64.0/20"},
        {"name": "shop-private-b", "tier": "private", "az": "eu-west-1b", "cidr": "10.20.80.0/20"},
    ]


def test_added_zone_or_tier_changes_no_existing_subnet():
    before = subnet_plan("10.0.0.0/16", ["public", "private"], ZONES)
    after = subnet_plan("10.0.0.0/16", ["public", "private", "data"], [*ZONES, "eu-west-1c"])
    assert [subnet for subnet in before if subnet not in after] == []


@given(
    prefix=st.integers(16, 24),
    tiers=st.integers(1, 4),
    zones=st.integers(1, 4),
    newbits=st.integers(2, 8),
)
def test_subnets_are_disjoint_parts_of_the_vpc(prefix, tiers, zones, newbits):
    vpc = IPv4Network((0x0A000000, prefix))
    try:
        plan = subnet_plan(
            str(vpc), [f"t{i}" for i in range(tiers)], [f"z{'abcd'[i]}" for i in range(zones)], newbits
        )
    except AnsibleFilterError:
        assert prefix + newbits > 28 or tiers * 4 > 2**newbits
        return
    ranges = [IPv4Network(subnet["cidr"]) for subnet in plan]
    assert len(ranges) == tiers * zones
    assert all(subnet.subnet_of(vpc) for subnet in ranges)
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("10.0.0.1/16", ["a"], ZONES), "host bits"),
        (("10.0.0.0/33", ["a"], ZONES), "10.0.0.0/33"),
        (("10.0.0.0/28", ["a"], ZONES, 4), "/32"),
        (("10.0.0.0/8", ["a"], ZONES, 4), "/12"),
        (("10.0.0.0/16", ["a", "a"], ZONES), "tier is named twice"),
        (("10.0.0.0/16", ["a"], ["za", "za"]), "zone is named twice"),
        (("10.0.0.0/16", ["a"], ["za", "zb", "zc", "zd", "ze"]), "at most 4"),
        (("10.0.0.0/16", ["a", "b"], ZONES, 2), "need 8 subnets"),
    ],
)
def test_too_small_vpc_is_an_error(arguments, message):
    with pytest.raises(AnsibleFilterError, match=message):
        subnet_plan(*arguments)
