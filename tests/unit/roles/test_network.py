"""The role network, against moto with the emulator's patches: first run, drift, changes, interruptions and removal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.client
import pytest
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import RetryingBotoClientWrapper
from botocore.exceptions import ClientError
from role_runner import Role, TaskFailed

_number = itertools.count(1)
Patch = pytest.MonkeyPatch


class Network:
    """A network for a test, with runs of the role."""

    def __init__(self, run_module: Callable[..., dict[str, Any]]) -> None:
        self.environment = f"n{next(_number)}"
        self.name = f"shop-{self.environment}"
        self.ec2 = boto3.client("ec2")
        self.role = Role(
            "network",
            run_module,
            platform_application="shop",
            platform_environment=self.environment,
            platform_region="ap-northeast-2",
            network_nat="single",
        )

    def run(self, check: bool = False, **settings: Any) -> list[str]:
        """Run the role. Return the changed tasks."""
        return self.role.play(check=check, **settings)

    def route_nat(self, check: bool = False) -> list[str]:
        """Run the tasks of a component with resources in private subnets."""
        return self.role.play("nat_routes", check=check, __network_vpc_id=self.vpc())

    def printed(self) -> str:
        return str(self.role.messages)

    # -- what exists ---------------------------------------------------------------------------------

    def vpc(self) -> str:
        named = [{"Name": "tag:Name", "Values": [self.name]}]
        return self.ec2.describe_vpcs(Filters=named)["Vpcs"][0]["VpcId"]

    def inside(self) -> list[dict[str, Any]]:
        return [{"Name": "vpc-id", "Values": [self.vpc()]}]

    def subnets(self) -> dict[str, dict[str, Any]]:
        found = self.ec2.describe_subnets(Filters=self.inside())["Subnets"]
        return {tags(one)["Name"].removeprefix(self.name + "-"): one for one in found}

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return the route tables by name, without the main table of the VPC."""
        found = self.ec2.describe_route_tables(Filters=self.inside())["RouteTables"]
        return {tags(one)["Name"].removeprefix(self.name + "-"): one for one in found if one.get("Tags")}

    def routes(self) -> dict[str, str | None]:
        """Return the target of 0.0.0.0/0 by subnet. Subnets without a table are missing."""
        names = {one["SubnetId"]: name for name, one in self.subnets().items()}
        targets = {}
        for table in self.tables().values():
            route = next(
                (one for one in table["Routes"] if one.get("DestinationCidrBlock") == "0.0.0.0/0"), {}
            )
            for association in table["Associations"]:
                if association.get("SubnetId"):
                    target = route.get("NatGatewayId") or route.get("GatewayId")
                    targets[names[association["SubnetId"]]] = target
        return targets

    def nat(self) -> dict[str, dict[str, Any]]:
        live = {"Name": "state", "Values": ["available", "pending"]}
        found = self.ec2.describe_nat_gateways(Filter=[*self.inside(), live])["NatGateways"]
        return {tags(one)["Name"].removeprefix(self.name + "-nat-"): one for one in found}

    def nat_ids(self) -> set[str]:
        return {one["NatGatewayId"] for one in self.nat().values()}

    def addresses(self) -> list[str]:
        named = [{"Name": "tag:Name", "Values": [f"{self.name}-nat-*"]}]
        return [one["AllocationId"] for one in self.ec2.describe_addresses(Filters=named)["Addresses"]]

    def gateways(self) -> list[dict[str, Any]]:
        named = [{"Name": "tag:Name", "Values": [self.name]}]
        return self.ec2.describe_internet_gateways(Filters=named)["InternetGateways"]

    def endpoints(self) -> list[dict[str, Any]]:
        found = self.ec2.describe_vpc_endpoints(Filters=self.inside())["VpcEndpoints"]
        return [one for one in found if one["State"].lower() == "available"]


