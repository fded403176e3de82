"""What preflight says of the settings of slots, machines and ports, in all environments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.teal.platform.plugins.plugin_utils.checks.limits import LIMITS, RETENTIONS
from ansible_collections.teal.platform.plugins.plugin_utils.checks.machines import (
    processor_of_image,
    processor_of_type,
)
from ansible_collections.teal.platform.plugins.plugin_utils.kubernetes_quantity import quantity

from tests.unit.plugins.test_settings import Inventory


@pytest.fixture(scope="module")
def staging() -> Inventory:
    return Inventory("staging")


@pytest.fixture(scope="module")
def test() -> Inventory:
    return Inventory("test")


PROBE = {"path": "/x", "period": 1, "timeout": 1, "failures": 1}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"slot_autoscaling": {"min": 2}}, "max is missing: the largest number of replicas"),
    ({"slot_autoscaling": {"maximum": 6}}, "maximum is not known. Keys are: max, min, cpu"),
    ({"slot_autoscaling": {"max": 1}}, "max: 1 must be at least slot_replicas (2)"),
    ({"slot_autoscaling": {"max": 3, "min": 4}}, "max: 3 must be at least min (4)"),
    ({"slot_autoscaling": {"max": "50%"}}, "max: 50% must be a whole number"),
    ({"slot_autoscaling": {"max": 6, "cpu": 0}}, "cpu: 0 must be a whole number"),
    ({"slot_autoscaling": {"max": None}}, "max: None must be a whole number"),
    ({"slot_autoscaling": {"max": True}}, "max: True must be a whole number"),
    ({"slot_startup": {**PROBE, "period": 0}}, "slot_startup.failures is not known"),
    (
        {"slot_startup": {"path": "/x", "period": 0, "timeout": 1}},
        "slot_startup: period: 0 must be at least 1",
    ),
    ({"slot_liveness": {**PROBE, "timeout": -1}}, "slot_liveness: timeout: -1 must be at least 1"),
    ({"slot_readiness": {**PROBE, "failures": 0}}, "slot_readiness: failures: 0 must be at least 1"),
    ({"slot_readiness": {**PROBE, "path": "ready"}}, "slot_readiness: path: 'ready' must begin with /"),
    (
        {"slot_node_ports": {"blue": 30080, "green": 30082}},
        "slot_node_ports: must be the same as load_balancer_ports",
    ),
    ({"slot_port": 9090}, "namespace_port: must be slot_port (9090)"),
    ({"namespace_port": 80}, "namespace_port: must be slot_port (8080)"),
    (
        {"slot_resources": {"requests": {"memory": "512MB"}}},
        "requests.memory: '512MB' is not a Kubernetes quantity",
    ),
    (
        {"slot_resources": {"limits": {"memory": "512 Mi"}}},
        "limits.memory: '512 Mi' is not a Kubernetes quantity",
    ),
    (
        {"slot_resources": {"limits": {"memory": 512}}},
        "limits.memory: 512 is 512 bytes; the unit of 512 MiB is 512Mi",
    ),
    ({"slot_resources": {"limits": {"memory": "512m"}}}, "limits.memory: 512m is 0.512 bytes"),
    (
        {"slot_resources": {"requests": {"cpu": 500}}},
        "requests.cpu: 500 is 500 cores; a quarter of a core is 250m",
    ),
    ({"slot_resources": {"requests": {"cpu": "50%"}}}, "requests.cpu: '50%' is not a Kubernetes quantity"),
    ({"slot_resources": {"requests": {"cpu": "-1"}}}, "requests.cpu: '-1' is not a Kubernetes quantity"),
    ({"slot_resources": {"requests": {"cpu": True}}}, "requests.cpu: True is not a Kubernetes quantity"),
    (
        {"slot_resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}},
        "must be at most limits.memory",
    ),
    ({"slot_resources": {"request": {"memory": "1Gi"}}}, "slot_resources: request is not known"),
    (
        {"namespace_container_limits": {"memory": "1GB"}},
        "namespace_container_limits: memory: '1GB' is not a Kubernetes quantity",
    ),
    (
        {"namespace_quota": {"requests.memory": "16GB"}},
        "namespace_quota: requests.memory: '16GB' is not a Kubernetes quantity",
    ),
    ({"slot_replicas": 21}, "pods: 40 is too little for two slots of 21 replicas, which need 42"),
    (
        {"slot_autoscaling": {"max": 17}},
        "requests.cpu: 8 is too little for two slots of 17 replicas, which need 8.5",
    ),
    (
        {"slot_replicas": 20, "slot_migration_command": ["x"]},
        "two slots of 20 replicas and the migration, which need 41",
    ),
    (
        {"slot_resources": {"requests": {"cpu": "1", "memory": "10Gi"}, "limits": {"memory": "10Gi"}}},
        "requests.memory: 16Gi is too little for two slots of 2 replicas, which need 40960Mi",
    ),
    (
        {"namespace_quota": {"limits.cpu": "8"}},
        "limits.cpu is limited, so Kubernetes rejects pods without limits.cpu",
    ),
    ({"namespace_quota": {"services.nodeports": "1"}}, "services.nodeports: each of the two slots"),
    (
        {"cluster_node_instance_type": "t4g.large"},
        "is an image for x86 processors, but cluster_node_instance_type",
    ),
    (
        {"cluster_node_ami_type": "BOTTLEROCKET_ARM_64"},
        "is an image for ARM processors, but cluster_node_instance_type",
    ),
    ({"database_engine": "mysql"}, 'network_database_ports: must contain "3306", the port of mysql'),
    ({"database_engine": "mysql"}, "namespace_database_port: must be 3306, the port of mysql"),
    ({"namespace_database_port": 5433}, "namespace_database_port: must be 5432, the port of postgres"),
    ({"slot_secrets": ["My_Secret"]}, "'My_Secret' is not a valid name of a Secret"),
    ({"slot_replicas": True}, "slot_replicas must be a number, but True is a boolean"),
    ({"cluster_log_retention_days": 31}, "cluster_log_retention_days: must be one of 1, 3, 5"),
    ({"release_bake_errors": 101}, "release_bake_errors: must be 0 to 100"),
    ({"slot_start_timeout": -1}, "slot_start_timeout: must be 1 to 86400"),
    ({"slot_run_as_user": 0}, "slot_run_as_user: must be 1 to"),
]


@pytest.mark.parametrize(("extra", "message"), WRONG, ids=lambda value: str(value)[:60])
def test_wrong_settings_on_kubernetes_are_reported(
    staging: Inventory, extra: dict[str, Any], message: str
) -> None:
    found = staging.problems(**extra)
    assert any(message in problem for problem in found), found


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"slot_port": 9090}, "blue: 8080 must be slot_port (9090)"),
        ({"instance_type": "t4g.small"}, "is an image for x86 processors, but instance_type (t4g.small)"),
        (
            {"instance_ami_parameter": "/aws/service/x/al2023-arm64"},
            "is an image for ARM processors, but instance_type",
        ),
        ({"database_engine": "mysql"}, 'must contain "3306"'),
        ({"instance_volume_size": 0}, "instance_volume_size: must be 8 to"),
    ],
)
def test_wrong_settings_on_instances_are_reported(
    test: Inventory, extra: dict[str, Any], message: str
) -> None:
    found = test.problems(**extra)
    assert any(message in problem for problem in found), found


@pytest.mark.parametrize(
    "extra",
    [
        {"slot_autoscaling": {"max": "6", "cpu": 60}},
        {"slot_autoscaling": {"max": 1, "min": 1}},
        {"slot_replicas": 20, "slot_resources": {"limits": {"cpu": "200m", "memory": "384Mi"}}},
        {"slot_port": 9090, "namespace_port": 9090},
        {"slot_resources": {"requests": {"cpu": 0.5, "memory": "1e9"}, "limits": {"memory": "1.5Gi"}}},
        {"slot_resources": {}},
        {"cluster_node_instance_type": "m7g.large", "cluster_node_ami_type": "AL2023_ARM_64_STANDARD"},
        {"cluster_node_instance_type": "t4g.large", "cluster_node_ami_type": "CUSTOM"},
        {"database_engine": "mysql", "network_database_ports": ["3306"], "namespace_database_port": 3306},
        {"network_database_ports": ["5000-6000"]},
    ],
    ids=lambda value: str(value)[:60],
)
def test_valid_settings_are_accepted(staging: Inventory, extra: dict[str, Any]) -> None:
    assert staging.problems(**extra) == []


def test_settings_of_the_role_are_not_checked_with_custom_manifests(
    staging: Inventory, tmp_path: Any
) -> None:
    found = staging.problems(slot_replicas=21, slot_manifests_dir=str(tmp_path))
    assert not any("too little" in problem for problem in found), found


ARM = "a1.medium t4g.nano m6gd.large c7gn.large r8g.large x2gd.large im4gn.large is4gen.large g5g.xlarge hpc7g.4xlarge"
X86 = "t3.small m5.large c6i.large g4dn.xlarge g6.xlarge gr6.4xlarge x2iedn.xlarge i7ie.large m8i-flex.large u-6tb1.metal"


@pytest.mark.parametrize("value", [*ARM.split(), "p6e-gb200.36xlarge"])
def test_types_with_an_arm_processor(value: str) -> None:
    assert processor_of_type(value) == "ARM"


@pytest.mark.parametrize("value", [*X86.split(), "p6-b200.48xlarge", "inf2.xlarge"])
def test_types_with_an_x86_processor(value: str) -> None:
    assert processor_of_type(value) == "x86"


def test_every_image_of_eks_has_a_known_processor() -> None:
    import botocore.session

    shape = botocore.session.get_session().get_service_model("eks").shape_for("AMITypes")
    for name in set(shape.enum) - {"CUSTOM"}:
        assert processor_of_image(name) == ("ARM" if "ARM" in name else "x86"), name
    assert processor_of_image("CUSTOM") == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250m", "0.25"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1e3", "1000"),
        (".5", "0.5"),
        (2, "2"),
        ("1E", "1e18"),
    ],
)
def test_quantities(text: Any, value: str) -> None:
    assert quantity(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "512MB", "1 Gi", "50%", "-1", "1K", "1mi", "Mi", "1Gi ", "0x1", "१", None, True, []]
)
def test_invalid_quantities(text: Any) -> None:
    with pytest.raises(ValueError):
        quantity(text)


def test_every_limit_belongs_to_a_numeric_setting(staging: Inventory) -> None:
    options = {
        name: option for role in staging.specifications.roles.values() for name, option in role.items()
    }
    assert {options[name]["type"] for name in (*LIMITS, *RETENTIONS)} == {"int", "float"}
    assert {name for name in options if name.endswith("log_retention_days")} == set(RETENTIONS)
