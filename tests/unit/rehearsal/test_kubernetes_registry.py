"""The API's rules: defaults, validation, updates and deletions."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rehearsal.kubernetes import patching
from rehearsal.kubernetes.errors import ApiError
from rehearsal.kubernetes.registry import Registry
from rehearsal.kubernetes.resources import BY_NAME
from rehearsal.kubernetes.store import HISTORY, Store, clone

Json = dict[str, Any]
NAMESPACES, MAPS, SECRETS = BY_NAME["namespaces"], BY_NAME["configmaps"], BY_NAME["secrets"]
DEPLOYMENTS, SERVICES, PODS, JOBS = (BY_NAME[n] for n in ("deployments", "services", "pods", "jobs"))


@pytest.fixture
def api() -> Registry:
    registry = Registry(Store())
    registry.create(NAMESPACES, {"metadata": {"name": "x"}})
    return registry


def template(**spec: Any) -> Json:
    container = {"name": "app", "image": "app:1"} | spec.pop("container", {})
    return {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]} | spec}


def deployment(name: str = "d", **spec: Any) -> Json:
    return {
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template()} | spec,
    }


def refused(call: Any, *args: Any, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*args, **options)
    return caught.value


def test_new_object_has_server_fields(api: Registry) -> None:
    made = api.create(DEPLOYMENTS, deployment(), "x")
    assert made["metadata"]["generation"] == 1
    assert {"uid", "creationTimestamp", "resourceVersion"} <= set(made["metadata"])
    assert (made["apiVersion"], made["kind"]) == ("apps/v1", "Deployment")
    assert made["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert made["spec"]["progressDeadlineSeconds"] == 600
    assert made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 30


def test_generated_names_and_nulls(api: Registry) -> None:
    made = api.create(
        MAPS, {"metadata": {"generateName": "c-", "labels": None}, "data": {"a": "1", "b": None}}, "x"
    )
    assert made["metadata"]["name"].startswith("c-") and len(made["metadata"]["name"]) == 7
    assert made["data"] == {"a": "1"} and "labels" not in made["metadata"]


def test_existing_name_and_missing_namespace_are_refused(api: Registry) -> None:
    api.create(MAPS, {"metadata": {"name": "c"}}, "x")
    again = refused(api.create, MAPS, {"metadata": {"name": "c"}}, "x")
    assert (again.code, again.reason, str(again)) == (409, "AlreadyExists", 'configmaps "c" already exists')
    nowhere = refused(api.create, DEPLOYMENTS, deployment(), "y")
    assert (nowhere.code, str(nowhere)) == (404, 'namespaces "y" not found')
    api.delete(NAMESPACES, "", "x")
    assert "because it is being terminated" in str(
        refused(api.create, MAPS, {"metadata": {"name": "n"}}, "x")
    )


def test_stale_resource_version_conflicts(api: Registry) -> None:
    first = api.create(MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, "x")
    second = api.update(MAPS, first | {"data": {"a": "2"}})
    assert second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    conflict = refused(api.update, MAPS, first | {"data": {"a": "3"}})
    assert (conflict.code, conflict.reason) == (409, "Conflict")
    assert str(conflict).startswith(
        'Operation cannot be fulfilled on configmaps "c": the object has been modified'
    )
    assert conflict.status["details"] == {"name": "c", "kind": "configmaps"}


def test_empty_change_keeps_the_version(api: Registry) -> None:
    made = api.create(DEPLOYMENTS, deployment(), "x")
    assert api.update(DEPLOYMENTS, deployment() | {"metadata": {"name": "d", "namespace": "x"}}) is made
    same = api.patch(DEPLOYMENTS, "x", "d", lambda o: patching.strategic(o, {"spec": {"replicas": 1}}))
    assert same is made


def test_generation_counts_changes_of_the_spec_only(api: Registry) -> None:
    made = clone(api.create(DEPLOYMENTS, deployment(), "x"))
    made["metadata"]["labels"] = {"l": "1"}
    labelled = clone(api.update(DEPLOYMENTS, made))
    assert labelled["metadata"]["generation"] == 1
    labelled["spec"]["replicas"] = 3
    scaled = clone(api.update(DEPLOYMENTS, labelled))
    assert scaled["metadata"]["generation"] == 2
    scaled["status"] = {"replicas": 7}
    assert "replicas" not in api.update(DEPLOYMENTS, scaled)["status"], (
        "an update of the object ignores the status"
    )
    updated = api.update(DEPLOYMENTS, scaled, "status")
    assert updated["status"] == {"replicas": 7} and updated["metadata"]["generation"] == 2


def test_dry_run_stores_nothing(api: Registry) -> None:
    assert api.create(MAPS, {"metadata": {"name": "c"}}, "x", dry_run=True)["metadata"]["uid"]
    assert api.store.find(MAPS, "x", "c") is None
    api.create(MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, "x")
    version = api.store.version
    changed = api.patch(MAPS, "x", "c", lambda o: o | {"data": {"a": "2"}}, dry_run=True)
    assert changed["data"] == {"a": "2"} and api.store.get(MAPS, "x", "c")["data"] == {"a": "1"}
    api.delete(MAPS, "x", "c", dry_run=True)
    assert api.store.version == version


def test_immutable_configuration_cannot_change(api: Registry) -> None:
    for resource in (MAPS, SECRETS):
        api.create(resource, {"metadata": {"name": "c"}, "data": {"a": "MQ=="}, "immutable": True}, "x")
        change = refused(api.patch, resource, "x", "c", lambda o: o | {"data": {"a": "Mg=="}})
        assert change.code == 422 and "field is immutable when `immutable` is set" in str(change)
        assert refused(api.patch, resource, "x", "c", lambda o: o | {"immutable": False}).code == 422
        api.patch(resource, "x", "c", lambda o: o | {"metadata": o["metadata"] | {"labels": {"a": "b"}}})


@pytest.mark.parametrize("resource", [MAPS, SECRETS], ids=lambda resource: resource.kind)
@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("a b", "a valid config key must consist of alphanumeric characters"),
        ("schlüssel", "a valid config key must consist of alphanumeric characters"),
        ("", "a valid config key must consist of alphanumeric characters"),
        ("a" * 254, "must be no more than 253 characters"),
        ("..", "must not be '..'"),
        ("..a", "must not start with '..'"),
    ],
)
def test_keys_of_configuration(api: Registry, resource: Any, key: str, why: str) -> None:
    wrong = refused(api.create, resource, {"metadata": {"name": "c"}, "data": {key: "MQ=="}}, "x")
    assert (wrong.code, wrong.status["details"]["causes"][0]["field"]) == (422, f"data[{key}]")
    assert why in str(wrong)
    api.create(resource, {"metadata": {"name": "c"}, "data": {"a" * 253: "MQ==", "A.b-c_d": "MQ=="}}, "x")


def test_configuration_has_a_maximum_size(api: Registry) -> None:
    half = "é" * (256 * 1024)  # two bytes each
    api.create(MAPS, {"metadata": {"name": "fits"}, "data": {"a": half, "b": half}}, "x")
    for data in (
        {"data": {"a": half, "b": half + "x"}},
        {"data": {"a": half, "b": half}, "binaryData": {"c": "MQ=="}},
    ):
        wrong = refused(api.create, MAPS, {"metadata": {"name": "c"}} | data, "x")
        assert str(wrong) == 'ConfigMap "c" is invalid: []: Too long: may not be more than 1048576 bytes'
    whole = base64.b64encode(b"x" * 1024 * 1024).decode()
    api.create(SECRETS, {"metadata": {"name": "fits"}, "data": {"a": whole}}, "x")
    wrong = refused(api.create, SECRETS, {"metadata": {"name": "s"}, "data": {"a": whole, "b": "MQ=="}}, "x")
    assert str(wrong) == 'Secret "s" is invalid: data: Too long: may not be more than 1048576 bytes'
    wrong = refused(api.create, MAPS, {"metadata": {"name": "c", "annotations": {"a": "x" * 262144}}}, "x")
    assert "metadata.annotations: Too long: may not be more than 262144 bytes" in str(wrong)


def test_claims_need_size_and_access_modes(api: Registry) -> None:
    claims = BY_NAME["persistentvolumeclaims"]
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for part, field in (("accessModes", "spec.accessModes"), ("resources", "spec.resources[storage]")):
        short = {name: value for name, value in spec.items() if name != part}
        wrong = refused(api.create, claims, {"metadata": {"name": "c"}, "spec": short}, "x")
        assert f"{field}: Required value" in str(wrong)
    made = api.create(claims, {"metadata": {"name": "c"}, "spec": spec}, "x")
    other = made | {"spec": made["spec"] | {"accessModes": ["ReadWriteMany"]}}
    assert "spec is immutable after creation" in str(refused(api.update, claims, other))


def test_secrets_accept_plain_text_and_check_base64(api: Registry) -> None:
    made = api.create(SECRETS, {"metadata": {"name": "s"}, "stringData": {"a": "b"}}, "x")
    assert made["data"] == {"a": "Yg=="} and "stringData" not in made and made["type"] == "Opaque"
    assert "not base64" in str(
        refused(api.create, SECRETS, {"metadata": {"name": "t"}, "data": {"a": "?"}}, "x")
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"selector": None}, "spec.selector: Required value"),
        ({"selector": {"matchLabels": {"app": "b"}}}, "`selector` does not match template `labels`"),
        ({"replicas": -1}, "must be greater than or equal to 0"),
        (
            {"template": template(container={"image": ""})},
            "spec.template.spec.containers[0].image: Required value",
        ),
        ({"template": template(containers=[])}, "spec.template.spec.containers: Required value"),
        (
            {"template": template(container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]})},
            'volumeMounts[0].name: Not found: "v"',
        ),
        (
            {
                "template": template(
                    container={"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}}
                )
            },
            "must be less than or equal to cpu limit of 1",
        ),
        ({"template": template(container={"env": [{"name": "A", "value": 1}]})}, "cannot unmarshal number"),
        (
            {"template": template(container={"env": [{"name": "a=b", "value": "1"}]})},
            "containers[0].env[0].name: Invalid value",
        ),
        ({"template": template(container={"name": "App"})}, "containers[0].name: Invalid value"),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            "may not be 0 when `maxSurge` is 0",
        ),
    ],
)
def test_invalid_deployments_are_refused(api: Registry, change: Json, message: str) -> None:
    wrong = refused(api.create, DEPLOYMENTS, deployment(**change), "x")
    assert wrong.code in (400, 422) and message in str(wrong)


def test_immutable_fields_cannot_change(api: Registry) -> None:
    api.create(DEPLOYMENTS, deployment(), "x")
    other = deployment(selector={"matchLabels": {"app": "a", "b": "c"}})
    other["spec"]["template"]["metadata"]["labels"]["b"] = "c"
    other["metadata"]["namespace"] = "x"
    assert "spec.selector" in str(refused(api.update, DEPLOYMENTS, other))
    job = {"metadata": {"name": "j"}, "spec": {"template": template(restartPolicy="Never")}}
    api.create(JOBS, job, "x")
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}}}
    change = refused(api.patch, JOBS, "x", "j", lambda o: patching.strategic(o, image))
    assert "spec.template" in str(change) and "field is immutable" in str(change)
    same = api.store.get(JOBS, "x", "j")
    assert api.patch(JOBS, "x", "j", lambda o: patching.strategic(o, job)) is same, (
        "the same job again is no change"
    )


def test_names_and_labels(api: Registry) -> None:
    assert "RFC 1123" in str(refused(api.create, MAPS, {"metadata": {"name": "A_b"}}, "x"))
    for name in ("a.b", "a" * 64):
        assert "RFC 1123 label" in str(refused(api.create, NAMESPACES, {"metadata": {"name": name}}))
    assert "name or generateName" in str(refused(api.create, MAPS, {"metadata": {}}, "x"))
    labels = {"metadata": {"name": "c", "labels": {"a": "not so"}}}
    assert "a valid label" in str(refused(api.create, MAPS, labels, "x"))
    number = {"metadata": {"name": "c", "labels": {"a": 1}}}
    assert "ObjectMeta.metadata.labels of type string" in str(refused(api.create, MAPS, number, "x"))
    assert refused(api.create, MAPS, {"kind": "Secret", "metadata": {"name": "c"}}, "x").code == 400
    assert (
        refused(api.create, DEPLOYMENTS, {"metadata": {"name": "c"}, "spec": {"template": 1}}, "x").code
        == 400
    )


def service(name: str, **port: Any) -> Json:
    return {"metadata": {"name": name}, "spec": {"type": "NodePort", "ports": [{"port": 80} | port]}}


def test_node_ports_are_allocated_kept_and_checked(api: Registry) -> None:
    asked = api.create(SERVICES, service("a", nodePort=30000), "x")
    given = api.create(SERVICES, service("b"), "x")
    assert asked["spec"]["ports"][0]["nodePort"] == 30000
    port = given["spec"]["ports"][0]["nodePort"]
    assert port == 30001 and given["spec"]["clusterIP"]
    again = service("b") | {"metadata": {"name": "b", "namespace": "x"}}
    assert api.update(SERVICES, again)["spec"] == given["spec"], "omitted fields of an update are kept"
    assert "already allocated" in str(refused(api.create, SERVICES, service("c", nodePort=port), "x"))
    assert "valid range" in str(refused(api.create, SERVICES, service("c", nodePort=80), "x"))


def test_deletion_preconditions(api: Registry) -> None:
    made = api.create(MAPS, {"metadata": {"name": "c"}}, "x")
    assert refused(api.delete, MAPS, "x", "c", {"preconditions": {"uid": "other"}}).code == 409
    gone, at_once = api.delete(MAPS, "x", "c", {"preconditions": {"uid": made["metadata"]["uid"]}})
    assert at_once and gone["metadata"]["uid"] == made["metadata"]["uid"]
    assert refused(api.delete, MAPS, "x", "c").code == 404


def test_finalizer_delays_the_deletion(api: Registry) -> None:
    api.create(MAPS, {"metadata": {"name": "c", "finalizers": ["a/b"]}}, "x")
    held, at_once = api.delete(MAPS, "x", "c")
    assert not at_once and "deletionTimestamp" in held["metadata"]
    api.patch(MAPS, "x", "c", lambda o: o | {"metadata": o["metadata"] | {"finalizers": []}})
    assert api.store.find(MAPS, "x", "c") is None


def test_scheduled_pod_gets_its_grace_period(api: Registry) -> None:
    pod = {"metadata": {"name": "p"}, "spec": template()["spec"]}
    api.create(PODS, pod, "x")
    assert api.delete(PODS, "x", "p")[1], "a pod without a node has no processes"
    api.create(PODS, pod | {"spec": pod["spec"] | {"nodeName": "n"}}, "x")
    held, at_once = api.delete(PODS, "x", "p", {"gracePeriodSeconds": 9})
    assert not at_once and held["metadata"]["deletionGracePeriodSeconds"] == 9
    assert api.delete(PODS, "x", "p", {"gracePeriodSeconds": 0})[1]


def test_server_side_apply_removes_omitted_fields(api: Registry) -> None:
    _, new = api.apply(MAPS, "x", "c", {"data": {"a": "1", "b": "2"}}, "teal")
    assert new
    api.patch(MAPS, "x", "c", lambda o: patching.merge(o, {"data": {"z": "9"}}))
    applied, new = api.apply(MAPS, "x", "c", {"data": {"a": "1"}}, "teal")
    assert not new and applied["data"] == {"a": "1", "z": "9"}


def test_restricted_namespace_refuses_privileged_pods(api: Registry) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.create(NAMESPACES, {"metadata": {"name": "r", "labels": labels}})
    pod = {"metadata": {"name": "p"}, "spec": template()["spec"]}
    wrong = refused(api.create, PODS, pod, "r")
    assert wrong.code == 403
    assert str(wrong) == (
        'pods "p" is forbidden: violates PodSecurity "restricted:latest":'
        ' allowPrivilegeEscalation != false (container "app" must set'
        " securityContext.allowPrivilegeEscalation=false),"
        ' unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"]),'
        ' runAsNonRoot != true (pod or container "app" must set securityContext.runAsNonRoot=true),'
        ' seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to'
        ' "RuntimeDefault" or "Localhost")'
    )
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    whole = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    good = template(container={"securityContext": own}, securityContext=whole)["spec"]
    assert "hostPath" in str(refused(api.create, PODS, pod | {"spec": good | {"volumes": [HOST]}}, "r"))
    api.create(PODS, pod | {"spec": good}, "r")


HOST = {"name": "v", "hostPath": {"path": "/"}}


def test_history_expires(api: Registry) -> None:
    version = api.store.version
    api.create(MAPS, {"metadata": {"name": "c"}}, "x")
    assert [(e.type, e.object["metadata"]["name"]) for e in api.store.since(version)] == [("ADDED", "c")]
    for n in range(HISTORY):
        api.patch(MAPS, "x", "c", lambda o, n=n: o | {"data": {"n": str(n)}})
    assert refused(api.store.since, version).code == 410
