"""Tests of sonar_quality_gate against the emulated SonarCloud."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from ansible_collections.teal.platform.plugins.modules import sonar_quality_gate
from support import ModuleFailed

from rehearsal import fake_service, sonar

REVISION = "1f3b2c4d5e6f7a8b9c0d"
COVERAGE = {"metric": "new_coverage", "value": "61.5", "threshold": "80", "comparator": "LT"}
BUGS = {"metric": "new_bugs", "value": "2", "threshold": "0", "comparator": "GT"}
FINE = {"metric": "new_lines", "value": "2", "threshold": "1", "comparator": "LT", "status": "OK"}


class Server:
    """The stand-in in a thread; its clock moves by what the module waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.url = ""
        self.sonar = sonar.Sonar("t0ken", lambda: self.now)
        self.app = fake_service.application()
        self.app.router.add_routes(self.sonar.routes())
        self._loop = asyncio.new_event_loop()

    def start(self) -> None:
        ready = threading.Event()

        async def serve() -> None:
            runner = web.AppRunner(self.app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
            self.end = asyncio.Event()
            ready.set()
            await self.end.wait()
            await runner.cleanup()

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(serve(),))
        self._thread.start()
        assert ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self.end.set)
        self._thread.join(10)

    def record(self, **given: Any) -> None:
        analysis = {"project": "assistant", "revision": REVISION, "branch": "test", **given}
        key = f"AY{len(self.sonar._analyses)}"
        self.sonar._analyses.append(sonar.Analysis(key, analysis, lambda: self.now))

    def fail(self, count: int, **fault: Any) -> None:
        self.app[fake_service.FAULTS].extend([{"seconds": 0, "status": 500, **fault}] * count)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()

    def wait(seconds: float) -> None:
        server.now += seconds

    monkeypatch.setattr(sonar_quality_gate.time, "sleep", wait)
    monkeypatch.setattr(sonar_quality_gate.time, "monotonic", lambda: server.now)
    monkeypatch.setattr(sonar_quality_gate.Sonar.__init__, "__defaults__", (wait,))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def ask(server: Server, run_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def run(**arguments: Any) -> dict[str, Any]:
        given = {"host": server.url, "token": "t0ken", "project": "assistant", "revision": REVISION}
        return run_module(sonar_quality_gate, **{**given, "branches": ["test"], **arguments})

    return run


def refusal(ask: Any, **arguments: Any) -> str:
    with pytest.raises(ModuleFailed) as failed:
        ask(**arguments)
    assert (
        failed.value.result["msg"] == f"The quality gate refuses the commit. {failed.value.result['refusal']}"
    )
    return failed.value.result["refusal"]


def test_commit_that_meets_the_gate_passes(server: Server, ask: Any) -> None:
    server.record(revision="other", status="ERROR")
    server.record(status="OK", conditions=[FINE], measures={"coverage": "81.2", "bugs": 0, "ncloc": 9})
    result = ask()
    assert (result["changed"], result["status"], result["refusal"], result["overridden"]) == (
        False,
        "OK",
        "",
        False,
    )
    assert result["measures"] == {"coverage": "81.2", "bugs": "0"}
    assert result["analysis"]["branch"] == "test"
    assert result["conditions"] == [
        {"status": "OK", "metric": "new_lines", "value": "2", "comparator": "LT", "threshold": "1"}
    ]


def test_each_failed_condition_is_reported(server: Server, ask: Any) -> None:
    server.record(status="ERROR", conditions=[COVERAGE, BUGS, FINE], measures={"coverage": "71"})
    with pytest.raises(ModuleFailed) as failed:
        ask()
    assert failed.value.result["refusal"].splitlines() == [
        "assistant 1f3b2c4:",
        "new_coverage is 61.5, and fails below 80",
        "new_bugs is 2, and fails above 0",
    ]
    assert failed.value.result["measures"] == {"coverage": "71"}, "a refusal has measures, too"


# -- without api/qualitygates, which SonarQube Cloud deprecated ------------------------------------------


@pytest.fixture(params=[404, 410])
def without_gates(request: pytest.FixtureRequest, server: Server) -> Server:
    """It is not there any more: unknown, or said to be gone."""
    if request.param == 404:
        server.sonar.removed.add("qualitygates")
    else:
        server.fail(1, kind="slow")  # what is under way
        server.fail(1, kind="slow")  # the analysis
        server.fail(1, kind="error", status=410)
    return server


def test_verdict_is_read_from_the_metrics_of_the_analysis(without_gates: Server, ask: Any) -> None:
    without_gates.record(status="OK", conditions=[FINE], measures={"coverage": "81.2"})
    result = ask()
    assert (result["status"], result["refusal"], result["measures"]) == ("OK", "", {"coverage": "81.2"})
    assert result["conditions"] == [
        {"status": "OK", "metric": "new_lines", "value": "2", "comparator": "LT", "threshold": "1"}
    ]
    assert result["verdict"]["status"] == "OK"


def test_each_failed_condition_in_the_metrics_is_reported(without_gates: Server, ask: Any) -> None:
    without_gates.record(status="ERROR", conditions=[COVERAGE, BUGS, FINE])
    assert refusal(ask).splitlines() == [
        "assistant 1f3b2c4:",
        "new_coverage is 61.5, and fails below 80",
        "new_bugs is 2, and fails above 0",
    ]


def test_missing_metric_means_no_gate(without_gates: Server, ask: Any) -> None:
    without_gates.record(status="NONE")
    assert refusal(ask).startswith("assistant has no quality gate")


def test_metrics_of_a_later_analysis_are_ignored(
    server: Server, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.sonar.removed.add("qualitygates")
    server.record(status="ERROR", conditions=[COVERAGE])
    server.record(revision="later", status="OK")
    server.sonar._analyses[-1].date = "2099-01-01T00:00:00+0000"
    assert "new_coverage is 61.5" in refusal(ask)


def test_metrics_of_a_pull_request_are_requested(server: Server, ask: Any) -> None:
    server.sonar.removed.add("qualitygates")
    server.record(status="OK")
    assert "new_coverage is 61.5" in refusal(
        ask, **of_pull_request(server, status="ERROR", conditions=[COVERAGE])
    )
    assert ask(**of_pull_request(server, status="OK"))["status"] == "OK"


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({}, "NONE"),
        ({"alert_status": "OK"}, "OK"),
        ({"alert_status": "ERROR"}, "ERROR"),
        ({"alert_status": "OK", "quality_gate_details": "no JSON"}, "OK"),
        ({"alert_status": "OK", "quality_gate_details": "[1]"}, "OK"),
        ({"alert_status": "OK", "quality_gate_details": '{"level": "ERROR"}'}, "ERROR"),
        ({"alert_status": "ERROR", "quality_gate_details": '{"level": "OK"}'}, "ERROR"),
        ({"quality_gate_details": '{"level": "OK"}'}, "NONE"),
        ({"quality_gate_details": '{"level": "ERROR"}'}, "ERROR"),
    ],
)
def test_contradicting_metrics_are_refused(found: dict[str, str], status: str) -> None:
    assert sonar_quality_gate.of_metrics(found)["status"] == status


