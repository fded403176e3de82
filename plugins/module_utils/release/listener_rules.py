# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The other rules of the HTTPS listener: which of them match requests that must reach the slot rule."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import listed, message

Rule = dict[str, Any]

PREVIEW_HEADER = "X-Release-Preview"
_ANY_ADDRESS = {"0.0.0.0/0", "::/0"}


def is_preview(rule: Rule) -> bool:
    """Return whether a rule is the preview rule of a release."""
    return any(
        condition.get("HttpHeaderConfig", {}).get("HttpHeaderName", "").lower() == PREVIEW_HEADER.lower()
        for condition in rule.get("Conditions", [])
    )


def extra_actions(rule: Rule) -> list[str]:
    """Return the types of a rule's actions other than forward, e.g. `authenticate-oidc`."""
    return [action["Type"] for action in rule["Actions"] if action["Type"] != "forward"]


def unsupported_actions(name: str, rule: Rule) -> str:
    """Return why a change of the weights would remove actions of the slot rule, or the empty string."""
    if not (extra := extra_actions(rule)):
        return ""
    return message("rules.unsupported", name=name, arn=rule["RuleArn"], actions=listed(extra))


def number(rule: Rule) -> int:
    """Return a rule's priority as a number. The default rule gets the highest."""
    return int(rule["Priority"]) if rule["Priority"].isdigit() else 50_001


def catches(rule: Rule, host: str, path: str) -> bool:
    """Return whether a rule matches a plain GET of `path` from any client address.

    Rules with conditions on headers, query strings or certain client addresses do not match all clients.
    """
    path = path.partition("?")[0]
    return all(_meets(condition, host, path) for condition in rule.get("Conditions", []))


def in_the_way(
    rules: Iterable[Rule], before: int, host: str, paths: Iterable[str]
) -> tuple[Rule, str] | None:
    """Return the first rule with a priority number below `before` that matches one of `paths`, and that path."""
    ahead = sorted((rule for rule in rules if number(rule) < before and not is_preview(rule)), key=number)
    for rule in ahead:
        for path in paths:
            if catches(rule, host, path):
                return rule, path
    return None


def described(rule: Rule) -> str:
    """Return a rule and its action as text, e.g. `Rule 5 (arn:...), which answers with a fixed 503,`."""
    does = _does(rule["Actions"][0])
    return message("rules.described", priority=rule["Priority"], arn=rule["RuleArn"], does=does)


def _does(action: dict[str, Any]) -> str:
    if action["Type"] == "fixed-response":
        return message("rules.fixed", status=action["FixedResponseConfig"]["StatusCode"])
    if action["Type"] == "redirect":
        return message("rules.redirects", status=action["RedirectConfig"].get("StatusCode", "HTTP_302"))
    if action["Type"] == "forward":
        groups = [
            entry["TargetGroupArn"] for entry in action.get("ForwardConfig", {}).get("TargetGroups", [])
        ]
        names = [arn.split("/")[1] for arn in groups or [action.get("TargetGroupArn", "//")]]
        return message("rules.forwards", groups=listed(names))
    return message("rules.begins", action=action["Type"])


def _meets(condition: dict[str, Any], host: str, path: str) -> bool:
    field = condition["Field"]
    if field == "path-pattern":
        return _any(condition, "PathPatternConfig", path)
    if field == "host-header":
        return _any(condition, "HostHeaderConfig", host, re.IGNORECASE)
    if field == "http-request-method":
        return bool({"GET", "*"} & set(condition.get("HttpRequestMethodConfig", {}).get("Values", [])))
    if field == "source-ip":
        return bool(_ANY_ADDRESS & set(condition.get("SourceIpConfig", {}).get("Values", [])))
    return False


def _any(condition: dict[str, Any], key: str, text: str, flags: int = 0) -> bool:
    config = condition.get(key, {})
    patterns = [_pattern(value) for value in config.get("Values", []) or condition.get("Values", [])]
    patterns += config.get("RegexValues", []) or condition.get("RegexValues", [])
    return any(_matches(pattern, text, flags) for pattern in patterns)


def _pattern(wildcards: str) -> str:
    """Return AWS's pattern (`*` any characters, `?` one) as a regular expression."""
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in wildcards)


def _matches(pattern: str, text: str, flags: int) -> bool:
    try:
        return bool(re.fullmatch(pattern, text, flags))
    except re.error:
        return False  # AWS's syntax differs from Python's
