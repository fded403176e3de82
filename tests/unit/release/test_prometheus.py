"""Queries to Prometheus, with a real server: values, limits, errors, and the token that never shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.prometheus import Query, QueryFailed

TOKEN = "token-that-never-shows"


class Prometheus(HTTPServer):
    """Answers each query with `answer`, and records the requests."""

    status: int = 200
    answer: Any = None
    location: str = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Prometheus

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Authorization", "")))
        body = json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def prometheus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Prometheus]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Prometheus()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def vector(*values: str) -> dict[str, Any]:
    result = [{"metric": {"pod": str(n)}, "value": [1.0, value]} for n, value in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def query(server: Prometheus, **more: Any) -> Query:
    return Query("failures", server.url, 'sum(rate(x{a="b"}[1m]))', **more)


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        (vector("0.5"), [0.5]),
        (vector("1", "2"), [1, 2]),
        (vector("NaN", "2"), [2]),
        ({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "3"]}}, [3]),
    ],
)
def test_values(prometheus: Prometheus, answer: Any, values: list[float]) -> None:
    prometheus.answer = answer
    assert query(prometheus).values() == values
    path, authorization = prometheus.requests[0]
    assert urlsplit(path).path == "/api/v1/query"
    assert parse_qs(urlsplit(path).query) == {"query": ['sum(rate(x{a="b"}[1m]))']}
    assert not authorization


def test_token_is_sent(prometheus: Prometheus) -> None:
    prometheus.answer = vector("1")
    query(prometheus, token=lambda: TOKEN).values()
    assert prometheus.requests[0][1] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("status", "answer", "text"),
    [
        (200, vector(), "no value"),
        (200, vector("NaN"), "no value"),
        (200, {"status": "success", "data": {"resultType": "matrix", "result": []}}, "a matrix"),
        (200, {"status": "error", "errorType": "bad_data", "error": f"echo {TOKEN}"}, "bad_data"),
        (401, {"error": TOKEN}, "401"),
        (200, ["no answer of Prometheus"], "AttributeError"),
    ],
)
def test_failed_query_does_not_show_the_token(
    prometheus: Prometheus, status: int, answer: Any, text: str
) -> None:
    prometheus.status, prometheus.answer = status, answer
    with pytest.raises(QueryFailed, match=text) as raised:
        query(prometheus, token=lambda: TOKEN).values()
    assert TOKEN not in str(raised.value)
    assert raised.value.__cause__ is None


def test_token_is_not_sent_to_another_host(prometheus: Prometheus) -> None:
    other = Prometheus()
    prometheus.status, prometheus.location = 302, other.url
    with pytest.raises(QueryFailed):
        query(prometheus, token=lambda: TOKEN).values()
    other.server_close()
    assert len(prometheus.requests) == 1


def test_secret_that_cannot_be_read_fails_the_query(prometheus: Prometheus) -> None:
    def denied() -> str:
        raise PermissionError("secretsmanager:GetSecretValue: AccessDenied")

    with pytest.raises(QueryFailed, match="GetSecretValue"):
        query(prometheus, token=denied).values()
    assert not prometheus.requests


@pytest.mark.parametrize(
    ("limits", "value", "within", "text"),
    [
        ({"most": 5}, 5, True, "at most 5"),
        ({"most": 5}, 5.1, False, "at most 5"),
        ({"least": 1}, 0.9, False, "at least 1"),
        ({"least": 1, "most": 2}, 1.5, True, "at least 1 and at most 2"),
        ({"most": 0}, 0.1, False, "at most 0"),
    ],
)
def test_limits(limits: dict[str, float], value: float, within: bool, text: str) -> None:
    query = Query("x", "http://x", "x", **limits)
    assert (query.within(value), query.condition) == (within, text)
