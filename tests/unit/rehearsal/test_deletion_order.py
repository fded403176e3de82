from __future__ import annotations

import pytest

from rehearsal.deletion_order import calls_since_last_vpc, violations

GOOD = [
    "autoscaling DetachLoadBalancerTargetGroups",
    "cloudwatch DeleteAlarms",
    "sns DeleteTopic",
    "eks DeleteNodegroup",
    "rds DeleteDBInstance",
    "elbv2 DeleteLoadBalancer",
    "elbv2 DeleteTargetGroup",
    "eks DeleteCluster",
    "ec2 DeleteLaunchTemplate",
    "rds DeleteDBSubnetGroup",
    "acm DeleteCertificate",
    "lambda DeleteFunction",
    "ec2 TerminateInstances",
    "iam DetachRolePolicy",
    "iam DeleteRole",
    "iam DeletePolicy",
    "ec2 DeleteSecurityGroup",
    "ec2 DeleteNatGateway",
    "ec2 ReleaseAddress",
    "ec2 DetachInternetGateway",
    "ec2 DeleteInternetGateway",
    "ec2 DeleteSubnet",
    "ec2 DeleteVpc",
]


def calls(names: list[str], **parameters: str) -> list[dict]:
    return [
        dict(zip(("service", "operation"), name.split(), strict=True), status=200, parameters=parameters)
        for name in names
    ]


def moved(name: str, before: str) -> list[str]:
    names = [entry for entry in GOOD if entry != name]
    names.insert(names.index(before), name)
    return names


def test_correct_order_has_no_violations() -> None:
    assert list(violations(calls(GOOD))) == []


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("ec2 DeleteVpc", "ec2 DeleteSubnet"),
        ("ec2 DeleteVpc", "eks DeleteCluster"),
        ("eks DeleteCluster", "eks DeleteNodegroup"),
        ("elbv2 DeleteTargetGroup", "elbv2 DeleteLoadBalancer"),
        ("elbv2 DeleteTargetGroup", "autoscaling DetachLoadBalancerTargetGroups"),
        ("acm DeleteCertificate", "elbv2 DeleteLoadBalancer"),
        ("rds DeleteDBSubnetGroup", "rds DeleteDBInstance"),
        ("iam DeleteRole", "lambda DeleteFunction"),
        ("iam DeleteRole", "iam DetachRolePolicy"),
        ("iam DeletePolicy", "iam DeleteRole"),
        ("ec2 ReleaseAddress", "ec2 DeleteNatGateway"),
        ("ec2 DetachInternetGateway", "ec2 ReleaseAddress"),
        ("ec2 DeleteSecurityGroup", "rds DeleteDBInstance"),
        ("ec2 DeleteLaunchTemplate", "eks DeleteNodegroup"),
        ("sns DeleteTopic", "cloudwatch DeleteAlarms"),
        ("ec2 DeleteSubnet", "ec2 TerminateInstances"),
    ],
)
def test_wrong_order_is_reported(name: str, before: str) -> None:
    assert any(name in text for text in violations(calls(moved(name, before))))


def test_failed_calls_are_ignored() -> None:
    refused = calls(["ec2 DeleteVpc"])
    refused[0]["status"] = 400
    assert list(violations(refused + calls(GOOD))) == []


def test_rules_apply_per_role() -> None:
    one = calls(["iam DeleteRolePolicy", "iam DeleteRole"], RoleName="one")
    two = calls(["iam DeleteRolePolicy", "iam DeleteRole"], RoleName="two")
    assert list(violations(one + two)) == []
    assert list(violations(one[::-1] + two))


def test_only_calls_since_the_last_vpc_count() -> None:
    built = calls(["ec2 CreateVpc"])
    assert calls_since_last_vpc(calls(["ec2 DeleteVpc"]) + built + calls(GOOD)) == calls(GOOD)
