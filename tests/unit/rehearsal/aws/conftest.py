"""The servers that the tests compare: plain moto, patched moto, and patched moto with creation times."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import pytest

from rehearsal import config as settings
from rehearsal import postgres

ROOT = Path(__file__).resolve().parents[4]
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Cloud:
    """One of the servers."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str, **more: Any) -> Any:
        """Return a boto3 client without retries."""
        credentials = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "example"}
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=settings.REGION,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}),
            **(credentials | more),
        )

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call one of the emulator's own paths; return status and JSON."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        # moto's /moto-api/reset-auth requires this type for its body.
        headers = {"Content-Type": "text/plain" if isinstance(body, bytes) else "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with _open(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)


def _serve(command: list[str], port: int, log: Path) -> Iterator[Cloud]:
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, *command], stdout=out, stderr=out, cwd=ROOT)
    try:
        for _ in range(600):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield Cloud(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def _rehearsal(home: Path, scale: str, images: str = "sample") -> Iterator[Cloud]:
    config = settings.create(home, {}, scale, images=images)
    command = ["-m", "rehearsal.aws", "--config", str(home / "config.json")]
    yield from _serve(command, config["aws"]["port"], home / "log")


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Plain moto."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = tmp_path_factory.mktemp("plain") / "log"
    yield from _serve(["-m", "moto.server", "-p", str(port)], port, log)


@pytest.fixture(scope="session")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The emulated AWS."""
    yield from _rehearsal(tmp_path_factory.mktemp("patched"), "0")


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The emulated AWS with AWS's creation times."""
    yield from _rehearsal(tmp_path_factory.mktemp("slow"), "1:1")


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Cloud]]:
    """The emulated AWS with a clock of CloudWatch on which a minute takes one second, and its configuration."""
    home = tmp_path_factory.mktemp("compressed")
    config = settings.create(home, {}, metrics={"period": 1, "delay": 1})
    command = ["-m", "rehearsal.aws", "--config", str(home / "config.json")]
    yield from ((config, cloud) for cloud in _serve(command, config["aws"]["port"], home / "log"))


@pytest.fixture
def without_images(tmp_path: Path) -> Iterator[Cloud]:
    """The emulated AWS with an empty registry."""
    yield from _rehearsal(tmp_path, "0", "none")


@pytest.fixture(scope="module")
def with_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Path]]:
    """The emulated AWS with real databases, and its home. At the end, check that no server is left."""
    home = tmp_path_factory.mktemp("databases")
    config = settings.create(home, {}, databases="real")
    command = ["-m", "rehearsal.aws", "--config", str(home / "config.json")]
    yield from ((cloud, home) for cloud in _serve(command, config["aws"]["port"], home / "log"))
    deadline = time.monotonic() + 10
    with socket.socket() as s:
        while s.connect_ex((f"{config['subnet']}.240", 5432)) == 0:
            assert time.monotonic() < deadline, "the server outlived the emulator"
            time.sleep(0.05)
    shutil.rmtree(postgres.data_folder(home), ignore_errors=True)
