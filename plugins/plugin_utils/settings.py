# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Validates the settings of an inventory against the argument specs of the collection's roles."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.template import trust_as_template
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import other
from ansible_collections.teal.platform.plugins.module_utils.text_values import as_texts
from ansible_collections.teal.platform.plugins.plugin_utils.checks.durations import DURATIONS
from ansible_collections.teal.platform.plugins.plugin_utils.custom_manifests import (
    NUMBER,
    Findings,
    check_manifests,
)
from ansible_collections.teal.platform.plugins.plugin_utils.value_source import (
    origin_of,
    template_variables,
    type_name,
    type_problems,
)
from ansible_collections.teal.platform.plugins.plugin_utils.vault_sources import (
    contains_vaulted_value,
    is_vaulted_value,
    vault_sources,
)

#: Settings that are stored in clear text, and what to do with a secret instead.
CLEAR_TEXT = {
    "slot_config": "it would be stored in clear text. Put the value in Secrets Manager, and the name of the secret here",
    "platform_extra_tags": "tags are not secret",
}
#: Roles that every component uses in addition to its own.
SHARED_ROLES = ("platform", "notification")
#: Roles that the role of a component uses.
USED_ROLES = {"release": ("slot",)}
#: Place of problems that do not belong to a variable.
INVENTORY = "inventory"


@dataclass(frozen=True)
class Problem:
    """A problem with a setting. Problems that differ only in their origin are equal."""

    variable: str
    message: str
    origin: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.message}{f'  ({self.origin})' if self.origin else ''}"


