# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The causes of a failed release, and for each cause one sentence that says what to do next."""

from __future__ import annotations

import re
from enum import StrEnum

from ansible_collections.teal.platform.plugins.module_utils.messages.message import Message, message


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


class Diagnosed(Message):
    """A message that explains a failure, with its cause."""

    cause: str = ""

    @classmethod
    def of(cls, text: str, cause: str) -> Diagnosed:
        """Return `text` with `cause` attached."""
        made = cls(text)
        made.__dict__.update(getattr(text, "__dict__", {}))
        made.cause = cause
        return made


def advice(cause: str) -> str:
    """Return what to do about a cause, as a sentence that begins with a lower case letter.

    `cause` is a value of Cause; any other text returns the general advice.
    """
    known = cause if cause in tuple(Cause) else "other"
    return message(f"advice.{known}")


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