def test_missing_right_is_not_taken_for_a_removed_endpoint(server: Server, ask: Any) -> None:
    server.record(status="OK")
    server.fail(2, kind="slow")
    server.fail(1, kind="error", status=403)
    assert "the token has no permission for qualitygates/project_status" in refusal(ask)


def test_gate_of_another_commit_is_ignored(server: Server, ask: Any) -> None:
    server.record(revision="other", status="OK")
    server.record(branch="main", status="OK")
    assert f"there is no analysis of {REVISION} of assistant (test)" in refusal(ask)


def test_branches_and_the_main_branch(server: Server, ask: Any) -> None:
    server.record(branch="staging", status="OK")
    assert ask(branches=["test", "staging"])["analysis"]["branch"] == "staging"
    assert "(the main branch)" in refusal(ask, branches=[])
    server.record(branch="main", status="OK")
    assert ask(branches=[])["status"] == "OK"


def test_analysis_after_the_first_page_is_found(
    server: Server, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sonar_quality_gate, "PAGE", 2)
    server.record(status="OK")
    for n in range(4):
        server.record(revision=f"later-{n}")
    assert ask()["analysis"]["key"] == "AY0"


def test_running_analysis_is_awaited(server: Server, ask: Any) -> None:
    server.record(status="OK", pending_seconds=12)
    assert ask(wait_limit=60)["status"] == "OK"
    assert server.now == 15


