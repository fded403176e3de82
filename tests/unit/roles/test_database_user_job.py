"""The Job that creates the database user, run by the role's tasks on the emulator's Kubernetes."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from support import ROOT, run_play

sys.path.insert(0, str(ROOT / "tests/unit/rehearsal"))
from kubernetes_live import REGISTRY, Live, live, until

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: teal.platform.database_user
        tasks_from: job
"""
#: For images of this registry the emulator runs the command of the container, for others a program that succeeds.
RUN = f"{REGISTRY}:1"
DATABASE = {
    "engine": "postgres",
    "endpoint": "db.example",
    "port": 5432,
    "database_name": "shop",
    "master_secret_arn": "arn:master",
    "resource_id": "db-1",
}
Play = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("kubernetes")) as running:
        yield running


@pytest.fixture
def api(server: Live, request: pytest.FixtureRequest) -> Any:
    """Jobs of Kubernetes, with the test's own namespace as `namespace`."""
    connected = config.new_client_from_config(str(server.kubeconfig), "staging")
    batch = client.BatchV1Api(connected)
    batch.core = client.CoreV1Api(connected)
    batch.namespace = re.sub(r"[^a-z]+", "-", request.node.name)[-40:].strip("-")
    return batch


@pytest.fixture
def namespace(api: Any) -> str:
    api.core.create_namespace({"metadata": {"name": api.namespace}})
    account = {"metadata": {"name": "database-user"}}
    api.core.create_namespaced_service_account(api.namespace, account)
    return api.namespace


@pytest.fixture
def play(server: Live, api: Any, tmp_path: Path) -> Play:
    """Return play(*options, **variables) -> exit status and output of the role's tasks."""

    def run(*options: str, **given: Any) -> tuple[int, str]:
        variables = {
            "ansible_python_interpreter": sys.executable,
            "platform_environment": "staging",
            "platform_application": "shop",
            "platform_region": "ap-northeast-2",
            "platform_kubeconfig": str(server.kubeconfig),
            "platform_kubeconfig_context": "staging",
            "database_user_namespace": api.namespace,
            "database_user_timeout": 60,
            "__database_user_needs": {"components": {"database": DATABASE}},
            **given,
        }
        done = run_play(PLAY, tmp_path, variables, *options, environment={"NO_PROXY": "127.0.0.1"})
        assert not [token for token in tokens(server) if token in done.stdout + done.stderr]
        return done.returncode, done.stdout + done.stderr

    return run


def tokens(server: Live) -> list[str]:
    found = [user["user"]["token"] for user in yaml.safe_load(server.kubeconfig.read_text())["users"]]
    assert found
    return found


def jobs(api: Any) -> dict[str, str]:
    """Return the identity of each Job by its name."""
    return {job.metadata.name: job.metadata.uid for job in api.list_namespaced_job(api.namespace).items}


def changed(text: str) -> int:
    return int(re.search(r"changed=(\d+)", text)[1])


def test_job_runs_again_only_when_its_script_changes(api: Any, namespace: str, play: Play) -> None:
    code, text = play("--check")
    assert (code, changed(text), jobs(api)) == (0, 1, {}), text
    code, text = play()
    assert (code, changed(text)) == (0, 1), text
    first = jobs(api)
    assert len(first) == 1
    for options in [(), ("--check",)]:
        code, text = play(*options)
        assert (code, changed(text), jobs(api)) == (0, 0, first), text
    code, text = play(__database_user_script="print('another script')")
    assert (code, changed(text)) == (0, 1), text
    assert first.items() < jobs(api).items() and len(jobs(api)) == 2


@pytest.mark.long
def test_failed_job_is_reported_with_its_log_and_run_again(api: Any, namespace: str, play: Play) -> None:
    images = {"postgres": RUN}
    code, text = play(database_user_client_images=images)
    assert code == 2
    assert f"Job {namespace}/database-user-" in text
    assert "reached the specified backoff limit" in text
    assert re.search(r"Container client of pod \S+ ended with exit code \d+. Its last log lines:", text), text
    assert "/work/run.sh" in text, "the last line of the shell that did not find its script"
    failed = jobs(api)
    code, text = play("--check", "--diff", database_user_client_images=images)
    assert (code, changed(text), jobs(api)) == (0, 1, failed), text
    code, text = play()
    assert code == 0, text
    assert jobs(api).keys() == failed.keys() and jobs(api) != failed


@pytest.mark.long
def test_hanging_job_is_reported_with_its_log_and_the_next_run_waits_for_it(
    api: Any, namespace: str, play: Play
) -> None:
    script = "import time; print('connecting', flush=True); time.sleep(25)"
    given = {"database_user_aws_image": RUN, "__database_user_script": script}
    code, text = play(database_user_timeout=4, **given)
    assert code == 2
    assert "it did not end within 4 s" in text
    assert re.search(r"Container prepare of pod \S+ still runs. Its last log lines:\s+connecting", text), text
    hanging = jobs(api)
    # The timeout is not part of the Job's name.
    code, text = play(**given)
    assert (code, changed(text), jobs(api)) == (0, 0, hanging), text


def test_missing_image_is_reported(api: Any, namespace: str, play: Play) -> None:
    code, text = play(database_user_timeout=4, database_user_aws_image=f"{REGISTRY}:missing")
    assert code == 2
    assert re.search(r"Container prepare of pod \S+ waits: (ErrImagePull|ImagePullBackOff)", text), text


@pytest.mark.long
def test_job_waits_for_a_namespace_that_is_being_created(api: Any, play: Play) -> None:
    code, text = play("--check")
    assert (code, changed(text)) == (0, 1), text

    def create() -> None:
        api.core.create_namespace({"metadata": {"name": api.namespace}})
        account = {"metadata": {"name": "database-user"}}
        api.core.create_namespaced_service_account(api.namespace, account)

    timer = threading.Timer(5, create)
    timer.start()
    code, text = play()
    timer.join()
    assert (code, changed(text)) == (0, 1), text
    until(lambda: jobs(api))
