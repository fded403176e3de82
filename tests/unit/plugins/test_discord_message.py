"""Tests of the action plugin discord_message: retries, no failure, no webhook in messages."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.action import discord_message

WEBHOOK = "https://discord.com/api/webhooks/123/s3cr3t-t0ken"
OK = {"changed": True, "http_code": 204}
HANGS = object()


def refused(status: int, response: Any = None, **info: Any) -> dict[str, Any]:
    return {
        "failed": True,
        "http_code": status,
        "msg": WEBHOOK,
        "response": response,
        "info": {"url": WEBHOOK, **info},
    }


@pytest.fixture
def send(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[dict[str, Any], list[float], list[dict[str, Any]]]]:
    """Return send(answers, **arguments) -> (result, pauses, what the module was given)."""

    def run(
        answers: list[Any], check: bool = False, **arguments: Any
    ) -> tuple[dict[str, Any], list[float], list[dict[str, Any]]]:
        pauses: list[float] = []
        calls: list[dict[str, Any]] = []
        monkeypatch.setattr(discord_message.time, "sleep", pauses.append)
        given = {"webhook_url": WEBHOOK, "embeds": [{"title": "t"}], **arguments}
        task = SimpleNamespace(
            args=given, check_mode=check, async_val=0, diff=False, action="discord_message", no_log=False
        )
        monkeypatch.setattr(discord_message.C, "DEFAULT_LOCAL_TMP", str(tmp_path))
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nowhere"))
        plugin = discord_message.ActionModule(task, connection, SimpleNamespace(), None, None, None)

        def execute(module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
            assert module_name == "community.general.discord"
            calls.append(module_args)
            answer = answers[len(calls) - 1]
            if isinstance(answer, Exception):
                raise answer
            if answer is HANGS:
                threading.Event().wait(30)
            return answer

        monkeypatch.setattr(plugin, "_execute_module", execute)
        result = plugin.run(None, {})
        assert not result.get("failed")
        assert result["changed"] is False
        assert "s3cr3t" not in json.dumps(result)
        return result, pauses, calls

    return run


def test_accepted_message(send: Any) -> None:
    result, pauses, calls = send([OK])
    assert (result["sent"], result["attempts"], pauses) == (True, 1, [])
    assert calls == [{"webhook_id": "123", "webhook_token": "s3cr3t-t0ken", "embeds": [{"title": "t"}]}]
    assert "warnings" not in result


def test_retry_after_of_discord_is_respected(send: Any) -> None:
    body, header = refused(429, {"retry_after": 0.7}), refused(429, None, **{"retry-after": "3"})
    result, pauses, _ = send([body, header, refused(429), OK])
    assert result["sent"]
    assert pauses == [0.7, 3.0, 1.0]


def test_hanging_webhook_delays_a_run_once_and_its_result_message(send: Any) -> None:
    began = time.monotonic()
    result, pauses, calls = send([HANGS, OK], timeout=0.1)
    assert (len(calls), pauses, result["sent"]) == (1, [], False), "an attempt that hangs is the last one"
    assert "no response within 0.1 s" in result["warnings"][0]
    result, _, calls = send([OK], final=False)
    assert (calls, result["sent"]) == ([], False), "what happens on the way is left out then"
    result, pauses, calls = send([refused(500), OK])
    assert (len(calls), pauses) == (1, []), "the outcome has one attempt, and no retries"
    result, _, calls = send([OK])
    assert (len(calls), result["sent"]) == (1, True), "an outcome always has its own attempt"
    result, _, calls = send([refused(500), OK], webhook_url=WEBHOOK.replace("123", "124"))
    assert (len(calls), result["sent"]) == (2, True), "another channel is not the one that hung"
    assert time.monotonic() - began < 5


def test_time_limit_includes_the_last_attempt(send: Any) -> None:
    send([OK], timeout=0.05)
    threading.Event().wait(0.1)  # an alarm that was left set would end the process


def test_temporary_error_is_retried_and_then_a_warning(send: Any) -> None:
    result, pauses, _ = send([refused(500), refused(-1), refused(503), refused(500)])
    assert pauses == [1, 2, 4]
    assert result["sent"] is False
    assert "HTTP 500 after 4 attempts" in result["warnings"][0]
    result, _, _ = send([refused(-1)], attempts=1)
    assert "no response after 1 attempt." in result["warnings"][0]


@pytest.mark.parametrize("status", [400, 401, 404])
def test_rejected_message_is_not_retried(send: Any, status: int) -> None:
    result, pauses, calls = send([refused(status)])
    assert (len(calls), pauses) == (1, [])
    assert f"HTTP {status}" in result["warnings"][0]


def test_wait_ends_at_the_time_limit(send: Any) -> None:
    result, pauses, calls = send([refused(429, {"retry_after": 40}), refused(429, {"retry_after": 40})])
    assert (pauses, len(calls)) == ([40.0], 2)
    assert "HTTP 429 after 2 attempts" in result["warnings"][0]


def test_module_that_cannot_run_is_a_warning(send: Any) -> None:
    result, _, _ = send([RuntimeError(WEBHOOK)])
    assert "community.general.discord cannot be run (RuntimeError)" in result["warnings"][0]


@pytest.mark.parametrize(
    "url", ["https://discord.com/s3cr3t", "s3cr3t", "https://discord.com/api/webhooks/s3cr3t/"]
)
def test_invalid_webhook_is_a_warning_without_its_url(send: Any, url: str) -> None:
    result, _, calls = send([], webhook_url=url)
    assert not calls
    assert "must have the form" in result["warnings"][0]


@pytest.mark.parametrize(
    "url",
    ["https://discordapp.com/api/v10/webhooks/123/s3cr3t-t0ken", WEBHOOK + "/", WEBHOOK + "/?\n"],
)
def test_accepted_forms_of_a_webhook_url(send: Any, url: str) -> None:
    _, _, calls = send([OK], webhook_url=url)
    assert calls[0]["webhook_token"] == "s3cr3t-t0ken"


def test_nothing_is_sent_without_webhook_or_in_check_mode(send: Any) -> None:
    result, _, calls = send([], webhook_url="")
    assert (calls, result["sent"], result["msg"]) == ([], False, "not sent: no webhook is set")
    result, _, calls = send([], check=True)
    assert (calls, result["msg"]) == ([], "not sent in check mode")


def test_webhook_is_read_from_secrets_manager(send: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Lookup:
        def run(self, terms: list[str], variables: Any, **where: str) -> list[str]:
            asked.append((terms, where))
            if terms == ["missing"]:
                raise RuntimeError(WEBHOOK)
            return [WEBHOOK + "\n"]

    monkeypatch.setattr(discord_message.lookup_loader, "get", lambda name, **_: Lookup())
    result, _, _ = send(
        [OK], webhook_url="", webhook_secret="assistant-staging/notification", region="eu-west-1"
    )
    assert result["sent"]
    assert asked == [(["assistant-staging/notification"], {"region": "eu-west-1"})]
    result, _, _ = send([], webhook_url="", webhook_secret="missing")
    assert "the secret missing could not be read (RuntimeError)" in result["warnings"][0]


def test_message_is_sent_to_a_thread(send: Any) -> None:
    _, _, calls = send([OK], webhook_url=WEBHOOK + "?thread_id=42")
    assert calls[0]["webhook_token"] == "s3cr3t-t0ken?thread_id=42"


@pytest.mark.parametrize(
    "query", ["wait=true", "thread_id=", "thread_id=4 2", "thread_id=42&wait=true", "s3cr3t"]
)
def test_invalid_query_of_a_webhook_is_a_warning_without_the_webhook(send: Any, query: str) -> None:
    result, _, calls = send([], webhook_url=f"{WEBHOOK}?{query}")
    assert not calls
    assert "thread_id" in result["warnings"][0] or "must have the form" in result["warnings"][0]
