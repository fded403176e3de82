"""ECR: real digests, and images to begin with."""

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
    """moto hashes the layers' digests (or a random number under 100): two images may have one digest. It is
    the SHA-256 of the manifest, by which images are promoted and pulled."""

    def create_digest(self: Image) -> None:
        self._image_digest = f"sha256:{hashlib.sha256(self.image_manifest.encode()).hexdigest()}"

    Image._create_digest = create_digest


def seeded_repositories() -> None:
    """A new repository gets the sample service's images at once, as the team's CI would have pushed them."""
    create = ECRBackend.create_repository

    def create_repository(self: ECRBackend, repository_name: str, *args: Any, **kwargs: Any) -> Repository:
        repository = create(self, repository_name, *args, **kwargs)
        moto_images.seed(self, repository_name)
        return repository

    ECRBackend.create_repository = create_repository
