"""The complete emulated Kubernetes: real clients, pods as processes, requests through NodePorts."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_live import REGISTRY, Live, live, node, until

kubernetes = pytest.importorskip("kubernetes")
pytest.importorskip("kubernetes.dynamic")
Json = dict[str, Any]
TOKEN = "Bearer k8s-aws-v1."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("kubernetes")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Live) -> Any:
    return kubernetes.config.new_client_from_config(str(server.kubeconfig), "staging")


@pytest.fixture(scope="module")
def core(client: Any) -> Any:
    return kubernetes.client.CoreV1Api(client)


@pytest.fixture(scope="module")
def apps(client: Any) -> Any:
    return kubernetes.client.AppsV1Api(client)


@pytest.fixture
def namespace(core: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name.replace("_", "-").translate({ord("["): "-", ord("]"): None})[-60:].strip("-")
    core.create_namespace({"metadata": {"name": name}})
    yield name
    core.delete_namespace(name)
    core.delete_collection_namespaced_pod(name, grace_period_seconds=0)


def deployment(tag: str, replicas: int = 1, container: Json | None = None, **spec: Any) -> Json:
    labels = {"app": "a"}
    app = {
        "name": "app",
        "image": f"{REGISTRY}:{tag}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {
            "httpGet": {"path": "/actuator/health/readiness", "port": "http"},
            "periodSeconds": 1,
        },
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [app | (container or {})]} | spec}
    return {
        "metadata": {"name": "d"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def service(port: int) -> Json:
    ports = [{"port": 80, "targetPort": "http", "nodePort": port}]
    return {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "selector": {"app": "a"}, "ports": ports}}


def get(address: str, path: str = "/") -> Json:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}{path}", timeout=5) as response:
        return json.load(response)


def pod_of(core: Any, namespace: str) -> Any:
    return until(lambda: core.list_namespaced_pod(namespace, label_selector="app=a").items)[0]


def state(core: Any, namespace: str) -> Any:
    statuses = pod_of(core, namespace).status.container_statuses
    return statuses[0] if statuses else None


def waits_for(core: Any, namespace: str, reason: str) -> Any:
    def found() -> Any:
        status = state(core, namespace)
        return status if status and status.state.waiting and status.state.waiting.reason == reason else None

    return until(found)


def reasons(core: Any, namespace: str) -> set[str]:
    return {e.reason for e in core.list_namespaced_event(namespace).items}


def test_deployment_is_reachable_on_every_node(core: Any, apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("1.0.0", 2))
    core.create_namespaced_service(namespace, service(30080))
    until(lambda: apps.read_namespaced_deployment("d", namespace).status.available_replicas == 2)
    until(
        lambda: (
            len((core.read_namespaced_endpoints("s", namespace).subsets or [None])[0].addresses or []) == 2
        )
    )
    nodes = [n.status.addresses[0].address for n in core.list_node().items]
    assert nodes == ["127.91.7.1", "127.91.7.2"]
    seen = {get(f"{address}:30080")["pod"] for address in nodes for _ in range(4)}
    assert seen == {p.metadata.name for p in core.list_namespaced_pod(namespace).items}
    assert get(f"{nodes[0]}:30080", "/actuator/info")["build"]["version"] == "1.0.0"
    status = state(core, namespace)
    assert status.image_id == f"{REGISTRY}@sha256:{'0' * 64}" and status.ready and status.started
    assert {"Scheduled", "Pulled", "Created", "Started", "ScalingReplicaSet"} <= reasons(core, namespace)
    apps.patch_namespaced_deployment_scale("d", namespace, {"spec": {"replicas": 0}})
    until(lambda: not core.list_namespaced_pod(namespace).items)
    with pytest.raises(urllib.error.URLError, match="refused"):
        get(f"{nodes[0]}:30080")


def test_crash_is_visible_with_its_log(core: Any, apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("crash"))
    status = waits_for(core, namespace, "CrashLoopBackOff")
    assert status.last_state.terminated.reason == "Error" and status.last_state.terminated.exit_code == 1
    until(lambda: state(core, namespace).restart_count >= 2)
    name = pod_of(core, namespace).metadata.name
    log = until(lambda: core.read_namespaced_pod_log(name, namespace, previous=True, tail_lines=1))
    assert "Application run failed" in log and len(log.splitlines()) == 1
    assert "BackOff" in reasons(core, namespace)


def test_missing_image_is_reported(server: Live, core: Any, apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("missing"))
    status = waits_for(core, namespace, "ImagePullBackOff")
    assert "not found" in status.state.waiting.message
    name = pod_of(core, namespace).metadata.name
    with pytest.raises(kubernetes.client.ApiException, match="is waiting to start") as refused:
        core.read_namespaced_pod_log(name, namespace)
    assert refused.value.status == 400


def test_container_waits_for_missing_configuration(core: Any, apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(
        namespace, deployment("1.0.0", container={"envFrom": [{"configMapRef": {"name": "c"}}]})
    )
    status = waits_for(core, namespace, "CreateContainerConfigError")
    assert status.state.waiting.message == 'configmap "c" not found'
    core.create_namespaced_config_map(
        namespace, {"metadata": {"name": "c"}, "data": {"SERVICE_VERSION": "from-map"}}
    )
    until(lambda: state(core, namespace).ready)
    assert (
        get(f"{pod_of(core, namespace).status.pod_ip}:8080", "/actuator/info")["build"]["version"]
        == "from-map"
    )


def test_failing_liveness_probe_restarts_the_container(core: Any, apps: Any, namespace: str) -> None:
    probe = {"httpGet": {"path": "/nothing", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    apps.create_namespaced_deployment(namespace, deployment("1.0.0", container={"livenessProbe": probe}))
    until(lambda: (status := state(core, namespace)) and status.restart_count >= 1)
    assert {"Unhealthy", "Killing"} <= reasons(core, namespace)
    messages = {e.message for e in core.list_namespaced_event(namespace).items}
    assert "Container app failed liveness probe, will be restarted" in messages


def test_unready_pod_is_no_endpoint(core: Any, apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("never-ready"))
    core.create_namespaced_service(namespace, service(30081))
    until(lambda: "Unhealthy" in reasons(core, namespace) and state(core, namespace).state.running)
    until(lambda: any("statuscode: 503" in e.message for e in core.list_namespaced_event(namespace).items))
    subsets = core.read_namespaced_endpoints("s", namespace).subsets
    assert subsets[0].addresses is None and len(subsets[0].not_ready_addresses) == 1
    ready = next(c for c in pod_of(core, namespace).status.conditions if c.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "ContainersNotReady")


def test_pods_shut_down_gracefully(core: Any, apps: Any, namespace: str) -> None:
    """First the endpoint is removed, then the preStop hook runs, then SIGTERM is sent; open requests are served."""
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}
    apps.create_namespaced_deployment(
        namespace, deployment("1.0.0", container=hook, terminationGracePeriodSeconds=10)
    )
    core.create_namespaced_service(namespace, service(30082))
    until(lambda: state(core, namespace) and state(core, namespace).ready)
    until(lambda: (core.read_namespaced_endpoints("s", namespace).subsets or [None])[0])
    with until(lambda: _connected("127.91.7.1", 30082)) as open_:
        assert b"Connection: close" not in _ask(open_)
        began = time.monotonic()
        apps.patch_namespaced_deployment_scale("d", namespace, {"spec": {"replicas": 0}})
        until(lambda: not (core.read_namespaced_endpoints("s", namespace).subsets or []))
        assert b"Connection: close" not in _ask(open_), "still in its preStop hook"
        pod = pod_of(core, namespace)
        assert pod.metadata.deletion_timestamp and pod.status.phase == "Running"
        answers = [_ask(open_)]
        while b"Connection: close" not in answers[-1]:
            time.sleep(0.05)
            answers.append(_ask(open_))
        assert time.monotonic() - began >= 0.9, "SIGTERM came after the hook"
        assert all(a.startswith(b"HTTP/1.1 200") for a in answers)
    until(lambda: not core.list_namespaced_pod(namespace).items)


def _connected(host: str, port: int) -> socket.socket | None:
    try:
        return socket.create_connection((host, port), timeout=5)
    except OSError:
        return None


def _ask(connection: socket.socket) -> bytes:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    return connection.recv(4096)


def test_jobs_run_their_command(core: Any, client: Any, namespace: str) -> None:
    batch = kubernetes.client.BatchV1Api(client)

    def job(name: str, tag: str, limit: int = 0, **container: Any) -> Json:
        spec = {"containers": [{"name": "app", "image": tag} | container], "restartPolicy": "Never"}
        return {"metadata": {"name": name}, "spec": {"backoffLimit": limit, "template": {"spec": spec}}}

    command = ["python", "-c", "import os; print('it is', os.environ['SERVICE_VERSION'])"]
    batch.create_namespaced_job(namespace, job("good", f"{REGISTRY}:1.2.0", command=command))
    batch.create_namespaced_job(namespace, job("bad", f"{REGISTRY}:crash", 1, args=["migrate"]))
    batch.create_namespaced_job(namespace, job("other", "docker.io/library/postgres:17", command=["psql"]))

    def ended(name: str) -> Any:
        conditions = batch.read_namespaced_job(name, namespace).status.conditions or []
        return next((c for c in conditions if c.type in ("Complete", "Failed")), None)

    assert until(lambda: ended("good")).type == "Complete"
    assert until(lambda: ended("other")).type == "Complete", "a placeholder runs instead"
    assert until(lambda: ended("bad")).reason == "BackoffLimitExceeded"
    pods = core.list_namespaced_pod(namespace, label_selector="job-name=good").items
    assert core.read_namespaced_pod_log(pods[0].metadata.name, namespace) == "it is 1.2.0\n"
    assert pods[0].status.phase == "Succeeded"


def test_sidecars_start_first_and_stop_last(core: Any, apps: Any, client: Any, namespace: str) -> None:
    """Init containers with restartPolicy Always, which Kubernetes has since 1.29."""
    image, port = f"{REGISTRY}:1.0.0", {"name": "SERVER_PORT", "value": "8081"}
    probe = {"httpGet": {"path": "/actuator/health/readiness", "port": 8081}, "periodSeconds": 1}
    sidecar = {"name": "proxy", "image": image, "restartPolicy": "Always", "env": [port]}
    prepare = {"name": "prepare", "image": image, "args": ["migrate"]}
    slow = {"env": [port, {"name": "SERVICE_BOOT_SECONDS", "value": "2"}], "readinessProbe": probe}
    apps.create_namespaced_deployment(
        namespace, deployment("1.0.0", initContainers=[sidecar | slow, prepare])
    )
    until(lambda: state(core, namespace) and state(core, namespace).ready)
    status = pod_of(core, namespace).status
    ready = {c.type: c.status for c in status.conditions}
    assert (ready["Initialized"], ready["Ready"]) == ("True", "False"), "the sidecar is not ready yet"
    proxy, prepared = status.init_container_statuses
    assert proxy.state.running and prepared.state.terminated.exit_code == 0
    assert proxy.state.running.started_at <= prepared.state.terminated.started_at
    until(lambda: {c.type: c.status for c in pod_of(core, namespace).status.conditions}["Ready"] == "True")
    apps.delete_namespaced_deployment("d", namespace)
    until(lambda: not core.list_namespaced_pod(namespace).items)

    batch = kubernetes.client.BatchV1Api(client)
    main = {"name": "app", "image": image, "args": ["migrate"]}
    spec = {"containers": [main], "initContainers": [sidecar], "restartPolicy": "Never"}
    batch.create_namespaced_job(namespace, {"metadata": {"name": "j"}, "spec": {"template": {"spec": spec}}})
    until(lambda: batch.read_namespaced_job("j", namespace).status.succeeded == 1)
    ended = core.list_namespaced_pod(namespace, label_selector="job-name=j").items[0].status
    assert ended.phase == "Succeeded" and ended.init_container_statuses[0].state.terminated


def test_watch_reports_objects_that_enter_or_leave_its_selection(core: Any, namespace: str) -> None:
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    seen: list[tuple[str, str]] = []

    def follow() -> None:
        watch = kubernetes.watch.Watch()
        options = {"label_selector": "on=yes", "resource_version": version, "timeout_seconds": 10}
        for event in watch.stream(core.list_namespaced_config_map, namespace, **options):
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 4:
                watch.stop()

    thread = threading.Thread(target=follow)
    thread.start()
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "a", "labels": {"on": "yes"}}})
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "b"}})
    core.patch_namespaced_config_map("a", namespace, {"data": {"x": "1"}})
    core.patch_namespaced_config_map("a", namespace, {"metadata": {"labels": {"on": "no"}}})
    core.patch_namespaced_config_map("b", namespace, {"metadata": {"labels": {"on": "yes"}}})
    thread.join(10)
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "b")]


def test_autoscaler_in_the_older_version(client: Any, namespace: str) -> None:
    """A manifest in the older version, and the newer version that the release engine reads, are the same object."""
    old, new = kubernetes.client.AutoscalingV1Api(client), kubernetes.client.AutoscalingV2Api(client)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    spec = {"scaleTargetRef": reference, "maxReplicas": 4, "targetCPUUtilizationPercentage": 70}
    made = old.create_namespaced_horizontal_pod_autoscaler(
        namespace, {"metadata": {"name": "a"}, "spec": spec}
    )
    assert (made.api_version, made.spec.target_cpu_utilization_percentage) == ("autoscaling/v1", 70)
    read = new.read_namespaced_horizontal_pod_autoscaler("a", namespace)
    assert (read.api_version, read.spec.metrics[0].resource.target.average_utilization) == (
        "autoscaling/v2",
        70,
    )
    patch = {"spec": {"targetCPUUtilizationPercentage": 60}}
    old.patch_namespaced_horizontal_pod_autoscaler("a", namespace, patch)
    listed = new.list_namespaced_horizontal_pod_autoscaler(namespace).items
    assert [one.spec.metrics[0].resource.target.average_utilization for one in listed] == [60]
    assert len(listed[0].spec.metrics) == 1

    memory = {"type": "Utilization", "averageUtilization": 80}
    metrics = [{"type": "Resource", "resource": {"name": "memory", "target": memory}}]
    both = {"scaleTargetRef": reference, "maxReplicas": 3, "metrics": metrics, "behavior": {"scaleUp": {}}}
    new.create_namespaced_horizontal_pod_autoscaler(namespace, {"metadata": {"name": "b"}, "spec": both})
    shown = {one.metadata.name: one for one in old.list_namespaced_horizontal_pod_autoscaler(namespace).items}
    assert shown["b"].spec.target_cpu_utilization_percentage is None
    old.patch_namespaced_horizontal_pod_autoscaler("b", namespace, {"spec": {"maxReplicas": 5}})
    kept = new.read_namespaced_horizontal_pod_autoscaler("b", namespace)
    assert (kept.spec.max_replicas, kept.spec.metrics[0].resource.name) == (5, "memory")
    assert not kept.metadata.annotations

    found = kubernetes.dynamic.DynamicClient(client).resources
    for version in ("autoscaling/v1", "autoscaling/v2"):
        kind = found.get(api_version=version, kind="HorizontalPodAutoscaler")
        assert {one.apiVersion for one in kind.get(namespace=namespace).items} == {version}
    old.delete_namespaced_horizontal_pod_autoscaler("a", namespace)


def test_clusters_are_isolated_and_deleted_with_eks(server: Live, core: Any) -> None:
    production = kubernetes.config.new_client_from_config(str(server.kubeconfig), "production")
    other = kubernetes.client.CoreV1Api(production)
    other.create_namespace({"metadata": {"name": "only-here"}})
    assert "only-here" not in {n.metadata.name for n in core.list_namespace().items}
    assert [n.status.addresses[0].address for n in other.list_node().items] == ["127.91.7.3"]
    again = next(c for c in server.aws.clusters if c["name"] == "production")
    again["created"] = "created-anew"
    until(lambda: "only-here" not in {n.metadata.name for n in other.list_namespace().items})


def test_nodes_follow_their_instances(server: Live, core: Any) -> None:
    nodes = server.aws.clusters[0]["nodes"]
    nodes.append(node("c", 9))
    until(lambda: len(core.list_node().items) == 3)
    found = core.read_node("ip-10-0-0-9.ap-northeast-2.compute.internal")
    assert found.spec.provider_id == f"aws:///ap-northeast-2c/{nodes[-1]['instance_id']}"
    assert (
        _call(server, "/rehearsal/nodes", "")[1][nodes[-1]["instance_id"]]
        == found.status.addresses[0].address
    )
    nodes.pop()
    until(lambda: len(core.list_node().items) == 2)


def _call(
    server: Live, path: str, authorization: str, method: str = "GET", body: Json | None = None
) -> tuple[int, Json]:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(server.url + path, data, headers, method=method)
    try:
        with opener.open(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


def _admin(server: Live) -> str:
    import yaml

    return "Bearer " + yaml.safe_load(server.kubeconfig.read_text())["users"][0]["user"]["token"]


def test_authentication_and_authorization(server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_kubernetes_auth import client as sts
    from test_kubernetes_auth import token

    bearer = f"Bearer {token(sts(key='AKIAGUEST'))}"
    path = "/clusters/staging/api/v1/namespaces/default/pods"
    for given in ("", "Bearer abc", "Bearer k8s-aws-v1.abc"):
        assert _call(server, path, given)[0] == 401
    session = "arn:aws:sts::123456789012:assumed-role/guest/kim"
    monkeypatch.setattr(server.aws, "caller", session)
    code, status = _call(server, path, bearer)
    assert (code, status["reason"]) == (401, "Unauthorized"), "no access entry"
    entry = {
        "principal": "arn:aws:iam::123456789012:role/path/guest",
        "username": "arn:aws:sts::123456789012:assumed-role/guest/{{SessionName}}",
        "groups": [],
        "policies": [{"name": "AmazonEKSViewPolicy", "namespaces": ["default"]}],
    }
    server.aws.clusters[0]["entries"] = [entry]
    assert until(lambda: (found := _call(server, path, bearer))[0] == 200 and found)[1]["kind"] == "PodList"
    code, status = _call(server, path.replace("default", "kube-system"), bearer)
    assert (code, status["message"]) == (
        403,
        f'pods is forbidden: User "{session}" cannot list resource "pods" in API group ""'
        ' in the namespace "kube-system"',
    )
    assert _review(server, bearer, "list", "", "pods") is True
    assert _review(server, bearer, "patch", "apps", "deployments") is False
    assert set(server.aws.asked) == {"staging"}


def _review(server: Live, bearer: str, verb: str, group: str, resource: str) -> bool:
    """Send a SelfSubjectAccessReview, which every authenticated caller may."""
    wanted = {"namespace": "default", "verb": verb, "group": group, "resource": resource}
    path = "/clusters/staging/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    code, answer = _call(server, path, bearer, "POST", {"spec": {"resourceAttributes": wanted}})
    assert code == 201
    return answer["status"]["allowed"]


def test_faults_apply_as_ordered(server: Live, core: Any, namespace: str) -> None:
    admin, faults = _admin(server), "/rehearsal/faults"
    assert _call(server, faults, "Bearer nobody", "POST", {"mode": "error"})[0] == 401
    assert _call(server, faults, admin, "POST", {"mode": "explode"})[0] == 400

    def order(**fault: Any) -> None:
        assert _call(server, faults, admin, "POST", fault)[0] == 200

    path = f"/clusters/staging/api/v1/namespaces/{namespace}/configmaps"
    order(mode="error", count=2, path_prefix="/api/v1/namespaces")
    codes = [_call(server, path, admin)[0] for _ in range(3)]
    assert codes == [500, 500, 200]
    order(mode="conflict", count=1)
    assert _call(server, path, admin)[0] == 200, "conflicts affect only writes"
    assert _call(server, path, admin, "POST", {"metadata": {"name": "c"}})[0] == 409
    order(mode="refuse", count=1)
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        _call(server, path, admin)
    order(mode="slow", delay=0.3, count=1)
    began = time.monotonic()
    assert _call(server, path, admin)[0] == 200 and time.monotonic() - began >= 0.3
    assert _call(server, faults, admin, "POST", {"mode": "pause"})[0] == 400, "seconds are required"
    order(mode="pause", seconds=0.5)
    began = time.monotonic()
    assert [_call(server, path, admin)[0] for _ in range(2)] == [200, 200]
    assert 0.4 <= time.monotonic() - began < 1.5, "both were held until the same moment"
    order(mode="error", seconds=60)
    assert _call(server, faults, admin, "DELETE")[0] == 200
    assert _call(server, path, admin)[0] == 200


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kubectl_works(server: Live, core: Any, namespace: str, tmp_path: Path) -> None:
    def kubectl(*words: str) -> str:
        command = [
            "kubectl",
            "--kubeconfig",
            str(server.kubeconfig),
            "--context",
            "staging",
            "-n",
            namespace,
            *words,
        ]
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    manifest = tmp_path / "d.json"
    manifest.write_text(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment"} | deployment("1.0.0")))
    assert kubectl("apply", "-f", str(manifest)) == "deployment.apps/d created\n"
    assert kubectl("apply", "-f", str(manifest)) == "deployment.apps/d unchanged\n"
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/d", "--timeout=20s")
    assert "1/1" in kubectl("get", "deploy", "d") and "Running" in kubectl("get", "po", "-o", "wide")
    assert "Started sample 1.0.0" in kubectl("logs", "deploy/d")
    shown = kubectl("describe", "pod", "-l", "app=a")
    assert "Successfully assigned" in shown and "Started container app" in shown
    assert "scaled" in kubectl("scale", "deploy/d", "--replicas=2")
    manifest.write_text(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment"} | deployment("1.1.0")))
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", str(manifest))
    assert "deleted" in kubectl("delete", "deploy", "d", "--cascade=foreground")
