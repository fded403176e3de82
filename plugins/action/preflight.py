# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Validates the settings of all components before any change. See the module of the same name."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.teal.platform.plugins.plugin_utils.checks import run_checks
from ansible_collections.teal.platform.plugins.plugin_utils.policy_sizes import (
    TRUST,
    TRUST_AT_MOST,
    policy_sizes,
    too_large,
)
from ansible_collections.teal.platform.plugins.plugin_utils.run_options import two_credentials
from ansible_collections.teal.platform.plugins.plugin_utils.settings import (
    Problem,
    Settings,
    Specifications,
    hidden,
    repr_of,
)


class ActionModule(ActionBase):
    """Validates settings on the controller, then runs a module that checks the access to AWS and Kubernetes."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars) | {"began": time.time()}
        _validation, arguments = self.validate_argument_spec(
            {"playbook": {"type": "str", "default": ""}, "access": {"type": "bool", "default": True}}
        )
        variables = task_vars or {}
        hosts = self._settings(variables)
        problems = self._problems(hosts, arguments["playbook"])
        if problems:
            return {**result, "failed": True, "msg": report(problems)}
        if arguments["access"] and hosts:
            answer = self._check_access(hosts, arguments["playbook"], variables)
            if answer.get("failed"):
                return {**result, **answer}
            result["account"] = answer.get("account")
        return {**result, "changed": False}

    def _settings(self, variables: dict[str, Any]) -> list[Settings]:
        """Return the settings of all hosts of the inventory, even with --limit."""
        collection = Path(__file__).resolve().parents[2]
        specifications = Specifications(collection, self._load)
        hostvars = variables["hostvars"]
        return [
            Settings(specifications, host, {**hostvars.raw_get(host), "hostvars": hostvars}, self._templar)
            for host in sorted(variables["groups"]["all"])
        ]

    def _load(self, path: str) -> Any:
        return self._loader.load_from_file(path, cache="none", trusted_as_template=True)

    def _problems(self, hosts: list[Settings], playbook: str) -> dict[str, list[Problem]]:
        """Return all problems by place: a component, hosts, or the playbook."""
        extra = load_extra_vars(self._loader)
        found: dict[Problem, list[str]] = defaultdict(list)
        values: dict[str, Any] = {}
        for host in hosts:
            options = host.specifications.playbook(playbook)
            for problem in (*host.problems(), *host.unknown(extra, options)):
                found[problem].append(host.host)
            values |= host.values
        profile = "platform_aws_profile"
        for host in hosts:
            for message in two_credentials({profile: host.values.get(profile, "")}, os.environ):
                found[Problem(profile, message, host.origin(profile))].append(host.host)
        for variable, message in run_checks(values):
            holder = next(host for host in hosts if variable in host.values)
            given = holder.given(variable)
            value = values[variable]
            text = (
                f"{given}: {message}"
                if hidden(variable, value, {})
                else f"{given} = {repr_of(value)}: {message}"
            )
            problem = Problem(given, text, holder.origin(given))
            if holder.host not in found[problem]:
                found[problem].append(holder.host)
        for host in hosts if playbook != "destroy" else []:
            findings = host.check_custom_manifests()
            for warning in findings.warnings:
                self._display.warning(f"slot_manifests_dir: {warning}")
            for message in findings.problems:
                name = "slot_manifests_dir"
                text = f"{name} = {repr_of(host.merged[name])}: {message}"
                found[Problem(name, text, host.origin(name))].append(host.host)
        if not found and playbook == "":
            for problem, owner in self._policy_problems(hosts):
                found[problem].append(owner)
        places: dict[str, list[Problem]] = defaultdict(list)
        for problem, owners in found.items():
            role = hosts[0].specifications.role_of(problem.variable)
            everywhere = role == "platform" or len(owners) == len(hosts) > 1
            place = "all components" if everywhere else ", ".join(owners)
            places[role if role and role != "platform" else place].append(problem)
        places[f"playbook {playbook}"] = self._playbook_problems(hosts, playbook)
        return {place: found for place, found in places.items() if found}

    def _policy_problems(self, hosts: list[Settings]) -> Iterator[tuple[Problem, str]]:
        """Yield the policies that are too large for IAM, and warn of those that need a higher quota."""
        role = Path(__file__).resolve().parents[2] / "roles" / "identity"
        for host in (host for host in hosts if host.component == "identity"):
            for size in policy_sizes(self._templar, host.merged, role):
                if size.free >= 0:
                    continue
                if size.limit == TRUST and size.characters <= TRUST_AT_MOST:
                    self._display.warning(
                        f"{size.what} has {size.characters} characters. IAM allows {size.limit}, unless the account's "
                        f"quota 'Role trust policy length' was raised."
                    )
                    continue
                variable, message = too_large(size, host.values)
                yield Problem(variable, message, host.origin(variable)), host.host

    def _playbook_problems(self, hosts: list[Settings], playbook: str) -> list[Problem]:
        """Return the problems of the playbook's own options, which are the same for all hosts."""
        if not hosts:
            return []
        problems: list[Problem] = []
        for name, option in hosts[0].specifications.playbook(playbook).items():
            if name in hosts[0].merged:
                problems.extend(hosts[0].value_problems(name, option))
            elif option.get("required"):
                example = option.get("example", "…")
                problems.append(Problem(name, f"{name} is missing: add -e {name}={example}"))
        return problems

    def _check_access(
        self, hosts: list[Settings], playbook: str, variables: dict[str, Any]
    ) -> dict[str, Any]:
        values = hosts[0].values
        arguments = {
            "region": values["platform_region"],
            "allowed_accounts": values["platform_allowed_accounts"],
            "kubeconfig": values["platform_kubeconfig"] or None,
            "kubeconfig_context": values["platform_kubeconfig_context"] or None,
            **(required_resources(hosts, variables) if playbook == "" else {}),
        }
        if values["platform_aws_profile"]:
            arguments["profile"] = values["platform_aws_profile"]
        return self._execute_module(
            module_name="teal.platform.access_info",
            module_args={key: value for key, value in arguments.items() if value is not None},
            task_vars=variables,
        )


def required_resources(hosts: list[Settings], variables: dict[str, Any]) -> dict[str, Any]:
    """Return the zones and nodes that the run needs, as arguments of access_info."""
    values: dict[str, Any] = {}
    for host in hosts:
        values |= host.values
    needs: dict[str, Any] = {}
    if "network_zones" in values:
        needs["zones"] = values["network_zones"]
        if "cluster_version" in values:
            needs["cluster"] = values["platform_name"]
    built = variables.get("ansible_play_hosts_all", [])
    if "cluster_version" in values and any(host.startswith("cluster.") for host in built):
        needs["nodes"] = {
            "cluster": values["platform_name"],
            "instance_type": values["cluster_node_instance_type"],
            "count": values["cluster_node_count"],
            "capacity_type": values["cluster_node_capacity_type"],
        }
    return needs


def report(places: dict[str, list[Problem]]) -> str:
    """Return all problems as one message."""
    count = sum(len(problems) for problems in places.values())
    lines = [f"{count} setting{'s are' if count > 1 else ' is'} wrong. Nothing was created or changed."]
    for place, problems in places.items():
        lines.extend([f"{place}:", *(f"  - {problem}" for problem in problems)])
    return "\n".join(lines)