def tags(thing: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


@pytest.fixture
def network(
    rehearsed: str, run_module: Callable[..., dict[str, Any]], monkeypatch: Patch
) -> Iterator[Network]:
    one_client(monkeypatch)
    for slept in ("time.sleep", "ansible_collections.amazon.aws.plugins.modules.ec2_vpc_route_table.sleep"):
        monkeypatch.setattr(slept, lambda seconds: None)
    made = Network(run_module)
    yield made
    made.run(network_state="absent")


def test_network_is_created_and_removed_completely(network: Network) -> None:
    """A check before the first run, a first run, a second, a removal."""
    assert len(network.run(check=True)) >= 4 + 1 + 1 + 1 + 3 + 1
    assert f"{network.name}-public: routes: none -> 0.0.0.0/0 igw-" in network.printed()
    assert f"{network.name}-private-a: subnets: none -> {network.name}-private-a" in network.printed()
    assert network.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [network.name]}])["Vpcs"] == []
    assert network.gateways() == network.addresses() == []

    network.run()
    everything = [
        *network.subnets().values(),
        *network.gateways(),
        *network.nat().values(),
        *network.tables().values(),
        *network.endpoints(),
    ]
    assert len(everything) == 4 + 1 + 1 + 3 + 1
    for one in everything:
        assert tags(one)["Environment"] == network.environment and tags(one)["Component"] == "network", one
    assert {name: one["MapPublicIpOnLaunch"] for name, one in network.subnets().items()} == {
        "public-a": True,
        "public-c": True,
        "private-a": False,
        "private-c": False,
    }
    (gateway,), (nat,), (endpoint,) = network.gateways(), network.nat_ids(), network.endpoints()
    igw = gateway["InternetGatewayId"]
    assert network.routes() == {"public-a": igw, "public-c": igw, "private-a": nat, "private-c": nat}
    assert set(endpoint["RouteTableIds"]) == {one["RouteTableId"] for one in network.tables().values()}

    assert network.run(check=True) == []
    assert network.printed() == "[]"
    assert network.run() == []

    vpc = network.vpc()
    assert network.run(check=True, network_state="absent")
    assert network.vpc() == vpc and len(network.nat()) == 1
    assert network.run(network_state="absent")
    assert network.ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Vpcs"] == []
    assert network.gateways() == network.addresses() == []
    assert network.run(network_state="absent") == []


