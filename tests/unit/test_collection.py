"""Consistency of the collection: specs and defaults, inventories, versions."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(folder.name for folder in ROOT.glob("roles/*/"))
ENVIRONMENTS = sorted(folder.name for folder in ROOT.glob("inventories/*/"))


def load(path: str) -> Any:
    file = ROOT / path
    return yaml.safe_load(file.read_text()) if file.is_file() else None


def templated(value: Any) -> bool:
    return "{{" in json.dumps(value)


def options(role: str) -> dict[str, dict]:
    spec = load(f"roles/{role}/meta/argument_specs.yml")
    return (spec or {}).get("argument_specs", {}).get("main", {}).get("options", {})


# -- roles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_role_has_the_common_files(role):
    folder = ROOT / "roles" / role
    for part in ("tasks/main.yml", "meta/main.yml", "meta/argument_specs.yml"):
        assert (folder / part).is_file(), part


@pytest.mark.parametrize("role", ROLES)
def test_spec_and_defaults_have_the_same_variables(role):
    defaults, spec = load(f"roles/{role}/defaults/main.yml") or {}, options(role)
    optional = {name for name, option in spec.items() if not option.get("required")}
    assert defaults.keys() - spec.keys() == set(), "in defaults, not in the spec"
    assert optional - defaults.keys() == set(), "optional in the spec, without a default"
    assert defaults.keys() - optional == set(), "required in the spec, but has a default"


@pytest.mark.parametrize("role", ROLES)
def test_spec_and_defaults_have_the_same_values(role):
    spec = options(role)
    wrong = {}
    for name, value in (load(f"roles/{role}/defaults/main.yml") or {}).items():
        documented = spec.get(name, {}).get("default", None if templated(value) else "(nothing)")
        if documented is not None and documented != value:
            wrong[name] = f"default {value!r}, spec {documented!r}"
    assert wrong == {}


@pytest.mark.parametrize("role", ROLES)
def test_variables_begin_with_the_role_name(role):
    wrong = [name for name in options(role) if not name.startswith(f"{role}_")]
    computed = [
        name
        for name in load(f"roles/{role}/vars/main.yml") or {}
        if not name.startswith((f"{role}_", f"__{role}_"))
    ]
    assert wrong + computed == []


def described(spec: dict[str, dict]) -> list[str]:
    """Return the names of options without a description, nested ones too."""
    return [
        *(name for name, option in spec.items() if not option.get("description")),
        *(inner for option in spec.values() for inner in described(option.get("options", {}))),
    ]


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_described(role):
    assert described(options(role)) == []


# -- environments are data -------------------------------------------------------------------------


def strings(node: Any, key: str = "") -> list[str]:
    """Return the strings of a YAML document, except texts for people."""
    if isinstance(node, dict):
        return [text for name, value in node.items() for text in (str(name), *strings(value, str(name)))]
    if isinstance(node, list):
        return [text for value in node for text in strings(value, key)]
    readable = ("name", "description", "short_description", "fail_msg", "msg")
    return [node] if isinstance(node, str) and key not in readable else []


def environments_named(text: str) -> list[str]:
    """Return the environments that a string names, as the whole string or in a comparison."""
    quoted = re.findall(r"""['"]([a-z]+)['"]""", text)
    return [name for name in ENVIRONMENTS if name == text or name in quoted or f"inventories/{name}" in text]


YAML_FILES = sorted(
    path.relative_to(ROOT)
    for pattern in ("roles/**/*.yml", "playbooks/**/*.yml")
    for path in ROOT.glob(pattern)
)


def test_no_role_or_playbook_names_an_environment():
    named = {
        str(path): found
        for path in YAML_FILES
        if (found := [text for text in strings(load(str(path))) if environments_named(text)])
    }
    for path in ROOT.glob("roles/**/*.j2"):
        if found := environments_named(path.read_text()):
            named[str(path.relative_to(ROOT))] = found
    assert named == {}


