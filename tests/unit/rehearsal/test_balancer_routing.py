"""The routing decisions of an ALB, with rules in AWS's format."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from rehearsal import routing


def request(**given: Any) -> routing.Request:
    values: dict[str, Any] = {
        "method": "GET",
        "host": "assistant.example.com",
        "path": "/chat/1",
        "query": "",
        "headers": {},
        "source_ip": "127.0.0.1",
        "protocol": "HTTPS",
        "port": 443,
    }
    return routing.Request(**{**values, **given})


def rule(priority: int | str, *conditions: dict[str, Any], to: str = "") -> dict[str, Any]:
    action = {"Type": "forward", "TargetGroupArn": to or str(priority)}
    return {
        "arn": f"rule/{priority}",
        "priority": priority,
        "conditions": list(conditions),
        "actions": [action],
    }


def chosen(rules: list[dict[str, Any]], asked: routing.Request) -> str:
    action = routing.choose(routing.compile_rules(rules), asked)
    assert action is not None
    return action["TargetGroupArn"]


@pytest.mark.parametrize(
    ("condition", "fitting", "other"),
    [
        (
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.Example.com"]}},
            {"host": "assistant.example.com"},
            {"host": "example.com"},
        ),
        (
            {"Field": "host-header", "Values": ["a.example.com"]},
            {"host": "a.example.com"},
            {"host": "axexample.com"},
        ),
        (
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/chat/*", "/x?"]}},
            {"path": "/x1"},
            {"path": "/Chat/1"},
        ),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Preview", "Values": ["aBc*"]}},
            {"headers": {"x-preview": "abcdef"}},
            {"headers": {"x-preview": "ab"}},
        ),
        (
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}},
            {"method": "POST"},
            {"method": "GET"},
        ),
        (
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2*"}]}},
            {"query": "a=1&v=2.0"},
            {"query": "w=2.0"},
        ),
        (
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "beta"}]}},
            {"query": "x=beta"},
            {"query": "beta=x"},
        ),
        (
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.0/8"]}},
            {"source_ip": "127.9.9.9"},
            {"source_ip": "10.0.0.1"},
        ),
    ],
)
def test_conditions(condition: dict[str, Any], fitting: dict[str, Any], other: dict[str, Any]) -> None:
    rules = [rule("default"), rule(10, condition)]
    assert chosen(rules, request(**fitting)) == "10"
    assert chosen(rules, request(**other)) == "default"


def test_rules_match_by_priority_and_all_conditions() -> None:
    chat = {"Field": "path-pattern", "Values": ["/chat/*"]}
    post = {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}}
    rules = [rule("default"), rule("20", chat), rule("3", chat, post)]
    assert chosen(rules, request()) == "20"
    assert chosen(rules, request(method="POST")) == "3"
    assert chosen(rules, request(path="/")) == "default"


def test_unsupported_condition_is_named() -> None:
    with pytest.raises(routing.Unsupported, match="path-pattern"):
        routing.compile_rules(
            [rule(1, {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}})]
        )


def forward(blue: int, green: int, sticky: bool = False) -> dict[str, Any]:
    config: dict[str, Any] = {
        "TargetGroups": [
            {"TargetGroupArn": "blue", "Weight": blue},
            {"TargetGroupArn": "green", "Weight": green},
        ],
        "TargetGroupStickinessConfig": {"Enabled": sticky, "DurationSeconds": 60},
    }
    return {"Type": "forward", "ForwardConfig": config}


def test_weights() -> None:
    assert {routing.pick_group(forward(100, 0)) for _ in range(200)} == {"blue"}
    assert {routing.pick_group(forward(0, 1)) for _ in range(200)} == {"green"}
    assert routing.pick_group(forward(0, 0)) is None
    shares = Counter(routing.pick_group(forward(90, 10)) for _ in range(5000))
    assert 300 < shares["green"] < 700


def test_cookie_outlives_weight_0() -> None:
    """The client stays where it was until stickiness is off, its cookie has expired or the group has left the rule."""
    assert routing.stickiness(forward(50, 50)) is None
    assert routing.stickiness(forward(50, 50, sticky=True)) == 60
    assert {routing.pick_group(forward(1, 999), "blue") for _ in range(50)} == {"blue"}
    assert routing.pick_group(forward(0, 100, sticky=True), "blue") == "blue"
    assert routing.pick_group(forward(0, 100, sticky=True), "red") == "green"


@pytest.mark.parametrize(
    ("config", "location"),
    [
        ({"Protocol": "HTTPS", "Port": "443"}, "https://assistant.example.com/chat/1?q=1"),
        (
            {"Protocol": "HTTPS", "Port": "8443", "Query": "a=#{port}"},
            "https://assistant.example.com:8443/chat/1?a=80",
        ),
        ({"Host": "b.example.com", "Path": "/v2/#{path}"}, "http://b.example.com/v2/chat/1?q=1"),
    ],
)
def test_redirect(config: dict[str, str], location: str) -> None:
    action = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **config}}
    assert routing.redirect(action, request(protocol="HTTP", port=80, query="q=1")) == (301, location)


@pytest.mark.parametrize(
    ("codes", "fits", "other"), [("200", 200, 204), ("200,302", 302, 301), ("200-299", 250, 300)]
)
def test_health_check_matcher(codes: str, fits: int, other: int) -> None:
    matcher = routing.status_matcher(codes)
    assert matcher(fits)
    assert not matcher(other)
