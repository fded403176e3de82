#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT

from __future__ import annotations

DOCUMENTATION = r"""
---
module: run_options
short_description: Refuse a call of a playbook with which nothing, or the wrong thing, would run
version_added: 0.1.0
description:
  - Fails if the command line has options with which Ansible would end with 0 although nothing ran, or with which it
    would run something else. The message has each of them, and what to run instead.
  - These are several inventories at once, or one without hosts; C(--limit) that leaves out all hosts of O(groups);
    C(--tags), C(--skip-tags), C(--start-at-task) and C(--step); C(-e) of which words would be lost, or that the playbook
    would ignore; a strategy or a merging of mappings by the environment; settings of another environment; and an
    AWS profile beside AWS keys.
  - It is the first task of each playbook. Options that would leave it out, too, are refused by
    P(teal.platform.run_options#lookup), with which that play computes its hosts.
author: Teal maintainers (@teal-platform)
options:
  playbook:
    description: Name of the playbook that was called.
    type: str
    required: true
  groups:
    description: Groups of which at least one host has to be in the run.
    type: list
    elements: str
    default: []
  takes:
    description: Extra variables for a release that the playbook takes, of C(image_tag), C(image_digest), C(to), C(from)
      and C(digest). The others are refused.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Reads only.
    support: full
notes:
  - This is an action plugin; it runs on the machine that runs the playbook.
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
  description: All that is wrong with the call.
  type: str
  returned: failed
"""
