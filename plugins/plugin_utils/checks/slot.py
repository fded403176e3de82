# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of slots: probes, autoscaling, ports, resources, and the namespace's quota for two slots."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import Found, check
from ansible_collections.teal.platform.plugins.plugin_utils.kubernetes_quantity import quantity

#: A smaller amount of memory has the wrong unit.
LEAST_MEMORY = 4 * 1024 * 1024
#: No instance has more cores: a larger number lacks the suffix `m`.
MOST_CORES = 448


@check
def startup(slot_startup: dict[str, Any]) -> Found:
    yield from _probe("slot_startup", slot_startup)


@check
def readiness(slot_readiness: dict[str, Any]) -> Found:
    yield from _probe("slot_readiness", slot_readiness)


@check
def liveness(slot_liveness: dict[str, Any]) -> Found:
    yield from _probe("slot_liveness", slot_liveness)


def _probe(variable: str, probe: dict[str, Any]) -> Found:
    for key in ("period", "timeout", "failures"):
        if key in probe and probe[key] < 1:
            yield variable, f"{key}: {probe[key]} must be at least 1"
    if not probe.get("path", "/").startswith("/"):
        yield variable, f"path: '{probe['path']}' must begin with /"


@check
def autoscaling(slot_autoscaling: dict[str, Any], slot_replicas: int) -> Found:
    variable, known = "slot_autoscaling", ("max", "min", "cpu")
    if not slot_autoscaling:
        return
    for key in slot_autoscaling.keys() - set(known):
        yield variable, f"{key} is not known. Keys are: {', '.join(known)}"
    if "max" not in slot_autoscaling:
        yield variable, "max is missing: the largest number of replicas"
    numbers: dict[str, int] = {"min": slot_replicas}
    for key in known:
        value = slot_autoscaling.get(key, 1)
        try:
            number = -1 if isinstance(value, bool | float) else int(value)
        except (TypeError, ValueError):
            number = -1
        if number < 1:
            yield variable, f"{key}: {value} must be a whole number of at least 1"
        elif key in slot_autoscaling:
            numbers[key] = number
    if "max" in numbers and numbers["max"] < numbers["min"]:
        least = "min" if "min" in slot_autoscaling else "slot_replicas"
        yield variable, f"max: {numbers['max']} must be at least {least} ({numbers['min']})"


@check
def ports_of_nodes(
    slot_kind: str, slot_node_ports: dict[str, int], load_balancer_ports: dict[str, int]
) -> Found:
    if slot_kind == "kubernetes" and slot_node_ports != load_balancer_ports:
        yield (
            "slot_node_ports",
            f"must be the same as load_balancer_ports ({load_balancer_ports}), otherwise the load balancer does not reach "
            "the slots",
        )


@check
def port_of_instances(slot_kind: str, slot_port: int, load_balancer_ports: dict[str, int]) -> Found:
    for slot, port in load_balancer_ports.items():
        if slot_kind == "instance" and port != slot_port:
            yield (
                "load_balancer_ports",
                f"{slot}: {port} must be slot_port ({slot_port}), otherwise the load balancer does not reach the slot",
            )


@check
def port_of_pods(slot_kind: str, slot_port: int, namespace_port: int) -> Found:
    if slot_kind == "kubernetes" and slot_port != namespace_port:
        yield (
            "namespace_port",
            f"must be slot_port ({slot_port}), otherwise the network policy blocks requests to the pods",
        )


# -- resources -------------------------------------------------------------------------------------


