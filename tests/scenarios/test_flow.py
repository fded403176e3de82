"""The delivery flow on the local emulator, from a pull request to QA's rollback in PRODUCTION.

An application's repository calls the workflows as examples/application does. actions.py runs them step by step, with the AWS
roles that GitHub's tokens assume, with IAM enforced and Ansible at high verbosity. The tests depend on each other and run in
their order: `make flow`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from rehearsal import __main__ as cli
from rehearsal import config as settings
from tests.scenarios import actions
from tests.scenarios.cloud import QUICK, ROOT, embeds, enforce_iam, latest_release

ENVIRONMENTS = ("test", "staging", "production")
#: Components that a release needs. TEST and PRODUCTION are created completely. Molecule creates STAGING.
NEEDED = "network,identity,registry,release_store,load_balancer,cluster,node_targets,namespace,release"
REPOSITORY = "teal-platform/assistant"
#: Other scenarios run at the same time, so a short lease would expire between two tasks of a slow run.
UNHURRIED = QUICK | {"release_lease": "5m"}
#: Settings on GitHub, from the table in docs/pipeline.md.
DEFAULT_BRANCH = "test"
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Flow:
    """The local emulator and the application's repository on GitHub."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.printed: list[str] = []
        self.passwords: set[str] = set()
        self.environ = {**os.environ, "TEAL_REHEARSAL_HOME": str(home), "ANSIBLE_VERBOSITY": "3"}
        self.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.run(sys.executable, "-m", "rehearsal", "up")
        self.config = settings.load(home / "config.json")
        self.environ |= cli.variables_of(self.config)
        self.numbers = itertools.count(1)
        self.extra = {environment: dict(UNHURRIED) for environment in ENVIRONMENTS}

    def run(self, *words: str) -> None:
        """Run a command that must succeed."""
        self.ended(words, self.started(words))

    def started(self, words: tuple[str, ...]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def ended(self, words: tuple[str, ...], process: subprocess.Popen[str]) -> None:
        text, _ = process.communicate()
        self.printed.append(text)
        assert process.returncode == 0, f"{words} ended with {process.returncode}\n{text[-6000:]}"

    def build(self) -> None:
        """Create all environments as an administrator. The first one creates the resources that the account shares."""
        quick = json.dumps(UNHURRIED)
        self.run("ansible-playbook", "site.yml", "-i", "inventories/test", "-e", quick)
        words = [
            ("ansible-playbook", "site.yml", "-i", f"inventories/{name}", "--limit", limit, "-e", quick)
            for name, limit in (("staging", NEEDED), ("production", "all"))
        ]
        for one, process in [(one, self.started(one)) for one in words]:
            self.ended(one, process)

    def client(self, service: str, **keys: str) -> Any:
        keys = keys or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(
            service, endpoint_url=self.config["aws"]["url"], region_name=self.config["region"], **keys
        )

    def github(self) -> actions.GitHub:
        """Return the repository, set up as docs/pipeline.md describes."""
        iam, sts = self.client("iam"), self.client("sts")
        self.trusts: dict[str, list[str]] = {}
        self.sessions: dict[str, dict[str, str]] = {}
        rules = {}
        for name in ENVIRONMENTS:
            arns = {}
            for role in iam.list_roles(PathPrefix=f"/assistant-{name}/")["Roles"]:
                statements = role["AssumeRolePolicyDocument"]["Statement"]
                if statements[0]["Action"] == "sts:AssumeRoleWithWebIdentity":
                    arn = role["Arn"]
                    equals = statements[0]["Condition"]["StringEquals"]
                    self.trusts[arn] = equals["token.actions.githubusercontent.com:sub"]
                    keys = sts.assume_role(RoleArn=arn, RoleSessionName="flow")["Credentials"]
                    self.sessions[arn] = {
                        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                        "AWS_SESSION_TOKEN": keys["SessionToken"],
                    }
                    arns[role["RoleName"].removeprefix(f"assistant-{name}-")] = arn
            region = {"AWS_REGION": self.config["region"]}
            repository = f"123456789012.dkr.ecr.{self.config['region']}.amazonaws.com/assistant"
            rules[name] = actions.Rule(
                {name},
                {
                    **region,
                    "AWS_ROLE": arns["deploy"],
                    "ECR_REPOSITORY": repository if name == "test" else "",
                },
                reviewers=name == "production",
            )
            rules[f"{name}-rollback"] = actions.Rule(set(ENVIRONMENTS), {**region, "AWS_ROLE": arns["qa"]})
            rules[f"{name}-infrastructure"] = actions.Rule(
                {DEFAULT_BRANCH}, {**region, "AWS_ROLE": arns["provision"]}
            )
        workspace = self.home.parent / "application"
        workspace.mkdir()
        actions.commands(self.home.parent / "bin", ("aws", "docker", "mvn"))
        (workspace / "platform").symlink_to(ROOT)
        variables = {**self.environ, "PATH": f"{self.home.parent / 'bin'}{os.pathsep}{self.environ['PATH']}"}
        secrets = {name: variables.pop(name) for name in ("DISCORD_WEBHOOK_URL", "SONAR_TOKEN")}
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del variables[name]
        return actions.GitHub(
            REPOSITORY,
            workspace,
            variables,
            rules,
            secrets,
            {},
            self.take_role,
            lambda name: self.quick(name),
        )

    def take_role(self, arn: str, subject: str) -> dict[str, str]:
        """Assume a role with a token of GitHub, as AWS does."""
        if subject not in self.trusts[arn]:
            raise actions.StepFailed(f"{subject} is not authorized to perform: sts:AssumeRoleWithWebIdentity")
        return self.sessions[arn]

    def quick(self, environment: str) -> dict[str, Any]:
        return self.extra[environment]

    def commit(self) -> str:
        """Return the hash of a new commit."""
        return f"{next(self.numbers):040x}"

    def live(self, environment: str) -> str:
        """Return the version (a commit) that answers at the environment's address."""
        prefix = "" if environment == "production" else f"{environment}."
        handlers = (
            urllib.request.ProxyHandler({"https": self.config["balancer"]["proxy_url"]}),
            _https(self.config),
        )
        with urllib.request.build_opener(*handlers).open(
            f"https://{prefix}assistant.example.com/actuator/info", timeout=10
        ) as answer:
            return json.load(answer)["build"]["version"]

    def lives(self) -> list[str]:
        return [self.live(environment) for environment in ENVIRONMENTS]

    def messages(self) -> list[str]:
        """Return the titles of the messages that Discord has received since the last call."""
        return [embed["title"] for embed in embeds(self.config)]


def _https(config: dict[str, Any]) -> urllib.request.HTTPSHandler:
    import ssl

    return urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=config["ca"]["cert_file"]))


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    flow = Flow(tmp_path_factory.mktemp("flow") / "rehearsal")
    try:
        yield flow
    finally:
        flow.run(sys.executable, "-m", "rehearsal", "down")


