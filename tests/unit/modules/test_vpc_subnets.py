"""vpc_subnets: a VPC's subnets and the ways out of them, from nothing, drifted, changed and gone."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.teal.platform.plugins.filter.subnet_plan import subnet_plan
from ansible_collections.teal.platform.plugins.modules import vpc_nat_routes, vpc_subnets
from conftest import ModuleFailed

ZONES = ["ap-northeast-2a", "ap-northeast-2c"]


@pytest.fixture
def ec2(aws):
    return boto3.client("ec2")


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]


def arguments(vpc, tiers=("public", "private"), **more):
    plan = subnet_plan("10.20.0.0/16", list(tiers), ZONES, 4, "shop")
    return {"vpc_id": vpc, "name": "shop", "subnets": plan, "tags": {"Environment": "staging"}, **more}


def routes(ec2, vpc):
    """Return where 0.0.0.0/0 goes, by the name of each subnet."""
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    names = {
        subnet["SubnetId"]: next(tag["Value"] for tag in subnet["Tags"] if tag["Key"] == "Name")
        for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]
    }
    found = {}
    for table in ec2.describe_route_tables(Filters=inside)["RouteTables"]:
        target = next(
            (
                route.get("NatGatewayId") or route["GatewayId"]
                for route in table["Routes"]
                if route.get("DestinationCidrBlock") == "0.0.0.0/0"
            ),
            None,
        )
        for association in table["Associations"]:
            if association.get("SubnetId"):
                found[names[association["SubnetId"]]] = target
    return found


def nat_gateways(ec2):
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    return {gateway["NatGatewayId"] for gateway in gateways if gateway["State"] == "available"}


def test_check_mode_tells_all_and_makes_nothing(ec2, vpc, run_module):
    result = run_module(vpc_subnets, check=True, **arguments(vpc, nat="per_zone"))
    assert result["changed"]
    assert len(result["diff"]["after"]["subnets"]) == 4
    assert len(result["diff"]["after"]["NAT gateways"]) == 2
    assert ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"] == []
    assert ec2.describe_internet_gateways()["InternetGateways"] == []
    assert ec2.describe_addresses()["Addresses"] == []


@pytest.mark.parametrize("nat", ["none", "single", "per_zone"])
def test_ways_out_of_each_subnet(ec2, vpc, run_module, nat):
    result = run_module(vpc_subnets, **arguments(vpc, nat=nat))
    out = routes(ec2, vpc)
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]
    assert gateway["Attachments"][0]["VpcId"] == vpc
    assert {out["shop-public-a"], out["shop-public-c"]} == {gateway["InternetGatewayId"]}
    private = [out["shop-private-a"], out["shop-private-c"]]
    assert set(private) == (nat_gateways(ec2) or {None})
    assert len(set(private)) == {"none": 1, "single": 1, "per_zone": 2}[nat]
    assert len(result["nat_addresses"]) == {"none": 0, "single": 1, "per_zone": 2}[nat]
    endpoint = ec2.describe_vpc_endpoints()["VpcEndpoints"][0]
    assert set(endpoint["RouteTableIds"]) == set(result["route_table_ids"].values())


def test_second_run_changes_nothing(ec2, vpc, run_module):
    first = run_module(vpc_subnets, **arguments(vpc, nat="per_zone"))
    second = run_module(vpc_subnets, **arguments(vpc, nat="per_zone"))
    assert first["changed"] and not second["changed"]
    assert second["subnet_ids"] == first["subnet_ids"]
    assert not run_module(vpc_subnets, check=True, **arguments(vpc, nat="per_zone"))["changed"]


def test_all_is_tagged(ec2, vpc, run_module):
    run_module(vpc_subnets, **arguments(vpc, nat="single"))
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    made = [
        *ec2.describe_subnets(Filters=inside)["Subnets"],
        *ec2.describe_internet_gateways()["InternetGateways"],
        *ec2.describe_nat_gateways()["NatGateways"],
        *ec2.describe_addresses()["Addresses"],
        *ec2.describe_route_tables(Filters=inside)["RouteTables"][1:],
        *ec2.describe_vpc_endpoints()["VpcEndpoints"],
    ]
    assert len(made) == 4 + 1 + 1 + 1 + 2 + 1
    for item in made:
        tags = {tag["Key"]: tag["Value"] for tag in item["Tags"]}
        assert tags["Environment"] == "staging" and tags["Name"].startswith("shop"), item


def test_drift_is_named_and_mended(ec2, vpc, run_module):
    ids = run_module(vpc_subnets, **arguments(vpc, nat="single"))
    subnet = ids["subnet_ids"]["shop-public-a"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": False})
    ec2.delete_tags(Resources=[subnet], Tags=[{"Key": "Environment"}])
    public = ids["route_table_ids"]["shop-public"]
    ec2.delete_route(RouteTableId=public, DestinationCidrBlock="0.0.0.0/0")
    ec2.create_route(
        RouteTableId=public, DestinationCidrBlock="192.0.2.0/24", NatGatewayId=nat_gateways(ec2).pop()
    )

    check = run_module(vpc_subnets, check=True, **arguments(vpc, nat="single"))
    assert check["changed"]
    before, after = check["diff"]["before"], check["diff"]["after"]
    assert not before["subnets"]["shop-public-a"]["public_addresses"]
    assert list(before["route tables"]["shop-public"]["routes"]) == ["192.0.2.0/24"]
    assert list(after["route tables"]["shop-public"]["routes"]) == ["0.0.0.0/0"]

    assert run_module(vpc_subnets, **arguments(vpc, nat="single"))["changed"]
    assert not run_module(vpc_subnets, **arguments(vpc, nat="single"))["changed"]
    assert routes(ec2, vpc)["shop-public-a"].startswith("igw-")


def test_one_gateway_becomes_one_a_zone_and_back(ec2, vpc, run_module):
    run_module(vpc_subnets, **arguments(vpc, nat="single"))
    run_module(vpc_subnets, **arguments(vpc, nat="per_zone"))
    out = routes(ec2, vpc)
    assert out["shop-private-a"] != out["shop-private-c"]
    run_module(vpc_subnets, **arguments(vpc, nat="single"))
    out = routes(ec2, vpc)
    assert {out["shop-private-a"], out["shop-private-c"]} == nat_gateways(ec2)
    assert len(ec2.describe_addresses()["Addresses"]) == 1


def test_a_subnet_cannot_be_moved(vpc, run_module):
    run_module(vpc_subnets, **arguments(vpc))
    moved = arguments(vpc)
    moved["subnets"][0]["cidr"] = "10.20.240.0/20"
    with pytest.raises(ModuleFailed, match=r"shop-public-a.*cannot change: cidr"):
        run_module(vpc_subnets, **moved)


def test_nat_needs_a_public_subnet(vpc, run_module):
    with pytest.raises(ModuleFailed, match="no subnet is in a public tier"):
        run_module(vpc_subnets, **arguments(vpc, tiers=["private"], nat="single"))


def test_a_run_that_was_killed_is_taken_up(ec2, vpc, run_module, monkeypatch):
    """Whatever stands is found again, and nothing is made twice."""
    from ansible_collections.teal.platform.plugins.module_utils import vpc_parts

    original = vpc_parts.RouteTables.create_one
    for part in ("NatGateways", "RouteTables", "Endpoints"):

        def killed(self, key, want):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(getattr(vpc_parts, part), "create_one", killed)
            run_module(vpc_subnets, **arguments(vpc, nat="single"))
    assert vpc_parts.RouteTables.create_one is original
    run_module(vpc_subnets, **arguments(vpc, nat="single"))
    assert len(ec2.describe_addresses()["Addresses"]) == 1
    assert len(nat_gateways(ec2)) == 1
    assert len(ec2.describe_internet_gateways()["InternetGateways"]) == 1
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    assert len(ec2.describe_subnets(Filters=inside)["Subnets"]) == 4
    assert len(ec2.describe_route_tables(Filters=inside)["RouteTables"]) == 3


def test_absent_leaves_nothing(ec2, vpc, run_module):
    run_module(vpc_subnets, **arguments(vpc, nat="per_zone"))
    gone = {"vpc_id": vpc, "name": "shop", "state": "absent"}
    assert run_module(vpc_subnets, check=True, **gone)["changed"]
    assert len(nat_gateways(ec2)) == 2
    assert run_module(vpc_subnets, **gone)["changed"]
    assert not run_module(vpc_subnets, **gone)["changed"]
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    assert ec2.describe_subnets(Filters=inside)["Subnets"] == []
    assert ec2.describe_internet_gateways()["InternetGateways"] == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert nat_gateways(ec2) == set()
    assert len(ec2.describe_route_tables(Filters=inside)["RouteTables"]) == 1  # the VPC's own


def test_another_vpc_is_left_alone(ec2, vpc, run_module):
    other = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=other, CidrBlock="10.30.0.0/20")
    run_module(vpc_subnets, **arguments(vpc))
    run_module(vpc_subnets, vpc_id=vpc, name="shop", state="absent")
    assert len(ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [other]}])["Subnets"]) == 1


@pytest.fixture
def pending(monkeypatch):
    """NAT gateways that are pending until the function that this is has been called."""
    from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend

    create = NatGatewayBackend.create_nat_gateway
    made: list[NatGateway] = []

    def create_pending(self, *args, **kwargs):
        made.append(create(self, *args, **kwargs))
        made[-1].state = "pending"
        return made[-1]

    def available():
        for gateway in made:
            gateway.state = "available"

    monkeypatch.setattr(NatGatewayBackend, "create_nat_gateway", create_pending)
    return available


def private_routes(ec2, vpc):
    return {name: target for name, target in routes(ec2, vpc).items() if "private" in name}


@pytest.mark.parametrize("nat", ["single", "per_zone"])
def test_a_nat_gateway_is_awaited_when_its_route_is_needed(ec2, vpc, run_module, pending, monkeypatch, nat):
    plan = arguments(vpc, nat=nat, wait=False)
    assert run_module(vpc_subnets, **plan)["changed"]
    assert set(private_routes(ec2, vpc).values()) == {None}
    assert not run_module(vpc_subnets, **plan)["changed"]

    need = {"vpc_id": vpc, "name": "shop"}
    assert run_module(vpc_nat_routes, check=True, **need)["changed"]
    assert set(private_routes(ec2, vpc).values()) == {None}
    monkeypatch.setattr("time.sleep", lambda _: pending())
    result = run_module(vpc_nat_routes, **need)
    assert result["changed"]
    assert set(private_routes(ec2, vpc).values()) == set(result["routes"].values()) == nat_gateways(ec2)
    assert not run_module(vpc_nat_routes, **need)["changed"]
    assert not run_module(vpc_subnets, **plan)["changed"]


def test_ways_out_that_stand_are_not_cut_off(ec2, vpc, run_module, pending, monkeypatch):
    """Without waiting, each zone's own new gateway would be without a route for minutes."""
    monkeypatch.setattr("time.sleep", lambda _: pending())
    run_module(vpc_subnets, **arguments(vpc, nat="single"))
    run_module(vpc_subnets, **arguments(vpc, nat="per_zone", wait=False))
    assert set(private_routes(ec2, vpc).values()) == nat_gateways(ec2)
    assert len(nat_gateways(ec2)) == 2


