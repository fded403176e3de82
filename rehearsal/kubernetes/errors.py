"""Errors in the API's format: a Status object with code, reason, message and details."""

from __future__ import annotations

from typing import Any

from rehearsal.kubernetes.resources import Resource

Json = dict[str, Any]
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class ApiError(Exception):
    """An answer that is no success; `status` is its body."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details or {},
            "code": code,
        }


def _details(resource: Resource, name: str, **more: Any) -> Json:
    details: Json = {"name": name, "kind": resource.plural}
    if resource.group:
        details["group"] = resource.group
    return details | more


def not_found(resource: Resource, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def already_exists(resource: Resource, name: str) -> ApiError:
    return ApiError(
        409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _details(resource, name)
    )


def conflict(resource: Resource, name: str, why: str = MODIFIED) -> ApiError:
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}',
        _details(resource, name),
    )


def invalid(
    resource: Resource, name: str, field: str, problem: str, reason: str = "FieldValueInvalid"
) -> ApiError:
    """`problem` has the API's words: `Invalid value: "x": field is immutable`, `Required value`."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    cause = {"reason": reason, "message": problem, "field": field}
    return ApiError(
        422,
        "Invalid",
        f'{kind} "{name}" is invalid: {field}: {problem}',
        _details(resource, name, kind=resource.kind, causes=[cause]),
    )


def immutable(resource: Resource, name: str, field: str, why: str = "field is immutable") -> ApiError:
    return invalid(resource, name, field, f"Invalid value: {why}")


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    quoted = f'{resource.qualified} "{name}"' if name else resource.qualified
    return ApiError(403, "Forbidden", f"{quoted} is forbidden: {why}", _details(resource, name))


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def expired(asked: int, oldest: int) -> ApiError:
    return ApiError(410, "Expired", f"too old resource version: {asked} ({oldest})")
