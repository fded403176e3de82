"""A whole environment in this process: real records and weights (moto), slots and service with settable behaviour.

Controllers run the engine's own steps, in the order of roles/release/tasks/steps.yml. One can be killed at
any of its calls, before or after the call has been carried out.
"""

from __future__ import annotations

import json
import math
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.release import (
    deploy,
    retire,
    rollback,
    steps,
    verify,
)
from ansible_collections.teal.platform.plugins.module_utils.release import lease as leases
from ansible_collections.teal.platform.plugins.module_utils.release.bake import Thresholds, bake
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Answer
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import VersionEndpoint
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import Condition, SlotFailed
from ansible_collections.teal.platform.plugins.module_utils.release.states import State
from ansible_collections.teal.platform.plugins.module_utils.release.store import Store
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import (
    PREVIEW_HEADER,
    SLOTS,
    Traffic,
)

NAME = "assistant-staging"
TABLE = f"{NAME}-releases"


@dataclass
class Time:
    """A clock that advances only by `sleep`; `on_sleep` may change the context meanwhile."""

    now: float = 1_800_000_000.0
    skew: float = 0.0
    on_sleep: list[Any] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for change in self.on_sleep:
            change()

    def clock(self, skew: float = 0.0) -> Clock:
        """A controller's clock, `skew` seconds ahead of the others' (negative: behind)."""
        return Clock(steady=lambda: self.now, wall=lambda: self.now + skew, sleep=self.sleep)


def who(name: str = "alice", operation: str = "deploy", subject: str = "1.1.0") -> dict[str, Any]:
    return leases.holder(name, "laptop", "https://ci.example/1", operation, subject)


def record(generation: int, **more: Any) -> dict[str, Any]:
    return {
        "scope": "release",
        "id": f"{generation:08d}",
        "kind": "deploy",
        "state": "locked",
        "slot": "green",
        "from_slot": "blue",
        "events": [{"state": "locked", "at": "", "note": "", "key": "first"}],
        **more,
    }


#: After how many requests a changed rule is in force.
PROPAGATION = 3


class Killed(BaseException):
    """The controller has died: nothing of it runs any more."""


@dataclass
class Running:
    """What runs in a slot."""

    release: str
    version: str
    healthy: bool = True
    status: int = 200
    restarts: int = 0


