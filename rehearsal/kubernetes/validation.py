"""Validation of objects: common mistakes in manifests, with Kubernetes' messages."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from rehearsal.kubernetes import errors, selectors
from rehearsal.kubernetes.quantities import amount
from rehearsal.kubernetes.resources import Resource

Json = dict[str, Any]
Problem = tuple[str, str]
_LABEL = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_DNS1035 = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
_DNS1123 = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_VARIABLE = re.compile(r"^[ -<>-~]+$")
_RBAC = {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
_KEY = re.compile(r"^[-._a-zA-Z0-9]+$")
REQUIRED = "Required value"
DATA_LIMIT = 1024 * 1024
"""The maximum size of a ConfigMap or Secret, in bytes."""
ANNOTATIONS_LIMIT = 256 * 1024
"""The maximum size of all annotations of an object, in bytes."""


def check(resource: Resource, obj: Json, old: Json | None) -> None:
    """Raise ApiError 400 or 422 for the first error in `obj`; `old` is the object that it replaces, if any."""
    name = obj["metadata"].get("name", "")
    _strings(resource, obj)
    for field, problem in _problems(resource, obj, old):
        raise errors.invalid(resource, name, field, problem)


def _strings(resource: Resource, obj: Json) -> None:
    """Check maps whose values must be strings: numbers and booleans there are the most common mistake."""
    maps = [("ObjectMeta.metadata.labels", obj["metadata"].get("labels"))]
    maps.append(("ObjectMeta.metadata.annotations", obj["metadata"].get("annotations")))
    if resource.kind in ("ConfigMap", "Secret"):
        maps.append((f"{resource.kind}.data", obj.get("data")))
    if spec := _pod_spec(resource, obj):
        meta = ((obj["spec"].get("template") or {}).get("metadata") or {}) if resource.kind != "Pod" else {}
        maps.append(("ObjectMeta.spec.template.metadata.labels", meta.get("labels")))
        maps.append(("ObjectMeta.spec.template.metadata.annotations", meta.get("annotations")))
        for container in spec.get("containers") or []:
            values = {e.get("name"): e["value"] for e in container.get("env") or [] if "value" in e}
            maps.append(("EnvVar.spec.template.spec.containers.env.value", values))
    for field, values in maps:
        for value in (values or {}).values():
            if not isinstance(value, str):
                kind = (
                    "bool"
                    if isinstance(value, bool)
                    else "number"
                    if isinstance(value, int | float)
                    else "object"
                )
                raise errors.bad_request(
                    f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}:'
                    f" json: cannot unmarshal {kind} into Go struct field {field} of type string"
                )


def _problems(resource: Resource, obj: Json, old: Json | None) -> Iterator[Problem]:
    yield from _metadata(resource, obj["metadata"])
    match resource.kind:
        case "Deployment" | "ReplicaSet":
            yield from _workload(obj["spec"], old)
        case "Job":
            yield from _job(obj["spec"], old)
        case "Pod":
            yield from _containers(obj["spec"], "spec")
            if old and _fixed(obj["spec"]) != _fixed(old["spec"]):
                why = "pod updates may not change fields other than `spec.containers[*].image`"
                yield "spec", f"Forbidden: {why}"
        case "Service":
            yield from _service(obj["spec"], old)
        case "PersistentVolumeClaim":
            yield from _claim(obj["spec"], old)
        case "ConfigMap" | "Secret":
            yield from _data(resource, obj, old)
        case "RoleBinding" | "ClusterRoleBinding":
            if old and obj.get("roleRef") != old.get("roleRef"):
                yield "roleRef", f"Invalid value: {_show(obj.get('roleRef'))}: cannot change roleRef"
        case "PodDisruptionBudget":
            if {"minAvailable", "maxUnavailable"} <= set(obj.get("spec") or {}):
                yield "spec", "Invalid value: minAvailable and maxUnavailable cannot be both set"


def _metadata(resource: Resource, meta: Json) -> Iterator[Problem]:
    name = meta.get("name", "")
    if not name:
        yield "metadata.name", f"{REQUIRED}: name or generateName is required"
    elif resource.kind == "Service" and not (_DNS1035.match(name) and len(name) <= 63):
        yield (
            "metadata.name",
            f'Invalid value: "{name}": a DNS-1035 label must start with an alphabetic character',
        )
    elif resource.kind == "Namespace" and not (_DNS1123.match(name) and len(name) <= 63):
        yield (
            "metadata.name",
            f'Invalid value: "{name}": a lowercase RFC 1123 label must consist of lower case alphanumeric'
            " characters or '-', and must start and end with an alphanumeric character",
        )
    elif resource.kind not in _RBAC and not (_NAME.match(name) and len(name) <= 253):
        yield (
            "metadata.name",
            f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric'
            " characters, '-' or '.', and must start and end with an alphanumeric character",
        )
    yield from _labels(meta.get("labels"), "metadata.labels")
    annotations = meta.get("annotations") or {}
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_LIMIT:
        yield "metadata.annotations", f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"


def _labels(labels: Json | None, field: str) -> Iterator[Problem]:
    for key, value in (labels or {}).items():
        if not _LABEL.match(value):
            yield (
                field,
                f'Invalid value: "{value}": a valid label must be at most 63 letters, digits, -, _ or .',
            )
        if not _LABEL.match(key.rpartition("/")[2]) or not key:
            yield (
                field,
                f'Invalid value: "{key}": name part must consist of alphanumeric characters, -, _ or .',
            )


def _pod_spec(resource: Resource, obj: Json) -> Json | None:
    if resource.kind == "Pod":
        return obj.get("spec")
    if resource.kind in ("Deployment", "ReplicaSet", "Job"):
        return ((obj.get("spec") or {}).get("template") or {}).get("spec")
    return None


def _template(spec: Json) -> Iterator[Problem]:
    template = spec.get("template")
    if not isinstance(template, dict):
        yield "spec.template", REQUIRED
        return
    yield from _labels(template["metadata"].get("labels"), "spec.template.labels")
    yield from _containers(template["spec"], "spec.template.spec")


def _workload(spec: Json, old: Json | None) -> Iterator[Problem]:
    yield from _template(spec)
    selector = spec.get("selector")
    if not selector:
        yield "spec.selector", REQUIRED
    elif not selectors.matches(selector, spec["template"]["metadata"].get("labels")):
        labels = _show(spec["template"]["metadata"].get("labels"))
        yield (
            "spec.template.metadata.labels",
            f"Invalid value: {labels}: `selector` does not match template `labels`",
        )
    if old and selector != old["spec"]["selector"]:
        yield "spec.selector", f"Invalid value: {_show(selector)}: field is immutable"
    replicas = spec["replicas"]
    if not isinstance(replicas, int) or replicas < 0:
        yield "spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0"
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    if strategy.get("type") == "Recreate" and rolling:
        yield (
            "spec.strategy.rollingUpdate",
            "Forbidden: may not be specified when strategy `type` is 'Recreate'",
        )
    if rolling and all(str(rolling[k]).rstrip("%") == "0" for k in ("maxSurge", "maxUnavailable")):
        yield (
            "spec.strategy.rollingUpdate.maxUnavailable",
            "Invalid value: 0: may not be 0 when `maxSurge` is 0",
        )


def _job(spec: Json, old: Json | None) -> Iterator[Problem]:
    yield from _template(spec)
    if (policy := spec["template"]["spec"]["restartPolicy"]) not in ("Never", "OnFailure"):
        allowed = 'supported values: "OnFailure", "Never"'
        yield "spec.template.spec.restartPolicy", f'Unsupported value: "{policy}": {allowed}'
    for field in ("template", "selector", "completions"):
        if old and spec.get(field) != old["spec"].get(field):
            yield f"spec.{field}", f"Invalid value: {_show(spec.get(field))}: field is immutable"


def _containers(spec: Json, where: str) -> Iterator[Problem]:
    if not spec.get("containers"):
        yield f"{where}.containers", REQUIRED
    volumes = {v.get("name") for v in spec.get("volumes") or []}
    for part in ("initContainers", "containers"):
        seen: set[str] = set()
        for n, container in enumerate(spec.get(part) or []):
            at = f"{where}.{part}[{n}]"
            for field in ("name", "image"):
                if not container.get(field):
                    yield f"{at}.{field}", REQUIRED
            if container["name"] in seen:
                yield f"{at}.name", f'Duplicate value: "{container["name"]}"'
            seen.add(container["name"])
            if not _DNS1123.match(container["name"]) or len(container["name"]) > 63:
                why = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
                yield f"{at}.name", f'Invalid value: "{container["name"]}": {why}'
            for m, variable in enumerate(container.get("env") or []):
                if not _VARIABLE.match(variable.get("name") or ""):
                    why = "a valid environment variable name must consist only of printable ASCII characters other than '='"
                    yield f"{at}.env[{m}].name", f'Invalid value: "{variable.get("name")}": {why}'
            for m, mount in enumerate(container.get("volumeMounts") or []):
                if mount.get("name") not in volumes:
                    yield f"{at}.volumeMounts[{m}].name", f'Not found: "{mount.get("name")}"'
            yield from _resources(container["resources"], f"{at}.resources")


def _resources(resources: Json, at: str) -> Iterator[Problem]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for part, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            try:
                amount(value)
            except ValueError as e:
                yield f"{at}.{part}[{name}]", f'Invalid value: "{value}": {e}'
    for name in set(limits) & set(requests):
        if amount(requests[name]) > amount(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            yield f"{at}.requests", f'Invalid value: "{requests[name]}": {why}'


def _fixed(spec: Json) -> Json:
    """Return a pod's spec without its mutable fields."""
    containers = [{k: v for k, v in c.items() if k != "image"} for c in spec["containers"]]
    free = ("containers", "tolerations", "activeDeadlineSeconds", "nodeName", "terminationGracePeriodSeconds")
    return {k: v for k, v in spec.items() if k not in free} | {"containers": containers}


