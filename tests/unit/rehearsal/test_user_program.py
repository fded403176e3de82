"""The user's own program in pods: real processes of a small Python command and of a small jar."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes_live import REGISTRY, Live, live, until

kubernetes = pytest.importorskip("kubernetes")
Json = dict[str, Any]

SERVE = """
import http.server, json, os, signal, sys, time
def end(*_):
    print("asked to end", flush=True); time.sleep(float(os.environ.get("DRAIN", 0))); sys.exit(0)
signal.signal(signal.SIGTERM, end)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        names = ("WORD", "SERVER_ADDRESS", "KUBERNETES_SERVICE_HOST", "AWS_ENDPOINT_URL")
        self.wfile.write(json.dumps({name: os.environ.get(name) for name in names}).encode())
print("serving", sys.argv[1:], flush=True)
http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""
GREEDY = "held = bytearray(200 << 20)\nheld[::4096] = b'x' * len(held[::4096])\nimport time; time.sleep(60)"
MAIN = """
public class Main {
    public static void main(String[] words) throws Exception {
        System.out.println("words " + String.join(",", words));
        System.out.println("heap " + Runtime.getRuntime().maxMemory() / 1048576);
        if (words.length > 0) return;
        var held = new java.util.ArrayList<byte[]>();
        while (true) held.add(new byte[1 << 20]);
    }
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("own-program"), "127.91.8") as running:
        yield running


@pytest.fixture(scope="module")
def core(server: Live) -> Any:
    client = kubernetes.config.new_client_from_config(str(server.kubeconfig), "staging")
    return kubernetes.client.CoreV1Api(client)


@pytest.fixture
def namespace(core: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name.replace("_", "-")[-60:].strip("-")
    core.create_namespace({"metadata": {"name": name}})
    yield name
    core.delete_collection_namespaced_pod(name, grace_period_seconds=0)
    core.delete_namespace(name)


def command(*words: str) -> Json:
    return {"command": [sys.executable, "-c", *words], "directory": "/", "environment": {"WORD": "image"}}


def start(core: Any, namespace: str, tag: str, container: Json | None = None, **spec: Any) -> None:
    app = {"name": "app", "image": f"{REGISTRY}:{tag}", "ports": [{"containerPort": 8080}]} | (
        container or {}
    )
    body = {"metadata": {"name": "p"}, "spec": {"containers": [app], "restartPolicy": "Never"} | spec}
    core.create_namespaced_pod(namespace, body)


def status(core: Any, namespace: str) -> Any:
    found = core.read_namespaced_pod("p", namespace).status
    return found.container_statuses[0] if found.container_statuses else None


def ended(core: Any, namespace: str, seconds: float = 20.0) -> Any:
    return until(lambda: (s := status(core, namespace)) and s.state.terminated, seconds)


def log(core: Any, namespace: str) -> str:
    return core.read_namespaced_pod_log("p", namespace)


def test_command_serves_with_the_pod_environment(server: Live, core: Any, namespace: str) -> None:
    server.aws.programs["own"] = command(SERVE, "{address}", "{port}")
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    env = [{"name": "WORD", "value": "pod"}, {"name": "DRAIN", "value": "1"}]
    start(core, namespace, "own", {"env": env, "readinessProbe": probe})
    until(lambda: (s := status(core, namespace)) and s.ready)
    address = core.read_namespaced_pod("p", namespace).status.pod_ip
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"http://{address}:8080/", timeout=5
    ) as answer:
        environment = json.load(answer)
    assert environment == {
        "WORD": "pod",
        "SERVER_ADDRESS": address,
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    } | {"AWS_ENDPOINT_URL": server.aws.url}
    path, asked = server.aws.bodies[-1]
    assert path == "/rehearsal/client-environment"
    assert (asked["cluster"], asked["namespace"], asked["service_account"]) == (
        "staging",
        namespace,
        "default",
    )
    core.delete_namespaced_pod("p", namespace, grace_period_seconds=10)
    until(lambda: "asked to end" in log(core, namespace))
    assert f"serving ['{address}', '8080']" in log(core, namespace)


def test_program_is_killed_after_the_grace_period(server: Live, core: Any, namespace: str) -> None:
    server.aws.programs["stubborn"] = command(SERVE, "{address}", "{port}")
    start(core, namespace, "stubborn", {"env": [{"name": "DRAIN", "value": "60"}]})
    until(lambda: (s := status(core, namespace)) and s.state.running and "serving" in log(core, namespace))
    core.delete_namespaced_pod("p", namespace, grace_period_seconds=1)
    until(lambda: not core.list_namespaced_pod(namespace).items, 10)


def test_program_that_listens_on_all_addresses_is_stopped(server: Live, core: Any, namespace: str) -> None:
    server.aws.programs["open"] = command(SERVE, "0.0.0.0", "0")
    start(core, namespace, "open")
    state = ended(core, namespace)
    assert (state.exit_code, state.reason) == (1, "Error")
    assert "it listens on 0.0.0.0:" in log(core, namespace)
    assert "SERVER_ADDRESS" in log(core, namespace)


def test_program_above_its_memory_limit_is_oomkilled(server: Live, core: Any, namespace: str) -> None:
    server.aws.programs["greedy"] = command(GREEDY)
    start(core, namespace, "greedy", {"resources": {"limits": {"memory": "100Mi"}}})
    state = ended(core, namespace)
    assert (state.exit_code, state.reason) == (137, "OOMKilled")
    assert "its limit is 100 MiB" in log(core, namespace)


def test_program_below_its_memory_limit_keeps_running(server: Live, core: Any, namespace: str) -> None:
    server.aws.programs["modest"] = command(GREEDY.replace("sleep(60)", "sleep(1)"))
    start(core, namespace, "modest", {"resources": {"limits": {"memory": "300Mi"}}})
    assert ended(core, namespace).exit_code == 0


def test_missing_program_is_a_start_error(server: Live, core: Any, namespace: str) -> None:
    server.aws.programs["absent"] = {"command": ["/no/such/program"], "directory": "/"}
    start(core, namespace, "absent")
    state = ended(core, namespace)
    assert (state.exit_code, state.reason) == (127, "StartError")


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> str:
    if not (shutil.which("javac") and shutil.which("jar")):
        pytest.skip("the test builds a jar, which needs a JDK (Debian: default-jdk-headless)")
    folder = tmp_path_factory.mktemp("jar")
    (folder / "Main.java").write_text(MAIN)
    subprocess.run(["javac", "Main.java"], cwd=folder, check=True)
    subprocess.run(["jar", "cfe", "main.jar", "Main", "Main.class"], cwd=folder, check=True)
    return str(folder / "main.jar")


def test_migration_command_runs_the_jar(server: Live, core: Any, namespace: str, jar: str) -> None:
    server.aws.programs["jar"] = {"jar": jar}
    start(core, namespace, "jar", {"command": ["java", "-jar", "/app/assistant.jar", "--migrate"]})
    assert ended(core, namespace, 40).exit_code == 0
    assert "words --migrate" in log(core, namespace)


def test_full_heap_is_no_oomkill(server: Live, core: Any, namespace: str, jar: str) -> None:
    options = {"JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=50 -XX:+ExitOnOutOfMemoryError"}
    server.aws.programs["heap"] = {"jar": jar, "environment": options}
    start(core, namespace, "heap", {"resources": {"limits": {"memory": "256Mi"}}})
    state = ended(core, namespace, 40)
    assert (state.exit_code, state.reason) == (3, "Error")
    text = log(core, namespace)
    assert "Terminating due to java.lang.OutOfMemoryError: Java heap space" in text
    heap = next(int(row.split()[1]) for row in text.splitlines() if row.startswith("heap "))
    assert 110 <= heap <= 128, "half of the limit, less one survivor space"
