# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Whether this identity may do on Kubernetes what a release needs, asked before anything is begun."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    Unreachable,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes_api import Api

#: Verb, API group and resource of what each release does.
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
    """Return those rights that this identity lacks in the namespace, in words. Raises Unreachable.

    A cluster that does not say is taken to allow it: the request itself will be refused, with the reason.
    """
    return [words(right) for right in dict.fromkeys(rights) if not _may(api, *right)]


def words(right: Right) -> str:
    """Return a right as people write it, e.g. `patch deployments.apps`."""
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
