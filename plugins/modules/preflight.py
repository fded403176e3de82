#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: preflight
short_description: Check all input of all components before anything is created
version_added: 0.1.0
description:
  - Checks the settings of every host of the inventory, whatever the run is limited to. The argument specs of
    the roles, types and nested options; names that no spec knows, with what was probably meant; names of
    hosts and groups; and what must hold between settings (ranges, ports, lengths of names, files).
  - Then asks AWS who we are, and, where C(platform_kubeconfig) is given, Kubernetes whether it answers.
  - Reports all problems in one message. Run it once for all hosts (C(run_once)).
author: Teal maintainers (@teal-platform)
options:
  playbook:
    description: >-
      Name of the playbook that runs. Its extra variables, as C(playbooks/meta/argument_specs.yml) has them,
      are checked too.
    type: str
    default: ""
  access:
    description: Whether to ask AWS and Kubernetes.
    type: bool
    default: true
attributes:
  check_mode:
    description: Reads only.
    support: full
notes:
  - This is an action plugin; it runs on the machine that runs the playbook.
"""

EXAMPLES = r"""
- name: Check all settings, and that AWS answers
  teal.platform.preflight:
    playbook: deploy
  run_once: true
"""

RETURN = r"""
began:
  description: When the check began, in seconds since 1970; what is told at the end of a run says how long it took.
  type: float
  returned: always
account:
  description: The account that AWS says we are in.
  type: str
  returned: when it was asked
"""
