"""The security groups of the role network, in plays against moto: created, kept as declared, removed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import EC2Backend
from moto.moto_api._internal.models import moto_api_backend
from moto.server import ThreadedMotoServer
from support import run_play

REGION = "ap-northeast-2"
PRESENT = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: teal.platform.network, tasks_from: security_groups_current}
    - ansible.builtin.include_role: {name: teal.platform.network, tasks_from: security_groups}
"""
ABSENT = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: teal.platform.network, tasks_from: security_groups_absent}
"""
#: The rule that AWS gives to a new group.
ALL_TRAFFIC = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
TAGS = {"Application": "shop", "Environment": "staging", "Component": "network"}
BALANCER = {
    "purpose": "load_balancer",
    "description": "Load balancer",
    "ingress": [{"peers": ["0.0.0.0/0", "::/0"], "ports": ["80", "443"], "description": "The world"}],
    "egress": [{"peers": ["service"], "ports": ["30080-30081"]}],
}
SERVICE = {
    "purpose": "service",
    "description": "Service",
    "ingress": [{"peers": ["load_balancer"], "ports": ["30080-30081"], "description": "The slots"}],
}


def tagged(kind: str, tags: dict[str, str]) -> dict[str, Any]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs}]} if tags else {}


def permission(ports: str, peer: str, why: str | None, ids: dict[str, str]) -> dict[str, Any]:
    first, _, last = ports.partition("-")
    described = {"Description": why} if why else {}
    found: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": int(first), "ToPort": int(last or first)}
    if peer in ids:
        return found | {"UserIdGroupPairs": [{"GroupId": ids[peer], **described}]}
    if ":" in peer:
        return found | {"Ipv6Ranges": [{"CidrIpv6": peer, **described}]}
    return found | {"IpRanges": [{"CidrIp": peer, **described}]}


class Play(NamedTuple):
    """Result of a play."""

    code: int
    text: str
    changed: int


class Network:
    """A VPC with plays that manage its security groups."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.url = url
        self.ec2 = boto3.client("ec2", endpoint_url=url)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]

    def play(
        self, *words: str, tasks: str = PRESENT, groups: Any = (BALANCER, SERVICE), **given: Any
    ) -> Play:
        """Run the tasks of the role with these declared groups."""
        found = {"components": {"network": {"found": bool(self.vpc), "vpc_id": self.vpc}}}
        variables = {
            "ansible_python_interpreter": sys.executable,
            "ansible_connection": "teal.platform.warm",
            "platform_environment": "staging",
            "platform_application": "shop",
            "platform_region": REGION,
            "platform_name": "shop",
            "platform_tags": {"Application": "shop", "Environment": "staging"},
            "platform_ignored_tags": ["Cost*"],
            "network_wait_timeout": 0,
            "__network_security_groups": groups,
            "__network_existing": found,
            "__network_vpc": {"vpc": {"id": self.vpc} if self.vpc else {}},
            **given,
        }
        if tasks == WHOLE:
            variables = {key: value for key, value in variables.items() if not key.startswith("__network")}
        environment = {"AWS_ENDPOINT_URL": self.url, "NO_PROXY": "127.0.0.1"}
        done = run_play(tasks, self.folder, variables, *words, environment=environment, timeout=300)
        text = done.stdout + done.stderr
        changed = int(text.rsplit("changed=", 1)[1].split()[0]) if "changed=" in text else -1
        return Play(done.returncode, text, changed)

    def build(self, *declared: dict[str, Any]) -> dict[str, str]:
        """Create groups as the role does; return their IDs by purpose."""
        ids = {}
        for group in declared:
            name = f"shop-{group['purpose'].replace('_', '-')}"
            tags = {**TAGS, "Name": name, "Purpose": group["purpose"]}
            ids[group["purpose"]] = self.create(name, group["description"], **tags)
        for group in declared:
            identifier = ids[group["purpose"]]
            self.ec2.revoke_security_group_egress(GroupId=identifier, IpPermissions=ALL_TRAFFIC)
            for direction in ("ingress", "egress"):
                permissions = [
                    permission(ports, peer, rule.get("description"), ids)
                    for rule in group.get(direction, [])
                    for ports in rule["ports"]
                    for peer in rule["peers"]
                ]
                if permissions:
                    authorize = getattr(self.ec2, f"authorize_security_group_{direction}")
                    authorize(GroupId=identifier, IpPermissions=permissions)
        return ids

    def groups(self) -> dict[str, dict[str, Any]]:
        """Return the groups of the VPC by name, without its default group."""
        inside = [{"Name": "vpc-id", "Values": [self.vpc]}]
        found = self.ec2.describe_security_groups(Filters=inside)["SecurityGroups"]
        return {one["GroupName"]: one for one in found if one["GroupName"] != "default"}

    def create(self, name: str, description: str = "x", **tags: str) -> str:
        given = {"GroupName": name, "Description": description, "VpcId": self.vpc}
        return self.ec2.create_security_group(**given, **tagged("security-group", tags))["GroupId"]

    def rules(self, name: str) -> set[tuple[Any, ...]]:
        group = self.groups()[name]
        names = {one["GroupId"]: known for known, one in self.groups().items()}
        which = [{"Name": "group-id", "Values": [group["GroupId"]]}]
        return {
            (
                "egress" if rule["IsEgress"] else "ingress",
                rule["FromPort"],
                rule["ToPort"],
                rule.get("CidrIpv4") or rule.get("CidrIpv6") or names[rule["ReferencedGroupInfo"]["GroupId"]],
            )
            for rule in self.ec2.describe_security_group_rules(Filters=which)["SecurityGroupRules"]
        }

    def interface(self, group: str, cidr: str, **tags: str) -> Any:
        """Create a network interface in the group; return moto's object."""
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]
        given = {"SubnetId": subnet, "Groups": [group], **tagged("network-interface", tags)}
        made = self.ec2.create_network_interface(**given)
        return get_backend("ec2")[DEFAULT_ACCOUNT_ID][REGION].enis[
            made["NetworkInterface"]["NetworkInterfaceId"]
        ]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def network(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    yield Network(server, tmp_path)
    moto_api_backend.reset()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Calls that change a rule or remove a group; as on AWS, a group that is in use is not removed."""
    from moto.ec2.exceptions import DependencyViolationError

    made: list[str] = []
    for name in (
        "authorize_security_group_ingress", "authorize_security_group_egress",
        "revoke_security_group_ingress", "revoke_security_group_egress", "delete_security_group",
    ):  # fmt: skip
        real: Callable[..., Any] = getattr(EC2Backend, name)

        def call(self: Any, *given: Any, __real: Any = real, __name: str = name, **more: Any) -> Any:
            made.append(__name)
            if __name == "delete_security_group":
                identifier = more.get("group_id") or given[-1]
                inside = [eni.id for eni in self.enis.values() if identifier in [g.id for g in eni.group_set]]
                rules = [
                    rule.id
                    for groups in self.groups.values()
                    for group in groups.values()
                    if group.id != identifier
                    for rule in [*group.ingress_rules, *group.egress_rules]
                    if rule.source_group.get("GroupId") == identifier
                ]
                # moto removes the default group of a VPC together with the VPC.
                default = self.get_security_group_from_id(identifier).name == "default"
                if (inside or rules) and not default:
                    raise DependencyViolationError(f"resource {identifier} has a dependent object")
            return __real(self, *given, **more)

        monkeypatch.setattr(EC2Backend, name, call)
    return made


def test_groups_that_refer_to_each_other_are_created(network: Network) -> None:
    planned = network.play("--check")
    assert (planned.code, network.groups()) == (0, {}), planned.text
    for line in (
        "shop-service: none -> created",
        "shop-load-balancer: egress: none -> tcp 30080-30081 shop-service",
        "shop-load-balancer: ingress: none -> tcp 443 ::/0 (The world)",
    ):
        assert line in planned.text

    built = network.play()
    assert built.code == 0, built.text
    assert network.rules("shop-load-balancer") == {
        *(("ingress", port, port, peer) for port in (80, 443) for peer in ("0.0.0.0/0", "::/0")),
        ("egress", 30080, 30081, "shop-service"),
    }
    # The rule by which AWS lets a new group reach everything is removed.
    assert network.rules("shop-service") == {("ingress", 30080, 30081, "shop-load-balancer")}
    tags = {tag["Key"]: tag["Value"] for tag in network.groups()["shop-load-balancer"]["Tags"]}
    assert tags == {**TAGS, "Name": "shop-load-balancer", "Purpose": "load_balancer"}
    again = network.play("--check", "--diff")
    assert (again.code, again.changed) == (0, 0), again.text
    assert "->" not in again.text and "Report what" not in again.text


def test_a_check_before_the_first_run(network: Network) -> None:
    network.vpc = ""
    planned = network.play("--check", "--diff")
    assert planned.code == 0, planned.text
    assert planned.changed and "shop-service: none -> created" in planned.text


def test_drift_is_reported_and_repaired(network: Network) -> None:
    ids = network.build(BALANCER, SERVICE)
    before = {name: network.rules(name) for name in network.groups()}
    world = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    network.ec2.authorize_security_group_ingress(GroupId=ids["service"], IpPermissions=world)
    network.ec2.authorize_security_group_egress(GroupId=ids["service"], IpPermissions=world)
    https = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    network.ec2.revoke_security_group_ingress(GroupId=ids["load_balancer"], IpPermissions=https)
    network.ec2.delete_tags(Resources=[ids["service"]], Tags=[{"Key": "Application"}])
    theirs = [{"Key": "CostCenter", "Value": "4711"}, {"Key": "Dropped", "Value": "yes"}]
    network.ec2.create_tags(Resources=[ids["service"]], Tags=theirs)

    check = network.play("--check")
    assert (check.code, check.changed) == (0, 1), check.text
    lines = {line.strip() for line in check.text.splitlines() if " -> " in line}
    assert lines == {
        "shop-load-balancer: ingress: none -> tcp 443 0.0.0.0/0 (The world)",
        "shop-service: egress: tcp 22 0.0.0.0/0 -> none",
        "shop-service: ingress: tcp 22 0.0.0.0/0 -> none",
        "shop-service: tags.Application: none -> shop",
        "shop-service: tags.Dropped: yes -> none",
    }
    assert ("ingress", 22, 22, "0.0.0.0/0") in network.rules("shop-service")
    repaired = network.play()
    assert (repaired.code, repaired.changed) == (0, 1) and " -> " not in repaired.text, repaired.text
    assert {name: network.rules(name) for name in network.groups()} == before
    tags = {tag["Key"]: tag["Value"] for tag in network.groups()["shop-service"]["Tags"]}
    assert tags == {**TAGS, "Name": "shop-service", "Purpose": "service", "CostCenter": "4711"}


@pytest.mark.long
def test_changed_rule_after_a_killed_run_is_set(network: Network, calls: list[str]) -> None:
    """A killed run leaves a group without rules. New rules are added before old ones are removed."""
    ids = network.build(BALANCER, SERVICE)
    slots = [permission("30080-30081", "load_balancer", "The slots", ids)]
    network.ec2.revoke_security_group_ingress(GroupId=ids["service"], IpPermissions=slots)
    network.ec2.authorize_security_group_egress(GroupId=ids["service"], IpPermissions=ALL_TRAFFIC)
    calls.clear()
    narrower = [{**BALANCER["ingress"][0], "peers": ["10.0.0.0/8"]}]
    done = network.play(groups=[{**BALANCER, "ingress": narrower}, SERVICE])
    assert done.code == 0, done.text
    assert network.groups()["shop-service"]["GroupId"] == ids["service"]
    assert network.rules("shop-service") == {("ingress", 30080, 30081, "shop-load-balancer")}
    assert {rule[3] for rule in network.rules("shop-load-balancer") if rule[0] == "ingress"} == {"10.0.0.0/8"}
    assert calls.index("authorize_security_group_ingress") < calls.index("revoke_security_group_ingress")


@pytest.mark.long
def test_undeclared_groups_are_removed(network: Network, calls: list[str]) -> None:
    cache = {
        "purpose": "cache",
        "description": "Cache",
        "ingress": [{"peers": ["worker"], "ports": ["6379"]}],
    }
    worker = {"purpose": "worker", "description": "x", "egress": [{"peers": ["cache"], "ports": ["6379"]}]}
    service = {**SERVICE, "egress": [{"peers": ["worker"], "ports": ["8080"]}]}
    network.build(BALANCER, service, worker, cache)
    # Foreign groups: in the same VPC, with a purpose, and of another environment of the same application.
    network.create("theirs")
    network.create("theirs-2", Purpose="worker")
    network.create("shop-2-worker", **TAGS | {"Environment": "test", "Purpose": "worker"})
    check = network.play("--check")
    assert check.code == 0 and "shop-worker: existing -> removed" in check.text, check.text
    assert "theirs" not in check.text and "shop-2" not in check.text
    assert "shop-cache" in network.groups()
    done = network.play()
    assert done.code == 0, done.text
    assert network.groups().keys() == {
        "shop-load-balancer",
        "shop-service",
        "theirs",
        "theirs-2",
        "shop-2-worker",
    }


def test_changed_description_is_refused_before_any_change(network: Network) -> None:
    network.create("shop-service")
    refused = network.play()
    assert refused.code == 2 and network.groups().keys() == {"shop-service"}
    text = " ".join(refused.text.split())
    assert "AWS cannot change the description of a security group: security group shop-service (sg-" in text
    assert "has the description 'x', but 'Service' is declared" in text


# -- removal -------------------------------------------------------------------------------------------


def test_all_groups_are_removed_with_leftovers_of_nodes_and_eks(network: Network, calls: list[str]) -> None:
    """The VPC CNI may leave an interface that it detached just before its node ended. AWS then keeps the group."""
    ids = network.build(BALANCER, SERVICE)
    cluster = {
        name: network.create(f"eks-{name}", **{"aws:eks:cluster-name": name}) for name in ("shop", "shop-2")
    }
    to_itself = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": cluster["shop"]}]}]
    network.ec2.authorize_security_group_ingress(GroupId=cluster["shop"], IpPermissions=to_itself)
    network.create("theirs")
    left = network.interface(ids["service"], "10.20.1.0/24", **{"cluster.k8s.amazonaws.com/name": "shop"})
    calls.clear()
    check = network.play("--check", tasks=ABSENT)
    assert check.code == 0 and check.changed and calls == [], check.text
    done = network.play(tasks=ABSENT)
    assert done.code == 0, done.text
    assert network.groups().keys() == {"eks-shop-2", "theirs"}
    assert left.id not in str(network.ec2.describe_network_interfaces())
    # The provision role may delete the group of EKS, and not change its rules.
    assert "InvalidPermission" not in done.text and calls.count("delete_security_group") == 3


@pytest.mark.long
def test_interfaces_that_block_the_removal_are_reported(network: Network, calls: list[str]) -> None:
    ids = network.build(BALANCER, SERVICE)
    theirs = network.interface(ids["service"], "10.20.1.0/24")
    theirs.interface_type = "lambda"
    waited = network.play(tasks=ABSENT, __network_lambda_timeout=10)
    text = " ".join(waited.text.split())
    assert waited.code == 2 and network.groups().keys() == {"shop-load-balancer", "shop-service"}
    assert f"are still used by network interfaces of Lambda: {theirs.id}." in text
    assert "45 minutes after the last function that uses the group" in text
    theirs.interface_type = "interface"
    refused = network.play(tasks=ABSENT)
    text = " ".join(refused.text.split())
    assert refused.code == 2 and network.groups().keys() == {"shop-service"}, refused.text
    assert "The security groups shop-service were not removed: " in text and "has a dependent object" in text
    assert f"Name=group-id,Values={ids['service']}` and remove it." in text
    assert theirs.id in str(network.ec2.describe_network_interfaces())


WHOLE = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: teal.platform.network}
"""


@pytest.mark.long
def test_role_creates_and_removes_all_groups(network: Network, calls: list[str]) -> None:
    """First run, second run, check and removal, with the groups that the role declares."""
    network.ec2.delete_vpc(VpcId=network.vpc)
    # Plain moto does not return the type of a NAT gateway, by which the role looks for it.
    roles = {"tasks": WHOLE, "groups": None, "platform_state": "present", "network_nat": "none"}
    built = network.play(**roles)
    assert built.code == 0, built.text
    network.vpc = network.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["shop"]}])["Vpcs"][0][
        "VpcId"
    ]
    assert len(network.groups()) == 5
    again = network.play("--diff", **roles)
    assert (again.code, again.changed) == (0, 0), again.text
    gone = network.play(**{**roles, "platform_state": "absent", "network_wait_timeout": 60})
    assert gone.code == 0, gone.text
    assert network.groups() == {} and network.vpc not in str(network.ec2.describe_vpcs())
