# SPDX-License-Identifier: MIT
"""Tests of the callback plain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.teal.platform.plugins.callback import plain

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = """
- name: Show
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Say
      ansible.builtin.debug:
        msg: ["wide   {{ 'word ' * 30 }}", "", "'quoted': yes"]
    - name: Leave out
      ansible.builtin.debug:
        msg: skipped
      when: false
    - name: Wait
      ansible.builtin.set_fact:
        waited_for: true
      register: waited
      until: waited.attempts == 3
      retries: 3
      delay: 0
    - name: Repeat
      ansible.builtin.fail:
        msg: the API is busy
      register: repeated
      until: repeated is not failed
      retries: 2
      delay: 0
      ignore_errors: true
    - name: Include
      ansible.builtin.include_tasks: more.yml
    - name: Print an undefined variable
      ansible.builtin.debug:
        msg: "{{ nothing }}"
      ignore_errors: true
    - name: Fail
      ansible.builtin.fail:
        msg: |-
          two lines
            of the: reason
"""
MORE = "- name: Be included\n  ansible.builtin.debug:\n    msg: included\n"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the output of the playbook without and with -v."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "show.yml").write_text(PLAYBOOK)
    (folder / "more.yml").write_text(MORE)
    environ = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
    printed = {}
    for flag in ("", "-v"):
        words = [str(Path(sys.executable).parent / "ansible-playbook"), "show.yml", "-i", "localhost,"]
        done = subprocess.run(
            [*words, *filter(None, [flag])], cwd=folder, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 2, done.stdout + done.stderr
        printed[flag] = done.stdout + done.stderr
    return printed


def test_messages_are_not_reformatted(printed: dict[str, str]) -> None:
    assert f"    wide   {'word ' * 30}\n\n    'quoted': yes\n" in printed[""]
    assert "fatal: [localhost]: FAILED! => \n    two lines\n      of the: reason\n" in printed[""]


def test_failure_is_printed_once(printed: dict[str, str]) -> None:
    assert printed[""].count("of the: reason") == 1 + printed[""].count(
        "localhost: Fail: two lines of the: reason"
    )
    assert "Origin" not in printed[""].partition("TASK [Fail]")[2]


def test_ansible_error_keeps_its_position(printed: dict[str, str]) -> None:
    assert "'nothing' is undefined" in printed[""]
    assert "Origin: " in printed[""]
    assert "show.yml:" in printed[""]


def test_noise_is_printed_with_v_only(printed: dict[str, str]) -> None:
    assert "TASK [Be included]" in printed[""]
    for line in ("included: ", "TASK [Include]", "TASK [Leave out]", "skipping:"):
        assert line not in printed[""]
    assert "included: " in printed["-v"]
    assert "msg:" in printed["-v"]


@pytest.mark.parametrize("callback", ["ansible.posix.json", "ansible.posix.jsonl"])
def test_json_output_stays_valid(callback: str, tmp_path: Path) -> None:
    """Neither progress nor summary is printed to stdout; the summary's file is written."""
    (tmp_path / "show.yml").write_text(
        "- name: Show\n  hosts: localhost\n  connection: local\n  gather_facts: false\n"
        "  vars:\n    ansible_python_interpreter: '{{ ansible_playbook_python }}'\n  tasks:\n"
        "    - name: Wait\n      ansible.builtin.command: sleep 1\n      changed_when: false\n"
    )
    environ = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": callback,
        "TEAL_PROGRESS_INTERVAL": "0.1",
        "PLATFORM_SUMMARY_FILE": str(tmp_path / "summary.json"),
    }
    words = [str(Path(sys.executable).parent / "ansible-playbook"), "show.yml", "-i", "localhost,"]
    done = subprocess.run(
        words, cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    documents = [done.stdout] if callback.endswith(".json") else done.stdout.splitlines()
    assert all(json.loads(document) for document in documents if document)
    assert documents
    assert json.loads((tmp_path / "summary.json").read_text())["components"]["localhost"]["state"] == "ok"


def test_failed_attempt_is_printed_and_polling_is_not(printed: dict[str, str]) -> None:
    assert "[localhost]: Repeat: attempt 1: the API is busy" in printed[""]
    assert "Wait: attempt" not in printed[""] and "RETRYING" not in printed[""]
    assert "FAILED - RETRYING: [localhost]: Wait (2 retries left)" in printed["-v"]


def test_summary_is_printed(printed: dict[str, str]) -> None:
    assert "SUMMARY *" in printed[""]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"msg": "a", "changed": False}, "a"),
        ({"msg": ["a", 1]}, "a\n1"),
        ({"msg": ""}, None),
        ({"msg": {"a": 1}}, None),
        ({"msg": "non-zero return code", "rc": 1, "stderr": "boom"}, None),
        ({"stdout": "a"}, None),
    ],
)
def test_only_a_result_without_other_keys_is_shortened(result: dict, text: str | None) -> None:
    assert plain.text_of(result) == text