def test_no_plugin_names_an_environment():
    named = defaultdict(list)
    for path in ROOT.glob("plugins/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in set(ENVIRONMENTS) - {"test"}:
                named[str(path.relative_to(ROOT))].append(node.lineno)
    assert named == {}


def test_name_search_finds_environments():
    assert environments_named("platform_environment == 'production'") == ["production"]
    assert environments_named("staging") == ["staging"]
    assert environments_named("ansible-playbook -i inventories/test") == ["test"]
    assert environments_named("the latest production release") == []


# -- inventories agree -----------------------------------------------------------------------------


def components(environment: str) -> dict[str, str]:
    """Return the wave of each component."""
    waves = load(f"inventories/{environment}/hosts.yml")["all"]["children"]
    return {name: wave for wave, entry in waves.items() for name in entry["children"]}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_inventory_graph_shows_components_by_wave(environment: str) -> None:
    words = [Path(sys.executable).parent / "ansible-inventory", "-i", f"inventories/{environment}", "--graph"]
    graph = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    drawn: dict[str, str] = {}
    wave = ""
    for line in graph.splitlines():
        name = line.lstrip(" |-@").rstrip(":")
        if name.startswith("wave_"):
            wave = name
        elif name.endswith(f".{environment}"):
            drawn[name.removesuffix(f".{environment}")] = wave
    assert drawn == components(environment)


def shape(value: Any) -> Any:
    """Return the type of a value. For lists and dicts, it includes the types of their elements."""
    if isinstance(value, dict):
        return {"dict": sorted({str(shape(inner)) for inner in value.values()})} if value else "dict"
    if isinstance(value, list):
        return "list"
    return type(value).__name__


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_hosts_are_components_of_their_environment(environment):
    waves = load(f"inventories/{environment}/hosts.yml")["all"]["children"]
    for entry in waves.values():
        for component, group in entry["children"].items():
            assert list(group["hosts"]) == [f"{component}.{environment}"]
            assert component in ROLES
    assert load(f"inventories/{environment}/group_vars/all.yml")["platform_environment"] == environment


def test_a_component_is_in_the_same_wave_everywhere():
    waves = defaultdict(set)
    for environment in ENVIRONMENTS:
        for component, wave in components(environment).items():
            waves[component].add(wave)
    assert {component: found for component, found in waves.items() if len(found) > 1} == {}


def test_settings_have_the_same_names_and_types_everywhere():
    settings: dict[str, dict[str, dict]] = defaultdict(dict)
    for environment in ENVIRONMENTS:
        for file in (ROOT / "inventories" / environment / "group_vars").glob("*.yml"):
            settings[file.stem][environment] = yaml.safe_load(file.read_text()) or {}
    wrong = []
    for component, by_environment in settings.items():
        expected = [e for e in ENVIRONMENTS if component == "all" or component in components(e)]
        if sorted(by_environment) != expected:
            wrong.append(f"{component}: has settings in {sorted(by_environment)}, is in {expected}")
        names = {name for values in by_environment.values() for name in values}
        for name in sorted(names):
            shapes = {
                (e, values.get("slot_kind") if name.startswith("slot_") else None): shape(values.get(name))
                for e, values in by_environment.items()
            }
            # slots of pods and slots of instances have different settings
            for kind in {kind for _, kind in shapes}:
                alike = {e: str(found) for (e, of), found in shapes.items() if of == kind}
                if len(set(alike.values())) > 1:
                    wrong.append(f"{component}: {name}: {alike}")
    assert wrong == []


def test_settings_are_those_of_their_component():
    """The file of a component has only settings of its role, or of roles that are not components (such as slot)."""
    of_none = set(ROLES) - {component for e in ENVIRONMENTS for component in components(e)}
    shared = {name for role in of_none for name in options(role)}
    wrong = []
    for file in ROOT.glob("inventories/*/group_vars/*.yml"):
        known = shared | options(file.stem if file.stem != "all" else "platform").keys()
        names = (yaml.safe_load(file.read_text()) or {}).keys()
        unknown = [name for name in names - known if not name.startswith("ansible_")]
        wrong += [f"{file.relative_to(ROOT)}: {name}" for name in unknown]
    assert wrong == []


def test_networks_do_not_overlap():
    from ipaddress import ip_network
    from itertools import combinations

    ranges = [
        ip_network(load(f"inventories/{environment}/group_vars/network.yml")["network_cidr"])
        for environment in ENVIRONMENTS
    ]
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2))


# -- versions --------------------------------------------------------------------------------------


def test_version_is_the_same_everywhere():
    version = load("galaxy.yml")["version"]
    assert load("roles/platform/vars/main.yml")["__platform_collection_version"] == version


def test_galaxy_dependencies_match_the_requirements():
    required = {entry["name"]: entry["version"] for entry in load("requirements.yml")["collections"]}
    assert load("galaxy.yml")["dependencies"] == required


@pytest.mark.parametrize("name, versions", list(load("galaxy.yml")["dependencies"].items()))
def test_installed_collections_satisfy_requirements(name, versions):
    collections = Path(find_spec("ansible_collections").submodule_search_locations[0])
    installed = [
        json.loads((folder / name.replace(".", "/") / "MANIFEST.json").read_text())["collection_info"][
            "version"
        ]
        for folder in (collections, Path(find_spec("ansible").origin).parents[1] / "ansible_collections")
        if (folder / name.replace(".", "/") / "MANIFEST.json").is_file()
    ]
    assert installed, f"{name} is not installed"
    assert installed[0] in SpecifierSet(versions)


@pytest.mark.parametrize("role", ROLES)
def test_command_line_flags_are_converted_to_bool_in_conditions(role):
    """`-e flag=false` is the text "false". A template treats it as true, and a condition refuses it."""
    flags = "|".join(name for name, spec in options(role).items() if spec["type"] == "bool")
    if not flags:
        return
    bare = re.compile(
        rf"(?:\bwhen:|\bif|\band|\bor|\bnot|^\s+-) *(?:{flags})\b(?! *\| *bool| *:)", re.MULTILINE
    )
    files = [*(ROOT / "roles" / role).rglob("tasks/*.yml"), *(ROOT / "roles" / role).rglob("templates/*.j2")]
    assert [(file.name, found) for file in files for found in bare.findall(file.read_text())] == []