@dataclass
class Environment:
    """The slots, and the service as its clients see it."""

    time: Time
    elb: Any
    dynamodb: Any
    listener: str
    rule: str
    slots: dict[str, Running] = field(default_factory=dict)
    behaviour: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    kill_at: int = 0
    kill_after: bool = False
    killed: str = ""
    dead: bool = False
    log: list[str] = field(default_factory=list)
    unserved: list[str] = field(default_factory=list)
    rules_seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    larger: int = 0
    kept: list[str] = field(default_factory=list)
    domain: str = "assistant.example"
    timeout: float = 5.0
    known_addresses: Callable[[], list[str]] = lambda: ["52.0.0.1", "52.0.0.2"]

    # -- calls, and dying at one ---------------------------------------------------------------------

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Count a call of the controller; kill it before or after the call that the test has chosen."""
        with self._turn:
            if self.dead:
                raise Killed
            self.calls += 1
            chosen = self.calls == self.kill_at
            if chosen:
                self.killed = f"{'after' if self.kill_after else 'before'} {name}"
            if chosen and not self.kill_after:
                self.dead = True
                raise Killed
            yield
            self.log.append(name)
            self.check(name)
            if chosen:
                self.dead = True
                raise Killed

    def check(self, after: str) -> None:
        """At no moment may requests go to a slot that does not serve, once one has served.

        Both slots have traffic only with the weights that the record has, or had before it intended new ones.
        """
        if after.startswith(("Describe", "Get", "Query")):
            return
        self.forget_rule()
        weights = self.weights()
        if sorted(weights.values()) != [0, 100] and not self.recorded(weights):
            self.unserved.append(f"after {after}: weights {weights}")
        for slot in SLOTS if self.serving_began else ():
            running = self.slots.get(slot)
            if weights[slot] and (running is None or not running.healthy):
                self.unserved.append(f"after {after}: {slot} has traffic and does not serve")

    serving_began: bool = False

    def recorded(self, weights: dict[str, int]) -> bool:
        """Whether the record of the release in progress explains that both slots have traffic."""
        with self.quietly():
            store = Store(self.dynamodb, TABLE)
            release = store.unfinished(store.lock())
        if not release:
            return False
        if release["state"] == "step_baking":
            return release["weights"] == weights
        return release["state"] in ("stepping", "switching", "rolling_back")

    _forward: dict[str, Any] = field(default_factory=dict)

    def forget_rule(self) -> None:
        """Read the rule anew at the next request: something may have changed it."""
        self._forward = {}

    def forward(self) -> dict[str, Any]:
        """The slot rule's forward action. The traffic's own reading isn't trusted here."""
        if not self._forward:
            with self.quietly():
                rule = self.elb.describe_rules(RuleArns=[self.rule])["Rules"][0]
            self._forward = rule["Actions"][-1]["ForwardConfig"]
        return self._forward

    def weights(self) -> dict[str, int]:
        """The weights of the load balancer's rule now."""
        groups = self.forward()["TargetGroups"]
        return {_slot(group["TargetGroupArn"]): group["Weight"] for group in groups}

    _dice: random.Random = field(default_factory=lambda: random.Random(7))

    def routed(self) -> str:
        """The slot that the next request reaches."""
        weights = self.weights()
        return self._dice.choices(list(weights), list(weights.values()))[0]

    def live(self) -> str:
        weights = self.weights()
        return max(weights, key=lambda slot: weights[slot])

    _own: threading.local = field(default_factory=threading.local)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    @property
    def quiet(self) -> bool:
        return getattr(self._own, "quiet", False)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """The test looks for itself; that is no call of the controller."""
        before, self._own.quiet = self.quiet, True
        try:
            yield
        finally:
            self._own.quiet = before

    # -- the service, as `Service` --------------------------------------------------------------------

    def get(self, address: str, path: str, headers: Mapping[str, str] | None = None, **_: Any) -> Answer:
        slot = self.routed()
        if PREVIEW_HEADER in (headers or {}) and (action := self._previewed((headers or {})[PREVIEW_HEADER])):
            if action["Type"] == "fixed-response":
                return Answer(404, action["FixedResponseConfig"]["MessageBody"].encode())
            slot = _slot(action["TargetGroupArn"])
        running = self.slots.get(slot)
        if running and self.weights()[slot] and self.behaviour.get(running.version) == "falls":
            running.healthy = False
        if not running or not running.healthy:
            return Answer(502, b"<html>Bad Gateway</html>")
        if path == "/actuator/info" and self.behaviour.get(running.version) == "versionless":
            return Answer(500, b"no version")
        if path == "/actuator/info":
            return Answer(200, json.dumps({"build": {"version": running.version}}).encode())
        return Answer(running.status, b'{"status": "UP"}', 0.01)

    def get_all(
        self, addresses: list[str], path: str, headers: Mapping[str, str] | None = None
    ) -> dict[str, Answer]:
        return {address: self.get(address, path, headers) for address in addresses}

    def get_many(self, addresses: list[str], path: str, times: int) -> dict[str, list[Answer]]:
        return {address: [self.get(address, path) for _ in range(times)] for address in addresses}

    def _previewed(self, token: str) -> dict[str, Any] | None:
        """The action of the preview rule with this token; each of its states takes a moment to get there."""
        for rule in self._preview_rules():
            if rule["Conditions"][0]["HttpHeaderConfig"]["Values"] == [token]:
                seen = self.rules_seen.setdefault(rule["RuleArn"], [])
                seen.append(rule["Actions"][0])
                return seen[-PROPAGATION] if len(seen) >= PROPAGATION else None
        return None

    def _preview_rules(self) -> list[dict[str, Any]]:
        with self.quietly():
            rules = self.elb.describe_rules(ListenerArn=self.listener)["Rules"]
        return [
            rule
            for rule in rules
            if any(PREVIEW_HEADER in str(condition) for condition in rule["Conditions"])
        ]

    def previews(self) -> list[str]:
        return [rule["RuleArn"] for rule in self._preview_rules()]

    # -- the slots, as `Slots` ----------------------------------------------------------------------

    def bring_up(self, release: dict[str, Any], lease: Lease, staged: Callable[[int], None]) -> int:
        slot, image = release["slot"], release["image"]
        how = self.behaviour.get(image, "ok")

        def start() -> None:
            with self.call(f"slot {slot} up"):
                self.slots[slot] = Running(release["id"], image, healthy=how != "crash")
                self.slots[slot].status = 500 if how == "error" else 200

        running = self.slots.get(slot)
        if not running or running.release != release["id"]:
            lease.guard(start)
        staged(2)
        if how == "crash":
            raise SlotFailed("container service crashes: exit code 1")
        return 2

    def condition(self, slot: str) -> Condition:
        running = self.slots.get(slot)
        if not running:
            return Condition()
        if self.behaviour.get(running.version) == "dies":
            running.restarts += 1
        return Condition(wanted=2, ready=2 * running.healthy, restarts=running.restarts)

    def explain(self, slot: str) -> str:
        running = self.slots.get(slot)
        return "container service crashes: exit code 1" if running and running.restarts else ""

    def replicas_to_match(self, slot: str) -> int:
        return self.larger

    def replicas_for(self, slot: str, percent: int) -> int:
        return math.ceil((self.larger or 2) * percent / 100)

    def keep_size(self, slot: str, lease: Lease) -> None:
        self.kept.append(slot)

    def restore_limits(self, slot: str, lease: Lease) -> bool:
        restored, self.kept = slot in self.kept, [each for each in self.kept if each != slot]
        return restored

    def grow(self, slot: str, replicas: int, lease: Lease) -> None:
        def scale() -> None:
            with self.call(f"slot {slot} to {replicas}"):
                self.larger = 0

        lease.guard(scale)

    def scale_down(self, slot: str, lease: Lease) -> bool:
        def stop() -> None:
            with self.call(f"slot {slot} down"):
                self.slots.pop(slot, None)

        lease.guard(stop)
        return True

    def health(self, group: str) -> list[dict[str, str]]:
        slot = _slot(group)
        running = self.slots.get(slot)
        state = "healthy" if running and running.healthy else "unhealthy"
        return [
            {"id": "i-1", "port": "30080", "state": state, "reason": "" if state == "healthy" else "refused"}
        ]


