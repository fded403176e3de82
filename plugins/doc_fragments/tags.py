# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The option that modules with tags share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  ignored_tags:
    description:
      - Patterns of the keys of tags that others set, as of a shell. Tags that match are neither compared nor removed.
      - AWS's own, C(aws:*), are left alone in any case.
      - If not given, the environment variable E(TEAL_IGNORED_TAGS) is used, with commas between the patterns.
    type: list
    elements: str
    default: ["aws:*", awsApplication]
"""