def test_drift_is_reported_and_repaired(network: Network) -> None:
    network.run()
    (nat,) = network.nat_ids()
    subnet, tables = network.subnets()["public-a"]["SubnetId"], network.tables()
    public, private = tables["public"], tables["private-a"]["RouteTableId"]
    network.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": False})
    network.ec2.delete_route(RouteTableId=public["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    network.ec2.create_route(
        RouteTableId=public["RouteTableId"], DestinationCidrBlock="192.0.2.0/24", NatGatewayId=nat
    )
    taken = next(one for one in public["Associations"] if one.get("SubnetId") == subnet)
    network.ec2.replace_route_table_association(
        AssociationId=taken["RouteTableAssociationId"], RouteTableId=private
    )
    network.ec2.modify_vpc_endpoint(
        VpcEndpointId=network.endpoints()[0]["VpcEndpointId"], RemoveRouteTableIds=[private]
    )
    address, gateway = network.addresses()[0], network.gateways()[0]["InternetGatewayId"]
    tagged = [address, gateway, nat, subnet, private, network.endpoints()[0]["VpcEndpointId"]]
    network.ec2.delete_tags(Resources=tagged, Tags=[{"Key": "ManagedBy"}])

    changed = [
        f"Create the subnets: {network.name}-public-a",
        "Create the internet gateway",
        f"Allocate the addresses of the NAT gateways: {network.name}-nat-a",
        f"Create the NAT gateways: {network.name}-nat-a",
        f"Create the route tables: {network.name}-public",
        f"Create the route tables: {network.name}-private-a",
    ]
    checked = network.run(check=True)
    assert (
        checked[:6] == changed and len(checked) == 6 + 2
    )  # the endpoint's tags, and one for the table that it lost
    for line in (
        f"{network.name}-public: routes: none -> 0.0.0.0/0 {gateway}",
        f"{network.name}-public: routes: 192.0.2.0/24 {nat} -> none",
        f"{network.name}-public: subnets: none -> {network.name}-public-a",
        f"{network.name}-private-a: subnets: {network.name}-public-a -> none",
    ):
        assert line in network.printed()

    assert network.run()[:6] == changed
    assert network.run() == []
    assert network.routes()["public-a"] == gateway
    assert network.subnets()["public-a"]["MapPublicIpOnLaunch"]
    covered = sorted(table for one in network.endpoints() for table in one["RouteTableIds"])
    assert covered == sorted(one["RouteTableId"] for one in network.tables().values())


@pytest.mark.long
def test_subnets_keep_a_route_table_when_nat_gateways_change(network: Network, monkeypatch: Patch) -> None:
    network.run()
    before = {name: table["RouteTableId"] for name, table in network.tables().items()}
    sent = record(monkeypatch)
    network.run(network_nat="per_zone")
    gateways = {zone: one["NatGatewayId"] for zone, one in network.nat().items()}
    assert gateways == {zone: network.routes()[f"private-{zone}"] for zone in "ac"}
    network.run()
    assert {network.routes()["private-a"], network.routes()["private-c"]} == network.nat_ids()
    assert len(network.addresses()) == 1
    assert {name: table["RouteTableId"] for name, table in network.tables().items()} == before
    assert not {"DisassociateRouteTable", "DeleteRoute", "DeleteVpcEndpoints"} & set(sent)


@pytest.mark.long
def test_subnets_of_a_shared_table_move_at_once(network: Network, monkeypatch: Patch) -> None:
    """A network of an earlier version has one table for all private subnets."""
    network.run()
    tables = network.tables()
    shared, other = tables["private-a"], tables["private-c"]
    for association in other["Associations"]:
        network.ec2.replace_route_table_association(
            AssociationId=association["RouteTableAssociationId"], RouteTableId=shared["RouteTableId"]
        )
    for endpoint in network.endpoints():
        network.ec2.modify_vpc_endpoint(
            VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=[other["RouteTableId"]]
        )
    network.ec2.delete_route_table(RouteTableId=other["RouteTableId"])
    network.ec2.create_tags(
        Resources=[shared["RouteTableId"]], Tags=[{"Key": "Name", "Value": f"{network.name}-private"}]
    )
    assert network.route_nat() == []  # a component that comes first knows it
    sent = record(monkeypatch)
    network.run()
    moves = [one for one in sent if one in ("DisassociateRouteTable", "AssociateRouteTable")]
    assert moves == ["DisassociateRouteTable", "AssociateRouteTable"] * 2
    assert {network.routes()["private-a"], network.routes()["private-c"]} == network.nat_ids()
    assert sorted(network.tables()) == ["private-a", "private-c", "public"]
    assert network.run() == []


def test_parts_missing_in_the_settings_are_removed(network: Network) -> None:
    network.run(network_tiers=["public", "private", "data"], network_nat="per_zone")
    kept = {name: one["SubnetId"] for name, one in network.subnets().items() if not name.startswith("data")}
    first = network.endpoints()[0]["VpcEndpointId"]
    assert len(network.run(check=True)) >= 2
    assert len(network.subnets()) == 6
    network.run()
    assert {name: one["SubnetId"] for name, one in network.subnets().items()} == kept
    assert list(network.nat()) == ["a"] and len(network.addresses()) == 1

    more = {"network_zones": ["ap-northeast-2a", "ap-northeast-2c", "ap-northeast-2b"]}
    network.run(**more)
    assert network.subnets().keys() - kept.keys() == {"public-b", "private-b"}
    assert first in [one["VpcEndpointId"] for one in network.endpoints()] and len(network.endpoints()) == 2
    assert network.run(**more) == []
    network.run(network_s3_endpoint=False)
    assert network.endpoints() == []
    assert {name: one["SubnetId"] for name, one in network.subnets().items()} == kept
    assert sorted(network.tables()) == ["private-a", "private-c", "public"]


def test_unsupported_change_is_refused_before_any_change(network: Network, monkeypatch: Patch) -> None:
    network.run(network_nat="none")
    sent = record(monkeypatch)
    for settings, message in (
        ({"network_zones": ["ap-northeast-2a", "ap-northeast-2b"]}, "public-b' in ap-northeast-2b"),
        ({"network_cidr": "10.9.0.0/16"}, "network_cidr is 10.9.0.0/16"),
    ):
        with pytest.raises(TaskFailed, match=rf"{message}.*AWS cannot (move|change)"):
            network.run(**settings)
    assert sent == []


def test_interrupted_run_is_continued(network: Network, monkeypatch: Patch) -> None:
    """After a kill at any point, existing parts are found again and nothing is created twice."""
    for operation in (
        "AttachInternetGateway",
        "CreateNatGateway",
        "CreateRoute",
        "AssociateRouteTable",
        "CreateVpcEndpoint",
    ):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            intercept(patched, operation, KeyboardInterrupt())
            network.run()
    network.run()
    assert len(network.gateways()) == len(network.addresses()) == len(network.nat()) == 1
    assert len(network.subnets()) == 4 and len(network.tables()) == 3 and len(network.endpoints()) == 1
    assert network.run() == []


@pytest.mark.long
def test_interrupted_removal_is_continued(network: Network, monkeypatch: Patch) -> None:
    network.run()
    for operation in ("ReleaseAddress", "DeleteInternetGateway", "DeleteSubnet", "DeleteVpc"):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            intercept(patched, operation, KeyboardInterrupt())
            network.run(network_state="absent")
    network.run(network_state="absent")
    assert network.gateways() == network.addresses() == []


@pytest.mark.long
def test_foreign_tags_are_kept_and_own_stale_tags_removed(network: Network) -> None:
    ignored = ["aws:*", "Cost*"]
    network.run(platform_ignored_tags=ignored, platform_extra_tags={"Owner": "web", "Size": 3})
    things = [
        *network.addresses(),
        *network.nat_ids(),
        *(one["InternetGatewayId"] for one in network.gateways()),
        *(one["SubnetId"] for one in network.subnets().values()),
        *(one["RouteTableId"] for one in network.tables().values()),
        *(one["VpcEndpointId"] for one in network.endpoints()),
    ]
    network.ec2.create_tags(
        Resources=things, Tags=[{"Key": "CostCenter", "Value": "7"}, {"Key": "Stray", "Value": "x"}]
    )
    network.run(platform_ignored_tags=ignored, platform_extra_tags={"Size": 3})
    assert network.run(platform_ignored_tags=ignored, platform_extra_tags={"Size": 3}) == []
    found = network.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": things}])["Tags"]
    for thing in things:
        had = {tag["Key"]: tag["Value"] for tag in found if tag["ResourceId"] == thing}
        assert had["CostCenter"] == "7" and had["Size"] == "3", thing
        assert not {"Stray", "Owner"} & had.keys(), thing


@pytest.mark.long
def test_address_and_nat_gateway_are_found_without_name_tags(network: Network) -> None:
    network.run()
    before = (network.addresses(), network.nat_ids())
    for lost in (before[0], [*before[1]]):
        network.ec2.delete_tags(Resources=lost, Tags=[{"Key": "Name"}])
        network.run()
        assert (network.addresses(), network.nat_ids()) == before
        assert network.run() == []


@pytest.mark.long
def test_networks_of_others_are_unchanged(network: Network) -> None:
    """Another VPC with its own subnet and gateways, and the environment `<name>-nat-2` with the same name prefix."""
    other = network.ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    network.ec2.create_subnet(VpcId=other, CidrBlock="10.30.0.0/20")
    stray = network.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    name = [{"Key": "Name", "Value": f"{network.name}-nat-2-nat-a"}]
    address = network.ec2.allocate_address(
        Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": name}]
    )["AllocationId"]
    network.run()
    network.run(network_nat="none")
    network.run(network_state="absent")
    inside = [{"Name": "vpc-id", "Values": [other]}]
    assert len(network.ec2.describe_subnets(Filters=inside)["Subnets"]) == 1
    assert network.addresses() == [address]
    network.ec2.release_address(AllocationId=address)
    network.ec2.delete_internet_gateway(InternetGatewayId=stray)


def test_vpc_of_others_with_the_same_name_and_cidr_block_is_not_taken_over(network: Network) -> None:
    named = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": network.name}]}]
    cidr = network.role.settings["network_cidr"]
    other = network.ec2.create_vpc(CidrBlock=cidr, TagSpecifications=named)["Vpc"]["VpcId"]
    network.run()
    assert network.run() == []
    (own,) = (
        one["VpcId"]
        for one in network.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [network.name]}])["Vpcs"]
        if one["VpcId"] != other
    )
    inside = [{"Name": "vpc-id", "Values": [other]}]
    assert network.ec2.describe_subnets(Filters=inside)["Subnets"] == []
    network.run(network_state="absent")
    left = {one["VpcId"] for one in network.ec2.describe_vpcs()["Vpcs"]}
    assert other in left
    assert own not in left
    network.ec2.delete_vpc(VpcId=other)


