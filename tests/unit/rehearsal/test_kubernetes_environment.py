"""The environment of containers, and the command lines of pods."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from rehearsal.kubernetes import environment, processes
from rehearsal.kubernetes.registry import NAMESPACES, Registry
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import Store

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "x", "labels": {"slot": "blue"}, "annotations": {"a/b": "c"}},
    "spec": {"nodeName": "n"},
}


@pytest.fixture
def store() -> Store:
    registry = Registry(Store())
    registry.create(NAMESPACES, {"metadata": {"name": "x"}})
    registry.create(BY_NAME["configmaps"], {"metadata": {"name": "c"}, "data": {"A": "1", "B": "2"}}, "x")
    registry.create(BY_NAME["secrets"], {"metadata": {"name": "s"}, "stringData": {"KEY": "value"}}, "x")
    return registry.store


def resolve(store: Store, *env: Any, source: list[Any] | None = None) -> dict[str, str]:
    container = {
        "env": list(env),
        "envFrom": source or [],
        "resources": {"limits": {"cpu": "1500m", "memory": "1Gi"}},
    }
    return environment.resolve(store, POD, container, "127.1.2.3")


def of(name: str, **source: Any) -> Any:
    return {"name": name, "valueFrom": source}


def test_values_come_from_all_sources(store: Store) -> None:
    found = resolve(
        store,
        {"name": "B", "value": "own"},
        {"name": "BOTH", "value": "$(A) and $(B), not $(C) nor $$(A)"},
        of("ONE", configMapKeyRef={"name": "c", "key": "A"}),
        of("SECRET", secretKeyRef={"name": "s", "key": "KEY"}),
        of("POD", fieldRef={"fieldPath": "metadata.name"}),
        of("SLOT", fieldRef={"fieldPath": "metadata.labels['slot']"}),
        of("NOTE", fieldRef={"fieldPath": "metadata.annotations['a/b']"}),
        of("NODE", fieldRef={"fieldPath": "spec.nodeName"}),
        of("IP", fieldRef={"fieldPath": "status.podIP"}),
        of("CPUS", resourceFieldRef={"resource": "limits.cpu"}),
        of("MIB", resourceFieldRef={"resource": "limits.memory", "divisor": "1Mi"}),
        of("MAYBE", secretKeyRef={"name": "none", "key": "KEY", "optional": True}),
        source=[{"configMapRef": {"name": "c"}}, {"prefix": "S_", "secretRef": {"name": "s"}}],
    )
    assert found == {
        "A": "1",
        "B": "own",
        "S_KEY": "value",
        "BOTH": "1 and own, not $(C) nor $(A)",
        "ONE": "1",
        "SECRET": "value",
        "POD": "p",
        "SLOT": "blue",
        "NOTE": "c",
        "NODE": "n",
        "IP": "127.1.2.3",
        "CPUS": "2",
        "MIB": "1024",
    }


def test_missing_objects_are_named(store: Store) -> None:
    with pytest.raises(environment.Missing, match='configmap "none" not found'):
        resolve(store, source=[{"configMapRef": {"name": "none"}}])
    with pytest.raises(environment.Missing, match="couldn't find key Z in ConfigMap x/c"):
        resolve(store, of("A", configMapKeyRef={"name": "c", "key": "Z"}))
    pod = POD | {"spec": {"volumes": [{"name": "v", "secret": {"secretName": "none"}}]}}
    with pytest.raises(environment.Missing, match=r'for volume "v" : secret "none" not found'):
        environment.check_volumes(store, pod)
    pod["spec"]["volumes"][0]["secret"]["optional"] = True
    environment.check_volumes(store, pod)


def test_image_command_runs_with_this_python() -> None:
    service = str(processes.SERVICE)
    assert processes.program([], ["migrate"])[-2:] == [service, "migrate"]
    assert processes.program(["python", "/app/sample_service.py"], ["x"]) == [sys.executable, service, "x"]
    assert processes.program(["sleep"], ["5"]) == ["sleep", "5"]


def test_pod_does_not_inherit_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("TEAL_REHEARSAL_RUN", "run")
    assert "AWS_SECRET_ACCESS_KEY" not in processes.surroundings()
    assert processes.surroundings()["TEAL_REHEARSAL_RUN"] == "run"
