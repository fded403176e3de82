from __future__ import annotations

from typing import Any

import boto3
from ansible_collections.teal.platform.plugins.modules import environment_belongings


def tags(environment: str, component: str, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    own = {"Environment": environment, "Application": "shop", "Component": component}
    return [{key: name, value: text} for name, text in own.items()]


def vpc(environment: str) -> str:
    specification = [{"ResourceType": "vpc", "Tags": tags(environment, "network")}]
    made = boto3.client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)
    return made["Vpc"]["VpcId"]


def database(name: str, protected: bool) -> None:
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="x",
        MasterUserPassword="only-a-test-0",
        DeletionProtection=protected,
    )


def ask(run_module: Any, *components: str) -> dict[str, Any]:
    every = components or ("network", "database", "identity", "registry", "alarms", "instance")
    return run_module(
        environment_belongings, environment="staging", application="shop", components=list(every)
    )


def test_nothing_stands(aws: Any, run_module: Any) -> None:
    assert ask(run_module) == {"changed": False, "standing": [], "protected": [], "kept": []}


def test_lists_its_own_and_nobody_elses(aws: Any, run_module: Any) -> None:
    own = vpc("staging")
    vpc("staging-2")
    vpc("production")
    for name in ("shop-staging", "shop-production", "shop-staging2"):
        database(name, protected=True)
    iam = boto3.client("iam")
    for path, name in (("/shop-staging/", "a"), ("/shop-production/", "b")):
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")
    found = ask(run_module)
    assert found["standing"] == ["database database shop-staging", "identity role a", f"network vpc {own}"]
    assert found["protected"] == ["database database shop-staging"]
    assert ask(run_module, "network")["standing"] == [f"network vpc {own}"]


def test_what_carries_no_component_is_always_listed(aws: Any, run_module: Any) -> None:
    ec2 = boto3.client("ec2")
    own = [{"Key": "Environment", "Value": "staging"}, {"Key": "Application", "Value": "shop"}]
    group = ec2.create_security_group(
        GroupName="g", Description="g", TagSpecifications=[{"ResourceType": "security-group", "Tags": own}]
    )
    assert ask(run_module, "database")["standing"] == [f"unknown security-group {group['GroupId']}"]


def test_a_log_group_that_its_service_made_again_is_listed_by_its_name(aws: Any, run_module: Any) -> None:
    logs = boto3.client("logs")
    for name in (
        "/aws/eks/shop-staging/cluster",
        "/aws/eks/shop-staging-2/cluster",
        "/aws/rds/instance/other/x",
        "/aws/ecs/shop-staging",
        "/aws/ecs/shop-staging/x",
    ):
        logs.create_log_group(logGroupName=name)
    assert ask(run_module)["standing"] == ["unknown log-group /aws/eks/shop-staging/cluster"]


def test_what_has_ended_is_not_listed(aws: Any, run_module: Any) -> None:
    ec2 = boto3.client("ec2")
    specification = [{"ResourceType": "instance", "Tags": tags("staging", "instance")}]
    launched = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, TagSpecifications=specification)
    identifier = launched["Instances"][0]["InstanceId"]
    assert f"instance instance {identifier}" in ask(run_module)["standing"]
    ec2.terminate_instances(InstanceIds=[identifier])
    assert ask(run_module)["standing"] == []


def test_what_stays_on_purpose_is_told_apart(aws: Any, run_module: Any) -> None:
    boto3.client("ecr").create_repository(repositoryName="shop")
    kms = boto3.client("kms")
    key = kms.create_key(Tags=tags("staging", "alarms", "TagKey", "TagValue"))["KeyMetadata"]["KeyId"]
    assert ask(run_module)["standing"] == [f"alarms key {key}"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    database("shop-staging", protected=False)
    rds = boto3.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="shop-staging", DBSnapshotIdentifier="shop-staging-final")
    rds.delete_db_instance(DBInstanceIdentifier="shop-staging", SkipFinalSnapshot=True)
    found = ask(run_module)
    assert found["standing"] == []
    assert [text.partition(" (")[0] for text in found["kept"]] == [
        f"alarms key {key}",
        "database db-snapshot shop-staging-final",
        "registry repository shop",
    ]
