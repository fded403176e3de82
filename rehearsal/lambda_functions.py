"""Runs deployed Lambda functions, also for HTTP APIs of API Gateway.

Each invocation unpacks the function's package and runs it with this machine's Python in a new process. Layers, images,
other languages and memory limits are not supported. The function's AWS calls reach the emulator. An HTTP API is found
by its host name; its routes, integrations and permissions are those in moto. A route with an authorizer requires a
signature or a bearer token, but does not verify it.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from moto.apigatewayv2.models import Api, Route, apigatewayv2_backends
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaFunction, lambda_backends
from werkzeug.wrappers import Request, Response

HOST = ".execute-api."

BOOTSTRAP = """
import importlib, json, os, sys, types
sys.path.insert(0, os.getcwd())
asked = json.load(sys.stdin)
context = types.SimpleNamespace(**asked["context"])
context.get_remaining_time_in_millis = lambda: asked["context"]["timeout"] * 1000
module, _, name = asked["handler"].rpartition(".")
try:
    handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    answer = {"payload": handler(asked["event"], context)}
except Exception as e:
    import traceback
    traceback.print_exc()
    answer = {"errorMessage": str(e), "errorType": type(e).__name__}
os.write(int(sys.argv[1]), json.dumps(answer).encode())
"""


class Done(NamedTuple):
    """The result of an invocation: the payload as JSON, whether it failed, and its output."""

    payload: str
    failed: bool
    log: str


class Runner:
    """Runs functions: `runner(function, event)`."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._packages = Path(config["home"]) / "functions"
        self._packages.mkdir(exist_ok=True)
        self._environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": config["aws"]["url"],
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
        }

    def __call__(self, function: LambdaFunction, event: Any) -> Done:
        """Invoke a function. An exception, a timeout and a runtime other than Python make it a failure."""
        if not (function.run_time or "").startswith("python"):
            return _failed("Runtime.NotHere", f"the emulator runs Python functions, not {function.run_time}")
        asked = {
            "event": event,
            "handler": function.handler,
            "context": {
                "function_name": function.function_name,
                "function_version": str(function.version),
                "invoked_function_arn": function.function_arn,
                "memory_limit_in_mb": str(function.memory_size),
                "aws_request_id": str(uuid.uuid4()),
                "log_group_name": function.logs_group_name,
                "timeout": function.timeout,
            },
        }
        read, write = os.pipe()
        with os.fdopen(read) as answers:
            process = subprocess.Popen(
                [sys.executable, "-c", BOOTSTRAP, str(write)],
                cwd=self._unpacked(function),
                env=self._environment
                | {
                    "AWS_REGION": function.region,
                    "AWS_DEFAULT_REGION": function.region,
                    "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
                    "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
                }
                | function.environment_vars,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[write],
                text=True,
            )
            os.close(write)
            try:
                log, _ = process.communicate(json.dumps(asked), timeout=float(function.timeout))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return _failed("Sandbox.Timedout", f"Task timed out after {function.timeout} seconds")
            text = answers.read()
        if not text:
            return _failed("Runtime.ExitError", f"Runtime exited with status {process.returncode}", log)
        answer = json.loads(text)
        if "errorType" in answer:
            return Done(text, True, log)
        return Done(json.dumps(answer["payload"]), False, log)

    def _unpacked(self, function: LambdaFunction) -> Path:
        folder = self._packages / function.code_sha_256.translate(str.maketrans("/+=", "_-_"))
        if not folder.exists():
            new = Path(tempfile.mkdtemp(dir=self._packages))
            zipfile.ZipFile(io.BytesIO(function.code_bytes)).extractall(new)
            with contextlib.suppress(OSError):  # A concurrent invocation has created the folder.
                new.rename(folder)
        return folder


def _failed(kind: str, message: str, log: str = "") -> Done:
    return Done(json.dumps({"errorType": kind, "errorMessage": message}), True, log)


