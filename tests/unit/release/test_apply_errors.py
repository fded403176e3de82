"""What a failed task of kubernetes.core means: try again, or stop. The results are those of version 6.2."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.slots.apply_errors import STALE, error_of
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import Unreachable


def refused(code: int, message: str, reason: str) -> dict[str, Any]:
    body = f'{{"kind":"Status","status":"Failure","message":"{message}","reason":"x","details":{{}},"code":{code}}}'
    return {"msg": f"Failed to apply object: {body}", "reason": reason}


@pytest.mark.parametrize(
    "result",
    [
        refused(401, "Unauthorized", "Unauthorized"),
        refused(429, "too many requests", "Too Many Requests"),
        refused(500, "Internal error occurred", "Internal Server Error"),
        refused(503, "apiserver is shutting down", ""),
        {"msg": "Failed to retrieve requested object: upstream request timeout", "reason": "Gateway Timeout"},
        {"msg": "Task failed: Module failed: (502)\nReason: Bad Gateway\nHTTP response headers: {}"},
        {"msg": "Task failed: Timed out after 20 second(s)."},
        {
            "msg": "Task failed: Module failed: Value of unknown type: <class 'urllib3.exceptions.NewConnectionError'>, "
            "HTTPSConnection(host='127.0.0.1', port=35761): Failed to establish a new connection: [Errno 111] refused"
        },
        {
            "msg": "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"
        },
        {"msg": "Failed to find exact match for v1.Service by [kind, name, singularName, shortNames]"},
        {"msg": f"Finalization of task args for 'kubernetes.core.k8s' failed: {STALE}"},
    ],
    ids=lambda result: result["msg"][-40:],
)
def test_temporary_errors_are_retried(result: dict[str, Any]) -> None:
    assert isinstance(error_of(result), Unreachable)


@pytest.mark.parametrize(
    ("result", "status", "cause"),
    [
        (refused(403, "services is forbidden: cannot patch resource", "Forbidden"), 403, "rights"),
        (
            refused(422, "Service is invalid: spec.ports[0].nodePort", "Unprocessable Entity"),
            422,
            "manifests",
        ),
        (refused(404, "namespaces not found", "Not Found"), 404, "manifests"),
        ({"msg": "Failed to apply object: <html>", "reason": "Forbidden"}, 403, "manifests"),
        ({"msg": "Failed to import the required Python library (kubernetes)"}, 400, ""),
        ({"msg": "eks:DescribeCluster failed for cluster 'x': AccessDenied"}, 400, ""),
        ({}, 400, ""),
    ],
)
def test_permanent_errors_are_not_retried(result: dict[str, Any], status: int, cause: str) -> None:
    error = error_of(result)
    assert not isinstance(error, Unreachable)
    assert (error.status, error.cause) == (status, cause)


def test_message_is_the_one_of_the_api() -> None:
    assert str(error_of(refused(422, "Service x is invalid", "Invalid"))) == (
        "Failed to apply object: Service x is invalid"
    )
    assert str(error_of({"msg": "", "reason": "Forbidden"})) == "Forbidden"
    assert len(str(error_of({"msg": "x" * 5000}))) == 1000
