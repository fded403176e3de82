"""Count lost requests while a service changes versions: by this engine, and by Kubernetes' own means.

    make bench-switch                                  100 switches and both baselines, about a quarter of an hour
    python tests/benchmarks/switch.py --switches 10    fewer switches, on a running emulator

All three change the same service behind the same load balancer under the same load. Half of the clients keep their
connection, half open a new one for each request.

- this engine: deploys and rollbacks by the playbooks; midway, all nodes are replaced one by one
- a default rolling update: a Deployment with default settings, whose image is changed
- a Service selector: two Deployments, and a Service whose selector is switched between them

Then the nodes are replaced under the same load, for three ways in which a service can close its connections.

The exit status is 0 if this engine lost no request.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import kubernetes

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import report  # noqa: E402

from rehearsal import __main__ as cli  # noqa: E402
from rehearsal import config as settings  # noqa: E402
from rehearsal import user_cluster  # noqa: E402

NAME, NAMESPACE, DOMAIN = "assistant-staging", "assistant", "staging.assistant.example.com"
HEADER, NODE_PORT = "X-Baseline", 30090
OLD, NEW = "1.0.0", "1.1.0"
QUICK = {"release_bake": "1s", "release_window": "1h", "slot_pre_stop": 5, "slot_shutdown": 10}
#: Answers take a tenth of a second, so that requests are in progress whenever a pod stops.
ANSWERS = {"SERVICE_SLOW_SECONDS": "0.1"}
#: How a service closes the connections that the load balancer keeps to it.
ENDS = {
    "drains (examples/application's Drain.java)": {"SERVICE_DRAIN_SECONDS": "5"},
    "a connection for each request": {
        "SERVICE_DRAIN_SECONDS": "0",
        "SERVER_TOMCAT_MAX_KEEP_ALIVE_REQUESTS": "1",
    },
    "Tomcat as it comes": {"SERVICE_DRAIN_SECONDS": "0"},
}
COLUMNS = ("", "switches", "requests", "failed", "out of order", "last old answer after (median / most)")


class Switch(NamedTuple):
    """One change of versions: the time of its command (monotonic seconds) and the old version."""

    began: float
    old: str


class Watcher(threading.Thread):
    """Sends requests on new connections, and records the time and version of each answer."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._request = urllib.request.Request(f"https://{DOMAIN}/", headers=headers)
        self.answers: list[tuple[float, str]] = []
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.03):
            try:
                with urllib.request.urlopen(self._request, timeout=5) as answer:
                    self.answers.append((time.monotonic(), json.load(answer)["version"]))
            except (OSError, ValueError):
                continue  # The load generator counts failures; this thread only records versions.

    def last_old(self, switches: list[Switch]) -> list[float]:
        """Return for each switch the seconds from its command to the last answer of the old version."""
        ends = [*(switch.began for switch in switches[1:]), float("inf")]
        spans = []
        for switch, end in zip(switches, ends, strict=True):
            seen = [at for at, version in self.answers if switch.began < at < end and version == switch.old]
            spans.append(max(seen, default=switch.began) - switch.began)
        return spans


