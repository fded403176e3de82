#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_tested
short_description: Record the result of a release's tests
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Records whether the tests of the live release passed, so that a promotion can check it.
  - Records nothing if another release is live by now. Needs no lock.
options:
  digest:
    description: Digest of the tested image. Empty for the live release.
    type: str
    default: ""
  passed:
    description: Whether the tests passed.
    type: bool
    default: true
  who:
    description: User to record. By default the user who runs the module.
    type: str
  run:
    description: Link to the run. By default the run of GitHub Actions, if there is one.
    type: str
extends_documentation_fragment:
  - teal.platform.release
attributes:
  check_mode:
    description: Reports whether something would be recorded.
    support: full
"""

EXAMPLES = r"""
- name: Record that the tests passed
  teal.platform.release_tested:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    digest: sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945
"""

RETURN = r"""
message:
  description: What was recorded, or why nothing was recorded.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import iso
from ansible_collections.teal.platform.plugins.module_utils.release.engine import Engine, run
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import named

ARGUMENTS = {
    "digest": {"type": "str", "default": ""},
    "passed": {"type": "bool", "default": True},
    "who": {"type": "str"},
    "run": {"type": "str"},
}


def note(engine: Engine) -> dict[str, Any]:
    """Record the result of a release's tests."""
    digest, passed = engine.params["digest"], engine.params["passed"]
    live = engine.context.observe().live
    if not live or digest not in ("", live["digest"]):
        release = digest or message("tested.no_release")
        return {"changed": False, "message": message("tested.not_live", release=release)}
    result = message("tested.passed" if passed else "tested.failed", name=named(live))
    before = (engine.store.release(live["release"]) or {}).get("tests", {})
    if before.get("passed") is passed:
        return {"changed": False, "message": message("tested.known", result=result)}
    if not engine.module.check_mode:
        who = engine.who("tests")
        tests = {"passed": passed, "at": iso(engine.clock.wall()), "who": who["who"], "run": who["run"]}
        engine.store.write([engine.store.note(live["release"], tests=tests)])
    return {"changed": True, "message": result}


def main() -> None:
    run(ARGUMENTS, note)


if __name__ == "__main__":
    main()
