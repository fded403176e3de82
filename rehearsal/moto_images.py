"""The container images in moto's ECR: pushing and looking them up.

An image is a manifest, and its digest is the real one: the SHA-256 of the manifest. Annotations hold the version and
the behaviour of the sample service. There are no layers to pull.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecr.models import ECRBackend, Image, ecr_backends

from rehearsal.http_errors import HttpError

VERSION, BEHAVIOUR = "org.opencontainers.image.version", "teal.rehearsal.behaviour"
PROGRAM = "teal.rehearsal.program"
"""The annotation with the recipe of the user's own service, see `rehearsal.programs`."""
BEHAVIOURS = ("ok", "crash", "never-ready", "error", "slow", "wrong-version", "dies")
REFERENCE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>[a-z0-9._/-]+)"
    r"(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
SEEDS = dict.fromkeys(("1.0.0", "1.1.0", "1.2.0"), "ok") | {name: name for name in BEHAVIOURS[1:]}
"""The images in a new registry, as if CI had pushed them: tag → behaviour."""


def manifest(version: str, behaviour: str, program: dict[str, Any] | None = None) -> str:
    """Return the manifest of an image: the same for the same version, behaviour and program."""
    own = {"program": program} if program else {}
    config = json.dumps({"version": version, "behaviour": behaviour} | own).encode()
    layer = hashlib.sha256(b"layer of " + config).hexdigest()
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": f"sha256:{hashlib.sha256(config).hexdigest()}",
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": f"sha256:{layer}",
                    "size": 48_000_000,
                }
            ],
            "annotations": {VERSION: version, BEHAVIOUR: behaviour}
            | ({PROGRAM: json.dumps(program)} if program else {}),
        }
    )


def push(
    backend: ECRBackend,
    repository: str,
    tag: str,
    version: str,
    behaviour: str,
    program: dict[str, Any] | None = None,
) -> str:
    """Push an image and return its digest. Raises moto's exceptions: no such repository, immutable tag."""
    text = manifest(version, behaviour, program)
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    backend.put_image(repository, text, tag, digest=digest)
    return digest


def seed(backend: ECRBackend, repository: str) -> None:
    """Push the images of a new registry."""
    for tag, behaviour in SEEDS.items():
        push(backend, repository, tag, tag, behaviour)


def find(reference: str) -> dict[str, Any]:
    """Return `{"version", "behaviour", "digest"}` of an image, and "program" if it has one.

    Raises HttpError if the image cannot be pulled.
    """
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise HttpError(404, f"{reference}: not an image in ECR; the emulator has no other registry")
    parts = match.groupdict()
    repository = ecr_backends[parts["account"]][parts["region"]].repositories.get(parts["repository"])
    if repository is None:
        raise HttpError(404, f"{reference}: no repository {parts['repository']} in {parts['region']}")
    for image in repository.images:
        if parts["digest"] in (None, image.get_image_digest()) and (
            parts["digest"] or (parts["tag"] or "latest") in image.image_tags
        ):
            return {**_annotations_of(image), "digest": image.get_image_digest()}
    raise HttpError(404, f"{reference}: not found")


def lookup(query: dict[str, str], body: Any) -> dict[str, Any]:
    """GET /rehearsal/images?ref=IMAGE"""
    return find(query["ref"])


def receive(config: dict[str, Any]) -> Any:
    """POST /rehearsal/images `{"tag", "repository", "version", "behaviour", "program"}`"""

    def handle(query: dict[str, str], body: dict[str, Any]) -> dict[str, str]:
        repository, tag, behaviour = (
            body.get("repository", "assistant"),
            body["tag"],
            body.get("behaviour", "ok"),
        )
        account, region = config["account"], config["region"]
        backend = ecr_backends[account][region]
        if behaviour not in BEHAVIOURS:
            raise HttpError(400, f"behaviour {behaviour!r} is not one of {', '.join(BEHAVIOURS)}")
        if repository not in backend.repositories:
            raise HttpError(
                404, f"no ECR repository {repository!r} in {region}. Build the component registry first"
            )
        try:
            digest = push(
                backend, repository, tag, body.get("version") or tag, behaviour, body.get("program")
            )
        except ServiceException as e:
            raise HttpError(409, str(e)) from None
        return {"reference": f"{account}.dkr.ecr.{region}.amazonaws.com/{repository}:{tag}", "digest": digest}

    return handle


def _annotations_of(image: Image) -> dict[str, Any]:
    """Return version and behaviour. An image without annotations behaves well, and its version is its tag."""
    annotations = json.loads(image.image_manifest).get("annotations", {})
    return {
        "version": annotations.get(VERSION) or next(iter(image.image_tags), "unknown"),
        "behaviour": annotations.get(BEHAVIOUR, "ok"),
    } | ({"program": json.loads(annotations[PROGRAM])} if PROGRAM in annotations else {})
