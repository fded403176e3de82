"""access_info fails within seconds, and says what to do."""

from __future__ import annotations

import time

import botocore.client
import pytest
from ansible_collections.teal.platform.plugins.module_utils import aws_errors
from ansible_collections.teal.platform.plugins.modules import access_info
from botocore.exceptions import ClientError
from support import ModuleFailed

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: a, user: {token: planted}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
"""


def test_account_and_identity_are_returned(aws, run_module):
    assert run_module(access_info, allowed_accounts=["123456789012"])["account"] == "123456789012"


def test_wrong_account_is_refused(aws, run_module):
    with pytest.raises(ModuleFailed, match=r"account 123456789012 .* allows only 111111111111"):
        run_module(access_info, allowed_accounts=["111111111111"])


def test_no_credentials(monkeypatch, run_module, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(ModuleFailed, match="no AWS credentials"):
        run_module(access_info, region="ap-northeast-2")


def test_unreachable_endpoint_is_an_error(monkeypatch, run_module):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    started = time.monotonic()
    with pytest.raises(ModuleFailed, match=r"AWS_ENDPOINT_URL=http://127\.0\.0\.1:1 does not answer"):
        run_module(access_info, region="ap-northeast-2")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("code", "advice"), [("ExpiredToken", "sign in again"), ("InvalidClientTokenId", "does not know these")]
)
def test_rejected_credentials_are_an_error(code, advice):
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")
    message = aws_errors.describe_aws_error(error, "ap-northeast-2")
    assert advice in message and code in message


def test_disabled_region_is_an_error(aws, run_module, monkeypatch):
    from botocore.client import BaseClient

    original = BaseClient._make_api_call

    def answer(self, operation, arguments):
        if operation == "DescribeRegions":
            return {"Regions": [{"RegionName": "ap-east-1", "OptInStatus": "not-opted-in"}]}
        return original(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    with pytest.raises(ModuleFailed, match="Region ap-east-1 is not enabled"):
        run_module(access_info, region="ap-east-1")


def test_unreachable_cluster_is_an_error(aws, run_module, tmp_path):
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    with pytest.raises(ModuleFailed, match=r"does not respond: .*refused") as failed:
        run_module(access_info, kubeconfig=str(kubeconfig))
    assert "planted" not in failed.value.result["msg"]


def test_invalid_kubeconfig_is_an_error(aws, run_module, tmp_path):
    (tmp_path / "kubeconfig").write_text("hello")
    with pytest.raises(ModuleFailed, match="cannot be used"):
        run_module(access_info, kubeconfig=str(tmp_path / "kubeconfig"))


# -- before a build ----------------------------------------------------------------------------------

NODES = {"cluster": "shop-staging", "instance_type": "t3.large", "count": 2}


@pytest.fixture
def answers(aws, monkeypatch):
    """Answers of AWS by operation, instead of moto's: a dict, or an error's code and message; and what was asked."""

    class Answers(dict):
        asked: list[str] = []

    given = Answers(GetServiceQuota={"Quota": {"Value": 64.0}})
    given.asked = []
    real = botocore.client.BaseClient._make_api_call

    def call(self, operation, arguments):
        given.asked.append(operation)
        answer = given.get(operation)
        if isinstance(answer, tuple):
            raise ClientError({"Error": {"Code": answer[0], "Message": answer[1]}}, operation)
        return answer or real(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return given


def test_unknown_zones_are_reported_with_the_zones_of_the_region(answers, run_module):
    wanted = ["us-west-1a", "us-west-1c"]
    with pytest.raises(
        ModuleFailed,
        match=r"network_zones: us-west-1c does not exist in us-west-1 .* zones are us-west-1a, us-west-1b\.",
    ):
        run_module(access_info, region="us-west-1", zones=wanted)
    assert run_module(access_info, region="us-west-1", zones=["us-west-1a", "us-west-1b"])["account"]


def test_local_zone_is_refused_for_a_network(answers, run_module):
    answers["DescribeAvailabilityZones"] = {
        "AvailabilityZones": [
            {"ZoneName": "us-west-2a", "ZoneId": "usw2-az1", "ZoneType": "availability-zone"},
            {"ZoneName": "us-west-2b", "ZoneId": "usw2-az2", "ZoneType": "availability-zone"},
            {"ZoneName": "us-west-2-lax-1a", "ZoneId": "usw2-lax1-az1", "ZoneType": "local-zone"},
        ]
    }
    with pytest.raises(ModuleFailed, match=r"zones are us-west-2a, us-west-2b\."):
        run_module(access_info, region="us-west-2", zones=["us-west-2a", "us-west-2-lax-1a"])


def test_zone_unsupported_by_eks_is_refused_only_for_a_cluster(answers, run_module):
    answers["DescribeAvailabilityZones"] = {
        "AvailabilityZones": [
            {"ZoneName": f"ca-central-1{name}", "ZoneId": f"cac1-az{number}", "ZoneType": "availability-zone"}
            for name, number in (("a", 1), ("b", 2), ("d", 3))
        ]
    }
    wanted = {"region": "ca-central-1", "zones": ["ca-central-1a", "ca-central-1d"]}
    with pytest.raises(
        ModuleFailed, match=r"no control plane in ca-central-1d\..* of ca-central-1a, ca-central-1b\."
    ):
        run_module(access_info, **wanted, nodes=NODES)
    assert run_module(access_info, **wanted)["account"]


def test_region_denied_by_the_organization_is_reported(answers, run_module):
    """A policy that follows AWS's example for closed regions lets DescribeRegions through."""
    answers["DescribeAvailabilityZones"] = (
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/x is not authorized "
        "to perform: ec2:DescribeAvailabilityZones with an explicit deny in a service control policy",
    )
    with pytest.raises(ModuleFailed, match=r"service control policy of the organization denies"):
        run_module(access_info, region="eu-west-1", zones=["eu-west-1a"])


