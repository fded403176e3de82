"""A fake Discord: webhooks that check messages as Discord does, and keep them.

    POST   /api/webhooks/<id>/<token>   204, or 200 and the message with ?wait=true; 400, 401, 404 as Discord;
                                        ?thread_id=<digits> is stored with the message
    GET    /api/webhooks/<id>/<token>   the webhook
    GET    /rehearsal/messages          {"messages": [...], "refused": [{"status", "answer", "payload"}]}
    DELETE /rehearsal/messages          remove all messages

The balancer routes `https://discord.com` here, so clients with that fixed address work unchanged.
"""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from rehearsal import fake_service

FIELDS = 25
EMBEDS = 10
TOTAL = 6000
CONTENT = 2000
TEXTS = {"title": 256, "description": 4096, "url": 2048}
PARTS = {"footer": {"text": 2048}, "author": {"name": 256}}
FIELD_TEXTS = {"name": 256, "value": 1024}
MENTIONS = {"roles", "users", "everyone"}


def problems(message: dict[str, Any]) -> dict[str, Any]:
    """Return the errors that Discord would report: code and message by path (`embeds.0.fields.1.value`)."""
    return {path: {"code": code, "message": text} for path, code, text in _problems(message)}


def _problems(message: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    embeds = message.get("embeds") or []
    yield from _text("content", message.get("content"), CONTENT)
    yield from _text("username", message.get("username"), 80)
    if not isinstance(embeds, list):
        yield "embeds", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"
        return
    if len(embeds) > EMBEDS:
        yield "embeds", "BASE_TYPE_BAD_LENGTH", f"Must be {EMBEDS} or fewer in length."
    parsed = (message.get("allowed_mentions") or {}).get("parse") or []
    for unknown in set(parsed) - MENTIONS:
        yield "allowed_mentions.parse", "BASE_TYPE_CHOICES", f"{unknown!r} is none of {sorted(MENTIONS)}"
    total = 0
    for n, embed in enumerate(embeds):
        if not isinstance(embed, dict):
            yield f"embeds.{n}", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType"
            continue
        yield from _embed(f"embeds.{n}", embed)
        total += _size(embed)
    if total > TOTAL:
        yield "embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {TOTAL}"


def _embed(path: str, embed: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, limit in TEXTS.items():
        yield from _text(f"{path}.{name}", embed.get(name), limit)
    for part, texts in PARTS.items():
        for name, limit in texts.items():
            yield from _text(f"{path}.{part}.{name}", (embed.get(part) or {}).get(name), limit)
    color = embed.get("color")
    if color is not None and not (isinstance(color, int) and 0 <= color <= 0xFFFFFF):
        yield f"{path}.color", "NUMBER_TYPE_MAX", "int value should be between 0 and 16777215."
    stamp = embed.get("timestamp")
    if stamp is not None and not _is_iso8601(stamp):
        yield f"{path}.timestamp", "DATE_TIME_TYPE_PARSE", f"Could not parse {stamp}. Should be ISO8601."
    if (url := embed.get("url")) and not str(url).startswith(("http://", "https://")):
        yield f"{path}.url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https')."
    fields = embed.get("fields") or []
    if len(fields) > FIELDS:
        yield f"{path}.fields", "BASE_TYPE_BAD_LENGTH", f"Must be {FIELDS} or fewer in length."
    for n, field in enumerate(fields):
        for name, limit in FIELD_TEXTS.items():
            text = field.get(name)
            if text is None or not str(text).strip():
                yield f"{path}.fields.{n}.{name}", "BASE_TYPE_REQUIRED", "This field is required"
            yield from _text(f"{path}.fields.{n}.{name}", text, limit)


def _text(path: str, text: Any, limit: int) -> Iterator[tuple[str, str, str]]:
    if text is not None and not isinstance(text, str):
        yield path, "STRING_TYPE_CONVERT", f"Could not interpret {json.dumps(text)[:40]} as string."
    elif text is not None and _length(text) > limit:
        yield path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length."


def _length(text: str) -> int:
    """Return the length as Discord counts it: in UTF-16 code units, of which an emoji has two."""
    return len(text.encode("utf-16-le")) // 2


def _size(embed: dict[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get(part) or {}).get(name) for part, names in PARTS.items() for name in names]
    texts += [field.get(name) for field in embed.get("fields") or [] for name in FIELD_TEXTS]
    return sum(_length(str(text)) for text in texts if text)


def _is_iso8601(stamp: Any) -> bool:
    try:
        datetime.datetime.fromisoformat(str(stamp))
    except ValueError:
        return False
    return True


def _nested(found: dict[str, Any]) -> dict[str, Any]:
    """Convert `{"a.0.b": problem}` to Discord's format, `{"a": {"0": {"b": {"_errors": [problem]}}}}`."""
    errors: dict[str, Any] = {}
    for path, problem in found.items():
        at = errors
        for part in path.split("."):
            at = at.setdefault(part, {})
        at.setdefault("_errors", []).append(problem)
    return errors


class Webhook:
    """One webhook of one channel."""

    def __init__(self, url: str) -> None:
        self.id, self.token = url.rstrip("/").split("/")[-2:]
        self.messages: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.match_info["id"] != self.id:
            return web.json_response({"message": "Unknown Webhook", "code": 10015}, status=404)
        if request.match_info["token"] != self.token:
            return web.json_response({"message": "Invalid Webhook Token", "code": 50027}, status=401)
        return None

    async def describe(self, request: web.Request) -> web.Response:
        """GET of the webhook, as community.general.discord does in check mode."""
        return self._refusal(request) or web.json_response({"id": self.id, "name": "teal", "type": 1})

    async def receive(self, request: web.Request) -> web.Response:
        """POST of a message."""
        if refusal := self._refusal(request):
            return refusal
        try:
            payload = await request.json()
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            error = {"message": "The request body contains invalid JSON.", "code": 50109}
            return self._refuse(error, payload)
        if not payload.get("content") and not payload.get("embeds"):
            return self._refuse({"message": "Cannot send an empty message", "code": 50006}, payload)
        if found := problems(payload):
            error = {"message": "Invalid Form Body", "code": 50035, "errors": _nested(found)}
            return self._refuse(error, payload)
        message = {
            "id": str(next(self._ids)),
            "timestamp": datetime.datetime.now(datetime.UTC).isoformat(),
            "content": payload.get("content") or "",
            "username": payload.get("username"),
            "embeds": payload.get("embeds") or [],
            "allowed_mentions": payload.get("allowed_mentions"),
            "thread_id": request.query.get("thread_id"),
        }
        self.messages.append(message)
        titles = [embed.get("title") for embed in message["embeds"]]
        print(f"message {message['id']}: {message['content'] or ' | '.join(str(title) for title in titles)}")
        if request.query.get("wait") == "true":
            return web.json_response({**message, "webhook_id": self.id})
        return web.Response(status=204)

    def _refuse(self, error: dict[str, Any], payload: Any) -> web.Response:
        self.refused.append({"status": 400, "answer": error, "payload": payload})
        print(f"refused: {json.dumps(error)}")
        return web.json_response(error, status=400)

    async def list_messages(self, request: web.Request) -> web.Response:
        """Return the messages so far."""
        return web.json_response({"messages": self.messages, "refused": self.refused})

    async def clear(self, request: web.Request) -> web.Response:
        """Remove all messages."""
        self.messages.clear()
        self.refused.clear()
        return web.Response(status=204)


def application(config: dict[str, Any]) -> web.Application:
    """Return the fake service with the webhook of `config`."""
    app = fake_service.application()
    webhook = Webhook(config["discord"]["webhook_url"])
    for prefix in ("/api", "/api/v10"):
        app.router.add_get(prefix + "/webhooks/{id}/{token}", webhook.describe)
        app.router.add_post(prefix + "/webhooks/{id}/{token}", webhook.receive)
    app.router.add_get("/rehearsal/messages", webhook.list_messages)
    app.router.add_delete("/rehearsal/messages", webhook.clear)
    return app


if __name__ == "__main__":
    fake_service.main("discord", application)