def read(file: Path) -> dict[str, Any]:
    """Return the content of a YAML file without templates. Ansible's loader takes ten times as long."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_text(encoding="utf-8"), Loader=loader) or {}


class Specifications:
    """The argument specs and defaults of all roles, and the options of the playbooks.

    `load` reads a YAML file whose strings may be templates.
    """

    def __init__(self, collection: Path, load: Callable[[str], Any]) -> None:
        self._load = load
        self._collection = collection
        files = sorted(collection.glob("roles/*/meta/argument_specs.yml"))
        self.roles = {file.parents[1].name: self._options(file) for file in files}
        self.components = {folder.name for folder in collection.glob("roles/*/") if folder.is_dir()} | {
            "release"
        }
        self.names = {name for options in self.roles.values() for name in options}
        self._files: dict[tuple[str, str], dict] = {}

    def _options(self, file: Path) -> dict[str, dict]:
        """Return the options of all entry points of a role. Only options of `main` can be required."""
        entries = read(file).get("argument_specs", {})
        options: dict[str, dict] = {}
        for entry in entries.values():
            for name, option in entry.get("options", {}).items():
                options.setdefault(name, {key: value for key, value in option.items() if key != "required"})
        return options | entries.get("main", {}).get("options", {})

    def values(self, role: str, folder: str) -> dict[str, Any]:
        """Return the variables in `defaults` or `vars` of a role."""
        if (role, folder) not in self._files:
            file = self._collection / "roles" / role / folder / "main.yml"
            self._files[role, folder] = (self._load(str(file)) or {}) if file.is_file() else {}
        return self._files[role, folder]

    def playbook(self, name: str) -> dict[str, dict]:
        """Return the options (extra variables) of a playbook."""
        file = self._collection / "playbooks" / "meta" / "argument_specs.yml"
        specs = read(file)["argument_specs"] if file.is_file() else {}
        return specs.get(name, {}).get("options", {})

    def role_of(self, variable: str) -> str | None:
        """Return the role whose name is the prefix of a variable."""
        roles = [role for role in self.roles if variable.startswith(f"{role}_")]
        return max(roles, key=len, default=None)


class Settings:
    """The settings of one host: its variables over the defaults of its role."""

    def __init__(
        self,
        specifications: Specifications,
        host: str,
        variables: Mapping[str, Any],
        templar: Any,
    ) -> None:
        self.specifications = specifications
        self.host = host
        self.component = host.split(".")[0]
        self.variables = variables
        own = (*SHARED_ROLES, *USED_ROLES.get(self.component, ()), self.component)
        roles = [role for role in own if role in specifications.roles]
        merged: dict[str, Any] = {}
        for role in roles:
            merged |= specifications.values(role, "defaults")
        merged |= variables
        for role in roles:
            merged |= specifications.values(role, "vars")
        self.merged = merged
        self.roles = roles
        self._templar = templar.copy_with_new_env(available_variables=merged)
        #: settings with a valid value
        self.values: dict[str, Any] = {}

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of this host, and fill `values`."""
        yield from self.place_problems()
        for role in self.roles:
            for name, option in self.specifications.roles[role].items():
                if name in self.merged:
                    # Defaults of the role notification are not checked, only settings of the inventory.
                    if role != "notification" or name in self.variables:
                        yield from self.value_problems(name, option)
                elif option.get("required"):
                    yield Problem(name, f"{name} is missing: {first_line(option)}")
        for role, options in self.specifications.roles.items():
            if role not in self.roles:
                for name in options.keys() & self.variables.keys():
                    yield from self.value_problems(name, options[name])

    def place_problems(self) -> Iterator[Problem]:
        """Yield the problems of the host's name and groups."""
        groups = self.variables.get("group_names", [])
        environment = self.variables.get("platform_environment", "")
        if self.component not in self.specifications.components:
            similar = suggestion(self.component, self.specifications.components)
            yield Problem(INVENTORY, f"there is no component '{self.component}'{similar}")
        elif self.host != f"{self.component}.{environment}":
            yield Problem(
                INVENTORY,
                f"the host must have the name <component>.<platform_environment>, here {self.component}.{environment}",
            )
        elif self.component not in groups:
            yield Problem(INVENTORY, f"the host must be in the group '{self.component}'")

    def value_problems(self, name: str, option: dict) -> Iterator[Problem]:
        """Yield the problems of a variable's value by its spec; store the value if there are none."""
        origin = origin_of(self.variables, name)
        try:
            value = self._templar.template(self.merged[name])
        except AnsibleError as error:
            yield Problem(name, f"{name} cannot be computed: {first_sentence(str(error))}", origin)
            return
        if value is None and (option.get("required") or option.get("default") is not None):
            yield Problem(name, f"{name} has no value: {first_line(option)}", origin)
            return
        # A problem of a default that uses another setting is reported for that setting.
        if name in self.variables:
            wrong = list(type_problems(name, value, option, name in DURATIONS or name.endswith("lock_wait")))
            for message in wrong:
                text = f"must be text, but is {type_name(value)}" if hidden(name, value, option) else message
                yield Problem(name, text, origin)
            if wrong:
                return
        if name in CLEAR_TEXT:
            secret = list(self.from_vault(name, value))
            yield from (Problem(name, message, origin) for message in secret)
            if secret:
                return
        result = ArgumentSpecValidator({name: option}).validate(
            {name: value}, validate_role_argument_spec=True
        )
        for message in result.error_messages:
            # Ansible's message may contain the value.
            text = (
                f"must be of type {option.get('type', 'str')}"
                if hidden(name, value, option)
                else plain(message, name)
            )
            yield Problem(name, f"{shown(name, value, option)}: {text}", origin)
        if not result.error_messages:
            self.values[name] = result.validated_parameters[name]

    def from_vault(self, name: str, value: Any) -> Iterator[str]:
        """Yield the parts of a clear-text setting that come from a vault."""
        raw = self.merged[name]
        entries = raw if isinstance(raw, Mapping) else {"": raw}
        for key in dict.fromkeys([*entries, *(value if isinstance(value, Mapping) else ())]):
            found = [*vault_sources(entries.get(key), self.merged)]
            if not found and isinstance(value, Mapping) and contains_vaulted_value(value.get(key)):
                found = ["a vaulted value"]
            if found:
                yield f"{name}{f'.{key}' if key else ''} comes from a vault, {found[0]}: {CLEAR_TEXT[name]}"

    def check_custom_manifests(self) -> Findings:
        """Validate the user's own manifests, if this host uses them for its slots."""
        raw = self._templar.template(self.merged.get("slot_manifests_dir", ""))
        if not raw or self.component != "release" or self.values.get("slot_kind") != "kubernetes":
            return Findings()

        def templar(slot: str) -> Any:
            workload, config = self.values["slot_workload"], as_texts(self.values.get("slot_config", {}))
            release = {
                "id": "00000000",
                "number": NUMBER,
                "kind": "deploy",
                "slot": slot,
                "from_slot": other(slot),
                "image": f"{workload}:{NUMBER}",
                "tag": NUMBER,
                "digest": "",
                "version": "",
                "config": config,
                "config_name": f"{workload}-0",
                "steps": [],
            }
            variables = {**self.merged, "slot_release": release}
            return self._templar.copy_with_new_env(available_variables=variables)

        def render(file: Path, slot: str) -> str:
            lookup = f"{{{{ query('ansible.builtin.template', {json.dumps(str(file))}) }}}}"
            # An empty template renders as None.
            return "".join(text or "" for text in templar(slot).template(trust_as_template(lookup)))

        def name(slot: str) -> str:
            return str(templar(slot).template(self.merged["slot_name"]))

        return check_manifests(str(raw), render, name, self.values["slot_namespace"])

    def unknown(self, extra: Mapping[str, Any], more: Iterable[str]) -> Iterator[Problem]:
        """Yield variables without a spec: those with the prefix of a role, and extra variables similar to a known name."""
        known = {*self.specifications.names, *more}
        for name in self.variables:
            if name in known or name.startswith(("_", "ansible_")):
                continue
            role = self.specifications.role_of(name)
            if role:
                options = self.specifications.roles[role]
                similar = suggestion(name, known)
                allowed = "" if similar else f". Its variables are: {', '.join(sorted(options))}"
                origin = origin_of(self.variables, name)
                yield Problem(name, f"{name} is not a variable of the role {role}{similar}{allowed}", origin)
            elif name in extra:
                similar = suggestion(name, known, 0.8)
                if similar:
                    yield Problem(name, f"{name} is not known{similar}", "given with -e")

    def given(self, name: str) -> str:
        """Return the variable that the value comes from: `name`, or the variable that its default refers to."""
        if name in self.variables or name not in self.merged:
            return name
        others = [other for other in template_variables(self.merged[name]) if other in self.variables]
        same = [other for other in others if self.variables[other] == self.values.get(name)]
        return same[0] if len(same) == 1 else name

    def origin(self, name: str) -> str:
        return origin_of(self.variables, name)


