"""The local programs that run the containers of the AWS CLI and of PostgreSQL's client."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.kubernetes import tool_images


def test_aws_cli_is_the_one_of_the_emulators_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a script of pip, whose first line cannot have a space, nor a program of the machine."""
    python = tmp_path / "with space" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (python.parent / "aws").write_text("#!/no such/python3\n")
    (python.parent / "aws").chmod(0o755)
    monkeypatch.setattr(tool_images.sys, "executable", str(python))
    monkeypatch.setenv("PATH", os.defpath)
    program = shutil.which("aws", path=tool_images.path())
    assert program
    done = subprocess.run(
        [program, "--version"],
        env={"PATH": tool_images.path()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("aws-cli/")


def test_image_without_its_program_is_no_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    image = "public.ecr.aws/aws-cli/aws-cli:2"
    assert tool_images.is_tool(image)
    assert not tool_images.is_tool("public.ecr.aws/docker/library/nginx:1")
    monkeypatch.setattr(tool_images.importlib.util, "find_spec", lambda name: None)
    assert not tool_images.is_tool(image)