def test_a_nat_gateway_that_failed_is_told_by_who_needs_it(ec2, vpc, run_module, pending, monkeypatch):
    from moto.ec2.models import ec2_backends

    run_module(vpc_subnets, **arguments(vpc, nat="single", wait=False))

    def fail(_):
        for region in ec2_backends["123456789012"].values():
            for gateway in region.nat_gateways.values():
                gateway.state = "failed"

    monkeypatch.setattr("time.sleep", fail)
    with pytest.raises(ModuleFailed, match=r"NAT gateway 'nat-.*' is failed, not available"):
        run_module(vpc_nat_routes, vpc_id=vpc, name="shop")


def test_without_nat_gateways_there_is_nothing_to_route(ec2, vpc, run_module):
    run_module(vpc_subnets, **arguments(vpc, nat="none"))
    assert not run_module(vpc_nat_routes, vpc_id=vpc, name="shop")["changed"]
    assert not run_module(vpc_nat_routes, check=True, vpc_id="vpc-planned", name="shop")["changed"]


def test_addresses_of_an_environment_whose_name_begins_alike_are_left_alone(ec2, vpc, run_module):
    """The environment `staging-nat-2` has `shop-staging-nat-2-nat-a`."""
    name = arguments(vpc)["name"]
    tags = [{"Key": "Name", "Value": f"{name}-nat-2-nat-a"}]
    other = ec2.allocate_address(
        Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}]
    )["AllocationId"]
    run_module(vpc_subnets, **arguments(vpc, nat="single"))
    run_module(vpc_subnets, **arguments(vpc, nat="none"))
    run_module(vpc_subnets, vpc_id=vpc, name=name, state="absent")
    assert [one["AllocationId"] for one in ec2.describe_addresses()["Addresses"]] == [other]
