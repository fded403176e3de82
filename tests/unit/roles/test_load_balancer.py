"""The role load_balancer, in a play, against the emulator's AWS: what it creates, keeps, refuses, reports and removes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from support import run_play

PLAY = """
- hosts: load_balancer
  connection: teal.platform.warm
  gather_facts: false
  environment: "{{ platform_aws_environment }}"
  roles: [teal.platform.load_balancer]
"""
ZONE = "balancer.example.com"


class Ran(NamedTuple):
    """Output and exit status of a run."""

    failed: bool
    changed: int
    text: str


class Role:
    """The role with its own settings, and the resources that it creates in AWS."""

    def __init__(self, environment: str, folder: Path) -> None:
        self.name, self.folder = f"shop-{environment}", folder
        self.domain = f"{environment}.{ZONE}"
        self.elb, self.ec2, self.route53 = (boto3.client(name) for name in ("elbv2", "ec2", "route53"))
        certificate = boto3.client("acm").request_certificate(DomainName=self.domain)["CertificateArn"]
        self.settings: dict[str, Any] = {
            "ansible_python_interpreter": sys.executable,
            "platform_environment": environment,
            "platform_application": "shop",
            "platform_region": "ap-northeast-2",
            "platform_ignored_tags": ["aws:*", "Cost*"],
            "load_balancer_domain_name": self.domain,
            "load_balancer_hosted_zone": ZONE,
            "load_balancer_certificate_arn": certificate,
            "load_balancer_deletion_protection": True,
        }
        (folder / "hosts.yml").write_text("load_balancer: {hosts: {load_balancer.x: {}}}\n")

    def run(self, *options: str, **settings: Any) -> Ran:
        done = run_play(
            PLAY,
            self.folder,
            self.settings | settings,
            *options,
            inventory=str(self.folder / "hosts.yml"),
            environment={"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"},
            timeout=300,
        )
        text = done.stdout + done.stderr
        changed = re.search(r"changed=(\d+)", text)
        return Ran(done.returncode != 0, int(changed[1]) if changed else -1, text)

    def succeeds(self, *options: str, changed: bool, **settings: Any) -> str:
        ran = self.run(*options, **settings)
        assert not ran.failed, ran.text[-6000:]
        assert (ran.changed > 0) == changed, ran.text[-6000:]
        return ran.text

    def refuses(self, *options: str, **settings: Any) -> str:
        ran = self.run(*options, **settings)
        assert ran.failed and ran.changed == 0, ran.text[-6000:]
        return " ".join(ran.text.split())

    # -- AWS ---------------------------------------------------------------------------------------

    def tags(self, component: str, **more: str) -> list[dict[str, str]]:
        environment = self.settings["platform_environment"]
        tags = {"Application": "shop", "Environment": environment, "Component": component, **more}
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def create_network(self) -> None:
        ec2 = self.ec2
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        made = [vpc]
        for n, zone in enumerate("ac"):
            subnet = {"CidrBlock": f"10.20.{n}.0/24", "AvailabilityZone": f"ap-northeast-2{zone}"}
            made.append(ec2.create_subnet(VpcId=vpc, **subnet)["Subnet"]["SubnetId"])
        group = ec2.create_security_group(GroupName=self.name, Description="x", VpcId=vpc)["GroupId"]
        ec2.create_tags(Resources=made, Tags=self.tags("network", Tier="public"))
        ec2.create_tags(Resources=[group], Tags=self.tags("network", Purpose="load_balancer"))

    def balancer(self) -> str:
        return self.elb.describe_load_balancers(Names=[self.name])["LoadBalancers"][0]["LoadBalancerArn"]

    def balancers(self) -> list[str]:
        return [
            one["LoadBalancerName"]
            for one in self.elb.describe_load_balancers()["LoadBalancers"]
            if one["LoadBalancerName"] == self.name
        ]

    def target_groups(self) -> dict[str, str]:
        found = self.elb.describe_target_groups()["TargetGroups"]
        names = {one["TargetGroupName"]: one["TargetGroupArn"] for one in found}
        return {
            slot: names[f"{self.name}-{slot}"] for slot in ("blue", "green") if f"{self.name}-{slot}" in names
        }

    def listeners(self) -> dict[int, dict[str, Any]]:
        found = self.elb.describe_listeners(LoadBalancerArn=self.balancer())["Listeners"]
        return {one["Port"]: one for one in found}

    def rules(self) -> dict[str, dict[str, Any]]:
        found = self.elb.describe_rules(ListenerArn=self.listeners()[443]["ListenerArn"])["Rules"]
        return {one["Priority"]: one for one in found}

    def tags_of(self, arn: str) -> dict[str, str]:
        (found,) = self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
        return {tag["Key"]: tag["Value"] for tag in found["Tags"]}

    def zone(self) -> str:
        found = self.route53.list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]
        return next(one["Id"] for one in found if one["Name"] == f"{ZONE}.")

    def record(self, domain: str = "") -> dict[str, Any] | None:
        found = self.route53.list_resource_record_sets(HostedZoneId=self.zone())["ResourceRecordSets"]
        name = f"{domain or self.domain}."
        return next((one for one in found if (one["Name"], one["Type"]) == (name, "A")), None)

    def point(self, **record: Any) -> None:
        change = {"Action": "UPSERT", "ResourceRecordSet": {"Name": self.domain, "Type": "A", **record}}
        self.route53.change_resource_record_sets(HostedZoneId=self.zone(), ChangeBatch={"Changes": [change]})

    def release(self, blue: int, green: int) -> None:
        groups = self.target_groups()
        forward = [
            {"TargetGroupArn": groups["blue"], "Weight": blue},
            {"TargetGroupArn": groups["green"], "Weight": green},
        ]
        config = {"TargetGroups": forward, "TargetGroupStickinessConfig": {"Enabled": False}}
        action = {"Type": "forward", "ForwardConfig": config}
        self.elb.modify_rule(RuleArn=self.rules()["50000"]["RuleArn"], Actions=[action])

    def weights(self) -> dict[str, int]:
        slots = {arn: slot for slot, arn in self.target_groups().items()}
        forward = self.rules()["50000"]["Actions"][0]["ForwardConfig"]["TargetGroups"]
        return {slots[one["TargetGroupArn"]]: one["Weight"] for one in forward}


@pytest.fixture
def role(rehearsed: str, tmp_path: Path, request: pytest.FixtureRequest) -> Role:
    return Role(re.sub(r"[^a-z]", "", request.node.name)[-12:], tmp_path)


@pytest.fixture
def zone(role: Role) -> Iterator[Role]:
    """Return the role with a foreign zone that contains a record."""
    made = role.route53.create_hosted_zone(Name=ZONE, CallerReference=role.name)["HostedZone"]["Id"]
    other = {"Name": f"www.{ZONE}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": other}]}
    role.route53.change_resource_record_sets(HostedZoneId=made, ChangeBatch=batch)
    yield role
    for one in role.route53.list_resource_record_sets(HostedZoneId=made)["ResourceRecordSets"]:
        if one["Type"] == "A":
            batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": one}]}
            role.route53.change_resource_record_sets(HostedZoneId=made, ChangeBatch=batch)
    role.route53.delete_hosted_zone(Id=made)


@pytest.fixture
def built(zone: Role) -> Iterator[Role]:
    """Return the role after its first run. It is removed at the end."""
    zone.create_network()
    zone.succeeds(changed=True)
    yield zone
    if zone.balancers():
        zone.succeeds(changed=True, load_balancer_state="absent", load_balancer_deletion_protection=False)


def test_a_check_before_the_first_run(role: Role) -> None:
    """Neither the network nor the zone exists."""
    text = role.succeeds("--check", "--diff", changed=True, load_balancer_hosted_zone_managed=True)
    assert f"{role.name}: none -> created" in text
    assert role.balancers() == [] and role.target_groups() == {}


def test_missing_zone_is_refused_before_any_change(role: Role) -> None:
    role.create_network()
    for zone in (ZONE, "Z0123456789MISSING"):
        text = role.refuses(load_balancer_hosted_zone=zone)
        assert f"Route53 has no hosted zone '{zone}' in this account" in text
    assert role.balancers() == [] and role.target_groups() == {}


def test_resources_are_created_and_a_second_run_changes_nothing(built: Role) -> None:
    listeners = built.listeners()
    assert listeners.keys() == {80, 443}
    assert listeners[80]["DefaultActions"][0]["RedirectConfig"] == {
        "Protocol": "HTTPS",
        "Port": "443",
        "Host": "#{host}",
        "Path": "/#{path}",
        "Query": "#{query}",
        "StatusCode": "HTTP_301",
    }
    assert listeners[443]["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "503"
    assert listeners[443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    certificate = built.settings["load_balancer_certificate_arn"]
    assert listeners[443]["Certificates"] == [{"CertificateArn": certificate}]
    assert built.weights() == {"blue": 100, "green": 0}
    parts = [
        built.balancer(),
        *(one["ListenerArn"] for one in listeners.values()),
        built.rules()["50000"]["RuleArn"],
        *built.target_groups().values(),
    ]
    for part in parts:
        assert {"Component": "load_balancer", "ManagedBy": "teal.platform"}.items() <= built.tags_of(
            part
        ).items()
    assert built.tags_of(built.balancer())["Name"] == built.name
    alias = built.record()
    assert alias and alias["AliasTarget"]["DNSName"].startswith(f"{built.name}-")
    assert "changed=0" in built.succeeds(changed=False)
    assert "Report what would change in the load balancer]" not in built.succeeds(
        "--check", "--diff", changed=False
    )


def test_drift_is_reported_by_a_check_and_repaired_by_a_run(built: Role) -> None:
    arn, elb = built.balancer(), built.elb
    built.release(blue=10, green=90)
    preview = {"HttpHeaderName": "X-Release-Preview", "Values": ["x"]}
    elb.create_rule(
        ListenerArn=built.listeners()[443]["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "http-header", "HttpHeaderConfig": preview}],
        Actions=[{"Type": "forward", "TargetGroupArn": built.target_groups()["green"]}],
    )
    assert "changed=0" in built.succeeds(changed=False)

    attributes = {"idle_timeout.timeout_seconds": "5", "deletion_protection.enabled": "false"}
    pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=pairs)
    elb.modify_listener(
        ListenerArn=built.listeners()[443]["ListenerArn"], SslPolicy="ELBSecurityPolicy-2016-08"
    )
    refusal = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8080, DefaultActions=[refusal])
    elb.remove_tags(ResourceArns=[arn], TagKeys=["ManagedBy"])
    foreign = [{"Key": "CostCenter", "Value": "1"}, {"Key": "Dropped", "Value": "x"}]
    elb.add_tags(ResourceArns=[arn], Tags=foreign)
    alias = {"HostedZoneId": "Z1", "DNSName": "evil.example.com", "EvaluateTargetHealth": False}
    built.point(AliasTarget=alias)

    text = built.succeeds("--check", "--diff", changed=True)
    assert "Report what would change in the load balancer]" in text
    for line in (
        f"{built.name}: deletion_protection: false -> true",
        f"{built.name}: idle_timeout: 5 -> 60",
        f"{built.name}: tags.Dropped: x -> none",
        f"{built.name}: tags.ManagedBy: none -> teal.platform",
        f"{built.name} listener 443: ssl_policy: ELBSecurityPolicy-2016-08 -> ELBSecurityPolicy-TLS13-1-2-2021-06",
        f"{built.name} listener 8080: existing -> removed",
        "evil.example.com",
    ):
        assert line in text, line
    assert "CostCenter" not in text
    built.succeeds(changed=True)
    assert built.listeners().keys() == {80, 443}
    tags = built.tags_of(arn)
    assert tags["CostCenter"] == "1" and "Dropped" not in tags and tags["ManagedBy"] == "teal.platform"
    assert built.weights() == {"blue": 10, "green": 90}
    assert built.rules().keys() == {"1", "50000", "default"}
    assert built.record()["AliasTarget"]["DNSName"].startswith(built.name)
    assert "changed=0" in built.succeeds(changed=False)


def test_unsupported_change_is_refused(built: Role) -> None:
    for options in ((), ("--check",)):
        text = built.refuses(*options, load_balancer_scheme="internal", load_balancer_idle_timeout=30)
        assert (
            f"{built.name} exists, and AWS cannot change: load balancer: scheme: internet-facing -> internal. Set"
            in text
        )
    text = built.refuses(load_balancer_ports={"blue": 8080, "green": 8081}, load_balancer_idle_timeout=30)
    assert "load balancer: ports.green: 8080 -> 8081. Set the setting back" in text
    assert built.listeners().keys() == {80, 443}


@pytest.mark.long
def test_access_logs_can_be_switched_on_and_off(built: Role) -> None:
    def logs() -> dict[str, str]:
        found = built.elb.describe_load_balancer_attributes(LoadBalancerArn=built.balancer())["Attributes"]
        return {one["Key"]: one["Value"] for one in found if one["Key"].startswith("access_logs")}

    built.succeeds(changed=True, load_balancer_access_logs_bucket="logs")
    assert (logs()["access_logs.s3.enabled"], logs()["access_logs.s3.bucket"]) == ("true", "logs")
    assert "access_logs_enabled: true -> false" in built.succeeds("--check", changed=True)
    built.succeeds(changed=True)
    assert logs()["access_logs.s3.enabled"] == "false"
    built.succeeds(changed=False)


@pytest.mark.long
def test_protected_load_balancer_is_removed_only_if_allowed(built: Role) -> None:
    text = built.refuses(load_balancer_state="absent")
    assert "load_balancer_deletion_protection is true" in text
    gone = {"load_balancer_state": "absent", "load_balancer_deletion_protection": False}
    built.succeeds("--check", changed=True, **gone)
    assert built.listeners().keys() == {80, 443} and built.record()
    built.succeeds(changed=True, **gone)
    assert built.balancers() == [] and built.target_groups() == {}
    assert built.record() is None and built.record(f"www.{ZONE}")
    assert "changed=0" in built.succeeds(changed=False, **gone)
    built.succeeds("--check", changed=False, **gone)
    built.succeeds(changed=False, **gone, load_balancer_hosted_zone="Z0123456789MISSING")


@pytest.mark.long
@pytest.mark.parametrize("how", ["alias", "address"])
def test_record_of_a_domain_that_points_elsewhere_is_kept(built: Role, how: str) -> None:
    if how == "alias":
        other = {
            "HostedZoneId": "Z1",
            "DNSName": f"{built.name}-b-1.example.com",
            "EvaluateTargetHealth": False,
        }
        built.point(AliasTarget=other)
    else:
        built.point(TTL=60, ResourceRecords=[{"Value": "192.0.2.7"}])
    gone = {"load_balancer_state": "absent", "load_balancer_deletion_protection": False}
    text = built.succeeds(changed=True, **gone)
    assert "The record was not removed" in text
    assert built.record() and built.balancers() == []
