# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Why a release failed, as one of a few causes, and one sentence for each that says what to do about it."""

from __future__ import annotations

import re
from enum import StrEnum


class Cause(StrEnum):
    """What a release failed at."""

    ADMISSION = "admission"
    ALARM = "alarm"
    API = "api"
    AWS_RIGHTS = "aws_rights"
    CAPACITY = "capacity"
    CHECK = "check"
    CRASH = "crash"
    ERRORS = "errors"
    HEAP = "heap"
    IMAGE_MISSING = "image_missing"
    IMAGE_NAME = "image_name"
    IMAGE_PLATFORM = "image_platform"
    IMAGE_REFUSED = "image_refused"
    MANIFESTS = "manifests"
    MIGRATION = "migration"
    MISSING = "missing"
    NODE = "node"
    VERSION_NOT_OBSERVED = "version_not_observed"
    OOM = "oom"
    PROBE = "probe"
    QUOTA = "quota"
    REGISTRY = "registry"
    RIGHTS = "rights"
    RULES = "rules"
    SCHEDULING = "scheduling"
    SLOW = "slow"
    START = "start"
    TARGETS = "targets"
    VERSION = "version"


ADVICE: dict[str, str] = {
    Cause.ADMISSION: "change the manifests so that the namespace admits the pods (namespace_pod_security), and deploy "
    "again.",
    Cause.ALARM: "look at the alarm in CloudWatch; fix the service or the alarm's threshold, and deploy again.",
    Cause.API: "the image needs no change: see that the cluster's API answers (kubectl get --raw /readyz), and run the "
    "same command again.",
    Cause.AWS_RIGHTS: "the image needs no change: the role that runs this lacks a right on AWS. Provision the "
    "component identity again, or use the environment's deploy role, and run the same command again.",
    Cause.CAPACITY: "the image needs no change: AWS has no such instance at the moment, or a quota of the account is "
    "used up. Wait, or choose another instance type, and run the same command again.",
    Cause.CHECK: "fix what the check found in the service, or the check itself (release_checks, "
    "release_check_command), and deploy again.",
    Cause.CRASH: "read the log lines above, fix the image or its configuration (slot_config, slot_secrets), and deploy "
    "again.",
    Cause.ERRORS: "look for the failed requests in the service's log, fix the image, and deploy again.",
    Cause.HEAP: "the heap of the JVM is full, while the container is below its memory limit: raise the heap "
    "(-XX:MaxRAMPercentage in JAVA_TOOL_OPTIONS) or the limit (slot_resources), or have the service hold less; deploy "
    "again.",
    Cause.IMAGE_MISSING: "push the image, or name a tag or digest that the registry has, and deploy again.",
    Cause.IMAGE_NAME: "correct the name of the image (release_image_repository, image_tag, slot_image_pull_policy), "
    "and deploy again.",
    Cause.IMAGE_PLATFORM: "build the image for the architecture of the nodes (docker buildx build --platform), and "
    "deploy again.",
    Cause.IMAGE_REFUSED: "the image needs no change: the registry does not let the nodes pull it. Grant them that (the "
    "nodes' role, registry_pull_accounts, an imagePullSecret), and run the same command again.",
    Cause.MANIFESTS: "correct the manifests (slot_manifests_dir, or the settings of the role slot), and deploy again.",
    Cause.MIGRATION: "read the log lines above, fix the migration (slot_migration_command), and deploy again.",
    Cause.MISSING: "create the Secret, ConfigMap, key or volume that the message names, or remove it from slot_secrets "
    "or your manifests, and deploy again.",
    Cause.NODE: "the image needs no change: wait for the node, or replace it as the message says, and run the same "
    "command again.",
    Cause.VERSION_NOT_OBSERVED: "check what the addresses answer; if the service reports another version than "
    "expected, correct the image or release_version, and deploy again.",
    Cause.OOM: "raise the memory limit (slot_resources), or have the service use less (its heap), and deploy again.",
    Cause.PROBE: "compare the probe with the service: its path and port, and how long it may take (slot_startup, "
    "slot_readiness, slot_liveness, slot_start_timeout); deploy again.",
    Cause.QUOTA: "the namespace needs room for both slots: raise namespace_quota, lower slot_resources or "
    "slot_replicas, or free the other slot (playbooks/retire.yml -e at_once=true); run the same command again.",
    Cause.REGISTRY: "the image needs no change: the nodes cannot reach the registry. Check their way to it (NAT "
    "gateway, VPC endpoints, DNS, security groups), and run the same command again.",
    Cause.RIGHTS: "the image needs no change: this identity lacks the right that the message names. Provision the "
    "components cluster and namespace again, or use the environment's deploy role, and run the same command again.",
    Cause.RULES: "change that rule of the load balancer as the message says, and run the same command again.",
    Cause.SCHEDULING: "the nodes need room for both slots: add nodes (cluster_node_groups), lower the requests of "
    "slot_resources, or correct selectors and tolerations; run the same command again.",
    Cause.SLOW: "look at what the pod waits for; if it only needs longer, raise slot_start_timeout; deploy again.",
    Cause.START: "correct what the message names in the image or the manifests (command, user, mounts), and deploy "
    "again.",
    Cause.TARGETS: "compare load_balancer_health_check with what the service answers, and the node ports with "
    "load_balancer_ports; deploy again.",
    Cause.VERSION: "build the image with the version that it is deployed as, or set release_version (empty for any), "
    "and deploy again.",
}
DEFAULT = "fix what the message names, and deploy again."


