"""The stand-in of an EC2 instance: a real process of the sample service."""

from __future__ import annotations

import io
import json
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


#: What has been written to the instance's console.
console: list[str] = []


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """stand_in(what its image is, or None) → a StandIn that is ended after the test."""
    monkeypatch.setattr(instances, "RESTART_SECONDS", 0.0)
    made: list[instances.StandIn] = []
    console.clear()

    def make(what: dict[str, str] | None) -> instances.StandIn:
        def get(url: str) -> Any:
            if what is None:
                raise urllib.error.HTTPError(url, 404, "", {}, io.BytesIO(b'{"error": "not found"}'))  # type: ignore[arg-type]
            return what

        monkeypatch.setattr(instances, "_get", get)
        monkeypatch.setattr(instances, "_post", lambda url, body: console.append(body["text"]))
        made.append(instances.StandIn("i-1", "127.99.99.200", "an-image"))
        return made[0]

    yield make
    for one in made:
        if process := one.end():
            process.wait()


def test_it_serves_what_the_image_is(stand_in: Any) -> None:
    mine = stand_in({"version": "1.4.2", "behaviour": "ok"})
    mine.keep("")

    def version() -> str | None:
        try:
            with _open("http://127.99.99.200:8080/actuator/info", timeout=5) as answer:
                return json.load(answer)["build"]["version"]
        except OSError:
            return None

    assert until(version) == "1.4.2"
    process = mine.end()
    assert process.wait(20) == 0


def test_a_crash_is_started_anew(stand_in: Any, capfd: pytest.CaptureFixture[str]) -> None:
    mine = stand_in({"version": "1.4.2", "behaviour": "crash"})
    shown = ""

    def runs() -> bool:
        nonlocal shown
        mine.keep("")
        shown += capfd.readouterr().out
        return shown.count("i-1 runs an-image") == 2

    until(runs)
    assert "i-1 ended with status 1, is started again" in shown
    assert console[0].startswith("teal-service ended: exited 1\n")
    assert len(console[0].splitlines()) > 1, "the service's last lines are told"


def test_a_missing_image_is_told_once(stand_in: Any, capfd: pytest.CaptureFixture[str]) -> None:
    mine = stand_in(None)
    mine.keep("")
    mine.keep("")
    assert capfd.readouterr().out == "i-1 can't pull: not found\n"
    assert set(console) == {"teal-service ended: exited 1\ndocker: not found\n"}
