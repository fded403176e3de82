"""Messages as text in English, as data in records, and as text in the reader's language and time zone."""

from __future__ import annotations

import json

import pytest
from ansible_collections.teal.platform.plugins.module_utils.messages.korean import particle
from ansible_collections.teal.platform.plugins.module_utils.messages.message import (
    Message,
    first_line,
    joined,
    message,
    text_of,
    with_ids,
    with_messages,
)
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import (
    Reader,
    columns,
    moment,
    zone_of,
)
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span

KOREAN = Reader("ko", "Asia/Seoul")
STOP = message("plan.stop", name="1.1.0 (r2)", live="1.0.0 (r1)")


def stored(value: object) -> object:
    """Return what a reader of the stored JSON gets."""
    return with_messages(json.loads(json.dumps(with_ids(value))))


def test_a_message_is_its_english_text() -> None:
    assert STOP == "the deploy of 1.1.0 (r2) has no traffic yet: it is stopped, and 1.0.0 (r1) stays live"
    assert json.loads(json.dumps(STOP)) == STOP


def test_a_message_is_shown_in_korean_with_fitting_particles() -> None:
    assert KOREAN.show(STOP) == (
        "1.1.0 (r2) 배포에는 아직 트래픽이 없습니다. 이 배포를 멈추고 1.0.0 (r1)이 계속 서비스합니다"
    )


@pytest.mark.parametrize(
    ("word", "form", "shown"),
    [
        ("1.0.0 (r2)", "이(가)", "가"),
        ("1.0.0 (r3)", "이(가)", "이"),
        ("r1", "(으)로", "로"),
        ("r3", "(으)로", "으로"),
        ("green", "을(를)", "을"),
        ("blue", "을(를)", "를"),
        ("슬롯", "은(는)", "은"),
        ("배포", "은(는)", "는"),
        ("롤", "(으)로", "로"),
        ("", "은(는)", "는"),
    ],
)
def test_a_particle_fits_the_word_before_it(word: str, form: str, shown: str) -> None:
    assert particle(word, form) == shown
    assert particle(f"'{word}", f"'{form}") == f"'{shown}"


def test_parameters_and_parts_of_a_message_are_shown_in_the_language() -> None:
    text = joined(message("rollback.failed", error=STOP), "\n  | a log line\n", span(200))

    assert KOREAN.show(text) == f"롤백이 실패했습니다: {KOREAN.show(STOP)}\n  | a log line\n3분 20초"
    assert text == f"The rollback failed: {STOP}\n  | a log line\n3 min 20 s"


def test_the_message_of_an_exception_stays_a_message() -> None:
    error = ValueError(STOP)

    assert KOREAN.show(message("rollback.failed", error=error)).endswith(KOREAN.show(STOP))
    assert text_of(ValueError("a text of AWS")) == "a text of AWS"
    assert text_of(KeyError("a")) == "'a'"


def test_adding_texts_keeps_the_message() -> None:
    assert KOREAN.show(STOP + "!") == f"{KOREAN.show(STOP)}!"
    assert KOREAN.show("! " + STOP) == f"! {KOREAN.show(STOP)}"


def test_the_first_line_of_a_message_is_a_message() -> None:
    assert KOREAN.show(first_line(joined(STOP, "\n  | a log line"))) == KOREAN.show(STOP)
    assert KOREAN.show(first_line(joined(STOP, " more\nlines"))) == f"{KOREAN.show(STOP)} more"
    assert first_line("\none\ntwo\n") == "one"
    assert first_line("") == ""
    assert first_line("long" * 100, 10) == "longlonglo"


def test_a_record_holds_the_text_and_the_id() -> None:
    record = {
        "failure": STOP,
        "events": [{"note": moment("2026-11-30T09:30:00Z")}],
        "problems": ["plain", STOP],
    }

    assert with_ids(record) == {
        "failure": str(STOP),
        "failure_i18n": {"id": "plan.stop", "parameters": {"name": "1.1.0 (r2)", "live": "1.0.0 (r1)"}},
        "events": [
            {
                "note": "2026-11-30T09:30:00Z",
                "note_i18n": {"id": "time", "parameters": {"at": "2026-11-30T09:30:00Z"}},
            }
        ],
        "problems": ["plain", str(STOP)],
        "problems_i18n": [
            "plain",
            {"id": "plan.stop", "parameters": {"name": "1.1.0 (r2)", "live": "1.0.0 (r1)"}},
        ],
    }
    assert KOREAN.show_all(stored(record)) == {
        "failure": KOREAN.show(STOP),
        "events": [{"note": "2026-11-30 18:30 KST"}],
        "problems": ["plain", KOREAN.show(STOP)],
    }


def test_a_record_that_is_written_again_keeps_its_ids() -> None:
    record = {"failure": joined(STOP, "\n", message("rollback.failed", error=STOP))}

    assert with_ids(stored(record)) == with_ids(record)


def test_an_old_record_without_ids_is_shown_as_it_is() -> None:
    old = {"failure": "the pods did not start", "problems": ["a problem"]}

    assert KOREAN.show_all(stored(old)) == old


@pytest.mark.parametrize(
    "data",
    [
        {"id": "release.of_a_newer_version", "parameters": {"name": "x"}},
        {"id": "plan.stop", "parameters": {"other": "x"}},
        {"id": "plan.stop"},
        {"id": "plan.stop", "parameters": ["x"]},
        {"id": ["plan.stop"]},
        {"unknown": "x"},
        [{"id": "release.of_a_newer_version", "parameters": {}}, "rest"],
        [{"text": "of another kind"}],
        {"id": "rollback.failed", "parameters": {"error": {"id": "newer.message", "parameters": {}}}},
        {"id": "rollback.failed", "parameters": {"error": 5}},
    ],
)
def test_a_record_of_a_newer_version_is_shown_in_english(data: object) -> None:
    record = with_messages({"failure": "the English text", "failure_i18n": data})

    assert KOREAN.show(record["failure"]) == "the English text"


def test_variables_of_the_service_are_not_mistaken_for_ids() -> None:
    config = {"GREETING": "hello", "GREETING_i18n": "안녕하십니까", "OTHER_i18n": "x"}

    assert with_messages(config) == config


def test_an_english_reader_gets_english_with_times_in_the_zone() -> None:
    reader = Reader("en", "Asia/Seoul")

    assert reader.show(STOP) == STOP
    assert reader.show(moment("2026-11-30T09:30:00Z")) == "2026-11-30 18:30 KST"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-11-30 09:30 UTC"),
        ("Asia/Seoul", "2026-11-30 18:30 KST"),
        ("Europe/Berlin", "2026-11-30 10:30 CET"),
        ("Asia/Dubai", "2026-11-30 13:30 UTC+04"),
        ("No/Where", "2026-11-30 09:30 UTC"),
        ("../etc/passwd", "2026-11-30 09:30 UTC"),
    ],
)
def test_a_time_is_shown_with_its_zone(zone: str, shown: str) -> None:
    assert Reader("ko", zone).time("2026-11-30T09:30:12Z") == shown


def test_a_text_that_is_no_time_is_shown_as_it_is() -> None:
    assert KOREAN.time("yesterday") == "yesterday"
    assert moment("") == ""


def test_utc_needs_no_database_of_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo._common.load_tzdata", lambda key: 1 / 0)

    assert zone_of("UTC") is not None


def test_columns_of_korean_text_are_aligned() -> None:
    assert columns([("배포", "x"), ("deploy", "y")]) == ["배포    x", "deploy  y"]


def test_a_cut_or_empty_message_is_a_text() -> None:
    assert KOREAN.show(Message("")) == ""
