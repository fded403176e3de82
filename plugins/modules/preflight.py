#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: preflight
short_description: Validate the settings of all components before any change
version_added: 0.1.0
description:
  - Validates the settings of every host of the inventory, even with C(--limit). Checks values against the argument specs
    of the roles; unknown names, with a suggestion; names of hosts and groups; and rules between settings (ranges, ports,
    lengths of names, files).
  - Then checks the access to AWS and, with C(platform_kubeconfig), to Kubernetes.
  - Reports all problems in one message. Run it once for all hosts (C(run_once)).
author: Teal maintainers (@teal-platform)
options:
  playbook:
    description: >-
      Name of the playbook that runs. Its extra variables are validated, too, against
      C(playbooks/meta/argument_specs.yml).
    type: str
    default: ""
  access:
    description: Whether to check the access to AWS and Kubernetes.
    type: bool
    default: true
attributes:
  check_mode:
    description: Only reads.
    support: full
notes:
  - This is an action plugin. It runs on the controller.
"""

EXAMPLES = r"""
- name: Validate all settings and the access to AWS
  teal.platform.preflight:
    playbook: deploy
  run_once: true
"""

RETURN = r"""
began:
  description: Time of the check's start, in seconds since 1970. Messages at the end of a run compute its duration from it.
  type: float
  returned: always
account:
  description: ID of the AWS account.
  type: str
  returned: when O(access) is V(true)
"""
