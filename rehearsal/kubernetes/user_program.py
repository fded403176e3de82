"""The environment, folders, port and memory limit of the user's own program in a container."""

from __future__ import annotations

import asyncio
import urllib.parse
from pathlib import Path
from typing import Any

import aiohttp

from rehearsal import programs
from rehearsal.kubernetes.pod_context import PodContext
from rehearsal.kubernetes.quantities import amount

Json = dict[str, Any]


async def environment(pod: PodContext, spec: Json, program: Json, given: dict[str, str]) -> dict[str, str]:
    """Return the environment of a program; `given` comes from the container's specification."""
    scratch = pod.folder / "tmp"
    scratch.mkdir(exist_ok=True)
    server = urllib.parse.urlsplit(pod.settings.url)
    given = {
        "HOSTNAME": pod.object["metadata"]["name"],
        # Spring Boot detects Kubernetes by these variables, and then offers the probes.
        "KUBERNETES_SERVICE_HOST": server.hostname or "",
        "KUBERNETES_SERVICE_PORT": str(server.port or 443),
    } | given
    words = [*(spec.get("command") or []), *(spec.get("args") or []), *given.values()]
    while True:
        try:
            aws = await pod.cluster.aws.client_environment(
                pod.cluster.name,
                pod.object["metadata"]["namespace"],
                pod.spec.get("serviceAccountName") or "default",
                "\n".join(words),
            )
            break
        except (aiohttp.ClientError, TimeoutError):
            await asyncio.sleep(pod.settings.first_backoff)
    return programs.environment(program, given, pod.address, aws, scratch, memory_limit(spec))


def directory(pod: PodContext, program: Json) -> Path:
    """Return the working directory: of a command, where it was pushed; of a jar, the pod's folder."""
    return Path(program.get("directory") or pod.folder)


def memory_limit(spec: Json) -> float | None:
    """Return the memory limit of a container in bytes; None without a limit."""
    limit = ((spec.get("resources") or {}).get("limits") or {}).get("memory")
    return amount(limit) if limit else None


def port(spec: Json) -> int:
    """Return the container's first port, which replaces `{port}` in a command."""
    ports = spec.get("ports") or []
    return ports[0]["containerPort"] if ports else programs.PORT
