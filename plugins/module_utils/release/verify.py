# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Verify a release through the load balancer before it has traffic."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import span
from ansible_collections.teal.platform.plugins.module_utils.release.context import ReleaseContext
from ansible_collections.teal.platform.plugins.module_utils.release.deploy import StepFailed
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import (
    UNTRUSTED,
    Answer,
    Service,
    look_up,
)
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.observed_state import Release
from ansible_collections.teal.platform.plugins.module_utils.release.served_version import VersionEndpoint
from ansible_collections.teal.platform.plugins.module_utils.release.slot_monitor import SlotMonitor
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    SlotFailed,
)
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import (
    PREVIEW_HEADER,
    TrafficError,
)

_OUTPUT_LINES = 20
#: Seconds for which a slot may answer without a version.
_NO_VERSION_LIMIT = 5.0


@dataclass(frozen=True)
class Check:
    """A request and its expected answer. `json` maps dotted paths to values; `latency` is a limit in ms, 0 for none."""

    path: str
    status: int = 200
    json: dict[str, Any] = field(default_factory=dict)
    contains: str = ""
    latency: int = 0

    def wrong(self, answer: Answer) -> str:
        """Return why an answer does not match, or the empty string."""
        if answer.status != self.status:
            return message("check.status", path=self.path, answer=answer, status=self.status)
        if self.latency and answer.seconds * 1000 > self.latency:
            took = f"{answer.seconds * 1000:.0f}"
            return message("check.latency", path=self.path, took=took, limit=self.latency)
        if self.contains and self.contains not in answer.body.decode("utf-8", "replace"):
            return message("check.contains", path=self.path, text=repr(self.contains), answer=answer)
        document = answer.json() if self.json else None
        if self.json and document is None:
            return message("check.no_json", path=self.path, answer=answer)
        for path, wanted in self.json.items():
            found = look_up(document, path)
            if found != wanted and str(found) != str(wanted):
                return message(
                    "check.value", path=self.path, key=path, found=repr(found), wanted=repr(wanted)
                )
        return ""


@dataclass(frozen=True)
class Limits:
    """Time limits in seconds: for healthy targets, for the preview rule to be in force, for the command."""

    healthy: float = 120.0
    preview: float = 30.0
    command: float = 600.0


def wait_for_targets(context: ReleaseContext, monitor: SlotMonitor, lease: Lease, limit: float) -> str:
    """Wait until a slot has as many healthy targets as the live slot, and return its health as text.

    After `limit` seconds one healthy target is enough. Raises StepFailed.
    """
    slot = monitor.slot
    began = context.clock.steady()
    while True:
        rule = context.traffic.rule()
        states = {
            each: [target["state"] for target in context.traffic.health(group)]
            for each, group in rule.groups.items()
        }
        healthy = {each: found.count("healthy") for each, found in states.items()}
        waiting = "initial" in states[slot]
        most = max(healthy.values())
        late = context.clock.steady() - began > limit
        if healthy[slot] and ((healthy[slot] == most and not waiting) or late):
            return context.health(rule, slot)
        if late:
            raise monitor.failure(
                message("verify.unhealthy", slot=slot, span=span(limit), health=context.health(rule, slot)),
                Cause.TARGETS,
            )
        # A restarted container fails the release at once. If Kubernetes does not answer, only the targets count.
        with contextlib.suppress(KubernetesError, SlotFailed, TrafficError):
            monitor.check()
        lease.renew_if_due()
        context.clock.sleep(0.5)


def verify(
    context: ReleaseContext,
    lease: Lease,
    release: Release,
    checks: list[Check],
    command: list[str],
    limits: Limits,
    tags: dict[str, str],
    monitor: SlotMonitor,
) -> str:
    """Create a preview rule for the release, check the release, delete the rule, and return the reported version.

    `checks` and `command` are run through the preview. `tags` are the tags of the rule. The preview token exists only in
    this process. Raises StepFailed.
    """
    wait_for_targets(context, monitor, lease, limits.healthy)
    rule = context.traffic.rule()
    token, sign = secrets.token_urlsafe(24), f"preview {secrets.token_hex(8)}"
    headers = {PREVIEW_HEADER: token}
    opened: list[str] = []
    try:
        lease.guard(lambda: opened.append(context.traffic.open_preview(rule, token, sign, tags)))
        addresses = context.addresses()
        _wait_for_preview_rule(context, lease, addresses, limits.preview, headers, sign)
        lease.guard(lambda: context.traffic.forward_preview(opened[0], rule.groups[release["slot"]]))
        version = _version(context, lease, release["expected"], addresses, limits.preview, headers, sign)
        _check(context, lease, checks, addresses, headers)
        if command:
            _run(context, lease, command, limits.command, addresses[0], headers, version)
        return version
    except StepFailed as error:
        raise monitor.failure(str(error), error.cause) from error
    finally:
        # The rule belongs to this release alone, so it is deleted even if another run holds the lock.
        for arn in opened:
            context.traffic.close_preview(arn)


