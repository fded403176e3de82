"""The diagram of the code in docs/architecture.md: folders, and which folder uses which.

Python imports come from the syntax trees of the files. Playbooks and roles use roles and plugins by their full names,
`teal.platform.<name>`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from docs.generate.data import ROOT

PACKAGE = "ansible_collections.teal.platform."
USED = re.compile(r"\bteal\.platform\.(\w+)")
#: Nodes by ID: the label, and the folders that belong to it. A folder belongs to the node with its longest prefix.
NODES: dict[str, tuple[str, tuple[str, ...]]] = {
    "playbooks": ("playbooks<br/>the order of the roles", ("playbooks",)),
    "roles": ("roles<br/>one component each", ("roles",)),
    "modules": ("plugins/modules<br/>options, documentation", ("plugins/modules",)),
    "filters": ("plugins/filter, lookup", ("plugins/filter", "plugins/lookup")),
    "controller": (
        "plugins/action, callback, connection",
        ("plugins/action", "plugins/callback", "plugins/connection"),
    ),
    "plugin_utils": (
        "plugins/plugin_utils<br/>code on the controller: checks, summary",
        ("plugins/plugin_utils",),
    ),
    "module_utils": (
        "plugins/module_utils<br/>AWS and Kubernetes clients, helpers",
        ("plugins/module_utils",),
    ),
    "engine": ("plugins/module_utils/release<br/>the release engine", ("plugins/module_utils/release",)),
    "slots": (
        "plugins/module_utils/release/slots<br/>slots on EKS and EC2",
        ("plugins/module_utils/release/slots",),
    ),
    "rehearsal": ("rehearsal<br/>the local emulator", ("rehearsal",)),
    "kubernetes": ("rehearsal/kubernetes", ("rehearsal/kubernetes",)),
    "patches": ("rehearsal/moto_patches", ("rehearsal/moto_patches",)),
}
GROUPS = {
    "ansible": ("Ansible", ("playbooks", "roles")),
    "plugins": (
        "The collection's Python code",
        ("modules", "filters", "controller", "plugin_utils", "module_utils", "engine", "slots"),
    ),
    "emulator": ("The local emulator", ("rehearsal", "kubernetes", "patches")),
}


def node_of(path: PurePosixPath) -> str | None:
    """Return the node that a file belongs to; None for a file outside of the diagram."""
    found = [
        (len(folder), node)
        for node, (_, folders) in NODES.items()
        for folder in folders
        if path.is_relative_to(folder)
    ]
    return max(found)[1] if found else None


def imports(file: Path, root: Path = ROOT) -> Iterator[PurePosixPath]:
    """Yield the files of the repository that a Python file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = file.relative_to(root).parts[: -node.level] if node.level else ()
            module = ".".join([*parents, *filter(None, [node.module])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for name in names:
            place = PurePosixPath(name.removeprefix(PACKAGE).replace(".", "/"))
            if (root / place).with_suffix(".py").is_file():
                yield place.with_suffix(".py")


def used(file: Path, root: Path = ROOT) -> Iterator[PurePosixPath]:
    """Yield the roles and plugins that a YAML file names."""
    for name in set(USED.findall(file.read_text(encoding="utf-8"))):
        if (root / "roles" / name).is_dir():
            yield PurePosixPath("roles", name)
        for kind in ("modules", "filter", "lookup"):
            if (root / "plugins" / kind / f"{name}.py").is_file():
                yield PurePosixPath("plugins", kind, f"{name}.py")


def edges(root: Path = ROOT) -> set[tuple[str, str]]:
    """Return the pairs of nodes of which the first uses the second."""
    found = set()
    for folder in ("plugins", "rehearsal", "playbooks", "roles"):
        for file in (root / folder).rglob("*"):
            read = {".py": imports, ".yml": used}.get(file.suffix)
            source = node_of(PurePosixPath(file.relative_to(root).as_posix()))
            if read and source and file.is_file():
                found |= {(source, target) for path in read(file, root) if (target := node_of(path))}
    return {(source, target) for source, target in found if source != target}


def diagram() -> str:
    """Return the diagram as Mermaid."""
    pairs = edges()
    lines = ["flowchart TB"]
    for group, (title, nodes) in GROUPS.items():
        lines.append(f'    subgraph {group}["{title}"]')
        lines += [f'        {node}["{NODES[node][0]}"]' for node in nodes]
        lines.append("    end")
    for source in NODES:
        for target in NODES:
            if (source, target) in pairs and (target, source) not in pairs:
                lines.append(f"    {source} --> {target}")
            elif (source, target) in pairs and list(NODES).index(source) < list(NODES).index(target):
                lines.append(f"    {source} <--> {target}")
    return "\n".join(["```mermaid", *lines, "```"])
