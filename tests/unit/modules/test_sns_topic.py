from __future__ import annotations

from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import sns_topic

TAGS = {"Environment": "staging", "Component": "alarms"}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": "*",
        }
    ],
}
WANTED = {
    "name": "shop-staging-alarms",
    "kms_key": "alias/shop-staging-alarms",
    "policy": POLICY,
    "subscriptions": [{"protocol": "email", "endpoint": "team@example.com"}],
    "tags": TAGS,
}


@pytest.fixture
def sns(aws: Any) -> Any:
    return boto3.client("sns")


def subscriptions(sns: Any) -> list[str]:
    return sorted(entry["Endpoint"] for entry in sns.list_subscriptions()["Subscriptions"])


def test_second_run_creates_no_topic(sns: Any, run_module: Any) -> None:
    assert run_module(sns_topic, check=True, **WANTED)["changed"]
    assert not sns.list_topics()["Topics"]
    arn = run_module(sns_topic, **WANTED)["arn"]
    assert arn == sns.list_topics()["Topics"][0]["TopicArn"]
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["KmsMasterKeyId"] == WANTED["kms_key"]
    assert subscriptions(sns) == ["team@example.com"]
    assert not run_module(sns_topic, **WANTED)["changed"]
    assert not run_module(sns_topic, check=True, **WANTED)["changed"]


def test_new_topic_is_awaited_until_it_is_listed(late_lists: dict[str, int], run_module: Any) -> None:
    made = run_module(sns_topic, **WANTED)
    assert made["changed"] and made["arn"].endswith(":shop-staging-alarms")
    assert max(late_lists.values()) > 3
    assert not run_module(sns_topic, **WANTED)["changed"]


@pytest.mark.parametrize(
    ("drift", "setting"),
    [
        (
            lambda c, t: c.set_topic_attributes(
                TopicArn=t, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns"
            ),
            "kms_key",
        ),
        (
            lambda c, t: c.set_topic_attributes(
                TopicArn=t, AttributeName="Policy", AttributeValue='{"Version": "2012-10-17"}'
            ),
            "policy",
        ),
        (lambda c, t: c.subscribe(TopicArn=t, Protocol="email", Endpoint="x@example.com"), "subscriptions"),
        (
            lambda c, t: c.unsubscribe(
                SubscriptionArn=c.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"]
            ),
            "subscriptions",
        ),
        (lambda c, t: c.untag_resource(ResourceArn=t, TagKeys=["Component"]), "tags"),
        (lambda c, t: c.tag_resource(ResourceArn=t, Tags=[{"Key": "x", "Value": "y"}]), "tags"),
    ],
)
def test_drift_is_reported_and_corrected(sns: Any, run_module: Any, drift: Any, setting: str) -> None:
    drift(sns, run_module(sns_topic, **WANTED)["arn"])
    reported = run_module(sns_topic, check=True, **WANTED)
    assert reported["diff"]["before"][setting] != reported["diff"]["after"][setting]
    assert run_module(sns_topic, **WANTED)["changed"]
    assert not run_module(sns_topic, **WANTED)["changed"]


def test_absent(sns: Any, run_module: Any) -> None:
    run_module(sns_topic, **WANTED)
    sns.create_topic(Name="another-shop-staging-alarms")
    assert run_module(sns_topic, name=WANTED["name"], state="absent")["changed"]
    assert not run_module(sns_topic, name=WANTED["name"], state="absent")["changed"]
    assert len(sns.list_topics()["Topics"]) == 1
