"""The filter load_balancer_state: what the info module returns and what the role wants, in one form."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.filter.describe_changes import describe_changes
from ansible_collections.teal.platform.plugins.filter.load_balancer_state import load_balancer_state

#: As amazon.aws.elb_application_lb_info returns it. 11 returns `order` and other attributes, too.
FOUND: dict[str, Any] = {
    "load_balancer_name": "shop",
    "scheme": "internal",
    "availability_zones": [{"subnet_id": "subnet-2", "zone_name": "b"}, {"subnet_id": "subnet-1"}],
    "security_groups": ["sg-1"],
    "access_logs_s3_enabled": "false",
    "access_logs_s3_bucket": "",
    "deletion_protection_enabled": "true",
    "routing_http_drop_invalid_header_fields_enabled": "true",
    "routing_http2_enabled": "true",
    "idle_timeout_timeout_seconds": "60",
    "tags": {"Name": "shop", "aws:cloudformation:stack-name": "x"},
    "listeners": [
        {
            "port": 443,
            "protocol": "HTTPS",
            "ssl_policy": "new",
            "certificates": [{"certificate_arn": "arn:1"}],
            "default_actions": [
                {"type": "fixed-response", "order": 1, "fixed_response_config": {"status_code": "503"}}
            ],
        }
    ],
}
WANTED: dict[str, Any] = {
    "name": "shop",
    "subnets": ["subnet-1", "subnet-2"],
    "security_groups": ["sg-1"],
    "access_logs_enabled": False,
    "access_logs_s3_bucket": "",
    "deletion_protection": True,
    "http_drop_invalid_header_fields": True,
    "idle_timeout": 60,
    "tags": {"Name": "shop"},
    "listeners": [
        {
            "Port": 443,
            "Protocol": "HTTPS",
            "SslPolicy": "new",
            "Certificates": [{"CertificateArn": "arn:1"}],
            "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
        }
    ],
}


def changes(**wanted: Any) -> list[str]:
    return describe_changes(load_balancer_state(FOUND), load_balancer_state({**WANTED, **wanted}))


def test_current_and_wanted_state_have_the_same_form() -> None:
    assert changes() == []


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        ({"subnets": ["subnet-1"]}, ["shop: subnets: subnet-2 -> none"]),
        (
            {"security_groups": ["sg-2"]},
            ["shop: security_groups: sg-1 -> none", "shop: security_groups: none -> sg-2"],
        ),
        ({"access_logs_enabled": True}, ["shop: access_logs_enabled: false -> true"]),
        ({"access_logs_s3_bucket": "logs"}, ["shop: access_logs_s3_bucket: '' -> logs"]),
        ({"deletion_protection": False}, ["shop: deletion_protection: true -> false"]),
        (
            {"http_drop_invalid_header_fields": False},
            ["shop: http_drop_invalid_header_fields: true -> false"],
        ),
        ({"idle_timeout": 5}, ["shop: idle_timeout: 60 -> 5"]),
        ({"tags": {"Name": "shop", "Team": "a"}}, ["shop: tags.Team: none -> a"]),
        ({"listeners": []}, ["shop listener 443: existing -> removed"]),
    ],
)
def test_each_attribute_of_the_load_balancer(wanted: dict[str, Any], lines: list[str]) -> None:
    assert changes(**wanted) == lines


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ({"SslPolicy": "old"}, "ssl_policy: new -> old"),
        ({"Certificates": [{"CertificateArn": "arn:2"}]}, "certificate: arn:1 -> arn:2"),
        ({"Protocol": "HTTP"}, "protocol: HTTPS -> HTTP"),
        ({"DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn:t"}]}, "default_actions: "),
    ],
)
def test_each_attribute_of_a_listener(wanted: dict[str, Any], line: str) -> None:
    listener = {**deepcopy(WANTED["listeners"][0]), **wanted}
    assert any(one.startswith(f"shop listener 443: {line}") for one in changes(listeners=[listener]))


def test_missing_load_balancer_has_an_empty_state() -> None:
    assert load_balancer_state({}) == {}
    assert describe_changes({}, load_balancer_state(WANTED))[0].startswith("shop: none -> created")


def test_unknown_format_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="neither 'load_balancer_name'"):
        load_balancer_state({"x": 1})
