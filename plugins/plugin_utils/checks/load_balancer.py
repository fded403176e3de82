# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of the load balancer: names, certificate, ports and times."""

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
        yield "load_balancer_domain_name", "must be a domain name in lower case, such as shop.example.com"
    for alternative in load_balancer_alternative_names:
        if not DOMAIN.fullmatch(alternative):
            yield "load_balancer_alternative_names", f"'{alternative}' is not a domain name"


@check
def hosted_zone(
    load_balancer_hosted_zone: str, load_balancer_hosted_zone_managed: bool, load_balancer_domain_name: str
) -> Found:
    zone = load_balancer_hosted_zone
    if load_balancer_hosted_zone_managed and (not zone or ZONE_ID.fullmatch(zone)):
        yield "load_balancer_hosted_zone", "must be a name, since load_balancer_hosted_zone_managed is true"
    elif zone and not ZONE_ID.fullmatch(zone):
        if not DOMAIN.fullmatch(zone):
            yield (
                "load_balancer_hosted_zone",
                "must be the name of a zone, such as example.com, or its ID, such as Z0123456789",
            )
        elif not f".{load_balancer_domain_name}".endswith(f".{zone}"):
            yield (
                "load_balancer_hosted_zone",
                f"load_balancer_domain_name ({load_balancer_domain_name}) is not in this zone",
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
        yield "load_balancer_certificate_arn", "set only one of this and load_balancer_certificate_file"
    if arn and not re.fullmatch(
        rf"arn:aws[a-z-]*:acm:{re.escape(platform_region)}:\d{{12}}:certificate/.+", arn
    ):
        yield "load_balancer_certificate_arn", f"must be the ARN of an ACM certificate in {platform_region}"
    if bool(load_balancer_certificate_file) != bool(load_balancer_certificate_key_file):
        yield (
            "load_balancer_certificate_key_file",
            "must be set if load_balancer_certificate_file is set, and only then",
        )
    for variable, value in (
        ("load_balancer_certificate_file", load_balancer_certificate_file),
        ("load_balancer_certificate_key_file", load_balancer_certificate_key_file),
        ("load_balancer_certificate_chain_file", load_balancer_certificate_chain_file),
    ):
        if value and not Path(value).expanduser().is_file():
            yield variable, "the file does not exist"


@check
def tls(load_balancer_ssl_policy: str) -> Found:
    if not re.fullmatch(r"ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)-.+", load_balancer_ssl_policy):
        yield (
            "load_balancer_ssl_policy",
            "must be a policy that accepts only TLS 1.2 and later, such as the default",
        )


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
            f"must be one of network_public_tiers ({', '.join(network_public_tiers)}), since load_balancer_scheme "
            "is internet-facing",
        )


@check
def slot_ports(load_balancer_ports: dict[str, int], network_service_ports: list[str]) -> Found:
    allowed = [ports for value in network_service_ports if (ports := ports_of(value))]
    for slot, port in load_balancer_ports.items():
        if not any(port in ports for ports in allowed):
            yield (
                "load_balancer_ports",
                f"{slot}: {port} is not in network_service_ports ({', '.join(network_service_ports)}), "
                "so the load balancer would not reach the slot",
            )


@check
def node_ports(load_balancer_ports: dict[str, int], cluster_version: str) -> Found:
    for slot, port in load_balancer_ports.items():
        if port not in NODE_PORTS:
            yield (
                "load_balancer_ports",
                f"{slot}: {port} is not a node port: must be 30000 to 32767 with a cluster",
            )
    if len(set(load_balancer_ports.values())) < len(load_balancer_ports):
        yield "load_balancer_ports", "each slot needs a different port on the cluster's nodes"


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
            yield "load_balancer_health_check", f"{key}: {settings[key]} must be {low} to {high}"
    if settings.get("timeout", 0) >= settings.get("interval", 300):
        yield "load_balancer_health_check", "timeout must be less than interval"
    if not str(settings.get("path", "/")).startswith("/"):
        yield "load_balancer_health_check", f"path: '{settings['path']}' must begin with /"


@check
def balancer_times(load_balancer_deregistration_delay: int, load_balancer_idle_timeout: int) -> Found:
    if not 0 <= load_balancer_deregistration_delay <= 3600:
        yield "load_balancer_deregistration_delay", "must be 0 to 3600 seconds"
    if not 1 <= load_balancer_idle_timeout <= 4000:
        yield "load_balancer_idle_timeout", "must be 1 to 4000 seconds"


@check
def kept_connections(slot_keep_alive: int, load_balancer_idle_timeout: int) -> Found:
    if slot_keep_alive <= load_balancer_idle_timeout:
        yield (
            "slot_keep_alive",
            f"must be more than load_balancer_idle_timeout ({load_balancer_idle_timeout}), otherwise the service closes a "
            "connection on which the load balancer sends a request",
        )
