#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_unlock
short_description: Break the lock of an environment
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Takes the lock from its holder, releases it, and records who did that and why. The holder notices the loss before its
    next change, and changes nothing more.
  - The lock of a dead run need not be broken. The next deploy acquires it once the lease has expired.
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.lock
attributes:
  check_mode:
    description: Reports whether there is a lock to break.
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

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release.engine import LOCK_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.lease import acquire, describe
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused


def unlock(engine: Engine) -> dict[str, Any]:
    """Break the lock."""
    held = engine.store.lock()
    if not held["holder"]:
        return {"changed": False, "message": message("unlock.free")}
    if not engine.params["reason"]:
        raise Refused(message("unlock.reason_missing", holder=describe(held, engine.clock.wall())))
    broken = describe(held, engine.clock.wall())
    if not engine.module.check_mode:
        lease, _seen = acquire(
            engine.store,
            engine.who("unlock"),
            engine.length("lease"),
            preempts={held["operation"]},
            reason=engine.params["reason"],
        )
        lease.release_lock()
    return {"changed": True, "message": message("unlock.broken", holder=broken)}


def main() -> None:
    run(LOCK_ARGUMENTS, unlock)


if __name__ == "__main__":
    main()
