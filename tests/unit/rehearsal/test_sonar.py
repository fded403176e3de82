"""The fake SonarQube Cloud."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from rehearsal import fake_service, sonar

Client = TestClient[Any, Any]
CONDITION = {"metric": "new_coverage", "value": "61.5", "threshold": "80", "comparator": "LT"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def play(scenario: Callable[[Client], Awaitable[None]], clock: Clock | None = None) -> None:
    async def run() -> None:
        app = fake_service.application()
        app.router.add_routes(sonar.Sonar("t0ken", clock or Clock()).routes())
        async with TestClient(TestServer(app), headers={"Authorization": "Bearer t0ken"}) as client:
            await scenario(client)

    asyncio.run(run())


async def record(client: Client, **given: Any) -> str:
    answer = await client.post(
        "/rehearsal/analyses", json={"project": "assistant", "revision": "abc", **given}
    )
    return (await answer.json())["key"]


async def get(client: Client, path: str, **query: str) -> Any:
    answer = await client.get(path, params=query)
    return await answer.json() if answer.status == 200 else answer.status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer t0ken", 200),
        ("Basic " + base64.b64encode(b"t0ken:").decode(), 200),
        ("Bearer other", 401),
        ("Basic !!", 401),
        ("", 401),
    ],
)
def test_token_is_required(authorization: str, status: int) -> None:
    async def scenario(client: Client) -> None:
        await record(client)
        answer = await client.get(
            "/api/project_analyses/search",
            params={"project": "assistant"},
            headers={"Authorization": authorization},
        )
        assert answer.status == status

    play(scenario)


def test_gate_and_measures_of_a_revision() -> None:
    async def scenario(client: Client) -> None:
        await record(client, revision="old", branch="test")
        key = await record(
            client,
            branch="test",
            status="ERROR",
            conditions=[CONDITION],
            measures={"coverage": "71.0", "bugs": 2},
        )
        found = await get(client, "/api/project_analyses/search", project="assistant", branch="test")
        assert [a["revision"] for a in found["analyses"]] == ["abc", "old"]
        assert found["analyses"][0]["key"] == key
        gate = (await get(client, "/api/qualitygates/project_status", analysisId=key))["projectStatus"]
        assert gate["status"] == "ERROR"
        assert gate["conditions"][0] == {
            "status": "ERROR",
            "metricKey": "new_coverage",
            "comparator": "LT",
            "errorThreshold": "80",
            "actualValue": "61.5",
        }
        date = found["analyses"][0]["date"]
        query = {"component": "assistant", "branch": "test"}
        history = await get(
            client, "/api/measures/search_history", metrics="bugs,lines", **{"from": date}, **query
        )
        assert [m["history"] for m in history["measures"]] == [[{"date": date, "value": "2"}], []]
        now = await get(client, "/api/measures/component", metricKeys="coverage,lines", **query)
        assert now["component"]["measures"] == [{"metric": "coverage", "value": "71.0"}]

    play(scenario)


def test_metrics_have_the_verdict_without_the_deprecated_endpoint() -> None:
    async def scenario(client: Client) -> None:
        key = await record(client, branch="test", status="ERROR", conditions=[CONDITION])
        query = {
            "component": "assistant",
            "branch": "test",
            "metricKeys": "alert_status,quality_gate_details",
        }
        await client.post("/rehearsal/endpoints", json={"qualitygates": False})
        assert await get(client, "/api/qualitygates/project_status", analysisId=key) == 404
        now = await get(client, "/api/measures/component", **query)
        values = {one["metric"]: one["value"] for one in now["component"]["measures"]}
        assert values["alert_status"] == "ERROR"
        assert json.loads(values["quality_gate_details"])["conditions"][0] == {
            "metric": "new_coverage",
            "op": "LT",
            "period": 1,
            "error": "80",
            "actual": "61.5",
            "level": "ERROR",
        }
        await client.post("/rehearsal/endpoints", json={"qualitygates": True})
        gate = await get(client, "/api/qualitygates/project_status", analysisId=key)
        assert gate["projectStatus"]["status"] == "ERROR"
        await record(client, branch="test", status="NONE")
        assert (await get(client, "/api/measures/component", **query))["component"]["measures"] == []

    play(scenario)


def test_branches_and_pull_requests_are_separate() -> None:
    async def scenario(client: Client) -> None:
        await record(client, revision="on-main")
        await record(client, revision="on-test", branch="test")
        await record(client, revision="of-pr", pull_request="7")

        async def revisions(**of: str) -> list[str]:
            found = await get(client, "/api/project_analyses/search", project="assistant", **of)
            return [a["revision"] for a in found["analyses"]]

        assert await revisions() == ["on-main"]
        assert await revisions(branch="test") == ["on-test"]
        assert await revisions(pullRequest="7") == ["of-pr"]

    play(scenario)


def test_pending_analysis_is_only_a_task() -> None:
    clock = Clock()

    async def scenario(client: Client) -> None:
        key = await record(client, branch="test", pending_seconds=5)
        path, of = "/api/project_analyses/search", {"project": "assistant", "branch": "test"}
        assert (await get(client, path, **of))["analyses"] == []
        assert await get(client, "/api/qualitygates/project_status", analysisId=key) == 404
        queue = (await get(client, "/api/ce/component", component="assistant"))["queue"]
        assert [(t["status"], t["branch"]) for t in queue] == [("IN_PROGRESS", "test")]
        clock.now = 5.0
        assert [a["key"] for a in (await get(client, path, **of))["analyses"]] == [key]
        after = await get(client, "/api/ce/component", component="assistant")
        assert after["queue"] == []
        assert after["current"]["analysisId"] == key
        task = await get(client, "/api/ce/task", id=queue[0]["id"])
        assert task["task"]["status"] == "SUCCESS"

    play(scenario, clock)


def test_failed_analysis_stays_a_task() -> None:
    async def scenario(client: Client) -> None:
        await record(client, status="FAILED")
        assert (await get(client, "/api/project_analyses/search", project="assistant"))["analyses"] == []
        assert (await get(client, "/api/ce/component", component="assistant"))["current"][
            "status"
        ] == "FAILED"

    play(scenario)


def test_second_analysis_replaces_the_first() -> None:
    async def scenario(client: Client) -> None:
        await record(client, status="ERROR")
        key = await record(client, status="OK")
        found = await get(client, "/api/project_analyses/search", project="assistant")
        assert [a["key"] for a in found["analyses"]] == [key]

    play(scenario)


def test_unknown_and_invalid_requests() -> None:
    async def scenario(client: Client) -> None:
        assert await get(client, "/api/project_analyses/search", project="other") == 404
        assert await get(client, "/api/project_analyses/search") == 400
        assert await get(client, "/api/qualitygates/project_status", analysisId="x") == 404
        wrong = await client.post(
            "/rehearsal/analyses", json={"project": "p", "revision": "r", "status": "GREEN"}
        )
        assert wrong.status == 400
        assert "OK, ERROR" in (await wrong.json())["errors"][0]["msg"]
        missing = await client.post("/rehearsal/analyses", json={"project": "p"})
        assert (await missing.json())["errors"][0]["msg"] == "missing: revision"

    play(scenario)


def test_readiness_and_faults() -> None:
    async def scenario() -> None:
        app: web.Application = sonar.application({"sonar": {"token": "t"}})
        async with TestClient(TestServer(app)) as client:
            assert (await client.get("/rehearsal/ready")).status == 200
            await client.post("/rehearsal/faults", json={"kind": "error", "status": 502})
            assert (await client.get("/api/authentication/validate")).status == 502
            assert await (await client.get("/api/authentication/validate")).json() == {"valid": False}

    asyncio.run(scenario())