# -- slow NAT gateways ---------------------------------------------------------------------------------


@pytest.fixture
def pending(monkeypatch: Patch) -> dict[str, str]:
    """The state that NAT gateways have `now`, which a test changes."""
    states = {"now": "pending"}
    real = botocore.client.BaseClient._make_api_call

    def call(this: Any, operation: str, given: dict[str, Any]) -> Any:
        wanted = [one for one in given.get("Filter", []) if one["Name"] == "state"]
        if operation == "DescribeNatGateways" and wanted:
            given = {**given, "Filter": [one for one in given["Filter"] if one["Name"] != "state"]}
        answer = real(this, operation, given)
        if operation == "CreateNatGateway":
            answer["NatGateway"]["State"] = states["now"]
        if operation == "DescribeNatGateways":
            for one in answer["NatGateways"]:
                if one["State"] == "available":
                    one["State"] = states["now"]
            if wanted:
                answer["NatGateways"] = [
                    one for one in answer["NatGateways"] if one["State"] in wanted[0]["Values"]
                ]
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return states


@pytest.mark.long
def test_run_waits_for_a_nat_gateway_only_if_its_route_is_needed(
    network: Network, pending: dict[str, str]
) -> None:
    network.role.settings["network_nat"] = "per_zone"
    network.run()
    assert {network.routes()["private-a"], network.routes()["private-c"]} == {None}
    assert network.run() == []
    assert len(network.route_nat(check=True)) == 2
    assert f"{network.name}-private-a: routes: 0.0.0.0/0 none -> 0.0.0.0/0 nat-" in network.printed()
    with pytest.raises(TaskFailed, match="Wait for the NAT gateways"):
        network.route_nat()
    pending["now"] = "available"
    assert len(network.route_nat()) == 2
    assert {network.routes()["private-a"], network.routes()["private-c"]} == network.nat_ids()
    assert network.route_nat() == network.run() == []