def _wait_for_preview_rule(
    context: ReleaseContext,
    lease: Lease,
    addresses: list[str],
    limit: float,
    headers: dict[str, str],
    sign: str,
) -> None:
    """Wait until each address answers with the sign several times in a row. Later answers come from the new slot."""
    began = context.clock.steady()
    rows = dict.fromkeys(addresses, 0)
    while any(row < context.observations for row in rows.values()):
        answers = context.service.get_all(addresses, context.version.path, headers)
        for address, answer in answers.items():
            rows[address] = rows[address] + 1 if answer.body.decode("utf-8", "replace") == sign else 0
        _trusted(answers)
        if context.clock.steady() - began > limit:
            late = ", ".join(address for address, row in rows.items() if not row)
            raise StepFailed(message("verify.preview_late", span=span(limit), addresses=late), Cause.RULES)
        if not all(rows.values()):
            lease.renew_if_due()
            context.clock.sleep(0.1)


def _trusted(answers: dict[str, Answer]) -> None:
    for answer in answers.values():
        if answer.error.startswith(UNTRUSTED):
            raise StepFailed(answer.error)


def _check(
    context: ReleaseContext, lease: Lease, checks: list[Check], addresses: list[str], headers: dict[str, str]
) -> None:
    for check in checks:
        for address in addresses:
            lease.renew_if_due()
            answer = context.service.get(
                address, check.path, headers, timeout=_patience(check, context.service)
            )
            if wrong := check.wrong(answer):
                raise StepFailed(wrong, Cause.CHECK)


def _version(
    context: ReleaseContext,
    lease: Lease,
    expected: str,
    addresses: list[str],
    limit: float,
    headers: dict[str, str],
    sign: str,
) -> str:
    """Return the version that the new slot reports at every address. Raises StepFailed.

    Any answer other than the sign comes from the new slot. If it has no version, the wait ends after a few seconds.
    """
    began = context.clock.steady()
    wordless_since = float("inf")
    while True:
        answers = context.service.get_all(addresses, context.version.path, headers)
        versions = {address: context.version.read(answer) for address, answer in answers.items()}
        version = next(iter(versions.values())) if len(set(versions.values())) == 1 else ""
        if version and version == (expected or version):
            return version
        now = context.clock.steady()
        led = all(answer.body.decode("utf-8", "replace") != sign for answer in answers.values())
        versionless = led and not any(versions.values())
        wordless_since = min(wordless_since, now) if versionless else float("inf")
        if version or now - began > limit or now - wordless_since > _NO_VERSION_LIMIT:
            raise StepFailed(_mismatch(context.version, expected, answers, versions), Cause.VERSION)
        _trusted(answers)
        lease.renew_if_due()
        context.clock.sleep(0.2)


def _mismatch(
    version: VersionEndpoint, expected: str, answers: dict[str, Answer], versions: dict[str, str]
) -> str:
    wanted = expected or next(filter(None, versions.values()), "")
    address = next((address for address, one in versions.items() if one != wanted), next(iter(versions)))
    if versions[address]:
        return message(
            "verify.wrong_version" if expected else "verify.two_versions",
            version=versions[address],
            address=address,
            wanted=wanted,
        )
    return message("verify.no_version", path=version.path, answer=answers[address], address=address)


def _patience(check: Check, service: Service) -> float:
    return max(service.timeout, check.latency / 1000 + 1)


def _run(
    context: ReleaseContext,
    lease: Lease,
    command: list[str],
    limit: float,
    address: str,
    headers: dict[str, str],
    version: str,
) -> None:
    """Run the user's own check. Its environment variables give access to the preview. Raises StepFailed."""
    (header, token), *_others = headers.items()
    environment = {
        **os.environ,
        "RELEASE_URL": f"https://{context.service.domain}",
        "RELEASE_ADDRESS": address,
        "RELEASE_PREVIEW_HEADER": header,
        "RELEASE_PREVIEW_TOKEN": token,
        "RELEASE_VERSION": version,
    }
    output = _watched(command, environment, limit, context, lease.renew_if_due)
    if output is not None:
        lines = output.replace(token, "********").strip().splitlines()[-_OUTPUT_LINES:]
        raise StepFailed(
            joined(
                message("check.command", command=repr(" ".join(command))),
                *(f"  | {line}" for line in lines),
                by="\n",
            ),
            Cause.CHECK,
        )


def _watched(
    command: list[str],
    environment: dict[str, str],
    limit: float,
    context: ReleaseContext,
    renew: Callable[[], None],
) -> str | None:
    """Return None if the command succeeds, else its output. `renew` renews the lease while it runs."""
    began = context.clock.steady()
    try:
        # AnsibleModule.run_command cannot renew the lease while the command runs.
        with subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                while True:
                    try:
                        output, _errors = process.communicate(timeout=1)
                        return None if process.returncode == 0 else _text(output, process.returncode)
                    except subprocess.TimeoutExpired:
                        renew()
                        if context.clock.steady() - began > limit:
                            _kill(process)
                            output, _errors = process.communicate()
                            return _text(output, 0) + f"\nit did not end within {span(limit)}"
            except BaseException:
                _kill(process)
                raise
    except OSError as error:
        return f"the command could not be started: {error}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the command and its child processes, which would keep its output open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _text(output: bytes, status: int) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", output.decode("utf-8", "replace"))
    return text + (f"\nexit status {status}" if status else "")
