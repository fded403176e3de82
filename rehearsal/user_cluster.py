"""A cluster of the user's own behind the rehearsal: what playbooks are told, and how it gets its images.

TEAL_REHEARSAL_IMAGES         the repository whose tags are the sample service's images there (sample)
TEAL_REHEARSAL_IMAGE_COMMAND  a command that brings an image into the cluster, run with REPOSITORY:TAG VERSION
                              BEHAVIOUR; examples/sample-service/kind.sh is one. Without it they are there already
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import yaml

from rehearsal.config import ConfigError

#: What of an environment has nothing to work on: its pods do not reach the rehearsal's databases.
LIMIT = ("--limit", "all:!database_user")


def settings(kubeconfig: str) -> dict[str, str]:
    """What config.json keeps of it. Raises ConfigError if the file is no kubeconfig."""
    path = Path(kubeconfig).expanduser().resolve()
    try:
        context = yaml.safe_load(path.read_text("utf-8"))["current-context"]
    except OSError as e:
        raise ConfigError(f"KUBECONFIG names {kubeconfig}, which can't be read: {e.strerror}") from None
    except (yaml.YAMLError, KeyError, TypeError):
        raise ConfigError(f"KUBECONFIG names {kubeconfig}, which has no current-context") from None
    return {
        "external": str(path),
        "context": context,
        "images": os.environ.get("TEAL_REHEARSAL_IMAGES") or "sample",
        "image_command": os.environ.get("TEAL_REHEARSAL_IMAGE_COMMAND", ""),
    }


def variables(config: dict[str, Any]) -> dict[str, str]:
    """The playbooks' variables by which they use it; none for the rehearsal's own Kubernetes."""
    kubernetes = config["kubernetes"]
    if not kubernetes["external"]:
        return {}
    return {"platform_kubeconfig": kubernetes["external"], "release_image_repository": kubernetes["images"]}


def bring_seeds(config: dict[str, Any]) -> None:
    """Bring the images into it with which the registry begins."""
    if config["kubernetes"].get("image_command"):
        from rehearsal.moto_images import SEEDS  # With it comes moto, which takes its time.

        for tag, behaviour in SEEDS.items():
            bring(config, tag, tag, behaviour)


def bring(config: dict[str, Any], tag: str, version: str, behaviour: str) -> None:
    """Bring an image into it, by the user's command. Raises ConfigError if that fails."""
    kubernetes = config["kubernetes"]
    if not kubernetes.get("image_command"):
        return
    words = [*shlex.split(kubernetes["image_command"]), f"{kubernetes['images']}:{tag}", version, behaviour]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as e:
        raise ConfigError(f"TEAL_REHEARSAL_IMAGE_COMMAND can't be run: {e}") from None
    if done.returncode:
        raise ConfigError(f"`{shlex.join(words)}` failed:\n{(done.stdout + done.stderr)[-2000:]}")
