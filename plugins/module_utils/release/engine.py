# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The base of the release modules: shared arguments, the engine that a module works with, and error handling."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

try:
    import botocore.config
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.aws_errors import (
    describe_aws_error,
    is_access_error,
)
from ansible_collections.teal.platform.plugins.module_utils.messages.catalogue import LANGUAGES
from ansible_collections.teal.platform.plugins.module_utils.messages.message import (
    SUFFIX,
    encoded,
    joined,
    message,
    plain,
    text_of,
    with_ids,
)
from ansible_collections.teal.platform.plugins.module_utils.messages.rendering import Reader
from ansible_collections.teal.platform.plugins.module_utils.release import traffic as traffics
from ansible_collections.teal.platform.plugins.module_utils.release.clock import LENGTHS, Clock, seconds
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import Service
from ansible_collections.teal.platform.plugins.module_utils.release.lease import (
    Busy,
    Lease,
    LeaseLost,
    holder,
)
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.operator_messages import live
from ansible_collections.teal.platform.plugins.module_utils.release.plan import Refused
from ansible_collections.teal.platform.plugins.module_utils.release.rollback import RollbackFailed
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import (
    VersionEndpoint,
    VersionNotObserved,
)
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
    Slots,
)
from ansible_collections.teal.platform.plugins.module_utils.release.states import TransitionRefused
from ansible_collections.teal.platform.plugins.module_utils.release.store import Conflict, Store, StoreError
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import Traffic, TrafficError
from ansible_collections.teal.platform.plugins.module_utils.resource import AnsibleAWSModule
from ansible_collections.teal.platform.plugins.module_utils.run_identity import github_actor, local_user

if TYPE_CHECKING:
    from ansible_collections.teal.platform.plugins.module_utils.release.analysis_watch import AnalysisWatch

#: Arguments of all modules in the action group `teal.platform.release`, so that a play sets them once.
ARGUMENTS: dict[str, dict] = {
    "name": {"type": "str", "required": True},
    "domain": {"type": "str", "required": True},
    "port": {"type": "int", "default": 443},
    "version_path": {"type": "str", "default": "/actuator/info"},
    "version_key": {"type": "str", "default": "build.version", "no_log": False},
    "observations": {"type": "int", "default": 3},
    "observe_timeout": {"type": "str", "default": "60s"},
    "slot_kind": {"type": "str", "choices": ["kubernetes", "instance"], "default": "kubernetes"},
    "namespace": {"type": "str"},
    "workload": {"type": "str"},
    "tags": {"type": "dict", "default": {}},
    "language": {"type": "str", "choices": list(LANGUAGES), "default": LANGUAGES[0]},
    "timezone": {"type": "str", "default": "UTC"},
    "cluster": {"type": "str"},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
}

#: Arguments of the steps of a release that has begun.
STEP_ARGUMENTS: dict[str, dict] = {"release": {"type": "dict", "required": True}}

#: Arguments of the steps that watch a release with traffic.
WATCH_ARGUMENTS: dict[str, dict] = {
    "seconds": {"type": "str", "default": "60s"},
    "path": {"type": "str", "default": "/actuator/health/readiness"},
    "errors": {"type": "float", "default": 1.0},
    "unready_timeout": {"type": "str", "default": "90s"},
}

#: Arguments of the modules that acquire the lock.
LOCK_ARGUMENTS: dict[str, dict] = {
    "lease": {"type": "str", "default": "60s"},
    "lock_wait": {"type": "str", "default": "0s"},
    "reason": {"type": "str", "default": ""},
    "force": {"type": "list", "elements": "str", "default": []},
    "who": {"type": "str"},
    "run": {"type": "str"},
}

#: Keys of results that people read, in their language. All other texts are English, with the ids of their messages.
FOR_PEOPLE = ("event", "lines", "message", "plan", "seen")

#: Exceptions with which a step fails. Their messages say why.
FAILURES = (
    Busy,
    Conflict,
    KubernetesError,
    LeaseLost,
    VersionNotObserved,
    Refused,
    RollbackFailed,
    SlotFailed,
    StepFailed,
    StoreError,
    TrafficError,
    TransitionRefused,
)


