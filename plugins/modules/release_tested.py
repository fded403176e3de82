#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release_tested
short_description: Put on record how the tests of a release ended
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Notes on the record of the release that is live whether its tests passed, so that a promotion may ask for it.
  - If another release is live by now, nothing is noted. It needs no lock.
options:
  digest:
    description: Digest of the image that was tested. Empty for whatever is live.
    type: str
    default: ""
  passed:
    description: Whether the tests passed.
    type: bool
    default: true
  who:
    description: Who is put on record. By default who runs it.
    type: str
  run:
    description: Link to the run. By default that of GitHub Actions, if it runs there.
    type: str
extends_documentation_fragment:
  - teal.platform.release
attributes:
  check_mode:
    description: Says whether something would be noted.
    support: full
"""

EXAMPLES = r"""
- name: Note that the tests passed
  teal.platform.release_tested:
    name: assistant-staging
    domain: staging.assistant.example.com
    namespace: assistant
    workload: assistant
    digest: sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945
"""

RETURN = r"""
message:
  description: What was noted, or why nothing was.
  type: str
  returned: success
"""

from typing import Any

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
    """Do what the module is for."""
    digest, passed = engine.params["digest"], engine.params["passed"]
    live = engine.context.observe().live
    if not live or digest not in ("", live["digest"]):
        return {"changed": False, "message": f"nothing is noted: {digest or 'no release'} is not live"}
    message = f"the tests of {named(live)} {'passed' if passed else 'failed'}"
    before = (engine.store.release(live["release"]) or {}).get("tests", {})
    if before.get("passed") is passed:
        return {"changed": False, "message": f"{message}: that is on record already"}
    if not engine.module.check_mode:
        who = engine.who("tests")
        tests = {"passed": passed, "at": iso(engine.clock.wall()), "who": who["who"], "run": who["run"]}
        engine.store.write([engine.store.note(live["release"], tests=tests)])
    return {"changed": True, "message": message}


def main() -> None:
    run(ARGUMENTS, note)


if __name__ == "__main__":
    main()
