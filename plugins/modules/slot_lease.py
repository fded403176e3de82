#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_lease
short_description: Renew the lease before a task changes the objects of a slot
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Renews the lease of a release, so that the next task may change objects of the slot with C(kubernetes.core.k8s).
  - With O(failure), that task failed. The module fails with the same message if a repetition cannot help, as for an
    answer 403 or 422, or if 120 seconds have passed. Otherwise it waits for two seconds and renews the lease.
options:
  failure:
    description: C(msg) and C(reason) of the task that failed.
    type: dict
    default: {}
  since:
    description: RV(lease.since) of the first attempt. Required with O(failure).
    type: float
extends_documentation_fragment:
  - teal.platform.release
  - teal.platform.release.step
attributes:
  check_mode:
    description: Not supported, since there is no release in check mode.
    support: none
"""

EXAMPLES = r"""
- name: Renew the lease
  teal.platform.slot_lease:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    release: "{{ __release.release }}"
  register: renewed
"""

RETURN = r"""
lease:
  description: The lease, for the filter P(teal.platform.slot_objects#filter) and the next attempt.
  type: dict
  returned: success
  contains:
    fresh_until:
      description: Time until which a change may begin, in seconds of this machine's monotonic clock.
      type: float
    since:
      description: Time at which the first attempt began, by the same clock.
      type: float
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.engine import STEP_ARGUMENTS, Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.slots.apply_errors import error_of
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import Unreachable

ARGUMENTS = {
    "failure": {"type": "dict", "default": {}},
    "since": {"type": "float"},
    **STEP_ARGUMENTS,
}
#: Seconds until the task gives up, as the engine's own requests do, and the pause between attempts.
_PATIENCE = 120.0
_PAUSE = 2.0


def renew(engine: Engine) -> dict[str, Any]:
    """Renew the lease, after a failed attempt if a retry can help."""
    lease, _release = engine.step()
    now, failure = engine.clock.steady(), engine.params["failure"]
    since = engine.params["since"] if failure else now
    if failure:
        error = error_of(failure)
        if not isinstance(error, Unreachable):
            raise error
        if now - since > _PATIENCE:
            text = message("kubernetes.not_accepted", span=span(now - since), error=error)
            raise Unreachable(error.status, text)
        engine.clock.sleep(_PAUSE)
    lease.renew()
    return {"changed": False, "lease": {**lease.freshness(), "since": since}}


def main() -> None:
    run(ARGUMENTS, renew, check=False)


if __name__ == "__main__":
    main()
