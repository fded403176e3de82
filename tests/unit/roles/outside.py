"""Emulated Discord and SonarCloud behind the load balancer's proxy, and playbook runs that use them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support import run_play

from rehearsal import balancer, certificates, discord, sonar

TOKEN = "planted-t0ken"
WEBHOOK = f"https://discord.com/api/webhooks/100/{TOKEN}"
SONAR_TOKEN = "planted-sonar-t0ken"
VARIABLES = {
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    "platform_environment": "staging",
    "platform_application": "assistant",
    "platform_region": "ap-northeast-2",
    # A loaded machine may take longer than the default to start the module.
    "notification_timeout": 30,
}


class Outside:
    """The emulated services outside of AWS, served in a thread."""

    def __init__(self, folder: Path) -> None:
        ca = certificates.authority(folder)
        proxy, *ports = _free_ports(3)
        self.discord, self.sonar = (f"http://127.0.0.1:{port}" for port in ports)
        self.config: dict[str, Any] = {
            "aws": {"url": "http://127.0.0.1:1"},
            "ca": {"cert_file": str(ca.cert_file), "key_file": str(ca.key_file)},
            "balancer": {"port": proxy},
            "discord": {"port": ports[0], "webhook_url": WEBHOOK},
            "sonar": {"port": ports[1], "token": SONAR_TOKEN},
        }
        self.environment = {
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy}",
            "https_proxy": f"http://127.0.0.1:{proxy}",
            "SSL_CERT_FILE": str(ca.bundle_file),
            "DISCORD_WEBHOOK_URL": WEBHOOK,
            "SONAR_TOKEN": SONAR_TOKEN,
        }
        self._loop = asyncio.new_event_loop()
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for part, make in (("discord", discord.application), ("sonar", sonar.application)):
                runner = web.AppRunner(make(self.config))
                await runner.setup()
                stack.push_async_callback(runner.cleanup)
                await web.TCPSite(runner, "127.0.0.1", self.config[part]["port"]).start()
            await stack.enter_async_context(balancer.running(self.config))
            self._ready.set()
            await self._end.wait()

    @contextlib.contextmanager
    def open(self) -> Iterator[Outside]:
        """Serve until the context ends."""
        self._thread.start()
        assert self._ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(10)

    def ask(self, method: str, url: str, body: Any = None) -> Any:
        """Send a JSON request and return the JSON response."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, method=method, data=data)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return json.loads(opener.open(request, timeout=5).read() or b"null")

    def messages(self) -> list[dict[str, Any]]:
        """Return the embeds that Discord has accepted since the last call. It must not have refused any."""
        kept = self.ask("GET", self.discord + "/rehearsal/messages")
        self.ask("DELETE", self.discord + "/rehearsal/messages")
        assert kept["refused"] == []
        return [embed for message in kept["messages"] for embed in message["embeds"]]

    def play(self, text: str, folder: Path, **extra: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook at -vvv. Its output must not contain a token."""
        done = run_play(text, folder, VARIABLES | extra, "-vvv", environment=self.environment, timeout=60)
        assert TOKEN not in done.stdout + done.stderr
        assert SONAR_TOKEN not in done.stdout + done.stderr
        return done


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Return Discord and SonarCloud behind a proxy (a plugin of the tests that need it)."""
    with Outside(tmp_path_factory.mktemp("outside")).open() as outside:
        yield outside


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
