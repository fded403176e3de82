#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_unlock
short_description: Break the lock of an environment, knowingly
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Takes the lock from its holder and frees it, and leaves a trace of who did it and why. The holder notices before its
    next change, and changes nothing any more.
  - The lock of a dead holder needs no breaking, since the next deploy takes it when its lease is over.
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.lock
attributes:
  check_mode:
    description: Says whether there is a lock to break.
    support: full
"""

EXAMPLES = r"""
- name: Break the lock
  teal.platform.release_unlock:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    reason: the runner was switched off
"""

RETURN = r"""
message:
  description: Whose lock was broken.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release.engine import LOCK_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.lease import acquire, describe
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused


def unlock(engine: Engine) -> dict[str, Any]:
    """Do what the module is for."""
    held = engine.store.lock()
    if not held["holder"]:
        return {"changed": False, "message": "nobody holds the lock"}
    if not engine.params["reason"]:
        raise Refused(f"{describe(held, engine.clock.wall())}. To break it, say why: -e \"reason='...'\"")
    broken = describe(held, engine.clock.wall())
    if not engine.module.check_mode:
        who = engine.who("unlock", engine.params["reason"])
        lease, held = acquire(engine.store, who, engine.length("lease"), preempts={held["operation"]})
        lease.release_lock()
    return {"changed": True, "message": f"broken: {broken}"}


def main() -> None:
    run(LOCK_ARGUMENTS, unlock)


if __name__ == "__main__":
    main()
