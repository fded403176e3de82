"""The base of the fake web services (Discord, SonarQube Cloud): readiness and injected faults.

    GET    /rehearsal/ready    200 as soon as the service answers
    GET    /rehearsal/faults   {"faults": number of pending faults}
    POST   /rehearsal/faults   {"kind": "slow|hang|error|refuse|rate_limit", "count", "seconds", "status"}
    DELETE /rehearsal/faults   remove all faults

A fault applies to the next `count` (1) requests to paths of the real service; paths below `/rehearsal/` never fail.
`slow` answers after `seconds` (1), `hang` does not answer until the client disconnects, `error` answers with `status`
(500), `refuse` breaks the connection, `rate_limit` answers 429 with `seconds` to wait.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections import deque
from typing import Any

from aiohttp import web

from rehearsal import config as settings

KINDS = ("slow", "hang", "error", "refuse", "rate_limit")
FAULTS: web.AppKey[deque[dict[str, Any]]] = web.AppKey("faults", deque)


def application() -> web.Application:
    """Return an application with the paths above. The fake service adds its own routes."""
    app = web.Application(middlewares=[_fail], client_max_size=32 * 1024**2)
    app[FAULTS] = deque()
    app.router.add_get("/rehearsal/ready", _ready)
    app.router.add_post("/rehearsal/faults", _add)
    app.router.add_get("/rehearsal/faults", _pending)
    app.router.add_delete("/rehearsal/faults", _clear)
    return app


def main(part: str, make: Any) -> None:
    """Serve the application `make(config)` at the port of `part` until it is stopped."""
    config = settings.from_arguments(part)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    web.run_app(make(config), host="127.0.0.1", port=config[part]["port"], print=None)


@web.middleware
async def _fail(request: web.Request, handler: Any) -> web.StreamResponse:
    faults = request.app[FAULTS]
    if request.path.startswith("/rehearsal/") or not faults:
        return await handler(request)
    fault = faults.popleft()
    print(f"{request.method} {request.path.rpartition('/')[0]}: injected fault: {fault}")
    match fault["kind"]:
        case "slow":
            await asyncio.sleep(fault["seconds"])
            return await handler(request)
        case "rate_limit":
            body = {
                "message": "You are being rate limited.",
                "retry_after": fault["seconds"],
                "global": False,
            }
            headers = {"Retry-After": str(math.ceil(fault["seconds"])), "X-RateLimit-Scope": "shared"}
            return web.json_response(body, status=429, headers=headers)
        case "hang" | "refuse":
            while fault["kind"] == "hang" and request.transport and not request.transport.is_closing():
                await asyncio.sleep(0.1)
            if request.transport:
                request.transport.abort()
            raise ConnectionResetError
    return web.json_response({"message": "injected fault", "code": 0}, status=fault["status"])


async def _ready(request: web.Request) -> web.Response:
    return web.Response(text="ready\n")


async def _pending(request: web.Request) -> web.Response:
    return web.json_response({"faults": len(request.app[FAULTS])})


async def _add(request: web.Request) -> web.Response:
    fault = {"count": 1, "seconds": 1.0, "status": 500, **await request.json()}
    if fault.get("kind") not in KINDS:
        raise web.HTTPBadRequest(text=f"kind {fault.get('kind')!r} is not one of {', '.join(KINDS)}\n")
    request.app[FAULTS].extend([fault] * int(fault["count"]))
    return web.json_response({"faults": len(request.app[FAULTS])})


async def _clear(request: web.Request) -> web.Response:
    request.app[FAULTS].clear()
    return web.json_response({"faults": 0})
