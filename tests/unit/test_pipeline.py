"""What the workflows run on which event, with every shell step but told: the scenario of the flow runs them for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios import actions

ENVIRONMENTS = ("test", "staging", "production")
DIGEST = "sha256:" + "ab" * 32


class Pipeline(actions.GitHub):
    """The repository; steps are noted, and fail if they are in `failing`: a step's name or a playbook's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        actions.commands(folder / "application", ("gradlew",))
        roles = {"": "deploy", "-rollback": "qa", "-infrastructure": "provision"}
        rules = {
            environment + ending: actions.Rule(
                {environment} if not ending else set(ENVIRONMENTS),
                {"AWS_ROLE": f"{environment}-{role}", "AWS_REGION": "x", "ECR_REPOSITORY": "a/b"},
            )
            for environment in ENVIRONMENTS
            for ending, role in roles.items()
        }
        super().__init__(
            "teal-platform/assistant",
            folder / "application",
            {},
            rules,
            {"SONAR_TOKEN": "sonar", "DISCORD_WEBHOOK_URL": "discord"},
            {},
            lambda arn, subject: {"ROLE": arn},
        )
        self.failing: set[str] = set()
        self.played: list[tuple[str, str, str, dict[str, Any]]] = []
        """Playbook, environment, role and variables."""

        def shell(job: actions.Job, step: dict[str, Any], environ: dict[str, str]) -> dict[str, str]:
            playbook = environ.get("PLAYBOOK", "")
            if playbook:
                variables = {key: value for key, value in json.loads(environ["VARIABLES"]).items() if value}
                role = job.environ.get("ROLE", "")
                self.played.append((playbook, environ["ENVIRONMENT"], role, variables))
            if {step["name"], playbook} & self.failing:
                raise actions.StepFailed(step["name"])
            return {"digest": DIGEST} if "digest" in step["name"] else {}

        monkeypatch.setattr(actions.Job, "_shell", shell)

    def playbooks(self) -> list[str]:
        return [playbook for playbook, *_ in self.played]


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    return Pipeline(tmp_path, monkeypatch)


def test_a_pull_request_asks_the_gate_about_its_last_commit(pipeline: Pipeline) -> None:
    pipeline.event(
        "pull-request", "refs/pull/7/merge", "merge", pull_request={"number": 7, "head": {"sha": "head"}}
    )
    asked = {"quality_gate_revision": "head", "quality_gate_pull_request": "7"}
    assert pipeline.played == [("quality_gate", "test", "", asked)]


def test_what_is_merged_to_test_is_built_and_deployed_by_its_digest(pipeline: Pipeline) -> None:
    run = pipeline.event("test", "test", "commit")
    gate, deploy, status = pipeline.played
    assert gate == ("quality_gate", "test", "", {"quality_gate_revision": "commit"})
    given = {"image_digest": DIGEST, "lock_wait": "5m", "release_quality_gate": True}
    assert deploy == ("deploy", "test", "test-deploy", given)
    assert status[:3] == ("status", "test", "test-deploy")
    assert run.results["integration / test"] == "success"


@pytest.mark.parametrize("failing", ["Build and test", "Analyse", "quality_gate"])
def test_what_is_not_verified_is_not_built(pipeline: Pipeline, failing: str) -> None:
    pipeline.failing = {failing}
    run = pipeline.event("test", "test", "commit")
    assert [run.results[job] for job in ("verify", "image", "deploy", "integration")] == [
        "failure",
        *["skipped"] * 3,
    ]


def test_later_branches_promote_and_build_nothing(pipeline: Pipeline) -> None:
    for environment in ENVIRONMENTS[1:]:
        pipeline.event(environment, environment, "merge")
    assert pipeline.playbooks() == ["promote", "status"] * 2
    assert [role for _, _, role, _ in pipeline.played[::2]] == ["staging-deploy", "production-deploy"]


def test_a_failed_deploy_is_settled_by_its_own_job(pipeline: Pipeline) -> None:
    pipeline.failing = {"promote"}
    run = pipeline.event("production", "production", "merge")
    assert pipeline.playbooks() == ["promote", "retire"]
    assert (run.results["deploy / deploy"], run.results["deploy / reconcile"]) == ("failure", "skipped")


def test_or_else_by_the_next_one_with_the_right_to_roll_back(pipeline: Pipeline) -> None:
    pipeline.failing = {"promote", "retire"}
    pipeline.event("production", "production", "merge")
    assert [(playbook, role) for playbook, _, role, _ in pipeline.played] == [
        ("promote", "production-deploy"),
        ("retire", "production-deploy"),
        ("retire", "production-qa"),
    ]


def test_integration_tests_fail_in_test_and_staging(pipeline: Pipeline) -> None:
    pipeline.failing = {"Test"}
    pipeline.event("test", "test", "commit")
    asked = {"digest": DIGEST, "lock_wait": "5m", "reason": "the tests of test failed"}
    assert pipeline.played[-2:] == [
        ("withdraw", "test", "test-qa", asked),
        ("withdraw", "staging", "staging-qa", asked),
    ]


@pytest.mark.parametrize(
    ("on_failure", "playbook"), [("", "withdraw"), ("rollback", "withdraw"), ("hold", "hold")]
)
def test_system_tests_fail_case_by_case(pipeline: Pipeline, on_failure: str, playbook: str) -> None:
    pipeline.variables["STAGING_ON_FAILURE"] = on_failure
    pipeline.failing = {"Test"}
    pipeline.event("staging", "staging", "merge")
    assert pipeline.played[-1][:3] == (playbook, "staging", "staging-qa")


def test_a_rollback_takes_qas_role_and_a_cold_one_that_of_deploys(pipeline: Pipeline) -> None:
    given = {"environment": "production", "to": "", "reason": "{{ wrong }}", "cold": False}
    pipeline.event("rollback", "test", "commit", inputs=given)
    pipeline.event("rollback", "production", "commit", inputs={**given, "to": "r42", "cold": True})
    assert pipeline.played == [
        ("rollback", "production", "production-qa", {"reason": "{{ wrong }}"}),
        ("rollback", "production", "production-deploy", {"to": "r42", "reason": "{{ wrong }}"}),
    ]
    refused = pipeline.event("rollback", "test", "commit", inputs={**given, "cold": True})
    assert "branch test is not allowed to deploy to production" in refused.log


def test_drift_is_told_even_if_the_check_fails(pipeline: Pipeline) -> None:
    pipeline.failing = {"provision"}
    pipeline.event("nightly", "test", "commit")
    assert pipeline.playbooks() == ["provision", "drift"] * 3
    assert {role.rpartition("-")[2] for _, _, role, _ in pipeline.played} == {"provision"}


def test_each_environments_slot_is_freed_whatever_becomes_of_the_others(pipeline: Pipeline) -> None:
    pipeline.failing = {"retire"}
    run = pipeline.event("retire", "test", "commit")
    assert pipeline.played == [("retire", name, f"{name}-provision", {}) for name in ENVIRONMENTS]
    assert "success" not in run.results.values()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a.b-c == 'it''s' && !false", True),
        ("contains(fromJSON('[\"x\", \"y\"]'), a.list) || 'else'", "else"),
        ("a.nothing.of.it", ""),
        ("format('{0}-rollback', a.list)", "z-rollback"),
        ("fromJSON('[1, 2]')[1]", 2),
    ],
)
def test_expressions(expression: str, value: Any) -> None:
    assert actions.evaluate(expression, {"a": {"b-c": "it's", "list": "z"}}) == value
