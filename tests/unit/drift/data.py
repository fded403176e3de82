"""Databases, tables, images, keys, secrets, logs, topics and alarms."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.drift import world
from tests.unit.drift.harness import Case, aws

CREATED = "AWS cannot change it after creation; the module says so"
DATABASE = {"DBInstanceIdentifier": "drift"}
ALARM = "drift-cpu"


def database(**change: Any) -> None:
    aws("rds").modify_db_instance(**DATABASE, ApplyImmediately=True, **change)


def rds_untag(kind: str, name: str) -> None:
    arn = f"arn:aws:rds:ap-northeast-2:{world.ACCOUNT}:{kind}:{name}"
    aws("rds").remove_tags_from_resource(ResourceName=arn, TagKeys=["ManagedBy"])


def parameter(name: str, value: str) -> None:
    change = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
    aws("rds").modify_db_parameter_group(DBParameterGroupName="drift-own", Parameters=[change])


def table(**change: Any) -> None:
    aws("dynamodb").update_table(TableName="drift", **change)


def mutability(*patterns: str, kind: str = "IMMUTABLE_WITH_EXCLUSION") -> None:
    filters = [{"filterType": "WILDCARD", "filter": pattern} for pattern in patterns]
    more = {"imageTagMutabilityExclusionFilters": filters} if filters else {}
    aws("ecr").put_image_tag_mutability(repositoryName="drift", imageTagMutability=kind, **more)


def topic_arn() -> str:
    return f"arn:aws:sns:ap-northeast-2:{world.ACCOUNT}:drift-alarms"


def topic(name: str, value: str) -> None:
    aws("sns").set_topic_attributes(TopicArn=topic_arn(), AttributeName=name, AttributeValue=value)


def alarm(**change: Any) -> None:
    found = aws("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]
    kept = (
        "AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "EvaluationPeriods",
        "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData", "Metrics",
    )  # fmt: skip
    aws("cloudwatch").put_metric_alarm(**{key: found[key] for key in kept if key in found} | change)


def metrics(**change: Any) -> None:
    found = aws("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]["Metrics"]
    found[0]["MetricStat"] |= change
    alarm(Metrics=found)


def unsubscribe() -> None:
    found = aws("sns").list_subscriptions_by_topic(TopicArn=topic_arn())["Subscriptions"]
    aws("sns").unsubscribe(SubscriptionArn=found[0]["SubscriptionArn"])


def lifecycle(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


def key_policy(action: str) -> str:
    statement = {
        "Sid": "Owner",
        "Effect": "Allow",
        "Action": action,
        "Principal": {"AWS": f"arn:aws:iam::{world.ACCOUNT}:root"},
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def topic_policy(service: str) -> dict[str, Any]:
    statement = {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Action": "sns:Publish",
        "Principal": {"Service": service},
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def key_id() -> str:
    return aws("kms").describe_key(KeyId="alias/drift-own")["KeyMetadata"]["KeyId"]


CASES = {
    "teal.platform.rds_instance": Case(
        arguments=lambda: {
            "name": "drift",
            "engine_version": "17",
            "instance_class": "db.t4g.small",
            "database_name": "shop",
            "max_storage_gib": 100,
            "logs": ["postgresql"],
            "parameter_group": world.parameter_group("drift-postgres17"),
            "security_group_ids": [world.group("drift-database")],
            "tags": world.TAGS,
        },
        rows={
            "CreateDBInstance.AutoMinorVersionUpgrade": lambda: database(AutoMinorVersionUpgrade=False),
            "CreateDBInstance.BackupRetentionPeriod": lambda: database(BackupRetentionPeriod=1),
            "CreateDBInstance.CopyTagsToSnapshot": lambda: database(CopyTagsToSnapshot=False),
            "CreateDBInstance.DBInstanceClass": lambda: database(DBInstanceClass="db.m7g.large"),
            "CreateDBInstance.DeletionProtection": lambda: database(DeletionProtection=True),
            "CreateDBInstance.EnableCloudwatchLogsExports": lambda: database(
                CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]}
            ),
            "CreateDBInstance.EnableIAMDatabaseAuthentication": lambda: database(
                EnableIAMDatabaseAuthentication=False
            ),
            "CreateDBInstance.EnablePerformanceInsights": lambda: database(EnablePerformanceInsights=True),
            "CreateDBInstance.ManageMasterUserPassword": lambda: database(
                ManageMasterUserPassword=False, MasterUserPassword="somebody-knows-it"
            ),
            "CreateDBInstance.MaxAllocatedStorage": lambda: database(MaxAllocatedStorage=1000),
            "CreateDBInstance.MultiAZ": lambda: database(MultiAZ=True),
            "CreateDBInstance.PubliclyAccessible": lambda: database(PubliclyAccessible=True),
            "CreateDBInstance.StorageType": lambda: database(StorageType="gp2"),
            "CreateDBInstance.VpcSecurityGroupIds": lambda: database(
                VpcSecurityGroupIds=[world.group("drift-other")]
            ),
            "CreateDBInstance.DBParameterGroupName": lambda: database(
                DBParameterGroupName=world.parameter_group("drift-other17")
            ),
            "CreateDBInstance.Tags": lambda: rds_untag("db", "drift"),
        },
        fixed={
            "CreateDBInstance.AllocatedStorage": "RDS grows it by itself",
            "CreateDBInstance.DBName": CREATED,
            "CreateDBInstance.Engine": CREATED,
            "CreateDBInstance.EngineVersion": "RDS upgrades it; a major one never goes back",
            "CreateDBInstance.MasterUsername": CREATED,
            "CreateDBInstance.StorageEncrypted": "AWS cannot change it after creation",
        },
    ),
    "teal.platform.rds_parameter_group": Case(
        arguments=lambda: {
            "name": "drift-own",
            "family": "postgres17",
            "description": "Parameters",
            "parameters": {"rds.force_ssl": "1", "log_statement": "ddl"},
            "tags": world.TAGS,
        },
        rows={
            "ModifyDBParameterGroup.Parameters": lambda: parameter("rds.force_ssl", "0"),
            "CreateDBParameterGroup.Tags": lambda: rds_untag("pg", "drift-own"),
        },
        fixed={
            "CreateDBParameterGroup.DBParameterGroupFamily": CREATED,
            "CreateDBParameterGroup.Description": "AWS cannot change it after creation",
        },
    ),
    "amazon.aws.rds_subnet_group": Case(
        arguments=lambda: {
            "name": "drift",
            "description": "Subnets",
            "subnets": world.subnets()[:2],
            "state": "present",
            "tags": world.TAGS,
        },
        rows={
            "CreateDBSubnetGroup.DBSubnetGroupDescription": lambda: aws("rds").modify_db_subnet_group(
                DBSubnetGroupName="drift",
                DBSubnetGroupDescription="changed",
                SubnetIds=world.subnets()[:2],
            ),
            "CreateDBSubnetGroup.SubnetIds": lambda: aws("rds").modify_db_subnet_group(
                DBSubnetGroupName="drift",
                DBSubnetGroupDescription="Subnets",
                SubnetIds=world.subnets()[1:],
            ),
            "CreateDBSubnetGroup.Tags": lambda: rds_untag("subgrp", "drift"),
        },
    ),
    "teal.platform.dynamodb_table": Case(
        arguments=lambda: {
            "name": "drift",
            "partition_key": "scope",
            "sort_key": "id",
            "kms_key": world.key("drift-table"),
            "tags": world.TAGS,
        },
        rows={
            "CreateTable.BillingMode": lambda: table(
                BillingMode="PROVISIONED",
                ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            ),
            "CreateTable.DeletionProtectionEnabled": lambda: table(DeletionProtectionEnabled=True),
            "CreateTable.SSESpecification.Enabled": lambda: table(SSESpecification={"Enabled": False}),
            "CreateTable.SSESpecification.KMSMasterKeyId": lambda: table(
                SSESpecification={
                    "Enabled": True,
                    "SSEType": "KMS",
                    "KMSMasterKeyId": world.key("drift-other"),
                }
            ),
            "CreateTable.Tags": lambda: aws("dynamodb").untag_resource(
                ResourceArn=f"arn:aws:dynamodb:ap-northeast-2:{world.ACCOUNT}:table/drift",
                TagKeys=["ManagedBy"],
            ),
            "UpdateContinuousBackups.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": lambda: (
                aws("dynamodb").update_continuous_backups(
                    TableName="drift",
                    PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
                )
            ),
        },
        fixed={
            "CreateTable.AttributeDefinitions": CREATED,
            "CreateTable.KeySchema": CREATED,
            "CreateTable.SSESpecification.SSEType": "there is one type",
        },
    ),
    "teal.platform.ecr_repository": Case(
        arguments=lambda: {
            "name": "drift",
            "lifecycle_policy": lifecycle(5),
            "mutable_tags": ["live-*"],
            "pull_accounts": ["210987654321"],
            "tags": world.TAGS,
        },
        rows={
            "CreateRepository.imageScanningConfiguration.scanOnPush": lambda: aws(
                "ecr"
            ).put_image_scanning_configuration(
                repositoryName="drift", imageScanningConfiguration={"scanOnPush": False}
            ),
            "CreateRepository.imageTagMutability": lambda: mutability(kind="MUTABLE"),
            "CreateRepository.imageTagMutabilityExclusionFilters": lambda: mutability("live-*", "v*"),
            "PutLifecyclePolicy.lifecyclePolicyText": lambda: aws("ecr").put_lifecycle_policy(
                repositoryName="drift", lifecyclePolicyText=json.dumps(lifecycle(1))
            ),
            "SetRepositoryPolicy.policyText": lambda: aws("ecr").delete_repository_policy(
                repositoryName="drift"
            ),
            "CreateRepository.tags": lambda: aws("ecr").untag_resource(
                resourceArn=f"arn:aws:ecr:ap-northeast-2:{world.ACCOUNT}:repository/drift",
                tagKeys=["ManagedBy"],
            ),
        },
        fixed={"CreateRepository.encryptionConfiguration.encryptionType": CREATED},
    ),
    "amazon.aws.kms_key": Case(
        arguments=lambda: {
            "alias": "alias/drift-own",
            "description": "Own",
            "policy": key_policy("kms:*"),
            "enable_key_rotation": True,
            "tags": world.TAGS,
        },
        rows={
            "CreateKey.Description": lambda: aws("kms").update_key_description(
                KeyId=key_id(), Description="changed"
            ),
            "CreateKey.Policy": lambda: aws("kms").put_key_policy(
                KeyId=key_id(), PolicyName="default", Policy=key_policy("kms:Decrypt")
            ),
            "EnableKeyRotation": lambda: aws("kms").disable_key_rotation(KeyId=key_id()),
            "CreateKey.Tags": lambda: aws("kms").untag_resource(KeyId=key_id(), TagKeys=["ManagedBy"]),
        },
        fixed={
            "CreateAlias": "a key without its alias is not found: the next run creates one",
            "CreateKey.BypassPolicyLockoutSafetyCheck": "it counts at creation",
            "CreateKey.CustomerMasterKeySpec": "AWS cannot change it after creation",
            "CreateKey.KeyUsage": "AWS cannot change it after creation",
            "CreateKey.MultiRegion": "AWS cannot change it after creation",
            "CreateKey.Origin": "AWS cannot change it after creation",
        },
    ),
    "teal.platform.log_groups": Case(
        arguments=lambda: {"names": ["/drift/one"], "retention_days": 30, "tags": world.TAGS},
        rows={
            "PutRetentionPolicy.retentionInDays": lambda: aws("logs").put_retention_policy(
                logGroupName="/drift/one", retentionInDays=1
            ),
            "CreateLogGroup.tags": lambda: aws("logs").untag_log_group(
                logGroupName="/drift/one", tags=["ManagedBy"]
            ),
        },
    ),
    "teal.platform.secretsmanager_secrets": Case(
        arguments=lambda: {
            "prefix": "drift/",
            "secrets": [{"name": "keys", "description": "Keys"}],
            "owner_tags": {"Environment": "staging"},
            "tags": world.TAGS,
        },
        rows={
            "CreateSecret.Description": lambda: aws("secretsmanager").update_secret(
                SecretId="drift/keys", Description="changed"
            ),
            "CreateSecret.Tags": lambda: aws("secretsmanager").untag_resource(
                SecretId="drift/keys", TagKeys=["ManagedBy"]
            ),
        },
    ),
    "teal.platform.sns_topic": Case(
        arguments=lambda: {
            "name": "drift-alarms",
            "kms_key": world.alias("drift-alarms"),
            "policy": topic_policy("cloudwatch.amazonaws.com"),
            "subscriptions": [{"protocol": "email", "endpoint": "team@example.com"}],
            "tags": world.TAGS,
        },
        rows={
            "CreateTopic.Attributes.KmsMasterKeyId": lambda: topic("KmsMasterKeyId", "alias/aws/sns"),
            "SetTopicAttributes.AttributeValue": lambda: topic(
                "Policy", json.dumps(topic_policy("events.amazonaws.com"))
            ),
            "Subscribe.Endpoint": unsubscribe,
            "Subscribe.Protocol": lambda: aws("sns").subscribe(
                TopicArn=topic_arn(), Protocol="https", Endpoint="https://other.example.com"
            ),
            "CreateTopic.Tags": lambda: aws("sns").untag_resource(
                ResourceArn=topic_arn(), TagKeys=["ManagedBy"]
            ),
        },
    ),
    "teal.platform.cloudwatch_alarms": Case(
        arguments=lambda: {
            "prefix": "drift-",
            "topic_arn": world.topic("drift"),
            "alarms": [
                {
                    "name": "cpu",
                    "description": "Busy",
                    "metrics": {
                        "cpu": {
                            "namespace": "AWS/RDS",
                            "metric": "CPUUtilization",
                            "statistic": "Average",
                            "dimensions": {"DBInstanceIdentifier": "drift"},
                        }
                    },
                    "threshold": 80,
                    "period": 300,
                    "periods": 3,
                }
            ],
            "tags": world.TAGS,
        },
        rows={
            "PutMetricAlarm.ActionsEnabled": lambda: aws("cloudwatch").disable_alarm_actions(
                AlarmNames=[ALARM]
            ),
            "PutMetricAlarm.AlarmActions": lambda: alarm(AlarmActions=[]),
            "PutMetricAlarm.OKActions": lambda: alarm(OKActions=[]),
            "PutMetricAlarm.AlarmDescription": lambda: alarm(AlarmDescription="changed"),
            "PutMetricAlarm.ComparisonOperator": lambda: alarm(ComparisonOperator="LessThanThreshold"),
            "PutMetricAlarm.DatapointsToAlarm": lambda: alarm(DatapointsToAlarm=1),
            "PutMetricAlarm.EvaluationPeriods": lambda: alarm(EvaluationPeriods=5),
            "PutMetricAlarm.Metrics": lambda: metrics(Stat="Maximum", Period=60),
            "PutMetricAlarm.Threshold": lambda: alarm(Threshold=99.0),
            "PutMetricAlarm.TreatMissingData": lambda: alarm(TreatMissingData="breaching"),
            "PutMetricAlarm.Tags": lambda: aws("cloudwatch").untag_resource(
                ResourceARN=f"arn:aws:cloudwatch:ap-northeast-2:{world.ACCOUNT}:alarm:{ALARM}",
                TagKeys=["ManagedBy"],
            ),
        },
    ),
}