@pytest.fixture(scope="module")
def github(flow: Flow) -> actions.GitHub:
    """Return the repository, with all three environments and their first releases. From here on IAM is enforced."""
    flow.build()
    github = flow.github()
    secrets = flow.client("secretsmanager")
    for secret in secrets.list_secrets()["SecretList"]:
        with contextlib.suppress(secrets.exceptions.ResourceNotFoundException):  # a place without a value
            held = secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"]
            flow.passwords.add(json.loads(held).get("password", held) if held.startswith("{") else held)
    assert flow.passwords, "the database has a password"
    secrets.put_secret_value(
        SecretId="assistant-production/notification", SecretString=github.secrets["DISCORD_WEBHOOK_URL"]
    )
    enforce_iam(flow.config)
    flow.messages()
    code(github)
    return github


def code(github: actions.GitHub, **given: Any) -> None:
    """Set the properties of the next commits."""
    good = {"sonar": "OK", "integration": True, "system": True}
    (github.workspace / "code.json").write_text(json.dumps({**good, **given}))


#: Command of a caller with Maven to build the image. The workflow's default uses Gradle.
PACKAGE = "mvn --batch-mode -DskipTests package"


def passed(github: actions.GitHub) -> dict[str, str]:
    """Return the secrets that a caller passes on."""
    names = {"sonar-token": "SONAR_TOKEN", "discord-webhook": "DISCORD_WEBHOOK_URL"}
    return {name: github.secrets[secret] for name, secret in names.items()}


