# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Resolve the image of a release: a tag or digest in the environment's ECR repository, deployed by its digest."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
#: Prefix of the tags of images that are in a slot. The lifecycle policy of the registry keeps them.
IN_SLOT = "live-"
_SHOWN = 8
_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


@dataclass(frozen=True)
class Image:
    """An image. `reference` is the name that a slot runs."""

    reference: str
    tag: str
    digest: str


class ImageMissing(Refused):
    """The registry does not have the image. `push` holds the commands that push it."""

    def __init__(self, text: str, push: str) -> None:
        super().__init__(joined(text, push, by=" "))
        self.push = push


def check(tag: str, digest: str) -> None:
    """Raise Refused unless exactly one of tag and digest is given, and well-formed."""
    if bool(tag) == bool(digest):
        raise Refused(message("images.not_both" if tag else "images.name_one"))
    if tag and not TAG.fullmatch(tag):
        raise Refused(message("images.wrong_tag", tag=repr(tag)))
    if digest and not DIGEST.fullmatch(digest):
        raise Refused(message("images.wrong_digest", digest=repr(digest)))


def resolve(ecr: Any, repository: str, tag: str, digest: str) -> Image:
    """Look up an image in ECR, and return it with its digest.

    Exactly one of `tag` and `digest` is not empty. Raises Refused and ImageMissing.
    """
    check(tag, digest)
    uri = ""
    try:
        uri = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]["repositoryUri"]
        found = ecr.describe_images(
            repositoryName=repository, imageIds=[{"imageTag": tag} if tag else {"imageDigest": digest}]
        )["imageDetails"][0]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "RepositoryNotFoundException":
            raise Refused(message("images.no_repository", repository=repository)) from error
        if code == "ImageNotFoundException":
            known = ", ".join(_tags(ecr, repository)) or message("images.none_known")
            raise ImageMissing(
                message("images.missing", repository=repository, image=tag or digest, known=known),
                message("images.push", image=f"{uri}:{tag or '<tag>'}"),
            ) from error
        raise Refused(message("images.describe_failed", repository=repository, error=error)) from error
    except BotoCoreError as error:
        raise Refused(message("images.describe_failed", repository=repository, error=error)) from error
    return Image(f"{uri}@{found['imageDigest']}", tag or next(iter(_own(found)), ""), found["imageDigest"])


def as_given(repository: str, tag: str, digest: str) -> Image:
    """Return an image of another registry, which is not queried. Raises Refused."""
    check(tag, digest)
    return Image(f"{repository}:{tag}" if tag else f"{repository}@{digest}", tag, digest)


def tag_in_slot(ecr: Any, repository: str, digest: str, tag: str) -> None:
    """Move `tag`, which begins with IN_SLOT, to the image. Raises Refused."""
    which = {"repositoryName": repository}
    try:
        found = ecr.batch_get_image(
            imageIds=[{"imageDigest": digest}], acceptedMediaTypes=_MANIFESTS, **which
        )["images"]
        if not found:
            raise Refused(message("images.not_in_repository", repository=repository, digest=digest))
        media = {"imageManifestMediaType": kind} if (kind := found[0].get("imageManifestMediaType")) else {}
        ecr.put_image(
            imageManifest=found[0]["imageManifest"], imageDigest=digest, imageTag=tag, **media, **which
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ImageAlreadyExistsException":
            raise Refused(message("images.put_failed", tag=tag, error=error)) from error
    except BotoCoreError as error:
        raise Refused(message("images.put_failed", tag=tag, error=error)) from error


def config_name(workload: str, config: dict[str, str]) -> str:
    """Return the name of a configuration, which contains a hash of its values."""
    content = json.dumps(config, sort_keys=True).encode()
    return f"{workload}-{hashlib.sha256(content).hexdigest()[:10]}"


def _tags(ecr: Any, repository: str) -> list[str]:
    # ECR returns its pages in no order.
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=repository)
    try:
        images = pages.build_full_result()["imageDetails"]
    except (ClientError, BotoCoreError):
        return []
    images.sort(key=lambda image: str(image.get("imagePushedAt", "")), reverse=True)
    return [tag for image in images for tag in _own(image)][:_SHOWN]


def _own(image: dict[str, Any]) -> list[str]:
    """Return the tags under which an image was pushed."""
    return sorted(tag for tag in image.get("imageTags", []) if not tag.startswith(IN_SLOT))
