"""Molecule's scenarios, each on its own emulator. `make molecule` runs them one by one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .cloud import ROOT

#: All scenarios, the longest first.
SCENARIOS = sorted(file.parent.name for file in (ROOT / "molecule").glob("*/molecule.yml"))


#: `make test` skips these, since other scenarios create both environments. `make test-full` and `make molecule` run them.
LONG = ("staging", "production")


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(one, marks=[pytest.mark.long] if one in LONG else []) for one in SCENARIOS],
)
def test_environment_is_created_verified_and_destroyed(scenario: str, tmp_path: Path) -> None:
    environ = {**os.environ, "TEAL_REHEARSAL_HOME": str(tmp_path / "rehearsal")}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = [sys.executable, "-m", "rehearsal", "run", "--", "molecule", "test", "--scenario-name", scenario]
    done = subprocess.run(words, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-10000:]
