from __future__ import annotations

from typing import Any

import boto3
from ansible_collections.teal.platform.plugins.modules import environment_resources_info


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
        environment_resources_info, environment="staging", application="shop", components=list(every)
    )


def test_no_resources(aws: Any, run_module: Any) -> None:
    assert ask(run_module) == {"changed": False, "existing": [], "protected": [], "kept": []}


def test_only_resources_of_the_environment_are_listed(aws: Any, run_module: Any) -> None:
    own = vpc("staging")
    vpc("staging-2")
    vpc("production")
    for name in ("shop-staging", "shop-production", "shop-staging2"):
        database(name, protected=True)
    iam = boto3.client("iam")
    for path, name in (("/shop-staging/", "a"), ("/shop-production/", "b")):
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")
    found = ask(run_module)
    assert found["existing"] == ["database database shop-staging", "identity role a", f"network vpc {own}"]
    assert found["protected"] == ["database database shop-staging"]
    assert ask(run_module, "network")["existing"] == [f"network vpc {own}"]


def test_resources_of_an_environment_with_the_same_prefix_are_not_listed(aws: Any, run_module: Any) -> None:
    """`shop-staging-2-releases` is of the environment `staging-2`, whatever it begins with."""
    database("shop-staging-2", protected=True)
    rds = boto3.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="shop-staging-2", DBSnapshotIdentifier="shop-staging-2-final")
    ec2 = boto3.client("ec2")
    network = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"][:2]]
    elb = boto3.client("elbv2")
    for environment in ("staging", "staging-2"):
        own = tags(environment, "database")
        name = f"shop-{environment}"
        rds.create_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=subnets, Tags=own
        )
        rds.create_db_parameter_group(
            DBParameterGroupName=f"{name}-postgres17",
            DBParameterGroupFamily="postgres17",
            Description="x",
            Tags=own,
        )
        boto3.client("dynamodb").create_table(
            TableName=f"{name}-releases",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        elb.create_load_balancer(Name=name, Subnets=subnets)
        for slot in ("blue", "green"):
            elb.create_target_group(Name=f"{name}-{slot}", Protocol="HTTP", Port=80, VpcId=network)
        boto3.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}-discord")
    every = ("database", "release_store", "load_balancer", "functions")
    assert ask(run_module, *every)["existing"] == [
        "database db-parameter-group shop-staging-postgres17",
        "database db-subnet-group shop-staging",
        "load_balancer load-balancer shop-staging",
        "load_balancer target-group shop-staging-blue",
        "load_balancer target-group shop-staging-green",
        "release_store table shop-staging-releases",
    ]
    assert ask(run_module, *every)["kept"] == []


def test_other_resources_of_the_account_cause_no_calls(aws: Any, run_module: Any, monkeypatch: Any) -> None:
    import botocore.client

    def calls() -> list[str]:
        made: list[str] = []
        real = botocore.client.BaseClient._make_api_call

        def call(self: Any, operation: str, given: dict[str, Any]) -> Any:
            made.append(operation)
            return real(self, operation, given)

        with monkeypatch.context() as patched:
            patched.setattr(botocore.client.BaseClient, "_make_api_call", call)
            ask(run_module)
        return made

    def fill(count: int) -> None:
        for n in range(count):
            boto3.client("kms").create_key()
            boto3.client("logs").create_log_group(logGroupName=f"/other/{count}/{n}")
            boto3.client("acm").request_certificate(DomainName=f"{n}.{count}.example.com")

    fill(1)
    few = calls()
    fill(12)
    assert sorted(calls()) == sorted(few)


def test_deleted_resource_that_the_tagging_api_still_returns_is_not_listed(
    aws: Any, run_module: Any, monkeypatch: Any
) -> None:
    import botocore.client

    real = botocore.client.BaseClient._make_api_call
    gone = {
        "acm": "arn:aws:acm:ap-northeast-2:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        "kms": "arn:aws:kms:ap-northeast-2:123456789012:key/12345678-1234-1234-1234-123456789012",
        "logs": "arn:aws:logs:ap-northeast-2:123456789012:log-group:/shop-staging/blue",
    }
    asked = []

    def call(self: Any, operation: str, given: dict[str, Any]) -> Any:
        if operation != "GetResources":
            return real(self, operation, given)
        (service,) = given["ResourceTypeFilters"]
        asked.append(service)
        return {"ResourceTagMappingList": [{"ResourceARN": gone[service], "Tags": []}]}

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    assert ask(run_module)["existing"] == []
    assert sorted(asked) == ["acm", "kms", "logs"]


