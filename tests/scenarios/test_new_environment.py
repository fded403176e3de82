"""A fourth environment needs only data: one command adds it, then it is provisioned, provisioned again and destroyed.

The test adds the environment to the inventories in a copy of the repository. It takes minutes: `make scenarios`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import documented

from .cloud import Cloud

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("fourth")
    copy = documented.clone(folder / "teal")
    (copy / ".venv").symlink_to(Path(sys.prefix))
    for name in copy.glob("requirements*.txt"):
        os.utime(name, (0, 0))  # what is installed is of these
    cloud = Cloud(folder / "rehearsal", "qa", own_kubernetes=True, root=copy)
    cloud.environ |= {
        "PLATFORM_SUMMARY_FILE": str(folder / "summary.json"),
        "MOLECULE_PROJECT_DIRECTORY": str(copy),
    }
    try:
        yield cloud
    finally:
        cloud.down()


def files(cloud: Cloud) -> dict[Path, bytes]:
    """Return the files of the copy without caches of programs."""
    paths = (path.relative_to(cloud.root) for path in cloud.root.rglob("*") if path.is_file())
    own = re.compile(r"(^|/)(\.[a-z-]+|__pycache__)/")
    return {path: (cloud.root / path).read_bytes() for path in paths if not own.search(path.as_posix())}


def test_fourth_environment_is_created_and_destroyed(cloud: Cloud) -> None:
    written = files(cloud)
    cloud.run("make", "new-environment", "NAME=qa", "FROM=staging")
    touched = {path for path, content in files(cloud).items() if content != written.get(path)}
    assert {path.parts[:2] for path in touched} == {("inventories", "qa")}

    cloud.play("site")
    assert cloud.live() == "1.0.0"
    cloud.play("site")
    summary = json.loads(Path(cloud.environ["PLATFORM_SUMMARY_FILE"]).read_text("utf-8"))
    assert len(summary["components"]) > 10
    assert {name for name, one in summary["components"].items() if one["changed"]} == set()

    cloud.play("destroy", confirm="qa")
    cloud.run("ansible-playbook", "-i", "inventories/qa", "molecule/shared/nothing_left.yml")
