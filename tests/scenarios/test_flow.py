"""The delivery flow on the rehearsal cloud, from a push to `test` until QA's rollback in PRODUCTION.

What GitHub would do on an event is played by the workflows' own steps: their playbook and its variables are
read out of the workflow's file and run by the action's own script. It takes minutes: `make scenarios`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import __main__ as cli
from rehearsal import config as settings

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("test", "staging", "production")
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Flow:
    """GitHub, as far as it is needed. `told` gathers all that any command printed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {**os.environ, "TEAL_REHEARSAL_HOME": str(home)}
        self.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.told: list[str] = []
        self.run(sys.executable, "-m", "rehearsal", "up")
        self.config = settings.load(home / "config.json")
        self.environ |= cli.variables_of(self.config)
        self.commit("0" * 40)

    def run(self, *words: str, fails: bool = False) -> str:
        """Run a command that must succeed, or must fail; return what it printed."""
        done = subprocess.run(words, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
        self.told.append(text)
        assert (done.returncode != 0) == fails, f"{words} ended with {done.returncode}\n{text[-6000:]}"
        return text

    def commit(self, commit: str) -> None:
        """Go on as the run of a workflow for this commit."""
        self.environ |= {
            "GITHUB_SHA": commit,
            "GITHUB_ACTOR": "octocat",
            "GITHUB_RUN_ID": "42",
            "GITHUB_WORKFLOW": "flow",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "teal-platform/assistant",
            "GITHUB_STEP_SUMMARY": str(self.home / "step-summary.md"),
        }

    def image(self, commit: str, gate: str = "OK") -> str:
        """What verify.yml and image.yml leave behind: an analysis of the commit and an image; its digest."""
        conditions = [] if gate == "OK" else [
            {"metric": "coverage", "value": "41.0", "threshold": "80", "comparator": "LT", "status": "ERROR"}
        ]  # fmt: skip
        analysis = {
            "project": "assistant",
            "revision": commit,
            "branch": "test",
            "status": gate,
            "conditions": conditions,
            "measures": {"coverage": "81.2"},
        }
        _post(self.config["sonar"]["url"] + "/rehearsal/analyses", analysis)
        return self.run(sys.executable, "-m", "rehearsal", "push", commit).split()[-1]

    def step(self, workflow: str, name: str, environment: str, *, fails: bool = False, **inputs: Any) -> str:
        """Run the step `name` of a workflow, with these inputs."""
        document = yaml.safe_load((ROOT / ".github/workflows" / f"{workflow}.yml").read_text("utf-8"))
        steps = [step for job in document["jobs"].values() for step in job["steps"] if step["name"] == name]
        given = {"environments": json.dumps([environment]), **inputs, "environment": environment}
        words = {key: _filled(value, given, self.home) for key, value in steps[0]["with"].items()}
        self.environ |= {
            "PLAYBOOK": words["playbook"],
            "ENVIRONMENT": words["environment"],
            "VARIABLES": words.get("variables", "{}"),
            # The one thing that is not as on GitHub: nobody watches PRODUCTION for five minutes here.
            "ARGUMENTS": words.get("arguments", "") + " -e release_bake=2s",
        }
        return self.run(sys.executable, ".github/actions/playbook/play.py", fails=fails)

    def live(self, environment: str) -> str:
        """The digest that is live, read as deploy.yml does."""
        self.step("deploy", "Read what stands now", environment)
        status = json.loads((self.home / "status.json").read_text("utf-8"))
        return status["slots"][status["live_slot"]]["digest"]

    def messages(self) -> list[str]:
        """The titles that Discord was told since the last time."""
        url = self.config["discord"]["url"] + "/rehearsal/messages"
        with _open(url, timeout=10) as answer:
            kept = json.load(answer)
        assert kept["refused"] == []
        with _open(urllib.request.Request(url, method="DELETE"), timeout=10):
            return [embed["title"] for message in kept["messages"] for embed in message["embeds"]]


def _filled(text: str, inputs: dict[str, Any], folder: Path) -> str:
    """Replace a workflow's expressions, as GitHub would. Raises KeyError for one that isn't known here."""
    values: dict[str, str] = {
        "matrix.environment": inputs["environment"],
        "fromJSON(inputs.environments)[0]": json.loads(inputs["environments"])[0],
        "toJSON(format('{0}/status.json', runner.temp))": json.dumps(f"{folder}/status.json"),
        "toJSON(format('{0}/summary.json', runner.temp))": json.dumps(f"{folder}/summary.json"),
    }

    def value(match: re.Match[str]) -> str:
        expression = match[1]
        if found := re.fullmatch(r"toJSON\(inputs\.([\w-]+)\)", expression):
            return json.dumps(inputs.get(found[1].replace("-", "_"), ""))
        if found := re.fullmatch(r"inputs\.([\w-]+)", expression):
            return str(inputs[found[1].replace("-", "_")])
        return values[expression]

    return re.sub(r"\$\{\{ (.*?) \}\}", value, text)


def _post(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with _open(request, timeout=10):
        pass


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """All three environments in one account, with their first release."""
    flow = Flow(tmp_path_factory.mktemp("flow"))
    try:
        for environment in ENVIRONMENTS:
            flow.run(
                "ansible-playbook", "site.yml", "-i", f"inventories/{environment}", "-e", "release_bake=2s"
            )
        flow.messages()
        yield flow
    finally:
        flow.run(sys.executable, "-m", "rehearsal", "down")


def test_one_digest_goes_through_all_three(flow: Flow) -> None:
    commit = "a" * 40
    digest = flow.image(commit)
    before = flow.live("production")

    flow.commit(commit)
    flow.step("deploy", "Deploy the image", "test", digest=digest)
    assert flow.live("test") == digest

    # The merges to the later branches are commits that SonarCloud never saw: it is asked about the image's.
    flow.commit("b" * 40)
    flow.step("deploy", "Promote what stands in the environment before", "staging")
    assert flow.live("staging") == digest
    assert flow.live("production") == before, "nothing happens in PRODUCTION until it is approved"

    flow.commit("c" * 40)
    flow.step("deploy", "Promote what stands in the environment before", "production")
    assert flow.live("production") == digest
    told = flow.messages()
    assert [title for title in told if "is live" in title] != []
    assert len([title for title in told if "is live" in title]) == 3


def test_a_gate_that_is_not_met_stops_the_deploy(flow: Flow) -> None:
    commit = "d" * 40
    digest = flow.image(commit, gate="ERROR")
    before = flow.live("test")
    flow.commit(commit)
    told = flow.step("deploy", "Deploy the image", "test", digest=digest, fails=True)
    assert "coverage" in told and "41" in told and "80" in told
    assert flow.live("test") == before
    assert any("quality gate refused" in title for title in flow.messages())


def test_a_commit_without_analysis_is_refused(flow: Flow) -> None:
    digest = flow.run(sys.executable, "-m", "rehearsal", "push", "e" * 40).split()[-1]
    flow.commit("e" * 40)
    flow.step("deploy", "Deploy the image", "test", digest=digest, fails=True)
    assert any("quality gate refused" in title for title in flow.messages())


def test_integration_fails_after_staging_has_moved(flow: Flow) -> None:
    """Both return to what they had, PRODUCTION, that has another release, is left alone."""
    commit = "f" * 40
    digest = flow.image(commit)
    before = {environment: flow.live(environment) for environment in ENVIRONMENTS}
    flow.commit(commit)
    flow.step("deploy", "Deploy the image", "test", digest=digest)
    flow.step("deploy", "Promote what stands in the environment before", "staging")
    flow.messages()
    for environment in ENVIRONMENTS:
        flow.step(
            "system-test",
            "Take the release back, if it is live here",
            environment,
            digest=digest,
            environments='["test", "staging", "production"]',
        )
    assert {environment: flow.live(environment) for environment in ENVIRONMENTS} == before
    assert len([title for title in flow.messages() if "back on" in title]) == 2


def test_integration_fails_before_staging_has_moved(flow: Flow) -> None:
    commit = "1" * 40
    digest = flow.image(commit)
    before = flow.live("staging")
    flow.commit(commit)
    flow.step("deploy", "Deploy the image", "test", digest=digest)
    for environment in ("test", "staging"):
        flow.step("system-test", "Take the release back, if it is live here", environment, digest=digest)
    assert flow.live("test") != digest
    assert flow.live("staging") == before


def test_system_test_fails_and_the_release_is_held(flow: Flow) -> None:
    digest = flow.live("staging")
    flow.messages()
    told = flow.step("system-test", "Hold the release, and say what stands", "staging", digest=digest)
    assert "HELD" in told
    assert flow.live("staging") == digest
    assert any("is held as it is" in title for title in flow.messages())


def test_qa_rolls_production_back(flow: Flow) -> None:
    before = flow.live("production")
    flow.messages()
    told = flow.step("rollback", "Go back", "production", reason="wrong answers {{ 1 }} x=y")
    assert "WARM" in told
    assert flow.live("production") != before
    assert any("back on" in title for title in flow.messages())


def test_no_secret_shows(flow: Flow) -> None:
    """At the most talkative, on ways that succeed and one that fails; and in all that was printed before."""
    for playbook, fails in (("status", False), ("hold", False), ("quality_gate", True)):
        flow.run(
            "ansible-playbook", f"playbooks/{playbook}.yml", "-i", "inventories/staging", "-vvv", fails=fails
        )
    variables = cli.variables_of(flow.config)
    webhook = variables["DISCORD_WEBHOOK_URL"]
    secrets = [
        variables["SONAR_TOKEN"],
        variables["AWS_SECRET_ACCESS_KEY"],
        webhook,
        webhook.rpartition("/")[2],
    ]
    for database in _database_passwords(flow.config):
        secrets.append(database)
    assert len(secrets) > 4, "the databases have passwords"
    for text in [*flow.told, (flow.home / "status.json").read_text("utf-8")]:
        for secret in secrets:
            assert secret not in text, f"a secret of {len(secret)} letters is shown"


def _database_passwords(config: dict[str, Any]) -> list[str]:
    """The passwords that Secrets Manager holds."""
    import boto3

    client = boto3.client(
        "secretsmanager",
        endpoint_url=config["aws"]["url"],
        region_name=config["region"],
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="any",
    )
    found = []
    for secret in client.list_secrets()["SecretList"]:
        text = client.get_secret_value(SecretId=secret["ARN"])["SecretString"]
        found.append(json.loads(text).get("password", "") if text.startswith("{") else text)
    return [password for password in found if len(password) >= 8]
