"""AWS: moto's server with the patches of `rehearsal.moto_patches`, as a separate process.

A small WSGI application in front of moto records every call, injects ordered faults, refuses requests that AWS's API
models forbid (`rehearsal.request_limits`), and serves the emulator's own paths:

    GET  /rehearsal/ready
    GET  /rehearsal/calls?since=N       the calls after number N
    GET  /rehearsal/faults              the faults that are still ordered
    POST /rehearsal/faults              order a fault: `rehearsal.aws_calls.Fault`
    DELETE /rehearsal/faults            remove all faults
    GET  /rehearsal/images?ref=IMAGE    version, behaviour and digest of an image; 404 if it cannot be pulled
    POST /rehearsal/images              push an image: tag, repository, version, behaviour
    GET  /rehearsal/nodes               the instances of the node groups
    GET  /rehearsal/clusters            EKS clusters, their access entries and nodes: `rehearsal.moto_clusters`
    GET  /rehearsal/caller?url=URL&cluster=NAME   the owner of a token: `rehearsal.moto_clusters`
    GET  /rehearsal/instances           the addresses of the instances that run the service: id → address
    GET  /rehearsal/databases           the addresses of the databases; waits until all servers are up
    POST /rehearsal/client-environment  the variables for a process of a pod or instance
    GET  /rehearsal/service-instances   the instances that run the service, for `rehearsal.instances`
    POST /rehearsal/console             append text to the console of an instance
    and the paths of `rehearsal.moto_load_balancers`
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rehearsal import config as settings
from rehearsal.http_errors import HttpError

Handler = Callable[[dict[str, str], dict[str, Any]], Any]
"""Handles one of the emulator's own paths: takes query and JSON body, returns the JSON answer. Raises HttpError."""


def main() -> None:
    """Serve until SIGTERM."""
    config = settings.from_arguments("aws")
    os.environ.update(environment(config))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)

    from moto.backends import get_backend
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import run_simple

    # moto needs seconds to load AWS's managed policies: do so before the server is ready, not in the first call.
    get_backend("iam")[config["account"]]["aws"]
    port = config["aws"]["port"]
    front = application(config)
    signal.signal(signal.SIGTERM, _exit)
    try:
        run_simple("127.0.0.1", port, front, threaded=True, request_handler=MotoRequestHandler)
    finally:
        if servers := config["database_servers"]:
            servers.close()


def _exit(*_: Any) -> None:
    """Exit by an exception on SIGTERM, so that the databases are stopped too."""
    raise SystemExit(0)


