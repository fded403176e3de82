"""Refuses requests that AWS refuses by its API models: lengths, ranges, patterns and enums.

Neither boto3 nor moto checks them: boto3 checks required members and minimums, moto a few names. The models are
botocore's. `rehearsal.documented_limits` holds further limits from AWS's documentation, and exceptions.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import regex
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

from rehearsal.aws_calls import SECRET, Call
from rehearsal.documented_limits import LIMITS, LOOSER, RESERVED, TAGGING, TAGS

CODES = {
    "apigatewayv2": "BadRequestException",
    "autoscaling": "ValidationError",
    "cloudwatch": "ValidationError",
    "ec2": "InvalidParameterValue",
    "ecr": "InvalidParameterException",
    "eks": "InvalidParameterException",
    "elbv2": "ValidationError",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "rds": "InvalidParameterValue",
    "resourcegroupstaggingapi": "InvalidParameterException",
    "route53": "InvalidInput",
    "s3": "InvalidArgument",
    "sns": "InvalidParameter",
    "sts": "ValidationError",
}
"""The error code by service; all other services use `ValidationException`."""

AWS_KEY = "AKIAAWSITSELFEXAMPLE"
"""The access key with which tests act as AWS itself: it may set tags that begin with `aws:`."""

SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"
SHOWN = 300
"""The number of characters of a value that a message shows."""


def refusal(call: Call, environ: dict[str, Any]) -> tuple[str, str] | None:
    """Return the error code and message with which AWS refuses a request; None if the request is allowed.

    The body is read from `environ`.
    """
    try:
        asked = Request(environ)
        operation, path = get_service_router(call.service).match(asked)
        request = _parsed(call.service, operation, path, asked)
    except Exception:  # The request does not fit the model: moto answers with its own error.
        return None
    found = list(by_model(operation.input_shape, request)) if operation.input_shape else []
    found += by_documentation(call.service, operation.name, request)
    if call.key != AWS_KEY:
        found += reserved_tags(operation.name, request)
    if not found:
        return None
    errors = "1 validation error" if len(found) == 1 else f"{len(found)} validation errors"
    return CODES.get(call.service, "ValidationException"), f"{errors} detected: {'; '.join(found)}"


def _parsed(service: str, operation: Any, path: dict[str, Any], request: Request) -> dict[str, Any]:
    protocol = determine_request_protocol(get_service_model(service), request.content_type)
    return PROTOCOL_PARSERS[protocol](operation).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": path,
        }
    )


def by_model(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Yield a problem, in AWS's words, for each constraint of a shape that a value violates."""
    if value is None:
        return
    match shape.type_name:
        case "structure":
            for name, member in shape.members.items():
                if isinstance(value, dict) and name in value:
                    yield from by_model(member, value[name], _joined(path, name))
        case "list":
            yield from _bounds(shape, len(value), value, path, "length")
            for number, item in enumerate(value, 1):
                yield from by_model(shape.member, item, f"{path}.{number}.member")
        case "map":
            yield from _bounds(shape, len(value), value, path, "length")
            for key, item in value.items():
                yield from by_model(shape.key, key, f"{path}.key")
                yield from by_model(shape.value, item, f"{path}.{key}.member")
        case "string" if isinstance(value, str):
            yield from _bounds(shape, len(value), value, path, "length")
            yield from _text(shape, value, path)
        case "blob" if isinstance(value, bytes):
            yield from _bounds(shape, len(value), "", path, "length")
        case "integer" | "long" | "float" | "double":
            yield from _bounds(shape, value, value, path, "value")


def by_documentation(service: str, operation: str, request: dict[str, Any]) -> Iterator[str]:
    """Yield a problem for each documented limit that a request violates."""
    for limit in LIMITS.get(service, ()):
        if limit.operations and operation not in limit.operations:
            continue
        for path, value in _values(request, limit.member.split(".")):
            if limit.maximum is not None and len(value) > limit.maximum:
                yield _problem(path, value, f"have length less than or equal to {limit.maximum}")
            if limit.pattern and not _compiled(limit.pattern).fullmatch(value):
                yield _problem(path, value, f"satisfy regular expression pattern: {limit.pattern}")


def reserved_tags(operation: str, request: dict[str, Any]) -> Iterator[str]:
    """Yield a problem for each tag that only AWS itself may set."""
    if not operation.startswith(TAGGING):
        return
    for member in TAGS:
        for path, tags in _values(request, member.split(".")):
            keys = tags if isinstance(tags, dict) else [tag.get("Key", tag.get("TagKey")) for tag in tags]
            for key in keys:
                if str(key).lower().startswith(RESERVED):
                    yield _problem(path, key, f"not begin with {RESERVED}")


def _values(value: Any, names: list[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value at a path of names, with its full path. Lists are traversed; `*` traverses a list at the end."""
    if value is None:
        return
    if not names:
        yield path, value
    elif isinstance(value, list):
        rest = names[1:] if names[0] == "*" else names
        for number, item in enumerate(value, 1):
            yield from _values(item, rest, f"{path}.{number}.member")
    elif isinstance(value, dict) and names[0] in value:
        yield from _values(value[names[0]], names[1:], _joined(path, names[0]))


def _joined(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _problem(path: str, value: Any, why: str, sensitive: bool = False) -> str:
    shown = "Value"
    if not sensitive and not SECRET.search(path):
        text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
        shown = f"Value '{text if len(text) <= SHOWN else text[:SHOWN] + '...'}'"
    return f"{shown} at '{path}' failed to satisfy constraint: Member must {why}"


def _bounds(shape: Any, size: float, value: Any, path: str, what: str) -> Iterator[str]:
    bounds = _limits(shape.name) | shape.metadata
    for bound, sign, than in (("min", -1, "greater"), ("max", 1, "less")):
        limit = bounds.get(bound)
        if limit is not None and (size - limit) * sign > 0 and not _excepted(shape, bound):
            why = f"have {what} {than} than or equal to {limit}"
            yield _problem(path, value, why, bool(shape.metadata.get("sensitive")))


@functools.cache
def _limits(name: str) -> dict[str, int]:
    """Return the limits that a shape's name contains, as with API Gateway's strings."""
    named = regex.fullmatch(r"StringWithLengthBetween(\d+)And(\d+)", name)
    return {"min": int(named[1]), "max": int(named[2])} if named else {}


def _text(shape: Any, value: str, path: str) -> Iterator[str]:
    sensitive = bool(shape.metadata.get("sensitive"))
    pattern = shape.metadata.get("pattern")
    if pattern and not _excepted(shape, "pattern") and not _compiled(pattern).fullmatch(value):
        yield _problem(path, value, f"satisfy regular expression pattern: {pattern}", sensitive)
    enum = shape.metadata.get("enum")
    if enum and value not in enum and not _excepted(shape, "enum"):
        yield _problem(path, value, f"satisfy enum value set: [{', '.join(enum)}]", sensitive)


def _excepted(shape: Any, constraint: str) -> bool:
    return constraint in LOOSER.get(shape.name, ())


@functools.cache
def _compiled(pattern: str) -> Any:
    r"""Compile a Java pattern: Python's re lacks `\p{...}`, and no Python has ranges of surrogates."""
    return regex.compile(pattern.replace(SURROGATES, r"\U00010000-\U0010FFFF"))
