"""What preflight says of the user's own manifests: the file and the reason, before a release begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.teal.platform.plugins.plugin_utils.custom_manifests import Findings
from ansible_collections.teal.platform.plugins.plugin_utils.settings import Settings, Specifications

ROOT = Path(__file__).resolve().parents[3]
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ slot_name }}"}
spec:
  selector: {matchLabels: {{ slot_selector | to_json }}}
  template:
    metadata: {labels: {{ slot_labels | to_json }}}
    spec: {containers: [{name: service, image: "{{ slot_release.image }}"}]}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: "{{ slot_name }}"}
spec: {type: NodePort, ports: [{port: 80, nodePort: {{ slot_node_port }}}], selector: {{ slot_selector | to_json }}}
"""
LOADER = DataLoader()
SPECIFICATIONS = Specifications(
    ROOT, lambda path: LOADER.load_from_file(path, cache="none", trusted_as_template=True)
)


def of(folder: str, **more: Any) -> Findings:
    """Return what is found in a folder of manifests of the release `shop` in the environment `qa`."""
    variables = {
        "platform_environment": "qa",
        "platform_application": "shop",
        "platform_region": "eu-west-1",
        "release_domain_name": "shop.example.com",
        "slot_manifests_dir": folder,
        **more,
    }
    settings = Settings(SPECIFICATIONS, "release.qa", variables, Templar(loader=LOADER))
    list(settings.problems())
    return settings.check_custom_manifests()


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Findings]:
    """Return a function that validates a folder with the given files."""

    def look(files: dict[str, str | bytes]) -> Findings:
        for name, text in files.items():
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return of(str(tmp_path))

    return look


@pytest.mark.parametrize(
    "files",
    [
        {"all.yml": f"{DEPLOYMENT}---{SERVICE}"},
        {"deployment.yaml": DEPLOYMENT, "service.j2": SERVICE, "README.md": "x"},
        {"deployment.yml": DEPLOYMENT, "scaling.yml": "{% if slot_autoscaling %}\nkind: x\n{% endif %}\n"},
        {"deployment.yml": f"---\n{DEPLOYMENT}---\n"},
        {"deployment.yml": f"# 배포 🚀\n{DEPLOYMENT}"},
    ],
    ids=lambda files: " ".join(files),
)
def test_valid_manifests_are_accepted(look: Callable[..., Findings], files: dict[str, str]) -> None:
    assert look(files) == Findings()


