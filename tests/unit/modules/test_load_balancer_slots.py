"""load_balancer_slots: target groups and slot rule; whatever is repaired, the weights stay a release's business."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import load_balancer_slots
from support import ModuleFailed


@pytest.fixture
def elb(aws):
    return boto3.client("elbv2")


def create_network():
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{i}.0/24", AvailabilityZone=f"ap-northeast-2{zone}")[
            "Subnet"
        ]["SubnetId"]
        for i, zone in enumerate("ac")
    ]
    return vpc, subnets


@pytest.fixture
def network(elb):
    return create_network()


def create_balancer(subnets):
    """Create a load balancer and its listeners, as amazon.aws.elb_application_lb does."""
    elb = boto3.client("elbv2")
    arn = elb.create_load_balancer(Name="shop-staging", Subnets=subnets)["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    certificate = boto3.client("acm").request_certificate(DomainName="shop.example.com")["CertificateArn"]
    for port, protocol, more in (
        (80, "HTTP", {}),
        (443, "HTTPS", {"Certificates": [{"CertificateArn": certificate}]}),
    ):
        elb.create_listener(
            LoadBalancerArn=arn, Port=port, Protocol=protocol, DefaultActions=[answer], **more
        )
    return arn


def settings(vpc):
    return {
        "name": "shop-staging",
        "vpc_id": vpc,
        "ports": {"blue": 30080, "green": 30081},
        "health_check": {"path": "/ready", "interval": 5, "timeout": 4},
        "tags": {"Environment": "staging"},
    }


@pytest.fixture
def arguments(network):
    vpc, subnets = network
    create_balancer(subnets)
    return settings(vpc)


def listeners(elb, arn):
    return {entry["Port"]: entry for entry in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]}


def slot_rule(elb, arn):
    rules = elb.describe_rules(ListenerArn=listeners(elb, arn)[443]["ListenerArn"])["Rules"]
    return next(rule for rule in rules if rule["Priority"] == "50000")


def group_arns(elb):
    groups = elb.describe_target_groups()["TargetGroups"]
    return {group["TargetGroupName"].rsplit("-", 1)[1]: group["TargetGroupArn"] for group in groups}


def weights(elb, arn):
    slots = {group: slot for slot, group in group_arns(elb).items()}
    forward = slot_rule(elb, arn)["Actions"][0]["ForwardConfig"]["TargetGroups"]
    return {slots[group["TargetGroupArn"]]: group["Weight"] for group in forward}


def release(elb, arn, blue, green, sticky=0):
    """Move the traffic as a release does."""
    groups = group_arns(elb)
    forward = [
        {"TargetGroupArn": groups["blue"], "Weight": blue},
        {"TargetGroupArn": groups["green"], "Weight": green},
    ]
    stickiness = {"Enabled": True, "DurationSeconds": sticky} if sticky else {"Enabled": False}
    config = {"TargetGroups": forward, "TargetGroupStickinessConfig": stickiness}
    elb.modify_rule(
        RuleArn=slot_rule(elb, arn)["RuleArn"], Actions=[{"Type": "forward", "ForwardConfig": config}]
    )


def test_target_groups_and_slot_rule_are_created(elb, arguments, run_module):
    made = run_module(load_balancer_slots, **arguments)
    assert made["dns_name"].startswith("shop-staging-") and made["zone_id"]
    assert weights(elb, made["arn"]) == {"blue": 100, "green": 0}
    groups = {group["Port"]: group for group in elb.describe_target_groups()["TargetGroups"]}
    assert groups.keys() == {30080, 30081}
    assert groups[30080]["HealthCheckPath"] == "/ready"
    assert groups[30080]["HealthCheckIntervalSeconds"] == 5


def test_every_part_is_tagged(elb, arguments, run_module):
    made = run_module(load_balancer_slots, **arguments)
    arns = [
        *(entry["ListenerArn"] for entry in listeners(elb, made["arn"]).values()),
        slot_rule(elb, made["arn"])["RuleArn"],
        *group_arns(elb).values(),
    ]
    described = elb.describe_tags(ResourceArns=arns)["TagDescriptions"]
    assert len(described) == 5
    for entry in described:
        tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
        assert tags["Environment"] == "staging" and tags["Name"].startswith("shop-staging"), entry


def test_second_run_changes_nothing(arguments, run_module):
    assert run_module(load_balancer_slots, **arguments)["changed"]
    assert not run_module(load_balancer_slots, **arguments)["changed"]
    assert not run_module(load_balancer_slots, check=True, **arguments)["changed"]


def test_check_mode_creates_nothing(elb, arguments, run_module):
    result = run_module(load_balancer_slots, check=True, **arguments)
    assert result["changed"]
    assert all(result["diff"]["after"].values())
    assert elb.describe_target_groups()["TargetGroups"] == []


def test_check_mode_needs_no_load_balancer(elb, network, run_module):
    vpc, _ = network
    result = run_module(load_balancer_slots, check=True, **settings(vpc))
    assert result["changed"] and result["diff"]["before"]["rule of the slots"] == {}
    assert "arn" not in result
    with pytest.raises(ModuleFailed, match=r"'shop-staging' is missing\. This module creates none"):
        run_module(load_balancer_slots, **settings(vpc))
    assert elb.describe_target_groups()["TargetGroups"] == []


def test_missing_listener_is_an_error(elb, arguments, run_module):
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    elb.delete_listener(ListenerArn=listeners(elb, balancer)[443]["ListenerArn"])
    assert run_module(load_balancer_slots, check=True, **arguments)["changed"]
    with pytest.raises(ModuleFailed, match="no listener on port 443"):
        run_module(load_balancer_slots, **arguments)


def test_check_mode_ignores_rules_of_others(elb, arguments, run_module):
    """Without target groups, a rule that forwards nothing has the same targets: none."""
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_rule(
        ListenerArn=listeners(elb, balancer)[443]["ListenerArn"],
        Priority=5,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/health"]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    )
    result = run_module(load_balancer_slots, check=True, **arguments)
    assert result["diff"]["before"]["rule of the slots"] == {}


@pytest.mark.parametrize("green", [5, 100])
def test_weights_of_a_release_are_no_drift(elb, arguments, run_module, green):
    """A release in a step has both slots in use, and its clients may stay with theirs."""
    arn = run_module(load_balancer_slots, **arguments)["arn"]
    release(elb, arn, blue=100 - green, green=green, sticky=900 if green < 100 else 0)
    assert not run_module(load_balancer_slots, check=True, **arguments)["changed"]
    assert not run_module(load_balancer_slots, **arguments)["changed"]
    assert weights(elb, arn) == {"blue": 100 - green, "green": green}


def test_correction_of_drift_keeps_the_weights(elb, arguments, run_module):
    arn = run_module(load_balancer_slots, **arguments)["arn"]
    release(elb, arn, blue=10, green=90)
    rule = slot_rule(elb, arn)["RuleArn"]
    elb.modify_rule(RuleArn=rule, Conditions=[{"Field": "path-pattern", "Values": ["/only"]}])
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": rule, "Priority": 7}])
    elb.remove_tags(ResourceArns=[rule], TagKeys=["Environment"])
    check = run_module(load_balancer_slots, check=True, **arguments)
    assert check["diff"]["before"]["rule of the slots"]["slots"]["paths"] == ["/only"]
    assert run_module(load_balancer_slots, **arguments)["changed"]
    assert weights(elb, arn) == {"blue": 10, "green": 90}
    assert not run_module(load_balancer_slots, **arguments)["changed"]


def test_slot_missing_in_the_rule_is_added_with_weight_0(elb, arguments, run_module):
    arn = run_module(load_balancer_slots, **arguments)["arn"]
    green = [{"TargetGroupArn": group_arns(elb)["green"], "Weight": 100}]
    elb.modify_rule(
        RuleArn=slot_rule(elb, arn)["RuleArn"],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": green}}],
    )
    assert run_module(load_balancer_slots, **arguments)["changed"]
    assert weights(elb, arn) == {"blue": 0, "green": 100}


def test_preview_rule_of_a_release_is_kept(elb, arguments, run_module):
    arn = run_module(load_balancer_slots, **arguments)["arn"]
    listener = listeners(elb, arn)[443]["ListenerArn"]
    preview = elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": ["y"]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": group_arns(elb)["green"]}],
    )["Rules"][0]["RuleArn"]
    assert not run_module(load_balancer_slots, **arguments)["changed"]
    assert elb.describe_rules(RuleArns=[preview])["Rules"]


def test_drift_is_reported_and_corrected(elb, arguments, run_module):
    arn = run_module(load_balancer_slots, **arguments)["arn"]
    elb.modify_target_group(TargetGroupArn=group_arns(elb)["green"], HealthCheckPath="/")
    elb.remove_tags(ResourceArns=[listeners(elb, arn)[80]["ListenerArn"]], TagKeys=["Environment"])
    before = run_module(load_balancer_slots, check=True, **arguments)["diff"]["before"]
    assert before["target groups"]["green"]["health_check"]["path"] == "/"
    assert before["listeners"]["80"]["tags"] == {"Name": "shop-staging-80"}
    assert run_module(load_balancer_slots, **arguments)["changed"]
    assert not run_module(load_balancer_slots, **arguments)["changed"]


def test_listener_of_others_is_unchanged(elb, arguments, run_module):
    arn = run_module(load_balancer_slots, **arguments)["arn"]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8080, DefaultActions=[answer])
    assert not run_module(load_balancer_slots, **arguments)["changed"]


def test_port_of_a_slot_cannot_be_changed(arguments, run_module):
    run_module(load_balancer_slots, **arguments)
    with pytest.raises(ModuleFailed, match=r"'green' exists, and AWS cannot change: port \(is 30081"):
        run_module(load_balancer_slots, **{**arguments, "ports": {"blue": 30080, "green": 30099}})


def test_absent_removes_unused_target_groups(elb, arguments, run_module):
    arn = run_module(load_balancer_slots, **arguments)["arn"]
    gone = {"name": "shop-staging", "state": "absent"}
    with pytest.raises(ModuleFailed, match=r"DeleteTargetGroup failed for target group 'blue'.*in use"):
        run_module(load_balancer_slots, **gone, wait_timeout=0)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    assert run_module(load_balancer_slots, check=True, **gone)["changed"]
    assert run_module(load_balancer_slots, **gone)["changed"]
    assert elb.describe_target_groups()["TargetGroups"] == []
    assert not run_module(load_balancer_slots, **gone)["changed"]


def test_tags_of_others_are_kept_on_every_resource(elb, arguments, run_module):
    made = run_module(load_balancer_slots, **arguments)
    listener = listeners(elb, made["arn"])[443]["ListenerArn"]
    parts = [listener, slot_rule(elb, made["arn"])["RuleArn"], *group_arns(elb).values()]
    others = [{"Key": "awsApplication", "Value": "x"}, {"Key": "CostCenter", "Value": "1"}]
    elb.add_tags(ResourceArns=parts, Tags=others)
    again = run_module(load_balancer_slots, **arguments, ignored_tags=["awsApplication", "Cost*"])
    assert not again["changed"], again["diff"]
    assert run_module(load_balancer_slots, **arguments)["changed"]
    for part in elb.describe_tags(ResourceArns=parts)["TagDescriptions"]:
        keys = {tag["Key"] for tag in part["Tags"]}
        assert "awsApplication" in keys and "CostCenter" not in keys and "Environment" in keys


def test_a_listener_with_more_rules_than_describe_tags_accepts(rehearsed, run_module):
    """ELB's DescribeTags refuses 21 ARNs, and a listener may have a hundred rules."""
    elb = boto3.client("elbv2")
    vpc, subnets = create_network()
    arn = create_balancer(subnets)
    arguments = settings(vpc)
    run_module(load_balancer_slots, **arguments)
    try:
        listener = listeners(elb, arn)[443]["ListenerArn"]
        for n in range(25):
            elb.create_rule(
                ListenerArn=listener,
                Priority=n + 1,
                Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{n}"]}}],
                Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
            )
        assert not run_module(load_balancer_slots, **arguments)["changed"]
    finally:
        elb.delete_load_balancer(LoadBalancerArn=arn)
        run_module(load_balancer_slots, name=arguments["name"], state="absent")


@pytest.mark.parametrize("check", [True, False])
def test_authenticate_action_of_the_slot_rule_is_reported_and_kept(elb, arguments, run_module, check):
    arn = run_module(load_balancer_slots, **arguments)["arn"]
    rule = slot_rule(elb, arn)
    cognito = {
        "Type": "authenticate-cognito",
        "Order": 1,
        "AuthenticateCognitoConfig": {
            "UserPoolArn": "arn:aws:cognito-idp:ap-northeast-2:123456789012:userpool/ap-northeast-2_x",
            "UserPoolClientId": "shop",
            "UserPoolDomain": "login",
        },
    }
    forward = {**rule["Actions"][0], "Order": 2}
    # One of its slots is missing, which the module would repair.
    forward["ForwardConfig"]["TargetGroups"] = forward["ForwardConfig"]["TargetGroups"][:1]
    elb.modify_rule(RuleArn=rule["RuleArn"], Actions=[cognito, forward])
    with pytest.raises(ModuleFailed, match="does more than forward: authenticate-cognito"):
        run_module(load_balancer_slots, check=check, **arguments)
    assert [action["Type"] for action in slot_rule(elb, arn)["Actions"]] == [
        "authenticate-cognito",
        "forward",
    ]