@check
def resources(slot_resources: dict[str, Any]) -> Found:
    variable = "slot_resources"
    for part in slot_resources.keys() - {"requests", "limits", "claims"}:
        yield variable, f"{part} is not known. Keys are: requests, limits, claims"
    for part in ("requests", "limits"):
        values = slot_resources.get(part) or {}
        if not isinstance(values, dict):
            yield variable, f"{part} must be a mapping, such as {{cpu: 250m, memory: 512Mi}}"
            continue
        yield from _quantities(variable, values, f"{part}.")
    try:
        requests, limits = (slot_resources.get(part) or {} for part in ("requests", "limits"))
        for name in requests.keys() & limits.keys():
            if quantity(requests[name]) > quantity(limits[name]):
                yield (
                    variable,
                    f"requests.{name}: {requests[name]} must be at most limits.{name} ({limits[name]})",
                )
    except (AttributeError, ValueError):
        return


@check
def container_requests(namespace_container_requests: dict[str, Any]) -> Found:
    yield from _quantities("namespace_container_requests", namespace_container_requests)


@check
def container_limits(namespace_container_limits: dict[str, Any]) -> Found:
    yield from _quantities("namespace_container_limits", namespace_container_limits)


@check
def quota(namespace_quota: dict[str, Any]) -> Found:
    yield from _quantities("namespace_quota", namespace_quota, least=False)


def _quantities(variable: str, values: dict[str, Any], prefix: str = "", least: bool = True) -> Found:
    for name, value in values.items():
        try:
            number = quantity(value)
        except ValueError as error:
            yield variable, f"{prefix}{name}: {error}"
            continue
        if not least:
            continue
        if name == "memory" and number < LEAST_MEMORY:
            yield variable, f"{prefix}{name}: {value} is {number:f} bytes; the unit of 512 MiB is 512Mi"
        elif name == "cpu" and number > MOST_CORES:
            yield variable, f"{prefix}{name}: {value} is {number:f} cores; a quarter of a core is 250m"


@check
def two_slots(
    slot_kind: str,
    slot_namespace: str,
    slot_manifests_dir: str,
    slot_replicas: int,
    slot_autoscaling: dict[str, Any],
    slot_resources: dict[str, Any],
    slot_migration_command: list[str],
    namespace_name: str,
    namespace_quota: dict[str, Any],
    namespace_container_requests: dict[str, Any],
    namespace_container_limits: dict[str, Any],
) -> Found:
    if slot_kind != "kubernetes" or slot_namespace != namespace_name or slot_manifests_dir:
        return
    try:
        most = max(slot_replicas, int(slot_autoscaling.get("max", 0)))
        requests, limits = (slot_resources.get(part) or {} for part in ("requests", "limits"))
        # The same defaults as those of the Kubernetes API.
        limits_of_pod = {**namespace_container_limits, **limits}
        requests_of_pod = {**namespace_container_requests, **limits, **requests}
        pod = {f"limits.{name}": quantity(value) for name, value in limits_of_pod.items()}
        pod |= {f"requests.{name}": quantity(value) for name, value in requests_of_pod.items()}
        pod |= {name: quantity(value) for name, value in requests_of_pod.items()}
        pod["pods"] = Decimal(1)
        hard = {name: quantity(value) for name, value in namespace_quota.items()}
    except (AttributeError, TypeError, ValueError):
        return
    pods = 2 * most + bool(slot_migration_command)
    for name in ("pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"):
        if name not in hard:
            continue
        if name not in pod:
            yield (
                "namespace_quota",
                f"{name} is limited, so Kubernetes rejects pods without {name}: set it in slot_resources or "
                "namespace_container_limits",
            )
        elif pods * pod[name] > hard[name]:
            yield (
                "namespace_quota",
                f"{name}: {namespace_quota[name]} is too little for two slots of {most} replicas"
                f"{' and the migration' if slot_migration_command else ''}, which need {_shown(pods * pod[name], name)}",
            )
    if hard.get("services.nodeports", Decimal(2)) < 2:
        yield "namespace_quota", "services.nodeports: each of the two slots has a Service of type NodePort"


def _shown(number: Decimal, name: str) -> str:
    """Return a quantity in its common unit."""
    if name.endswith("memory"):
        return f"{-(-int(number) // 1024**2)}Mi"
    return f"{number.normalize():f}"
