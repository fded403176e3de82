"""An emulation of GitHub Actions: for an event, it runs each job and step of the workflows unchanged.

`GitHub` gets the settings that belong to GitHub: environments with their rules, secrets and variables. Shell steps run in
bash. mvn, docker and aws are replaced (stand_ins.py). Of the actions in other repositories, only the one that assumes a role
does something.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github/workflows"
CALLERS = ROOT / "examples/application/.github/workflows"
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*)(?P<call>\()?|(?P<sign>&&|\|\||[=!]=|[!()\[\],]|\d+))"
)
PYTHON = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False", "null": "None"}
PIPEFAIL = ["--noprofile", "--norc", "-eo", "pipefail"]
STATUS = re.compile(r"\b(?:always|success|failure|cancelled)\(")
ELSEWHERE = {
    "actions/checkout",
    "actions/setup-java",
    "actions/setup-python",
    "actions/upload-artifact",
    "aquasecurity/trivy-action",
}


class StepFailed(Exception):
    """A step of a job failed."""


class RunnerDied(Exception):
    """The runner of a job has died. The job ends without outputs."""


@dataclass
class Rule:
    """Rules and variables of a GitHub environment."""

    branches: set[str]
    variables: dict[str, str]
    reviewers: bool = False


@dataclass
class GitHub:
    """The application's repository with its settings for the pipeline."""

    repository: str
    workspace: Path
    environ: dict[str, str]
    rules: dict[str, Rule]
    secrets: dict[str, str]
    variables: dict[str, str]
    take_role: Callable[[str, str], dict[str, str]]
    """(ARN, subject of the token) -> AWS's variables. Raises StepFailed."""
    extra_variables: Callable[[str], dict[str, Any]] = lambda environment: {}
    """Further variables of a playbook, which make the scenario faster."""
    approved: set[str] = field(default_factory=set)
    meanwhile: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """Called when a job begins, by its name."""
    dies: dict[str, Callable[[], bool]] = field(default_factory=dict)
    """The runner of a playbook's step dies when this returns true."""
    runs: list[Run] = field(default_factory=list)

    def event(
        self, caller: str, branch: str, commit: str, *, inputs: Any = None, pull_request: Any = None
    ) -> Run:
        """Run one of the application's workflows for an event."""
        document = load(CALLERS / f"{caller}.yml")
        form = (document["on"].get("workflow_dispatch") or {}).get("inputs", {})
        run = Run(self, branch, commit, {**dict.fromkeys(form, ""), **(inputs or {})}, pull_request)
        run.document = document
        run._jobs(run.document["jobs"], run.known, "", {}, set())
        return run

    def call(self, workflow: str, branch: str, commit: str, secrets: dict[str, str], /, **inputs: Any) -> Run:
        """Run one of the platform's workflows, as a workflow of the team calls it."""
        run = Run(self, branch, commit, {}, None)
        accepted = load(WORKFLOWS / f"{workflow}.yml")["on"]["workflow_call"]["inputs"]
        platform = {name: "x" for name in ("platform-repository", "platform-ref") if name in accepted}
        run.called(workflow, {**platform, **inputs}, secrets, "", set())
        return run


def load(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text("utf-8"))
    document["on"] = document.pop(True)  # YAML 1.1 reads `on` as true
    return document


