# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of address ranges, zones, tiers and ports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_network

from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import LABEL, Found, check

WORLD = {"0.0.0.0/0", "::/0"}


def wrong_range(value: str) -> str | None:
    """Return why `value` is not an address range, or None."""
    try:
        ip_network(value)
    except ValueError as error:
        return f"'{value}' is not a range such as 10.20.0.0/16 ({error})"
    return None


def range_checks(variable: str, values: Iterable[str], world: bool) -> Found:
    for value in values:
        problem = wrong_range(value)
        if problem:
            yield variable, problem
        elif value in WORLD and not world:
            yield variable, f"'{value}' is the whole internet; list the networks"


def ports_of(value: str) -> range | None:
    """Return the ports of a value such as `443` or `30080-30081`, or None if it is invalid."""
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", value)
    if not match:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return range(first, last + 1) if 1 <= first <= last <= 65535 else None


@check
def vpc(network_cidr: str) -> Found:
    problem = wrong_range(network_cidr)
    if problem:
        yield "network_cidr", problem
    elif not 16 <= ip_network(network_cidr).prefixlen <= 28:
        yield "network_cidr", "must be a range from /16 to /28"


@check
def zones(network_zones: list[str], platform_region: str) -> Found:
    for zone in network_zones:
        if not re.fullmatch(re.escape(platform_region) + "[a-z]", zone):
            yield "network_zones", f"'{zone}' is not a zone of {platform_region}, such as {platform_region}a"
    if len(set(network_zones)) < 2:
        yield (
            "network_zones",
            "must be at least two different zones: load balancer, cluster and database need them",
        )


@check
def tiers(network_tiers: list[str], network_public_tiers: list[str], network_nat: str) -> Found:
    for tier in network_tiers:
        if not LABEL.fullmatch(tier):
            yield "network_tiers", f"'{tier}' must have only lower case letters, digits and single hyphens"
    for tier in network_public_tiers:
        if tier not in network_tiers:
            yield "network_public_tiers", f"'{tier}' is not in network_tiers ({', '.join(network_tiers)})"
    if network_nat != "none" and not network_public_tiers:
        yield "network_nat", "NAT gateways need public subnets, but network_public_tiers is empty"


@check
def subnets(
    network_cidr: str, network_tiers: list[str], network_zones: list[str], network_subnet_newbits: int
) -> Found:
    from ansible.errors import AnsibleFilterError
    from ansible_collections.teal.platform.plugins.filter.subnet_plan import subnet_plan

    if wrong_range(network_cidr):
        return
    try:
        subnet_plan(network_cidr, network_tiers, network_zones, network_subnet_newbits)
    except AnsibleFilterError as error:
        yield "network_subnet_newbits", str(error).removeprefix("subnet_plan: ")


@check
def open_to_load_balancer(network_load_balancer_cidrs: list[str]) -> Found:
    yield from range_checks("network_load_balancer_cidrs", network_load_balancer_cidrs, world=True)


@check
def open_to_database(network_database_cidrs: list[str]) -> Found:
    yield from range_checks("network_database_cidrs", network_database_cidrs, world=False)


@check
def open_to_bastion(network_bastion_cidrs: list[str]) -> Found:
    yield from range_checks("network_bastion_cidrs", network_bastion_cidrs, world=False)


@check
def ports(network_service_ports: list[str], network_database_ports: list[str]) -> Found:
    for variable, values in (
        ("network_service_ports", network_service_ports),
        ("network_database_ports", network_database_ports),
    ):
        for value in values:
            if ports_of(value) is None:
                yield variable, f"'{value}' is neither a port (8080) nor a range of ports (30080-30081)"


@check
def flow_logs(network_flow_logs_bucket_arn: str) -> Found:
    if network_flow_logs_bucket_arn and not re.match(r"arn:aws[a-z-]*:s3:::.+", network_flow_logs_bucket_arn):
        yield "network_flow_logs_bucket_arn", "must be the ARN of a bucket, such as arn:aws:s3:::my-flow-logs"


def known_tier(variable: str, tier: str, known: list[str]) -> Found:
    if tier not in known:
        yield variable, f"must be one of network_tiers ({', '.join(known)})"
