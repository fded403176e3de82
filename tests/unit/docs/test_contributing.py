"""The first change in CONTRIBUTING.md works as the page describes it, and the hooks are installed linters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import documented

ROOT = documented.ROOT
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BIN = Path(sys.executable).parent


def snippets() -> dict[str, str]:
    """Return the YAML blocks of the page by their file."""
    section = PAGE.partition("## A first change")[2]
    found = re.findall(r"`((?:roles|changelogs)/\S+?\.yml)`.*?```yaml\n(.*?)\n +```", section, re.DOTALL)
    return {path: re.sub(r"^ {3}", "", text, flags=re.MULTILINE) for path, text in found}


def indented(text: str, by: int) -> str:
    return re.sub(r"^", " " * by, text, flags=re.MULTILINE) + "\n"


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "ANSIBLE_CONFIG": str(copy / "ansible.cfg"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]], cwd=copy, env=environ, capture_output=True, text=True
    )


def test_first_change_works_as_described(tmp_path: Path, rehearsed: str) -> None:
    pieces = snippets()
    assert list(pieces) == [
        "roles/registry/defaults/main.yml",
        "roles/registry/meta/argument_specs.yml",
        "roles/registry/tasks/present.yml",
        "changelogs/fragments/registry-note.yml",
    ]
    copy = documented.clone(tmp_path / "teal")
    (words,) = [line.split() for line in re.findall(r"ansible-playbook .*registry_note=hello", PAGE)]
    refused = run(copy, *words)
    assert "registry_note" in refused.stdout
    assert refused.returncode

    defaults, specs, tasks, fragment = (copy / path for path in pieces)
    default, spec, use, note = pieces.values()
    defaults.write_text(defaults.read_text() + default + "\n")
    specs.write_text(specs.read_text().replace("    options:\n", f"    options:\n{indented(spec, 6)}", 1))
    tasks.write_text(tasks.read_text().rstrip() + "\n" + indented(use, 10))
    fragment.write_text(f"{note}\n")

    done = run(copy, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note: hello" in done.stdout
    assert run(copy, "python", "-m", "docs.generate").returncode == 0
    assert "`registry_note`" in (copy / "docs/reference/roles/registry.md").read_text()
    assert run(copy, "antsibull-changelog", "lint").returncode == 0


def test_hooks_are_installed_programs() -> None:
    (hooks,) = [
        repo["hooks"] for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    ]
    assert {hook["language"] for hook in hooks} == {"system"}
    for hook in hooks:
        program = hook["entry"].split()[0]
        assert program.startswith(".venv/bin/")
        assert (BIN / Path(program).name).exists()


@pytest.mark.parametrize("target", re.findall(r"^make (\S+)", PAGE, re.MULTILINE))
def test_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
