# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Lookup: the hosts of the play that checks the command-line options."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_options
author: Teal maintainers (@teal-platform)
short_description: Return the hosts of the play that checks the command-line options
version_added: 0.1.0
description:
  - Returns C(all) and C(localhost). The implicit localhost exists even without an inventory.
  - Fails if C(--tags), C(--skip-tags), C(--start-at-task) or C(--step) would skip tasks. Such an option would also skip
    the task that checks the other options, M(teal.platform.run_options). The hosts of a play are computed in any case.
options:
  _terms:
    description: Not used.
seealso:
  - module: teal.platform.run_options
"""

EXAMPLES = r"""
- name: Check the command line
  hosts: "{{ query('teal.platform.run_options') }}"
  gather_facts: false
"""

RETURN = r"""
_raw:
  description: Host patterns.
  type: list
  elements: str
"""

from typing import Any

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.teal.platform.plugins.plugin_utils.run_options import left_out_by_options, report

#: Options with which Ansible is expected to run nothing.
LISTING = ("listtasks", "listtags", "listhosts", "syntax")


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        options = context.CLIARGS
        listing = any(options.get(name) for name in LISTING)
        if not listing and (problems := list(left_out_by_options(options))):
            raise AnsibleLookupError(report(problems))
        return ["all", "localhost"]
