# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The setting `release_analysis`: its options, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Thresholds
from ansible_collections.teal.platform.plugins.module_utils.release.clock import LENGTHS, seconds, span

#: Options that are thresholds: at least one of them, or a query, is needed.
LIMITS = (
    "error_rate",
    "error_increase",
    "balancer_error_increase",
    "latency_p90",
    "latency_p99",
    "latency_p90_ratio",
    "latency_p99_ratio",
)
#: Periods in seconds up to a minute that CloudWatch accepts. AWS publishes the load balancer's metrics every 60 s.
PERIODS = (1, 5, 10, 20, 30, 60)

#: The options as an argument spec of a module.
OPTIONS: dict[str, dict] = {
    "enabled": {"type": "bool", "default": True},
    **{name: {"type": "float"} for name in LIMITS},
    "min_requests": {"type": "int", "default": 100},
    "minutes": {"type": "int", "default": 3},
    "delay": {"type": "str", "default": "2m"},
    "period": {"type": "int", "default": 60, "choices": list(PERIODS)},
    "on_inconclusive": {"type": "str", "default": "pass", "choices": ["pass", "extend", "fail"]},
    "extend_limit": {"type": "str", "default": "10m"},
    "after_extension": {"type": "str", "default": "pass", "choices": ["pass", "fail"]},
    "prometheus": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "query": {"type": "str", "required": True},
            "min": {"type": "float"},
            "max": {"type": "float"},
            # The name of a secret, and no secret.
            "token_secret": {"type": "str", "default": "", "no_log": False},
        },
    },
}


def is_on(options: dict[str, Any]) -> bool:
    """Return whether the options have a threshold or a query, and are enabled."""
    return given(options)["enabled"] and _has_limits(options)


def _has_limits(options: dict[str, Any]) -> bool:
    return bool(options.get("prometheus")) or any(options.get(name) is not None for name in LIMITS)


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with their defaults."""
    defaults = {name: spec.get("default") for name, spec in OPTIONS.items()}
    return {**defaults, **{name: value for name, value in options.items() if value is not None}}


def thresholds(options: dict[str, Any]) -> Thresholds:
    """Return the thresholds of the setting. Raises ValueError if a length of time is not valid."""
    whole = given(options)
    return Thresholds(
        **{name: whole[name] for name in (*LIMITS, "min_requests", "minutes")},
        period=float(whole["period"]),
        delay=seconds(whole["delay"]),
    )


def problems(options: dict[str, Any], bakes: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Return what is wrong with the setting, as (variable, message).

    `bakes` are the lengths of the bakes that it analyses, by variable.
    """
    variable, whole = "release_analysis", given(options)
    # Without settings of its own it is off. Preflight and modules add the defaults.
    if whole == given({}):
        return
    for key in sorted(options.keys() - OPTIONS.keys()):
        yield variable, f"{key} is not known. Keys are: {', '.join(OPTIONS)}"
    if whole["enabled"] and not _has_limits(whole):
        yield (
            variable,
            f"sets no threshold, so every release would pass. Set one of {', '.join(LIMITS)}, or prometheus",
        )
    for name in LIMITS:
        if whole[name] is not None:
            yield from _limit(variable, name, whole[name])
    for name, least in (("min_requests", 1), ("minutes", 1)):
        if whole[name] < least:
            yield variable, f"{name}: {whole[name]} must be at least {least}"
    for query in whole["prometheus"]:
        yield from _query(variable, query)
    lengths = {}
    for name in ("delay", "extend_limit"):
        try:
            lengths[name] = seconds(whole[name])
        except ValueError:
            yield variable, f"{name}: {whole[name]} must be {LENGTHS}"
    if "delay" in lengths and whole["enabled"]:
        yield from _bakes(thresholds(options), bakes)


def _limit(variable: str, name: str, value: float) -> Iterator[tuple[str, str]]:
    if name.endswith("_ratio"):
        if value < 1:
            yield (
                variable,
                f"{name}: {value:g} must be at least 1: 1.5 allows half as much again as the old version",
            )
    elif name.startswith("latency"):
        if value <= 0:
            yield variable, f"{name}: {value:g} must be more than 0 (milliseconds)"
    elif not 0 <= value < 100:
        yield variable, f"{name}: {value:g} must be at least 0 and less than 100 (percent)"


def _query(variable: str, query: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = f"prometheus {query['name']}"
    url = urlsplit(query["url"])
    if url.scheme not in ("http", "https") or not url.hostname:
        yield (
            variable,
            f"{name}: url must be the address of Prometheus, such as https://prometheus.example.com",
        )
    elif url.username or url.password:
        yield (
            variable,
            f"{name}: url must not contain credentials. Put a token into a secret, and name it in token_secret",
        )
    elif query.get("token_secret") and url.scheme != "https":
        yield variable, f"{name}: url must begin with https://, otherwise the token is sent in clear text"
    least, most = query.get("min"), query.get("max")
    if least is None and most is None:
        yield variable, f"{name}: set min, max or both"
    elif least is not None and most is not None and least > most:
        yield variable, f"{name}: min {least:g} must not be more than max {most:g}"


def _bakes(thresholds: Thresholds, bakes: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, bake in bakes.items():
        try:
            length = seconds(bake)
        except ValueError:
            continue  # The check of the duration reports it.
        if length < thresholds.needed:
            yield (
                name,
                f"{bake} is shorter than release_analysis needs: {span(thresholds.needed)} for the rest of the minute of "
                f"the switch, {thresholds.minutes} minutes (minutes), and the publishing delay of CloudWatch (delay)",
            )
