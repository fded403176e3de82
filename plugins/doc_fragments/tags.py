# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The option ignored_tags of modules that manage tags."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  ignored_tags:
    description:
      - Shell patterns for the keys of tags that others set. Matching tags are neither compared nor removed.
      - AWS's own tags, C(aws:*), are always ignored.
      - The default is the environment variable E(TEAL_IGNORED_TAGS), with commas between the patterns.
    type: list
    elements: str
    default: ["aws:*", awsApplication]
"""
