# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Slots on EC2: each release is a new version of its slot's launch template, and one instance of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, span
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import (
    Cause,
    Diagnosed,
    cause_of_crash,
)
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import Condition, SlotFailed
from ansible_collections.teal.platform.plugins.module_utils.release.slots.log_excerpt import excerpt
from ansible_collections.teal.platform.plugins.module_utils.release.store import label
from ansible_collections.teal.platform.plugins.module_utils.release.traffic import Traffic, summary

_GONE = {"shutting-down", "terminated"}
_POLL_INTERVAL = 1.0
_CONSOLE_INTERVAL = 10.0
#: Text that the systemd unit of the role instance writes to the console when the service has failed.
_ENDED = "teal-service ended:"
Instance = dict[str, Any]


class InstanceSlots:
    """The instances of the launch templates `<name>-blue` and `<name>-green`, registered in their target groups."""

    def __init__(
        self,
        ec2: Any,
        traffic: Traffic,
        name: str,
        clock: Clock,
        user_data: str = "",
        start_limit: float = 300.0,
    ) -> None:
        self.ec2 = ec2
        self.traffic = traffic
        self.prefix = name
        self.clock = clock
        self.user_data = user_data
        self.start_limit = start_limit

    def name(self, slot: str) -> str:
        """Return the name of a slot's launch template and instance."""
        return f"{self.prefix}-{slot}"

    # -- start -----------------------------------------------------------------------------------

    def bring_up(self, release: dict[str, Any], lease: Lease, staged: Callable[[int], None]) -> int:
        """See Slots.bring_up. A slot is one instance. Instances of other releases in the slot are terminated first."""
        slot, number = release["slot"], label(release["id"])
        group = self.traffic.rule().groups[slot]
        self._end([one for one in self._instances(slot) if _tag(one, "Release") != number], group, lease)
        ours = [one for one in self._instances(slot) if _tag(one, "Release") == number]
        instance = ours[0]["InstanceId"] if ours else self._launch(slot, number, lease)
        staged(1)
        self._wait(instance, lambda one: one["State"]["Name"] == "running", "start", lease)
        lease.guard(lambda: self.traffic.register(group, [instance]))
        self._wait_until_healthy(instance, group, lease)
        return 1

    def _launch(self, slot: str, number: str, lease: Lease) -> str:
        template = {"LaunchTemplateName": self.name(slot)}
        self._drop_versions(template, lease)
        versions = self._call("describe_launch_template_versions", **template, Versions=["$Default"])
        tags = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"].get("TagSpecifications", [])
        data = {
            "UserData": base64.b64encode(self.user_data.encode()).decode(),
            "TagSpecifications": [
                {**kind, "Tags": [*kind["Tags"], {"Key": "Release", "Value": number}]} for kind in tags
            ],
        }
        made: list[dict[str, Any]] = []
        lease.guard(
            lambda: made.append(
                self._call(
                    "create_launch_template_version",
                    **template,
                    SourceVersion="$Default",
                    VersionDescription=f"release {number}",
                    LaunchTemplateData=data,
                )
            )
        )
        version = str(made[0]["LaunchTemplateVersion"]["VersionNumber"])
        lease.guard(
            lambda: made.append(
                self._call(
                    "run_instances",
                    LaunchTemplate={**template, "Version": version},
                    MinCount=1,
                    MaxCount=1,
                    ClientToken=f"{self.name(slot)}-{number}-{lease.generation}",
                )
            )
        )
        return made[1]["Instances"][0]["InstanceId"]

    def _drop_versions(self, template: dict[str, str], lease: Lease) -> None:
        """Delete the versions of earlier releases. An instance needs its version only at its launch."""
        # One call deletes at most 200. The next release deletes the rest.
        answer = self._call("describe_launch_template_versions", **template, MaxResults=200)
        versions = answer["LaunchTemplateVersions"]
        if old := [str(entry["VersionNumber"]) for entry in versions if not entry["DefaultVersion"]]:
            lease.guard(lambda: self._call("delete_launch_template_versions", **template, Versions=old))

    def _wait(self, instance: str, reached: Callable[[Instance], bool], what: str, lease: Lease) -> None:
        began = self.clock.steady()
        while True:
            one = self._instance(instance)
            if one and reached(one):
                return
            if one and one["State"]["Name"] in _GONE:
                why = one.get("StateReason", {}).get("Message") or one.get("StateTransitionReason", "")
                raise SlotFailed(message("instance.terminated", instance=instance, why=why), Cause.CAPACITY)
            self._patience(began, f"instance {instance} did not {what}", lease)

    def _wait_until_healthy(self, instance: str, group: str, lease: Lease) -> None:
        began = last_read = self.clock.steady()
        while True:
            found = [target for target in self.traffic.health(group) if target["id"] == instance]
            if any(target["state"] == "healthy" for target in found):
                return
            one = self._instance(instance)
            if not one or one["State"]["Name"] in _GONE:
                raise SlotFailed(message("instance.terminated_early", instance=instance), Cause.NODE)
            if self.clock.steady() - last_read >= _CONSOLE_INTERVAL:
                last_read = self.clock.steady()
                console = self._console(instance)
                # A single failure may be a temporary error of the registry.
                if console.count(_ENDED) >= 2:
                    raise SlotFailed(
                        joined(
                            message("instance.service_ends", instance=instance), _quoted(console), by="\n"
                        ),
                        cause_of_crash(console),
                    )
            problem = message("instance.unhealthy", instance=instance, health=summary(found))
            self._patience(began, problem, lease, instance)

    def _patience(self, began: float, problem: str, lease: Lease, instance: str = "") -> None:
        if self.clock.steady() - began > self.start_limit:
            lines = _quoted(self._console(instance)) if instance else ""
            late = message("instance.late", span=span(self.start_limit), problem=problem)
            raise SlotFailed(joined(*filter(None, (late, lines)), by="\n"), Cause.TARGETS)
        lease.renew_if_due()
        self.clock.sleep(_POLL_INTERVAL)

    def _console(self, instance: str) -> str:
        """Return the console output of the instance; empty if it cannot be read."""
        try:
            return self.ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", "")
        except (ClientError, BotoCoreError):
            return ""

    # -- state -----------------------------------------------------------------------------------

    def condition(self, slot: str) -> Condition:
        """See Slots.condition. An instance is ready if the load balancer reports it healthy."""
        instances = self._instances(slot)
        health = {t["id"]: t for t in self.traffic.health(self.traffic.rule().groups[slot])}
        states = {
            one["InstanceId"]: health.get(one["InstanceId"], {"state": "unregistered"}) for one in instances
        }
        return Condition(
            wanted=len(instances),
            ready=sum(state["state"] == "healthy" for state in states.values()),
            release=_tag(instances[0], "Release") if instances else "",
            notes=[
                f"{instance}: {state['state']} {state.get('reason', '')}".strip()
                for instance, state in states.items()
                if state["state"] != "healthy"
            ],
        )

    def explain(self, slot: str) -> str:
        """See Slots.explain. The reason is read from the console of the instance."""
        consoles = [self._console(one["InstanceId"]) for one in self._instances(slot)]
        found = "\n".join(_quoted(console) for console in consoles if _ENDED in console)
        return Diagnosed.of(found, cause_of_crash(found) if found else "")

    # -- stop -------------------------------------------------------------------------------------

    def keep_size(self, slot: str, lease: Lease) -> None:
        """See Slots.keep_size. Nothing scales instances."""

    def replicas_to_match(self, slot: str) -> int:
        """See Slots.replicas_to_match. A slot is one instance."""
        return 0

    def replicas_for(self, slot: str, percent: int) -> int:
        """See Slots.replicas_for. A slot is one instance."""
        return 1

    def restore_limits(self, slot: str, lease: Lease) -> bool:
        """See Slots.restore_limits. Nothing scales instances."""
        return False

    def grow(self, slot: str, replicas: int, lease: Lease) -> None:
        """See Slots.grow."""

    def scale_down(self, slot: str, lease: Lease) -> bool:
        """See Slots.scale_down."""
        instances = self._instances(slot)
        self._end(instances, self.traffic.rule().groups[slot], lease)
        return bool(instances)

    def _end(self, instances: list[Instance], group: str, lease: Lease) -> None:
        ids = [one["InstanceId"] for one in instances]
        if not ids:
            return
        lease.guard(lambda: self.traffic.deregister(group, ids))
        lease.guard(lambda: self._call("terminate_instances", InstanceIds=ids))

    # -- requests --------------------------------------------------------------------------------

    def _instances(self, slot: str) -> list[Instance]:
        """Return the slot's instances that are not terminated."""
        filters = [
            {"Name": "tag:Name", "Values": [self.name(slot)]},
            {"Name": "tag:Slot", "Values": [slot]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
        ]
        answer = self._call("describe_instances", Filters=filters)
        return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]

    def _instance(self, instance: str) -> Instance | None:
        try:
            answer = self.ec2.describe_instances(InstanceIds=[instance])
        except ClientError as error:
            # Just after its launch, an instance may not be found.
            if error.response["Error"]["Code"] == "InvalidInstanceID.NotFound":
                return None
            raise self._failed("describe_instances", error) from error
        return next((one for reservation in answer["Reservations"] for one in reservation["Instances"]), None)

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.ec2, operation)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise self._failed(operation, error) from error

    def _failed(self, operation: str, error: Exception) -> SlotFailed:
        action = self.ec2.meta.method_to_api_mapping[operation]
        capacity = re.search(r"InsufficientInstanceCapacity|LimitExceeded", str(error))
        text = message("instance.call_failed", action=action, name=self.prefix, error=error)
        return SlotFailed(text, Cause.CAPACITY if capacity else "")


def _quoted(console: str) -> str:
    """Return the excerpt of a console output for a message: the latest failure of the service, if there is one."""
    _before, ended, last = console.rpartition(_ENDED)
    how, _break, log = last.partition("\n") if ended else ("", "", console)
    heading, lines = excerpt(log)
    if ended:
        lines = [f"{_ENDED}{how}", *lines]
    if not lines:
        return ""
    first = message("log.console", heading=heading)
    return joined(first, *(f"  | {line}" for line in lines), by="\n")


def _tag(instance: Instance, key: str) -> str:
    return next((tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == key), "")