def test_wait_for_a_running_analysis_ends_at_the_time_out(server: Server, ask: Any) -> None:
    server.record(status="OK", pending_seconds=100)
    assert refusal(ask, wait_limit=20).endswith("after 20 s")
    assert server.now == 20


def test_failed_analysis_is_reported(server: Server, ask: Any) -> None:
    server.record(status="FAILED")
    assert refusal(ask).endswith("The last analysis of the project failed.")


def test_project_without_a_gate_is_refused(server: Server, ask: Any) -> None:
    server.record(status="NONE")
    assert refusal(ask).startswith(
        "assistant has no quality gate, or this is the first analysis of its branch"
    )


def test_verdict_is_read_again_while_an_analysis_is_pending(server: Server, ask: Any) -> None:
    """An issue was marked, and the same commit is analysed once more."""
    server.record(status="ERROR", conditions=[BUGS])
    server.record(status="OK", pending_seconds=12)
    assert ask(wait_limit=60)["status"] == "OK"
    server.record(status="ERROR", conditions=[BUGS], pending_seconds=1000)
    assert ask(wait_limit=20)["status"] == "OK", "the existing analysis counts after the limit"


def test_branch_without_analysis_does_not_hide_other_branches(server: Server, ask: Any) -> None:
    server.record(branch="main", status="OK")
    server.fail(1, kind="slow")  # what is under way
    server.fail(1, kind="status", status=404)
    assert ask(branches=["test", "main"])["analysis"]["branch"] == "main"


def of_pull_request(server: Server, **given: Any) -> dict[str, str]:
    """Record an analysis; return the module's arguments for it."""
    server.record(branch=None, pull_request="7", **given)
    return {"pull_request": "7", "task": server.sonar._analyses[-1].task()["id"]}


def test_analysis_of_a_pull_request_is_found_by_the_task_of_the_scanner(server: Server, ask: Any) -> None:
    """Neither an earlier commit's nor the branch's counts."""
    of_pull_request(server, revision="earlier", status="OK")
    server.record(status="OK")
    reported = of_pull_request(server, status="ERROR", conditions=[COVERAGE], measures={"coverage": "71"})
    with pytest.raises(ModuleFailed) as failed:
        ask(**reported)
    assert "new_coverage is 61.5" in failed.value.result["refusal"]
    assert failed.value.result["measures"] == {"coverage": "71"}
    assert ask(**of_pull_request(server, status="OK"))["analysis"]["pullRequest"] == "7"


def test_task_of_a_pull_request_is_awaited_until_the_time_out(server: Server, ask: Any) -> None:
    assert ask(**of_pull_request(server, pending_seconds=60))["status"] == "OK"
    assert server.now == pytest.approx(60, abs=6)
    reported = of_pull_request(server, pending_seconds=600)
    assert "did not finish within 300 s" in refusal(ask, **reported)


@pytest.mark.parametrize(
    ("given", "asked", "why"),
    [
        ({"status": "FAILED"}, {}, "has no analysis (status FAILED)"),
        ({"project": "other"}, {}, "belongs to other, pull request 7, not to assistant, pull request 7"),
        ({}, {"pull_request": "8"}, "belongs to assistant, pull request 7, not to assistant, pull request 8"),
        ({}, {"task": "unknown"}, "No activity found for task 'unknown'"),
    ],
)
def test_task_of_another_pull_request_is_rejected(
    server: Server, ask: Any, given: dict[str, Any], asked: dict[str, Any], why: str
) -> None:
    assert why in refusal(ask, **{**of_pull_request(server, **given), **asked})


def test_pull_request_requires_its_task(server: Server, ask: Any) -> None:
    with pytest.raises(ModuleFailed, match="task"):
        ask(pull_request="7")


