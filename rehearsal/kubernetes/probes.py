"""Runs probes and lifecycle hooks of containers."""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from typing import Any

from rehearsal.kubernetes import processes

Json = dict[str, Any]
_TIMED_OUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


def port_of(wanted: Any, container: Json) -> int:
    """Return a port by its number or by its name in the container. Raises ValueError."""
    if isinstance(wanted, int) or str(wanted).isdigit():
        return int(wanted)
    for port in container.get("ports") or []:
        if port.get("name") == wanted:
            return port["containerPort"]
    raise ValueError(f"couldn't find port: {wanted!r}")


async def ask(check: Json, container: Json, address: str, environment: dict[str, str]) -> str | None:
    """Run a probe once. Return the error; None after a success. gRPC is not supported."""
    seconds = float(check.get("timeoutSeconds", 1))
    if exec_ := check.get("exec"):
        return await _execute(exec_["command"], environment, seconds)
    try:
        if http := check.get("httpGet"):
            return await _get(http, container, address, seconds)
        if tcp := check.get("tcpSocket"):
            host, port = tcp.get("host", address), port_of(tcp["port"], container)
            async with asyncio.timeout(seconds):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return None
    except TimeoutError:
        return f"dial tcp {address}: i/o timeout"
    except OSError as e:
        return f"dial tcp {address}: connect: {_words(e)}"
    except ValueError as e:
        return str(e)
    return f"the emulator supports httpGet, tcpSocket and exec, not {sorted(check)}"


async def _get(http: Json, container: Json, address: str, seconds: float) -> str | None:
    host, port = http.get("host", address), port_of(http["port"], container)
    secure = http.get("scheme", "HTTP") == "HTTPS"
    path = "/" + http.get("path", "/").lstrip("/")
    headers = {
        "Host": f"{host}:{port}",
        "User-Agent": "kube-probe/1.33",
        "Accept": "*/*",
        "Connection": "close",
    }
    headers |= {h["name"]: h["value"] for h in http.get("httpHeaders") or []}
    head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    url = f"{'https' if secure else 'http'}://{host}:{port}{path}"
    context = (
        ssl._create_unverified_context() if secure else None
    )  # Like the kubelet, probes do not verify certificates.
    writer = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
            line = await reader.readline()
    except TimeoutError:
        return f'Get "{url}": {_TIMED_OUT}'
    except OSError as e:
        return f'Get "{url}": dial tcp {host}:{port}: connect: {_words(e)}'
    finally:
        if writer:
            writer.close()
    status = line.split(b" ")[1:2]
    if not status or not status[0].isdigit():
        return f'Get "{url}": EOF'
    code = int(status[0])
    return None if 200 <= code < 400 else f"HTTP probe failed with statuscode: {code}"


async def _execute(command: list[str], environment: dict[str, str], seconds: float) -> str | None:
    try:
        status, output = await processes.run(processes.program(command, []), environment, seconds)
    except TimeoutError:
        return f"command timed out: {' '.join(command)!r} timed out after {seconds:g}s"
    except OSError as e:
        return f"exec: {command[0]!r}: {_words(e)}"
    return None if status == 0 else output or f"command terminated with exit code {status}"


async def hook(
    action: Json, container: Json, address: str, environment: dict[str, str], seconds: float
) -> str | None:
    """Run a lifecycle hook: `sleep`, `exec` or `httpGet`. Return the error; None after a success."""
    if "sleep" in action:
        await asyncio.sleep(min(float(action["sleep"]["seconds"]), seconds))
        return None
    return await ask(action | {"timeoutSeconds": seconds}, container, address, environment)


def _words(e: OSError) -> str:
    number = errno.ECONNREFUSED if isinstance(e, ConnectionRefusedError) else e.errno
    return os.strerror(number).lower() if number else str(e)
