"""How a pod of a slot is told to end, as the role's templates have it."""

from __future__ import annotations

from typing import Any

import yaml

from tests.manifests import render


def pod(**settings: Any) -> dict[str, Any]:
    return yaml.safe_load(render("slot", "deployment", **settings))["spec"]["template"]["spec"]


def test_a_pod_leaves_the_endpoints_before_it_is_told_to_end() -> None:
    made = pod(slot_pre_stop=7, slot_shutdown=40)
    (container,) = made["containers"]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert made["terminationGracePeriodSeconds"] == 7 + 40 + 5


def test_a_sleep_of_no_seconds_is_left_out() -> None:
    """Kubernetes before 1.33 refuses it."""
    made = pod(slot_pre_stop="0", slot_shutdown=40)
    (container,) = made["containers"]
    assert "lifecycle" not in container
    assert made["terminationGracePeriodSeconds"] == 45


def test_tomcat_keeps_connections_for_longer_than_the_load_balancer() -> None:
    told = {one["name"]: one["value"] for one in pod()["containers"][0]["env"]}
    assert told["SERVER_TOMCAT_KEEP_ALIVE_TIMEOUT"] == "75s"
    assert told["SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE"] == "30s"
