"""The role notification: its handlers, what they know, and that it tells Discord by its own address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from ansible_collections.teal.platform.plugins.filter.discord_embeds import TOPICS

from rehearsal import balancer, certificates, discord

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "notification"
TOKEN = "planted-t0ken"
WEBHOOK = f"https://discord.com/api/webhooks/100/{TOKEN}"


def test_there_is_a_handler_for_each_topic() -> None:
    handlers = yaml.safe_load((ROLE / "handlers" / "main.yml").read_text())
    assert [handler["listen"] for handler in handlers] == list(TOPICS)
    assert [handler["vars"]["__notification_topic"] for handler in handlers] == list(TOPICS)


def test_the_specs_know_each_topic_and_all_that_an_event_may_hold() -> None:
    spec = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    described = " ".join(spec["description"])
    assert [topic for topic in TOPICS if f"C({topic})" not in described] == []
    page = runpy.run_path(str(ROOT / "docs" / "notifications.py"))
    known = {key for event in (page["EVENT"], *page["MORE"].values()) for key in event}
    assert known == set(spec["options"]["notification_event"]["options"])


def test_the_page_of_examples_is_current_and_discord_would_take_them() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "notifications.py"))
    assert (ROOT / "docs" / "notifications.md").read_text() == page["render"]()
    for topic, embed in page["examples"]().items():
        assert discord.problems({"embeds": [embed]}) == {}, topic


class Outside:
    """Discord's stand-in behind the balancer's proxy, and an environment that leads there."""

    def __init__(self, folder: Path) -> None:
        ca = certificates.authority(folder)
        ports = [_free_port(), _free_port()]
        self.url = f"http://127.0.0.1:{ports[1]}"
        self.config: dict[str, Any] = {
            "aws": {"url": "http://127.0.0.1:1"},
            "ca": {"cert_file": str(ca.cert_file), "key_file": str(ca.key_file)},
            "balancer": {"port": ports[0]},
            "discord": {"port": ports[1], "webhook_url": WEBHOOK},
        }
        self.environment = {
            "HTTPS_PROXY": f"http://127.0.0.1:{ports[0]}",
            "https_proxy": f"http://127.0.0.1:{ports[0]}",
            "SSL_CERT_FILE": str(ca.bundle_file),
            "DISCORD_WEBHOOK_URL": WEBHOOK,
        }
        self._loop = asyncio.new_event_loop()
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        runner = web.AppRunner(discord.application(self.config))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.config["discord"]["port"]).start()
        async with balancer.running(self.config):
            self._ready.set()
            await self._end.wait()
        await runner.cleanup()

    @contextlib.contextmanager
    def open(self) -> Iterator[Outside]:
        self._thread.start()
        assert self._ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(10)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return json.loads(opener.open(request, timeout=5).read() or b"null")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with Outside(tmp_path_factory.mktemp("outside")).open() as outside:
        yield outside


PLAY = """
- name: Release
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    platform_environment: staging
    platform_application: assistant
    platform_region: ap-northeast-2
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
        - name: Say that it is live
          ansible.builtin.meta: noop
      rescue:
        - name: Note what failed
          ansible.builtin.debug:
            msg: noted
          changed_when: true
          notify: deploy failed
        - name: Tell it now
          ansible.builtin.meta: flush_handlers
        - name: Fail again
          ansible.builtin.fail:
            msg: failed again
    - name: Be live
      ansible.builtin.debug:
        msg: live
      changed_when: true
      notify: deploy succeeded
"""


def play(outside: Outside, folder: Path, **extra: Any) -> subprocess.CompletedProcess[str]:
    (folder / "play.yml").write_text(PLAY)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "ANSIBLE_"))}
    environment |= outside.environment | {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
    }
    command = shutil.which("ansible-playbook", path=str(Path(sys.executable).parent))
    assert command
    arguments = [command, "-i", "localhost,", "-vvv", "-e", json.dumps(extra), str(folder / "play.yml")]
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_success_is_told_and_the_webhook_is_not_shown(outside: Outside, tmp_path: Path) -> None:
    outside.ask("DELETE", "/rehearsal/messages")
    outside.ask("POST", "/rehearsal/faults", {"kind": "rate_limit", "seconds": 0.01})
    done = play(outside, tmp_path, broken=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    kept = outside.ask("GET", "/rehearsal/messages")
    assert [m["embeds"][0]["title"] for m in kept["messages"]] == ["🟢 STAGING: 1.1.0 is live"]
    assert kept["refused"] == []
    assert '"attempts": 2' in output or "attempts: 2" in output
    assert "changed=1 " in output, "a message is no change"
    assert TOKEN not in output


def test_a_failure_is_told_from_the_rescue_without_secrets(outside: Outside, tmp_path: Path) -> None:
    outside.ask("DELETE", "/rehearsal/messages")
    done = play(outside, tmp_path, broken=True)
    assert done.returncode == 2
    (message,) = outside.ask("GET", "/rehearsal/messages")["messages"]
    embed = message["embeds"][0]
    assert embed["title"] == "🔴 STAGING: the deploy of 1.1.0 failed"
    assert {f["name"]: f["value"] for f in embed["fields"]}["Failed at"] == "Switch"
    assert "the cause; (hidden)" in embed["description"]
    assert "@everyone" not in embed["description"]
    assert TOKEN not in done.stdout + done.stderr


def test_a_refusal_of_discord_is_a_warning_alone(outside: Outside, tmp_path: Path) -> None:
    outside.ask("POST", "/rehearsal/faults", {"kind": "error", "status": 403})
    done = play(outside, tmp_path, broken=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Discord was not told: HTTP 403" in output
    assert TOKEN not in output
    assert "failed=0" in output


def test_without_a_webhook_nothing_happens(outside: Outside, tmp_path: Path) -> None:
    outside.ask("DELETE", "/rehearsal/messages")
    done = play(outside, tmp_path, broken=False, notification_discord_webhook="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not sent, since there is no webhook" in done.stdout
    assert outside.ask("GET", "/rehearsal/messages")["messages"] == []
