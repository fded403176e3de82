"""The volume controller: binds PersistentVolumeClaims if the cluster has EBS's CSI driver. No volume exists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rehearsal.kubernetes.controller import Controller
from rehearsal.kubernetes.objects import key_of
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Event, Key, Store, clone

Json = dict[str, Any]
CLAIMS = BY_NAME["persistentvolumeclaims"]
DRIVER = "aws-ebs-csi-driver"
LOOK_AGAIN_SECONDS = 2.0


class VolumeClaims(Controller):
    """Binds claims. As on EKS, a claim stays Pending without the add-on of the driver, and so do its pods."""

    def affected(self, event: Event) -> Iterable[Key]:
        if event.resource is CLAIMS and event.type == "ADDED":
            yield key_of(event.object)

    def sync(self, key: Key) -> float | None:
        claim = self.store.find(CLAIMS, *key)
        if claim is None or claim["status"]["phase"] == "Bound":
            return None
        if DRIVER not in self.cluster.addons:
            message = (
                "Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually"
                " by the system administrator. If volume creation is delayed, please verify that the provisioner is"
                " running and correctly registered."
            )
            self.events.normal(claim, "ExternalProvisioning", message, "persistentvolume-controller")
            return LOOK_AGAIN_SECONDS
        spec = clone(claim["spec"]) | {"volumeName": f"pvc-{claim['metadata']['uid']}"}
        status = {
            "phase": "Bound",
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
        }
        self.store.put(CLAIMS, claim | {"metadata": dict(claim["metadata"]), "spec": spec, "status": status})
        return None


def missing(store: Store, pod: Json) -> str:
    """Return the scheduler's reason if a pod has to wait for its volumes; "" otherwise."""
    for volume in pod["spec"].get("volumes") or []:
        if name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            claim = store.find(CLAIMS, pod["metadata"]["namespace"], name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if claim["status"]["phase"] != "Bound":
                return "pod has unbound immediate PersistentVolumeClaims"
    return ""
