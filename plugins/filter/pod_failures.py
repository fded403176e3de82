# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Filter: the containers of a Job's newest pod that failed, wait or still run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pod_failures
author: Teal maintainers
version_added: 0.1.0
short_description: Find the containers that prevent a Job from completing
description:
  - Checks the newest of a Job's pods. Returns its containers that failed, wait or still run, each with a sentence.
options:
  _input:
    description: The pods, as M(kubernetes.core.k8s_info) returns them in RV(kubernetes.core.k8s_info#module:resources).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show why the Job does not complete
  ansible.builtin.debug:
    msg: "{{ pods.resources | teal.platform.pod_failures | map(attribute='text') }}"
"""

RETURN = r"""
_value:
  description: The containers, each with C(pod), C(container), a sentence as C(text), and whether it may have a C(log).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

#: Reasons of waiting that are part of a normal start.
_STARTING = frozenset({"PodInitializing", "ContainerCreating"})


def pod_failures(pods: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the problems of the containers of the newest pod, in the order in which the containers start."""
    if not pods:
        return []
    pod = max(pods, key=lambda one: one["metadata"]["creationTimestamp"])
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    found = [_of(name, one["name"], one.get("state") or {}) for one in containers]
    known = [one for one in found if one]
    if known:
        return known
    phase, why = status.get("phase", "Unknown"), _unscheduled(status)
    return [{"pod": name, "container": "", "text": f"Pod {name} is {phase}{why}.", "log": False}]


def _of(pod: str, container: str, state: Mapping[str, Any]) -> dict[str, Any] | None:
    text, log = "", True
    if state.get("running"):
        text = f"Container {container} of pod {pod} still runs. Its last log lines:"
    elif (code := (state.get("terminated") or {}).get("exitCode", 0)) != 0:
        text = f"Container {container} of pod {pod} ended with exit code {code}. Its last log lines:"
    elif (waiting := state.get("waiting") or {}).get("reason") not in (None, *_STARTING):
        log, message = False, waiting.get("message", "")
        text = f"Container {container} of pod {pod} waits: {waiting['reason']}{f': {message}' if message else ''}"
    return {"pod": pod, "container": container, "text": text, "log": log} if text else None


def _unscheduled(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f": {condition.get('message') or condition.get('reason', 'not scheduled')}"
    return ""


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"pod_failures": pod_failures}
