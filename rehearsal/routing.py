"""How an ALB decides: from a request and a listener's rules to an action, and from a group to a target. Pure.

It works on the JSON that `rehearsal.moto_load_balancers` gives, conditions and actions being in AWS's own shape.
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
    """Something of an ALB's that the rehearsal doesn't have; the message names it."""


@dataclass(slots=True)
class Request:
    """What rules look at. `headers` holds each header once, its name in lower case."""

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
    """A rule of a listener, ready to be asked."""

    conditions: list[Callable[[Request], bool]]
    action: dict[str, Any]


def compile_rules(rules: Iterable[dict[str, Any]]) -> list[Rule]:
    """A listener's rules in the order in which an ALB tries them: by priority, the default one last."""

    def order(rule: dict[str, Any]) -> tuple[bool, int]:
        is_default = rule["priority"] == "default"
        return is_default, 0 if is_default else int(rule["priority"])

    return [
        Rule(
            [_condition(c) for c in rule["conditions"]],
            # Of several actions the last one answers; those before it sign the user in.
            max(rule["actions"], key=lambda action: int(action.get("Order") or 1)),
        )
        for rule in sorted(rules, key=order)
    ]


def choose(rules: Sequence[Rule], request: Request) -> dict[str, Any] | None:
    """The action for `request`, or None where no rule fits (a listener always has a default one)."""
    for rule in rules:
        if all(condition(request) for condition in rule.conditions):
            return rule.action
    return None


def groups(action: dict[str, Any]) -> list[tuple[str, int]]:
    """(target group ARN, weight) of a forward action."""
    if (config := action.get("ForwardConfig")) and config.get("TargetGroups"):
        return [(g["TargetGroupArn"], int(g.get("Weight", 1))) for g in config["TargetGroups"]]
    return [(action["TargetGroupArn"], 1)]


def pick_group(action: dict[str, Any], stuck_to: str | None = None) -> str | None:
    """The target group that takes a request, by weight; None if every weight is 0.

    `stuck_to` is the group that the client was given before, where stickiness is on. As with an ALB, a group
    is not passed over because its targets are ill: weights are all that counts.
    """
    weighted = [(arn, weight) for arn, weight in groups(action) if weight > 0]
    if stuck_to and any(arn == stuck_to for arn, _ in weighted):
        return stuck_to
    if len(weighted) < 2:
        return weighted[0][0] if weighted else None
    return random.choices([arn for arn, _ in weighted], [weight for _, weight in weighted])[0]


def stickiness(action: dict[str, Any]) -> int | None:
    """How long, in seconds, a client stays with its target group; None where that is not wanted."""
    config = action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig") or {}
    return (
        int(config.get("DurationSeconds") or 3600) if str(config.get("Enabled")).lower() == "true" else None
    )


def redirect(action: dict[str, Any], request: Request) -> tuple[int, str]:
    """(status, Location) of a redirect action."""
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
    """A health check's `Matcher.HttpCode` ("200", "200,302", "200-299") as a predicate."""
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
        raise Unsupported(f"a condition on {kind} without values (regular expressions are not rehearsed)")
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
