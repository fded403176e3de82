"""The weights: one slot gets all requests, by one call, under the lease; a preview is one release's alone."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, LeaseLost, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import (
    PREVIEW_HEADER,
    Traffic,
    TrafficError,
    addresses,
    shares,
    summary,
)
from botocore.exceptions import ClientError, ReadTimeoutError

from .fake_environment import NAME, who


@pytest.fixture
def lease(store: Store) -> Lease:
    return acquire(store, who(), 30)[0]


def _weights(balancer: dict[str, Any]) -> dict[str, int]:
    rule = boto3.client("elbv2").describe_rules(RuleArns=[balancer["rule"]])["Rules"][0]
    groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    return {group["TargetGroupArn"].split("/")[1].split("-")[-1]: group["Weight"] for group in groups}


def test_live_is_read_from_the_weights(traffic: Traffic, balancer: dict[str, Any]) -> None:
    rule = traffic.rule()
    assert (rule.heaviest, rule.exclusive, rule.weights, rule.groups) == (
        "blue",
        True,
        {"blue": 100, "green": 0},
        balancer["groups"],
    )


def test_switch_shifts_all_traffic_by_one_call(
    traffic: Traffic, balancer: dict[str, Any], lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    modify = traffic.elb.modify_rule
    monkeypatch.setattr(traffic.elb, "modify_rule", lambda **given: (calls.append(given), modify(**given))[1])
    rule = traffic.switch("green", lease)
    assert (rule.heaviest, rule.exclusive) == ("green", True)
    assert _weights(balancer) == {"blue": 0, "green": 100}
    assert len(calls) == 1
    assert traffic.switch("green", lease).heaviest == "green"
    assert len(calls) == 1


def test_shares_and_stickiness_are_set_by_one_call(
    traffic: Traffic, balancer: dict[str, Any], lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cookie outlives a weight of 0, so the call that moves all traffic, forward or back, ends stickiness."""
    calls = []
    modify = traffic.elb.modify_rule
    monkeypatch.setattr(traffic.elb, "modify_rule", lambda **given: (calls.append(given), modify(**given))[1])
    rule = traffic.set_weights(shares("green", 5), lease, sticky=900)
    assert (rule.weights, rule.exclusive) == ({"blue": 95, "green": 5}, False)
    assert (rule.sticky["Enabled"], rule.sticky["DurationSeconds"]) == (True, 900)
    assert traffic.set_weights(shares("green", 5), lease, sticky=900).weights == rule.weights
    assert len(calls) == 1
    for slot in ("green", "blue"):
        rule = traffic.switch(slot, lease)
        assert rule.carries_all(slot) and not rule.sticky["Enabled"]
        traffic.set_weights(shares("green", 50), lease, sticky=900)
    assert len(calls) == 5


def test_rule_with_all_traffic_and_a_cookie_does_not_carry_all(traffic: Traffic, lease: Lease) -> None:
    rule = traffic.set_weights(shares("green", 100), lease, sticky=900)
    assert rule.exclusive and not rule.carries_all("green")
    assert traffic.switch("green", lease).carries_all("green")


def test_controller_without_the_lease_shifts_no_traffic(
    traffic: Traffic, balancer: dict[str, Any], lease: Lease, store: Store
) -> None:
    acquire(store, who("qa", "rollback"), 15, preempts={"deploy"})
    with pytest.raises(LeaseLost):
        traffic.switch("green", lease)
    assert _weights(balancer) == {"blue": 100, "green": 0}


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "ModifyRule")