class HttpApis:
    """The HTTP APIs of API Gateway, as a WSGI application for their host names."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        request = Request(environ)
        try:
            status, headers, body = self._answer(request)
        except _Refused as e:
            status, headers, body = (
                e.status,
                {"content-type": "application/json"},
                json.dumps(e.body).encode(),
            )
        return Response(body, status, headers)(environ, start_response)

    def _answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        account, region, api = _api(request.host)
        if "$default" not in api.stages:
            raise _Refused(404, "Not Found")
        route, parameters = _route(api, request.method, request.path)
        authorization = request.headers.get("Authorization", "")
        if route.authorization_type == "AWS_IAM" and not authorization.startswith("AWS4-HMAC-SHA256 "):
            raise _Refused(403, "Forbidden")
        if route.authorization_type == "JWT" and not authorization.lower().startswith("bearer "):
            raise _Refused(401, "Unauthorized")
        function = _function(account, region, api, route)
        done = self._run(function, _event(request, api, route, parameters, account))
        return _response(done)


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"message": message}


def _api(host: str) -> tuple[str, str, Api]:
    api_id = host.partition(".")[0]
    for account, regions in list(apigatewayv2_backends.items()):
        for region, backend in list(regions.items()):
            if api := backend.apis.get(api_id):
                return account, region, api
    raise _Refused(403, "Forbidden")  # API Gateway's answer to any unknown host name.


def _route(api: Api, method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request: the one with the most literal segments; a method takes precedence over ANY."""
    best: tuple[tuple[int, int, int], Route, dict[str, str]] | None = None
    for route in list(api.routes.values()):
        if route.route_key == "$default":
            rank, parameters = (-1, 0, 0), {}
        else:
            of, _, template = route.route_key.partition(" ")
            matched = _matched(template, path) if of in (method, "ANY") else None
            if matched is None:
                continue
            parameters, literal = matched
            rank = (literal, -int("+}" in template), int(of == method))
        if best is None or rank > best[0]:
            best = rank, route, parameters
    if best is None:
        raise _Refused(404, "Not Found")
    return best[1], best[2]


def _matched(template: str, path: str) -> tuple[dict[str, str], int] | None:
    """Return the path parameters and the number of literal segments; None if the path does not match."""
    parts, literal, parameters = path.strip("/").split("/"), 0, {}
    wanted = template.strip("/").split("/")
    for n, part in enumerate(wanted):
        if part.endswith("+}") and n < len(parts) and parts[n]:
            return parameters | {part[1:-2]: "/".join(parts[n:])}, literal
        if n >= len(parts):
            return None
        if part.startswith("{"):
            parameters[part[1:-1]] = parts[n]
        elif part == parts[n]:
            literal += 1
        else:
            return None
    return (parameters, literal) if len(parts) == len(wanted) else None


def _function(account: str, region: str, api: Api, route: Route) -> LambdaFunction:
    """Return the function of a route. Without a permission for API Gateway the answer is 500, as on AWS."""
    integration = api.integrations.get((route.target or "").removeprefix("integrations/"))
    if integration is None:
        raise _Refused(500, "Internal Server Error")
    arn = integration.integration_uri
    if "/functions/" in arn:
        arn = arn.partition("/functions/")[2].removesuffix("/invocations")
    name, _, qualifier = arn.partition(":function:")[2].partition(":")
    try:
        function = lambda_backends[account][region].get_function(name, qualifier or None)
    except UnknownFunctionException:
        raise _Refused(500, "Internal Server Error") from None
    if not any(_allows(statement, arn) for statement in _statements(account, region, name)):
        raise _Refused(500, "Internal Server Error")
    return function


def _statements(account: str, region: str, name: str) -> Iterator[dict[str, Any]]:
    backend = lambda_backends[account][region]
    versions = [*backend.list_versions_by_function(name), *backend.list_aliases(name)]
    for version in versions:
        if policy := getattr(version, "policy", None):
            yield from policy.statements


def _allows(statement: dict[str, Any], arn: str) -> bool:
    principal = statement.get("Principal")
    service = principal.get("Service") if isinstance(principal, dict) else principal
    return service == "apigateway.amazonaws.com" and statement.get("Resource") == arn


def _event(request: Request, api: Api, route: Route, parameters: dict[str, str], account: str) -> Any:
    """Return an event in payload format 2.0."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name.lower()] = value
    event = {
        "version": "2.0",
        "routeKey": route.route_key,
        "rawPath": request.path,
        "rawQueryString": request.query_string.decode(),
        "headers": headers,
        "requestContext": {
            "accountId": account,
            "apiId": api.api_id,
            "domainName": request.host,
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.remote_addr or "127.0.0.1",
                "userAgent": request.headers.get("User-Agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": route.route_key,
            "stage": "$default",
            "timeEpoch": int(time.time() * 1000),
        },
        "isBase64Encoded": False,
    }
    if query := {name: ",".join(request.args.getlist(name)) for name in request.args}:
        event["queryStringParameters"] = query
    if parameters:
        event["pathParameters"] = parameters
    if body := request.get_data():
        try:
            event["body"] = body.decode()
        except UnicodeDecodeError:
            event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return event


def _response(done: Done) -> tuple[int, dict[str, str], bytes]:
    """Convert the function's result by the rules of payload format 2.0."""
    if done.failed:
        raise _Refused(500, "Internal Server Error")
    answer = json.loads(done.payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return 200, {"content-type": "application/json"}, done.payload.encode()
    body = answer.get("body") or ""
    text = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
    headers = {"content-type": "text/plain;charset=UTF-8"} | {
        name.lower(): str(value) for name, value in (answer.get("headers") or {}).items()
    }
    return int(answer["statusCode"]), headers, text