def forgotten(flow: Flow) -> None:
    """Remove old analyses, as SonarCloud's housekeeping does. It keeps the newest, here of an undeployed commit."""
    url = f"{flow.environ['SONAR_HOST_URL']}/rehearsal/analyses"
    _open(urllib.request.Request(url, method="DELETE"), timeout=10).close()
    newer = json.dumps({"project": "assistant", "revision": "f" * 40, "branch": "test"}).encode()
    _open(urllib.request.Request(url, newer, {"Content-Type": "application/json"}), timeout=10).close()


def pull_request(flow: Flow, github: actions.GitHub) -> actions.Run:
    head = {"number": 7, "head": {"sha": flow.commit()}}
    return github.event("pull-request", "refs/pull/7/merge", flow.commit(), pull_request=head)


def test_pull_request_is_verified(flow: Flow, github: actions.GitHub) -> None:
    assert pull_request(flow, github).results["verify / verify"] == "success"
    assert flow.messages() == []

    code(github, sonar="ERROR")
    refused = pull_request(flow, github)
    assert refused.results["verify / verify"] == "failure"
    assert "coverage is 41.0, and fails below 80" in refused.log
    (title,) = flow.messages()
    assert "quality gate failed" in title


def test_fork_runs_tests_without_secrets(flow: Flow, github: actions.GitHub) -> None:
    secrets, github.secrets = github.secrets, {}
    run = pull_request(flow, github)
    github.secrets = secrets
    assert run.results["verify / verify"] == "failure"
    assert "mvn verify" in run.log and "mvn sonar" not in run.log
    assert "A pull request from a fork gets no secrets" in run.log


def test_release_without_a_recorded_commit_is_not_promoted(flow: Flow, github: actions.GitHub) -> None:
    """Without the commit, the gate would be checked for the merge. An administrator's first release has no commit."""
    given = {"environment": "production", "from": "staging"}
    run = github.call("deploy", "production", flow.commit(), passed(github), **given)
    assert run.results == {"candidate": "failure", "deploy": "skipped", "reconcile": "skipped"}
    log = " ".join(run.log.split())
    assert "The commit of r1 of staging is not recorded" in log
    assert re.search(
        r"inventories/staging -e image_digest=sha256:[0-9a-f]{64} -e release_commit=<commit>", log
    )


def test_one_image_is_promoted_through_all_environments(flow: Flow, github: actions.GitHub) -> None:
    code(github)
    commit = flow.commit()
    run = github.event("test", "test", commit)
    assert set(run.results.values()) == {"success", "skipped"}, run.results
    assert run.results["integration / failed"] == run.results["deploy / reconcile"] == "skipped"
    assert f"tested: {commit}" in run.log
    assert flow.lives() == [commit, "1.0.0", "1.0.0"]
    digest = run.outputs["image"]["digest"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest)

    # SonarCloud does not know the merges to later branches, so the gate of the image's commit is checked.
    run = github.event("staging", "staging", flow.commit())
    assert run.results["system-test / test"] == "success"
    assert run.outputs["deploy"]["digest"] == digest
    assert flow.lives() == [commit, commit, "1.0.0"]

    merged = flow.commit()
    run = github.event("production", "production", merged)
    assert run.results["deploy / deploy"] == "waiting", "for the reviewers of the GitHub environment"
    summary = (flow.home.parent / "step-summary.md").read_text()
    assert f"- digest={digest}\n- commit={commit}\n" in summary, "the summary shows the release to approve"
    assert flow.lives() == [commit, commit, "1.0.0"]
    github.approved = {"production"}
    forgotten(flow)
    run = github.event("production", "production", merged)
    assert f"there is no analysis of {commit}" in run.log and "it passed the gate at" in run.log
    assert run.outputs["deploy"]["digest"] == digest
    assert flow.lives() == [commit] * 3
    posted = embeds(flow.config)
    live = [embed for embed in posted if "is live" in embed["title"]]
    assert len(live) == 3 and len(posted) == 6, (
        "one message for the switch and one for the success of each deploy"
    )
    quality = {"name": "Quality", "value": "coverage: 81.2", "inline": False}
    assert [quality in embed["fields"] for embed in live] == [True, True, False], (
        "Sonar has none for the last one"
    )
    assert "### deploy" in (flow.home.parent / "step-summary.md").read_text()


def test_image_is_built_once(flow: Flow, github: actions.GitHub) -> None:
    """If the workflow runs again, the digest is the same, and Maven and Docker are not called."""
    commit = flow.live("test")
    run = github.call("image", "test", commit, {}, environment="test")
    assert run.results["image"] == "success"
    assert "mvn" not in run.log and run.outputs["image"]["digest"].startswith("sha256:")


