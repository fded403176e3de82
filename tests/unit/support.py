"""What test files import. Not from `conftest`: folders below have one, too, and Python knows one module of a name."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class ModuleFailed(Exception):
    """A module called fail_json; `result` is what it said."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


@contextlib.contextmanager
def rehearsed_aws(home: Path) -> Iterator[str]:
    """Start moto with the emulator's patches; return its URL."""
    from rehearsal import config as settings

    config = settings.create(home, {})
    log = (home / "log").open("wb")
    command = [sys.executable, "-m", "rehearsal.aws", "--config", str(home / "config.json")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        give_up = time.monotonic() + 180
        while True:
            with contextlib.suppress(urllib.error.URLError), _open(config["aws"]["ready_url"], timeout=5):
                break
            assert process.poll() is None, (home / "log").read_text()
            assert time.monotonic() < give_up, "the emulator's AWS was not ready in 180 s"
            time.sleep(0.05)
        yield config["aws"]["url"]
    finally:
        process.kill()
        process.wait()


def run_play(
    text: str,
    folder: Path,
    variables: Mapping[str, Any],
    *options: str,
    inventory: str = "localhost,",
    environment: Mapping[str, str] | None = None,
    collections: Path | None = None,
    timeout: float = 180,
) -> subprocess.CompletedProcess[str]:
    """Run the playbook `text` by ansible-playbook with the repository's configuration, which takes seconds of CPU.

    `collections` is a folder of further collections. Variables of the caller's environment that change Ansible, or that
    a runner of GitHub has, do not reach the play.
    """
    playbook = folder / "play.yml"
    playbook.write_text(text)
    command = shutil.which("ansible-playbook", path=str(Path(sys.executable).parent))
    assert command
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "GITHUB_", "SONAR_"))
    }
    ours = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(
            map(str, filter(None, (ROOT / ".collections", collections)))
        ),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
    }
    return subprocess.run(
        [command, "-i", inventory, "-e", json.dumps(dict(variables)), *options, str(playbook)],
        env={**kept, **(environment or {}), **ours},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
