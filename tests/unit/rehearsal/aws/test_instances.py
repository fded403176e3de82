"""The service of an EC2 instance: a real process of the sample service."""

from __future__ import annotations

import io
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal import instances

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError("not within 20 s")


#: The texts on the instance's console.
console: list[str] = []


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function: service(image, or None) → a ServiceProcess, which is stopped after the test."""
    monkeypatch.setattr(instances, "RESTART_SECONDS", 0.0)
    made: list[instances.ServiceProcess] = []
    console.clear()

    def make(what: dict[str, Any] | None, **unit: Any) -> instances.ServiceProcess:
        def get(url: str) -> Any:
            if what is None:
                raise urllib.error.HTTPError(url, 404, "", {}, io.BytesIO(b'{"error": "not found"}'))  # type: ignore[arg-type]
            return what

        monkeypatch.setattr(instances, "_get", get)

        def post(url: str, body: dict[str, Any]) -> Any:
            if url.endswith("/client-environment"):
                assert body["instance_id"] == "i-1"
                return {"environment": {"FROM_AWS": "role"}}
            return console.append(body["text"])

        monkeypatch.setattr(instances, "_post", post)
        made.append(instances.ServiceProcess("i-1", "127.99.99.200", "an-image", unit))
        return made[0]

    yield make
    for one in made:
        one.kill()


def test_instance_serves_its_image(service: Any) -> None:
    mine = service({"version": "1.4.2", "behaviour": "ok"})
    mine.ensure_running("")

    def version() -> str | None:
        try:
            with _open("http://127.99.99.200:8080/actuator/info", timeout=5) as answer:
                return json.load(answer)["build"]["version"]
        except OSError:
            return None

    assert until(version) == "1.4.2"
    process = mine.stop()
    assert process.wait(20) == 143, "128 + SIGTERM, the exit code of a JVM"


def test_crashed_service_is_restarted(service: Any, capfd: pytest.CaptureFixture[str]) -> None:
    mine = service({"version": "1.4.2", "behaviour": "crash"})
    shown = ""

    def runs() -> bool:
        nonlocal shown
        mine.ensure_running("")
        shown += capfd.readouterr().out
        return shown.count("i-1 runs an-image") == 2

    until(runs)
    assert "i-1 ended with status 1; restarting" in shown
    assert console[0].startswith("teal-service ended: exited 1\n")
    assert len(console[0].splitlines()) > 1, "the report has the service's last lines"


def test_missing_image_is_logged_once(service: Any, capfd: pytest.CaptureFixture[str]) -> None:
    mine = service(None)
    mine.ensure_running("")
    mine.ensure_running("")
    assert capfd.readouterr().out == "i-1 cannot pull the image: not found\n"
    assert set(console) == {"teal-service ended: exited 1\ndocker: not found\n"}


def command(text: str) -> dict[str, Any]:
    words = [sys.executable, "-c", text, "{address}", "{port}"]
    return {"version": "1.4.2", "behaviour": "ok", "program": {"command": words, "directory": "/"}}


def test_program_gets_the_environment_of_the_unit(service: Any) -> None:
    names = "os.environ['WORD'], os.environ['FROM_AWS'], os.environ['SERVER_ADDRESS']"
    text = f"import os, sys; print({names}, *sys.argv[1:], flush=True); sys.exit(7)"
    mine = service(command(text), environment={"WORD": "unit"}, port=9090)
    until(lambda: mine.ensure_running("") or console)
    assert console[0] == "teal-service ended: exited 7\nunit role 127.99.99.200 127.99.99.200 9090\n"


def test_program_above_the_instance_memory_is_killed(service: Any) -> None:
    text = "import time; held = bytearray(b'x') * (200 << 20); time.sleep(60)"
    mine = service(command(text), memory=100 << 20)
    until(lambda: mine.ensure_running("") or console)
    assert console[0].startswith("teal-service ended: exited 137\n")
    assert "its limit is 100 MiB" in console[0]


def test_program_that_listens_on_all_addresses_is_stopped(service: Any) -> None:
    text = "import socket, time; s = socket.create_server(('', 0)); time.sleep(60)"
    mine = service(command(text))
    until(lambda: mine.ensure_running("") or console)
    assert console[0].startswith("teal-service ended: exited 1\n")
    assert "it listens on 0.0.0.0:" in console[0]


def test_missing_program_is_reported(service: Any) -> None:
    mine = service(
        {"version": "1", "behaviour": "ok", "program": {"command": ["/no/such"], "directory": "/"}}
    )
    mine.ensure_running("")
    assert console == ["teal-service ended: exited 127\ndocker: /no/such: No such file or directory\n"]