def environment(config: dict[str, Any]) -> dict[str, str]:
    """Return moto's settings, which have to be set before moto is imported."""
    return {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_PORT": str(config["aws"]["port"])}


def application(config: dict[str, Any]) -> Frontend:
    """Return the WSGI application: patched moto, and the emulator's own paths."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from rehearsal import (
        client_environment,
        lambda_functions,
        moto_clusters,
        moto_images,
        moto_instances,
        moto_load_balancers,
        moto_patches,
    )

    moto_patches.apply(config)
    service_instances = moto_instances.ServiceInstances(config["subnet"])
    http_apis = lambda_functions.HttpApis(lambda_functions.Runner(config))
    front = Frontend(
        DomainDispatcherApplication(create_backend_app), moto_load_balancers.application, http_apis
    )
    front.authority = Path(config["ca"]["cert_file"])
    front.routes |= {
        ("GET", "images"): moto_images.lookup,
        ("POST", "images"): moto_images.receive(config),
        ("GET", "nodes"): moto_instances.nodes,
        ("GET", "clusters"): moto_clusters.clusters,
        ("GET", "caller"): moto_clusters.caller,
        ("GET", "instances"): service_instances.addresses,
        ("GET", "service-instances"): service_instances.described,
        ("POST", "console"): service_instances.console,
    }
    servers = config["database_servers"]
    front.routes |= {
        ("GET", "databases"): servers.described if servers else lambda query, body: {"databases": []},
        ("POST", "client-environment"): client_environment.handler(config, servers),
    }
    return front


BALANCER_PATHS = ("/rehearsal/load-balancers", "/rehearsal/target-health", "/rehearsal/metrics")


class Frontend:
    """The frontend of moto. It runs one call to moto at a time, because moto's backends are not thread-safe."""

    def __init__(self, moto: Any, balancer_paths: Any, http_apis: Any) -> None:
        from rehearsal import aws_calls, request_limits

        self._calls = aws_calls
        self._limits = request_limits
        self._moto = moto
        self._balancer_paths = balancer_paths
        self._http_apis = http_apis
        self._one_at_a_time = threading.RLock()
        self.authority: Path | None = None
        """The certificate authority of the database servers."""
        self.record = aws_calls.Record()
        self.faults = aws_calls.Faults()
        self.routes: dict[tuple[str, str], Handler] = {
            ("GET", "ready"): lambda query, body: {"ready": True},
            ("GET", "calls"): lambda query, body: {"calls": self.record.since(int(query.get("since", 0)))},
            ("GET", "faults"): lambda query, body: {"faults": [asdict(f) for f in self.faults.ordered]},
            ("POST", "faults"): self._order,
            ("DELETE", "faults"): lambda query, body: {"forgotten": self.faults.ordered.clear()},
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if ".execute-api." in environ.get("HTTP_HOST", ""):
            return self._http_apis(environ, start_response)
        if environ.get("HTTP_HOST", "").startswith("truststore.pki.rds."):
            return self._certificates(path, start_response)
        if path in BALANCER_PATHS:
            return self._balancer_paths(environ, start_response)
        if path.startswith("/rehearsal/"):
            return self._own(path.removeprefix("/rehearsal/"), environ, start_response)
        body = _read(environ)
        if path.startswith("/moto-api"):
            return self._moto(environ, start_response)
        return self._aws(environ, body, start_response)

    def _aws(self, environ: dict[str, Any], body: bytes, start_response: Any) -> Iterable[bytes]:
        begun = time.monotonic()
        host = (
            self._moto.infer_service_region_host(environ, environ["PATH_INFO"])
            or "s3.us-east-1.amazonaws.com"
        )
        environ["wsgi.input"] = io.BytesIO(body)
        call = self._calls.identify(self._moto.get_backend_for_host(host), environ, body)
        environ["wsgi.input"] = io.BytesIO(body)
        asked = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']} {body.decode(errors='replace')}"
        fault = self.faults.take(call, asked)
        if fault and fault.delay:
            time.sleep(fault.delay)
        error = (fault.status, fault.code, fault.message) if fault and fault.code else None
        if error is None and (refused := self._limits.refusal(call, environ)):
            error = 400, *refused
        environ["wsgi.input"] = io.BytesIO(body)
        if error:
            status, code, message = error
            kind = environ.get("CONTENT_TYPE", "")
            headers, text = self._calls.error(call.service, call.operation, kind, code, message)
            start_response(f"{status} Refused", [*headers.items(), ("Content-Length", str(len(text)))])
            self.record.add(call, status, time.monotonic() - begun)
            return [text]
        answered: list[int] = []

        def begin(status: str, headers: Any, exc_info: Any = None) -> Any:
            answered[:] = [int(status.split()[0])]
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        # No lock for Lambda invocations: the function may call AWS itself.
        turn = contextlib.nullcontext() if call.operation == "Invoke" else self._one_at_a_time
        try:
            with turn:
                return self._moto(environ, begin)
        finally:
            self.record.add(call, answered[0] if answered else 500, time.monotonic() - begun)

    def _certificates(self, path: str, start_response: Any) -> list[bytes]:
        """Answer as the host where AWS publishes the certificate authorities of RDS, one bundle per region."""
        region = path.strip("/").partition("/")[0]
        if self.authority is None or path != f"/{region}/{region}-bundle.pem":
            start_response("403 Forbidden", [("Content-Length", "0")])
            return []
        text = self.authority.read_bytes()
        start_response(
            "200 OK", [("Content-Type", "binary/octet-stream"), ("Content-Length", str(len(text)))]
        )
        return [text]

    def _own(self, name: str, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        from werkzeug.wrappers import Request

        request = Request(environ)
        handler = self.routes.get((request.method, name))
        try:
            if handler is None:
                raise HttpError(404, f"the emulator has no {request.method} /rehearsal/{name}")
            body = request.get_json(force=True) if request.method == "POST" else {}
            status, answer = 200, handler(dict(request.args), body)
        except HttpError as e:
            status, answer = e.status, {"error": str(e)}
        except (TypeError, ValueError, KeyError) as e:
            status, answer = 400, {"error": f"{type(e).__name__}: {e}"}
        text = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(text)))]
        start_response(f"{status} {'OK' if status == 200 else 'Refused'}", headers)
        return [text]

    def _order(self, query: dict[str, str], body: dict[str, Any]) -> Any:
        fault = self._calls.Fault(**body)
        self.faults.ordered.append(fault)
        return {"ordered": asdict(fault)}


def _read(environ: dict[str, Any]) -> bytes:
    """Read the request's body, and leave `environ` so that the body can be read again."""
    length = environ.get("CONTENT_LENGTH")
    stream = environ["wsgi.input"]
    body = (
        stream.read(int(length)) if length else stream.read() if environ.get("wsgi.input_terminated") else b""
    )
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return body


if __name__ == "__main__":
    main()