class Run:
    """One run of a workflow, with the result of each job and the log."""

    def __init__(
        self, github: GitHub, branch: str, commit: str, inputs: dict[str, Any], pull_request: Any
    ) -> None:
        self.github, self.branch = github, branch
        self.results: dict[str, str] = {}
        self.outputs: dict[str, dict[str, str]] = {}
        self.log = ""
        self.document: dict[str, Any] = {}
        self.known: dict[str, Any] = {
            "inputs": inputs,
            "secrets": github.secrets,
            "vars": github.variables,
            "github": {
                "sha": commit,
                "ref_name": branch,
                "actor": "octocat[bot]",
                "run_id": str(42 + len(github.runs)),
                "run_attempt": "1",
                "token": "ghs_of-the-run",
                "event": {"pull_request": pull_request or {}},
            },
        }
        github.runs.append(self)

    def again(self, name: str) -> None:
        """Run one job of a workflow again, after the others."""
        ended = {
            job: {"result": self.results[job], "outputs": self.outputs[job], "chain": {self.results[job]}}
            for job in self.document["jobs"]
            if job != name
        }
        self._jobs({name: self.document["jobs"][name]}, self.known, "", ended, set())

    def lets_merge(self, check: str) -> bool:
        """Return whether a branch that requires this check accepts the commit. GitHub counts a skipped job as successful."""
        return self.results.get(check) in ("success", "skipped")

    # -- jobs ----------------------------------------------------------------------------------------

    def _jobs(
        self,
        jobs: dict[str, Any],
        known: dict[str, Any],
        prefix: str,
        ended: dict[str, dict[str, Any]],
        above: set[str],
    ) -> dict[str, dict[str, Any]]:
        """Run jobs in their order. Return the result and outputs of each by name.

        A job's chain has the results of all earlier jobs, including those of called workflows. GitHub skips a job without
        a status function if any of them was skipped, even if all jobs that it needs have succeeded.
        """
        for name, job in jobs.items():
            needs = job.get("needs", [])
            before = {need: ended[need] for need in ([needs] if isinstance(needs, str) else needs)}
            here = {**known, "needs": before}
            chain = above.union(*(one["chain"] for one in before.values()))
            result, outputs, inside = "skipped", {}, set()
            if wanted(job.get("if"), here, failed="failure" in chain, fine=chain <= {"success"}):
                if "uses" in job:
                    called = re.fullmatch(r".+/\.github/workflows/([\w-]+)\.yml@\w+", job["uses"])[1]
                    given, secrets = filled(job.get("with", {}), here), filled(job.get("secrets", {}), here)
                    result, outputs, inside = self.called(called, given, secrets, f"{prefix}{name} / ", chain)
                else:
                    result, outputs = self._matrix(f"{prefix}{name}", job, here)
            self.results[prefix + name], self.outputs[prefix + name] = result, outputs
            ended[name] = {"result": result, "outputs": outputs, "chain": chain | inside | {result}}
        return ended

    def called(
        self, workflow: str, given: dict[str, Any], secrets: dict[str, str], prefix: str, above: set[str]
    ) -> tuple[str, dict[str, str], set[str]]:
        """Run a reusable workflow. Return its result, its outputs and the results of its jobs."""
        document = load(WORKFLOWS / f"{workflow}.yml")
        accepted = document["on"]["workflow_call"]
        assert given.keys() <= accepted["inputs"].keys(), f"{workflow}: {given.keys()}"
        inputs = {name: given.get(name, one.get("default", "")) for name, one in accepted["inputs"].items()}
        known = {**self.known, "inputs": inputs, "secrets": secrets}
        ended = self._jobs(document["jobs"], known, prefix, {}, above)
        results = {one["result"] for one in ended.values()}
        result = next((r for r in ("failure", "waiting") if r in results), "success")
        outputs = {
            name: filled(one["value"], {**known, "jobs": ended})
            for name, one in accepted.get("outputs", {}).items()
        }
        return result, outputs, results

    def _matrix(self, name: str, job: dict[str, Any], known: dict[str, Any]) -> tuple[str, dict[str, str]]:
        matrix = filled(job.get("strategy", {}).get("matrix", {}), known)
        rounds = [{key: value} for key, values in matrix.items() for value in values] or [{}]
        done = [self._job(name, job, {**known, "matrix": one}) for one in rounds]
        results = {result for result, _ in done}
        return next((r for r in ("failure", "waiting") if r in results), "success"), done[-1][1]

    def _job(self, name: str, job: dict[str, Any], known: dict[str, Any]) -> tuple[str, dict[str, str]]:
        environment = filled(job.get("environment", ""), known)
        if environment:
            rule = self.github.rules[environment]
            if self.branch not in rule.branches:
                self.log += f"{name}: branch {self.branch} is not allowed to deploy to {environment}\n"
                return "failure", {}
            if rule.reviewers and environment not in self.github.approved:
                return "waiting", {}
            known = {**known, "vars": {**known["vars"], **rule.variables}}
        self.github.meanwhile.pop(name, lambda: None)()
        try:
            return Job(self, name, job, environment, known).run()
        except RunnerDied:
            self.log += f"{name}: the runner has died\n"
            return "failure", {}