@pytest.mark.parametrize("error", [_error("Throttling"), ReadTimeoutError(endpoint_url="https://elb")])
def test_throttling_and_lost_answers_are_retried_under_the_lease(
    traffic: Traffic,
    balancer: dict[str, Any],
    lease: Lease,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    modify, errors, beats = traffic.elb.modify_rule, [error, error], []

    def throttled(**given: Any) -> Any:
        beats.append(store.lock()["beat"])
        if errors:
            raise errors.pop()
        return modify(**given)

    monkeypatch.setattr(traffic.elb, "modify_rule", throttled)
    traffic.switch("green", lease)
    assert _weights(balancer) == {"blue": 0, "green": 100}
    assert len(set(beats)) == 3, "each attempt renews the lease"


def test_refusal_names_the_action(traffic: Traffic, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise _error("AccessDenied")

    monkeypatch.setattr(traffic.elb, "modify_rule", refuse)
    with pytest.raises(
        TrafficError, match=f"elasticloadbalancing:ModifyRule failed for load balancer '{NAME}'"
    ):
        traffic.switch("green", lease)


def test_wrong_weights_are_corrected(traffic: Traffic, balancer: dict[str, Any], lease: Lease) -> None:
    groups = [{"TargetGroupArn": arn, "Weight": 50} for arn in balancer["groups"].values()]
    traffic.elb.modify_rule(
        RuleArn=balancer["rule"], Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    )
    assert not traffic.rule().exclusive
    traffic.switch("blue", lease)
    assert _weights(balancer) == {"blue": 100, "green": 0}


def test_preview_forwards_only_requests_with_the_token(traffic: Traffic, balancer: dict[str, Any]) -> None:
    arn = traffic.open_preview(traffic.rule(), "s3cret", "preview 1", {"Component": "release"})
    rule = boto3.client("elbv2").describe_rules(RuleArns=[arn])["Rules"][0]
    header = {"HttpHeaderName": PREVIEW_HEADER, "Values": ["s3cret"]}
    assert rule["Conditions"][0]["HttpHeaderConfig"] == header
    assert rule["Actions"][0]["FixedResponseConfig"]["MessageBody"] == "preview 1"
    assert int(rule["Priority"]) < traffic.rule().priority
    traffic.forward_preview(arn, balancer["groups"]["green"])
    rule = boto3.client("elbv2").describe_rules(RuleArns=[arn])["Rules"][0]
    assert rule["Actions"][0]["TargetGroupArn"] == balancer["groups"]["green"]
    assert rule["Conditions"][0]["HttpHeaderConfig"] == header
    assert traffic.previews(balancer["listener"]) == [arn]
    traffic.close_preview(arn)
    traffic.close_preview(arn)
    assert traffic.previews(balancer["listener"]) == []
    assert traffic.rule().heaviest == "blue"


def test_default_rule_and_others_are_no_preview(traffic: Traffic, balancer: dict[str, Any]) -> None:
    boto3.client("elbv2").create_rule(
        ListenerArn=balancer["listener"],
        Priority=5,
        Conditions=[
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Other", "Values": ["1"]}}
        ],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )
    assert traffic.previews(balancer["listener"]) == []


def test_missing_load_balancer_names_the_component(aws: None) -> None:
    with pytest.raises(
        TrafficError, match=f"Load balancer '{NAME}' does not exist. Provision the component load_balancer"
    ):
        Traffic(boto3.client("elbv2"), NAME).rule()


def test_missing_slot_rule_is_reported(traffic: Traffic, balancer: dict[str, Any]) -> None:
    boto3.client("elbv2").delete_rule(RuleArn=balancer["rule"])
    with pytest.raises(TrafficError, match="has no rule that forwards to both slots"):
        traffic.rule()


def test_addresses_are_those_of_the_load_balancers_interfaces(
    traffic: Traffic, balancer: dict[str, Any]
) -> None:
    ec2 = boto3.client("ec2")
    with pytest.raises(TrafficError, match="has no network interface"):
        addresses(ec2, traffic.balancer)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    described = "ELB " + balancer["arn"].split(":loadbalancer/")[1]
    interface = ec2.create_network_interface(SubnetId=subnet, Description=described)["NetworkInterface"]
    allocation = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(
        AllocationId=allocation["AllocationId"], NetworkInterfaceId=interface["NetworkInterfaceId"]
    )
    assert addresses(ec2, traffic.balancer) == [allocation["PublicIp"]]
    internal = {**traffic.balancer, "Scheme": "internal"}
    assert addresses(ec2, internal) == [interface["PrivateIpAddress"]]


def test_summary_counts_states_and_gives_reasons() -> None:
    targets = [
        {"id": "i-1", "port": "1", "state": "healthy", "reason": ""},
        {"id": "i-2", "port": "1", "state": "unhealthy", "reason": "Health checks failed"},
    ]
    assert summary(targets) == "1 healthy, 1 unhealthy (Health checks failed)"
    assert summary([]) == "no targets"