def test_certificates_keys_and_log_groups_are_listed(aws: Any, run_module: Any) -> None:
    acm, logs, kms = boto3.client("acm"), boto3.client("logs"), boto3.client("kms")
    own = acm.request_certificate(DomainName="shop.example.com", Tags=tags("staging", "load_balancer"))
    keys = {}
    acm.request_certificate(DomainName="2.example.com", Tags=tags("staging-2", "load_balancer"))
    for environment in ("staging", "staging-2"):
        group = {key["Key"]: key["Value"] for key in tags(environment, "functions")}
        logs.create_log_group(logGroupName=f"/aws/lambda/shop-{environment}-x", tags=group)
        key = kms.create_key(Tags=tags(environment, "alarms", "TagKey", "TagValue"))["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/shop-{environment}-alarms", TargetKeyId=key)
        keys[environment] = key
    assert ask(run_module, "alarms", "functions", "load_balancer")["existing"] == [
        f"alarms key {keys['staging']}",
        "functions log-group /aws/lambda/shop-staging-x",
        f"load_balancer certificate {own['CertificateArn']}",
    ]


def test_untagged_key_of_a_killed_run_is_listed_by_its_alias(aws: Any, run_module: Any) -> None:
    kms = boto3.client("kms")
    for name in ("shop-staging-alarms", "shop-staging-2-alarms", "shop-staging-other"):
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    own = kms.describe_key(KeyId="alias/shop-staging-alarms")["KeyMetadata"]["KeyId"]
    assert ask(run_module)["existing"] == [f"alarms key {own}"]


def test_resource_without_component_tag_is_always_listed(aws: Any, run_module: Any) -> None:
    ec2 = boto3.client("ec2")
    own = [{"Key": "Environment", "Value": "staging"}, {"Key": "Application", "Value": "shop"}]
    group = ec2.create_security_group(
        GroupName="g", Description="g", TagSpecifications=[{"ResourceType": "security-group", "Tags": own}]
    )
    assert ask(run_module, "database")["existing"] == [f"unknown security-group {group['GroupId']}"]


def test_log_group_recreated_by_its_service_is_listed_by_name(aws: Any, run_module: Any) -> None:
    logs = boto3.client("logs")
    for name in (
        "/aws/eks/shop-staging/cluster",
        "/aws/eks/shop-staging-2/cluster",
        "/aws/rds/instance/other/x",
        "/aws/ecs/shop-staging",
        "/aws/ecs/shop-staging/x",
    ):
        logs.create_log_group(logGroupName=name)
    assert ask(run_module)["existing"] == ["unknown log-group /aws/eks/shop-staging/cluster"]


def test_terminated_resources_are_not_listed(aws: Any, run_module: Any) -> None:
    ec2 = boto3.client("ec2")
    specification = [{"ResourceType": "instance", "Tags": tags("staging", "instance")}]
    launched = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, TagSpecifications=specification)
    identifier = launched["Instances"][0]["InstanceId"]
    assert f"instance instance {identifier}" in ask(run_module)["existing"]
    ec2.terminate_instances(InstanceIds=[identifier])
    assert ask(run_module)["existing"] == []


def test_kept_resources_are_listed_separately(aws: Any, run_module: Any) -> None:
    boto3.client("ecr").create_repository(repositoryName="shop")
    kms = boto3.client("kms")
    key = kms.create_key(Tags=tags("staging", "alarms", "TagKey", "TagValue"))["KeyMetadata"]["KeyId"]
    assert ask(run_module)["existing"] == [f"alarms key {key}"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    database("shop-staging", protected=False)
    rds = boto3.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="shop-staging", DBSnapshotIdentifier="shop-staging-final")
    rds.delete_db_instance(DBInstanceIdentifier="shop-staging", SkipFinalSnapshot=True)
    found = ask(run_module)
    assert found["existing"] == []
    assert [text.partition(" (")[0] for text in found["kept"]] == [
        f"alarms key {key}",
        "database db-snapshot shop-staging-final",
        "registry repository shop",
    ]
