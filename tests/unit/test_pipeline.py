"""Which playbooks the workflows run on which event. Shell steps are only recorded; the scenario test_flow runs them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios import actions

ENVIRONMENTS = ("test", "staging", "production")
DIGEST = "sha256:" + "ab" * 32


class Pipeline(actions.GitHub):
    """The repository. Steps are recorded. They fail if the name of the step or its playbook is in `failing`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "application").mkdir()
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
        self.candidate = {
            "digest": DIGEST,
            "commit": "commit",
            "version": "1.1.0",
            "gate": '{"status": "OK"}',
        }
        """The release to promote, as read in the source environment."""
        self.played: list[tuple[str, str, str, dict[str, Any]]] = []
        """Playbook, environment, role and variables."""

        def shell(job: actions.Job, step: dict[str, Any], environ: dict[str, str]) -> dict[str, str]:
            playbook = environ.get("PLAYBOOK", "")
            if playbook:
                variables = {key: value for key, value in json.loads(environ["VARIABLES"]).items() if value}
                role = job.environ.get("ROLE", "")
                self.played.append((playbook, environ["ENVIRONMENT"], role, variables))
            if {step["name"], playbook} & self.failing or step["name"].startswith("Refuse "):
                raise actions.StepFailed(step["name"])
            if step["name"] == "Pin the release and show it for the approval":
                return self.candidate
            if step["name"] == "Analyse":
                return {"task": "AX1"}
            return {"digest": DIGEST} if "digest" in step["name"] else {}

        monkeypatch.setattr(actions.Job, "_shell", shell)

    def playbooks(self) -> list[str]:
        return [playbook for playbook, *_ in self.played]


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    return Pipeline(tmp_path, monkeypatch)


def test_pull_request_checks_the_gate_of_its_last_commit(pipeline: Pipeline) -> None:
    pipeline.event(
        "pull-request", "refs/pull/7/merge", "merge", pull_request={"number": 7, "head": {"sha": "head"}}
    )
    asked = {"quality_gate_revision": "head", "quality_gate_pull_request": "7", "quality_gate_task": "AX1"}
    assert pipeline.played == [("quality_gate", "test", "", asked)]


def test_merge_to_test_is_built_and_deployed_by_digest(pipeline: Pipeline) -> None:
    run = pipeline.event("test", "test", "commit")
    gate, deploy, status, tested = pipeline.played
    assert gate == ("quality_gate", "test", "", {"quality_gate_revision": "commit"})
    given = {"image_digest": DIGEST, "lock_wait": "5m", "release_quality_gate": True}
    assert deploy == ("deploy", "test", "test-deploy", given)
    assert status[:3] == ("status", "test", "test-deploy")
    assert tested == ("tested", "test", "test-qa", {"digest": DIGEST})
    assert run.results["integration / test"] == "success"


@pytest.mark.parametrize("failing", ["Build and test", "Analyse", "quality_gate"])
def test_unverified_commit_is_not_built(pipeline: Pipeline, failing: str) -> None:
    pipeline.failing = {failing}
    run = pipeline.event("test", "test", "commit")
    assert [run.results[job] for job in ("verify", "image", "deploy", "integration")] == [
        "failure",
        *["skipped"] * 3,
    ]


PROMOTED = {
    "image_digest": DIGEST,
    "release_commit": "commit",
    "release_version": "1.1.0",
    "lock_wait": "5m",
    "release_quality_gate": True,
    "quality_gate_known": {"status": "OK"},
}


def test_later_branches_promote_and_build_nothing(pipeline: Pipeline) -> None:
    for before, environment in itertools.pairwise(ENVIRONMENTS):
        pipeline.played.clear()
        pipeline.event(environment, environment, "merge")
        candidate, deploy, status = pipeline.played[:3]
        assert candidate[:3] == ("candidate", before, f"{before}-qa")
        assert candidate[3]["release_tests_required"] is True
        assert deploy == ("deploy", environment, f"{environment}-deploy", PROMOTED)
        assert status[:3] == ("status", environment, f"{environment}-deploy")


def test_approved_release_is_deployed_even_if_the_source_changes(pipeline: Pipeline) -> None:
    """The digest is read and shown in the run's summary before the approval, and not read again afterwards."""
    pipeline.rules["production"].reviewers = True

    def later() -> None:
        assert pipeline.playbooks() == ["candidate"]
        pipeline.candidate = {"digest": "sha256:" + "cd" * 32, "commit": "later", "version": "1.2.0"}

    pipeline.meanwhile["deploy / deploy"] = later
    asked = pipeline.event("production", "production", "merge")
    assert (asked.results["deploy / candidate"], asked.results["deploy / deploy"]) == ("success", "waiting")
    pipeline.played.clear()
    pipeline.approved = {"production"}
    pipeline.event("production", "production", "merge")
    assert pipeline.played[1] == ("deploy", "production", "production-deploy", PROMOTED)
    assert pipeline.candidate["commit"] == "later"


@pytest.mark.parametrize("failing", ["candidate", "Pin the release and show it for the approval"])
def test_no_approval_is_requested_without_a_candidate(pipeline: Pipeline, failing: str) -> None:
    pipeline.failing = {failing}
    run = pipeline.event("staging", "staging", "merge")
    ran = {name.rpartition(" ")[2]: result for name, result in run.results.items()}
    assert (ran["candidate"], ran["deploy"]) == ("failure", "failure")
    assert run.results["deploy / deploy"] == run.results["deploy / reconcile"] == "skipped"
    assert run.results["system-test"] == "skipped"
    assert "deploy" not in pipeline.playbooks()


