"""Label selectors (as text and as objects) and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.kubernetes.errors import bad_request

Json = dict[str, Any]
Match = Callable[[Json], bool]
_SET = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s+\((?P<values>[^)]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=,()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s!=,()]*)$")
_EXISTS = re.compile(r"^(?P<no>!?)\s*(?P<key>[^\s!=,()]+)$")


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str] | None) -> bool:
    """Return whether a LabelSelector (`matchLabels`, `matchExpressions`) selects `labels`; {} selects all."""
    labels = labels or {}
    if selector is None:
        return False
    if any(labels.get(k) != v for k, v in (selector.get("matchLabels") or {}).items()):
        return False
    return all(
        _holds(labels, e["key"], e["operator"], e.get("values") or [])
        for e in selector.get("matchExpressions") or []
    )


def subset(selector: Mapping[str, str] | None, labels: Mapping[str, str] | None) -> bool:
    """Return whether the selector of a Service, a plain map, selects `labels`; an empty map selects nothing."""
    labels = labels or {}
    return bool(selector) and all(labels.get(k) == v for k, v in (selector or {}).items())


def by_labels(text: str) -> Match:
    """Parse `?labelSelector=`. Raises ApiError 400."""
    terms = [_label_term(t.strip()) for t in re.split(r",(?![^(]*\))", text) if t.strip()]
    return lambda o: all(
        _holds(o["metadata"].get("labels") or {}, key, op, values) for key, op, values in terms
    )


def by_fields(text: str) -> Match:
    """Parse `?fieldSelector=`: dotted paths with `=`, `==` or `!=`."""
    terms = []
    for term in filter(None, text.split(",")):
        if not (found := re.match(r"^([\w.\-]+)(!=|==|=)(.*)$", term)):
            raise bad_request(f"invalid field selector: {term!r}")
        terms.append((found[1].split("."), found[2] != "!=", found[3]))
    return lambda o: all((_field(o, path) == value) is wanted for path, wanted, value in terms)


def selecting(query: Mapping[str, str]) -> Match | None:
    """Return the filter of a request's query; None without a selector."""
    filters = []
    if text := query.get("labelSelector"):
        filters.append(by_labels(text))
    if text := query.get("fieldSelector"):
        filters.append(by_fields(text))
    return (lambda o: all(f(o) for f in filters)) if filters else None


def as_text(selector: Mapping[str, Any]) -> str:
    """Convert a LabelSelector to the format of `?labelSelector=`."""
    terms = [f"{k}={v}" for k, v in (selector.get("matchLabels") or {}).items()]
    for e in selector.get("matchExpressions") or []:
        word = {"In": "in", "NotIn": "notin"}.get(e["operator"])
        if word:
            terms.append(f"{e['key']} {word} ({','.join(e['values'])})")
        else:
            terms.append(e["key"] if e["operator"] == "Exists" else f"!{e['key']}")
    return ",".join(terms)


def _label_term(term: str) -> tuple[str, str, list[str]]:
    if found := _SET.match(term):
        op = "In" if found["op"] == "in" else "NotIn"
        return found["key"], op, [v.strip() for v in found["values"].split(",")]
    if found := _EQUAL.match(term):
        return found["key"], "NotIn" if found["op"] == "!=" else "In", [found["value"]]
    if found := _EXISTS.match(term):
        return found["key"], "DoesNotExist" if found["no"] else "Exists", []
    raise bad_request(f"unable to parse requirement: {term!r}")


def _holds(labels: Mapping[str, str], key: str, operator: str, values: list[str]) -> bool:
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise bad_request(f'"{operator}" is not a valid label selector operator')


def _field(obj: Any, path: list[str]) -> str:
    for part in path:
        obj = obj.get(part) if isinstance(obj, dict) else None
    return "" if obj is None else str(obj).lower() if isinstance(obj, bool) else str(obj)