def test_unmet_quality_gate_stops_a_merged_commit(flow: Flow, github: actions.GitHub) -> None:
    before = flow.lives()
    code(github, sonar="ERROR")
    run = github.event("test", "test", flow.commit())
    code(github)
    assert run.results["verify / verify"] == "failure"
    assert run.results["image"] == run.results["deploy"] == run.results["integration"] == "skipped"
    flow.messages()

    # An image of a commit that was never analysed is not deployed either.
    commit = flow.commit()
    image = github.call("image", "test", commit, {}, environment="test", package=PACKAGE)
    digest = image.outputs["image"]["digest"]
    run = github.call("deploy", "test", commit, passed(github), environment="test", digest=digest)
    assert run.results["deploy"] == "failure"
    assert f"there is no analysis of {commit}" in run.log
    assert any("quality gate failed" in title for title in flow.messages())
    assert flow.lives() == before


def test_only_the_branch_of_an_environment_deploys_to_it(flow: Flow, github: actions.GitHub) -> None:
    given = {"environment": "production", "digest": "sha256:" + "0" * 64}
    run = github.call("deploy", "test", flow.commit(), {"sonar-token": ""}, **given)
    assert run.results["deploy"] == "failure"
    assert "branch test is not allowed to deploy to production" in run.log
    qa = github.rules["test-rollback"].variables["AWS_ROLE"]
    with pytest.raises(actions.StepFailed, match="not authorized"):
        flow.take_role(qa, f"repo:{REPOSITORY}:environment:test")


def test_failed_system_tests_hold_the_release(flow: Flow, github: actions.GitHub) -> None:
    before = flow.lives()
    github.variables["STAGING_ON_FAILURE"] = "hold"
    code(github, system=False)
    (run,) = [run for run in github.runs if run.branch == "staging"]
    run.again("system-test")
    assert (run.results["system-test / test"], run.results["system-test / failed"]) == ("failure", "success")
    assert "HELD: the tests of staging failed" in run.log
    assert "playbooks/rollback.yml -i inventories/staging" in run.log, "the log contains the rollback command"
    assert flow.lives() == before
    (title,) = flow.messages()
    assert "is on hold" in title


def test_failed_system_tests_roll_staging_back(flow: Flow, github: actions.GitHub) -> None:
    test, _, production = flow.lives()
    github.variables["STAGING_ON_FAILURE"] = "rollback"
    (run,) = [run for run in github.runs if run.branch == "staging"]
    run.again("system-test")
    assert run.results["system-test / failed"] == "success"
    assert flow.lives() == [test, "1.0.0", production]
    (title,) = flow.messages()
    assert "STAGING: rolled back to 1.0.0" in title


def test_failed_integration_tests_roll_back_test_and_staging(flow: Flow, github: actions.GitHub) -> None:
    """Both are rolled back. PRODUCTION has another release and is unchanged."""
    before = flow.lives()
    commit = flow.commit()
    code(github, integration=False)
    moved: list[str] = []

    def merge() -> None:
        refused = github.event("staging", "staging", flow.commit())
        assert "has not passed its tests" in " ".join(refused.log.split())
        knowingly = {"untested": True}
        run = github.event("staging", "staging", flow.commit(), inputs=knowingly)
        moved.append(run.outputs["deploy"]["digest"])

    github.meanwhile["integration / test"] = merge
    run = github.event("test", "test", commit)
    assert moved == [run.outputs["image"]["digest"]]
    assert f"tested: {commit}" in run.log
    assert (run.results["integration / test"], run.results["integration / failed"]) == ("failure", "success")
    assert flow.lives() == before
    assert len([title for title in flow.messages() if "rolled back to" in title]) == 2

    # Environments in which the release is not live are unchanged.
    run.again("integration")
    assert run.results["integration / failed"] == "success"
    assert " ".join(run.log.split()).count("is not live in") >= 2
    assert flow.lives() == before
    assert flow.messages() == []


