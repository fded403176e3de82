"""Tests of the status page: content, no external resources, no injected markup."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.module_utils import status_page as rendering
from ansible_collections.teal.platform.plugins.module_utils.messages.message import message, with_ids
from ansible_collections.teal.platform.plugins.modules import status_page
from support import ModuleFailed

VOID = {"meta", "br"}
Run = Callable[..., dict[str, Any]]


class Reader(HTMLParser):
    """Parses a page strictly: each element must be closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def status(**more: Any) -> dict[str, Any]:
    def slot(name: str, **about: Any) -> dict[str, Any]:
        empty = {"notes": [], "warm_until": "", "digest": "", "state": "up", "restarts": 0}
        return {**empty, "name": name, "healthy": 2, "targets": 2, "wanted": 2, "ready": 2, **about}

    return {
        "live_slot": "green",
        "weights": {"blue": 0, "green": 100},
        "slots": {
            "blue": slot("1.0.0 (r1)", warm_until="2026-11-24T09:00:00+00:00"),
            "green": slot("1.1.0 (r2)"),
        },
        "lock": {"held": False},
        "unfinished": "",
        "releases": [
            {
                "release": "r2",
                "kind": "deploy",
                "state": "committed",
                "tag": "1.1.0",
                "who": "dana",
                "started": "2026-11-23T09:00:00+00:00",
                "seconds": 130,
                "run": "https://github.com/example/assistant/actions/runs/42",
            },
            {
                "release": "r1",
                "kind": "deploy",
                "state": "aborted",
                "tag": "crash",
                "who": "dana",
                "started": "2026-11-22T09:00:00+00:00",
                "seconds": 30,
                "failure": "CrashLoopBackOff\nlast lines: <script>alert(1)</script>",
            },
        ],
        "problems": [],
        **more,
    }


@pytest.fixture
def write(run_module: Run, tmp_path: Path) -> Callable[..., str]:
    def write(environment: str = "staging", **arguments: Any) -> str:
        arguments = {"status": status(), "url": f"https://{environment}.example.com", **arguments}
        done = run_module(
            status_page, folder=str(tmp_path), environment=environment, application="assistant", **arguments
        )
        return Path(done["path"]).read_text()

    return write


def test_page_shows_live_release_and_history(write: Callable[..., str]) -> None:
    text = " ".join(read(write()).text.split())
    for words in (
        "STAGING",
        "1.1.0 (r2)",
        "green 100 %",
        "slot green live",
        "2 of 2 targets healthy",
        "warm until 2026-11-24 09:00 UTC",
        "✓ free",
        "✓ succeeded",
        "took 2 min 10 s",
        "✕ aborted before it received traffic",
        "Quality gatenot checked",
        "Driftnot checked",
    ):
        assert words in text, words
    assert "blue 0 %" not in text


def test_verdict_of_the_analysis_is_shown(write: Callable[..., str]) -> None:
    shown = status()
    shown["releases"][0]["analysis"] = [
        {"result": "inconclusive", "percent": 5, "text": "analysis inconclusive: 3 <requests>"},
        {"result": "passed", "percent": 100, "text": "analysis passed. Measured: 900 requests"},
    ]
    text = " ".join(read(write(status=shown)).text.split())
    assert "? analysis inconclusive with 5 % of the traffic" in text
    assert "3 <requests>" in text
    assert "✓ analysis passed" in text
    assert "900 requests" in text


