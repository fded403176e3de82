"""The check of the role slot, in a play against the emulator's Kubernetes, before a release begins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, run_play

sys.path.insert(0, str(ROOT / "tests/unit/rehearsal"))
from kubernetes_live import Live, live

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - module_defaults:
        group/teal.platform.release:
          name: assistant-staging
          domain: staging.assistant.example.com
          namespace: "{{ slot_namespace }}"
          workload: "{{ slot_workload }}"
          kubeconfig: "{{ kubeconfig }}"
          context: staging
          region: ap-northeast-2
      block:
        - ansible.builtin.include_role:
            name: teal.platform.slot
            tasks_from: check
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("kubernetes")) as running:
        yield running


@pytest.fixture
def check(server: Live, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Return check(**variables) -> exit status and output of the play."""

    def run(**given: Any) -> tuple[int, str]:
        variables = {
            "ansible_python_interpreter": sys.executable,
            "platform_environment": "staging",
            "platform_application": "assistant",
            "platform_region": "ap-northeast-2",
            "kubeconfig": str(server.kubeconfig),
            **given,
        }
        environment = {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "NO_PROXY": "127.0.0.1",
        }
        done = run_play(PLAY, tmp_path, variables, "--check", environment=environment, timeout=120)
        return done.returncode, done.stdout + done.stderr

    return run


def test_manifests_of_the_role_are_accepted(check: Callable[..., tuple[int, str]]) -> None:
    code, text = check(slot_autoscaling={"max": 4}, slot_config={"A": {"b": 1}})
    assert code == 0, text


def test_folder_without_manifests_is_reported(check: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, text = check(slot_manifests_dir=str(tmp_path / "empty"))
    assert code == 2
    assert "Check that slot_manifests_dir is not empty" in text and "Nothing was begun." in text
