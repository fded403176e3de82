"""What a VPC has to have, computed from its settings and from what exists."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.filter.nat_routes import nat_routes
from ansible_collections.teal.platform.plugins.filter.network_layout import network_layout
from ansible_collections.teal.platform.plugins.filter.subnet_plan import subnet_plan

ZONES = ["ap-northeast-2a", "ap-northeast-2c"]
NOTHING: dict[str, Any] = {
    kind: []
    for kind in ("subnets", "internet_gateways", "addresses", "nat_gateways", "route_tables", "endpoints")
}
MADE: dict[str, Any] = {
    "subnets": [],
    "internet_gateway": {},
    "addresses": [],
    "nat_gateways": [],
    "available": [],
    "route_tables": [],
}


def layout(
    found: dict[str, Any] | None = None,
    made: dict[str, Any] | None = None,
    tiers: tuple[str, ...] = ("public", "private"),
    zones: list[str] = ZONES,
    newbits: int = 4,
    **settings: Any,
) -> dict[str, Any]:
    wanted = {
        "vpc_id": "vpc-1",
        "subnets": subnet_plan("10.20.0.0/16", list(tiers), zones, newbits, "shop"),
        "public_tiers": ["public"],
        "nat": "single",
        "s3_endpoint": True,
        "tags": {"Environment": "staging"},
        "ignored_tags": ["aws:*", "Cost*"],
        **settings,
    }
    return network_layout("shop", {**NOTHING, **(found or {})}, {**MADE, **(made or {})}, **wanted)


def subnet(name: str, zone: str, cidr: str, **tags: str) -> dict[str, Any]:
    return {
        "subnet_id": f"subnet-{cidr}",
        "availability_zone": zone,
        "cidr_block": cidr,
        "tags": {"Name": name, **tags} if name else tags,
    }


def nat(name: str, state: str = "available", **more: Any) -> dict[str, Any]:
    address = {"public_ip": f"192.0.2.{ord(name[-1])}", "allocation_id": f"eipalloc-{name}"}
    return {
        "nat_gateway_id": f"nat-{name}",
        "state": state,
        "subnet_id": "subnet-10.20.0.0/20",
        "nat_gateway_addresses": [address],
        "tags": {"Name": f"shop-nat-{name}"},
        **more,
    }


def table(name: str, target: str | None = None, subnets: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    route = {"destination_cidr_block": "0.0.0.0/0", "origin": "CreateRoute", "nat_gateway_id": target}
    return {
        "route_table_id": f"rtb-{name}",
        "tags": {"Name": f"shop-{name}"},
        "routes": [route] if target else [],
        "associations": [{"subnet_id": one, "main": False} for one in subnets],
        **more,
    }


def endpoint(name: str, *tables: str, state: str = "available") -> dict[str, Any]:
    return {"vpc_endpoint_id": f"vpce-{name}", "state": state, "route_table_ids": list(tables), "tags": []}


FIRST = subnet("shop-public-a", ZONES[0], "10.20.0.0/20")


@pytest.mark.parametrize(
    ("found", "settings", "problem"),
    [
        ([FIRST], {}, ""),
        ([FIRST], {"zones": ZONES[::-1]}, "'shop-public-a' exists in ap-northeast-2a with 10.20.0.0/20"),
        ([FIRST], {"zones": [ZONES[1]]}, "has 10.20.0.0/20 in ap-northeast-2a, but the settings put 'shop-public-c'"),
        ([FIRST], {"newbits": 5}, "the settings put it in ap-northeast-2a with 10.20.0.0/21"),
        ([FIRST], {"tiers": ("edge", "public")}, "has 10.20.0.0/20, which the settings give to 'shop-edge-a'"),
        ([subnet("", ZONES[0], "10.20.0.0/20")], {}, ""),
        ([subnet("", ZONES[1], "10.20.0.0/20")], {}, "AWS cannot move a subnet"),
        ([], {"tiers": ("private",)}, "network_nat is 'single', but no subnet is in a public tier (public)"),
        ([], {"tiers": ("private",), "nat": "none"}, ""),
        ([], {"tiers": ("public",)}, ""),
    ],
)  # fmt: skip
def test_immutable_settings_are_reported(
    found: list[dict[str, Any]], settings: dict[str, Any], problem: str
) -> None:
    problems = layout({"subnets": found}, **settings)["problems"]
    assert bool(problems) == bool(problem)
    assert problem in " ".join(problems)


def test_a_nat_gateway_cannot_move() -> None:
    found = {"subnets": [FIRST], "nat_gateways": [nat("a", subnet_id="subnet-other")]}
    (problem,) = layout(found)["problems"]
    assert problem.startswith("NAT gateway 'shop-nat-a' exists in subnet-other")


def test_ids_are_those_that_the_tasks_created() -> None:
    names = ["shop-public-a", "shop-public-c", "shop-private-a", "shop-private-c"]
    made = {
        "subnets": [
            {"item": {"name": name}, "subnet": {"id": f"subnet-{n}"}} for n, name in enumerate(names)
        ],
        "internet_gateway": {"gateway_id": "igw-1"},
        "addresses": [{"item": {"name": "shop-nat-a"}, "allocation_id": "eipalloc-1"}],
        "nat_gateways": [{"item": {"name": "shop-nat-a"}, "nat_gateway_id": "nat-1", "state": "pending"}],
        "route_tables": [
            {"item": {"name": f"shop-{name}"}, "route_table": {"id": f"rtb-{name}"}}
            for name in ("public", "private-a", "private-c")
        ],
    }
    found = layout(made=made)
    assert [one["id"] for one in found["subnets"]] == [f"subnet-{n}" for n in range(4)]
    (gateway,) = found["nat_gateways"]
    assert (gateway["subnet_id"], gateway["allocation_id"]) == ("subnet-0", "eipalloc-1")
    assert {one["name"]: (one["subnet_ids"], one["routes"]) for one in found["route_tables"]} == {
        "shop-public": (["subnet-0", "subnet-1"], [{"dest": "0.0.0.0/0", "gateway_id": "igw-1"}]),
        "shop-private-a": (["subnet-2"], []),  # the gateway is pending
        "shop-private-c": (["subnet-3"], []),
    }
    assert found["endpoints"][0]["route_table_ids"] == ["rtb-private-a", "rtb-private-c", "rtb-public"]


def test_check_mode_plans_with_well_formed_ids() -> None:
    """EC2 refuses a malformed id, even in a question."""
    found = layout()
    assert {one["id"] for one in found["subnets"]} == {"subnet-00000000000000000"}
    assert found["nat_gateways"][0]["allocation_id"] == "eipalloc-00000000000000000"
    assert found["endpoints"][0]["route_table_ids"] == ["rtb-00000000000000000"]


def test_tags_of_others_are_kept_and_undeclared_own_tags_are_removed() -> None:
    kept = subnet("shop-public-a", ZONES[0], "10.20.0.0/20", CostCenter="7", Stray="x", **{"aws:x": "y"})
    assert layout({"subnets": [kept]})["subnets"][0]["tags"] == {
        "CostCenter": "7",
        "Environment": "staging",
        "Name": "shop-public-a",
        "Tier": "public",
    }


def test_pending_nat_gateway_is_awaited_before_it_gets_a_route() -> None:
    pending = {"subnets": [FIRST], "nat_gateways": [nat("a", "pending")]}
    assert not layout(pending)["wait_for_nat"]
    led = {**pending, "route_tables": [table("private-a", "nat-gone")]}
    assert layout(led)["wait_for_nat"]
    assert {
        "shop-private-a: routes: 0.0.0.0/0 nat-gone -> none",
        "shop-private-a: routes: none -> 0.0.0.0/0 nat-a",
    } <= set(layout(led)["changes"])
    assert not layout(led, {"available": [nat("a")]})["wait_for_nat"]


def test_routes_of_aws_are_ignored() -> None:
    """Upstream warns of an endpoint's route in each run with `purge_routes`."""
    own = {"destination_cidr_block": "10.20.0.0/16", "gateway_id": "local", "origin": "CreateRouteTable"}
    s3 = {"destination_cidr_block": None, "gateway_id": "vpce-1", "origin": "CreateRoute"}
    stray = {"destination_cidr_block": "192.0.2.0/24", "gateway_id": "vgw-1", "origin": "CreateRoute"}
    for routes, purge in (([own, s3], False), ([own, s3, stray], True)):
        tables = layout({"route_tables": [table("public", routes=routes)]})["route_tables"]
        assert tables[0]["purge_routes"] == purge


