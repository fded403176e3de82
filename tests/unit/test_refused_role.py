"""The explanation of the action `prepare` when AWS refuses the role."""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[2] / ".github/actions/prepare/explain_refusal.py"
ROLE = "arn:aws:iam::123456789012:role/assistant-test/assistant-test-deploy"


@pytest.fixture(scope="module")
def explain():
    spec = importlib.util.spec_from_file_location("explain_refusal", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def token(subject: str) -> str:
    parts = ({"alg": "RS256"}, {"sub": subject, "aud": "sts.amazonaws.com"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "signature-that-is-secret"])


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        (
            "repo:acme@123/shop@456:environment:test",
            ["identity_github_repository to 'acme@123/shop@456' (with its numbers", "has 'test'"],
        ),
        (
            "repo:acme/shop:environment:test",
            ["identity_github_repository to 'acme/shop' (without numbers", "has 'test'"],
        ),
        ("repo:acme/shop:ref:refs/heads/main", ["The job has no 'environment'"]),
        ("repo:acme@123/shop@456:pull_request", ["The job has no 'environment'"]),
    ],
)
def test_explanation_names_the_setting_for_the_token(explain, subject: str, says: list[str]) -> None:
    message = explain.explanation(explain.subject_of(token(subject)), ROLE)
    assert ROLE in message
    assert f"'{subject}'" in message
    for text in says:
        assert text in message


def test_subject_comes_from_github_and_no_token_is_printed() -> None:
    asked: list[tuple[str, str]] = []
    given = token("repo:acme@123/shop@456:environment:test")

    class GitHub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            body = json.dumps({"value": given}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), GitHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environ = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{server.server_port}/token?version=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer",
        "ROLE": ROLE,
        "no_proxy": "*",
    }
    done = subprocess.run([sys.executable, FILE], env=environ, capture_output=True, text=True, check=True)
    server.shutdown()
    assert asked == [("/token?version=1&audience=sts.amazonaws.com", "Bearer bearer")]
    assert "repo:acme@123/shop@456:environment:test" in done.stdout
    assert not any(part in done.stdout for part in given.split("."))


def test_missing_token_permission_is_reported() -> None:
    done = subprocess.run(
        [sys.executable, FILE], env={"ROLE": ROLE}, capture_output=True, text=True, check=True
    )
    assert "id-token: write" in done.stdout