def test_release_of_a_dead_runner_is_recovered(flow: Flow, github: actions.GitHub) -> None:
    """The image was not analysed, and the gate is overridden. QA's role moves the traffic back."""
    before = flow.lives()
    commit = flow.commit()
    image = github.call("image", "test", commit, {}, environment="test", package=PACKAGE)
    digest = image.outputs["image"]["digest"]
    keys = flow.sessions[github.rules["test"].variables["AWS_ROLE"]]
    dynamodb = flow.client("dynamodb", **{name.lower(): value for name, value in keys.items()})
    flow.extra["test"]["release_lease"] = "20s"  # the next run waits until it has expired
    github.dies["deploy"] = lambda: latest_release(dynamodb, "assistant-test-releases")["state"] == "baking"
    given = {"environment": "test", "digest": digest, "gate-override": "incident 4711"}
    run = github.call("deploy", "test", commit, passed(github), **given)
    github.dies.clear()
    flow.extra["test"] = dict(UNHURRIED)
    assert (run.results["deploy"], run.results["reconcile"]) == ("failure", "success")
    assert flow.lives() == before
    record = latest_release(dynamodb, "assistant-test-releases")
    assert (record["state"], record["reason"]) == ("rolled_back", "quality gate overridden: incident 4711")
    # Between them, if it came to that before it died, that traffic goes to it.
    overridden, *_, failed = flow.messages()
    assert "the quality gate was overridden" in overridden
    assert "TEST: the deploy of" in failed and failed.endswith("failed")


def test_qa_rolls_production_back(flow: Flow, github: actions.GitHub) -> None:
    """In seconds, from the default branch, with a webhook that is in Secrets Manager alone."""
    webhook = github.secrets.pop("DISCORD_WEBHOOK_URL")
    flow.extra["production"]["notification_discord_webhook_secret"] = "assistant-production/notification"
    run = github.event(
        "rollback",
        DEFAULT_BRANCH,
        flow.commit(),
        inputs={"environment": "production", "to": "", "reason": "wrong answers {{ 1 }} x=y", "cold": False},
    )
    github.secrets["DISCORD_WEBHOOK_URL"] = webhook
    assert run.results["rollback / rollback"] == "success"
    assert "WARM ROLLBACK to 1.0.0" in run.log and "{{ 1 }} x=y" in run.log
    assert flow.live("production") == "1.0.0"
    (title,) = flow.messages()
    assert "PRODUCTION: rolled back to 1.0.0" in title


def test_nightly_check_reports_drift(flow: Flow, github: actions.GitHub) -> None:
    run = github.call("drift", DEFAULT_BRANCH, flow.commit(), passed(github), environments='["test"]')
    assert run.results["drift"] == "success", run.log[-3000:]
    assert flow.messages() == []

    role = github.rules["test-infrastructure"].variables["AWS_ROLE"]
    keys = {name.lower(): value for name, value in flow.sessions[role].items()}
    alarms = flow.client("cloudwatch", **keys)
    (name, *_) = [alarm["AlarmName"] for alarm in alarms.describe_alarms()["MetricAlarms"]]
    alarms.delete_alarms(AlarmNames=[name])
    run = github.call("drift", DEFAULT_BRANCH, flow.commit(), passed(github), environments='["test"]')
    assert run.results["drift"] == "failure"
    assert "Drift found: alarms.test" in run.log
    (title,) = flow.messages()
    assert "TEST differs from its inventory" in title


def test_no_secret_is_shown(flow: Flow, github: actions.GitHub) -> None:
    """In nothing that was printed, at the most talkative, nor in what the rehearsal's parts and the jobs wrote."""
    webhook = github.secrets["DISCORD_WEBHOOK_URL"]
    secrets = {webhook, webhook.rpartition("/")[2], github.secrets["SONAR_TOKEN"], *flow.passwords}
    for session in flow.sessions.values():
        secrets |= {session["AWS_SECRET_ACCESS_KEY"], session["AWS_SESSION_TOKEN"]}
    written = [
        path.read_text("utf-8", "replace")
        for folder in (flow.home / "logs", *flow.home.parent.glob("runner-*"))
        for path in folder.glob("*")
    ]
    written.append((flow.home.parent / "step-summary.md").read_text())
    texts = [*flow.printed, *(run.log for run in github.runs), *written]
    assert len(texts) > 20 and any("ESTABLISH" in text for text in texts), "they are there, and talkative"
    for text in texts:
        for secret in secrets:
            assert secret not in text, (
                f"a secret of {len(secret)} letters: …{text[text.find(secret) - 300 :][:300]}"
            )
        assert not re.search(r"k8s-aws-v1\.\w{20}|-----BEGIN [A-Z ]*PRIVATE KEY", text)