@pytest.mark.long
def test_existing_route_is_not_interrupted(
    network: Network, pending: dict[str, str], monkeypatch: Patch
) -> None:
    """Without waiting, a zone would be without a route until its new gateway is available."""
    pending["now"] = "available"
    network.run()
    pending["now"] = "pending"
    with pytest.raises(TaskFailed, match="Wait for the NAT gateways"):
        network.run(network_nat="per_zone")
    assert network.routes()["private-c"] == network.nat()["a"]["NatGatewayId"]
    pending["now"] = "available"
    network.run(network_nat="per_zone")
    assert network.routes()["private-c"] == network.nat()["c"]["NatGatewayId"]


@pytest.mark.long
def test_failed_nat_gateway_is_reported_and_replaced(network: Network, pending: dict[str, str]) -> None:
    pending["now"] = "failed"
    network.run()
    with pytest.raises(TaskFailed, match=r"NAT gateway nat-\w+ failed: .* creates another NAT gateway"):
        network.route_nat()
    pending["now"] = "available"


def test_no_route_is_created_without_nat_gateways(network: Network) -> None:
    network.run(network_nat="none")
    assert network.route_nat() == []
    assert network.role.play("nat_routes", check=True, __network_vpc_id="vpc-planned") == []


@pytest.mark.long
def test_route_of_another_component_is_found(
    network: Network, pending: dict[str, str], monkeypatch: Patch
) -> None:
    network.run()
    pending["now"] = "available"
    error = ClientError({"Error": {"Code": "RouteAlreadyExists", "Message": "it does"}}, "CreateRoute")
    intercept(monkeypatch, "CreateRoute", error, times=1)
    assert len(network.route_nat()) == 2