def test_endpoint_is_kept_and_a_new_route_table_gets_its_own() -> None:
    names = ("public", "private-a", "private-c")
    tables = [table(name) for name in names]
    ids = [one["route_table_id"] for one in tables]

    def endpoints(*existing: dict[str, Any], **settings: Any) -> tuple[list[Any], list[str]]:
        found = layout({"route_tables": tables, "endpoints": list(existing)}, **settings)
        return [(one["id"], one["route_table_ids"]) for one in found["endpoints"]], found["surplus"][
            "endpoints"
        ]

    assert endpoints(endpoint("1", *ids)) == ([("vpce-1", sorted(ids))], [])
    assert endpoints(endpoint("1", ids[0])) == ([("vpce-1", [ids[0]]), (None, sorted(ids[1:]))], [])
    assert endpoints(endpoint("1", ids[0], "rtb-old")) == ([(None, sorted(ids))], ["vpce-1"])
    assert endpoints(endpoint("1")) == ([(None, sorted(ids))], ["vpce-1"])
    assert endpoints(endpoint("1", *ids, state="deleting")) == ([(None, sorted(ids))], [])
    assert endpoints(endpoint("1", *ids), s3_endpoint=False) == ([], ["vpce-1"])


def test_undeclared_resources_are_removed() -> None:
    main = {"route_table_id": "rtb-main", "tags": {}, "routes": [], "associations": [{"main": True}]}
    found = {
        "subnets": [FIRST, subnet("shop-data-a", ZONES[0], "10.20.128.0/20")],
        "nat_gateways": [nat("a"), nat("c"), nat("x", "deleting"), nat("y", "failed"), nat("z", "deleted")],
        "addresses": [
            {"public_ip": "192.0.2.97", "tags": {"Name": "shop-nat-a"}},
            {"public_ip": "192.0.2.99", "tags": {"Name": "shop-nat-c"}},
            {"public_ip": "192.0.2.9", "tags": {"Name": "shop-nat-2-nat-a"}},  # of the environment nat-2
            {"public_ip": "192.0.2.8"},
        ],
        "route_tables": [main, table("public"), table("data")],
        "internet_gateways": [
            {"internet_gateway_id": "igw-1", "attachments": [{"vpc_id": "vpc-1"}], "tags": {}},
            {"internet_gateway_id": "igw-2", "attachments": [], "tags": {"Name": "shop"}},
            {"internet_gateway_id": "igw-3", "attachments": [], "tags": {"Name": "other"}},
            {"internet_gateway_id": "igw-4", "attachments": [{"vpc_id": "vpc-2"}], "tags": {"Name": "shop"}},
        ],
    }
    assert layout(found)["surplus"] == {
        "route_tables": ["rtb-data"],
        "nat_gateways": ["nat-c"],
        "nat_gateways_leaving": ["nat-c", "nat-x"],
        "addresses": ["192.0.2.99"],
        "internet_gateways": [],
        "subnets": ["10.20.128.0/20"],
        "endpoints": [],
    }
    everything = layout(found, subnets=[])["surplus"]
    assert everything["route_tables"] == ["rtb-public", "rtb-data"]
    assert everything["nat_gateways"] == ["nat-a", "nat-c"]
    assert everything["addresses"] == ["192.0.2.97", "192.0.2.99"]
    assert everything["internet_gateways"] == ["igw-1", "igw-2"]


def test_routes_that_a_component_adds() -> None:
    tables = [table("public", "igw-1"), table("private-a"), table("private-c", "nat-gone"), table("private")]
    one = nat_routes(tables, [nat("a")], "shop")
    assert [(route["name"], route["gateway_id"], route["now"]) for route in one] == [
        ("shop-private", "nat-a", "none"),
        ("shop-private-a", "nat-a", "none"),
        ("shop-private-c", "nat-a", "nat-gone"),
    ]
    each = nat_routes(tables, [nat("a"), nat("c"), nat("d", "failed")], "shop")
    assert [route["gateway_id"] for route in each] == ["nat-a", "nat-a", "nat-c"]
    assert nat_routes([table("private-a", "nat-a")], [nat("a")], "shop") == []
    assert nat_routes(tables, [], "shop") == []
    assert nat_routes([table("x-private-a")], [nat("a")], "shop") == []
