"""Every plugin has documentation that ansible-doc can read, with examples."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docs.generate import data

ROOT = Path(__file__).resolve().parents[3]
KINDS = {
    "modules": "module",
    "filter": "filter",
    "lookup": "lookup",
    "connection": "connection",
    "callback": "callback",
}
DOCUMENTED = [(kind, name) for kind in KINDS for name in data.plugins(kind)]


@functools.cache
def documentation(kind: str) -> dict[str, Any]:
    """Return the output of ansible-doc for all plugins of a kind."""
    names = [f"teal.platform.{name}" for name in data.plugins(kind)]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-doc"), "--json", "--type", KINDS[kind], *names],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("kind", "name"), DOCUMENTED)
def test_ansible_doc_reads_it(kind: str, name: str) -> None:
    found = documentation(kind)[f"teal.platform.{name}"]
    assert found["doc"]["short_description"]
    assert found["doc"]["description"]
    if kind in ("modules", "filter", "lookup"):
        assert f"teal.platform.{name}" in found["examples"]
        assert found["return"]


def test_every_plugin_has_documentation() -> None:
    files = {
        (kind, file.stem)
        for kind in KINDS
        for file in (ROOT / "plugins" / kind).glob("*.py")
        if file.stem != "__init__"
    }
    assert files - set(DOCUMENTED) == set()
