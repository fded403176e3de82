"""The sources of the pages: inventories, argument specs, documentation strings."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
#: The order in which a release passes them.
ORDER = ("test", "staging", "production")


@dataclass(frozen=True)
class Environment:
    """One inventory."""

    name: str
    waves: dict[str, list[str]]
    settings: dict[str, dict[str, Any]]
    values: dict[str, Any] = field(repr=False)

    @property
    def components(self) -> list[str]:
        return [component for components in self.waves.values() for component in components]

    def has(self, component: str) -> bool:
        return component in self.components

    def __getitem__(self, name: str) -> Any:
        """Return a setting: the inventory's, or else the role's default."""
        return self.values[name]


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def environment(folder: Path) -> Environment:
    """Return the environment of a folder of inventories/."""
    groups = read_yaml(folder / "hosts.yml")["all"]["children"]
    waves = {wave: list(content["children"]) for wave, content in groups.items()}
    files = sorted((folder / "group_vars").glob("*.yml"))
    settings = {file.stem: read_yaml(file) or {} for file in files}
    given = {key: value for content in settings.values() for key, value in content.items()}
    defaults: dict[str, Any] = {}
    for role in roles():
        defaults |= role_defaults(role)
    return Environment(given["platform_environment"], waves, settings, {**defaults, **given})


@functools.cache
def environments() -> list[Environment]:
    """Return the environments of this repository."""
    return [environment(ROOT / "inventories" / name) for name in ORDER]


@functools.cache
def roles() -> list[str]:
    return sorted(folder.name for folder in (ROOT / "roles").iterdir() if (folder / "meta").is_dir())


@functools.cache
def role_spec(role: str) -> dict[str, Any]:
    """Return the entry points of a role's argument spec."""
    spec = read_yaml(ROOT / "roles" / role / "meta" / "argument_specs.yml") or {}
    return spec.get("argument_specs", {})


@functools.cache
def role_defaults(role: str) -> dict[str, Any]:
    return read_yaml(ROOT / "roles" / role / "defaults" / "main.yml") or {}


@functools.cache
def needs(role: str) -> list[str]:
    """Return the components that a role looks up when it builds its own."""
    file = ROOT / "roles" / role / "tasks" / "present.yml"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    found = re.findall(r"component_info:.*?components: (.+?)$", text, re.DOTALL | re.MULTILINE)
    names = dict.fromkeys(re.findall(r"[a-z_]+", " ".join(found)))
    return [name for name in names if name in roles() and name not in (role, "platform")]


def doc_strings(file: Path) -> dict[str, Any]:
    """Return DOCUMENTATION, EXAMPLES and RETURN of a plugin, without running it."""
    found: dict[str, Any] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = node.value.value
    documentation = yaml.safe_load(found["DOCUMENTATION"]) if found.get("DOCUMENTATION") else {}
    fragments = documentation.get("extends_documentation_fragment", [])
    return {
        "documentation": documentation,
        "examples": (found.get("EXAMPLES") or "").strip(),
        "return": yaml.safe_load(found["RETURN"]) if found.get("RETURN") else {},
        "fragments": [fragments] if isinstance(fragments, str) else fragments,
    }


@functools.cache
def fragment(name: str) -> dict[str, Any]:
    """Return a documentation fragment of this collection; empty for one of another."""
    file = ROOT / "plugins" / "doc_fragments" / f"{name.removeprefix('teal.platform.')}.py"
    if not name.startswith("teal.platform.") or not file.exists():
        return {}
    text = re.search(r'DOCUMENTATION = r?"""(.*?)"""', file.read_text(encoding="utf-8"), re.DOTALL)
    return yaml.safe_load(text[1]) if text else {}


def plugins(kind: str) -> list[str]:
    """Return the names of the documented plugins of a kind (modules, filter, lookup, …)."""
    files = sorted((ROOT / "plugins" / kind).glob("*.py"))
    return [file.stem for file in files if "DOCUMENTATION" in file.read_text(encoding="utf-8")]
