"""The environment of a container: values, ConfigMaps, Secrets, and fields of the pod."""

from __future__ import annotations

import base64
import re
from typing import Any

from rehearsal.kubernetes.quantities import amount
from rehearsal.kubernetes.resources import BY_NAME, Resource
from rehearsal.kubernetes.store import Store

Json = dict[str, Any]
CONFIG, SECRET = BY_NAME["configmaps"], BY_NAME["secrets"]


class Missing(Exception):
    """A ConfigMap, Secret or key is missing; the message is that of the kubelet."""


def resolve(store: Store, pod: Json, container: Json, address: str) -> dict[str, str]:
    """Return the environment of a container. Raises Missing."""
    found: dict[str, str] = {}
    namespace = pod["metadata"]["namespace"]
    for source in container.get("envFrom") or []:
        prefix = source.get("prefix", "")
        for field, resource in (("configMapRef", CONFIG), ("secretRef", SECRET)):
            if field in source:
                data = _data(store, resource, namespace, source[field])
                found |= {prefix + k: v for k, v in (data or {}).items()}
    for entry in container.get("env") or []:
        value = entry.get("value", "")
        if source := entry.get("valueFrom"):
            value = _value(store, pod, container, source, address)
            if value is None:
                continue
        else:
            value = expand(value, found)
        found[entry["name"]] = value
    return found


def expand(text: str, values: dict[str, str]) -> str:
    """Replace `$(NAME)` by its value. Unknown names stay unchanged; `$$(NAME)` is a literal `$(NAME)`."""

    def of(found: re.Match[str]) -> str:
        return found[0][1:] if found[0].startswith("$$") else values.get(found[1], found[0])

    return re.sub(r"\$?\$\(([A-Za-z_][\w.\-]*)\)", of, text)


def check_volumes(store: Store, pod: Json) -> None:
    """Raise Missing if the ConfigMap or Secret of a volume does not exist."""
    for volume in pod["spec"].get("volumes") or []:
        for field, resource, name in (("configMap", CONFIG, "name"), ("secret", SECRET, "secretName")):
            if (source := volume.get(field)) and not source.get("optional"):
                try:
                    _data(store, resource, pod["metadata"]["namespace"], {"name": source.get(name, "")})
                except Missing as e:
                    raise Missing(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {e}') from None


def _data(store: Store, resource: Resource, namespace: str, reference: Json) -> dict[str, str] | None:
    obj = store.find(resource, namespace, reference["name"])
    if obj is None:
        if reference.get("optional"):
            return None
        raise Missing(f'{resource.kind.lower()} "{reference["name"]}" not found')
    data = obj.get("data") or {}
    return (
        {k: base64.b64decode(v).decode(errors="replace") for k, v in data.items()}
        if resource is SECRET
        else data
    )


def _value(store: Store, pod: Json, container: Json, source: Json, address: str) -> str | None:
    """Return the value of a `valueFrom`; None omits the variable."""
    for field, resource in (("configMapKeyRef", CONFIG), ("secretKeyRef", SECRET)):
        if reference := source.get(field):
            data = _data(store, resource, pod["metadata"]["namespace"], reference)
            if data is not None and reference["key"] in data:
                return data[reference["key"]]
            if reference.get("optional"):
                return None
            where = f"{resource.kind} {pod['metadata']['namespace']}/{reference['name']}"
            raise Missing(f"couldn't find key {reference['key']} in {where}")
    if reference := source.get("resourceFieldRef"):
        part, name = reference["resource"].split(".", 1)
        number = amount(container["resources"].get(part, {}).get(name, "0")) / amount(
            reference.get("divisor", "1")
        )
        return str(int(-(-number // 1)))
    return _field(pod, source.get("fieldRef", {}).get("fieldPath", ""), address)


def _field(pod: Json, path: str, address: str) -> str:
    if found := re.match(r"^metadata\.(labels|annotations)\['(.+)'\]$", path):
        return (pod["metadata"].get(found[1]) or {}).get(found[2], "")
    if path in ("status.podIP", "status.podIPs"):
        return address
    value: Any = pod
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return str(value)
