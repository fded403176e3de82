"""Every status of AWS is sorted: ready, in progress, or failed. A run neither waits for what failed nor accepts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import botocore.client
import botocore.loaders
import pytest
from ansible_collections.teal.platform.plugins.module_utils import aws_statuses, resource
from ansible_collections.teal.platform.plugins.modules import (
    dns_certificate,
    dynamodb_table,
    ec2_run_script,
    eks_addons,
    eks_cluster,
    eks_nodegroup,
    lambda_functions,
    load_balancer_slots,
    rds_instance,
)
from support import ModuleFailed

Run = Callable[..., dict[str, Any]]

#: kind: the service and shape of botocore's model that lists its statuses
ENUMS = {
    "EKS cluster": ("eks", "ClusterStatus"),
    "EKS node group": ("eks", "NodegroupStatus"),
    "EKS add-on": ("eks", "AddonStatus"),
    "EKS update": ("eks", "UpdateStatus"),
    "load balancer": ("elbv2", "LoadBalancerStateEnum"),
    "certificate": ("acm", "CertificateStatus"),
    "table": ("dynamodb", "TableStatus"),
    "function": ("lambda", "State"),
    "function update": ("lambda", "LastUpdateStatus"),
    "command": ("ssm", "CommandInvocationStatus"),
}
#: RDS's status is plain text. AWS documents these:
#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
RDS = {
    "available",
    "backing-up",
    "backtracking",
    "configuring-associated-roles",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "converting-to-vpc",
    "creating",
    "delete-precheck",
    "deleting",
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-create",
    "incompatible-credentials",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "maintenance",
    "modifying",
    "moving-to-vpc",
    "promoting",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "restore-error",
    "starting",
    "stopped",
    "stopping",
    "storage-config-upgrade",
    "storage-full",
    "storage-initialization",
    "storage-optimization",
    "upgrading",
}


def test_every_kind_has_its_list() -> None:
    assert set(aws_statuses.STATUSES) == {*ENUMS, "database"}
    assert set(aws_statuses.REPAIRABLE) <= set(aws_statuses.STATUSES)


@pytest.mark.parametrize("kind", ENUMS)
def test_every_status_of_botocores_models_is_sorted(kind: str) -> None:
    service, shape = ENUMS[kind]
    model = botocore.loaders.Loader().load_service_model(service, "service-2")
    assert set(aws_statuses.STATUSES[kind]) == set(model["shapes"][shape]["enum"])


def test_every_status_that_rds_documents_is_sorted() -> None:
    assert set(aws_statuses.STATUSES["database"]) == RDS


def test_unknown_status_is_awaited() -> None:
    sorts = {aws_statuses.READY, aws_statuses.IN_PROGRESS, aws_statuses.FAILED}
    for kind, meanings in aws_statuses.STATUSES.items():
        assert set(meanings.values()) == sorts, kind
        assert aws_statuses.meaning(kind, "SOMETHING_NEW") == aws_statuses.IN_PROGRESS
        for status in aws_statuses.REPAIRABLE.get(kind, ()):
            assert aws_statuses.meaning(kind, status) == aws_statuses.FAILED


# -- each module acts by the table ---------------------------------------------------------------

OBJECTS: dict[str, tuple[type, Callable[[str], dict]]] = {
    "EKS cluster": (eks_cluster.EksCluster, lambda status: {"status": status}),
    "EKS node group": (eks_nodegroup.EksNodegroup, lambda status: {"status": status}),
    "EKS add-on": (
        eks_addons.EksAddons,
        lambda status: {"coredns": {"status": status}, "vpc-cni": {"status": "ACTIVE"}},
    ),
    "table": (dynamodb_table.Table, lambda status: {"TableStatus": status}),
    "database": (rds_instance.RdsInstance, lambda status: {"DBInstanceStatus": status}),
    "function": (lambda_functions.Functions, lambda status: {"State": status}),
    "function update": (
        lambda_functions.Functions,
        lambda status: {"State": "Active", "LastUpdateStatus": status},
    ),
}
EACH = [(kind, status) for kind in OBJECTS for status in aws_statuses.STATUSES[kind]]


@pytest.mark.parametrize(("kind", "status"), EACH)
def test_module_waits_accepts_or_fails_by_the_status_table(kind: str, status: str) -> None:
    kind_of, described = OBJECTS[kind]
    one, found = kind_of.__new__(kind_of), described(status)
    meaning = aws_statuses.meaning(kind, status)
    assert one.is_ready(found) == (meaning == aws_statuses.READY)
    reason = one.failure(found)
    assert bool(reason) == (meaning == aws_statuses.FAILED)
    if reason and kind != "function":
        assert (status if kind != "function update" else "the last update failed") in reason


class Clock:
    """Time that passes only while a module sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def waited(self) -> float:
        return self.now - 1000.0


