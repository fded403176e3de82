"""What a container gives the user's own program: environment, folders, port, limit."""

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
    """Return the environment of a program; `given` is what the container's specification says."""
    scratch = pod.folder / "tmp"
    scratch.mkdir(exist_ok=True)
    server = urllib.parse.urlsplit(pod.settings.url)
    given = {
        "HOSTNAME": pod.object["metadata"]["name"],
        # By these, Spring Boot knows that it runs in Kubernetes, and offers the probes.
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
    """Return where the program is run: a command where it was pushed, a jar in the pod's own folder."""
    return Path(program.get("directory") or pod.folder)


def memory_limit(spec: Json) -> float | None:
    """Return a container's memory limit in bytes, None for none."""
    limit = ((spec.get("resources") or {}).get("limits") or {}).get("memory")
    return amount(limit) if limit else None


def port(spec: Json) -> int:
    """Return the container's first port, which `{port}` is in a command."""
    ports = spec.get("ports") or []
    return ports[0]["containerPort"] if ports else programs.PORT
