# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The load balancer: names, certificate, ports and times."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.teal.platform.plugins.plugin_utils.checks.network import known_tier, ports_of
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import DOMAIN, Found, check

ZONE_ID = re.compile(r"[A-Z0-9]{8,32}")
NODE_PORTS = range(30000, 32768)


@check
def domain_names(load_balancer_domain_name: str, load_balancer_alternative_names: list[str]) -> Found:
    if not DOMAIN.fullmatch(load_balancer_domain_name) or load_balancer_domain_name.startswith("*"):
        yield "load_balancer_domain_name", "a domain name in lower case, like shop.example.com"
    for alternative in load_balancer_alternative_names:
        if not DOMAIN.fullmatch(alternative):
            yield "load_balancer_alternative_names", f"'{alternative}' is no domain name"


@check
def hosted_zone(
    load_balancer_hosted_zone: str, load_balancer_hosted_zone_managed: bool, load_balancer_domain_name: str
) -> Found:
    zone = load_balancer_hosted_zone
    if load_balancer_hosted_zone_managed and (not zone or ZONE_ID.fullmatch(zone)):
        yield "load_balancer_hosted_zone", "a name, since load_balancer_hosted_zone_managed is true"
    elif zone and not ZONE_ID.fullmatch(zone):
        if not DOMAIN.fullmatch(zone):
            yield (
                "load_balancer_hosted_zone",
                "the name of a zone, like example.com, or its ID, like Z0123456789",
            )
        elif not f".{load_balancer_domain_name}".endswith(f".{zone}"):
            yield (
                "load_balancer_hosted_zone",
                f"load_balancer_domain_name ({load_balancer_domain_name}) does not lie in it",
            )


@check
def certificate(
    load_balancer_certificate_arn: str,
    load_balancer_certificate_file: str,
    load_balancer_certificate_key_file: str,
    load_balancer_certificate_chain_file: str,
    platform_region: str,
) -> Found:
    arn = load_balancer_certificate_arn
    if arn and load_balancer_certificate_file:
        yield "load_balancer_certificate_arn", "either this or load_balancer_certificate_file"
    if arn and not re.fullmatch(
        rf"arn:aws[a-z-]*:acm:{re.escape(platform_region)}:\d{{12}}:certificate/.+", arn
    ):
        yield "load_balancer_certificate_arn", f"the ARN of a certificate of ACM in {platform_region}"
    if bool(load_balancer_certificate_file) != bool(load_balancer_certificate_key_file):
        yield (
            "load_balancer_certificate_key_file",
            "needed with load_balancer_certificate_file, and only then",
        )
    for variable, value in (
        ("load_balancer_certificate_file", load_balancer_certificate_file),
        ("load_balancer_certificate_key_file", load_balancer_certificate_key_file),
        ("load_balancer_certificate_chain_file", load_balancer_certificate_chain_file),
    ):
        if value and not Path(value).expanduser().is_file():
            yield variable, "there is no such file"


@check
def tls(load_balancer_ssl_policy: str) -> Found:
    if not re.fullmatch(r"ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)-.+", load_balancer_ssl_policy):
        yield "load_balancer_ssl_policy", "a policy that takes TLS 1.2 and newer only, like its default"


@check
def balancer_tier(load_balancer_subnet_tier: str, network_tiers: list[str]) -> Found:
    yield from known_tier("load_balancer_subnet_tier", load_balancer_subnet_tier, network_tiers)


@check
def balancer_reachable(
    load_balancer_scheme: str, load_balancer_subnet_tier: str, network_public_tiers: list[str]
) -> Found:
    if load_balancer_scheme == "internet-facing" and load_balancer_subnet_tier not in network_public_tiers:
        yield (
            "load_balancer_subnet_tier",
            f"one of network_public_tiers ({', '.join(network_public_tiers)}), since load_balancer_scheme "
            "is internet-facing",
        )


@check
def slot_ports(load_balancer_ports: dict[str, int], network_service_ports: list[str]) -> Found:
    allowed = [ports for value in network_service_ports if (ports := ports_of(value))]
    for slot, port in load_balancer_ports.items():
        if not any(port in ports for ports in allowed):
            yield (
                "load_balancer_ports",
                f"{slot}: {port} is none of network_service_ports ({', '.join(network_service_ports)}), "
                "so the load balancer would not reach the slot",
            )


@check
def node_ports(load_balancer_ports: dict[str, int], cluster_version: str) -> Found:
    for slot, port in load_balancer_ports.items():
        if port not in NODE_PORTS:
            yield "load_balancer_ports", f"{slot}: {port} is no port of a node: 30000 to 32767 with a cluster"
    if len(set(load_balancer_ports.values())) < len(load_balancer_ports):
        yield "load_balancer_ports", "each slot needs a port of its own on the cluster's nodes"


@check
def health_check(load_balancer_health_check: dict[str, Any]) -> Found:
    limits = {
        "interval": (5, 300),
        "timeout": (2, 120),
        "healthy_threshold": (2, 10),
        "unhealthy_threshold": (2, 10),
    }
    settings = load_balancer_health_check
    for key, (low, high) in limits.items():
        if key in settings and not low <= settings[key] <= high:
            yield "load_balancer_health_check", f"{key}: {settings[key]} is not within {low} to {high}"
    if settings.get("timeout", 0) >= settings.get("interval", 300):
        yield "load_balancer_health_check", "timeout must be less than interval"
    if not str(settings.get("path", "/")).startswith("/"):
        yield "load_balancer_health_check", f"path: '{settings['path']}' does not begin with /"


@check
def balancer_times(load_balancer_deregistration_delay: int, load_balancer_idle_timeout: int) -> Found:
    if not 0 <= load_balancer_deregistration_delay <= 3600:
        yield "load_balancer_deregistration_delay", "0 to 3600 seconds"
    if not 1 <= load_balancer_idle_timeout <= 4000:
        yield "load_balancer_idle_timeout", "1 to 4000 seconds"


@check
def kept_connections(slot_keep_alive: int, load_balancer_idle_timeout: int) -> Found:
    if slot_keep_alive <= load_balancer_idle_timeout:
        yield (
            "slot_keep_alive",
            f"more than load_balancer_idle_timeout ({load_balancer_idle_timeout}), else the service closes a "
            "connection on which the load balancer sends a request",
        )
