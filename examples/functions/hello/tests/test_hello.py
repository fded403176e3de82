from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "hello.py"
spec = importlib.util.spec_from_file_location("hello", SOURCE)
hello = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hello)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({}, "Hello, world!"),
        ({"queryStringParameters": None}, "Hello, world!"),
        ({"queryStringParameters": {"name": "서울"}}, "Hello, 서울!"),
    ],
)
def test_greets(event: dict, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "staging")
    answer = hello.handler(event, None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"message": message, "environment": "staging"}


def test_refuses_a_long_name() -> None:
    assert hello.handler({"queryStringParameters": {"name": "x" * 101}}, None)["statusCode"] == 400
