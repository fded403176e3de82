#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: run_options
short_description: Reject command-line options with which a playbook would run nothing or the wrong tasks
version_added: 0.1.0
description:
  - Fails if Ansible would exit with 0 without running anything, or would run the wrong tasks. The message lists all such
    options, and what to run instead.
  - Rejects more than one inventory, or one without hosts; C(--limit) that excludes all hosts of O(groups); C(--tags),
    C(--skip-tags), C(--start-at-task) and C(--step); C(-e) that would lose words, or that the playbook ignores; a strategy
    or hash behaviour from the environment; settings of another environment; an AWS profile together with AWS keys.
  - Use it as the first task of each playbook. P(teal.platform.run_options#lookup) rejects the options that would skip this
    task, too. The play uses it to compute its hosts.
author: Teal maintainers (@teal-platform)
options:
  playbook:
    description: Name of the playbook that was called.
    type: str
    required: true
  groups:
    description: Groups of which at least one host must be in the run.
    type: list
    elements: str
    default: []
  takes:
    description: Extra variables for a release that the playbook accepts, of C(image_tag), C(image_digest), C(to),
      C(from) and C(digest). Others are rejected.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Only reads.
    support: full
notes:
  - This is an action plugin. It runs on the controller.
"""

EXAMPLES = r"""
- name: Check the options of the run
  teal.platform.run_options:
    playbook: rollback
    groups: [release]
    takes: [to]
  run_once: true
  tags: always
"""

RETURN = r"""
msg:
  description: All problems of the command line.
  type: str
  returned: failed
"""
