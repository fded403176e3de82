"""The boto3 script of the benchmark creates the same resources as the main job, in AWS and in Kubernetes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# It guards the benchmark, and builds STAGING twice.
pytestmark = pytest.mark.long


def test_boto3_script_creates_the_same_resources_as_the_main_job(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "rehearsal",
            "run",
            "--",
            sys.executable,
            "tests/benchmarks/bench.py",
            "--rounds=0",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "TEAL_REHEARSAL_HOME": str(tmp_path / "rehearsal"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
