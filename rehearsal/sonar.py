"""A fake SonarQube Cloud: analyses of projects and their quality gates.

    POST   /rehearsal/analyses   add an analysis: {"project", "revision", "branch" or "pull_request",
                                 "status": "OK|ERROR|NONE|PENDING|FAILED", "pending_seconds",
                                 "conditions": [{"metric", "value", "threshold", "comparator", "status"}],
                                 "measures": {"coverage": "81.2"}}
    GET    /rehearsal/analyses   list the analyses
    DELETE /rehearsal/analyses   remove all analyses
    POST   /rehearsal/endpoints  {"qualitygates": false} removes that endpoint, as SonarQube Cloud has announced

An analysis with "pending_seconds" is PENDING for that time; one with the status PENDING stays so until it is replaced.
Implemented Web API: project_analyses/search, qualitygates/project_status, ce/component, ce/task, measures/component,
measures/search_history, authentication/validate. The token is a bearer token, or the user of basic authentication.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from rehearsal import fake_service

STATUSES = ("OK", "ERROR", "NONE", "PENDING", "FAILED")
MAIN_BRANCH = "main"


def error(status: int, text: str) -> web.Response:
    """Return an error in SonarQube Cloud's format."""
    return web.json_response({"errors": [{"msg": text}]}, status=status)


class Analysis:
    """One analysis of one commit."""

    def __init__(self, key: str, given: dict[str, Any], now: Callable[[], float]) -> None:
        status = given.get("status", "OK")
        if status not in STATUSES:
            raise ValueError(f"status {status!r} is not one of {', '.join(STATUSES)}")
        self._now, self._until = now, now() + float(given.get("pending_seconds", 0))
        self._status = status
        self.key = key
        self.project: str = given["project"]
        self.revision: str = given["revision"]
        self.branch: str | None = given.get("branch") or (None if given.get("pull_request") else MAIN_BRANCH)
        self.pull_request: str | None = given.get("pull_request")
        self.conditions: list[dict[str, Any]] = given.get("conditions") or []
        self.measures: dict[str, str] = given.get("measures") or {}
        self.date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")

    @property
    def status(self) -> str:
        """The status of the quality gate, or of the task before it is done."""
        return "PENDING" if self._now() < self._until else self._status

    @property
    def done(self) -> bool:
        """Whether the analysis exists; before that, only its task does."""
        return self.status not in ("PENDING", "FAILED")

    @property
    def metrics(self) -> dict[str, str]:
        """The measures, and the two metrics that hold the verdict of the quality gate, if there is one."""
        values = {name: str(value) for name, value in self.measures.items()}
        if self.status in ("OK", "ERROR"):
            details = {
                "level": self.status,
                "conditions": [
                    {
                        "metric": one["metric"],
                        "op": one.get("comparator", "LT"),
                        "period": 1,
                        "error": str(one["threshold"]),
                        "actual": str(one["value"]),
                        "level": one.get("status", "ERROR"),
                    }
                    for one in self.conditions
                ],
                "ignoredConditions": False,
            }
            values |= {"alert_status": self.status, "quality_gate_details": json.dumps(details)}
        return values

    def task(self) -> dict[str, Any]:
        """Return the task as the Compute Engine shows it."""
        state = {"PENDING": "IN_PROGRESS", "FAILED": "FAILED"}.get(self.status, "SUCCESS")
        task = {"id": f"task-{self.key}", "type": "REPORT", "componentKey": self.project, "status": state}
        task |= {"branch": self.branch} if self.branch else {"pullRequest": self.pull_request}
        return task | ({"analysisId": self.key} if self.done else {})


