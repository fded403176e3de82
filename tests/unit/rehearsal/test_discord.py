"""The fake Discord, with the limits that Discord publishes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from rehearsal import discord

HOOK = "/api/webhooks/1/secret"
Client = TestClient[Any, Any]


def play(scenario: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        app = discord.application({"discord": {"webhook_url": "https://discord.com/api/webhooks/1/secret"}})
        async with TestClient(TestServer(app)) as client:
            await scenario(client)

    asyncio.run(run())


def embed(**given: Any) -> dict[str, Any]:
    return {"embeds": [{"title": "deployed", **given}]}


def test_valid_message_is_kept_with_its_mentions() -> None:
    async def scenario(client: Client) -> None:
        message = {"content": "hello", "allowed_mentions": {"parse": []}, **embed(color=0x008080)}
        assert (await client.post(HOOK, json=message)).status == 204
        waited = await client.post(HOOK + "?wait=true", json=message)
        assert waited.status == 200
        assert (await waited.json())["content"] == "hello"
        kept = (await (await client.get("/rehearsal/messages")).json())["messages"]
        assert [m["allowed_mentions"] for m in kept] == [{"parse": []}, {"parse": []}]
        assert (await client.delete("/rehearsal/messages")).status == 204
        assert await (await client.get("/rehearsal/messages")).json() == {"messages": [], "refused": []}

    play(scenario)


def test_limits_are_exact() -> None:
    field = {"name": "n" * 256, "value": "v" * 1024}
    exact = [
        {"content": "x" * 2000},
        embed(title="t" * 256),
        embed(description="d" * 4096),
        embed(fields=[field]),
        embed(fields=[{"name": "n", "value": "v"}] * 25),
        embed(footer={"text": "f" * 2048}),
        {"embeds": [{"title": "t"}] * 10},
        embed(title="t" * 256, description="d" * 4096, footer={"text": "f" * 1648}),
    ]
    assert [discord.problems(message) for message in exact] == [{}] * len(exact)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"content": "🟢" * 1001}, "content"),
        (embed(title="t" * 257), "embeds.0.title"),
        (embed(description="d" * 4097), "embeds.0.description"),
        (embed(fields=[{"name": "n", "value": "v"}] * 26), "embeds.0.fields"),
        (embed(fields=[{"name": "n" * 257, "value": "v"}]), "embeds.0.fields.0.name"),
        (embed(fields=[{"name": "n", "value": "v" * 1025}]), "embeds.0.fields.0.value"),
        (embed(fields=[{"name": "n", "value": ""}]), "embeds.0.fields.0.value"),
        (embed(footer={"text": "f" * 2049}), "embeds.0.footer.text"),
        (embed(title="t" * 256, description="d" * 4096, footer={"text": "f" * 1649}), "embeds"),
        (embed(color=0x1000000), "embeds.0.color"),
        (embed(timestamp="yesterday"), "embeds.0.timestamp"),
        (embed(url="ftp://x"), "embeds.0.url"),
        (embed(description=7), "embeds.0.description"),
        ({"embeds": [{"title": "t"}] * 11}, "embeds"),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse"),
    ],
)
def test_messages_over_the_limits_are_refused(message: dict[str, Any], path: str) -> None:
    async def scenario(client: Client) -> None:
        answer = await client.post(HOOK, json=message)
        said = await answer.json()
        assert (answer.status, said["code"]) == (400, 50035)
        at = said["errors"]
        for part in path.split("."):
            at = at[part]
        assert at["_errors"][0]["message"]
        kept = await (await client.get("/rehearsal/messages")).json()
        assert not kept["messages"]
        assert kept["refused"][0]["status"] == 400

    play(scenario)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/webhooks/2/secret", b'{"content": "x"}', 404, 10015),
        ("/api/webhooks/1/other", b'{"content": "x"}', 401, 50027),
        (HOOK, b"{}", 400, 50006),
        (HOOK, b"hello", 400, 50109),
    ],
)
def test_other_refusals(path: str, body: bytes, status: int, code: int) -> None:
    async def scenario(client: Client) -> None:
        answer = await client.post(path, data=body)
        assert (answer.status, (await answer.json())["code"]) == (status, code)

    play(scenario)


def test_faults_apply_to_count_requests() -> None:
    async def scenario(client: Client) -> None:
        async def order(**fault: Any) -> int:
            return (await client.post("/rehearsal/faults", json=fault)).status

        message = {"content": "x"}
        await order(kind="rate_limit", seconds=0.3)
        limited = await client.post(HOOK, json=message)
        assert limited.status == 429
        assert limited.headers["Retry-After"] == "1"
        assert (await limited.json())["retry_after"] == 0.3
        await order(kind="error", status=503, count=2)
        assert [(await client.post(HOOK, json=message)).status for _ in range(3)] == [503, 503, 204]
        await order(kind="refuse")
        with pytest.raises(aiohttp.ClientError):
            await client.post(HOOK, json=message)
        await order(kind="slow", seconds=0.05)
        start = time.monotonic()
        assert (await client.post(HOOK, json=message)).status == 204
        assert time.monotonic() - start >= 0.05
        await order(kind="error", count=9)
        await client.delete("/rehearsal/faults")
        assert (await client.post(HOOK, json=message)).status == 204
        assert await order(kind="explode") == 400

    play(scenario)
