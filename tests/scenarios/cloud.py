"""A local emulator with STAGING, for scenarios that run the playbooks as users do.

With KUBECONFIG set, the emulator uses that cluster (`rehearsal.user_cluster`).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shlex
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import yaml
from kubernetes.client import ApiClient, AutoscalingV2Api, CoreV1Api, V1Eviction, V1ObjectMeta, V1Pod
from kubernetes.config import new_client_from_config

from rehearsal import __main__ as cli
from rehearsal import config as settings
from rehearsal import user_cluster

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "staging.assistant.example.com"
NAMESPACE = "assistant"
TABLE = "assistant-staging-releases"
#: Settings that make a scenario fast. They do not make it safer.
QUICK = {
    "release_lease": os.environ.get("SCENARIO_LEASE", "30s"),
    "release_bake": "3s",
    # A bake of 3 s is too short for the analysis of PRODUCTION.
    "release_analysis": {},
    "release_window": "1h",
    # The emulator publishes a minute about a minute after its end, and no scenario waits for it.
    "release_metrics_delay": "0s",
    "release_version": "",
    "slot_pre_stop": 2,
    "slot_shutdown": 5,
    "slot_start_timeout": 30,
}
#: Environment variable with the command that pauses the API server of the user's cluster (docs/rehearsal.md).
PAUSE_COMMAND = "TEAL_SCENARIO_PAUSE_COMMAND"
#: Prefixes of operations that change nothing.
READS = ("Assume", "Batch", "Describe", "Get", "List", "Query")
_number = itertools.count(1)
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def kill(process: subprocess.Popen[str]) -> str:
    """Kill the process group that `Cloud.start` has started (SIGKILL). Return its output."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[0]


def embeds(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the embeds that Discord has received since the last call."""
    url = config["discord"]["url"] + "/rehearsal/messages"
    with _open(url, timeout=10) as answer:
        kept = json.load(answer)
    assert kept["refused"] == []
    with _open(urllib.request.Request(url, method="DELETE"), timeout=10):
        return [embed for message in kept["messages"] for embed in message["embeds"]]


def latest_release(dynamodb: Any, table: str) -> dict[str, str]:
    """Return the text attributes of an environment's latest release, such as id and state, read from the table."""
    answer = dynamodb.query(
        TableName=table,
        KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "scope"},
        ExpressionAttributeValues={":s": {"S": "release"}},
        ConsistentRead=True,
        ScanIndexForward=False,
        Limit=1,
    )["Items"]
    found = answer[0] if answer else {"id": {"S": ""}, "state": {"S": ""}}
    return {name: value["S"] for name, value in found.items() if "S" in value}


def enforce_iam(config: dict[str, Any]) -> None:
    """Make moto enforce IAM from now on. The administrator's key is then unknown."""
    request = urllib.request.Request(
        config["aws"]["url"] + "/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}
    )
    _open(request, timeout=30).close()


def new(cloud: Cloud, behaviour: str = "ok") -> str:
    """Push a new image. Return its tag, which is also its version."""
    tag = f"3.{os.getpid() % 1000}.{next(_number)}"
    cloud.push(tag, behaviour)
    return tag