class Sonar:
    """The analyses and the Web API."""

    def __init__(self, token: str, now: Callable[[], float] = time.monotonic) -> None:
        self._token = token
        self._now = now
        self._numbers = itertools.count(1)
        self._analyses: list[Analysis] = []
        self.removed: set[str] = set()
        """The first path segments of removed endpoints."""

    def routes(self) -> list[web.RouteDef]:
        """Return all paths."""
        return [
            web.get("/api/project_analyses/search", self._authenticated(self.search)),
            web.get("/api/qualitygates/project_status", self._authenticated(self.quality_gate)),
            web.get("/api/ce/component", self._authenticated(self.component)),
            web.get("/api/ce/task", self._authenticated(self.task)),
            web.get("/api/measures/component", self._authenticated(self.measures)),
            web.get("/api/measures/search_history", self._authenticated(self.history)),
            web.get("/api/authentication/validate", self.validate),
            web.post("/rehearsal/analyses", self.record),
            web.get("/rehearsal/analyses", self.list_analyses),
            web.delete("/rehearsal/analyses", self.clear),
            web.post("/rehearsal/endpoints", self.endpoints),
        ]

    def _signed_in(self, request: web.Request) -> bool:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                return False
        return scheme.lower() in ("basic", "bearer") and value == self._token

    def _authenticated(self, answer: Any) -> Any:
        async def handler(request: web.Request) -> web.Response:
            if not self._signed_in(request):
                return web.Response(status=401)
            if request.path.split("/")[2] in self.removed:
                return error(404, f"Unknown url : {request.path}")
            return await answer(request)

        return handler

    def _analyses_of(self, request: web.Request, parameter: str) -> list[Analysis] | web.Response:
        """Return the analyses of a project's branch or pull request, newest first."""
        project = request.query.get(parameter)
        if not project:
            return error(400, f"The '{parameter}' parameter is missing")
        all_of = [a for a in reversed(self._analyses) if a.project == project]
        if not all_of:
            return error(404, f"Component key '{project}' not found")
        if pull_request := request.query.get("pullRequest"):
            return [a for a in all_of if a.pull_request == pull_request]
        branch = request.query.get("branch", MAIN_BRANCH)
        return [a for a in all_of if a.branch == branch]

    async def search(self, request: web.Request) -> web.Response:
        """/api/project_analyses/search"""
        found = self._analyses_of(request, "project")
        if isinstance(found, web.Response):
            return found
        page, size = int(request.query.get("p", 1)), int(request.query.get("ps", 100))
        if not 1 <= size <= 500:
            return error(400, "'ps' value must be between 1 and 500")
        done = [a for a in found if a.done]
        shown = [
            {
                "key": a.key,
                "date": a.date,
                "events": [],
                "revision": a.revision,
            }
            for a in done[(page - 1) * size : page * size]
        ]
        paging = {"pageIndex": page, "pageSize": size, "total": len(done)}
        return web.json_response({"paging": paging, "analyses": shown})

    async def quality_gate(self, request: web.Request) -> web.Response:
        """/api/qualitygates/project_status"""
        if key := request.query.get("analysisId"):
            found = [a for a in self._analyses if a.key == key and a.done]
            if not found:
                return error(404, f"Analysis with id '{key}' is not found")
        else:
            of = self._analyses_of(request, "projectKey")
            if isinstance(of, web.Response):
                return of
            found = [a for a in of if a.done]
        status = {"status": "NONE", "conditions": []}
        if found:
            conditions = [
                {
                    "status": c.get("status", "ERROR"),
                    "metricKey": c["metric"],
                    "comparator": c.get("comparator", "LT"),
                    "errorThreshold": str(c["threshold"]),
                    "actualValue": str(c["value"]),
                }
                for c in found[0].conditions
            ]
            status = {"status": found[0].status, "conditions": conditions, "ignoredConditions": False}
        return web.json_response({"projectStatus": status})

    async def component(self, request: web.Request) -> web.Response:
        """/api/ce/component: the pending tasks of a project, and its last one."""
        project = request.query.get("component")
        tasks = [a for a in self._analyses if a.project == project]
        if not tasks:
            return error(404, f"Component key '{project}' not found")
        answer: dict[str, Any] = {"queue": [a.task() for a in tasks if a.status == "PENDING"]}
        ended = [a for a in tasks if a.status != "PENDING"]
        return web.json_response(answer | ({"current": ended[-1].task()} if ended else {}))

    async def task(self, request: web.Request) -> web.Response:
        """/api/ce/task"""
        for analysis in self._analyses:
            if f"task-{analysis.key}" == request.query.get("id"):
                return web.json_response({"task": analysis.task()})
        return error(404, "No activity found for task '" + request.query.get("id", "") + "'")

    async def measures(self, request: web.Request) -> web.Response:
        """/api/measures/component: measures of the newest analysis of the branch or pull request."""
        found = self._analyses_of(request, "component")
        if isinstance(found, web.Response):
            return found
        wanted = request.query.get("metricKeys", "").split(",")
        measures = next((a.metrics for a in found if a.done), {})
        shown = [{"metric": name, "value": measures[name]} for name in wanted if name in measures]
        return web.json_response({"component": {"key": request.query["component"], "measures": shown}})

    async def history(self, request: web.Request) -> web.Response:
        """/api/measures/search_history: measures of the analyses from `from` to `to`."""
        found = self._analyses_of(request, "component")
        if isinstance(found, web.Response):
            return found
        after, before = request.query.get("from", ""), request.query.get("to", "9")
        shown = [a for a in reversed(found) if a.done and after <= a.date <= before]
        measures = [
            {
                "metric": metric,
                "history": [
                    {"date": a.date, "value": a.metrics[metric]} for a in shown if metric in a.metrics
                ],
            }
            for metric in request.query.get("metrics", "").split(",")
        ]
        return web.json_response({"measures": measures})

    async def validate(self, request: web.Request) -> web.Response:
        """/api/authentication/validate"""
        return web.json_response({"valid": self._signed_in(request)})

    async def record(self, request: web.Request) -> web.Response:
        """Add an analysis, replacing one of the same project, branch and revision."""
        given = await request.json()
        try:
            analysis = Analysis(f"AY{next(self._numbers):018d}", given, self._now)
        except (KeyError, ValueError) as e:
            return error(400, f"{'missing: ' if isinstance(e, KeyError) else ''}{e.args[0]}")

        def same(other: Analysis) -> bool:
            return all(
                getattr(other, name) == getattr(analysis, name)
                for name in ("project", "revision", "branch", "pull_request")
            )

        self._analyses = [a for a in self._analyses if not same(a)] + [analysis]
        print(f"{analysis.project} {analysis.revision}: {analysis.status}")
        return web.json_response({"key": analysis.key})

    async def list_analyses(self, request: web.Request) -> web.Response:
        """List the analyses."""
        shown = [{**a.task(), "revision": a.revision, "gate": a.status} for a in self._analyses]
        return web.json_response({"analyses": shown})

    async def endpoints(self, request: web.Request) -> web.Response:
        """Remove or restore endpoints."""
        for name, there in (await request.json()).items():
            (self.removed.discard if there else self.removed.add)(name)
        return web.json_response({"removed": sorted(self.removed)})

    async def clear(self, request: web.Request) -> web.Response:
        """Remove all analyses."""
        self._analyses.clear()
        return web.Response(status=204)


def application(config: dict[str, Any]) -> web.Application:
    """Return the fake service with the token of `config`."""
    app = fake_service.application()
    app.router.add_routes(Sonar(config["sonar"]["token"]).routes())
    return app


if __name__ == "__main__":
    fake_service.main("sonar", application)
