"""The enforcement of IAM, with the patches of moto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aws_resources import load_balancer, name, network, policy, target_group
from botocore.exceptions import ClientError


@pytest.fixture
def enforced(patched: Any) -> Iterator[Any]:
    """Return a function: enforced(statements) → a function that creates clients of a user with these permissions."""

    def as_user(*statements: dict[str, Any]) -> Any:
        patched.call("POST", "/moto-api/reset-auth", b"inf")
        iam, user = patched.client("iam"), name()
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        patched.call("POST", "/moto-api/reset-auth", b"0")
        secrets = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }
        return lambda service: patched.client(service, **secrets)

    yield as_user
    patched.call("POST", "/moto-api/reset-auth", b"inf")


def allow(*actions: str, resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as e:
        call(**arguments)
    return e.value.response["Error"]["Code"]


def test_rest_services_accept_allowed_calls(enforced: Any) -> None:
    allowed = allow("eks:*", "lambda:*", "apigateway:*", "route53:*", "backup:*")
    client = enforced(allowed)
    client("eks").list_clusters(maxResults=5)
    client("lambda").list_functions()
    client("apigatewayv2").get_apis()
    client("route53").list_hosted_zones()
    client("backup").list_backup_vaults()


def test_rest_services_refuse_other_calls(enforced: Any) -> None:
    client = enforced(allow("sts:*"))
    for service, operation in (
        ("eks", "list_clusters"),
        ("lambda", "list_functions"),
        ("apigatewayv2", "get_apis"),
        ("route53", "list_hosted_zones"),
    ):
        assert refused(getattr(client(service), operation)).startswith("AccessDenied")


def test_permission_for_one_rule(patched: Any, enforced: Any) -> None:
    """QA's permission: to modify one rule."""
    vpc, _ = network(patched)
    elb = patched.client("elbv2")
    group, balancer = target_group(patched, vpc), load_balancer(patched)
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward
    )["Listeners"][0]["ListenerArn"]
    mine, other = (
        elb.create_rule(
            ListenerArn=listener,
            Priority=n,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{n}"]}],
            Actions=forward,
        )["Rules"][0]["RuleArn"]
        for n in (1, 2)
    )
    client = enforced(
        allow("elasticloadbalancing:ModifyRule", resource=mine), allow("elasticloadbalancing:Describe*")
    )
    client("elbv2").describe_rules(ListenerArn=listener)
    client("elbv2").modify_rule(RuleArn=mine, Actions=forward)
    assert refused(client("elbv2").modify_rule, RuleArn=other, Actions=forward) == "AccessDenied"


def test_calls_without_resource_need_all_resources(enforced: Any) -> None:
    arn = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/*"
    client = enforced(allow("elasticloadbalancing:DescribeLoadBalancers", resource=arn))
    assert refused(client("elbv2").describe_load_balancers) == "AccessDenied"


def test_conditions_are_not_evaluated(enforced: Any) -> None:
    condition = {"Condition": {"StringEquals": {"aws:RequestTag/Environment": "staging"}}}
    denied = {"Effect": "Deny", "Action": "eks:*", "Resource": "*"}
    client = enforced(allow("eks:*") | condition, denied | condition)
    client("eks").list_clusters()
    assert refused(enforced(allow("eks:*"), denied)("eks").list_clusters) == "AccessDeniedException"


def test_permission_for_parts_of_a_cluster(patched: Any, enforced: Any) -> None:
    nodegroups = "arn:aws:eks:ap-northeast-2:123456789012:nodegroup/mine/*"
    client = enforced(allow("eks:DescribeNodegroup", "eks:DescribeCluster", resource=nodegroups))("eks")
    code = refused(client.describe_nodegroup, clusterName="mine", nodegroupName="x")
    assert code == "ResourceNotFoundException"
    assert refused(client.describe_cluster, name="mine") == "AccessDeniedException"


def test_permission_for_one_table(patched: Any, enforced: Any) -> None:
    dynamodb = patched.client("dynamodb")
    for table in ("mine", "other"):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    arn = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/mine"
    client = enforced(allow("dynamodb:GetItem", resource=[arn]))("dynamodb")
    client.get_item(TableName="mine", Key={"pk": {"S": "a"}})
    assert refused(client.get_item, TableName="other", Key={"pk": {"S": "a"}}).startswith("AccessDenied")
    assert refused(client.delete_table, TableName="mine").startswith("AccessDenied")


def test_moto_still_needs_it(plain: Any) -> None:
    """Plain moto refuses the signature of an allowed call."""
    iam = plain.client("iam")
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(allow("*")))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    secrets = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    plain.call("POST", "/moto-api/reset-auth", b"0")
    try:
        eks = plain.client("eks", **secrets)
        assert refused(eks.list_clusters, maxResults=5) == "403"
    finally:
        plain.call("POST", "/moto-api/reset-auth", b"inf")