class Measured:
    """The measurement of one way to change versions: load from start to end."""

    def __init__(self, rate: int, headers: dict[str, str]) -> None:
        self._watcher = Watcher(headers)
        self.switches: list[Switch] = []
        words = [
            sys.executable,
            "-m",
            "rehearsal.load",
            "--json",
            f"--url=https://{DOMAIN}/",
            "--duration=3600",
        ]
        words += [f"--rate={rate}", *(f"--header={name}: {value}" for name, value in headers.items())]
        self._load = subprocess.Popen(
            words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._watcher.start()
        time.sleep(2)

    def switch(self, old: str) -> None:
        self.switches.append(Switch(time.monotonic(), old))

    def end(self, what: str) -> list[str]:
        """End the load; return the row for the table of switches."""
        counts = self.count(what)
        spans = self._watcher.last_old(self.switches)
        took = f"{statistics.median(spans):.1f} s / {max(spans):.1f} s"
        # After a switch back, each client is expected to see the version again.
        astray = max(0, counts["returns"] - CLIENTS * max(0, len(self.switches) - 1))
        return [
            what,
            str(len(self.switches)),
            f"{counts['requests']:,}",
            str(counts["failed"]),
            str(astray),
            took,
        ]

    def count(self, what: str) -> dict[str, Any]:
        """End the load; return its counts."""
        time.sleep(2)
        self._load.send_signal(signal.SIGTERM)
        output, _ = self._load.communicate(timeout=60)
        self._watcher.ended.set()
        counts = json.loads(output)
        if counts["failures"]:
            print(f"{what}: {counts['failures']}, such as {counts['examples'][:2]}", flush=True)
        return counts


CLIENTS = 6
"""The number of clients of the load generator."""


# -- this engine ---------------------------------------------------------------------------------------


class Playbooks:
    """Runs the playbooks as a user does."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        self.extra: dict[str, Any] = QUICK | user_cluster.variables(configuration)

    def run(self, playbook: str, **variables: Any) -> float:
        """Run a playbook; return the seconds of the whole process. Exit if it fails."""
        words = ["ansible-playbook", f"playbooks/{playbook}.yml", "-i", "inventories/staging"]
        extra = json.dumps({**self.extra, **variables})
        began = time.monotonic()
        done = subprocess.run([*words, "-e", extra], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(words)} failed:\n{(done.stdout + done.stderr)[-5000:]}")
        return time.monotonic() - began


def engine(playbooks: Playbooks, switches: int, rate: int, deploys: int) -> tuple[list[str], list[float]]:
    """Deploy and roll back repeatedly; return the row, and the seconds of warm rollbacks."""
    measured, warm = Measured(rate, {}), []
    live, other = OLD, NEW
    each = max(1, switches // deploys)
    for number in range(switches):
        measured.switch(live)
        if number % each == 0:
            playbooks.run("deploy", image_tag=other, force="rolled_back,same")
        else:
            warm.append(playbooks.run("rollback", to=other, force="rolled_back"))
        live, other = other, live
        print(f"\rthis engine: {number + 1} of {switches} switches", end="", flush=True)
        if number == switches // 2:
            replace_nodes()
    print()
    return measured.end("this engine, with its nodes replaced midway"), warm


def replace_nodes() -> None:
    """Replace all nodes of the group one by one, as an update of the group does."""
    scaling = boto3.client("autoscaling")
    elb = boto3.client("elbv2")
    group = boto3.client("eks").describe_nodegroup(
        clusterName=NAME, nodegroupName=boto3.client("eks").list_nodegroups(clusterName=NAME)["nodegroups"][0]
    )["nodegroup"]["resources"]["autoScalingGroups"][0]["name"]
    targets = elb.describe_target_groups(Names=[f"{NAME}-blue", f"{NAME}-green"])["TargetGroups"]
    for instance in _instances(scaling, group):
        scaling.terminate_instance_in_auto_scaling_group(
            InstanceId=instance, ShouldDecrementDesiredCapacity=False
        )
        _until(
            lambda gone=instance: (
                gone not in _instances(scaling, group) and len(_instances(scaling, group)) >= 2
            )
        )
        _until(lambda: all(_healthy(elb, each["TargetGroupArn"]) for each in targets))
        _until(lambda: all(_all_ready(slot) for slot in ("blue", "green")))


def ends(playbooks: Playbooks, rate: int, what: str) -> list[str]:
    """Replace the nodes under a service that closes connections in one of the ways; return its row."""
    config = {**ANSWERS, **ENDS[what]}
    playbooks.run(
        "deploy", image_tag="slow", release_version="", slot_config=config, force="rolled_back,same"
    )
    measured = Measured(rate, {})
    replace_nodes()
    counts = measured.count(what)
    return [what, f"{counts['requests']:,}", str(counts["failed"])]


def _instances(scaling: Any, group: str) -> list[str]:
    found = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"][0]
    return [one["InstanceId"] for one in found["Instances"] if one["LifecycleState"] == "InService"]


def _healthy(elb: Any, group: str) -> bool:
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return len(health) >= 2 and all(each["TargetHealth"]["State"] == "healthy" for each in health)


def _all_ready(slot: str) -> bool:
    found = kubernetes.client.AppsV1Api().read_namespaced_deployment(f"assistant-{slot}", NAMESPACE)
    return (found.status.ready_replicas or 0) >= found.spec.replicas


def _until(so: Any, limit: float = 180) -> None:
    give_up = time.monotonic() + limit
    while not so():
        if time.monotonic() > give_up:
            sys.exit("the nodes were not replaced in time")
        time.sleep(0.5)


# -- Kubernetes' own means --------------------------------------------------------------------------


class Baseline:
    """The same service with a usual Deployment, behind a separate rule of the same load balancer."""

    def __init__(self) -> None:
        self.apps, self.core = kubernetes.client.AppsV1Api(), kubernetes.client.CoreV1Api()
        live = next(d for d in self.apps.list_namespaced_deployment(NAMESPACE).items if d.spec.replicas)
        self._container = live.spec.template.spec.containers[0]
        self._security = live.spec.template.spec.security_context
        self.images = self._images()
        self.elb = boto3.client("elbv2")
        self.rule = self.group = ""

    def _images(self) -> dict[str, str]:
        """Return the images of both versions, from the slots."""
        found = {}
        for slot in ("blue", "green"):
            deployment = self.apps.read_namespaced_deployment(f"assistant-{slot}", NAMESPACE)
            found[slot] = deployment.spec.template.spec.containers[0].image
        answer = boto3.client("dynamodb").query(
            TableName=f"{NAME}-releases",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "scope"},
            ExpressionAttributeValues={":s": {"S": "slot"}},
        )["Items"]
        return {item["version"]["S"]: found[item["id"]["S"]] for item in answer}

    def deployment(self, name: str, version: str) -> None:
        """Create a Deployment with Kubernetes' defaults: no preStop, the default strategy, Tomcat's defaults.

        Only the probes are those of the slots.
        """
        labels = {"app.kubernetes.io/name": "baseline", "baseline": name}
        container = copy.deepcopy(self._container)
        container.lifecycle, container.image, container.env_from = None, self.images[version], None
        container.env = [*container.env, kubernetes.client.V1EnvVar(name="SERVICE_DRAIN_SECONDS", value="0")]
        body = kubernetes.client.V1Deployment(
            metadata=kubernetes.client.V1ObjectMeta(name=name, labels=labels),
            spec=kubernetes.client.V1DeploymentSpec(
                replicas=2,
                selector=kubernetes.client.V1LabelSelector(match_labels=labels),
                template=kubernetes.client.V1PodTemplateSpec(
                    metadata=kubernetes.client.V1ObjectMeta(labels=labels),
                    spec=kubernetes.client.V1PodSpec(
                        containers=[container],
                        security_context=self._security,
                        volumes=[
                            kubernetes.client.V1Volume(
                                name="tmp", empty_dir=kubernetes.client.V1EmptyDirVolumeSource()
                            )
                        ],
                    ),
                ),
            ),
        )
        self.apps.create_namespaced_deployment(NAMESPACE, body)

    def service(self, selector: dict[str, str]) -> None:
        body = kubernetes.client.V1Service(
            metadata=kubernetes.client.V1ObjectMeta(name="baseline"),
            spec=kubernetes.client.V1ServiceSpec(
                type="NodePort",
                selector=selector,
                ports=[kubernetes.client.V1ServicePort(port=80, target_port="http", node_port=NODE_PORT)],
            ),
        )
        self.core.create_namespaced_service(NAMESPACE, body)

    def expose(self) -> None:
        """Create a rule for the baseline's NodePort on all nodes, with precedence over the slots' rule."""
        balancer = self.elb.describe_load_balancers(Names=[NAME])["LoadBalancers"][0]
        blue = self.elb.describe_target_groups(Names=[f"{NAME}-blue"])["TargetGroups"][0]
        targets = self.elb.describe_target_health(TargetGroupArn=blue["TargetGroupArn"])
        # Replaced nodes are still draining.
        nodes = [
            one["Target"]["Id"]
            for one in targets["TargetHealthDescriptions"]
            if one["TargetHealth"]["State"] != "draining"
        ]
        self.group = self.elb.create_target_group(
            Name=f"{NAME}-baseline",
            Protocol="HTTP",
            Port=NODE_PORT,
            VpcId=balancer["VpcId"],
            TargetType="instance",
            HealthCheckPath="/actuator/health/readiness",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=4,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        self.elb.register_targets(TargetGroupArn=self.group, Targets=[{"Id": node} for node in nodes])
        listener = next(
            each
            for each in self.elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
            if each["Protocol"] == "HTTPS"
        )
        self.rule = self.elb.create_rule(
            ListenerArn=listener["ListenerArn"],
            Priority=7,
            Conditions=[
                {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": HEADER, "Values": ["1"]}}
            ],
            Actions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )["Rules"][0]["RuleArn"]
        _until(lambda: _healthy(self.elb, self.group))

    def ready(self, *names: str) -> None:
        for name in names:
            _until(lambda name=name: self._rolled_out(name))

    def _rolled_out(self, name: str) -> bool:
        found = self.apps.read_namespaced_deployment(name, NAMESPACE)
        status = found.status
        return (
            (status.observed_generation or 0) >= found.metadata.generation
            and status.replicas == status.updated_replicas == status.available_replicas == found.spec.replicas
        )

    def clear(self) -> None:
        """Delete all objects of the baseline."""
        if self.rule:
            self.elb.delete_rule(RuleArn=self.rule)
        if self.group:
            self.elb.delete_target_group(TargetGroupArn=self.group)
        for deployment in self.apps.list_namespaced_deployment(NAMESPACE).items:
            if (deployment.metadata.labels or {}).get("app.kubernetes.io/name") == "baseline":
                self.apps.delete_namespaced_deployment(deployment.metadata.name, NAMESPACE)
        self.core.delete_namespaced_service("baseline", NAMESPACE)


def rolling_update(rate: int, rollouts: int) -> list[str]:
    """Change the image of one Deployment repeatedly."""
    baseline = Baseline()
    try:
        baseline.deployment("baseline", OLD)
        baseline.service({"app.kubernetes.io/name": "baseline"})
        baseline.ready("baseline")
        baseline.expose()
        measured = Measured(rate, {HEADER: "1"})
        old, new = OLD, NEW
        for _ in range(rollouts):
            measured.switch(old)
            change = {
                "spec": {
                    "template": {"spec": {"containers": [{"name": "service", "image": baseline.images[new]}]}}
                }
            }
            baseline.apps.patch_namespaced_deployment("baseline", NAMESPACE, change)
            baseline.ready("baseline")
            time.sleep(3)
            old, new = new, old
        return measured.end("a default rolling update")
    finally:
        baseline.clear()


def selector(rate: int, switches: int) -> list[str]:
    """Switch the selector of a Service between two Deployments repeatedly."""
    baseline = Baseline()
    try:
        names = {OLD: "baseline-old", NEW: "baseline-new"}
        for version, name in names.items():
            baseline.deployment(name, version)
        baseline.service({"baseline": names[OLD]})
        baseline.ready(*names.values())
        baseline.expose()
        measured = Measured(rate, {HEADER: "1"})
        old, new = OLD, NEW
        for _ in range(switches):
            measured.switch(old)
            baseline.core.patch_namespaced_service(
                "baseline", NAMESPACE, {"spec": {"selector": {"baseline": names[new]}}}
            )
            time.sleep(2)
            old, new = new, old
        return measured.end("a Service selector")
    finally:
        baseline.clear()


# -- all measurements -----------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--deploys", type=int, default=4, help="how many of the switches are deploys")
    parser.add_argument("--rollouts", type=int, default=3, help="number of rolling updates")
    parser.add_argument("--selector-switches", type=int, default=30)
    parser.add_argument(
        "--ends",
        type=int,
        choices=(0, 1),
        default=1,
        help="0: skip the node replacements",
    )
    parser.add_argument("--rate", type=int, default=100, help="requests per second")
    options = parser.parse_args()
    configuration = settings.load(settings.home() / "config.json")
    os.environ |= cli.variables_of(configuration)
    playbooks = Playbooks(configuration)
    playbooks.run("../site")
    # The emulator's kubeconfig has no context before the cluster exists.
    kubernetes.config.load_kube_config(
        configuration["kubernetes"]["external"] or configuration["kubernetes"]["kubeconfig"]
    )
    playbooks.run("deploy", image_tag=NEW, force="rolled_back")
    playbooks.run("deploy", image_tag=OLD, force="rolled_back")
    rows, warm = [], []
    if options.switches:
        row, warm = engine(playbooks, options.switches, options.rate, options.deploys)
        rows.append(row)
    if options.rollouts:
        rows.append(rolling_update(options.rate, options.rollouts))
    if options.selector_switches:
        rows.append(selector(options.rate, options.selector_switches))
    text = f"{report.table([list(COLUMNS), *rows])}\n\n{options.rate} requests a second."
    if warm:
        text += (
            f" A warm rollback as a whole process: {statistics.median(warm):.1f} s in the middle, "
            f"{min(warm):.1f} s at best, {max(warm):.1f} s at worst, of {len(warm)}."
        )
    if options.ends:
        ended = [ends(playbooks, options.rate, what) for what in ENDS]
        text += f"\n\n{report.table([['nodes replaced; the service', 'requests', 'failed'], *ended])}"
    report.keep("switch", "make bench-switch", text)
    return 1 if options.switches and rows[0][3] != "0" else 0


if __name__ == "__main__":
    sys.exit(main())
