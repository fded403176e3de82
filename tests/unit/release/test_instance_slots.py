"""Slots that are EC2 instances, against moto: launched once, and reported in time why one does not come up."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.lease import Lease, acquire
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import SlotFailed
from ansible_collections.teal.platform.plugins.module_utils.release.slots.instance import InstanceSlots

from rehearsal.moto_patches import launch_template as patch

from .fake_environment import NAME, Controller, Environment, who

TAGS = [{"Key": "Name", "Value": f"{NAME}-green"}, {"Key": "Slot", "Value": "green"}]
ENDED = "teal-service ended: exited 1\nOutOfMemoryError: heap\n"


class Slots(InstanceSlots):
    """Instances whose console and health are as the test says."""

    console = ""
    state = "unhealthy"

    def _console(self, instance: str) -> str:
        return self.console


@pytest.fixture
def slots(environment: Environment) -> Iterator[tuple[Slots, Lease]]:
    patch.deleted_versions()
    ec2 = boto3.client("ec2", region_name="ap-northeast-2")
    ec2.create_launch_template(
        LaunchTemplateName=f"{NAME}-green",
        LaunchTemplateData={
            "ImageId": "ami-1",
            "TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}],
        },
    )
    controller = Controller(environment)
    traffic = controller.context.traffic
    lease, _ = acquire(controller.store, who(), 60)
    made = Slots(ec2, traffic, NAME, environment.time.clock(), user_data="#!/bin/bash", start_limit=300)

    def health(group: str) -> list[dict[str, str]]:
        return [
            {"id": one["InstanceId"], "port": "8080", "state": made.state, "reason": ""}
            for one in made._instances("green")
        ]

    traffic.health = health  # type: ignore[method-assign]
    yield made, lease


def up(slots: Slots, lease: Lease) -> int:
    return slots.bring_up({"slot": "green", "id": "00000002"}, lease, lambda _: None)


def test_instance_is_launched_once_with_the_release_in_its_tags(slots: tuple[Slots, Lease]) -> None:
    made, lease = slots
    made.state = "healthy"
    assert up(made, lease) == 1
    assert up(made, lease) == 1
    (instance,) = made._instances("green")
    assert {"Key": "Release", "Value": "r2"} in instance["Tags"]
    data: Any = made.ec2.describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="userData"
    ).get("UserData", {})
    assert base64.b64decode(data.get("Value", "")).decode() in ("", "#!/bin/bash")
    assert made.explain("green") == ""


def test_versions_of_earlier_releases_are_deleted_at_the_next_launch(slots: tuple[Slots, Lease]) -> None:
    made, lease = slots
    made.state = "healthy"
    template = {"LaunchTemplateName": f"{NAME}-green"}

    def versions() -> dict[int, str]:
        found = made.ec2.describe_launch_template_versions(**template)["LaunchTemplateVersions"]
        return {entry["VersionNumber"]: entry.get("VersionDescription", "") for entry in found}

    up(made, lease)
    assert versions() == {1: "", 2: "release r2"}
    made.bring_up({"slot": "green", "id": "00000003"}, lease, lambda _: None)
    made.bring_up({"slot": "green", "id": "00000004"}, lease, lambda _: None)
    assert versions() == {1: "", 4: "release r4"}
    (instance,) = made._instances("green")
    assert {"Key": "Release", "Value": "r4"} in instance["Tags"]


def test_crashing_service_is_reported_with_its_last_lines(
    slots: tuple[Slots, Lease], environment: Environment
) -> None:
    made, lease = slots
    began = environment.time.now
    environment.time.on_sleep.append(lambda: setattr(made, "console", made.console + ENDED))
    with pytest.raises(SlotFailed, match=r"does not stay up\n(?s:.*)\| OutOfMemoryError: heap") as failed:
        up(made, lease)
    assert failed.value.cause == "crash"
    assert environment.time.now - began < 15
    assert "OutOfMemoryError" in made.explain("green")


def test_full_heap_on_an_instance_has_its_own_cause(
    slots: tuple[Slots, Lease], environment: Environment
) -> None:
    made, lease = slots
    text = ENDED.replace("OutOfMemoryError: heap", "java.lang.OutOfMemoryError: Java heap space")
    environment.time.on_sleep.append(lambda: setattr(made, "console", made.console + text))
    with pytest.raises(SlotFailed, match="does not stay up") as failed:
        up(made, lease)
    assert failed.value.cause == "heap"
    assert made.explain("green").cause == "heap"


def test_single_crash_of_the_service_is_tolerated(
    slots: tuple[Slots, Lease], environment: Environment
) -> None:
    made, lease = slots
    made.console = ENDED
    began = environment.time.now
    with pytest.raises(SlotFailed, match=r"after 5 min, .* did not become healthy"):
        up(made, lease)
    assert environment.time.now - began >= 300
