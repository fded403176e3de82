"""The diagram of the code shows the imports of a folder, and the real one has no forbidden import."""

from __future__ import annotations

from pathlib import Path

from docs.generate import code_map


def write(root: Path, name: str, text: str = "") -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_imports_and_uses_become_edges(tmp_path: Path) -> None:
    write(tmp_path, "plugins/module_utils/release/plan.py")
    write(tmp_path, "plugins/module_utils/resource.py", "from .release import plan\n")
    write(tmp_path, "plugins/filter/texts.py")
    package = "ansible_collections.teal.platform.plugins.module_utils"
    write(tmp_path, "plugins/modules/one.py", f"import boto3\nfrom {package}.release.plan import deploy\n")
    write(
        tmp_path, "roles/two/tasks/main.yml", "- teal.platform.one:\n    a: '{{ b | teal.platform.texts }}'\n"
    )
    write(tmp_path, "playbooks/three.yml", "- roles: [teal.platform.two, teal.platform.none]\n")
    write(tmp_path, "rehearsal/kubernetes/four.py", "import rehearsal.config\n")
    write(tmp_path, "rehearsal/config.py")
    assert code_map.edges(tmp_path) == {
        ("module_utils", "engine"),
        ("modules", "engine"),
        ("roles", "modules"),
        ("roles", "filters"),
        ("playbooks", "roles"),
        ("kubernetes", "rehearsal"),
    }


def test_every_node_has_a_group_and_a_folder() -> None:
    assert [node for _, nodes in code_map.GROUPS.values() for node in nodes] == list(code_map.NODES)
    for _, folders in code_map.NODES.values():
        assert all((code_map.ROOT / folder).is_dir() for folder in folders)


def test_the_collection_does_not_depend_on_the_emulator() -> None:
    emulator = set(code_map.GROUPS["emulator"][1])
    edges = code_map.edges()
    assert ("modules", "engine") in edges
    assert [edge for edge in edges if (edge[0] in emulator) != (edge[1] in emulator)] == []
