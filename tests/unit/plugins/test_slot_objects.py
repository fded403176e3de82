"""The filter that returns what the role slot applies, as long as the lease is fresh."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.teal.platform.plugins.filter.slot_objects import slot_objects
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock

OBJECTS = [
    {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "labels": {"x": "y"}}}
    for kind in ("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Service")
]


def test_other_objects_than_deployment_and_autoscaler_are_returned_with_the_label_of_the_slot() -> None:
    found = slot_objects(OBJECTS, "green", {"fresh_until": 10.0}, Clock(steady=lambda: 10.0))
    assert [obj["kind"] for obj in found] == ["ConfigMap", "Service"]
    assert {str(obj["metadata"]["labels"]) for obj in found} == {"{'x': 'y', 'teal.platform/slot': 'green'}"}


def test_nothing_is_returned_for_an_old_lease() -> None:
    with pytest.raises(AnsibleFilterError, match="not renewed within half of its length"):
        slot_objects(OBJECTS, "green", {"fresh_until": 10.0}, Clock(steady=lambda: 10.1))
