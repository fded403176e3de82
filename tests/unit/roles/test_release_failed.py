"""A failed release sends no message to Discord if it had not begun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from outside import Outside

pytest_plugins = ["outside"]

ROOT = Path(__file__).resolve().parents[3]
MODULE = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"error": {"type": "str"}})
module.fail_json(msg="it is so", error=module.params["error"])
"""
PLAY = f"""
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - vars:
        release_image_tag: 1.4.2
        release_image_digest: ""
        platform_language: en
        platform_timezone: UTC
      block:
        - name: Take the lock
          engine_fails: {{error: "{{{{ wrong }}}}"}}
          register: __release
      rescue:
        - ansible.builtin.include_tasks: {ROOT}/roles/release/tasks/failed.yml
"""


@pytest.mark.parametrize(("wrong", "count"), [("Busy", 0), ("Refused", 0), ("StoreError", 1)])
def test_failure_before_the_release_sends_no_message(
    outside: Outside, tmp_path: Path, wrong: str, count: int
) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "engine_fails.py").write_text(MODULE)
    done = outside.play(PLAY, tmp_path, wrong=wrong)
    assert done.returncode == 2
    assert "it is so" in done.stdout
    assert len(outside.messages()) == count
