"""Runs containers of two public images with local programs: the AWS CLI and PostgreSQL's client.

Only containers of a pod that names a database of the emulator are run, with the variables of
`rehearsal.client_environment`. An emptyDir is a folder of the pod; its mount path is replaced in arguments and in
values of the environment.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import aiohttp

from rehearsal import postgres
from rehearsal.kubernetes import processes
from rehearsal.kubernetes.pod_context import PodContext

Json = dict[str, Any]
IMAGES = ("aws-cli/aws-cli", "library/postgres")
"""The ends of the images' repositories."""
TOOLS = Path(__file__).with_name("tools")


def path() -> str:
    """Return the PATH for these containers."""
    folders = [TOOLS, postgres.binaries(), Path(sys.executable).parent, os.environ.get("PATH", "")]
    return os.pathsep.join(str(folder) for folder in folders if folder)


def is_tool(image: str) -> bool:
    """Return whether an image can be run by a local program. All programs have to be installed."""
    repository = image.partition("@")[0].rpartition(":")[0]
    return (
        any(repository.endswith(f"/{name}") for name in IMAGES)
        and importlib.util.find_spec("awscli") is not None
        and shutil.which("psql", path=path()) is not None
    )


async def client_environment(pod: PodContext, spec: Json) -> dict[str, str] | None:
    """Return the environment of a container that is run by a local program; None for any other container."""
    if not is_tool(spec["image"]):
        return None
    meta, account = pod.object["metadata"], pod.spec.get("serviceAccountName", "default")
    try:
        found = await pod.cluster.aws.client(
            pod.cluster.name, meta["namespace"], account, json.dumps(pod.spec)
        )
    except (aiohttp.ClientError, TimeoutError):
        return None
    return {**found["environment"], "PATH": path()} if found.get("database") else None


def placed(pod: PodContext, spec: Json, values: dict[str, str]) -> dict[str, str]:
    """Return an environment in which the mount paths of emptyDirs are replaced by folders of the pod."""
    return {name: _place(pod, spec, value) for name, value in values.items()}


def program(pod: PodContext, spec: Json, words: list[str]) -> list[str]:
    """Return the command line for this machine."""
    return processes.program([_place(pod, spec, word) for word in words], [])


def clear(pod: PodContext) -> None:
    """Delete the pod's emptyDirs, which hold passwords."""
    shutil.rmtree(pod.folder / "volumes", ignore_errors=True)


def _place(pod: PodContext, spec: Json, text: str) -> str:
    empty = [volume["name"] for volume in pod.spec.get("volumes") or [] if "emptyDir" in volume]
    for mount in spec.get("volumeMounts") or []:
        inside = text == mount["mountPath"] or text.startswith(f"{mount['mountPath']}/")
        if mount["name"] in empty and inside:
            folder = pod.folder / "volumes" / mount["name"]
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return f"{folder}{text.removeprefix(mount['mountPath'])}"
    return text
