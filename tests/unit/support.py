"""What test files import. Not from `conftest`: folders below have one, too, and Python knows one module of a name."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
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
        for _ in range(600):
            with contextlib.suppress(urllib.error.URLError), _open(config["aws"]["ready_url"], timeout=5):
                break
            assert process.poll() is None, (home / "log").read_text()
            time.sleep(0.05)
        yield config["aws"]["url"]
    finally:
        process.kill()
        process.wait()
