#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_commit
short_description: Record that a release is the one that serves, and give the lock back
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Ends a deploy that went well. The slot that served before is kept warm for a while, so that a rollback is a matter of
    seconds; M(teal.platform.slot_retire) scales it down after that.
  - The slot's tag in the registry, C(live-<name>-<slot>), is moved to its image, so that the registry's lifecycle policy
    keeps what is in the slots. If that is refused, the release is committed all the same, with a warning.
options:
  window:
    description: For how long the other slot is kept warm, such as V(24h).
    type: str
    default: 24h
  inventory:
    description: Inventory that the command in the message names.
    type: str
    default: ""
  repository:
    description: ECR repository of this account that the image is from. Not given if it is from another registry.
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
  description: What there is to tell of it.
  type: dict
  returned: success
message:
  description: The same for people.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import deploy, images, operator_messages
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.engine import STEP_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release, named
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused

ARGUMENTS = {
    "window": {"type": "str", "default": "24h"},
    "inventory": {"type": "str", "default": ""},
    "repository": {"type": "str"},
    **STEP_ARGUMENTS,
}


def commit(engine: Engine) -> dict[str, Any]:
    """Do what the module is for."""
    lease, release = engine.step()
    if release["from_release"]:
        engine.slots(lease).keep_size(release["from_slot"], lease)
    release, kept = deploy.commit(engine.context, lease, release, engine.length("window"))
    keep_image(engine, release)
    serving = f"{named(release)} on {release['slot']}"
    back = (
        f"ansible-playbook playbooks/rollback.yml -i {engine.params['inventory']}"
        if release["from_release"]
        else ""
    )
    warm = (
        f" {release['from_name']} stays warm on {release['from_slot']} for {span(engine.length('window'))}."
        if kept
        else ""
    )
    return {
        "changed": True,
        "event": operator_messages.event(release, serving, back),
        "message": f"{serving} is live, after {span(release['seconds'])}.{warm}",
    }


def keep_image(engine: Engine, release: Release) -> None:
    """Let the registry keep what serves, however many images are pushed. A release that serves well stands without."""
    repository = engine.params["repository"]
    if not repository:
        return
    tag = f"{images.IN_SLOT}{engine.params['name']}-{release['slot']}"
    try:
        images.tag_in_slot(engine.client("ecr", attempts=1), repository, release["digest"], tag)
    except Refused as error:
        engine.module.warn(
            f"{error}\nThe image serves, and the registry's lifecycle policy may remove it when many more were pushed: "
            "a node that is new could not pull it then. Has the environment been provisioned since this was added?"
        )


def main() -> None:
    run(ARGUMENTS, commit, check=False)


if __name__ == "__main__":
    main()
