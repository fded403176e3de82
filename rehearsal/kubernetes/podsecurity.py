"""Pod Security admission by a namespace's label `pod-security.kubernetes.io/enforce`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
LABEL = "pod-security.kubernetes.io/enforce"
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""The volume types that `restricted` allows."""


def violation(namespace: Json, pod: Json) -> str | None:
    """Return Kubernetes' message if a namespace does not admit a pod; None if it does."""
    level = (namespace["metadata"].get("labels") or {}).get(LABEL, "privileged")
    if level not in ("baseline", "restricted"):
        return None
    found = list(_baseline(pod["spec"]))
    if level == "restricted":
        found += _restricted(pod["spec"])
    return f'violates PodSecurity "{level}:latest": {", ".join(found)}' if found else None


def _containers(spec: Json) -> list[tuple[str, Json]]:
    both = [*(spec.get("initContainers") or []), *spec["containers"]]
    return [(f'container "{c["name"]}"', c.get("securityContext") or {}) for c in both]


def _baseline(spec: Json) -> Iterator[str]:
    if host := [f"{k}=true" for k in ("hostNetwork", "hostPID", "hostIPC") if spec.get(k)]:
        yield f"host namespaces ({', '.join(host)})"
    if paths := [f'"{v["name"]}"' for v in spec.get("volumes") or [] if "hostPath" in v]:
        yield f"hostPath volumes (volumes {', '.join(paths)})"
    for who, context in _containers(spec):
        if context.get("privileged"):
            yield f"privileged ({who} must not set securityContext.privileged=true)"


def _restricted(spec: Json) -> Iterator[str]:
    whole = spec.get("securityContext") or {}
    for who, context in _containers(spec):
        must = f"{who} must set securityContext"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"allowPrivilegeEscalation != false ({must}.allowPrivilegeEscalation=false)"
        capabilities = context.get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or []):
            yield f'unrestricted capabilities ({must}.capabilities.drop=["ALL"])'
        if more := set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
            yield f"unrestricted capabilities ({who} must not include {min(more)!r} in capabilities.add)"
        if context.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
            yield f"runAsNonRoot != true (pod or {must}.runAsNonRoot=true)"
        if context.get("runAsUser", whole.get("runAsUser")) == 0:
            yield f"runAsUser=0 (pod or {who} must not set runAsUser=0)"
        profile = context.get("seccompProfile") or whole.get("seccompProfile") or {}
        if profile.get("type") not in ("RuntimeDefault", "Localhost"):
            yield f'seccompProfile (pod or {must}.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    for volume in spec.get("volumes") or []:
        if kinds := set(volume) - VOLUMES - {"name"}:
            yield f'restricted volume types (volume "{volume["name"]}" uses {min(kinds)!r})'
