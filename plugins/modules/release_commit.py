#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_commit
short_description: Record that a release is live, and release the lock
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Ends a successful deploy. The previous slot is kept warm for O(window), so that a rollback takes seconds.
    M(teal.platform.slot_retire) scales it down after that.
  - Moves the slot's tag in the registry, C(live-<name>-<slot>), to its image, so that the registry's lifecycle policy
    keeps the images of both slots. If the registry refuses that, the module warns and the release is still committed.
options:
  window:
    description: How long the other slot is kept warm, such as V(24h).
    type: str
    default: 24h
  inventory:
    description: Path of the inventory, for the command in the message.
    type: str
    default: ""
  repository:
    description: ECR repository of the image, in this account. Omit it if the image is from another registry.
    type: str
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Commit the release
  teal.platform.release_commit:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    release: "{{ __release.release }}"
    window: 24h
    repository: assistant
"""

RETURN = r"""
event:
  description: The event for the role C(teal.platform.notification).
  type: dict
  returned: success
message:
  description: The result as text for people.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.release import deploy, images, operator_messages
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.engine import STEP_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release, named
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)

ARGUMENTS = {
    "window": {"type": "str", "default": "24h"},
    "inventory": {"type": "str", "default": ""},
    "repository": {"type": "str"},
    **STEP_ARGUMENTS,
}


def commit(engine: Engine) -> dict[str, Any]:
    """Commit a release."""
    lease, release = engine.step()
    if release["from_release"]:
        engine.slots(lease).keep_size(release["from_slot"], lease)
    if release.get("steps"):
        restore_limits(engine, lease, release)
    release, kept = deploy.commit(engine.context, lease, release, engine.length("window"))
    keep_image(engine, release)
    serving = operator_messages.on_slot(named(release), release["slot"])
    back = (
        f"ansible-playbook playbooks/rollback.yml -i {engine.params['inventory']}"
        if release["from_release"]
        else ""
    )
    warm = (
        message(
            "commit.warm",
            name=release["from_name"],
            slot=release["from_slot"],
            span=span(engine.length("window")),
        )
        if kept
        else ""
    )
    verdicts = operator_messages.analysis(release)
    return {
        "changed": True,
        "event": operator_messages.event(release, serving, back),
        "message": joined(
            message("commit.live", serving=serving, span=span(release["seconds"])) + warm,
            *map(sentence, verdicts),
            by=" ",
        ),
    }


def restore_limits(engine: Engine, lease: Lease, release: Release) -> None:
    """Give the autoscaler of the release its own limits again. A failure is only a warning: retire does it later."""
    try:
        engine.slots(lease, patience=5.0).restore_limits(release["slot"], lease)
    except (KubernetesError, SlotFailed) as error:
        engine.module.warn(
            f"the autoscaler of slot {release['slot']} keeps its raised minimum for now: {error}"
        )


def sentence(text: str) -> str:
    """Return `text` as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def keep_image(engine: Engine, release: Release) -> None:
    """Tag the live image, so that the registry's lifecycle policy keeps it. A failure is only a warning."""
    repository = engine.params["repository"]
    if not repository:
        return
    tag = f"{images.IN_SLOT}{engine.params['name']}-{release['slot']}"
    try:
        images.tag_in_slot(engine.client("ecr", attempts=1), repository, release["digest"], tag)
    except Refused as error:
        engine.warn(message("commit.not_tagged", error=error))


def main() -> None:
    run(ARGUMENTS, commit, check=False)


if __name__ == "__main__":
    main()
