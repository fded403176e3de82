"""`make sanity`: skipped tests are detected, and nothing is ignored without a reason."""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path

import pytest

from docs.generate import build
from tools import sanity

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "line",
    [
        'Skipping sanity test "import" on Python 3.12 because it could not be found.',
        'WARNING: Required program "shellcheck" not found.',
    ],
)
def test_skipped_sanity_test_is_detected(line: str) -> None:
    assert sanity.SKIPPED.findall(f'Running sanity test "pep8"\n{line}\nRunning sanity test "pslint"\n') == [
        line
    ]


def test_python_that_does_not_run_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = next(version for version in sanity.CONTROLLER_PYTHON_VERSIONS if version != sanity.OWN)
    shim = tmp_path / f"python{other}"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert other not in list(sanity.pythons())
    shim.write_text("#!/bin/sh\nexit 0\n")
    assert list(sanity.pythons())[:2] == [sanity.OWN, other]


def test_cached_get_pip_script_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanity, "CACHE", tmp_path)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (tmp_path / "get_pip_24_2.py").write_text("theirs")
    sanity.cache_get_pip("24.2")
    assert (tmp_path / "get_pip_24_2.py").read_text() == "theirs"
    with pytest.raises(FileNotFoundError):
        sanity.cache_get_pip("24.3")
    assert not (tmp_path / "get_pip_24_3.py").exists()


def test_only_the_license_check_is_ignored() -> None:
    files = sorted((ROOT / "tests" / "sanity").iterdir())
    assert [file.name for file in files] == [f"ignore-{core}.txt" for core in ("2.19", "2.20", "2.21")]
    for file in files:
        assert file in build.whole_pages(), "written by `make docs`"
        for line in file.read_text("utf-8").splitlines():
            assert re.fullmatch(r"plugins/\S+\.py validate-modules:missing-gplv3-license # .+", line)
    assert "missing-gplv3-license" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_no_value_is_named_with_a_single_underscore() -> None:
    """ansible-test's pylint refuses the name, but takes a minute to report it."""
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for folder in ("plugins", "roles")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if (isinstance(node, ast.Name) and node.id == "_") or (isinstance(node, ast.arg) and node.arg == "_")
    ]
    assert found == [], "give it a name that begins with an underscore"