def _service(spec: Json, old: Json | None) -> Iterator[Problem]:
    ports = spec.get("ports") or []
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield "spec.ports", REQUIRED
    for n, port in enumerate(ports):
        if not isinstance(port.get("port"), int) or not 1 <= port["port"] <= 65535:
            yield (
                f"spec.ports[{n}].port",
                f"Invalid value: {port.get('port')}: must be between 1 and 65535, inclusive",
            )
        if len(ports) > 1 and not port.get("name"):
            yield f"spec.ports[{n}].name", REQUIRED
        if port.get("nodePort") and spec["type"] == "ClusterIP":
            yield f"spec.ports[{n}].nodePort", "Forbidden: may not be used when `type` is 'ClusterIP'"
    if old and (ip := old["spec"].get("clusterIP")) and spec.get("clusterIP") not in (None, "", ip):
        yield "spec.clusterIP", f'Invalid value: "{spec["clusterIP"]}": field is immutable'


def _claim(spec: Json, old: Json | None) -> Iterator[Problem]:
    if not spec.get("accessModes"):
        yield "spec.accessModes", f"{REQUIRED}: at least 1 access mode is required"
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        yield "spec.resources[storage]", REQUIRED
    if old and _fixed_claim(spec) != _fixed_claim(old["spec"]):
        why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        yield "spec", f"Forbidden: {why}"