class Answers:
    """AWS's answers to some operations; everything else goes where it went before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by_operation: dict[str, Callable[[dict], Any]] = {}
        self.asked: list[str] = []
        real = botocore.client.BaseClient._make_api_call

        def call(this: Any, operation: str, given: dict[str, Any]) -> Any:
            self.asked.append(operation)
            if operation in self.by_operation:
                return self.by_operation[operation](given)
            return real(this, operation, given)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)


@pytest.fixture
def answers(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


NODES = {"cluster": "shop", "name": "nodes", "min_size": 2, "max_size": 4, "desired_size": 2}
ISSUE = {
    "code": "InsufficientFreeAddresses",
    "message": "no address is left",
    "resourceIds": ["subnet-0a", "subnet-0b"],
}


def node_group(status: str, desired: int = 2) -> dict[str, Any]:
    return {
        "nodegroup": {
            "nodegroupName": "nodes",
            "nodegroupArn": "arn:aws:eks:x",
            "status": status,
            "version": "1.35",
            "releaseVersion": "1.35.0-20261101",
            "nodeRole": "arn:role",
            "amiType": "AL2023_x86_64_STANDARD",
            "capacityType": "ON_DEMAND",
            "subnets": ["subnet-0a"],
            "scalingConfig": {"minSize": 2, "maxSize": 4, "desiredSize": desired},
            "updateConfig": {"maxUnavailable": 1},
            "health": {"issues": [ISSUE] if status == "DEGRADED" else []},
        }
    }


def test_degraded_nodes_fail_after_five_minutes_with_the_message_of_eks(
    answers: Answers, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    answers.by_operation["DescribeNodegroup"] = lambda given: node_group("DEGRADED")
    reported = (
        r"status DEGRADED; InsufficientFreeAddresses: no address is left \(subnet-0a, subnet-0b\)\. "
        r"Fix the cause and run the same command again"
    )
    with pytest.raises(ModuleFailed, match=reported):
        run_module(eks_nodegroup, **NODES)
    assert resource.DEGRADED_TIMEOUT <= clock.waited < resource.DEGRADED_TIMEOUT + 60


def test_degraded_nodes_that_recover_are_accepted(
    answers: Answers, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    answers.by_operation["DescribeNodegroup"] = lambda given: node_group(
        "DEGRADED" if clock.waited < 120 else "ACTIVE"
    )
    assert not run_module(eks_nodegroup, **NODES)["changed"]


def test_degraded_nodes_do_not_delay_a_change(
    answers: Answers, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    made: list[dict] = []

    def update(given: dict) -> dict:
        assert clock.waited < 1
        made.append(given["scalingConfig"])
        return {"update": {"id": "u", "type": "ConfigUpdate", "status": "Successful"}}

    answers.by_operation |= {
        "DescribeNodegroup": lambda given: node_group(
            "ACTIVE" if made else "DEGRADED", desired=2 if made else 4
        ),
        "UpdateNodegroupConfig": update,
        "DescribeUpdate": lambda given: {
            "update": {"id": "u", "type": "ConfigUpdate", "status": "Successful"}
        },
    }
    assert run_module(eks_nodegroup, **NODES)["changed"]
    assert made == [{"minSize": 2, "maxSize": 4, "desiredSize": 2}]


def test_check_mode_reports_the_failed_resource(
    answers: Answers, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible.module_utils import basic

    warned: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, text, **more: warned.append(text))
    answers.by_operation["DescribeNodegroup"] = lambda given: node_group("DEGRADED")
    run_module(eks_nodegroup, check=True, **NODES)
    assert "is not ready: status DEGRADED; InsufficientFreeAddresses" in warned[0]


def test_time_out_message_contains_the_status(
    answers: Answers, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    answers.by_operation["DescribeNodegroup"] = lambda given: node_group("UPDATING")
    with pytest.raises(ModuleFailed, match=r"did not become ready in 90 s \(UPDATING\)"):
        run_module(eks_nodegroup, **NODES, wait_timeout=90)


def test_nodes_that_could_not_be_created_fail_at_once(
    answers: Answers, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    answers.by_operation["DescribeNodegroup"] = lambda given: node_group("CREATE_FAILED")
    with pytest.raises(ModuleFailed, match=r"status CREATE_FAILED.*Delete it first"):
        run_module(eks_nodegroup, **NODES)
    assert clock.waited == 0


def balancer(state: str) -> dict[str, Any]:
    return {
        "LoadBalancerArn": "arn:lb",
        "State": {"Code": state, "Reason": "subnet-0a has no free address"},
    }


@pytest.mark.parametrize("state", aws_statuses.STATUSES["load balancer"])
def test_status_of_a_load_balancer_is_awaited_accepted_or_refused(
    state: str, answers: Answers, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    warned: list[str] = []

    class Module:
        check_mode = False
        params = {"name": "shop", "wait_timeout": 600}

        def warn(self, text: str) -> None:
            warned.append(text)

        def fail_json(self, msg: str) -> None:
            raise ModuleFailed({"msg": msg})

    answers.by_operation["DescribeLoadBalancers"] = lambda given: {"LoadBalancers": [balancer(state)]}
    part = load_balancer_slots.Balancer(Module(), boto3.client("elbv2"))
    meaning = aws_statuses.meaning("load balancer", state)
    if meaning == aws_statuses.READY:
        part.wait_until_active(balancer(state))
    else:
        with pytest.raises(ModuleFailed, match=rf"{state}.*: subnet-0a has no free"):
            part.wait_until_active(balancer(state))
    assert (clock.waited > 0) == (meaning == aws_statuses.IN_PROGRESS)
    assert bool(warned) == (state == "active_impaired")


@pytest.mark.parametrize("status", aws_statuses.STATUSES["certificate"])
def test_status_of_a_certificate_is_awaited_accepted_or_refused(
    status: str, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)

    class Module:
        check_mode = False
        params = {
            "domain_name": "shop.example",
            "alternative_names": [],
            "hosted_zone": "",
            "wait_timeout": 60,
        }

        def client(self, service: str) -> Any:
            return boto3.client(service)

        def fail_json(self, msg: str) -> None:
            raise ModuleFailed({"msg": msg})

    found = {"CertificateArn": "arn:c", "DomainName": "shop.example", "Status": status}
    answers.by_operation |= {
        "DescribeCertificate": lambda given: {"Certificate": dict(found)},
        "ListTagsForCertificate": lambda given: {"Tags": []},
    }
    part = dns_certificate.Certificate(Module())
    meaning = aws_statuses.meaning("certificate", status)
    if meaning == aws_statuses.READY:
        part.wait_until_issued(found)
    else:
        with pytest.raises(ModuleFailed, match=f"status {status}"):
            part.wait_until_issued(found)
    assert (clock.waited > 0) == (meaning == aws_statuses.IN_PROGRESS)


@pytest.mark.parametrize("status", aws_statuses.STATUSES["command"])
def test_status_of_a_command_is_awaited_accepted_or_refused(
    status: str, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)

    class Module:
        check_mode = False
        params = {"name": "user", "script": "true", "wait_timeout": 60}

        def client(self, service: str) -> Any:
            return boto3.client(service)

    reported = {"Status": status, "StatusDetails": status, "StandardErrorContent": "no route"}
    answers.by_operation |= {
        "SendCommand": lambda given: {"Command": {"CommandId": "c"}},
        "GetCommandInvocation": lambda given: reported,
    }
    failure = ec2_run_script.ScriptRun(Module())._run("i-1")
    meaning = aws_statuses.meaning("command", status)
    expected = {aws_statuses.READY: None, aws_statuses.IN_PROGRESS: "the script did not finish within 60 s"}
    assert failure == expected.get(meaning, f"{status}: no route")
    assert (clock.waited > 0) == (meaning == aws_statuses.IN_PROGRESS)
