"""Injected faults of the API: refused connections, delays, pauses, conflicts, errors."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from rehearsal.kubernetes.errors import MODIFIED, ApiError, bad_request

Json = dict[str, Any]
MODES = ("refuse", "slow", "pause", "conflict", "error")
WRITES = ("POST", "PUT", "PATCH", "DELETE")
SLOW_SECONDS = 3.0


class Faults:
    """Faults `{"mode", "seconds" | "count", "path_prefix", "delay"}`; the first matching fault applies.

    `refuse` cuts the connection, `slow` waits `delay` seconds first, `pause` answers after its `seconds` have passed
    (like a process that was stopped and continued), `conflict` answers writes with 409, `error` answers all requests
    with 500. `path_prefix` is compared with the path after `/clusters/<name>`.
    """

    def __init__(self) -> None:
        self.ordered: list[Json] = []

    def add(self, fault: Any) -> None:
        """Add a fault. Raises ApiError 400."""
        if not isinstance(fault, dict) or fault.get("mode") not in MODES:
            raise bad_request(f"a fault is an object with a mode: one of {', '.join(MODES)}")
        if unknown := set(fault) - {"mode", "seconds", "count", "path_prefix", "delay"}:
            raise bad_request(f"a fault has no {', '.join(sorted(unknown))}")
        if fault["mode"] == "pause" and "seconds" not in fault:
            raise bad_request("the fault pause needs seconds")
        ends = time.monotonic() + float(fault["seconds"]) if "seconds" in fault else float("inf")
        left = int(fault["count"]) if "count" in fault else (1 << 30 if "seconds" in fault else 1)
        self.ordered.append(fault | {"ends": ends, "left": left})

    async def apply(self, request: web.Request, path: str) -> None:
        """Apply the fault for this request, if any. Raises ApiError, also after it has cut the connection."""
        fault = self._take(request.method, path)
        if fault is None:
            return
        match fault["mode"]:
            case "refuse":
                if request.transport:
                    request.transport.abort()
                raise ApiError(503, "ServiceUnavailable", "the connection was cut")
            case "slow":
                await asyncio.sleep(float(fault.get("delay", SLOW_SECONDS)))
            case "pause":
                await asyncio.sleep(max(0.0, fault["ends"] - time.monotonic()))
            case "conflict":
                raise ApiError(409, "Conflict", f"Operation cannot be fulfilled: {MODIFIED}")
            case "error":
                raise ApiError(500, "InternalError", "Internal error occurred: injected fault")

    def _take(self, method: str, path: str) -> Json | None:
        now = time.monotonic()
        self.ordered = [f for f in self.ordered if f["ends"] > now and f["left"] > 0]
        for fault in self.ordered:
            fits = path.startswith(fault.get("path_prefix", ""))
            if fits and (fault["mode"] != "conflict" or method in WRITES):
                fault["left"] -= 1
                return fault
        return None