def test_missing_right_to_list_zones_is_tolerated(answers, run_module):
    answers["DescribeAvailabilityZones"] = (
        "UnauthorizedOperation",
        "because no identity-based policy allows it",
    )
    assert run_module(access_info, region="eu-west-1", zones=["eu-west-1z"])["account"]


@pytest.mark.parametrize("code", ["OptInRequired", "PendingVerification", "Blocked"])
def test_an_account_that_is_not_ready_is_explained(answers, run_module, code):
    answers["DescribeAvailabilityZones"] = (code, "no")
    with pytest.raises(ModuleFailed, match=rf"\({code}\): .*Nothing was created or changed"):
        run_module(access_info, zones=["ap-northeast-2a"])


def test_quota_too_small_for_the_nodes_is_refused(answers, run_module):
    answers["GetServiceQuota"] = {"Quota": {"Value": 5.0}}
    assert run_module(access_info, nodes=NODES)["account"]  # 4 of 5
    with pytest.raises(
        ModuleFailed,
        match=r"shop-staging need 6 vCPUs \(3 x t3\.large\).* leaves 5 \(0 of 5 are in use\).*"
        r"--quota-code L-1216C47A --region ap-northeast-2 --desired-value 6",
    ):
        run_module(access_info, nodes={**NODES, "count": 3})


def test_running_instances_count_against_the_quota(answers, run_module):
    def instance(kind, cores, **more):
        return {"InstanceType": kind, "CpuOptions": {"CoreCount": cores, "ThreadsPerCore": 2}, **more}

    running = [
        instance("m5.xlarge", 2),
        instance("t3.large", 1),
        instance("m5.xlarge", 2, InstanceLifecycle="spot"),  # has a quota of its own
        instance("g5.xlarge", 2),  # likewise
    ]
    answers["DescribeInstances"] = {"Reservations": [{"Instances": running}]}
    answers["GetServiceQuota"] = {"Quota": {"Value": 9.0}}
    with pytest.raises(ModuleFailed, match=r"leaves 3 \(6 of 9 are in use\)"):
        run_module(access_info, nodes=NODES)
    assert run_module(access_info, nodes={**NODES, "capacity_type": "SPOT"})["account"]  # 4 and 4 of 9
    answers["GetServiceQuota"] = {"Quota": {"Value": 10.0}}
    assert run_module(access_info, nodes=NODES)["account"]


@pytest.mark.parametrize(
    "case",
    [
        {"DescribeNodegroup": {"nodegroup": {"status": "ACTIVE"}}},  # they are there, and count as used
        {"GetServiceQuota": ("AccessDeniedException", "no")},
        {"GetServiceQuota": ("NoSuchResourceException", "not in this region")},
    ],
)
def test_quota_is_not_checked_for_existing_nodes_or_without_the_right(answers, run_module, case):
    answers.update({"GetServiceQuota": {"Quota": {"Value": 0.0}}, **case})
    assert run_module(access_info, nodes=NODES)["account"]


def test_each_instance_family_has_its_quota(answers, run_module):
    answers["GetServiceQuota"] = {"Quota": {"Value": 0.0}}
    for kind in ("g5.xlarge", "p5.48xlarge", "inf2.xlarge", "trn1.2xlarge", "x2gd.large", "hpc7g.4xlarge"):
        assert run_module(access_info, nodes={**NODES, "instance_type": kind})["account"]


def test_instance_type_missing_in_the_region_is_reported(answers, run_module):
    answers["DescribeInstanceTypes"] = ("InvalidInstanceType", "no")
    with pytest.raises(ModuleFailed, match=r"EC2 has no t3\.lage in ap-northeast-2"):
        run_module(access_info, nodes={**NODES, "instance_type": "t3.lage"})


def test_quotas_are_not_requested_if_nothing_is_built(answers, run_module):
    run_module(access_info)
    assert answers.asked == ["GetCallerIdentity", "DescribeRegions"]


SUBNETS = {"Subnets": [{"AvailabilityZone": f"ap-northeast-2{zone}"} for zone in "ac"]}


@pytest.mark.parametrize("zones", ["abc", "a", "ab"])
def test_zones_that_differ_from_those_of_existing_nodes_are_refused(answers, run_module, zones):
    answers["DescribeNodegroup"] = {"nodegroup": {"subnets": ["subnet-1", "subnet-2"]}}
    answers["DescribeSubnets"] = SUBNETS
    wanted = [f"ap-northeast-2{zone}" for zone in zones]
    with pytest.raises(
        ModuleFailed,
        match=r"the nodes of shop-qa are in ap-northeast-2a, ap-northeast-2c\. .* Nothing was created",
    ):
        run_module(access_info, zones=wanted, cluster="shop-qa")


@pytest.mark.parametrize(
    "case",
    [
        {"DescribeSubnets": SUBNETS},
        {"DescribeSubnets": ("UnauthorizedOperation", "no")},
        {"DescribeNodegroup": ("ResourceNotFoundException", "no")},
        {"DescribeNodegroup": ("AccessDeniedException", "no")},
    ],
)
def test_matching_or_unknown_zones_of_nodes_are_accepted(answers, run_module, case):
    answers.update({"DescribeNodegroup": {"nodegroup": {"subnets": ["subnet-1"]}}, **case})
    zones = ["ap-northeast-2c", "ap-northeast-2a"]
    assert run_module(access_info, zones=zones, cluster="shop-qa")["account"]
