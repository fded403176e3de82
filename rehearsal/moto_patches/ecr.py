"""ECR: real digests, and the first images of a repository."""

from __future__ import annotations

import hashlib
from typing import Any

from moto.ecr.models import ECRBackend, Image, Repository

from rehearsal import moto_images


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    digest_of_the_manifest()
    if config.get("images") != "none":
        seeded_repositories()


def digest_of_the_manifest() -> None:
    """Use the SHA-256 of the manifest as digest, because images are promoted and pulled by it.

    moto hashes the digests of the layers, or a random number below 100, so two images may share a digest.
    """

    def create_digest(self: Image) -> None:
        self._image_digest = f"sha256:{hashlib.sha256(self.image_manifest.encode()).hexdigest()}"

    Image._create_digest = create_digest


def seeded_repositories() -> None:
    """Push the sample service's images to every new repository, as CI would."""
    create = ECRBackend.create_repository

    def create_repository(self: ECRBackend, repository_name: str, *args: Any, **kwargs: Any) -> Repository:
        repository = create(self, repository_name, *args, **kwargs)
        moto_images.seed(self, repository_name)
        return repository

    ECRBackend.create_repository = create_repository
