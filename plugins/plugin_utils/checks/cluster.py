# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of cluster, namespace and bastion."""

from __future__ import annotations

import re

from ansible_collections.teal.platform.plugins.plugin_utils.checks.network import known_tier, range_checks
from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import Found, check


@check
def cluster_version(cluster_version: str) -> Found:
    if not re.fullmatch(r"1\.\d{2}", cluster_version):
        yield "cluster_version", "must be a minor version of Kubernetes in quotes, such as '1.35'"


@check
def cluster_node_release(
    cluster_node_release: str, cluster_version: str, cluster_node_ami_type: str
) -> Found:
    """The release must be of the nodes' Kubernetes version. Only images of Amazon Linux have this form."""
    release = re.escape(cluster_version) + r"\.\d+-\d{8}"
    amazon_linux = cluster_node_ami_type.startswith("AL2023_")
    if cluster_node_release and amazon_linux and not re.fullmatch(release, cluster_node_release):
        yield (
            "cluster_node_release",
            f"must be a release of Kubernetes {cluster_version}, such as '{cluster_version}.1-20261101', or empty",
        )


@check
def cluster_access(cluster_public_access_cidrs: list[str]) -> Found:
    yield from range_checks("cluster_public_access_cidrs", cluster_public_access_cidrs, world=True)


@check
def cluster_tier(cluster_node_tier: str, network_tiers: list[str]) -> Found:
    yield from known_tier("cluster_node_tier", cluster_node_tier, network_tiers)


@check
def cluster_nodes(cluster_node_min: int, cluster_node_count: int, cluster_node_max: int) -> Found:
    if not 1 <= cluster_node_min <= cluster_node_count <= cluster_node_max:
        yield (
            "cluster_node_count",
            f"must be between cluster_node_min ({cluster_node_min}, at least 1) and "
            f"cluster_node_max ({cluster_node_max})",
        )


@check
def nodes_reach_out(
    cluster_node_tier: str, network_nat: str, network_tiers: list[str], network_public_tiers: list[str]
) -> Found:
    private = cluster_node_tier in network_tiers and cluster_node_tier not in network_public_tiers
    if private and network_nat == "none":
        yield (
            "network_nat",
            f"must be single or per_zone: nodes in the tier '{cluster_node_tier}' need a NAT gateway",
        )


@check
def bastion_reaches_out(
    bastion_tier: str,
    bastion_public_address: bool,
    network_nat: str,
    network_tiers: list[str],
    network_public_tiers: list[str],
) -> Found:
    yield from known_tier("bastion_tier", bastion_tier, network_tiers)
    if bastion_tier in network_public_tiers and not bastion_public_address:
        yield (
            "bastion_public_address",
            f"must be true in the public tier '{bastion_tier}': the bastion needs a public address for Systems Manager",
        )
    private = bastion_tier in network_tiers and bastion_tier not in network_public_tiers
    if private and network_nat == "none":
        yield (
            "network_nat",
            f"must be single or per_zone: a bastion in the tier '{bastion_tier}' needs a NAT gateway",
        )


@check
def namespace(namespace_name: str, namespace_port: int) -> Found:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", namespace_name):
        yield (
            "namespace_name",
            "must be a Kubernetes name: lower case letters, digits, hyphens; at most 63",
        )
    if not 1 <= namespace_port <= 65535:
        yield "namespace_port", "must be 1 to 65535"