def test_removed_measures_do_not_fail_the_gate(server: Server, ask: Any) -> None:
    server.record(status="OK", measures={"coverage": "81.2"})
    server.fail(3, kind="slow")  # what is under way, the analysis, its gate
    server.fail(1, kind="status", status=400)
    reported = ask()
    assert (reported["status"], reported["measures"]) == ("OK", {})


def test_rejected_requests_are_not_retried(server: Server, ask: Any) -> None:
    server.record()
    assert refusal(ask, token="other").endswith("does not accept the token")
    assert "Component key 'nobody' not found" in refusal(ask, project="nobody")
    server.fail(1, kind="error", status=403)
    assert "the token has no permission for ce/component" in refusal(ask)
    assert server.now == 0, "and not asked again"


@pytest.mark.parametrize("name", ["token", "project", "revision"])
def test_empty_setting_is_an_error(ask: Any, name: str) -> None:
    assert refusal(ask, **{name: ""}) == f"{name} is empty"


@pytest.mark.parametrize("fault", [{"kind": "error"}, {"kind": "refuse"}, {"kind": "rate_limit"}])
def test_temporary_error_is_retried_and_then_stops_the_release(server: Server, ask: Any, fault: Any) -> None:
    server.record(status="OK")
    server.fail(2, **fault)
    assert ask()["status"] == "OK"
    server.fail(3, **fault)
    assert "does not respond to ce/component" in refusal(ask)


def test_unknown_host_is_an_error(ask: Any) -> None:
    assert "http://127.0.0.1:1 does not respond to" in refusal(ask, host="http://127.0.0.1:1")


def test_override_continues_and_records_the_refusal(server: Server, ask: Any) -> None:
    server.record(status="ERROR", conditions=[COVERAGE])
    result = ask(override_reason="incident 4711")
    assert result["overridden"]
    assert "new_coverage is 61.5" in result["refusal"]
    assert ask(host="http://127.0.0.1:1", override_reason="Sonar is down")["overridden"]
    assert "61.5" in refusal(ask, override_reason="  ")


def test_unneeded_override_is_not_recorded(server: Server, ask: Any) -> None:
    server.record(status="OK")
    assert ask(override_reason="to be sure")["overridden"] is False


MET = {
    "project": "assistant",
    "revision": REVISION,
    "status": "OK",
    "date": "2026-11-02T09:00:00+0000",
    "url": "https://sonarcloud.io/dashboard?id=assistant&branch=test",
    "override": "",
}


def test_verdict_is_returned_for_the_release_record(server: Server, ask: Any) -> None:
    server.record(status="OK")
    verdict = ask()["verdict"]
    assert verdict == MET | {
        "date": verdict["date"],
        "url": f"{server.url}/dashboard?id=assistant&branch=test",
    }
    server.record(status="ERROR", conditions=[COVERAGE])
    verdict = ask(override_reason="incident 4711")["verdict"]
    assert (verdict["status"], verdict["override"]) == ("ERROR", "incident 4711")


def test_record_replaces_a_removed_analysis(server: Server, ask: Any) -> None:
    server.record(revision="newer", status="OK")
    result = ask(known=MET)
    assert (result["status"], result["refusal"], result["overridden"]) == ("OK", "", False)
    assert result["verdict"] == MET
    assert result["analysis"] == {}


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"status": "OK"},
        {**MET, "revision": "newer"},
        {**MET, "project": "other"},
        {**MET, "status": "ERROR"},
        {**MET, "status": ""},
        {**MET, "override": "incident 4711"},
    ],
)
def test_other_verdicts_do_not_replace_a_removed_analysis(
    server: Server, ask: Any, known: dict[str, str]
) -> None:
    server.record(revision="newer", status="OK")
    assert f"there is no analysis of {REVISION}" in refusal(ask, known=known)


def test_record_is_ignored_if_sonar_answers_or_is_unreachable(server: Server, ask: Any) -> None:
    assert "Component key 'assistant' not found" in refusal(ask, known=MET)
    server.record(status="ERROR", conditions=[COVERAGE])
    assert "new_coverage is 61.5" in refusal(ask, known=MET)
    server.record(revision="newer", status="OK", pending_seconds=600)
    assert refusal(ask, known=MET, revision="later")
    server.fail(9, kind="status", status=503)
    assert "does not respond to" in refusal(ask, known=MET)
