"""The tasks of the role slot that apply objects: retries, refusals and the lease."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, acquire, holder
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store
from kubernetes import client, config
from moto.server import ThreadedMotoServer
from support import ROOT, run_play

sys.path.insert(0, str(ROOT / "tests/unit/rehearsal"))
from kubernetes_live import Live, live

Json = dict[str, Any]
NAME, TABLE, REGION = "assistant-staging", "assistant-staging-releases", "ap-northeast-2"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  module_defaults:
    group/teal.platform.release:
      name: assistant-staging
      domain: staging.assistant.example.com
      namespace: "{{ slot_namespace }}"
      workload: assistant
      region: ap-northeast-2
  tasks:
    - ansible.builtin.include_role:
        name: teal.platform.slot
        tasks_from: apply
"""


def service(name: str, **spec: Any) -> Json:
    spec = {"selector": {"a": "b"}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"A": "1"}}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "planted"},
    "stringData": {"password": "planted-passw0rd"},
}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "not-here"}, "spec": {}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("kubernetes")) as running:
        yield running


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    moto = ThreadedMotoServer(port=0)
    moto.start()
    _, port = moto.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "scope", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("scope", "id")],
    )
    yield Store(dynamodb, TABLE, Clock())
    dynamodb.delete_table(TableName=TABLE)
    moto.stop()


@pytest.fixture
def lease(store: Store) -> Lease:
    lease, _ = acquire(store, holder("alice", "laptop", "", "deploy"), 300)
    release = {"scope": "release", "id": "00000001", "state": "locked", "slot": "green", "events": []}
    lease.write([store.put(release)], release="00000001")
    return lease


@pytest.fixture
def apply(server: Live, lease: Lease, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Return apply(objects, **variables) -> exit status and output of the role's tasks."""

    def run(objects: list[Json], *options: str, **given: Any) -> tuple[int, str]:
        # Later than now, since a loaded machine starts a play slowly, which must not count as silence of Kubernetes.
        fresh = {**lease.freshness(), "since": Clock().steady() + 120}
        variables = {
            "ansible_python_interpreter": sys.executable,
            "platform_environment": "staging",
            "platform_application": "assistant",
            "platform_region": REGION,
            "platform_kubeconfig": str(server.kubeconfig),
            "platform_kubeconfig_context": "staging",
            "slot_namespace": "default",
            "slot_release": {"id": "00000001", "slot": "green", **lease.ticket()},
            "__slot_apply": objects,
            **given,
        }
        play = yaml.safe_load(PLAY)
        # Not an extra variable, since a registered variable could not replace it.
        play[0]["vars"] = {"__slot_lease": {"lease": fresh | variables.pop("fresh", {})}}
        done = run_play(yaml.safe_dump(play), tmp_path, variables, *options, timeout=300)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def core(server: Live) -> Any:
    return client.CoreV1Api(config.new_client_from_config(str(server.kubeconfig), "staging"))


def order(server: Live, **fault: Any) -> None:
    """Inject a fault into the API server."""
    token = yaml.safe_load(server.kubeconfig.read_text())["users"][0]["user"]["token"]
    request = urllib.request.Request(
        f"{server.url}/rehearsal/faults",
        json.dumps(fault).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(server.ca_file)))
    urllib.request.build_opener(urllib.request.ProxyHandler({}), tls).open(request, timeout=10).close()


def test_objects_are_applied_with_the_label_of_the_slot_and_unchanged_the_second_time(
    apply: Any, core: Any
) -> None:
    objects = [CONFIG, DEPLOYMENT, service("first")]
    code, text = apply(objects)
    assert code == 0 and "changed=1" in text, text
    found = core.read_namespaced_config_map("settings", "default")
    assert found.metadata.labels == {"teal.platform/slot": "green"}
    code, text = apply(objects)
    assert code == 0 and "changed=0" in text, text


def test_temporary_errors_are_retried_under_the_lease(
    apply: Any, core: Any, server: Live, store: Store
) -> None:
    beat = store.lock()["beat"]
    order(server, mode="error", count=1, path_prefix="/api/v1/namespaces/default/services/second")
    order(server, mode="refuse", count=4, path_prefix="/api/v1/namespaces/default/services/second")
    code, text = apply([service("second")])
    assert code == 0, text
    assert "injected fault" in text, "the first attempt failed"
    assert core.read_namespaced_service("second", "default")
    assert store.lock()["beat"] != beat, "the lease was renewed before the next attempt"


def test_refused_objects_are_not_retried(apply: Any, store: Store) -> None:
    beat = store.lock()["beat"]
    code, text = apply([service("third", type="NodePort", ports=[{"port": 80, "nodePort": 80}])])
    assert code == 2
    assert "The range of valid ports is 30000-32767" in text
    assert text.count("TASK [teal.platform.slot : Apply the objects of slot green]") == 1, text
    assert store.lock()["beat"] == beat


def test_old_lease_is_renewed_and_a_lost_lease_ends_the_run(apply: Any, core: Any, store: Store) -> None:
    code, text = apply([service("fourth")], fresh={"fresh_until": 0})
    assert code == 0 and "not renewed within half of its length" in text, text
    assert core.read_namespaced_service("fourth", "default")
    acquire(store, holder("bob", "laptop", "", "rollback"), 60, preempts={"deploy"})
    code, text = apply([service("fifth")], fresh={"fresh_until": 0})
    assert code == 2 and "another run acquired the lock" in text, text
    with pytest.raises(client.ApiException):
        core.read_namespaced_service("fifth", "default")


def test_value_of_a_secret_is_never_shown(apply: Any, core: Any, server: Live) -> None:
    for objects in ([SECRET], [{**SECRET, "stringData": {"password": "planted-passw0rd-2"}}]):
        code, text = apply(objects, "--diff", "-vvv")
        assert code == 0, text
        shown = text.replace(json.dumps(objects), "")
        assert "planted-passw0rd" not in shown
    bad = {**SECRET, "metadata": {"name": "Not_A_Name"}}
    code, text = apply([bad], "--diff", "-vvv")
    assert code == 2 and "planted-passw0rd" not in text
