"""The comparison of created objects in the benchmarks."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import bench
import chain
import cloud_snapshot

NETWORK: dict[str, list[Any]] = {
    **{kind: [] for kind in (*cloud_snapshot.EC2, *cloud_snapshot.API)},
    "vpcs": [{"VpcId": "vpc-0123456789abcdef0", "Tags": [{"Key": "Name", "Value": "shop"}]}],
    "subnets": [
        {"SubnetId": "subnet-0a", "VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.0.0.0/20"},
        {"SubnetId": "subnet-0b", "VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.0.16.0/20"},
    ],
    "keys": [{"KeyId": "4b33b5b3-f9b1-30ba-9a1c-8b25c4a8f2a1", "CreationDate": "today", "Rotates": True}],
}


def changed(kind: str, **values: Any) -> dict[str, list[Any]]:
    other = copy.deepcopy(NETWORK)
    other[kind][0].update(values)
    return other


def test_generated_values_are_no_difference() -> None:
    other = changed("keys", KeyId="00000000-1111-2222-3333-444444444444", CreationDate="tomorrow")
    other["vpcs"][0]["VpcId"] = "vpc-0fedcba9876543210"
    for subnet in other["subnets"]:
        subnet["VpcId"] = "vpc-0fedcba9876543210"
    other["subnets"].reverse()
    assert cloud_snapshot.comparable(other) == cloud_snapshot.comparable(NETWORK)


@pytest.mark.parametrize(
    "other",
    [
        changed("keys", Rotates=False),
        changed("subnets", CidrBlock="10.0.32.0/20"),
        changed("subnets", VpcId="vpc-0fedcba9876543210"),
        changed("vpcs", Tags=[{"Key": "Name", "Value": "other"}]),
        {**NETWORK, "subnets": NETWORK["subnets"][:1]},
        {**NETWORK, "topics": [{"Name": "more"}]},
    ],
)
def test_any_setting_is_a_difference(other: dict[str, list[Any]]) -> None:
    made = {"one": cloud_snapshot.comparable(NETWORK), "other": cloud_snapshot.comparable(other)}
    assert made["one"] != made["other"]
    with pytest.raises(SystemExit, match="The created objects differ"):
        bench.same(made)


def test_longest_chain_follows_the_dependencies() -> None:
    times = {"cluster": 600, "nodegroup": 180, "nat_gateway": 90, "database": 700}
    assert chain.longest(times) == ["cluster", "nodegroup"]
    assert chain.longest({**times, "nat_gateway": 601}) == ["nat_gateway", "nodegroup"]
    assert chain.longest({**times, "database": 900}) == ["database"]
