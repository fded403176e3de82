"""Tells Discord of alarms. The topic of the alarms calls it whenever one changes its state."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any

import boto3

LOOKS = {"ALARM": ("🚨", 0xED4245), "OK": ("✅", 0x57F287), "INSUFFICIENT_DATA": ("❔", 0x95A5A6)}


def handler(event: dict[str, Any], context: Any) -> None:
    """Send a message for each of the event's records. What can't be sent fails, and Lambda tries it again."""
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["WEBHOOK_SECRET"])
    for record in event["Records"]:
        send(secret["SecretString"].strip(), message(json.loads(record["Sns"]["Message"])))


def message(alarm: dict[str, Any]) -> dict[str, Any]:
    """Discord's message of an alarm's new state; it mentions nobody."""
    state = alarm["NewStateValue"]
    sign, colour = LOOKS.get(state, LOOKS["INSUFFICIENT_DATA"])
    embed = {
        "title": f"{sign} {alarm['AlarmName']}: {state}"[:256],
        "description": (alarm.get("AlarmDescription") or "")[:2000],
        "color": colour,
        "fields": [{"name": "Why", "value": (alarm.get("NewStateReason") or "–")[:1000]}],
        "timestamp": alarm["StateChangeTime"],
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def send(webhook: str, body: dict[str, Any]) -> None:
    """Post it. Raises RuntimeError without the webhook, which is a secret, in its text."""
    if not webhook.startswith("https://discord.com/api/webhooks/"):
        raise RuntimeError("the secret holds no address like https://discord.com/api/webhooks/<id>/<token>")
    headers = {"Content-Type": "application/json", "User-Agent": "teal.platform"}
    request = urllib.request.Request(webhook, json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"Discord answers {error.code}") from None
    except OSError as error:
        raise RuntimeError(f"Discord can't be reached: {type(error).__name__}") from None
