"""The role notification: its handlers, the details that they know, and the messages that Discord receives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from ansible_collections.teal.platform.plugins.filter.discord_embeds import TOPICS

from docs.generate import notifications
from rehearsal import discord

if TYPE_CHECKING:
    from outside import Outside

WEBHOOK = "https://discord.com/api/webhooks/100/planted-t0ken"

pytest_plugins = ["outside"]

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "notification"


def test_each_topic_has_a_handler() -> None:
    noting, *handlers = yaml.safe_load((ROLE / "handlers" / "main.yml").read_text())
    assert noting["listen"] == "component changed", "this handler sends nothing"
    assert [handler["listen"] for handler in handlers] == list(TOPICS)
    assert [handler["vars"]["__notification_topic"] for handler in handlers] == list(TOPICS)


def test_each_topic_is_notified_somewhere() -> None:
    files = [
        path
        for folder in ("playbooks", "roles", "plugins/module_utils/release", "plugins/modules")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yml", ".py") and ROLE not in path.parents
    ]
    text = "\n".join(path.read_text("utf-8") for path in files)
    assert [topic for topic in TOPICS if topic not in text] == []


def test_specs_list_all_topics_and_event_keys() -> None:
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    assert specs["notify"]["options"]["notification_topic"]["choices"] == list(TOPICS)
    spec = specs["main"]
    described = " ".join(spec["description"])
    assert [topic for topic in TOPICS if f"C({topic})" not in described] == []
    known = {key for event in (notifications.EVENT, *notifications.MORE.values()) for key in event}
    assert known == set(spec["options"]["notification_event"]["options"])


def test_discord_accepts_the_examples_of_the_documentation() -> None:
    for topic, embed in notifications.examples().items():
        assert discord.problems({"embeds": [embed]}) == {}, topic


PLAY = """
- name: Release
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    notification_attempts: 2
    notification_event: {version: 1.1.0, from_version: 1.0.0}
  roles:
    - role: teal.platform.notification
  tasks:
    - name: Release
      block:
        - name: Switch
          ansible.builtin.fail:
            msg: "the cause; password=hunter2 @everyone"
          when: broken
      rescue:
        - name: Notify Discord
          ansible.builtin.include_role:
            name: teal.platform.notification
            tasks_from: notify
          vars:
            notification_topic: deploy failed
            notification_event: {version: 1.1.0, serving: 1.0.0}
        - name: Fail again
          ansible.builtin.fail:
            msg: failed again
    - name: Report the release as live
      ansible.builtin.debug:
        msg: live
      changed_when: true
      notify: deploy succeeded
"""


def test_success_is_posted_and_not_a_change(outside: Outside, tmp_path: Path) -> None:
    outside.ask("POST", outside.discord + "/rehearsal/faults", {"kind": "rate_limit", "seconds": 0.01})
    done = outside.play(PLAY, tmp_path, broken=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [embed["title"] for embed in outside.messages()] == ["🟢 STAGING: 1.1.0 is live"]
    assert re.search(r'attempts"?: 2', done.stdout)
    assert "changed=1 " in done.stdout, "the task that notified; a message is no change"


def test_failure_is_posted_from_the_rescue_without_secrets(outside: Outside, tmp_path: Path) -> None:
    done = outside.play(PLAY, tmp_path, broken=True)
    assert done.returncode == 2
    (embed,) = outside.messages()
    assert embed["title"] == "🔴 STAGING: the deploy of 1.1.0 failed"
    assert {f["name"]: f["value"] for f in embed["fields"]}["Failed at"] == "Switch"
    assert "the cause; (hidden)" in embed["description"]
    assert "@everyone" not in embed["description"]


def test_refusal_of_discord_is_only_a_warning(outside: Outside, tmp_path: Path) -> None:
    outside.ask("POST", outside.discord + "/rehearsal/faults", {"kind": "error", "status": 403})
    done = outside.play(PLAY, tmp_path, broken=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The message to Discord was not sent: HTTP 403" in done.stdout + done.stderr
    assert "failed=0" in done.stdout
    assert outside.messages() == []


HANGING = """
- name: Release
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    notification_event: {version: 1.1.0, from_version: 1.0.0}
  roles:
    - role: teal.platform.notification
  tasks:
    - name: Notify Discord of each step
      ansible.builtin.include_role:
        name: teal.platform.notification
        tasks_from: notify
      vars:
        notification_topic: "{{ topic }}"
      loop: [gate overridden, traffic switched, deploy succeeded]
      loop_control:
        loop_var: topic
"""


def test_hanging_webhook_gets_one_more_attempt_for_the_outcome(outside: Outside, tmp_path: Path) -> None:
    """With the real module: the message of the override hangs, and the message of the switch is skipped."""
    outside.ask("POST", outside.discord + "/rehearsal/faults", {"kind": "hang", "count": 9})
    try:
        done = outside.play(HANGING, tmp_path, notification_timeout=3)
        left = outside.ask("GET", outside.discord + "/rehearsal/faults")["faults"]
    finally:
        outside.ask("DELETE", outside.discord + "/rehearsal/faults")
    assert done.returncode == 0, done.stdout + done.stderr
    assert 9 - left == 2, "one attempt of the first message, one of the outcome"
    output = done.stdout + done.stderr
    assert "no response within 3 s" in output
    assert "only the outcome is sent" in output


def test_thread_is_set_by_the_webhook_address(outside: Outside, tmp_path: Path) -> None:
    done = outside.play(PLAY, tmp_path, broken=False, notification_discord_webhook=f"{WEBHOOK}?thread_id=42")
    assert done.returncode == 0, done.stdout + done.stderr
    (message,) = outside.ask("GET", outside.discord + "/rehearsal/messages")["messages"]
    assert message["thread_id"] == "42"
    assert outside.messages()