class Diagnosed(str):
    """A text with the cause that it tells of."""

    cause: str = ""

    @classmethod
    def of(cls, text: str, cause: str) -> Diagnosed:
        made = cls(text)
        made.cause = cause
        return made


def advice(cause: str) -> str:
    """Return what to do about a cause, as a sentence that begins with a small letter."""
    return ADVICE.get(cause, DEFAULT)


#: An image's own name and tag may hold numbers and words: what is searched for is how the runtime says it.
_UNREACHABLE = re.compile(
    r"dial tcp|no such host|i/o timeout|connection refused|connection reset|handshake timeout|x509:|"
    r"(network|host) is unreachable|server misbehaving|deadline exceeded|temporary failure|unexpected EOF|"
    r"toomanyrequests|too many requests|status( code)?:? (429|50\d)|50\d (internal|bad|service|gateway)",
    re.I,
)
_PLATFORM = re.compile(
    r"no match(ing manifest)? for (platform|linux)|no matching manifest|exec format error", re.I
)
_REFUSED = re.compile(
    r"unauthorized|denied|no basic auth|forbidden|authentication required|authorization (failed|token)", re.I
)
_ABSENT = re.compile(r"not ?found|manifest unknown|does not exist|name unknown", re.I)


def cause_of_failed_pull(message: str) -> str:
    """Return the cause for which an image could not be pulled, by what the container runtime says; empty if unknown."""
    if _PLATFORM.search(message):
        return Cause.IMAGE_PLATFORM
    if _UNREACHABLE.search(message):
        return Cause.REGISTRY
    # A registry that hides what it has says both; then the name is the first thing to look at.
    if _ABSENT.search(message):
        return Cause.IMAGE_MISSING
    return Cause.IMAGE_REFUSED if _REFUSED.search(message) else ""


def cause_of_crash(log: str) -> str:
    """Return the cause of a crash by the last lines of the log: a full heap of the JVM is one of its own."""
    return Cause.HEAP if "java.lang.OutOfMemoryError" in log else Cause.CRASH


def cause_of_refusal(message: str, status: int = 403) -> str:
    """Return the cause for which Kubernetes refused an object, by its answer."""
    if re.search(r"exceeded quota|must specify (limits|requests)|(maximum|minimum) .* usage per", message):
        return Cause.QUOTA
    if re.search(r"violates PodSecurity|admission webhook", message):
        return Cause.ADMISSION
    if re.search(r"service ?account .*not found|error looking up service account", message, re.I):
        return Cause.MISSING
    if status in (401, 403) and re.search(r"cannot \w+ resource|Unauthorized", message):
        return Cause.RIGHTS
    if status in (0, 429) or status >= 500:
        return Cause.API
    return Cause.RIGHTS if status == 401 else Cause.MANIFESTS
