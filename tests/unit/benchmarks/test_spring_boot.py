"""How the benchmark of Spring Boot reads answers from sockets and formats them."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import spring_boot
import spring_boot_texts as texts
from spring_boot_service import receive

CHUNKED = b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ("closed",)),
        (b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nquick", ("answered", 200)),
        (b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nqui", ("cut",)),
        (CHUNKED + b"4\r\nword\r\n0\r\n\r\n", ("answered", 200)),
        (CHUNKED + b"4\r\nword\r\n", ("cut",)),
        (b"HTTP/1.1 503 \r\nConnection: close\r\n\r\n{}", ("closing", 503)),
    ],
)
def test_outcome_of_an_answer(data: bytes, expected: tuple) -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(data)
        there.shutdown(socket.SHUT_WR)
        assert spring_boot.outcome(receive(here, 2)) == expected


def test_timeout_is_silent() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert spring_boot.outcome(receive(here, 0.05)) == ("silent",)


def test_cell_names_applications_only_if_they_differ() -> None:
    assert spring_boot.merged({"3.5": ("refused",), "4.1": ("refused",)}, "en") == "refused"
    assert (
        spring_boot.merged({"3.5": ("status", 404), "4.1": ("status", 200)}, "en") == "404 (3.5); 200 (4.1)"
    )


def test_all_texts_exist_in_all_languages() -> None:
    for by_language in (texts.OUTCOMES, texts.COLUMNS):
        assert by_language["en"].keys() == by_language["ko"].keys()
    assert all(row.keys() == {"en", "ko"} for row in texts.ROWS.values())


def test_event_in_several_chunks_is_complete() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(CHUNKED + b"5\r\ndata:\r\n3\r\nend\r\n2\r\n\n\n\r\n0\r\n\r\n")
        assert "data:end" in receive(here, 2).body
