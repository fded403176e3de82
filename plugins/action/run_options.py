# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Rejects command-line options with which a playbook would run nothing or the wrong tasks. See the module of that name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.teal.platform.plugins.plugin_utils import run_options as check

ROLES = Path(__file__).resolve().parents[2] / "roles"
SETTINGS = ("platform_environment", "platform_application", "platform_name", "platform_state")
PROFILES = ("platform_aws_profile", "release_from_profile")


class ActionModule(ActionBase):
    """Checks the command line and the hosts of the play, without a call to AWS."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        strings = {"type": "list", "elements": "str", "default": []}
        _validation, given = self.validate_argument_spec(
            {"playbook": {"type": "str", "required": True}, "groups": strings, "takes": strings}
        )
        variables = task_vars or {}
        if problems := self._problems(given, variables):
            return {**result, "failed": True, "msg": check.report(problems)}
        return {**result, "changed": False}

    def _problems(self, given: dict[str, Any], variables: dict[str, Any]) -> list[str]:
        options = context.CLIARGS
        groups = variables["groups"]
        extra = load_extra_vars(self._loader)
        known = {*check.SHORT, *(name for name in extra if _of_ansible_or_role(name))}
        several = list(
            check.several_inventories(
                variables.get("ansible_inventory_sources") or (),
                groups,
                os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY", ""),
            )
        )
        return [
            *check.left_out_by_options(options),
            *check.unsafe_configuration(C.DEFAULT_STRATEGY, C.DEFAULT_HASH_BEHAVIOUR),
            *several,
            *check.nothing_to_run_on(
                given["groups"],
                groups,
                variables.get("ansible_play_hosts_all") or (),
                options.get("subset") or "",
            ),
            *check.lost_words(options.get("extra_vars") or (), known),
            *check.unexpected_variables(list(extra), given["takes"], known, given["playbook"]),
            *(() if several else self._of_settings(given["groups"], variables)),
        ]

    def _of_settings(self, wanted: list[str], variables: dict[str, Any]) -> Iterator[str]:
        """Yield the problems of the settings of the playbook's hosts."""
        members = {host for name in wanted for host in variables["groups"].get(name, ())}
        for host in sorted(members.intersection(variables.get("ansible_play_hosts_all") or ())):
            settings = variables["hostvars"].raw_get(host)
            yield from check.another_environment(host, self._read(SETTINGS, settings))
            yield from check.two_credentials(self._read(PROFILES, settings), os.environ)

    def _read(self, names: tuple[str, ...], variables: dict[str, Any]) -> dict[str, str]:
        """Return the values of the variables that are set and can be templated here. Other checks report the rest."""
        templar = self._templar.copy_with_new_env(available_variables=variables)
        found = {}
        for name in names:
            if name in variables:
                try:
                    found[name] = str(templar.template(variables[name]) or "")
                except AnsibleError:
                    continue
        return found


def _of_ansible_or_role(name: str) -> bool:
    return name.startswith("ansible_") or any(name.startswith(f"{role.name}_") for role in ROLES.iterdir())
