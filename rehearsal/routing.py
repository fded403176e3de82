"""The routing decisions of an ALB: the action for a request, and the target group of a forward action. Pure functions.

The input is the JSON of `rehearsal.moto_load_balancers`, with conditions and actions in AWS's format.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl


class Unsupported(Exception):
    """A feature of an ALB that the emulator lacks; the message names the feature."""


@dataclass(slots=True)
class Request:
    """The properties of a request that rules check. `headers` holds each header once, with a lower-case name."""

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    source_ip: str
    protocol: str
    port: int


@dataclass(slots=True)
class Rule:
    """A compiled rule of a listener."""

    conditions: list[Callable[[Request], bool]]
    action: dict[str, Any]


def compile_rules(rules: Iterable[dict[str, Any]]) -> list[Rule]:
    """Return a listener's rules in the order in which an ALB evaluates them: by priority, the default rule last."""

    def order(rule: dict[str, Any]) -> tuple[bool, int]:
        is_default = rule["priority"] == "default"
        return is_default, 0 if is_default else int(rule["priority"])

    return [
        Rule(
            [_condition(c) for c in rule["conditions"]],
            # Only the last action routes the request; the actions before it authenticate the user.
            max(rule["actions"], key=lambda action: int(action.get("Order") or 1)),
        )
        for rule in sorted(rules, key=order)
    ]


def choose(rules: Sequence[Rule], request: Request) -> dict[str, Any] | None:
    """Return the action for a request; None if no rule matches (a listener always has a default rule)."""
    for rule in rules:
        if all(condition(request) for condition in rule.conditions):
            return rule.action
    return None


def groups(action: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the target group ARNs and weights of a forward action."""
    if (config := action.get("ForwardConfig")) and config.get("TargetGroups"):
        return [(g["TargetGroupArn"], int(g.get("Weight", 1))) for g in config["TargetGroups"]]
    return [(action["TargetGroupArn"], 1)]


def pick_group(action: dict[str, Any], stuck_to: str | None = None) -> str | None:
    """Choose the target group of a request by weight; None if every weight is 0.

    `stuck_to` is the client's previous group if stickiness is on: its cookie counts as long as the rule has the group,
    even with weight 0. Otherwise only weights count, as with an ALB: a group with unhealthy targets is not skipped.
    """
    if stuck_to and any(arn == stuck_to for arn, _ in groups(action)):
        return stuck_to
    weighted = [(arn, weight) for arn, weight in groups(action) if weight > 0]
    if len(weighted) < 2:
        return weighted[0][0] if weighted else None
    return random.choices([arn for arn, _ in weighted], [weight for _, weight in weighted])[0]


def stickiness(action: dict[str, Any]) -> int | None:
    """Return for how many seconds a client stays with its target group; None if stickiness is off."""
    config = action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig") or {}
    return (
        int(config.get("DurationSeconds") or 3600) if str(config.get("Enabled")).lower() == "true" else None
    )


def redirect(action: dict[str, Any], request: Request) -> tuple[int, str]:
    """Return the status and Location of a redirect action."""
    config = action["RedirectConfig"]
    values = {
        "protocol": request.protocol.lower(),
        "host": request.host,
        "port": str(request.port),
        "path": request.path.lstrip("/"),
        "query": request.query,
    }

    def part(name: str, default: str) -> str:
        return re.sub(r"#\{(\w+)\}", lambda m: values.get(m[1], m[0]), str(config.get(name) or default))

    protocol = part("Protocol", "#{protocol}").lower()
    port = part("Port", "#{port}")
    usual = {"http": "80", "https": "443"}.get(protocol)
    query = part("Query", "#{query}")
    authority = part("Host", "#{host}") + ("" if port == usual else f":{port}")
    status = int(re.sub(r"\D", "", str(config["StatusCode"])))
    return status, f"{protocol}://{authority}{part('Path', '/#{path}')}" + (f"?{query}" if query else "")


def status_matcher(codes: str) -> Callable[[int], bool]:
    """Convert a health check's `Matcher.HttpCode` ("200", "200,302", "200-299") to a predicate."""
    ranges = [tuple(int(n) for n in part.split("-")) for part in codes.split(",")]
    return lambda status: any(r[0] <= status <= r[-1] for r in ranges)


@lru_cache(maxsize=512)
def _pattern(value: str, ignore_case: bool) -> re.Pattern[str]:
    text = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in value)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _fits(values: Iterable[str], text: str, ignore_case: bool) -> bool:
    return any(_pattern(value, ignore_case).fullmatch(text) for value in values)


def _condition(condition: dict[str, Any]) -> Callable[[Request], bool]:
    kind = condition["Field"]
    key = {"source-ip": "SourceIpConfig"}.get(kind, kind.title().replace("-", "") + "Config")
    config: dict[str, Any] = condition.get(key) or {}
    values = config.get("Values") or condition.get("Values") or []
    if not values:
        raise Unsupported(f"a condition on {kind} without values (regular expressions are not supported)")
    match kind:
        case "host-header":
            return lambda r: _fits(values, r.host, True)
        case "path-pattern":
            return lambda r: _fits(values, r.path, False)
        case "http-request-method":
            return lambda r: r.method in values
        case "http-header":
            name = config["HttpHeaderName"].lower()
            return lambda r: name in r.headers and _fits(values, r.headers[name], True)
        case "source-ip":
            networks = [ipaddress.ip_network(value) for value in values]
            return lambda r: any(ipaddress.ip_address(r.source_ip) in network for network in networks)
        case "query-string":
            wanted = [(pair.get("Key"), pair["Value"]) for pair in values]

            def by_query(request: Request) -> bool:
                pairs = parse_qsl(request.query, keep_blank_values=True)
                return any(
                    (key is None or _fits([key], name, True)) and _fits([value], given, True)
                    for key, value in wanted
                    for name, given in pairs
                )

            return by_query
    raise Unsupported(f"a condition on {kind}")
