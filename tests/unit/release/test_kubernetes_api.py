"""Requests to Kubernetes: what an API that hesitates, or a token that runs out midway, comes to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import kubernetes
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    Unreachable,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes_api import Api

from .fake_environment import Time


@dataclass
class Kubernetes:
    """An API that answers with the statuses given, then with 200; only one token is good."""

    url: str = ""
    good: str = "token-1"
    statuses: list[int] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    log: str = ""


@pytest.fixture
def kubernetes_api() -> Iterator[Kubernetes]:
    reported = Kubernetes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers["Authorization"].removeprefix("Bearer ")
            reported.asked.append((self.path, token))
            status = reported.statuses.pop(0) if reported.statuses else 200
            status = status if token == reported.good else 401
            body = json.dumps({"message": f"because of {status}", "items": []}).encode()
            if "/log?" in self.path:
                body = reported.log.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    reported.url = f"http://127.0.0.1:{server.server_port}"
    yield reported
    server.shutdown()
    server.server_close()


def api(reported: Kubernetes, time: Time, tokens: list[str], patience: float = 30) -> Api:
    """An Api whose connections have these tokens, one after the other; the last stays."""

    def connect() -> kubernetes.client.ApiClient:
        configuration = kubernetes.client.Configuration(host=reported.url)
        configuration.api_key = {"authorization": tokens.pop(0) if len(tokens) > 1 else tokens[0]}
        configuration.api_key_prefix = {"authorization": "Bearer"}
        configuration.retries = False
        return kubernetes.client.ApiClient(configuration)

    return Api(connect, "assistant", time.clock(), patience)


def test_expired_token_is_replaced(kubernetes_api: Kubernetes, time: Time) -> None:
    mine = api(kubernetes_api, time, ["token-1", "token-2"])
    assert mine.list("pods") == []
    kubernetes_api.good = "token-2"
    assert mine.list("pods") == []
    assert [token for _, token in kubernetes_api.asked] == ["token-1", "token-1", "token-2"]


def test_missing_permission_is_reported_after_one_new_token(kubernetes_api: Kubernetes, time: Time) -> None:
    kubernetes_api.good = "another"
    with pytest.raises(KubernetesError, match="GET /api/v1/namespaces/assistant/pods: because of 401"):
        api(kubernetes_api, time, ["token-1"]).list("pods")
    assert len(kubernetes_api.asked) == 2


def test_unavailable_api_is_waited_for(kubernetes_api: Kubernetes, time: Time) -> None:
    kubernetes_api.statuses = [503, 429, 500]
    began = time.now
    assert api(kubernetes_api, time, ["token-1"]).list("pods") == []
    assert time.now - began == 3


def test_unreachable_api_is_reported_with_its_answer(kubernetes_api: Kubernetes, time: Time) -> None:
    kubernetes_api.statuses = [503] * 100
    with pytest.raises(Unreachable, match=r"has not answered for 31 s: GET .*: because of 503"):
        api(kubernetes_api, time, ["token-1"]).list("pods")


def test_refusal_is_reported_at_once(kubernetes_api: Kubernetes, time: Time) -> None:
    kubernetes_api.statuses = [403]
    began = time.now
    with pytest.raises(KubernetesError, match="because of 403"):
        api(kubernetes_api, time, ["token-1"]).list("pods")
    assert time.now == began


@pytest.mark.parametrize(
    ("answer", "log"),
    [
        ("started\nout of memory\n", "started\nout of memory\n"),
        ("unable to retrieve container logs for containerd://12bd22b2", ""),
    ],
)
def test_removed_log_is_empty(kubernetes_api: Kubernetes, time: Time, answer: str, log: str) -> None:
    kubernetes_api.log = answer
    assert api(kubernetes_api, time, ["token-1"]).log("assistant-blue-1", "service", 12) == log


def test_lost_node_is_not_waited_for(kubernetes_api: Kubernetes, time: Time) -> None:
    kubernetes_api.statuses = [502]
    began = time.now
    reported = api(kubernetes_api, time, ["token-1"]).log("assistant-blue-1", "service", 12)
    assert reported.startswith(
        "(the log cannot be read from its node: GET /api/v1/namespaces/assistant/pods/assistant-blue-1/log"
    )
    assert time.now == began
