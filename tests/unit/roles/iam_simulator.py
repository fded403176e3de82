"""What IAM would say: a small evaluation of policies, with the operators that this repository's policies use.

An operator or element that it doesn't know is an error, so that no policy passes for lack of understanding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Context = Mapping[str, str]


def as_list(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def matches(pattern: str, text: str) -> bool:
    """Return whether `pattern` with IAM's wildcards * and ? matches `text`."""
    parts = (
        ".*" if part == "*" else "." if part == "?" else re.escape(part)
        for part in re.split(r"([*?])", pattern)
    )
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    value = context.get(key)
    if operator == "Null":
        return (value is None) == (wanted == ["true"])
    if operator.endswith("IfExists"):
        if value is None:
            return True
        operator = operator.removesuffix("IfExists")
    if operator == "ForAllValues:StringLike":
        return all(any(matches(p, entry) for p in wanted) for entry in (value or "").split())
    # Only negated operators match a key that is missing.
    if operator == "StringNotEquals":
        return value is None or value not in wanted
    if value is None:
        return False
    if operator in ("StringEquals", "Bool"):
        return value in wanted
    if operator in ("StringLike", "ArnLike"):
        return any(matches(pattern, value) for pattern in wanted)
    raise NotImplementedError(operator)


def applies(statement: dict, action: str, resource: str, context: Context) -> bool:
    """Return whether a statement applies to this request."""
    unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown:
        raise NotImplementedError(", ".join(sorted(unknown)))
    return (
        any(matches(entry.lower(), action.lower()) for entry in as_list(statement["Action"]))
        and any(matches(entry, resource) for entry in as_list(statement["Resource"]))
        and all(
            _holds(operator, key, [str(entry) for entry in as_list(wanted)], context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def decision(policies: Iterable[dict], action: str, resource: str, context: Context) -> str:
    """Return `allow`, `deny` (a statement denies it) or `none` (no statement allows it)."""
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in policy["Statement"]
        if applies(statement, action, resource, context)
    }
    return "deny" if "Deny" in effects else "allow" if "Allow" in effects else "none"


def allowed(
    policies: Iterable[dict], boundary: dict, action: str, resource: str = "*", context: Context | None = None
) -> bool:
    """Return whether a role with these policies and this boundary may call the action."""
    context = context or {}
    return (
        decision(policies, action, resource, context) == "allow"
        and decision([boundary], action, resource, context) == "allow"
    )


def granted_by_resource(policy: dict, action: str, context: Context) -> bool:
    """Return whether a resource policy allows the action to the principal in `context`.

    A principal that is named by its ARN counts as somebody else: the policies here name theirs by `aws:PrincipalArn`.
    """
    open_to_all = [
        {key: value for key, value in statement.items() if key != "Principal"}
        for statement in policy["Statement"]
        if statement["Principal"] in ("*", {"AWS": "*"})
    ]
    return decision([{"Statement": open_to_all}], action, "*", context) == "allow"
