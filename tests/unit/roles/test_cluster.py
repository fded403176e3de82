"""Defaults and tasks of the role cluster, without an inventory."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from support import ROOT

DEFAULTS = yaml.safe_load((ROOT / "roles/cluster/defaults/main.yml").read_text())


def test_application_signals_are_off() -> None:
    """CloudWatch's add-on switches them on by default. They add an agent to each Java pod and are billed per request."""
    (addon,) = [one for one in DEFAULTS["cluster_addons"] if one["name"] == "amazon-cloudwatch-observability"]
    monitor = addon["configuration"]["manager"]["applicationSignals"]["autoMonitor"]
    assert monitor == {"monitorAllServices": False, "restartPods": False}
    agent = addon["configuration"]["agent"]["config"]
    assert "application_signals" not in agent["logs"]["metrics_collected"] and "traces" not in agent


def test_nodes_are_rolled_back_before_the_control_plane() -> None:
    tasks = yaml.safe_load((ROOT / "roles/cluster/tasks/present.yml").read_text())
    names = [task["name"] for task in tasks]
    forward, nodes, back = (
        names.index(name)
        for name in ("Create the control plane", "Create the nodes", "Roll the control plane back")
    )
    assert forward < nodes < back
    assert tasks[forward]["when"] == f"not {tasks[back]['when']}"
    assert tasks[forward]["teal.platform.eks_cluster"] == tasks[back]["teal.platform.eks_cluster"]


EXISTS = {"components": {"cluster": {"found": True, "version": "1.35", "security_group_id": "sg-looked-up"}}}
MADE = {"cluster": {"resourcesVpcConfig": {"clusterSecurityGroupId": "sg-made"}}}


@pytest.mark.parametrize(
    ("control_plane", "before", "group"),
    [
        (MADE, {"skipped": True}, "sg-made"),
        ({"skipped": True}, EXISTS, "sg-looked-up"),  # a rollback: the control plane comes after the nodes
        ({"changed": True}, {"skipped": True}, "sg-planned-cluster"),  # a check before the first build
    ],
)
def test_nodes_have_the_security_group_of_the_cluster(
    control_plane: dict[str, Any], before: dict[str, Any], group: str
) -> None:
    computed = DataLoader().load_from_file(
        str(ROOT / "roles/cluster/vars/main.yml"), trusted_as_template=True
    )
    found = {"__cluster_control_plane": control_plane, "__cluster_before": before}
    templar = Templar(loader=DataLoader(), variables=found)
    assert templar.template(computed["__cluster_security_group"]) == group
    assert "__cluster_security_group" in (ROOT / "roles/cluster/templates/node.yml.j2").read_text()
