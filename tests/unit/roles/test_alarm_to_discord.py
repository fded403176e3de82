"""The function that posts alarms to Discord."""

from __future__ import annotations

import importlib.util
import json
import urllib.error
from pathlib import Path
from typing import Any

import boto3
import pytest

SOURCE = Path(__file__).resolve().parents[3] / "roles/alarms/files/discord/alarm_to_discord.py"
spec = importlib.util.spec_from_file_location("alarm_to_discord", SOURCE)
assert spec and spec.loader
function = importlib.util.module_from_spec(spec)
spec.loader.exec_module(function)

WEBHOOK = "https://discord.com/api/webhooks/1/planted-token"
ALARM = {
    "AlarmName": "shop-production-alb-5xx",
    "AlarmDescription": "Look at playbooks/status.yml",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: @everyone",
    "StateChangeTime": "2026-11-23T09:00:00.000+0000",
}
EVENT = {"Records": [{"Sns": {"Message": json.dumps(ALARM)}}]}


@pytest.fixture
def sent(aws: None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the requests that were sent to Discord. The secret contains the webhook."""
    monkeypatch.setenv("WEBHOOK_SECRET", "shop-production/notification")
    boto3.client("secretsmanager").create_secret(Name="shop-production/notification", SecretString=WEBHOOK)
    requests: list[Any] = []

    def urlopen(request: Any, timeout: float) -> Any:
        requests.append(request)
        return Path("/dev/null").open()

    monkeypatch.setattr(function.urllib.request, "urlopen", urlopen)
    return requests


def test_alarm_is_posted(sent: list[Any]) -> None:
    function.handler(EVENT, None)
    [request] = sent
    body = json.loads(request.data)
    assert request.full_url == WEBHOOK
    assert body["allowed_mentions"] == {"parse": []}
    assert body["embeds"][0]["title"] == "🚨 shop-production-alb-5xx: ALARM"
    assert body["embeds"][0]["fields"][0]["value"] == ALARM["NewStateReason"]


def test_long_texts_are_cut_to_the_limits_of_discord() -> None:
    long = {**ALARM, "AlarmName": "a" * 300, "AlarmDescription": "d" * 5000, "NewStateReason": "r" * 5000}
    [embed] = function.message(long)["embeds"]
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert len(embed["fields"][0]["value"]) <= 1024


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (urllib.error.HTTPError(WEBHOOK, 404, "Not Found", {}, None), "Discord answers 404"),
        (urllib.error.URLError(f"can't resolve {WEBHOOK}"), "Discord can't be reached: URLError"),
    ],
)
def test_failed_message_fails_and_shows_no_secret(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def urlopen(request: Any, timeout: float) -> Any:
        raise error

    monkeypatch.setattr(function.urllib.request, "urlopen", urlopen)
    with pytest.raises(RuntimeError, match=message) as failed:
        function.handler(EVENT, None)
    assert "planted-token" not in str(failed.value)
    assert failed.value.__suppress_context__


def test_secret_without_a_webhook_is_not_shown() -> None:
    with pytest.raises(RuntimeError, match="the secret has no address") as failed:
        function.send("http://elsewhere/planted-token", {})
    assert "planted-token" not in str(failed.value)