class Engine:
    """What a release module works with: clients, records, traffic and slots. Each is created when it is needed."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.reader = Reader(self.params["language"], self.params["timezone"])
        self.clock = Clock()
        self.store = Store(self.client("dynamodb"), f"{self.params['name']}-releases", self.clock)
        self.traffic = Traffic(self.client("elbv2"), self.params["name"], self.client("elbv2", attempts=1))
        self.context = ReleaseContext(
            store=self.store,
            traffic=self.traffic,
            service=Service(self.params["domain"], self.params["port"]),
            version=VersionEndpoint(self.params["version_path"], self.params["version_key"]),
            addresses=self._addresses,
            resolved=lambda: traffics.resolved_addresses(self.traffic.balancer),
            observations=self.params["observations"],
            observe_timeout=self.length("observe_timeout"),
        )

    def client(self, service: str, attempts: int = 5) -> Any:
        """Return an AWS client that tries each call at most `attempts` times.

        An attempt without an answer takes 10 seconds. A call that is not vital must not last as long as a lease.
        """
        config = botocore.config.Config(
            connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": attempts}
        )
        return self.module.client(service, config=config)

    @functools.cached_property
    def _ec2(self) -> Any:
        return self.client("ec2", attempts=2)

    def _addresses(self) -> list[str]:
        return traffics.addresses(self._ec2, self.traffic.balancer)

    def length(self, name: str) -> float:
        """Return the option `name`, a length of time, in seconds. Fails the module if it is not valid."""
        try:
            return seconds(self.params[name])
        except ValueError:
            self.module.fail_json(msg=f"{name} is {self.params[name]!r}, and must be {LENGTHS}")

    def who(self, operation: str, subject: str = "") -> dict[str, Any]:
        """Return the holder of a lock: the user, the machine and the link to the run, from the environment variables."""
        env = os.environ
        on_github = env.get("GITHUB_ACTIONS") == "true"
        link = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"
        return holder(
            who=self.params.get("who") or github_actor(env) or local_user(env),
            where="GitHub Actions" if on_github else socket.gethostname(),
            run=self.params.get("run") or (link.format_map(env) if on_github else ""),
            operation=operation,
            subject=subject,
        )

    def step(self) -> tuple[Lease, Release]:
        """Return the lease and the record of the step's release. Raises StepFailed if there is no record."""
        ticket = self.params["release"]
        release = self.store.release(ticket["id"])
        if not release:
            raise StepFailed(message("deploy.not_found", release=ticket["id"], table=self.store.table))
        return Lease.of(self.store, ticket), release

    def serving(self) -> str:
        """Return the live release as text, or that one should see the status if it cannot be read."""
        try:
            return live(self.context.observe())
        except (StoreError, TrafficError):
            return message("release.see_status")

    def warn(self, text: str) -> None:
        """Add a warning to the module's result, in the reader's language."""
        self.module.warn(self.reader.show(text))

    def watch(
        self,
        lease: Lease,
        release: Release,
        seconds: float,
        every: float = 1.0,
        alarms: Callable[[], list[str]] = list,
        analysis: AnalysisWatch | None = None,
    ) -> str:
        """Watch a release that has traffic for `seconds`, with the limits of WATCH_ARGUMENTS (see `bake`).

        Returns a summary. Raises StepFailed if the release is bad.
        """
        # Imported here for the reason given in `slots`.
        from ansible_collections.teal.platform.plugins.module_utils.release.bake import Thresholds, bake
        from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
        from ansible_collections.teal.platform.plugins.module_utils.release.verify import Check

        thresholds = Thresholds(
            seconds=seconds,
            every=every,
            errors=self.params["errors"],
            unready=self.length("unready_timeout"),
        )
        monitor = SlotMonitor.of(self.slots(patience=5.0), release)
        return bake(
            self.context, lease, release, Check(self.params["path"]), thresholds, monitor, alarms, analysis
        )

    def slots(self, lease: Lease | None = None, patience: float = 120.0, **more: Any) -> Slots:
        """Return the slots of this environment. `more` are further arguments of their class.

        Kubernetes may be unreachable for `patience` seconds; `lease` is renewed during that wait.
        """
        # Imported here because a rollback does not need these libraries and has to start fast.
        if self.params["slot_kind"] == "instance":
            from ansible_collections.teal.platform.plugins.module_utils.release.slots.instance import (
                InstanceSlots,
            )

            return InstanceSlots(self.client("ec2"), self.traffic, self.params["name"], self.clock, **more)
        from ansible_collections.teal.platform.plugins.module_utils.kubernetes_access import api_client
        from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes import (
            KubernetesSlots,
        )
        from ansible_collections.teal.platform.plugins.module_utils.release.slots.kubernetes_api import Api

        api = Api(
            connect=lambda: api_client(self.module),
            namespace=self.params["namespace"],
            clock=self.clock,
            patience=patience,
            meanwhile=lease.renew_if_due if lease else lambda: None,
        )
        return KubernetesSlots(api, self.params["workload"], **more)


def run(arguments: dict[str, dict], work: Callable[[Engine], dict[str, Any]], check: bool = True) -> NoReturn:
    """Run a module. `work(engine)` returns its result. One of FAILURES ends the module with a message, without traceback.

    `check` says whether the module supports check mode.
    """
    module = AnsibleAWSModule(
        argument_spec={**ARGUMENTS, **arguments},
        supports_check_mode=check,
        required_if=[("slot_kind", "kubernetes", ("namespace", "workload"))],
    )
    try:
        engine = Engine(module)
        module.exit_json(**result_of(engine, work(engine)))
    except Busy as error:
        fail(module, message("lock.busy", error=error), error="Busy")
    except FAILURES as error:
        why, region = error.__cause__, module.region or "its default region"
        more = f"\n{describe_aws_error(why, region)}" if is_access_error(why) else ""
        fail(module, joined(text_of(error), more), error=type(error).__name__, cause=cause(error))


def result_of(engine: Engine, result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a module: texts for people in their language, and beside each text the id of its message."""
    found = with_ids(result)
    for key in FOR_PEOPLE:
        if key in found:
            found[key] = engine.reader.show_all(result[key])
    return found


def fail(module: AnsibleAWSModule, text: str, **more: Any) -> NoReturn:
    """End a module with an English message. Its id and parameters are in `msg_i18n`."""
    ids = encoded(text)
    module.fail_json(msg=plain(text), **({} if ids == text else {f"msg{SUFFIX}": ids}), **more)


def cause(error: Exception) -> str:
    """Return the cause of a failure, a value of failure_causes.Cause, or the empty string."""
    code = getattr(error.__cause__, "response", {}).get("Error", {}).get("Code", "")
    if code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"):
        return str(Cause.AWS_RIGHTS)
    return str(getattr(error, "cause", ""))


def ticket(lease: Lease, release: Release) -> dict[str, Any]:
    """Return the data that the steps of a release pass on: the release and its lease."""
    keys = ("id", "kind", "slot", "from_slot", "image", "tag", "digest", "version", "config_name", "config")
    known = {key: release.get(key, "") for key in keys}
    # A record of an older version has no steps.
    return {**known, "steps": release.get("steps", []), **lease.ticket()}