def test_given_digest_is_deployed_with_its_commit(pipeline: Pipeline) -> None:
    given = {"environment": "staging", "digest": DIGEST, "commit": "built"}
    run = pipeline.call("deploy", "staging", "merge", {"sonar-token": "x"}, **given)
    assert run.results["candidate"] == "skipped"
    expected = {**PROMOTED, "release_commit": "built"}
    del expected["release_version"], expected["quality_gate_known"]
    assert pipeline.played[0] == ("deploy", "staging", "staging-deploy", expected)


def test_deploy_without_a_release_is_refused_before_an_approval(pipeline: Pipeline) -> None:
    run = pipeline.call("deploy", "production", "merge", {"sonar-token": "x"}, environment="production")
    assert run.results == {"candidate": "failure", "deploy": "skipped", "reconcile": "skipped"}
    assert pipeline.played == []


@pytest.mark.parametrize("environment", ENVIRONMENTS[1:])
def test_untested_release_is_promoted_only_by_hand(pipeline: Pipeline, environment: str) -> None:
    pipeline.event(environment, environment, "merge", inputs={"untested": True})
    assert "release_tests_required" not in pipeline.played[0][3]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_manual_run_may_override_the_gate(pipeline: Pipeline, environment: str) -> None:
    pipeline.failing = {"Analyse"}  # SonarCloud is down
    run = pipeline.event(environment, environment, "commit", inputs={"gate-override": "incident 4711"})
    asked = [played for played in pipeline.played if played[0] in ("quality_gate", "deploy")]
    assert len(asked) == (2 if environment == "test" else 1)
    assert {played[3]["quality_gate_override_reason"] for played in asked} == {"incident 4711"}
    assert set(run.results.values()) == {"success", "skipped"}


def test_branch_with_a_pull_request_must_meet_the_gate(pipeline: Pipeline) -> None:
    """An override would turn the check of the pull request green."""
    pipeline.failing = {"Analyse"}
    run = pipeline.event("test", "feature", "commit", inputs={"gate-override": "hurry"})
    assert run.results["verify / verify"] == "failure"


def test_failed_deploy_is_recovered_by_its_own_job(pipeline: Pipeline) -> None:
    pipeline.failing = {"deploy"}
    run = pipeline.event("production", "production", "merge")
    assert pipeline.playbooks() == ["candidate", "deploy", "retire"]
    assert (run.results["deploy / deploy"], run.results["deploy / reconcile"]) == ("failure", "skipped")


def test_failed_recovery_is_repeated_by_the_reconcile_job(pipeline: Pipeline) -> None:
    """Neither job scales a slot down, even if the deploy failed because its approval was refused."""
    pipeline.failing = {"deploy", "retire"}
    pipeline.event("production", "production", "merge")
    recovery = {"lock_wait": "5m", "recover_only": True}
    assert pipeline.played[-2:] == [
        ("retire", "production", "production-deploy", recovery),
        ("retire", "production", "production-qa", recovery),
    ]


@pytest.mark.parametrize(("environment", "check"), [("test", "integration"), ("staging", "system-test")])
def test_required_check_of_a_branch_needs_passed_tests(
    pipeline: Pipeline, environment: str, check: str
) -> None:
    for guide in ("pipeline.md", "pipeline.ko.md"):
        assert f"| `{check} / passed`" in (actions.ROOT / "docs" / guide).read_text("utf-8")
    assert pipeline.event(environment, environment, "commit").lets_merge(f"{check} / passed")
    pipeline.played.clear()
    pipeline.failing = {"Test"}
    assert not pipeline.event(environment, environment, "commit").lets_merge(f"{check} / passed")
    assert "tested" not in pipeline.playbooks()


def test_failed_integration_tests_withdraw_from_test_and_staging(pipeline: Pipeline) -> None:
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
def test_failed_system_tests_withdraw_or_hold(pipeline: Pipeline, on_failure: str, playbook: str) -> None:
    pipeline.variables["STAGING_ON_FAILURE"] = on_failure
    pipeline.failing = {"Test"}
    pipeline.event("staging", "staging", "merge")
    assert pipeline.played[-1][:3] == (playbook, "staging", "staging-qa")


def test_rollback_uses_the_qa_role_and_a_cold_one_the_deploy_role(pipeline: Pipeline) -> None:
    given = {"environment": "production", "to": "", "reason": "{{ wrong }}", "cold": False}
    pipeline.event("rollback", "test", "commit", inputs=given)
    pipeline.event("rollback", "production", "commit", inputs={**given, "to": "r42", "cold": True})
    assert pipeline.played == [
        ("rollback", "production", "production-qa", {"reason": "{{ wrong }}"}),
        ("rollback", "production", "production-deploy", {"to": "r42", "reason": "{{ wrong }}"}),
    ]
    refused = pipeline.event("rollback", "test", "commit", inputs={**given, "cold": True})
    assert "branch test is not allowed to deploy to production" in refused.log


def test_drift_is_reported_even_if_the_check_fails(pipeline: Pipeline) -> None:
    pipeline.failing = {"provision"}
    pipeline.event("nightly", "test", "commit")
    assert pipeline.playbooks() == ["provision", "drift"] * 3
    assert {role.rpartition("-")[2] for _, _, role, _ in pipeline.played} == {"provision"}


def test_slots_are_retired_independently_per_environment(pipeline: Pipeline) -> None:
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
