# SPDX-License-Identifier: MIT
"""The callback plugin teal.platform.preload: plugins that workers need are loaded once, before the first task."""

from __future__ import annotations

DOCUMENTATION = """
name: preload
type: aggregate
author: The Teal team (@teal)
version_added: 0.1.0
short_description: Load plugins once instead of in each task
description:
  - Ansible runs each task in a forked worker. A worker loads the connection plugin, its documentation, and the filters,
    tests and lookups that the task uses. It loses them when it ends, and the next worker loads them again. Ansible also
    reads all filter files of a collection to find one filter.
  - This callback loads such plugins in the main process before the first task, so workers inherit them. It changes
    nothing else, and prints nothing. A plugin that cannot be loaded is left to the task that uses it.
options:
  plugins:
    description:
      - Plugins, each as type and name with a slash between them, such as V(filter/ansible.builtin.combine).
      - Of the types C(filter) and C(test), one name for each collection is enough, since Ansible loads all of the
        collection.
    type: list
    elements: str
    default:
      - connection/teal.platform.warm
      - shell/sh
      - filter/ansible.builtin.combine
      - filter/teal.platform.describe_changes
      - test/ansible.builtin.search
      - lookup/ansible.builtin.template
    ini:
      - section: callback_preload
        key: plugins
    env:
      - name: TEAL_PRELOAD_PLUGINS
"""

import contextlib
import typing as t

from ansible.plugins import loader
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Loads plugins before the first task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "teal.platform.preload"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        for plugin in self.get_option("plugins"):
            kind, _slash, name = plugin.partition("/")
            # The task that uses the plugin fails with Ansible's own message.
            with contextlib.suppress(Exception):
                getattr(loader, f"{kind}_loader").get_with_context(name, class_only=True)
