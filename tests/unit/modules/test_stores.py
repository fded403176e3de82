"""dynamodb_table, ecr_repository and vpc_flow_log: create, no change, drift, delete."""

from __future__ import annotations

import json

import boto3
import botocore.client
import pytest
from ansible_collections.teal.platform.plugins.module_utils import resource
from ansible_collections.teal.platform.plugins.modules import dynamodb_table, ecr_repository, vpc_flow_log
from botocore.exceptions import ClientError
from support import ModuleFailed

TAGS = {"Application": "shop"}
TABLE = {"name": "shop-releases", "partition_key": "scope", "sort_key": "id", "tags": TAGS}
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5},
            "action": {"type": "expire"},
        }
    ]
}
REPOSITORY = {"name": "shop", "lifecycle_policy": LIFECYCLE, "policy": {}, "tags": TAGS}


def test_table(aws, run_module):
    assert run_module(dynamodb_table, check=True, **TABLE)["changed"]
    client = boto3.client("dynamodb")
    assert client.list_tables()["TableNames"] == []
    arn = run_module(dynamodb_table, **TABLE)["arn"]
    table = client.describe_table(TableName="shop-releases")["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["scope", "id"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert not run_module(dynamodb_table, **TABLE)["changed"]

    recovery = {"PointInTimeRecoveryEnabled": False}
    client.update_continuous_backups(TableName="shop-releases", PointInTimeRecoverySpecification=recovery)
    client.untag_resource(ResourceArn=arn, TagKeys=["Application"])
    drift = run_module(dynamodb_table, check=True, **TABLE)["diff"]
    assert not drift["before"]["point_in_time_recovery"] and "Application" not in drift["before"]["tags"]
    assert run_module(dynamodb_table, **TABLE)["changed"]
    assert not run_module(dynamodb_table, **TABLE)["changed"]

    with pytest.raises(ModuleFailed, match="cannot change: keys"):
        run_module(dynamodb_table, **{**TABLE, "sort_key": "other"})


def test_backup_status_of_a_new_table_is_requested_again(aws, run_module, monkeypatch):
    """AWS answers so for some seconds after the table is ACTIVE."""
    real, refusals = botocore.client.BaseClient._make_api_call, ["Unavailable", "Unavailable"]

    def call(self, operation, arguments):
        if operation == "UpdateContinuousBackups" and refusals:
            code = f"ContinuousBackups{refusals.pop()}Exception"
            raise ClientError({"Error": {"Code": code, "Message": "Backups are being enabled"}}, operation)
        return real(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    monkeypatch.setattr(resource.time, "sleep", lambda seconds: None)
    assert run_module(dynamodb_table, **TABLE)["changed"]
    assert not refusals
    assert not run_module(dynamodb_table, **TABLE)["changed"]
    refusals.append("Broken")
    with pytest.raises(ModuleFailed, match="dynamodb:UpdateContinuousBackups failed for"):
        run_module(dynamodb_table, **TABLE, point_in_time_recovery=False)


def test_key_of_a_table_can_be_set_later(rehearsed, run_module):
    client, kms = boto3.client("dynamodb"), boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/shop-releases", TargetKeyId=key["KeyId"])

    def own():
        return client.describe_table(TableName="shop-releases")["Table"]["SSEDescription"]["KMSMasterKeyArn"]

    try:
        run_module(dynamodb_table, **TABLE)
        default = own()
        for name in ("alias/shop-releases", key["KeyId"], key["Arn"]):
            reported = run_module(dynamodb_table, check=True, **TABLE, kms_key=name)["diff"]
            assert (reported["before"]["kms_key"], reported["after"]["kms_key"]) == (default, key["Arn"])
        assert run_module(dynamodb_table, **TABLE, kms_key="alias/shop-releases")["changed"]
        assert own() == key["Arn"]
        assert not run_module(dynamodb_table, **TABLE, kms_key="alias/shop-releases")["changed"]
        # Without one, AWS's own is wanted.
        assert run_module(dynamodb_table, **TABLE)["changed"]
        assert own() == default
        assert not run_module(dynamodb_table, **TABLE)["changed"]
        with pytest.raises(ModuleFailed, match="kms:DescribeKey failed for table"):
            run_module(dynamodb_table, **TABLE, kms_key="alias/none")
    finally:
        run_module(dynamodb_table, name="shop-releases", state="absent")


def test_protected_table_is_deleted_on_request(aws, run_module):
    run_module(dynamodb_table, **TABLE, deletion_protection=True)
    client = boto3.client("dynamodb")
    assert client.describe_table(TableName="shop-releases")["Table"]["DeletionProtectionEnabled"]
    assert run_module(dynamodb_table, name="shop-releases", state="absent")["changed"]
    assert client.list_tables()["TableNames"] == []
    assert not run_module(dynamodb_table, name="shop-releases", state="absent")["changed"]


def test_repository(aws, run_module):
    assert run_module(ecr_repository, check=True, **REPOSITORY)["changed"]
    client = boto3.client("ecr")
    assert client.describe_repositories()["repositories"] == []
    uri = run_module(ecr_repository, **REPOSITORY)["uri"]
    found = client.describe_repositories()["repositories"][0]
    assert uri == found["repositoryUri"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    policy = client.get_lifecycle_policy(repositoryName="shop")["lifecyclePolicyText"]
    assert json.loads(policy) == LIFECYCLE
    assert not run_module(ecr_repository, **REPOSITORY)["changed"]

    client.put_image_tag_mutability(repositoryName="shop", imageTagMutability="MUTABLE")
    client.delete_lifecycle_policy(repositoryName="shop")
    drift = run_module(ecr_repository, check=True, **REPOSITORY)["diff"]["before"]
    assert not drift["immutable_tags"] and drift["lifecycle_policy"] == {}
    assert run_module(ecr_repository, **REPOSITORY)["changed"]
    assert not run_module(ecr_repository, **REPOSITORY)["changed"]


def test_mutable_image_tags(aws, run_module):
    moving = {**REPOSITORY, "mutable_tags": ["live-*"]}
    client = boto3.client("ecr")

    def mutability():
        return client.describe_repositories()["repositories"][0]["imageTagMutability"]

    run_module(ecr_repository, **REPOSITORY)
    assert run_module(ecr_repository, **moving)["diff"]["before"]["mutable_tags"] == []
    assert mutability() == "IMMUTABLE_WITH_EXCLUSION"
    assert not run_module(ecr_repository, **moving)["changed"]
    assert run_module(ecr_repository, **moving, immutable_tags=False)["changed"]
    assert mutability() == "MUTABLE"
    assert not run_module(ecr_repository, **moving, immutable_tags=False)["changed"]
    client.delete_repository(repositoryName="shop")
    assert run_module(ecr_repository, **moving)["changed"]
    assert mutability() == "IMMUTABLE_WITH_EXCLUSION"
    assert not run_module(ecr_repository, **moving)["changed"]


def test_repository_policy_is_set_and_removed(aws, run_module):
    pull = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": ["ecr:BatchGetImage"],
            }
        ],
    }
    run_module(ecr_repository, **{**REPOSITORY, "policy": pull})
    assert not run_module(ecr_repository, **{**REPOSITORY, "policy": pull})["changed"]
    assert run_module(ecr_repository, **REPOSITORY)["diff"]["before"]["policy"] == pull
    assert not run_module(ecr_repository, **REPOSITORY)["changed"]


