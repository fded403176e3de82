# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Lookup: who started the run, in which workflow, and for which commit."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_context
author: Teal maintainers (@teal-platform)
short_description: Return who started the run, in which workflow, and for which commit
version_added: 0.1.0
description:
  - In GitHub Actions, returns the actor, the workflow, the commit and the URL of the run, from the job's environment
    variables.
  - Elsewhere, returns the user who runs Ansible.
options:
  _terms:
    description: Not used.
"""

EXAMPLES = r"""
- name: Show who deploys
  ansible.builtin.debug:
    msg: "{{ lookup('teal.platform.run_context').who }}"
"""

RETURN = r"""
_raw:
  description: One dictionary with C(who), C(trigger), C(commit), C(commit_url), C(run_url). Unknown values are empty.
  type: list
  elements: dict
"""

import os
from collections.abc import Mapping
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.teal.platform.plugins.module_utils.run_identity import github_actor, local_user


def run_context(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the context from the environment variables in `environment`."""
    commit = environment.get("GITHUB_SHA", "")
    repository = "/".join(environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
    run = environment.get("GITHUB_RUN_ID", "")
    if not run:
        return {
            "who": local_user(environment),
            "trigger": "ansible-playbook",
            "commit": commit,
            "commit_url": "",
            "run_url": "",
        }
    return {
        "who": github_actor(environment),
        "trigger": environment.get("GITHUB_WORKFLOW", ""),
        "commit": commit,
        "commit_url": f"{repository}/commit/{commit}" if commit else "",
        "run_url": f"{repository}/actions/runs/{run}",
    }


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(
        self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, str]]:
        """Return one dictionary."""
        return [run_context(os.environ)]
