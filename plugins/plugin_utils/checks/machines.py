# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Checks of instance types, and that a machine image is for the processor of its instance type."""

from __future__ import annotations

import re

from ansible_collections.teal.platform.plugins.plugin_utils.checks.registry import Found, check

ARM, X86 = "ARM", "x86"


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
        yield "database_instance_class", "must be an RDS instance class, such as db.t4g.small"


def instance_type_checks(variable: str, value: str) -> Found:
    if not re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", value):
        yield variable, "must be an instance type, such as t3.large"


def processor_of_type(value: str) -> str:
    """Return the processor of an instance type. ARM types have a g after the generation, as in t4g."""
    family = value.split(".")[0]
    match = re.fullmatch(r"[a-z]+\d+([a-z]*)(?:-(.*))?", family)
    if family == "a1" or (match and ("g" in match[1] or (match[2] or "").startswith("gb"))):
        return ARM
    return X86


def processor_of_image(value: str) -> str:
    """Return the processor in the name of a machine image, or an empty string."""
    name = value.lower()
    if "arm64" in name or "arm_64" in name or "aarch64" in name:
        return ARM
    return X86 if "x86_64" in name or "amd64" in name else ""


def same_processor(variable: str, image: str, of_type: str, value: str) -> Found:
    has, needs = processor_of_image(image), processor_of_type(value)
    if has and has != needs:
        yield variable, f"is an image for {has} processors, but {of_type} ({value}) has an {needs} processor"


@check
def image_of_instances(instance_type: str, instance_ami_parameter: str) -> Found:
    yield from same_processor(
        "instance_ami_parameter", instance_ami_parameter, "instance_type", instance_type
    )


@check
def image_of_nodes(cluster_node_instance_type: str, cluster_node_ami_type: str) -> Found:
    of_type = "cluster_node_instance_type"
    yield from same_processor(
        "cluster_node_ami_type", cluster_node_ami_type, of_type, cluster_node_instance_type
    )


@check
def image_of_bastion(bastion_instance_type: str, bastion_image_parameter: str) -> Found:
    of_type = "bastion_instance_type"
    yield from same_processor(
        "bastion_image_parameter", bastion_image_parameter, of_type, bastion_instance_type
    )


@check
def type_of_bastion(bastion_instance_type: str) -> Found:
    yield from instance_type_checks("bastion_instance_type", bastion_instance_type)