def suggestion(name: str, known: Iterable[str], cutoff: float = 0.75) -> str:
    """Return `: did you mean …?`, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f": did you mean {close[0]}?" if close else ""


def shown(name: str, value: Any, option: dict) -> str:
    """Return `name = value` for a message, with secrets hidden."""
    text = "(hidden)" if hidden(name, value, option) else repr_of(value)
    return f"{name} = {text}"


def hidden(name: str, value: Any, option: dict) -> bool:
    """Return whether messages must not show the value of a setting."""
    return bool(option.get("no_log")) or name == "slot_config" or is_vaulted_value(value)


def repr_of(value: Any) -> str:
    """Return a value in YAML syntax, in one line of at most 200 characters."""
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 200 else f"{text[:197]}…"  # long enough for the path of a folder


def plain(message: str, name: str) -> str:
    """Return Ansible's message without the name and value, which `shown` prints."""
    message = re.sub(rf"^value of {re.escape(name)} must be", "must be", message)
    message = re.sub(r"^([\w.]+)\. Supported parameters include:", r"\1 is not known. There are:", message)
    return re.sub(r", got: .*$", "", message.strip(), flags=re.DOTALL)


def first_line(option: dict) -> str:
    description = option.get("description", "")
    return description[0] if isinstance(description, list) else description


def first_sentence(message: str) -> str:
    return message.strip().splitlines()[0]