def test_repository_is_deleted_with_its_images(aws, run_module):
    run_module(ecr_repository, **REPOSITORY)
    client = boto3.client("ecr")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
    client.put_image(repositoryName="shop", imageManifest=json.dumps(manifest), imageTag="1.0.0")
    assert run_module(ecr_repository, name="shop", state="absent")["changed"]
    assert client.describe_repositories()["repositories"] == []
    assert not run_module(ecr_repository, name="shop", state="absent")["changed"]


def test_encryption_cannot_be_changed(aws, run_module):
    run_module(ecr_repository, **REPOSITORY)
    with pytest.raises(ModuleFailed, match="cannot change: encryption"):
        run_module(ecr_repository, **REPOSITORY, encryption="KMS")


def test_flow_log(aws, run_module):
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    for bucket in ("shop-flows", "more-flows"):
        boto3.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"}
        )
    log = {"vpc_id": vpc, "name": "shop", "bucket_arn": "arn:aws:s3:::shop-flows", "tags": TAGS}
    assert run_module(vpc_flow_log, check=True, **log)["changed"]
    first = run_module(vpc_flow_log, **log)["flow_log_id"]
    assert not run_module(vpc_flow_log, **log)["changed"]
    moved = run_module(vpc_flow_log, **{**log, "bucket_arn": "arn:aws:s3:::more-flows"})
    assert moved["changed"] and moved["flow_log_id"] != first
    assert len(ec2.describe_flow_logs()["FlowLogs"]) == 1
    assert run_module(vpc_flow_log, vpc_id=vpc, name="shop", state="absent")["changed"]
    assert ec2.describe_flow_logs()["FlowLogs"] == []
    assert not run_module(vpc_flow_log, vpc_id=vpc, name="shop", state="absent")["changed"]