# -- what is still in use --------------------------------------------------------------------------------


@pytest.mark.long
def test_removal_waits_for_parts_in_use(network: Network, monkeypatch: Patch) -> None:
    network.run()
    for operation, code, message in (
        ("ReleaseAddress", "AuthFailure", "You do not have permission to access the specified resource."),
        ("DeleteSubnet", "DependencyViolation", "it has dependencies"),
        ("DetachInternetGateway", "DependencyViolation", "it has some mapped public address(es)"),
        ("DeleteRouteTable", "DependencyViolation", "it has dependencies"),
        ("DeleteVpc", "DependencyViolation", "it has dependencies"),
    ):
        error = ClientError({"Error": {"Code": code, "Message": message}}, operation)
        intercept(monkeypatch, operation, error, times=2)
    network.run(network_state="absent")
    assert network.gateways() == network.addresses() == []


def test_wrong_credentials_are_not_retried(network: Network, monkeypatch: Patch) -> None:
    network.run()
    message = "AWS was not able to validate the provided access credentials"
    error = ClientError({"Error": {"Code": "AuthFailure", "Message": message}}, "ReleaseAddress")
    with monkeypatch.context() as patched:
        sent = record(patched)
        intercept(patched, "ReleaseAddress", error)
        with pytest.raises(TaskFailed, match="Release the addresses"):
            network.run(network_state="absent")
    assert sent.count("ReleaseAddress") == 0  # all were intercepted, and the first ended the run


def one_client(monkeypatch: Patch) -> None:
    """Let all modules share a client, since the creation of each takes 0.1 s."""
    real, clients = AnsibleAWSModule.client, {}

    def client(this: Any, service: str, retry_decorator: Any = None, **more: Any) -> Any:
        clients.setdefault(service, None)
        clients[service] = clients[service] or real(this, service)
        if retry_decorator:
            return RetryingBotoClientWrapper(clients[service], retry_decorator)
        return clients[service]

    monkeypatch.setattr(AnsibleAWSModule, "client", client)


def record(monkeypatch: Patch) -> list[str]:
    """Return a list that records each call that changes something."""
    real, sent = botocore.client.BaseClient._make_api_call, []

    def call(this: Any, operation: str, given: dict[str, Any]) -> Any:
        if not operation.startswith(("Describe", "Get", "List")):
            sent.append(operation)
        return real(this, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return sent


def intercept(monkeypatch: Patch, intercepted: str, error: BaseException, times: int = 1000) -> None:
    """Let the next `times` calls of an operation end with `error`."""
    real, left = botocore.client.BaseClient._make_api_call, iter(range(times))

    def call(this: Any, operation: str, given: dict[str, Any]) -> Any:
        if operation == intercepted and next(left, None) is not None:
            raise error
        return real(this, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
