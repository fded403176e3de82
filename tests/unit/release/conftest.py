"""An environment of the release engine in this process: table, load balancer, and a clock that tests turn."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.client
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release import lease as leases
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import SLOTS, Traffic

from .fake_environment import NAME, TABLE, Environment, Time, record, who


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def table(aws: None) -> str:
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "scope", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "scope", "AttributeType": "S"},
            {"AttributeName": "id", "AttributeType": "S"},
        ],
    )
    return TABLE


@pytest.fixture
def make_store(table: str, time: Time) -> Any:
    """Return make(skew=0) -> a store as another controller has it."""
    return lambda skew=0.0: Store(boto3.client("dynamodb"), table, time.clock(skew))


@pytest.fixture
def store(make_store: Any) -> Store:
    return make_store()


@pytest.fixture
def begun(store: Store) -> tuple[leases.Lease, dict[str, Any]]:
    """A deploy that has just begun, and its lease."""
    lease, _ = leases.acquire(store, who(), 30)
    release = record(lease.generation)
    lease.write([store.put(release)], release=release["id"])
    return lease, release


@pytest.fixture
def balancer(aws: None) -> dict[str, Any]:
    """A load balancer with two slots, blue live, as the component load_balancer makes it."""
    ec2, elb = boto3.client("ec2"), boto3.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"ap-northeast-2{zone}")[
            "Subnet"
        ]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    made = elb.create_load_balancer(Name=NAME, Subnets=subnets)["LoadBalancers"][0]
    certificate = boto3.client("acm").request_certificate(DomainName="assistant.example")["CertificateArn"]
    groups = {
        slot: elb.create_target_group(
            Name=f"{NAME}-{slot}", Protocol="HTTP", Port=port, VpcId=vpc, TargetType="instance"
        )["TargetGroups"][0]["TargetGroupArn"]
        for slot, port in zip(SLOTS, (30080, 30081), strict=True)
    }
    listener = elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=100,
        Conditions=[{"Field": "path-pattern", "Values": ["*"]}],
        Actions=[
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": groups["blue"], "Weight": 100},
                        {"TargetGroupArn": groups["green"], "Weight": 0},
                    ],
                    "TargetGroupStickinessConfig": {"Enabled": False},
                },
            }
        ],
    )["Rules"][0]["RuleArn"]
    return {"arn": made["LoadBalancerArn"], "listener": listener, "rule": rule, "groups": groups}


@pytest.fixture
def traffic(balancer: dict[str, Any]) -> Traffic:
    return Traffic(boto3.client("elbv2"), NAME)


@pytest.fixture
def environment(
    table: str, balancer: dict[str, Any], time: Time, monkeypatch: pytest.MonkeyPatch
) -> Environment:
    """An empty environment. All calls to AWS of this process are a controller's, unless quiet."""
    made = Environment(
        time, boto3.client("elbv2"), boto3.client("dynamodb"), balancer["listener"], balancer["rule"]
    )
    real = botocore.client.BaseClient._make_api_call

    def counted(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if made.quiet:
            return real(self, operation, arguments)
        with made.call(operation):
            return real(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counted)
    return made
