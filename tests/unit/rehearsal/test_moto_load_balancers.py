"""The interface between moto and the balancer, checked with boto3."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from rehearsal import moto_load_balancers, routing
from rehearsal.load_balancers import LoadBalancers


def ask(method: str, path: str, query: str = "", body: Any = None) -> tuple[str, Any]:
    said = []
    content = json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
    }
    answer = moto_load_balancers.application(environ, lambda status, headers: said.append(status))
    return said[0], json.loads(b"".join(answer))


class Built:
    """A load balancer with two target groups, a certificate, and an alias."""

    def __init__(self) -> None:
        self.ec2, self.elb, acm = boto3.client("ec2"), boto3.client("elbv2"), boto3.client("acm")
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = [s["SubnetId"] for s in self.ec2.describe_subnets()["Subnets"]][:2]
        balancer = self.elb.create_load_balancer(Name="assistant-staging", Subnets=self.subnets)[
            "LoadBalancers"
        ][0]
        self.arn, self.dns_name = balancer["LoadBalancerArn"], balancer["DNSName"]
        self.blue, self.green = (
            self.elb.create_target_group(
                Name=f"assistant-staging-{slot}",
                Protocol="HTTP",
                Port=port,
                VpcId=vpc,
                HealthCheckPath="/actuator/health/readiness",
                HealthCheckIntervalSeconds=5,
            )["TargetGroups"][0]["TargetGroupArn"]
            for slot, port in (("blue", 30080), ("green", 30081))
        )
        certificate = acm.request_certificate(
            DomainName="assistant.example.com", SubjectAlternativeNames=["www.example.com"]
        )["CertificateArn"]
        self.listener = self.elb.create_listener(
            LoadBalancerArn=self.arn,
            Port=443,
            Protocol="HTTPS",
            Certificates=[{"CertificateArn": certificate}],
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]["ListenerArn"]
        self.rule = self.elb.create_rule(
            ListenerArn=self.listener,
            Priority=100,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
            Actions=[self.forward(100, 0)],
        )["Rules"][0]["RuleArn"]
        instances = self.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"]
        self.instance = instances[0]["InstanceId"]

    def forward(self, blue: int, green: int) -> dict[str, Any]:
        groups = [
            {"TargetGroupArn": self.blue, "Weight": blue},
            {"TargetGroupArn": self.green, "Weight": green},
        ]
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


@pytest.fixture
def built(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Built]:
    monkeypatch.setattr(moto_load_balancers.FakeTargetGroup, "health_for", moto_load_balancers.health_for)
    monkeypatch.setattr(moto_load_balancers, "_health", {})
    yield Built()


def test_load_balancers_apply_the_snapshot(built: Built) -> None:
    built.elb.register_targets(TargetGroupArn=built.blue, Targets=[{"Id": built.instance}])
    seen = moto_load_balancers.snapshot()
    load_balancers = LoadBalancers(spread=0)
    load_balancers.apply(seen)
    node = load_balancers.find("assistant.example.com")
    assert node is not None
    assert node is not load_balancers.find("www.example.com"), "another address in turn"
    assert load_balancers.find(built.dns_name) is not None
    table = node.table
    assert table is not None
    asked = routing.Request("GET", "x", "/", "", {}, "127.0.0.1", "HTTPS", 443)
    action = routing.choose(table.rules[443], asked)
    assert action is not None
    assert routing.groups(action) == [(built.blue, 100), (built.green, 0)]
    group = table.groups[built.blue]
    assert group["targets"] == [{"id": built.instance, "port": 30080}]
    assert group["health_check"]["path"] == "/actuator/health/readiness"
    assert group["health_check"]["interval"] == 5
    assert group["load_balancers"] == [built.arn]


def test_only_changes_change_the_serial(built: Built) -> None:
    before = moto_load_balancers.snapshot()["serial"]
    assert moto_load_balancers.snapshot()["serial"] == before
    built.elb.modify_rule(RuleArn=built.rule, Actions=[built.forward(0, 100)])
    after = moto_load_balancers.snapshot()
    assert after["serial"] != before
    load_balancers = LoadBalancers(spread=0)
    load_balancers.apply(after)
    rules = load_balancers.find(built.dns_name).table.rules[443]  # type: ignore[union-attr]
    assert routing.groups(rules[0].action) == [(built.blue, 0), (built.green, 100)]


def test_group_is_in_use_while_a_rule_forwards_to_it(built: Built) -> None:
    built.elb.register_targets(TargetGroupArn=built.blue, Targets=[{"Id": built.instance}])

    def in_use() -> dict[str, bool]:
        return {g["arn"]: bool(g["load_balancers"]) for g in moto_load_balancers.snapshot()["target_groups"]}

    def reason() -> str | None:
        health = built.elb.describe_target_health(TargetGroupArn=built.blue)["TargetHealthDescriptions"]
        return health[0]["TargetHealth"].get("Reason")

    assert in_use() == {built.blue: True, built.green: True}
    assert reason() == "Elb.RegistrationInProgress"
    built.elb.modify_rule(RuleArn=built.rule, Actions=[{"Type": "forward", "TargetGroupArn": built.green}])
    assert in_use() == {built.blue: False, built.green: True}
    assert reason() == "Target.NotInUse"
    built.elb.modify_rule(RuleArn=built.rule, Actions=[built.forward(0, 100)])
    assert in_use() == {built.blue: True, built.green: True}, "a group with weight 0 is in use"


def test_changed_since_returns_on_change_or_after_the_wait(built: Built) -> None:
    serial = moto_load_balancers.snapshot()["serial"]
    start = time.monotonic()
    assert moto_load_balancers.changed_since(serial, wait=0.1)["serial"] == serial
    assert time.monotonic() - start >= 0.1
    start = time.monotonic()
    assert ask("GET", "/rehearsal/load-balancers", "since=other")[1]["serial"] == serial
    assert time.monotonic() - start < moto_load_balancers.WAIT_SECONDS


def test_addresses_come_from_network_interfaces(built: Built) -> None:
    assert moto_load_balancers.snapshot()["load_balancers"][0]["addresses"] == []
    for subnet in built.subnets:
        built.ec2.create_network_interface(
            SubnetId=subnet, Description="ELB " + built.arn.split(":loadbalancer/")[1]
        )
    assert len(moto_load_balancers.snapshot()["load_balancers"][0]["addresses"]) == 2


def test_route_53_alias_is_a_name(built: Built) -> None:
    route53 = boto3.client("route53")
    zone = route53.create_hosted_zone(Name="example.org.", CallerReference="1")["HostedZone"]["Id"]
    alias = {"HostedZoneId": "Z1", "DNSName": f"dualstack.{built.dns_name}.", "EvaluateTargetHealth": False}
    change = {
        "Action": "CREATE",
        "ResourceRecordSet": {"Name": "chat.example.org.", "Type": "A", "AliasTarget": alias},
    }
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    assert moto_load_balancers.snapshot()["load_balancers"][0]["aliases"] == ["chat.example.org"]


def test_target_health_is_that_of_the_balancer(built: Built) -> None:
    built.elb.register_targets(TargetGroupArn=built.blue, Targets=[{"Id": built.instance}])

    def health() -> dict[str, str]:
        found = built.elb.describe_target_health(TargetGroupArn=built.blue)
        return found["TargetHealthDescriptions"][0]["TargetHealth"]

    assert health()["State"] == "initial"
    report = {
        "target_group": built.blue,
        "target": built.instance,
        "state": "unhealthy",
        "reason": "Target.Timeout",
        "description": "Request timed out",
    }
    assert ask("POST", "/rehearsal/target-health", body=[report])[0] == "200 OK"
    assert health() == {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}
    ask(
        "POST",
        "/rehearsal/target-health",
        body=[{**report, "state": "healthy", "reason": "", "description": ""}],
    )
    assert health() == {"State": "healthy"}
    built.ec2.stop_instances(InstanceIds=[built.instance])
    assert health()["State"] == "unused"


def test_metrics_are_read_from_cloudwatch(built: Built) -> None:
    dimensions = [
        {"Name": "TargetGroup", "Value": "targetgroup/blue/1"},
        {"Name": "LoadBalancer", "Value": "app/a/1"},
    ]
    data = [{"MetricName": "RequestCount", "Value": 7, "Unit": "Count", "Dimensions": dimensions}]
    put = {
        "namespace": "AWS/ApplicationELB",
        "account": "123456789012",
        "region": "ap-northeast-2",
        "data": data,
    }
    assert ask("POST", "/rehearsal/metrics", body=put)[0] == "200 OK"
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/ApplicationELB",
        MetricName="RequestCount",
        Dimensions=dimensions,
        StartTime=datetime.now(UTC) - timedelta(minutes=2),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    assert [point["Sum"] for point in found["Datapoints"]] == [7]


def test_other_paths_are_not_found() -> None:
    assert ask("GET", "/rehearsal/other")[0] == "404 Not Found"
