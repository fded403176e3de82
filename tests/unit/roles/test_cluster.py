"""What the role cluster says without an inventory."""

from __future__ import annotations

import yaml
from conftest import ROOT

DEFAULTS = yaml.safe_load((ROOT / "roles/cluster/defaults/main.yml").read_text())


def test_application_signals_are_off() -> None:
    """CloudWatch's add-on switches them on unless it is told not to: an agent in each Java pod, billed by request."""
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
        for name in ("Make the control plane", "Make the nodes", "Roll the control plane back")
    )
    assert forward < nodes < back
    assert tasks[forward]["when"] == f"not {tasks[back]['when']}"
    assert tasks[forward]["teal.platform.eks_cluster"] == tasks[back]["teal.platform.eks_cluster"]