def test_page_in_korean(write: Callable[..., str]) -> None:
    failure = message("bake.errors", failures=3, requests=40, last="10.0.0.1: 503") + "\n  | a log line"
    lock = {
        "held": True,
        "who": "dana",
        "operation": "rollback",
        "subject": "r1",
        "since": "2026-11-23T09:00:00Z",
    }
    now = status(lock=lock, unfinished="r3", problems=[message("status.split_traffic")])
    now["releases"][1]["failure"] = failure
    page = write(status=with_ids(now), language="ko", timezone="Asia/Seoul")
    reader = read(page)
    text = " ".join(reader.text.split())

    assert ("html", {"lang": "ko"}) in reader.elements
    for words in (
        "green 슬롯 서비스 중",
        "타깃 2개 중 2개 healthy",
        "2026-11-24 18:00 KST까지 warm 상태",
        "⚠ 사용 중: dana의 작업(롤백: r1), 2026-11-23 18:00 KST부터",
        "⚠ 릴리스 r3이 끝나지 않았습니다",
        "⚠ 트래픽이 한 슬롯으로만 가고 있지 않습니다",
        "✓ 성공",
        "2분 10초 소요",
        "전환 후 요청 40건 중 3건이 실패했습니다: 10.0.0.1: 503",
        "| a log line",
        "✕ 트래픽을 받기 전에 취소",
        "품질 게이트확인하지 않음",
    ):
        assert words in text, words
    shown = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    english = set(
        re.findall(r"[a-z]{3,}", re.sub(r"<[^>]*>|https://\S+|10.0.0.1: 503|a log line", " ", shown))
    )
    assert english <= {"staging", "assistant", "blue", "green", "warm", "healthy", "dana", "crash",
                       "playbooks", "status", "yml", "output", "html"}  # fmt: skip


def test_rollback_is_named(write: Callable[..., str]) -> None:
    releases = [{"release": "r3", "kind": "rollback", "state": "rolled_back", "tag": "1.0.0", "who": "dana"}]
    now = status(releases=releases)
    assert "rollback to 1.0.0 (r3) ↩ rolled back" in read(write(status=now)).text
    assert "1.0.0 (r3)으로 롤백 ↩ 롤백됨" in read(write(status=now, language="ko")).text