class Job:
    """The steps of one job on its own runner."""

    def __init__(
        self, run: Run, name: str, job: dict[str, Any], environment: str, known: dict[str, Any]
    ) -> None:
        self.run_of, self.name, self.job, self.environment = run, name, job, environment
        self.temp = run.github.workspace.parent / f"runner-{len(run.github.runs)}-{len(run.results)}"
        self.temp.mkdir(exist_ok=True)
        self.steps: dict[str, Any] = {}
        self.failed = False
        known = {**known, "runner": {"temp": str(self.temp)}, "steps": self.steps}
        self.known = {**known, "env": {key: text(filled(v, known)) for key, v in job.get("env", {}).items()}}
        self.environ = {**run.github.environ, **self._of_github(), **self.known["env"]}

    def _of_github(self) -> dict[str, str]:
        event = self.known["github"]
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": event["actor"],
            "GITHUB_REF_NAME": event["ref_name"],
            "GITHUB_REPOSITORY": self.run_of.github.repository,
            "GITHUB_RUN_ID": event["run_id"],
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": event["sha"],
            "GITHUB_STEP_SUMMARY": str(self.run_of.github.workspace.parent / "step-summary.md"),
            "GITHUB_WORKFLOW": "flow",
            "PULL_REQUEST": text(event["event"]["pull_request"].get("number")),
            "RUNNER_TEMP": str(self.temp),
        }

    def run(self) -> tuple[str, dict[str, str]]:
        """Run the steps. Return the job's result and outputs."""
        for step in self.job["steps"]:
            if not wanted(step.get("if"), self.known, failed=self.failed, fine=not self.failed):
                continue
            outputs: dict[str, str] = {}
            outcome = "success"
            self.run_of.log += f"\n{self.name}: {step['name']}\n"
            try:
                outputs = self._step(step, self.known, {})
            except StepFailed as e:
                self.run_of.log += f"{e}\n"
                outcome = "failure"
                self.failed |= not filled(step.get("continue-on-error", False), self.known)
            if "id" in step:
                self.steps[step["id"]] = {"outcome": outcome, "outputs": outputs}
        outputs = {
            name: text(filled(value, self.known)) for name, value in self.job.get("outputs", {}).items()
        }
        return ("failure" if self.failed else "success"), outputs

    def _step(self, step: dict[str, Any], known: dict[str, Any], environ: dict[str, str]) -> dict[str, str]:
        environ = {
            **environ,
            **{key: text(filled(value, known)) for key, value in step.get("env", {}).items()},
        }
        if "run" in step:
            assert "${{" not in step["run"]
            return self._shell(step, environ)
        given = filled(step.get("with", {}), known)
        action = step["uses"].partition("@")[0]
        if action.startswith("./platform/"):
            return self._composite(action.removeprefix("./platform/"), given, environ)
        if action == "aws-actions/configure-aws-credentials":
            assert self.job["permissions"]["id-token"] == "write"
            assert re.fullmatch(r"[\w+=,.@-]{2,64}", given.get("role-session-name", "GitHubActions"))
            subject = f"repo:{self.run_of.github.repository}:environment:{self.environment}"
            self.environ |= self.run_of.github.take_role(given["role-to-assume"], subject)
            self.environ["AWS_REGION"] = given["aws-region"]
            return {}
        assert action in ELSEWHERE, action
        return {}

    def _composite(self, folder: str, given: dict[str, Any], environ: dict[str, str]) -> dict[str, str]:
        document = yaml.safe_load((ROOT / folder / "action.yml").read_text("utf-8"))
        assert given.keys() <= document["inputs"].keys()
        inputs = {name: given.get(name, one.get("default", "")) for name, one in document["inputs"].items()}
        if folder.endswith("/playbook"):
            extra = self.run_of.github.extra_variables(inputs["environment"])
            inputs["variables"] = json.dumps(json.loads(inputs["variables"] or "{}") | extra)
        known = {**self.known, "inputs": inputs}
        for step in document["runs"]["steps"]:
            if wanted(step.get("if"), known, failed=False, fine=True):
                self._step(step, known, environ)
        return {}

    def _shell(self, step: dict[str, Any], environ: dict[str, str]) -> dict[str, str]:
        """Run a script as the runner does. Return its outputs. Raises StepFailed, RunnerDied."""
        if step["run"].startswith("make setup"):
            return {}  # the test environment has it installed
        output = self.temp / "output"
        output.write_text("")
        process = subprocess.Popen(
            ["bash", *(PIPEFAIL if step.get("shell") == "bash" else ["-e"]), "-c", step["run"]],
            cwd=self.run_of.github.workspace / step.get("working-directory", "."),
            env={**self.environ, **environ, "GITHUB_OUTPUT": str(output)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        died = self._watch(process, self.run_of.github.dies.get(environ.get("PLAYBOOK", "")))
        self.run_of.log += process.communicate()[0]
        if died:
            raise RunnerDied
        if process.returncode:
            raise StepFailed(f"{self.name}: {step['name']} ended with {process.returncode}")
        return dict(line.split("=", 1) for line in output.read_text().splitlines())

    @staticmethod
    def _watch(process: subprocess.Popen[str], dies: Callable[[], bool] | None) -> bool:
        """Kill the process when `dies` returns true. Return whether it was killed."""
        while dies and process.poll() is None:
            if dies():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                return True
            time.sleep(0.05)
        return False


# -- expressions -------------------------------------------------------------------------------------


def evaluate(expression: str, known: dict[str, Any], **calls: Callable[..., Any]) -> Any:
    """Return the value of a GitHub expression, translated to Python. Raises KeyError for unknown names."""
    python, at = "", 0
    expression = expression.strip()
    while at < len(expression):
        match = TOKEN.match(expression, at)
        assert match, f"not understood: {expression[at:]}"
        at = match.end()
        if match["text"]:
            python += repr(match["text"][1:-1].replace("''", "'"))
        elif match["call"]:
            python += f"calls[{match['name']!r}]("
        elif match["name"]:
            python += PYTHON.get(match["name"]) or f"look({match['name']!r})"
        else:
            python += PYTHON.get(match["sign"], match["sign"])

    def look(name: str) -> Any:
        first, *rest = name.split(".")
        value = known[first]
        if first == "inputs":
            return value[".".join(rest)]
        for part in rest:
            value = value.get(part) if value else None
        return "" if value is None else value

    calls = {
        "contains": lambda where, what: what in where,
        "format": lambda form, *values: form.format(*map(text, values)),
        "fromJSON": json.loads,
        "toJSON": json.dumps,
        **calls,
    }
    return eval(python, {"__builtins__": {}, "look": look, "calls": calls})


def wanted(condition: str | None, known: dict[str, Any], *, failed: bool, fine: bool) -> bool:
    """Return whether a job or step runs. Without a status function it runs only after success."""
    condition = re.sub(r"^\$\{\{(.*)\}\}$", r"\1", (condition or "success()").strip(), flags=re.DOTALL)
    if not STATUS.search(condition):
        condition = f"success() && ({condition})"
    calls = {"always": lambda: True, "success": lambda: fine, "failure": lambda: failed}
    calls["cancelled"] = lambda: False  # no run is cancelled here
    return bool(evaluate(condition, known, **calls))


def filled(value: Any, known: dict[str, Any]) -> Any:
    """Return `value` with its expressions evaluated. A value that is a single expression keeps its type."""
    if isinstance(value, dict):
        return {key: filled(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, known) for one in value]
    if not isinstance(value, str):
        return value
    if match := re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", value):
        return evaluate(match[1], known)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: text(evaluate(match[1], known)), value)


def text(value: Any) -> str:
    """Return a value as GitHub formats it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def commands(folder: Path, names: tuple[str, ...]) -> None:
    """Write the replacement commands to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        script = folder / name
        script.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/scenarios/stand_ins.py" {name} "$@"\n'
        )
        script.chmod(0o755)
