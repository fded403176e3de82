# SPDX-License-Identifier: MIT
"""The callback plugin teal.platform.run_options: refuses options that leave out the task that refuses options."""

from __future__ import annotations

DOCUMENTATION = """
name: run_options
type: aggregate
author: The Teal team (@teal)
version_added: 0.1.0
short_description: Refuse options that leave out tasks
description:
  - Ends the run with exit status 5 before its first play, if C(--start-at-task), C(--step), C(--tags) or C(--skip-tags)
    would leave out tasks. The message is on stderr.
  - The other checks are those of M(teal.platform.run_options).
"""

import sys
import typing as t

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible_collections.teal.platform.plugins.plugin_utils.run_options import left_out_by_options, report

#: As ansible-playbook ends when its options are wrong.
INVALID_OPTION = 5


class CallbackModule(CallbackBase):
    """Looks once, when a playbook starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "teal.platform.run_options"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        if problems := list(left_out_by_options(context.CLIARGS)):
            self._display.display(report(problems), color="red", stderr=True)
            sys.exit(INVALID_OPTION)