WRONG: list[tuple[dict[str, str | bytes], str]] = [
    ({}, "has no file that ends in .yml, .yaml or .j2 (found: nothing)"),
    ({"deployment.json": "{}"}, "(found: deployment.json)"),
    (
        {"kustomization.yaml": "resources: [a.yml]", "a.yml": DEPLOYMENT},
        "kustomization.yaml: kustomize is not supported",
    ),
    ({"Kustomization": "", "a.yml": DEPLOYMENT}, "Kustomization: kustomize is not supported"),
    ({"Chart.yaml": "name: a", "a.yml": DEPLOYMENT}, "Chart.yaml: Helm is not supported"),
    ({"a.yml": DEPLOYMENT, "b.yml": ""}, "b.yml has no object"),
    ({"a.yml": DEPLOYMENT, "b.yml": "# nothing\n---\n---\n"}, "b.yml has no object"),
    (
        {"a.yml": SERVICE},
        "a.yml: the manifests of slot blue must contain one Deployment, and its name must be shop-blue",
    ),
    ({"a.yml": DEPLOYMENT, "b.yml": DEPLOYMENT}, "b.yml: Deployment shop-blue is also in a.yml"),
    (
        {"a.yml": DEPLOYMENT, "b.yml": DEPLOYMENT.replace("{{ slot_name }}", "other")},
        "a.yml, b.yml: the manifests of slot blue must contain one Deployment",
    ),
    (
        {"a.yml": DEPLOYMENT.replace("{{ slot_name }}", "shop-blue")},
        "of slot green must contain one Deployment",
    ),
    (
        {"a.yml": DEPLOYMENT.replace("slot_labels", "slot_selector")},
        "a.yml: the pods of Deployment shop-blue must have",
    ),
    ({"a.yml": DEPLOYMENT, "b.yml": "kind: [x"}, "b.yml is not valid YAML in line "),
    ({"a.yml": DEPLOYMENT, "b.yml": "\tkind: x"}, "b.yml is not valid YAML in line 1"),
    ({"a.yml": DEPLOYMENT, "b.yml": b"\xff\xfe"}, "b.yml "),
    ({"a.yml": DEPLOYMENT, "b.yml": "{{ nowhere }}"}, "b.yml cannot be rendered: "),
    ({"a.yml": DEPLOYMENT, "b.yml": "{% if %}"}, "b.yml cannot be rendered: "),
    ({"a.yml": DEPLOYMENT, "b.yml": "just text"}, "b.yml: a document is a str, and must be an object"),
    ({"a.yml": DEPLOYMENT, "b.yml": "- a\n- b"}, "b.yml: a document is a list, and must be an object"),
    ({"a.yml": DEPLOYMENT, "b.yml": "apiVersion: v1\nmetadata: {name: x}"}, "b.yml: an object has no kind"),
    ({"a.yml": DEPLOYMENT, "b.yml": "apiVersion: 1\nkind: x"}, "b.yml: an object has no apiVersion"),
    (
        {"a.yml": DEPLOYMENT, "b.yml": "apiVersion: v1\nkind: X\nmetadata: []"},
        "b.yml: metadata and spec of a X",
    ),
    (
        {"a.yml": DEPLOYMENT, "b.yml": "apiVersion: v1\nkind: X"},
        "b.yml: the manifests contain a X without metadata.name",
    ),
    (
        {"a.yml": DEPLOYMENT, "b.yml": "apiVersion: v1\nkind: List\nitems: []"},
        "b.yml: the manifests contain a List",
    ),
    (
        {"a.yml": DEPLOYMENT, "b.yml": "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}"},
        "b.yml: the manifests contain StatefulSet x. A slot runs the pods of one Deployment",
    ),
    (
        {
            "a.yml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: '{{ slot_name }}'}\nspec: {template: null}"
        },
        "a.yml: Deployment shop-blue must have spec.selector and spec.template",
    ),
]


@pytest.mark.parametrize(("files", "message"), WRONG, ids=lambda value: str(value)[:60])
def test_problem_names_its_file(look: Callable[..., Findings], files: dict[str, str], message: str) -> None:
    found = look(files).problems
    assert any(message in problem for problem in found), found


def test_empty_document_is_a_warning(look: Callable[..., Findings]) -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
    found = look({"a.yml": DEPLOYMENT, "b.yml": f"{config}---\n# nothing\n---\n{config.replace('x', 'y')}"})
    assert found == Findings(warnings=["b.yml: document 2 is empty and is ignored"])


@pytest.mark.parametrize("folder", ["manifests", "./manifests", "../manifests", "~/manifests"])
def test_relative_folder_is_rejected(folder: str) -> None:
    (problem,) = of(folder).problems
    assert problem.startswith("must be an absolute path") and "{{ inventory_dir }}/manifests" in problem


def test_missing_folder_is_rejected(tmp_path: Path) -> None:
    assert of(str(tmp_path / "none")).problems == ["the folder does not exist"]
    (tmp_path / "deployment.yml").write_text(DEPLOYMENT)
    assert of(str(tmp_path / "deployment.yml")).problems == ["is a file; set its folder instead"]


def test_without_folder_or_kubernetes_nothing_is_checked(tmp_path: Path) -> None:
    assert of("") == of(str(tmp_path / "none"), slot_kind="instance") == Findings()
