"""The client of the emulated AWS: clusters, images, callers of tokens, client environments."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import aiohttp

Json = dict[str, Any]
PLACEHOLDER = "placeholder"


class Image(NamedTuple):
    """An image. `behaviour` is that of the sample service, or PLACEHOLDER for an image that is not run.

    `program` is the recipe of the user's own program.
    """

    digest: str
    version: str
    behaviour: str
    program: Json | None = None


class ImageMissing(Exception):
    """The registry has no such image; the message is that of a container runtime."""


class AwsClient:
    """All methods raise aiohttp.ClientError if AWS does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def close(self) -> None:
        await self._session.close()

    async def clusters(self) -> list[Json]:
        """Return the clusters in the format of `rehearsal.moto_clusters.clusters`."""
        async with self._session.get(f"{self._url}/rehearsal/clusters") as response:
            response.raise_for_status()
            return (await response.json())["clusters"]

    async def caller(self, url: str, cluster: str) -> str | None:
        """Return the ARN of the caller of a presigned GetCallerIdentity; None if STS refuses it."""
        query = {"url": url, "cluster": cluster}
        async with self._session.get(f"{self._url}/rehearsal/caller", params=query) as response:
            if response.status in (400, 403):
                return None
            response.raise_for_status()
            return (await response.json())["arn"]

    async def client_environment(
        self, cluster: str, namespace: str, service_account: str, text: str
    ) -> dict[str, str]:
        """Return the variables with which a pod's process reaches AWS and databases."""
        return (await self.client(cluster, namespace, service_account, text))["environment"]

    async def client(self, cluster: str, namespace: str, service_account: str, text: str) -> Json:
        """Return `{"environment", "database"}`, see `rehearsal.client_environment`.

        `text` holds the command of the process and the values of its environment.
        """
        asked = {
            "cluster": cluster,
            "namespace": namespace,
            "service_account": service_account,
            "text": text,
        }
        async with self._session.post(f"{self._url}/rehearsal/client-environment", json=asked) as response:
            response.raise_for_status()
            return await response.json()

    async def image(self, reference: str) -> Image:
        """Return an image: from ECR if the reference names it, otherwise one with the behaviour PLACEHOLDER."""
        host = reference.partition("/")[0]
        if ".dkr.ecr." not in host:
            if host.endswith(".invalid"):
                raise ImageMissing(
                    f'failed to resolve reference "{reference}": dial tcp: lookup {host}: no such host'
                )
            return Image("sha256:" + hashlib.sha256(reference.encode()).hexdigest(), "", PLACEHOLDER)
        async with self._session.get(f"{self._url}/rehearsal/images", params={"ref": reference}) as response:
            if response.status == 404:
                raise ImageMissing(
                    f'rpc error: code = NotFound desc = failed to pull and unpack image "{reference}":'
                    f' failed to resolve reference "{reference}": {reference}: not found'
                )
            response.raise_for_status()
            found = await response.json()
        return Image(found["digest"], found["version"], found["behaviour"], found.get("program"))
