# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The HorizontalPodAutoscalers of slots: those of a release, and foreign ones, which are never changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import SlotFailed
from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes_api import Api
from ansible_collections.teal.platform.plugins.module_utils.release.slots.manifests import (
    AUTOSCALER,
    DEPLOYMENT,
    is_of,
)

_VERSION = "autoscaling/v2"
_PLURAL = "horizontalpodautoscalers"
#: Annotation with the limits (least and most replicas) that an autoscaler had before the engine raised them.
LIMITS = "teal.platform/limits"


class Autoscalers:
    """Reads and changes the autoscalers of slots. `deployment(slot)` returns the name of the slot's Deployment."""

    def __init__(self, api: Api, deployment: Callable[[str], str]) -> None:
        self.api = api
        self.deployment = deployment

    def of(self, slot: str) -> list[dict[str, Any]]:
        """Return the slot's autoscalers that belong to a release."""
        return [one for one in self._all(slot) if is_of(one, slot)]

    def foreign(self, slot: str) -> list[str]:
        """Return the names of the slot's autoscalers that belong to no release."""
        return [one["metadata"]["name"] for one in self._all(slot) if not is_of(one, slot)]

    def refuse_second(self, slot: str) -> None:
        """Raise SlotFailed if a foreign autoscaler would conflict with the autoscaler of the release."""
        if not (foreign := self.foreign(slot)):
            return
        text = message(
            "autoscaler.second",
            kind=AUTOSCALER,
            names=", ".join(foreign),
            deployment=self.deployment(slot),
            namespace=self.api.namespace,
            arguments=" ".join(foreign),
        )
        raise SlotFailed(text, Cause.MANIFESTS)

    def delete(self, slot: str, lease: Lease) -> list[str]:
        """Delete the autoscalers of the slot's release, and return warnings about foreign ones."""
        for scaler in self.of(slot):
            lease.guard(lambda name=scaler["metadata"]["name"]: self.api.delete(_PLURAL, name, _VERSION))
        return [
            message("autoscaler.foreign", kind=AUTOSCALER, name=name, deployment=self.deployment(slot))
            for name in self.foreign(slot)
        ]

    def keep_at_least(self, slot: str, replicas: int, lease: Lease) -> bool:
        """Raise the minimum of the release's autoscaler to `replicas`, and return whether the release has one."""
        scalers = self.of(slot)
        for scaler in scalers:
            name, spec = scaler["metadata"]["name"], scaler["spec"]
            if spec.get("minReplicas", 1) < replicas:
                most = max(replicas, spec["maxReplicas"])
                limits = json.dumps([spec.get("minReplicas", 1), spec["maxReplicas"]])
                held: dict[str, Any] = {"spec": {"minReplicas": replicas, "maxReplicas": most}}
                if LIMITS not in scaler["metadata"].get("annotations", {}):
                    held["metadata"] = {"annotations": {LIMITS: limits}}
                lease.guard(lambda name=name, held=held: self.api.patch(_PLURAL, name, held, _VERSION))
        return bool(scalers)

    def restore_limits(self, slot: str, lease: Lease) -> bool:
        """Give the release's autoscaler the limits that it had before `keep_at_least`, and return whether it had others."""
        restored = False
        for scaler in self.of(slot):
            if limits := scaler["metadata"].get("annotations", {}).get(LIMITS):
                least, most = json.loads(limits)
                own = {
                    "metadata": {"annotations": {LIMITS: None}},
                    "spec": {"minReplicas": least, "maxReplicas": most},
                }
                name = scaler["metadata"]["name"]
                lease.guard(lambda name=name, own=own: self.api.patch(_PLURAL, name, own, _VERSION))
                restored = True
        return restored

    def _all(self, slot: str) -> list[dict[str, Any]]:
        wanted = (DEPLOYMENT, self.deployment(slot))
        return [
            one
            for one in self.api.list(_PLURAL, version=_VERSION)
            if (one["spec"]["scaleTargetRef"].get("kind"), one["spec"]["scaleTargetRef"]["name"]) == wanted
        ]
