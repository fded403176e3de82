# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Validates the user's own manifests, rendered for both slots, before a release begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible_collections.teal.platform.plugins.module_utils.release.slots import manifests
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import SlotFailed
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import SLOTS

#: Files that the role reads from the folder.
PATTERNS = ("*.yml", "*.yaml", "*.j2")
_KUSTOMIZE = ("kustomization.yml", "kustomization.yaml", "kustomization")
_HELM = ("chart.yaml", "values.yaml", "helmfile.yaml")
NUMBER = "r0"


@dataclass
class Findings:
    """Problems and warnings about manifests."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_manifests(
    folder: str, render: Callable[[Path, str], str], name: Callable[[str], str], namespace: str
) -> Findings:
    """Validate a folder of manifests.

    `render(file, slot)` returns a file as the role renders it, `name(slot)` the required name of a slot's Deployment.
    """
    found = Findings(list(_wrong_folder(folder)))
    if found.problems:
        return found
    files = sorted({file for pattern in PATTERNS for file in Path(folder).glob(pattern) if file.is_file()})
    for slot in SLOTS:
        objects = [(file, obj) for file in files for obj in _objects(file, slot, render, found)]
        if not found.problems:
            found.problems += _wrong_objects(objects, name(slot), slot, namespace)
        if found.problems:
            break
    return found


def _wrong_folder(folder: str) -> Iterator[str]:
    path = Path(folder)
    if not path.is_absolute():
        yield (
            "must be an absolute path, since a relative path is searched in the role's folders. For a folder next to the "
            'inventory use "{{ inventory_dir }}/manifests"'
        )
    elif not path.exists():
        yield "the folder does not exist"
    elif not path.is_dir():
        yield "is a file; set its folder instead"
    else:
        try:
            names = sorted(entry.name for entry in path.iterdir())
        except OSError as error:
            yield f"cannot be read: {error.strerror}"
            return
        lower = {entry.lower(): entry for entry in names}
        if tool := next((lower[entry] for entry in _KUSTOMIZE if entry in lower), None):
            yield (
                f"{tool}: kustomize is not supported. Write its output to a folder without that file: "
                f"kubectl kustomize {folder} > manifests/all.yml"
            )
        elif tool := next((lower[entry] for entry in _HELM if entry in lower), None):
            yield (
                f"{tool}: Helm is not supported. Write its output to another folder: "
                f"helm template {folder} > manifests/all.yml"
            )
        elif not any(file.is_file() for pattern in PATTERNS for file in path.glob(pattern)):
            yield (
                f"has no file that ends in .yml, .yaml or .j2 (found: {', '.join(names) or 'nothing'}); subfolders are "
                "not read"
            )


def _objects(file: Path, slot: str, render: Callable[[Path, str], str], found: Findings) -> Iterator[Any]:
    try:
        source = file.read_bytes().decode()
        documents = list(
            yaml.load_all(render(file, slot), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        )
    except AnsibleError as error:
        found.problems.append(f"{file.name} cannot be rendered: {_first(str(error))}")
        return
    except UnicodeDecodeError:
        found.problems.append(f"{file.name} is not UTF-8 text")
        return
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        found.problems.append(
            f"{file.name} is not valid YAML{where}: {getattr(error, 'problem', None) or _first(str(error))}"
        )
        return
    template = any(mark in source for mark in ("{%", "{{"))
    empty = [number for number, document in enumerate(documents, 1) if document is None]
    if not template and len(empty) == len(documents):
        found.problems.append(f"{file.name} has no object: remove the file, or add an object")
    elif empty and not template and slot == SLOTS[0]:
        found.warnings.append(f"{file.name}: document {empty[0]} is empty and is ignored")
    for document in documents:
        if document is None:
            continue
        if reason := _invalid_object(document):
            found.problems.append(f"{file.name}: {reason}")
        else:
            yield document


def _invalid_object(document: Any) -> str:
    """Return why a document is not a Kubernetes object, or the empty string."""
    if not isinstance(document, dict):
        return f"a document is a {type(document).__name__}, and must be an object with apiVersion, kind and metadata"
    for key, kind in (("apiVersion", str), ("kind", str)):
        if not isinstance(document.get(key), kind):
            return f"an object has no {key}"
    if not isinstance(document.get("metadata", {}), dict) or not isinstance(document.get("spec", {}), dict):
        return f"metadata and spec of a {document['kind']} must be mappings"
    return ""


def _wrong_objects(objects: list[tuple[Path, Any]], name: str, slot: str, namespace: str) -> Iterator[str]:
    before: dict[tuple[str, str], Path] = {}
    wrong = False
    for file, obj in objects:
        if reason := manifests.wrong(obj, name, namespace):
            wrong = True
            yield f"{file.name}: {reason}"
            continue
        key = (obj["kind"], str(obj["metadata"]["name"]))
        if key in before:
            wrong = True
            yield f"{file.name}: {' '.join(key)} is also in {before[key].name}"
        before.setdefault(key, file)
    if wrong:
        return
    deployments = [(file, obj) for file, obj in objects if obj["kind"] == manifests.DEPLOYMENT]
    try:
        manifests.checked([obj for _file, obj in objects], name, slot, NUMBER, namespace)
    except SlotFailed as error:
        files = ", ".join(dict.fromkeys(file.name for file, _obj in deployments or objects))
        yield f"{files}: {_first(str(error))}" if files else _first(str(error))
    except (AttributeError, KeyError, TypeError):
        yield f"{deployments[0][0].name}: Deployment {name} must have spec.selector and spec.template with metadata"


def _first(message: str) -> str:
    return message.strip().splitlines()[0]
