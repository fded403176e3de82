# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What must be true of the settings beyond their types: each check in a few lines, all in one place.

A check is a function decorated with `@check`. Its parameters are names of variables, of any component;
it runs if the inventory has all of them, with values of the right type, and yields what is wrong as
(variable, what is allowed). It knows nothing but these values.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

Found = Iterator[tuple[str, str]]
CHECKS: list[tuple[tuple[str, ...], Callable[..., Found]]] = []

LABEL = re.compile(r"[a-z](-?[a-z0-9])*")
DOMAIN = re.compile(r"(?=.{4,253}$)(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
ZONE_ID = re.compile(r"[A-Z0-9]{8,32}")
WORLD = {"0.0.0.0/0", "::/0"}
NODE_PORTS = range(30000, 32768)


def check(function: Callable[..., Found]) -> Callable[..., Found]:
    """Register a check of the variables that its parameters are named after."""
    CHECKS.append((tuple(inspect.signature(function).parameters), function))
    return function


def run_checks(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with `values` as (variable, what is allowed)."""
    found: list[tuple[str, str]] = []
    for names, function in CHECKS:
        if all(name in values for name in names):
            found.extend(function(**{name: values[name] for name in names}))
    return found


# -- names -----------------------------------------------------------------------------------------


@check
def names(platform_environment: str, platform_application: str) -> Found:
    for variable, value in (
        ("platform_environment", platform_environment),
        ("platform_application", platform_application),
    ):
        if not LABEL.fullmatch(value):
            yield variable, "lower case letters, digits and single hyphens; a letter first, no hyphen last"
    if platform_application.startswith("internal"):
        yield "platform_application", "must not begin with 'internal': AWS keeps it for its load balancers"
    longest = f"{platform_application}-{platform_environment}-green"
    if len(longest) > 32:
        yield (
            "platform_application",
            f"too long together with platform_environment: the target group would be '{longest}', "
            f"{len(longest)} characters, and AWS takes 32",
        )


@check
def name(platform_name: str, platform_application: str, platform_environment: str) -> Found:
    if platform_name != f"{platform_application}-{platform_environment}":
        yield "platform_name", "follows from platform_application and platform_environment; leave it out"


@check
def region(platform_region: str) -> Found:
    known = known_regions()
    if known and platform_region not in (name for regions in known.values() for name in regions):
        yield "platform_region", "no region of AWS. There are: " + ", ".join(known["aws"])


def known_regions() -> dict[str, list[str]]:
    """Return the regions in which botocore knows EC2, by partition; nothing if it is not installed here."""
    try:
        import botocore.session
    except ImportError:
        return {}
    session = botocore.session.get_session()
    return {
        partition: sorted(session.get_available_regions("ec2", partition_name=partition))
        for partition in session.get_available_partitions()
    }


@check
def accounts(platform_allowed_accounts: list[str]) -> Found:
    yield from _account_ids("platform_allowed_accounts", platform_allowed_accounts)


@check
def release_keys(identity_release_keys: list[str], release_store_kms_key: str) -> Found:
    for key in identity_release_keys:
        if not re.fullmatch(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", key):
            yield (
                "identity_release_keys",
                f"'{key}' is no ARN of a key (arn:aws:kms:<region>:<account>:key/<id>)",
            )
    by_arn = ":key/" in release_store_kms_key
    if release_store_kms_key and not (
        release_store_kms_key in identity_release_keys if by_arn else identity_release_keys
    ):
        yield (
            "identity_release_keys",
            f"with the ARN of release_store_kms_key ({release_store_kms_key}), to which roles need a right",
        )


@check
def image_accounts(identity_image_accounts: list[str]) -> Found:
    yield from _account_ids("identity_image_accounts", identity_image_accounts)


@check
def pull_accounts(registry_pull_accounts: list[str], registry_policy: dict) -> Found:
    yield from _account_ids("registry_pull_accounts", registry_pull_accounts)
    if registry_pull_accounts and registry_policy:
        yield "registry_pull_accounts", "has no effect beside registry_policy; keep one of them"


def _account_ids(variable: str, ids: list[str]) -> Found:
    for account in ids:
        if not re.fullmatch(r"\d{12}", account):
            yield variable, f"'{account}' is no account: 12 digits, in quotes"


@check
def kubeconfig(platform_kubeconfig: str) -> Found:
    if platform_kubeconfig and not Path(platform_kubeconfig).expanduser().is_file():
        yield "platform_kubeconfig", "there is no such file"


# -- identity --------------------------------------------------------------------------------------

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+|[\w.-]+@\d+/[\w.-]+@\d+")


@check
def github(identity_github_repository: str) -> Found:
    if identity_github_repository and not REPOSITORY.fullmatch(identity_github_repository):
        yield (
            "identity_github_repository",
            "organisation/repository, or with the numbers that its tokens have: "
            "organisation@123456/repository@456789",
        )


# -- network ---------------------------------------------------------------------------------------


def wrong_range(value: str) -> str | None:
    """Return why `value` is no range of addresses, or None."""
    try:
        ip_network(value)
    except ValueError as error:
        return f"'{value}' is not a range like 10.20.0.0/16 ({error})"
    return None


def range_checks(variable: str, values: Iterable[str], world: bool) -> Found:
    for value in values:
        problem = wrong_range(value)
        if problem:
            yield variable, problem
        elif value in WORLD and not world:
            yield variable, f"'{value}' is the whole world; name the networks"


def ports_of(value: str) -> range | None:
    """Return the ports that `443` or `30080-30081` stands for, or None if it is neither."""
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
        yield "network_cidr", "AWS takes ranges from /16 to /28"


@check
def zones(network_zones: list[str], platform_region: str) -> Found:
    for zone in network_zones:
        if not re.fullmatch(re.escape(platform_region) + "[a-z]", zone):
            yield "network_zones", f"'{zone}' is no zone of {platform_region}, like {platform_region}a"
    if len(set(network_zones)) < 2:
        yield "network_zones", "at least two different zones: load balancer, cluster and database need them"


@check
def tiers(network_tiers: list[str], network_public_tiers: list[str], network_nat: str) -> Found:
    for tier in network_tiers:
        if not LABEL.fullmatch(tier):
            yield "network_tiers", f"'{tier}': lower case letters, digits and single hyphens"
    for tier in network_public_tiers:
        if tier not in network_tiers:
            yield "network_public_tiers", f"'{tier}' is none of network_tiers ({', '.join(network_tiers)})"
    if network_nat != "none" and not network_public_tiers:
        yield "network_nat", "NAT gateways live in public subnets, and network_public_tiers is empty"


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
                yield variable, f"'{value}' is no port (8080) and no range of ports (30080-30081)"


@check
def flow_logs(network_flow_logs_bucket_arn: str) -> Found:
    if network_flow_logs_bucket_arn and not re.match(r"arn:aws[a-z-]*:s3:::.+", network_flow_logs_bucket_arn):
        yield "network_flow_logs_bucket_arn", "the ARN of a bucket, like arn:aws:s3:::my-flow-logs"


def known_tier(variable: str, tier: str, known: list[str]) -> Found:
    if tier not in known:
        yield variable, f"none of network_tiers ({', '.join(known)})"


# -- load balancer ---------------------------------------------------------------------------------


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


# -- registry --------------------------------------------------------------------------------------


@check
def registry(registry_keep_images: int, registry_encryption: str, registry_kms_key: str) -> Found:
    if registry_keep_images < 2:
        yield "registry_keep_images", "at least 2: what is in service, and what one goes back to"
    if registry_kms_key and registry_encryption != "KMS":
        yield "registry_kms_key", "only with registry_encryption: KMS"


# -- secrets ---------------------------------------------------------------------------------------


@check
def secrets(secrets_list: list[dict[str, Any]], secrets_recovery_days: int) -> Found:
    seen: set[str] = set()
    for secret in secrets_list:
        name = secret["name"]
        if not re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,200}", name):
            yield "secrets_list", f"'{name}': letters, digits and / _ + = . @ -; at most 200"
        if name in seen:
            yield "secrets_list", f"'{name}' is there twice"
        seen.add(name)
    if secrets_recovery_days != 0 and not 7 <= secrets_recovery_days <= 30:
        yield "secrets_recovery_days", "7 to 30 days, or 0 to remove at once"


@check
def secret_of_the_database(
    secrets_list: list[dict[str, Any]], database_user_secret: str, platform_name: str
) -> Found:
    for secret in secrets_list:
        if f"{platform_name}/{secret['name']}" == database_user_secret:
            yield "secrets_list", f"'{secret['name']}' is the component database_user's; give it another name"


# -- cluster ---------------------------------------------------------------------------------------


@check
def cluster_version(cluster_version: str) -> Found:
    if not re.fullmatch(r"1\.\d{2}", cluster_version):
        yield "cluster_version", "a minor version of Kubernetes in quotes, like '1.35'"


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
            f"must lie between cluster_node_min ({cluster_node_min}, at least 1) and "
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
            f"single or per_zone: nodes in the tier '{cluster_node_tier}' reach nothing without",
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
            f"true in the public tier '{bastion_tier}', from which Systems Manager is reached by an address of one's own",
        )
    private = bastion_tier in network_tiers and bastion_tier not in network_public_tiers
    if private and network_nat == "none":
        yield (
            "network_nat",
            f"single or per_zone: a bastion in the tier '{bastion_tier}' reaches nothing without",
        )


@check
def namespace(namespace_name: str, namespace_port: int) -> Found:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", namespace_name):
        yield (
            "namespace_name",
            "a name that Kubernetes takes: lower case letters, digits, hyphens; at most 63",
        )
    if not 1 <= namespace_port <= 65535:
        yield "namespace_port", "1 to 65535"


# -- database --------------------------------------------------------------------------------------


@check
def database_name(database_name: str) -> Found:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", database_name):
        yield "database_name", "lower case letters, digits and underscores, a letter first; at most 63"


@check
def database_tier(database_tier: str, network_tiers: list[str]) -> Found:
    yield from known_tier("database_tier", database_tier, network_tiers)


@check
def database_sizes(
    database_storage_gib: int, database_max_storage_gib: int, database_backup_retention_days: int
) -> Found:
    if database_storage_gib < 20:
        yield "database_storage_gib", "at least 20"
    if 0 < database_max_storage_gib < database_storage_gib:
        yield "database_max_storage_gib", f"at least database_storage_gib ({database_storage_gib})"
    if not 0 <= database_backup_retention_days <= 35:
        yield "database_backup_retention_days", "0 to 35 days"


@check
def instance_types(instance_type: str) -> Found:
    yield from instance_type_checks("instance_type", instance_type)


@check
def node_types(cluster_node_instance_type: str) -> Found:
    yield from instance_type_checks("cluster_node_instance_type", cluster_node_instance_type)


@check
def database_classes(database_instance_class: str) -> Found:
    yield from instance_type_checks("database_instance_class", database_instance_class.removeprefix("db."))
    if not database_instance_class.startswith("db."):
        yield "database_instance_class", "a class of RDS, like db.t4g.small"


def instance_type_checks(variable: str, value: str) -> Found:
    if not re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", value):
        yield variable, "a type like t3.large"
