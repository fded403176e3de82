"""The four kinds of patches, as Kubernetes documents them."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.kubernetes import patching
from rehearsal.kubernetes.errors import ApiError

STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"


def strategic(target: Any, patch: Any) -> Any:
    return patching.patcher(STRATEGIC, patch)(target)


def test_merge_patch_follows_the_examples_of_its_rfc() -> None:
    cases = [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ]
    for target, patch, result in cases:
        assert patching.merge(target, patch) == result


def test_strategic_merges_containers_and_their_parts_by_their_keys() -> None:
    pod = {
        "containers": [
            {
                "name": "app",
                "image": "app:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"containerPort": 8080, "name": "http"}],
                "args": ["one", "two"],
            },
            {"name": "log", "image": "log:1"},
        ]
    }
    change = {
        "containers": [
            {
                "name": "app",
                "image": "app:2",
                "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
                "ports": [{"containerPort": 9090}],
                "args": ["three"],
            }
        ]
    }
    app, log = strategic(pod, change)["containers"]
    assert log == {"name": "log", "image": "log:1"}
    assert app["image"] == "app:2"
    assert [(e["name"], e["value"]) for e in app["env"]] == [("A", "1"), ("B", "3"), ("C", "4")]
    assert app["ports"] == [{"containerPort": 8080, "name": "http"}, {"containerPort": 9090}]
    assert app["args"] == ["three"], "a list without a key is replaced"


def test_strategic_merges_service_ports_by_port() -> None:
    service = {"ports": [{"port": 80, "nodePort": 30080}, {"port": 443}]}
    patched = strategic(service, {"ports": [{"port": 80, "targetPort": "http"}]})
    assert patched["ports"] == [{"port": 80, "nodePort": 30080, "targetPort": "http"}, {"port": 443}]


def test_strategic_directives() -> None:
    pod = {
        "volumes": [{"name": "a"}, {"name": "b"}],
        "finalizers": ["x"],
        "strategy": {"type": "R", "rollingUpdate": {}},
    }
    deleted = strategic(pod, {"volumes": [{"name": "a", "$patch": "delete"}]})
    assert deleted["volumes"] == [{"name": "b"}]
    replaced = strategic(pod, {"volumes": [{"$patch": "replace"}, {"name": "c"}]})
    assert replaced["volumes"] == [{"name": "c"}]
    assert strategic(pod, {"finalizers": ["y"]})["finalizers"] == ["x", "y"]
    assert strategic(pod, {"$deleteFromPrimitiveList/finalizers": ["x"]})["finalizers"] == []
    kept = strategic(pod, {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}})
    assert kept["strategy"] == {"type": "Recreate"}
    order = {
        "$setElementOrder/volumes": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
        "volumes": [{"name": "c"}],
    }
    assert [v["name"] for v in strategic(pod, order)["volumes"]] == ["c", "b", "a"]
    assert strategic({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}) == {"a": {"c": 2}}


def test_strategic_does_not_change_its_target() -> None:
    pod = {"containers": [{"name": "app", "env": [{"name": "A", "value": "1"}]}]}
    strategic(pod, {"containers": [{"name": "app", "env": [{"name": "A", "value": "2"}]}]})
    assert pod["containers"][0]["env"] == [{"name": "A", "value": "1"}]


def test_json_patch_with_tests() -> None:
    change = [{"op": "test", "path": "/a", "value": 1}, {"op": "replace", "path": "/a", "value": 2}]
    assert patching.patcher(JSON, change)({"a": 1}) == {"a": 2}
    with pytest.raises(ApiError) as refused:
        patching.patcher(JSON, change)({"a": 3})
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")


@pytest.mark.parametrize(
    ("kind", "patch", "code"), [(JSON, [{"op": "x"}], 400), (STRATEGIC, [1], 400), ("text/x", {}, 415)]
)
def test_invalid_patches_are_refused(kind: str, patch: Any, code: int) -> None:
    with pytest.raises(ApiError) as refused:
        patching.patcher(kind, patch)({})
    assert refused.value.code == code


def test_apply_removes_only_former_fields_of_its_manager() -> None:
    live = {
        "labels": {"mine": "1", "gone": "1", "other": "1"},
        "containers": [
            {"name": "app", "env": [{"name": "A"}, {"name": "B"}, {"name": "X"}]},
            {"name": "side"},
        ],
    }
    last = {
        "labels": {"mine": "1", "gone": "1"},
        "containers": [{"name": "app", "env": [{"name": "A"}, {"name": "B"}]}],
    }
    now = {"labels": {"mine": "2"}, "containers": [{"name": "app", "env": [{"name": "A", "value": "1"}]}]}
    assert patching.apply(live, now, last) == {
        "labels": {"mine": "2", "other": "1"},
        "containers": [
            {"name": "app", "env": [{"name": "A", "value": "1"}, {"name": "X"}]},
            {"name": "side"},
        ],
    }


def test_strategic_stores_a_new_list_unchanged() -> None:
    """One port with UDP and TCP, as in a NetworkPolicy for DNS: its rules are replaced, not merged."""
    ports = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    policy = {"spec": {"egress": [{"ports": ports}]}}
    assert strategic(policy, policy) == policy
