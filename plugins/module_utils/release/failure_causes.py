# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The causes of a failed release, and for each cause one sentence that says what to do next."""

from __future__ import annotations

import re
from enum import StrEnum


class Cause(StrEnum):
    """Why a release failed. Modules return the value as `cause`."""

    ADMISSION = "admission"
    ALARM = "alarm"
    ANALYSIS = "analysis"
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
    Cause.ANALYSIS: "look for the cause in the service's log and metrics of that time; fix the image, or the thresholds in "
    "release_analysis, and deploy again.",
    Cause.API: "the image needs no change: check that the cluster's API answers (kubectl get --raw /readyz), and run the "
    "same command again.",
    Cause.AWS_RIGHTS: "the image needs no change: the role of this run lacks a permission on AWS. Provision the "
    "component identity again, or use the environment's deploy role, and run the same command again.",
    Cause.CAPACITY: "the image needs no change: AWS has no capacity for this instance type, or a quota of the "
    "account is reached. Wait, or choose another instance type, and run the same command again.",
    Cause.CHECK: "fix what the check found in the service, or the check itself (release_checks, "
    "release_check_command), and deploy again.",
    Cause.CRASH: "read the log lines above, fix the image or its configuration (slot_config, slot_secrets), and deploy "
    "again.",
    Cause.ERRORS: "look for the failed requests in the service's log, fix the image, and deploy again.",
    Cause.HEAP: "the heap of the JVM is full, while the container is below its memory limit: raise the heap "
    "(-XX:MaxRAMPercentage in JAVA_TOOL_OPTIONS) or the limit (slot_resources), or reduce what the service keeps in "
    "memory; deploy again.",
    Cause.IMAGE_MISSING: "push the image, or name a tag or digest that the registry has, and deploy again.",
    Cause.IMAGE_NAME: "correct the name of the image (release_image_repository, image_tag, slot_image_pull_policy), "
    "and deploy again.",
    Cause.IMAGE_PLATFORM: "build the image for the architecture of the nodes (docker buildx build --platform), and "
    "deploy again.",
    Cause.IMAGE_REFUSED: "the image needs no change: the registry does not let the nodes pull it. Grant pull access (the "
    "nodes' role, registry_pull_accounts, an imagePullSecret), and run the same command again.",
    Cause.MANIFESTS: "correct the manifests (slot_manifests_dir, or the settings of the role slot), and deploy again.",
    Cause.MIGRATION: "read the log lines above, fix the migration (slot_migration_command), and deploy again.",
    Cause.MISSING: "create the Secret, ConfigMap, key or volume that the message names, or remove it from slot_secrets "
    "or your manifests, and deploy again.",
    Cause.NODE: "the image needs no change: wait for the node, or replace it as the message says, and run the same "
    "command again.",
    Cause.VERSION_NOT_OBSERVED: "check what the addresses answer; if the service reports another version than "
    "expected, correct the image or release_version, and deploy again.",
    Cause.OOM: "raise the memory limit (slot_resources), or lower the heap of the service, and deploy again.",
    Cause.PROBE: "compare the probe with the service: its path and port, and how long it may take (slot_startup, "
    "slot_readiness, slot_liveness, slot_start_timeout); deploy again.",
    Cause.QUOTA: "the namespace needs room for both slots: raise namespace_quota, lower slot_resources or "
    "slot_replicas, or free the other slot (playbooks/retire.yml -e at_once=true); run the same command again.",
    Cause.REGISTRY: "the image needs no change: the nodes cannot reach the registry. Check the network path (NAT "
    "gateway, VPC endpoints, DNS, security groups), and run the same command again.",
    Cause.RIGHTS: "the image needs no change: this identity lacks the permission that the message names. Provision the "
    "components cluster and namespace again, or use the environment's deploy role, and run the same command again.",
    Cause.RULES: "change the load balancer rule that the message names, and run the same command again.",
    Cause.SCHEDULING: "the nodes need room for both slots: add nodes (cluster_node_groups), lower the requests of "
    "slot_resources, or correct selectors and tolerations; run the same command again.",
    Cause.SLOW: "check what the pod waits for; if it only needs more time, raise slot_start_timeout; deploy again.",
    Cause.START: "correct what the message names in the image or the manifests (command, user, mounts), and deploy "
    "again.",
    Cause.TARGETS: "compare load_balancer_health_check with the answers of the service, and the node ports with "
    "load_balancer_ports; deploy again.",
    Cause.VERSION: "build the image with the version under which it is deployed, or set release_version (empty for any), "
    "and deploy again.",
}
DEFAULT = "fix what the message names, and deploy again."


class Diagnosed(str):
    """A text that explains a failure, with its cause."""

    cause: str = ""

    @classmethod
    def of(cls, text: str, cause: str) -> Diagnosed:
        """Return `text` with `cause` attached."""
        made = cls(text)
        made.cause = cause
        return made


def advice(cause: str) -> str:
    """Return what to do about a cause, as a sentence that begins with a lower case letter.

    `cause` is a value of Cause; any other text returns the general advice.
    """
    return ADVICE.get(cause, DEFAULT)


#: The image's name and tag may contain any word, so these patterns match the wording of the container runtime.
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
    """Return why an image could not be pulled, from the message of the container runtime; empty if unknown."""
    if _PLATFORM.search(message):
        return Cause.IMAGE_PLATFORM
    if _UNREACHABLE.search(message):
        return Cause.REGISTRY
    # Some registries answer "denied or not found". The name is the more frequent mistake.
    if _ABSENT.search(message):
        return Cause.IMAGE_MISSING
    return Cause.IMAGE_REFUSED if _REFUSED.search(message) else ""


def cause_of_crash(log: str) -> str:
    """Return the cause of a crash from the last lines of the log. A full JVM heap has a cause of its own."""
    return Cause.HEAP if "java.lang.OutOfMemoryError" in log else Cause.CRASH


def cause_of_refusal(message: str, status: int = 403) -> str:
    """Return why Kubernetes refused an object, from the message and HTTP status of its answer."""
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
