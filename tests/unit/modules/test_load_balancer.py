"""load_balancer: an ALB with two slots; whatever is repaired, the weights stay a release's business."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import load_balancer
from support import ModuleFailed


@pytest.fixture
def elb(aws):
    return boto3.client("elbv2")


@pytest.fixture
def arguments(elb):
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{i}.0/24", AvailabilityZone=f"ap-northeast-2{zone}")[
            "Subnet"
        ]["SubnetId"]
        for i, zone in enumerate("ac")
    ]
    group = ec2.create_security_group(GroupName="lb", Description="lb", VpcId=vpc)["GroupId"]
    certificate = boto3.client("acm").request_certificate(DomainName="shop.example.com")["CertificateArn"]
    return {
        "name": "shop-staging",
        "vpc_id": vpc,
        "subnet_ids": subnets,
        "security_group_ids": [group],
        "certificate_arn": certificate,
        "ports": {"blue": 30080, "green": 30081},
        "health_check": {"path": "/ready", "interval": 5, "timeout": 4},
        "tags": {"Environment": "staging"},
    }


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


def release(elb, arn, blue, green):
    """Move the traffic as a release does."""
    groups = group_arns(elb)
    forward = [
        {"TargetGroupArn": groups["blue"], "Weight": blue},
        {"TargetGroupArn": groups["green"], "Weight": green},
    ]
    config = {"TargetGroups": forward, "TargetGroupStickinessConfig": {"Enabled": False}}
    elb.modify_rule(
        RuleArn=slot_rule(elb, arn)["RuleArn"], Actions=[{"Type": "forward", "ForwardConfig": config}]
    )


def test_what_is_made(elb, arguments, run_module):
    made = run_module(load_balancer, **arguments)
    found = listeners(elb, made["arn"])
    assert found[80]["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
    assert found[443]["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "503"
    assert found[443]["Certificates"][0]["CertificateArn"] == arguments["certificate_arn"]
    assert found[443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert weights(elb, made["arn"]) == {"blue": 100, "green": 0}
    groups = {group["Port"]: group for group in elb.describe_target_groups()["TargetGroups"]}
    assert groups.keys() == {30080, 30081}
    assert groups[30080]["HealthCheckPath"] == "/ready"
    assert groups[30080]["HealthCheckIntervalSeconds"] == 5


def test_every_part_is_tagged(elb, arguments, run_module):
    made = run_module(load_balancer, **arguments)
    arns = [
        made["arn"],
        *(entry["ListenerArn"] for entry in listeners(elb, made["arn"]).values()),
        slot_rule(elb, made["arn"])["RuleArn"],
        *group_arns(elb).values(),
    ]
    described = elb.describe_tags(ResourceArns=arns)["TagDescriptions"]
    assert len(described) == 6
    for entry in described:
        tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
        assert tags["Environment"] == "staging" and tags["Name"].startswith("shop-staging"), entry


def test_second_run_changes_nothing(arguments, run_module):
    assert run_module(load_balancer, **arguments)["changed"]
    assert not run_module(load_balancer, **arguments)["changed"]
    assert not run_module(load_balancer, check=True, **arguments)["changed"]


def test_check_mode_makes_nothing(elb, arguments, run_module):
    result = run_module(load_balancer, check=True, **arguments)
    assert result["changed"]
    assert all(result["diff"]["after"].values())
    assert elb.describe_load_balancers()["LoadBalancers"] == []
    assert elb.describe_target_groups()["TargetGroups"] == []


def test_a_release_is_no_drift(elb, arguments, run_module):
    arn = run_module(load_balancer, **arguments)["arn"]
    release(elb, arn, blue=0, green=100)
    assert not run_module(load_balancer, check=True, **arguments)["changed"]
    assert not run_module(load_balancer, **arguments)["changed"]
    assert weights(elb, arn) == {"blue": 0, "green": 100}


def test_repairs_leave_the_weights(elb, arguments, run_module):
    arn = run_module(load_balancer, **arguments)["arn"]
    release(elb, arn, blue=10, green=90)
    rule = slot_rule(elb, arn)["RuleArn"]
    elb.modify_rule(RuleArn=rule, Conditions=[{"Field": "path-pattern", "Values": ["/only"]}])
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": rule, "Priority": 7}])
    elb.remove_tags(ResourceArns=[rule], TagKeys=["Environment"])
    check = run_module(load_balancer, check=True, **arguments)
    assert check["diff"]["before"]["rule of the slots"]["slots"]["paths"] == ["/only"]
    assert run_module(load_balancer, **arguments)["changed"]
    assert weights(elb, arn) == {"blue": 10, "green": 90}
    assert not run_module(load_balancer, **arguments)["changed"]


def test_a_slot_that_fell_out_of_the_rule_comes_back_without_traffic(elb, arguments, run_module):
    arn = run_module(load_balancer, **arguments)["arn"]
    green = [{"TargetGroupArn": group_arns(elb)["green"], "Weight": 100}]
    elb.modify_rule(
        RuleArn=slot_rule(elb, arn)["RuleArn"],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": green}}],
    )
    assert run_module(load_balancer, **arguments)["changed"]
    assert weights(elb, arn) == {"blue": 0, "green": 100}


def test_a_releases_preview_rule_stays(elb, arguments, run_module):
    arn = run_module(load_balancer, **arguments)["arn"]
    listener = listeners(elb, arn)[443]["ListenerArn"]
    preview = elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": ["y"]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": group_arns(elb)["green"]}],
    )["Rules"][0]["RuleArn"]
    assert not run_module(load_balancer, **arguments)["changed"]
    assert elb.describe_rules(RuleArns=[preview])["Rules"]


def test_drift_is_named_and_mended(elb, arguments, run_module):
    arn = run_module(load_balancer, **arguments)["arn"]
    https = listeners(elb, arn)[443]["ListenerArn"]
    elb.modify_listener(ListenerArn=https, SslPolicy="ELBSecurityPolicy-2016-08")
    elb.modify_target_group(TargetGroupArn=group_arns(elb)["green"], HealthCheckPath="/")
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "5"}]
    )
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTP",
        Port=8080,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    )
    before = run_module(load_balancer, check=True, **arguments)["diff"]["before"]
    assert before["listeners"]["443"]["ssl_policy"] == "ELBSecurityPolicy-2016-08"
    assert before["target groups"]["green"]["health_check"]["path"] == "/"
    assert before["load balancer"]["shop-staging"]["attributes"]["idle_timeout.timeout_seconds"] == "5"
    assert run_module(load_balancer, **arguments)["changed"]
    assert listeners(elb, arn).keys() == {80, 443}
    assert not run_module(load_balancer, **arguments)["changed"]


def test_a_slots_port_cannot_be_changed(arguments, run_module):
    run_module(load_balancer, **arguments)
    with pytest.raises(ModuleFailed, match=r"'green' exists, and AWS cannot change: port \(is 30081"):
        run_module(load_balancer, **{**arguments, "ports": {"blue": 30080, "green": 30099}})


def test_absent_leaves_nothing(elb, arguments, run_module):
    run_module(load_balancer, **arguments)
    gone = {"name": "shop-staging", "state": "absent"}
    assert run_module(load_balancer, check=True, **gone)["changed"]
    assert run_module(load_balancer, **gone)["changed"]
    assert elb.describe_load_balancers()["LoadBalancers"] == []
    assert elb.describe_target_groups()["TargetGroups"] == []
    assert not run_module(load_balancer, **gone)["changed"]


def test_a_protected_one_is_not_touched_until_told(elb, arguments, run_module):
    arn = run_module(load_balancer, **{**arguments, "deletion_protection": True})["arn"]
    gone = {"name": "shop-staging", "state": "absent"}
    with pytest.raises(ModuleFailed, match="protected from deletion; nothing was removed"):
        run_module(load_balancer, **gone, deletion_protection=True)
    assert listeners(elb, arn).keys() == {80, 443}
    assert run_module(load_balancer, **gone)["changed"]
    assert elb.describe_load_balancers()["LoadBalancers"] == []


def test_tags_of_others_stay_on_every_part(elb, arguments, run_module):
    made = run_module(load_balancer, **arguments)
    listener = listeners(elb, made["arn"])[443]["ListenerArn"]
    parts = [made["arn"], listener, slot_rule(elb, made["arn"])["RuleArn"], *group_arns(elb).values()]
    others = [{"Key": "awsApplication", "Value": "x"}, {"Key": "CostCenter", "Value": "1"}]
    elb.add_tags(ResourceArns=parts, Tags=others)
    again = run_module(load_balancer, **arguments, ignored_tags=["awsApplication", "Cost*"])
    assert not again["changed"], again["diff"]
    assert run_module(load_balancer, **arguments)["changed"]
    for part in elb.describe_tags(ResourceArns=parts)["TagDescriptions"]:
        keys = {tag["Key"] for tag in part["Tags"]}
        assert "awsApplication" in keys and "CostCenter" not in keys and "Environment" in keys


def test_a_listener_with_more_rules_than_describe_tags_accepts(rehearsed, arguments, run_module):
    """ELB's DescribeTags refuses 21 ARNs, and a listener may have a hundred rules."""
    elb = boto3.client("elbv2")
    made = run_module(load_balancer, **arguments)
    try:
        listener = listeners(elb, made["arn"])[443]["ListenerArn"]
        for n in range(25):
            elb.create_rule(
                ListenerArn=listener,
                Priority=n + 1,
                Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{n}"]}}],
                Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
            )
        assert not run_module(load_balancer, **arguments)["changed"]
    finally:
        run_module(load_balancer, name=arguments["name"], state="absent")


@pytest.mark.parametrize("check", [True, False])
def test_a_rule_that_authenticates_is_named_and_keeps_its_action(elb, arguments, run_module, check):
    arn = run_module(load_balancer, **arguments)["arn"]
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
    # Its stickiness is what the module would repair.
    forward["ForwardConfig"]["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": 60}
    elb.modify_rule(RuleArn=rule["RuleArn"], Actions=[cognito, forward])
    with pytest.raises(ModuleFailed, match="does more than forward: authenticate-cognito"):
        run_module(load_balancer, check=check, **arguments)
    assert [action["Type"] for action in slot_rule(elb, arn)["Actions"]] == [
        "authenticate-cognito",
        "forward",
    ]
