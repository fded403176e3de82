"""The callback preload: workers inherit plugins that the main process has loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import run_play

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ 'one' | own.counted.same }}"
    - ansible.builtin.debug:
        msg: "{{ 'two' | own.counted.same }}"
"""
FILTER = """
import os
import pathlib

with pathlib.Path({log!r}).open("a") as log:
    log.write(f"{{os.getpid()}}\\n")


class FilterModule:
    def filters(self):
        return {{"same": lambda value: value}}
"""


@pytest.mark.parametrize(
    ("plugins", "loads"), [("filter/own.counted.same", 1), ("filter/own.missing.same", 2)]
)
def test_filter_is_loaded_once_instead_of_in_each_worker(tmp_path: Path, plugins: str, loads: int) -> None:
    folder = tmp_path / "ansible_collections/own/counted/plugins/filter"
    folder.mkdir(parents=True)
    log = tmp_path / "log"
    (folder / "same.py").write_text(FILTER.format(log=str(log)))
    done = run_play(PLAY, tmp_path, {}, environment={"TEAL_PRELOAD_PLUGINS": plugins}, collections=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one" in done.stdout and "two" in done.stdout
    assert len(log.read_text().split()) == loads
