"""The user's own cluster instead of the emulated Kubernetes: the playbooks' variables for it, and its images.

TEAL_REHEARSAL_IMAGES         the repository whose tags are the sample service's images in the cluster (sample)
TEAL_REHEARSAL_IMAGE_COMMAND  a command that loads an image into the cluster, run with REPOSITORY:TAG VERSION
                              BEHAVIOUR, such as examples/sample-service/kind.sh; if unset, the images have to be in
                              the cluster already
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import yaml

from rehearsal.config import ConfigError

#: Pods of the user's cluster do not reach the emulator's databases, so the component database_user is excluded.
LIMIT = ("--limit", "all:!database_user")


def settings(kubeconfig: str) -> dict[str, str]:
    """Return the cluster's part of config.json. Raises ConfigError if the file is not a kubeconfig."""
    path = Path(kubeconfig).expanduser().resolve()
    try:
        context = yaml.safe_load(path.read_text("utf-8"))["current-context"]
    except OSError as e:
        raise ConfigError(f"KUBECONFIG names {kubeconfig}, which cannot be read: {e.strerror}") from None
    except (yaml.YAMLError, KeyError, TypeError):
        raise ConfigError(f"KUBECONFIG names {kubeconfig}, which has no current-context") from None
    return {
        "external": str(path),
        "context": context,
        "images": os.environ.get("TEAL_REHEARSAL_IMAGES") or "sample",
        "image_command": os.environ.get("TEAL_REHEARSAL_IMAGE_COMMAND", ""),
    }


def variables(config: dict[str, Any]) -> dict[str, str]:
    """Return the variables that make the playbooks use the cluster; none for the emulated Kubernetes."""
    kubernetes = config["kubernetes"]
    if not kubernetes["external"]:
        return {}
    return {"platform_kubeconfig": kubernetes["external"], "release_image_repository": kubernetes["images"]}


def load_seeds(config: dict[str, Any]) -> None:
    """Load the images of a new registry into the cluster."""
    if config["kubernetes"].get("image_command"):
        from rehearsal.moto_images import SEEDS  # moto is slow to import.

        for tag, behaviour in SEEDS.items():
            load_image(config, tag, tag, behaviour)


def load_image(config: dict[str, Any], tag: str, version: str, behaviour: str) -> None:
    """Load an image into the cluster by the user's command. Raises ConfigError if the command fails."""
    kubernetes = config["kubernetes"]
    if not kubernetes.get("image_command"):
        return
    words = [*shlex.split(kubernetes["image_command"]), f"{kubernetes['images']}:{tag}", version, behaviour]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as e:
        raise ConfigError(f"TEAL_REHEARSAL_IMAGE_COMMAND cannot be run: {e}") from None
    if done.returncode:
        raise ConfigError(f"`{shlex.join(words)}` failed:\n{(done.stdout + done.stderr)[-2000:]}")
