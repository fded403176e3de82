"""Post alarms to Discord. The SNS topic of the alarms calls this function when an alarm changes its state."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any

import boto3

LOOKS = {"ALARM": ("🚨", 0xED4245), "OK": ("✅", 0x57F287), "INSUFFICIENT_DATA": ("❔", 0x95A5A6)}


def handler(event: dict[str, Any], context: Any) -> None:
    """Send a message for each record of the event. If a message fails, the call fails and Lambda retries it."""
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["WEBHOOK_SECRET"])
    for record in event["Records"]:
        send(secret["SecretString"].strip(), message(json.loads(record["Sns"]["Message"])))


def message(alarm: dict[str, Any]) -> dict[str, Any]:
    """Return the Discord message for an alarm's new state. It mentions nobody."""
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
    """Post the message. Raises RuntimeError; its text does not contain the webhook, which is a secret."""
    if not webhook.startswith("https://discord.com/api/webhooks/"):
        raise RuntimeError("the secret has no address such as https://discord.com/api/webhooks/<id>/<token>")
    headers = {"Content-Type": "application/json", "User-Agent": "teal.platform"}
    request = urllib.request.Request(webhook, json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"Discord answers {error.code}") from None
    except OSError as error:
        raise RuntimeError(f"Discord can't be reached: {type(error).__name__}") from None
