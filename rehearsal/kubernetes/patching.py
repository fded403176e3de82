"""Patches of objects: JSON patch, merge patch, strategic merge patch, server-side apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonpatch
import jsonpointer

from rehearsal.kubernetes.errors import ApiError, bad_request
from rehearsal.kubernetes.store import clone

Json = dict[str, Any]

LIST_KEYS = {
    "addresses": ("type",),
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "ports": ("containerPort", "port"),
    "resourceClaims": ("name",),
    "secrets": ("name",),
    "taints": ("key",),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
"""Lists that are merged by item, and their merge keys (the first one that the items have). Others are replaced."""
PRIMITIVE_SETS = {"finalizers"}


def patcher(content_type: str, patch: Any) -> Callable[[Json], Json]:
    """Return the function that applies a patch. Raises ApiError 415 for an unknown type, 400 and 422."""
    match content_type:
        case "application/json-patch+json":
            return lambda obj: _json_patch(obj, patch)
        case "application/merge-patch+json":
            return lambda obj: merge(obj, _mapping(patch))
        case "application/strategic-merge-patch+json":
            return lambda obj: strategic(obj, _mapping(patch))
    raise ApiError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include:"
        " application/json-patch+json, application/merge-patch+json,"
        " application/strategic-merge-patch+json, application/apply-patch+yaml",
    )


def _mapping(patch: Any) -> Json:
    if not isinstance(patch, dict):
        raise bad_request("the patch is not an object")
    return patch


def _json_patch(obj: Json, patch: Any) -> Json:
    try:
        return jsonpatch.apply_patch(obj, patch)
    except jsonpatch.InvalidJsonPatch as e:
        raise bad_request(f"error decoding patch: {e}") from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as e:
        refused = ApiError(422, "Invalid", "the server rejected our request due to an error in our request")
        refused.status["details"] = {"causes": [{"reason": "UnexpectedServerResponse", "message": str(e)}]}
        raise refused from None


def merge(target: Any, patch: Any) -> Any:
    """Merge by RFC 7386: null removes, objects are merged, other values replace."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Any, patch: Any, field: str = "") -> Any:
    """Merge like `merge`, but merge lists by their merge key, and apply directives such as `$patch`."""
    if isinstance(patch, list):
        return _strategic_list(target if isinstance(target, list) else [], patch, field)
    if not isinstance(patch, dict):
        return patch
    directive = patch.get("$patch")
    result = dict(target) if isinstance(target, dict) and directive != "replace" else {}
    if directive == "delete":
        return {}
    if (kept := patch.get("$retainKeys")) is not None:
        result = {k: v for k, v in result.items() if k in kept}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [v for v in result.get(name) or [] if v not in value]
        elif value is None:
            result.pop(key, None)
        elif not key.startswith("$"):
            result[key] = strategic(result.get(key), value, key)
    for key, order in patch.items():
        if key.startswith("$setElementOrder/"):
            name = key.partition("/")[2]
            if name in result:
                result[name] = _ordered(result[name], order, name)
    return result


def _list_key(field: str, items: list[Any]) -> str | None:
    """Return the merge key of a list; None if the list is replaced."""
    for key in LIST_KEYS.get(field, ()):
        if all(isinstance(i, dict) and (key in i or "$patch" in i) for i in items):
            return key
    return None


def _strategic_list(target: list[Any], patch: list[Any], field: str) -> list[Any]:
    if field in PRIMITIVE_SETS:
        return [*target, *(v for v in patch if v not in target)]
    key = _list_key(field, patch + target)
    if any(isinstance(i, dict) and i.get("$patch") == "replace" for i in patch):
        target, patch = [], [i for i in patch if i.get("$patch") != "replace"]
    if key is None or not target:  # A new list is stored unchanged, even with duplicate keys.
        return [strategic(None, i) for i in patch if not (isinstance(i, dict) and "$patch" in i)]
    result = list(target)
    for item in patch:
        at = next((n for n, old in enumerate(result) if old.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            result = [old for old in result if old.get(key) != item.get(key)]
        elif at is None:
            result.append(strategic(None, item))
        else:
            result[at] = strategic(result[at], item)
    return result


def _ordered(items: list[Any], order: list[Any], field: str) -> list[Any]:
    key = _list_key(field, items) if items and isinstance(items[0], dict) else None

    def place(item: Any) -> int:
        for n, wanted in enumerate(order):
            if (item.get(key) == wanted.get(key)) if key else (item == wanted):
                return n
        return len(order)

    return sorted(items, key=place)


def apply(live: Json, config: Json, last: Json | None) -> Json:
    """Server-side apply: set the fields in `config`, and remove those that the manager applied before but not now.

    `last` is the manager's previous configuration. Fields of other managers stay; conflicts are not detected.
    """
    return strategic(_without(live, last, config, "") if last else live, config)


def _without(live: Any, last: Any, now: Any, field: str) -> Any:
    if isinstance(live, dict) and isinstance(last, dict) and isinstance(now, dict):
        return {
            k: _without(v, last[k], now[k], k) if k in last and k in now else v
            for k, v in live.items()
            if k not in last or k in now
        }
    lists = [live, last, now]
    if all(isinstance(x, list) for x in lists) and (key := _list_key(field, live + last + now)):
        by = [{i[key]: i for i in x} for x in lists]
        return [
            _without(i, by[1][name], by[2][name], "") if name in by[1] and name in by[2] else i
            for name, i in by[0].items()
            if name not in by[1] or name in by[2]
        ]
    return live