class Cloud:
    """STAGING or another environment, with commands to run on it."""

    def __init__(
        self,
        home: Path,
        environment: str = "staging",
        own_kubernetes: bool = False,
        root: Path = ROOT,
        starting: tuple[str, ...] = (),
    ) -> None:
        """Start an emulator in `home`, with the options `starting` of `python -m rehearsal up`."""
        self.home = home
        self.root = root
        self.environment = environment
        self.environ = {**os.environ, "TEAL_REHEARSAL_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        self.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        if own_kubernetes:
            self.environ.pop("KUBECONFIG", None)
        self.run(sys.executable, "-m", "rehearsal", "up", *starting)
        self.config = settings.load(home / "config.json")
        self.environ |= cli.variables_of(self.config)
        self.extra: dict[str, Any] = QUICK | user_cluster.variables(self.config)
        self.session = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name="ap-northeast-2"
        )
        self.dynamodb = self.session.client("dynamodb", endpoint_url=self.config["aws"]["url"])

    def down(self) -> None:
        self.run(sys.executable, "-m", "rehearsal", "down")

    # -- commands ----------------------------------------------------------------------------------

    def run(self, *words: str, fails: bool | None = False) -> str:
        """Run a command that must succeed (or fail, or may do either). Return its output."""
        done = subprocess.run(
            words, cwd=self.root, env=self.environ, capture_output=True, text=True, check=False
        )
        text = done.stdout + done.stderr
        if fails is not None:
            assert (done.returncode != 0) == fails, f"{words} ended with {done.returncode}\n{text[-6000:]}"
        return text

    def words(self, playbook: str, **variables: Any) -> list[str]:
        extra = json.dumps({**self.extra, **variables})
        return [
            "ansible-playbook",
            f"playbooks/{playbook}.yml",
            "-i",
            f"inventories/{self.environment}",
            "-e",
            extra,
        ]

    def play(self, playbook: str, fails: bool | None = False, **variables: Any) -> str:
        return self.run(*self.words(playbook, **variables), fails=fails)

    def deploy(self, tag: str, fails: bool | None = False, **variables: Any) -> str:
        return self.play("deploy", fails, image_tag=tag, **variables)

    def start(self, playbook: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a playbook in its own process group, without waiting for it."""
        return subprocess.Popen(
            self.words(playbook, **variables),
            cwd=self.root,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def push(self, tag: str, behaviour: str = "ok") -> None:
        """Push an image to ECR, as the team's CI does."""
        self.run(sys.executable, "-m", "rehearsal", "push", tag, "--behaviour", behaviour, "--version", tag)

    # -- current state -----------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return the JSON output of playbooks/status.yml."""
        file = self.home / "status.json"
        self.play("status", release_output_file=str(file))
        return json.loads(file.read_text("utf-8"))

    def live(self) -> str:
        status = self.status()
        return status["slots"][status["live_slot"]]["version"]

    def _kubernetes(self) -> ApiClient:
        kubernetes = self.config["kubernetes"]
        return new_client_from_config(kubernetes["external"] or kubernetes["kubeconfig"])

    def pods(self, slot: str) -> list[V1Pod]:
        """Return a slot's pods, including terminating ones."""
        api = CoreV1Api(self._kubernetes())
        return api.list_namespaced_pod(NAMESPACE, label_selector=f"teal.platform/slot={slot}").items

    def autoscalers(self, slot: str) -> list[str]:
        """Return the names of the autoscalers of a slot's Deployment."""
        api = AutoscalingV2Api(self._kubernetes())
        found = api.list_namespaced_horizontal_pod_autoscaler(NAMESPACE).items
        return [one.metadata.name for one in found if one.spec.scale_target_ref.name == f"{NAMESPACE}-{slot}"]

    def add_autoscaler(self, slot: str, name: str) -> None:
        """Create an autoscaler of a slot's Deployment, as a user does with kubectl."""
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{NAMESPACE}-{slot}"}
        spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4}
        AutoscalingV2Api(self._kubernetes()).create_namespaced_horizontal_pod_autoscaler(
            NAMESPACE, {"metadata": {"name": name}, "spec": spec}
        )

    def delete_autoscaler(self, name: str) -> None:
        AutoscalingV2Api(self._kubernetes()).delete_namespaced_horizontal_pod_autoscaler(name, NAMESPACE)

    def replace_pods(self, limit: float = 120) -> None:
        """Evict the live slot's pods one by one, as node drains do. Return when the last one is replaced."""
        core, slot = CoreV1Api(self._kubernetes()), self.status()["live_slot"]

        def pods() -> dict[str, bool]:
            return {
                pod.metadata.name: any(
                    c.type == "Ready" and c.status == "True" for c in pod.status.conditions or []
                )
                for pod in self.pods(slot)
            }

        before = pods()
        for name in before:
            core.create_namespaced_pod_eviction(
                name, NAMESPACE, V1Eviction(metadata=V1ObjectMeta(name=name, namespace=NAMESPACE))
            )
            give_up = time.monotonic() + limit
            while name in (now := pods()) or len(now) < len(before) or not all(now.values()):
                assert time.monotonic() < give_up, now
                time.sleep(0.3)

    def state(self) -> tuple[str, str]:
        """Return id and state of the latest release, read from the table."""
        latest = latest_release(self.dynamodb, TABLE)
        return latest["id"], latest["state"]

    def wait_for(self, process: subprocess.Popen[str], state: str, after: str, limit: float = 120) -> None:
        """Wait until a run's release has reached a state. `after` is the id of the previous release."""
        give_up = time.monotonic() + limit
        while True:
            identity, now = self.state()
            if identity > after and now == state:
                return
            assert process.poll() is None, process.communicate()[0][-4000:]
            assert time.monotonic() < give_up, f"{identity} is {now}"
            time.sleep(0.02)

    def kill_at(self, process: subprocess.Popen[str], state: str, after: str, limit: float = 120) -> str:
        """Kill a run (SIGKILL to its process group) as soon as its release has reached a state. Return its output.

        `after` is the id of the previous release.
        """
        give_up = time.monotonic() + limit
        while process.poll() is None and time.monotonic() < give_up:
            identity, now = self.state()
            if identity > after and now == state:
                break
            time.sleep(0.02)
        text = kill(process)
        assert process.returncode == -signal.SIGKILL, f"it was not killed at {state}:\n{text[-4000:]}"
        return text

    def kill_in_task(self, process: subprocess.Popen[str], task: str, after: float = 0.0) -> str:
        """Kill a run (SIGKILL to its process group) `after` seconds after a task has begun. Return its output."""
        assert process.stdout
        text = ""
        for line in process.stdout:
            text += line
            if line.startswith("TASK [") and task in line:
                break
        else:
            raise AssertionError(f"the run has no task '{task}':\n{text[-4000:]}")
        time.sleep(after)
        text += kill(process)
        assert process.returncode == -signal.SIGKILL, f"it was not killed in '{task}':\n{text[-4000:]}"
        return text

    # -- load, messages, faults ---------------------------------------------------------------------

    @contextlib.contextmanager
    def load(self, rate: int = 40, streams: int = 0, domain: str = DOMAIN) -> Iterator[dict[str, Any]]:
        """Send requests on kept and new connections, and on `streams` clients that read streams.

        Yield a dict that contains the counts after the block.
        """
        counted: dict[str, Any] = {}
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "rehearsal.load",
                "--json",
                f"--url=https://{domain}/",
                "--duration=3000",
                f"--rate={rate}",
                f"--streams={streams}",
            ],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            time.sleep(1)
            yield counted
            time.sleep(1)
        finally:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
            counted |= json.loads(output)

    def messages(self) -> list[str]:
        """Return the titles of the messages that Discord has received since the last call."""
        return [embed["title"] for embed in embeds(self.config)]

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the AWS calls after the call with that number."""
        with _open(f"{self.config['aws']['url']}/rehearsal/calls?since={since}", timeout=30) as answer:
            return json.load(answer)["calls"]

    def writes(self, since: int = 0) -> int:
        """Return the number of these calls that changed something or tried to."""
        return sum(not call["operation"].startswith(READS) for call in self.calls(since))

    def last_call(self) -> int:
        """Return the number of the last call."""
        return max((call["number"] for call in self.calls()), default=0)

    def fault(self, part: str, **fault: Any) -> None:
        """Inject a fault into AWS (`rehearsal.aws_calls.Fault`) or Kubernetes (`rehearsal.kubernetes.faults`)."""
        self.post(part, "/rehearsal/faults", fault)

    @property
    def can_pause_kubernetes(self) -> bool:
        return not self.config["kubernetes"]["external"] or bool(os.environ.get(PAUSE_COMMAND))

    @contextlib.contextmanager
    def paused_kubernetes(self, seconds: float) -> Iterator[None]:
        """Pause the API server for this time. Leave the block when it answers again."""
        if self.config["kubernetes"]["external"]:
            words = [*shlex.split(os.environ[PAUSE_COMMAND]), f"{seconds:g}"]
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
            yield
            assert process.wait(timeout=seconds + 60) == 0, words
        else:
            ends = time.monotonic() + seconds
            self.fault("kubernetes", mode="pause", seconds=seconds)
            yield
            time.sleep(max(0.0, ends - time.monotonic()))

    def forget_faults(self, part: str = "aws") -> None:
        """Remove all faults of AWS or another part."""
        request = urllib.request.Request(f"{self.config[part]['url']}/rehearsal/faults", method="DELETE")
        with _open(request, timeout=10):
            pass

    def discord_faults(self) -> int:
        """Return the number of remaining faults of Discord."""
        with _open(f"{self.config['discord']['url']}/rehearsal/faults", timeout=10) as answer:
            return json.load(answer)["faults"]

    def post(self, part: str, path: str, body: Any) -> None:
        context, headers = None, {"Content-Type": "application/json"}
        if part == "kubernetes":
            context = ssl.create_default_context(cafile=self.config["kubernetes"]["ca_file"])
            users = yaml.safe_load(Path(self.config["kubernetes"]["kubeconfig"]).read_text("utf-8"))["users"]
            headers["Authorization"] = f"Bearer {users[0]['user']['token']}"
        request = urllib.request.Request(
            self.config[part]["url"] + path,
            data=json.dumps(body).encode(),
            headers=headers,
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=10):
            pass
