"""Calls to the emulated AWS: identification of the operation, a record of all calls, and injected faults."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel
from moto.core.request import Request, determine_request_protocol
from moto.core.responses import ActionContext, ActionResult
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

KEPT = 50_000
"""The number of calls that the record holds."""

SECRET = re.compile(r"password|secret|token|plaintext|credential", re.IGNORECASE)
BOTO3_NAME = {"awslambda": "lambda", "s3bucket_path": "s3", "servicequotas": "service-quotas"}
SIGNED_BY = re.compile(r"Credential=([^/,\s]+)/")


@dataclass
class Call:
    """One call: service and operation as boto3 names them, and the parameters without secrets."""

    service: str
    operation: str
    parameters: dict[str, Any]
    key: str = ""
    """The access key of the signature."""


@dataclass
class Fault:
    """An error, a delay, or both, for the next `count` calls that match.

    Service, operation and access key may be shell patterns. Without code and delay, the fault exempts calls from
    later faults.
    """

    service: str
    operation: str = "*"
    key: str = "*"
    code: str | None = None
    message: str = "The emulator was asked to fail this call"
    status: int = 400
    delay: float = 0.0
    count: int = 1
    match: str = ""

    def meets(self, call: Call, body: str) -> bool:
        """Return whether the fault applies to a call. `match` is searched in the path, query and body."""
        return (
            fnmatchcase(call.service, self.service)
            and fnmatchcase(call.operation, self.operation)
            and fnmatchcase(call.key, self.key)
            and (not self.match or self.match in body)
        )


@dataclass
class Faults:
    """The ordered faults, oldest first."""

    ordered: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, call: Call, body: str) -> Fault | None:
        """Return the fault for this call, if any, and decrement its count."""
        with self._lock:
            for fault in self.ordered:
                if fault.meets(call, body):
                    fault.count -= 1
                    if fault.count <= 0:
                        self.ordered.remove(fault)
                    return fault
        return None


class Record:
    """The calls so far, numbered from 1."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._number = 0

    def add(self, call: Call, status: int, seconds: float) -> None:
        """Record an answered call."""
        with self._lock:
            self._number += 1
            self._calls.append(
                {
                    "number": self._number,
                    "time": round(time.time() - seconds, 3),
                    "seconds": round(seconds, 3),
                    "service": call.service,
                    "operation": call.operation,
                    "key": call.key,
                    "status": status,
                    "parameters": call.parameters,
                }
            )

    def since(self, number: int) -> list[dict[str, Any]]:
        """Return the calls after that number, oldest first."""
        with self._lock:
            return [call for call in self._calls if call["number"] > number]


def identify(backend: str, environ: dict[str, Any], body: bytes) -> Call:
    """Return the call that a request makes, by AWS's models, as moto's router does."""
    service = BOTO3_NAME.get(backend, backend)
    if service == "elb" and b"Version=2015-12-01" in body:
        service = "elbv2"
    if service == "apigateway" and environ["PATH_INFO"].startswith("/v2/"):
        service = "apigatewayv2"
    signed = SIGNED_BY.search(environ.get("HTTP_AUTHORIZATION", ""))
    key = signed[1] if signed else ""
    request = Request(environ)
    try:
        operation, path = get_service_router(service).match(request)
    except Exception:  # The service or the operation is unknown: moto answers with its own error.
        return Call(service, f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", {}, key)
    given: dict[str, Any] = {**path, **request.args}
    if request.content_type and "json" in request.content_type:
        json_body = request.get_json(silent=True, force=True)
        given |= json_body if isinstance(json_body, dict) else {}
    else:
        given |= request.form
    given = {name: value for name, value in given.items() if name not in ("Action", "Version")}
    return Call(service, operation.name, _without_secrets(given), key)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "(hidden)" if SECRET.search(str(k)) else _without_secrets(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_secrets(v) for v in value]
    return value


class _InjectedError(ServiceException):
    """An error that belongs to no service of moto; moto decides that by the exception's module."""


def error(
    service: str, operation_name: str, content_type: str, code: str, message: str
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of an error in the format of a service."""
    model = get_service_model(service)
    try:
        operation = model.operation_model(operation_name)
    except Exception:
        operation = OperationModel({}, model)
    serializer = get_serializer_class(model.service_name, determine_request_protocol(model, content_type))
    context = ActionContext(model, operation, serializer, None)  # type: ignore[arg-type]
    _, headers, body = ActionResult(_InjectedError(code, message)).execute_result(context)
    return {k: str(v) for k, v in headers.items()}, body if isinstance(body, bytes) else body.encode()
