# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Check, before a release begins, that this identity has the Kubernetes permissions that a release needs."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    Unreachable,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes_api import Api

#: Verb, API group and resource of a permission. ALWAYS are those that each release needs.
Right = tuple[str, str, str]
ALWAYS: tuple[Right, ...] = (
    ("get", "apps", "deployments"),
    ("create", "apps", "deployments"),
    ("patch", "apps", "deployments"),
    ("list", "", "pods"),
    ("list", "autoscaling", "horizontalpodautoscalers"),
)
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def missing(api: Api, rights: Iterable[Right]) -> list[str]:
    """Return the permissions that this identity lacks in the namespace, as text. Raises Unreachable.

    If a cluster does not answer the review, the permission is assumed: the later request reports the reason.
    """
    return [words(right) for right in dict.fromkeys(rights) if not _may(api, *right)]


def words(right: Right) -> str:
    """Return a permission as text, e.g. `patch deployments.apps`."""
    verb, group, resource = right
    return f"{verb} {resource}{'.' + group if group else ''}"


def _may(api: Api, verb: str, group: str, resource: str) -> bool:
    attributes = {"namespace": api.namespace, "verb": verb, "group": group, "resource": resource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    try:
        return bool(api.request("post", _REVIEWS, review)["status"]["allowed"])
    except Unreachable:
        raise
    except KubernetesError:
        return True