def _fixed_claim(spec: Json) -> Json:
    return {name: value for name, value in spec.items() if name not in ("resources", "volumeName")}


def _data(resource: Resource, obj: Json, old: Json | None) -> Iterator[Problem]:
    yield from _keys(obj)
    yield from _size(resource, obj)
    if resource.kind == "Secret":
        for key, value in (obj.get("data") or {}).items():
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                yield f"data[{key}]", "Invalid value: not base64"
    if old and resource.kind == "Secret" and obj["type"] != old["type"]:
        yield "type", f'Invalid value: "{obj["type"]}": field is immutable'
    if old and old.get("immutable"):
        if not obj.get("immutable"):
            yield "immutable", "Forbidden: field is immutable when `immutable` is set"
        for field in ("data", "binaryData"):
            if (obj.get(field) or {}) != (old.get(field) or {}):
                yield field, "Forbidden: field is immutable when `immutable` is set"


def _keys(obj: Json) -> Iterator[Problem]:
    fields = [(field, key) for field in ("data", "binaryData") for key in obj.get(field) or {}]
    for field, key in fields:
        if not _KEY.match(key):
            why = (
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',"
                "  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            )
            yield f"{field}[{key}]", f'Invalid value: "{key}": {why}'
        elif len(key) > 253:
            yield f"{field}[{key}]", f'Invalid value: "{key}": must be no more than 253 characters'
        elif key in (".", "..") or key.startswith(".."):
            why = f"must not be '{key}'" if key in (".", "..") else "must not start with '..'"
            yield f"{field}[{key}]", f'Invalid value: "{key}": {why}'
    for key in (obj.get("data") or {}).keys() & (obj.get("binaryData") or {}).keys():
        yield f"binaryData[{key}]", f'Invalid value: "{key}": duplicate of key present in data'


def _size(resource: Resource, obj: Json) -> Iterator[Problem]:
    texts, encoded = obj.get("data") or {}, obj.get("binaryData") or {}
    if resource.kind == "Secret":
        texts, encoded = {}, texts
    size = sum(len(value.encode()) for value in texts.values())
    size += sum(len(value) * 3 // 4 - value[-2:].count("=") for value in encoded.values())
    if size > DATA_LIMIT:
        field = "data" if resource.kind == "Secret" else "[]"
        yield field, f"Too long: may not be more than {DATA_LIMIT} bytes"


def _show(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