def _slot(group: str) -> str:
    return next(slot for slot in SLOTS if f"{NAME}-{slot}/" in group)


class Controller:
    """One run of a playbook: the engine's steps, in their order."""

    def __init__(self, environment: Environment, name: str = "alice") -> None:
        self.environment = environment
        self.name = name
        self.store = Store(environment.dynamodb, TABLE, environment.time.clock())
        traffic = Traffic(environment.elb, NAME)
        traffic.health = environment.health  # type: ignore[method-assign]
        self.context = ReleaseContext(
            store=self.store,
            traffic=traffic,
            service=environment,  # type: ignore[arg-type]
            version=VersionEndpoint("/actuator/info", "build.version"),
            addresses=lambda: environment.known_addresses(),
            observe_timeout=5,
        )

    def deploy(self, image: str, wait: float = 0, kind: str = "deploy", to: str = "", **more: Any) -> str:
        """Deploy as the playbook does, and return the state in which the release ended."""
        given = {"version": image, **more}
        request = deploy.Request(image=image, tag=image, config_name="c", kind=kind, to=to, **given)
        begun = deploy.begin(self.context, request, who(self.name, kind, image), 60, wait)
        if not begun.release or not begun.lease:
            return "unchanged"
        try:
            return self.steps(begun.lease, begun.release)
        except (SlotFailed, deploy.StepFailed) as error:
            release = self.store.release(begun.release["id"])
            assert release
            return deploy.abort_or_roll_back(self.context, begun.lease, release, str(error))["state"]

    def steps(self, lease: Lease, release: dict[str, Any]) -> str:
        """Each step reads the record anew, as each module does."""

        def now() -> dict[str, Any]:
            stored = self.store.release(release["id"])
            assert stored
            return stored

        current = now()

        def staged(replicas: int) -> None:
            nonlocal current
            current = lease.advance(current, State.STAGED)

        deploy.claim_slot(lease, current)
        self.environment.bring_up(current, lease, staged)
        restarts = self.environment.condition(current["slot"]).restarts
        lease.advance(current, State.READY, restarts=restarts)
        current = now()
        if not deploy.passed(State(current["state"]), State.VERIFIED):
            checks = [verify.Check("/", 200)]
            monitor = SlotMonitor.of(self.environment, current)
            version = verify.verify(self.context, lease, current, checks, [], verify.Limits(), {}, monitor)
            lease.advance(current, State.VERIFIED, version=version)
        for number in range(1, len(now()["steps"]) + 1):
            monitor = SlotMonitor.of(self.environment, now())
            steps.take(self.context, lease, now(), number, self.environment, 60, monitor.diagnose)
            if steps.bakes_at(now(), number):
                self.watch(lease, now())
        monitor = SlotMonitor.of(self.environment, now())
        deploy.switch(self.context, lease, now(), monitor.diagnose)
        self.watch(lease, now())
        return deploy.commit(self.context, lease, now(), 3600)[0]["state"]

    def watch(self, lease: Lease, release: dict[str, Any]) -> None:
        for seconds in (1, 3):
            monitor = SlotMonitor.of(self.environment, release)
            check = verify.Check("/actuator/health")
            bake(self.context, lease, release, check, Thresholds(seconds=seconds), monitor, list)

    def rollback(self, to: str = "", force: list[str] | None = None, wait: float = 20) -> str:
        """Roll back as the playbook does: warm if that is possible, else by bringing the release up again."""
        done = rollback.warm(
            self.context, who(self.name, "rollback", to), 15, wait, to, "it is bad", force or []
        )
        if done.plan.how == "cold":
            target = done.plan.target
            return "cold " + self.deploy(
                target["image"], wait=wait, kind="rollback", to=target["id"], force=["same", "rolled_back"]
            )
        return done.plan.how

    def retire(self, now: bool = False) -> tuple[bool, str]:
        return retire.retire(
            self.context,
            who(self.name, "retire"),
            60,
            0,
            lambda lease: self.environment,
            now=now,
            drain=1,
            delay=0,
            requests=lambda group, since, until: 0,
        )[:2]