def test_environments_keep_the_order_of_their_first_run(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(range(1_800_000_000, 1_800_000_100))
    monkeypatch.setattr(status_page.time, "time", lambda: next(moments))
    for environment in ("test", "staging", "production", "qa", "test"):
        page = write(environment)
    headings = [attributes["id"] for tag, attributes in read(page).elements if tag == "h2"]
    assert headings == ["test", "staging", "production", "qa"]


def test_lock_problems_and_unfinished_release_are_shown(write: Callable[..., str]) -> None:
    lock = {
        "held": True,
        "who": "dana",
        "operation": "deploy",
        "subject": "1.2.0",
        "since": "2026-11-23T09:00:00Z",
    }
    now = status(lock=lock, unfinished="r3", problems=["requests do not all go to one slot"], live_slot="")
    text = " ".join(read(write(status=now)).text.split())
    assert "⚠ held for a deploy of 1.2.0 by dana since 2026-11-23 09:00 UTC" in text
    assert "⚠ Release r3 is unfinished" in text
    assert "⚠ requests do not all go to one slot" in text


def test_gate_and_drift(write: Callable[..., str], tmp_path: Path) -> None:
    summary = tmp_path / "elsewhere" / "summary.json"
    summary.parent.mkdir()
    components = {"network": {"state": "changed"}, "cluster": {"state": "ok"}}
    summary.write_text(json.dumps({"components": components}))
    gate = {"status": "ERROR", "refusal": "coverage is 61, and fails below 80"}
    text = read(write(gate=gate, drift_summary=str(summary))).text
    assert "✕ failed" in text
    assert "coverage is 61" in text
    assert "⚠ network" in text
    assert "cluster" not in text
    assert "✓ OK" in read(write(gate={"status": "OK", "refusal": ""})).text


def test_page_has_no_scripts_or_external_resources(write: Callable[..., str]) -> None:
    releases = [
        {"tag": '"><img src=x onerror=alert(1)>', "release": "r1", "run": "javascript:alert(1)", "who": "<b>"}
    ]
    for page in (write(), write(status=status(releases=releases))):
        elements = read(page).elements
        assert not {"script", "img", "link", "iframe", "b"} & {tag for tag, _ in elements}
        for tag, attributes in elements:
            assert not {"src", "onerror", "onclick"} & set(attributes)
            if tag == "a":
                assert (attributes["href"] or "").startswith("https://")
        assert "default-src 'none'" in page


def test_page_supports_phones_dark_mode_and_screen_readers(write: Callable[..., str]) -> None:
    page = write()
    reader = read(page)
    assert ("html", {"lang": "en"}) in reader.elements
    assert any(attributes.get("name") == "viewport" for _, attributes in reader.elements)
    assert "prefers-color-scheme: dark" in page
    bars = [attributes for _, attributes in reader.elements if attributes.get("role") == "img"]
    assert [bar["aria-label"] for bar in bars] == ["Requests: blue 0 of 100, green 100 of 100"]
    assert [tag for tag, _ in reader.elements if tag in ("h1", "h2", "h3")] == ["h1", "h2", "h3"]
    assert all(attributes["datetime"] for tag, attributes in reader.elements if tag == "time")


def test_check_mode_writes_nothing(run_module: Run, tmp_path: Path) -> None:
    arguments = {"environment": "staging", "application": "assistant", "status": status()}
    run_module(status_page, check=True, folder=str(tmp_path / "new"), **arguments)
    assert not (tmp_path / "new").exists()


def test_unknown_or_missing_file_is_an_error(write: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ModuleFailed, match=r"other\.json was not written by this module"):
        write()
    (tmp_path / "other.json").unlink()
    with pytest.raises(ModuleFailed, match=r"missing\.json"):
        write(drift_summary=str(tmp_path / "missing.json"))


def palettes() -> dict[str, dict[str, str]]:
    """Return the page's colours by name, for light and dark."""
    light, dark = re.findall(r":root \{(.*?)\}", rendering.CSS, re.DOTALL)
    return {
        scheme: dict(re.findall(r"--(\w+):\s*(#\w{6})", colours))
        for scheme, colours in (("light", light), ("dark", dark))
    }


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(scheme: str) -> None:
    """WCAG requires a contrast of 4.5 to 1 between text and background."""
    colours = palettes()[scheme]
    words = ("ink", "soft", "good", "warn", "bad", "info")
    pairs = [(word, ground) for word in words for ground in ("card", "inset")]
    pairs += [("ink", "page"), ("soft", "page"), ("card", "blue"), ("card", "green")]
    for text, ground in pairs:
        high, low = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{text} on {ground}"


MEASURE = """<script>document.title = JSON.stringify({
  right: Math.max(...[...document.querySelectorAll("body *")].map(e => e.getBoundingClientRect().right)),
  ground: getComputedStyle(document.body).backgroundColor,
  columns: getComputedStyle(document.querySelector("main")).gridTemplateColumns.split(" ")
    .filter(width => width != "0px").length})</script>"""


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


@pytest.mark.skipif(
    not BROWSER, reason="needs a browser: chromium or google-chrome (apt-get install chromium)"
)
@pytest.mark.parametrize(("width", "dark", "columns"), [(360, False, 1), (1200, True, 2)])
def test_page_fits_the_width_of_the_browser(
    write: Callable[..., str], tmp_path: Path, width: int, dark: bool, columns: int
) -> None:
    write("test")
    page = re.sub(r"<meta http-equiv[^>]*>", f"<style>html {{ width: {width}px }}</style>", write("staging"))
    (tmp_path / "measured.html").write_text(page.replace("</body>", f"{MEASURE}</body>"))
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command += [
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        "--window-size=1300,900",
        "--dump-dom",
    ]
    done = subprocess.run(
        [*command, (tmp_path / "measured.html").as_uri()], capture_output=True, text=True, timeout=120
    )
    measured = json.loads(re.search(r"<title>(.*?)</title>", done.stdout)[1])
    assert measured["right"] <= width
    assert measured["columns"] == columns
    red, green, blue = (int(part) for part in re.findall(r"\d+", measured["ground"])[:3])
    assert f"#{red:02x}{green:02x}{blue:02x}" == palettes()["dark" if dark else "light"]["page"]
