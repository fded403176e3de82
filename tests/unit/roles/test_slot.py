"""How the templates of the role terminate a pod of a slot."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.manifests import ROOT, render


def pod(**settings: Any) -> dict[str, Any]:
    return yaml.safe_load(render("slot", "deployment", **settings))["spec"]["template"]["spec"]


def test_pod_leaves_the_endpoints_before_it_is_terminated() -> None:
    made = pod(slot_pre_stop=7, slot_shutdown=40)
    (container,) = made["containers"]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert made["terminationGracePeriodSeconds"] == 7 + 40 + 5


def test_zero_pre_stop_is_left_out() -> None:
    """Kubernetes before 1.33 refuses a sleep of 0 seconds."""
    made = pod(slot_pre_stop="0", slot_shutdown=40)
    (container,) = made["containers"]
    assert "lifecycle" not in container
    assert made["terminationGracePeriodSeconds"] == 45


def test_tomcat_keeps_connections_longer_than_the_load_balancer() -> None:
    variables = {one["name"]: one["value"] for one in pod()["containers"][0]["env"]}
    assert variables["SERVER_TOMCAT_KEEP_ALIVE_TIMEOUT"] == "75s"
    assert variables["SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE"] == "30s"


@pytest.mark.parametrize(("kind", "seconds"), [("instance", 300), ("kubernetes", 180)])
def test_instance_has_time_to_boot(kind: str, seconds: int) -> None:
    defaults = DataLoader().load_from_file(
        str(ROOT / "roles/slot/defaults/main.yml"), trusted_as_template=True
    )
    templar = Templar(loader=DataLoader(), variables={**defaults, "slot_kind": kind})
    assert templar.template(defaults["slot_start_timeout"]) == seconds
    assert pod()["containers"][0]["startupProbe"]["failureThreshold"] == 90
