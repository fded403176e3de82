"""The emulated AWS refuses requests that violate AWS's models or documented limits."""

from __future__ import annotations

from typing import Any

import pytest
import regex
from aws_resources import load_balancer, name, network, target_group
from botocore.exceptions import ClientError
from moto.core.utils import get_service_model

from rehearsal import documented_limits, request_limits

SERVICES = (
    "acm",
    "apigatewayv2",
    "autoscaling",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "ecr",
    "eks",
    "elbv2",
    "iam",
    "kms",
    "lambda",
    "logs",
    "rds",
    "resourcegroupstaggingapi",
    "route53",
    "secretsmanager",
    "service-quotas",
    "sns",
    "ssm",
    "sts",
)
TRUST = '{"Version": "2012-10-17", "Statement": []}'
TABLE = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
DATABASE = {
    "DBInstanceClass": "db.t4g.micro",
    "Engine": "postgres",
    "MasterUsername": "teal",
    "ManageMasterUserPassword": True,
    "AllocatedStorage": 20,
}
ALARM = {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 1.0}


@pytest.mark.parametrize(
    ("service", "call", "arguments", "code", "says"),
    [
        (
            "iam",
            "create_role",
            {"RoleName": "x" * 65},
            "ValidationError",
            "'roleName'.*less than or equal to 64",
        ),
        (
            "iam",
            "create_role",
            {"RoleName": "a b"},
            "ValidationError",
            r"'roleName'.*pattern: \[\\w\+=,\.@-\]\+",
        ),
        (
            "iam",
            "create_role",
            {"MaxSessionDuration": 43201},
            "ValidationError",
            "'maxSessionDuration'.*43200",
        ),
        ("dynamodb", "create_table", {"TableName": "a/b"}, "ValidationException", "'tableName'"),
        (
            "dynamodb",
            "create_table",
            {"BillingMode": "FREE"},
            "ValidationException",
            "enum value set: .*PROVISIONED",
        ),
        (
            "ecr",
            "create_repository",
            {"repositoryName": "Upper"},
            "InvalidParameterException",
            "'repositoryName'",
        ),
        ("eks", "create_cluster", {"name": "x" * 101}, "InvalidParameterException", "'name'.*100"),
        ("kms", "create_alias", {"AliasName": "alias/a b"}, "ValidationException", "'aliasName'"),
        ("logs", "create_log_group", {"logGroupName": "a:b"}, "InvalidParameterException", "'logGroupName'"),
        (
            "lambda",
            "create_function",
            {"MemorySize": 32769},
            "ValidationException",
            "'memorySize'.*value less.*32768",
        ),
        (
            "lambda",
            "create_function",
            {"FunctionName": "x" * 65},
            "ValidationException",
            "'functionName'.*64",
        ),
        (
            "ec2",
            "create_launch_template",
            {"LaunchTemplateName": "a b"},
            "InvalidParameterValue",
            "'launchTempl",
        ),
        ("cloudwatch", "put_metric_alarm", {"AlarmName": "x" * 256}, "ValidationError", "'alarmName'.*255"),
        ("elbv2", "create_target_group", {"Name": "x" * 33}, "ValidationError", "'name'.*32"),
        ("elbv2", "create_target_group", {"Name": "ends-"}, "ValidationError", "'name'.*pattern"),
        ("elbv2", "create_target_group", {"Port": 65536}, "ValidationError", "'port'.*65535"),
        (
            "ec2",
            "create_security_group",
            {"Description": "the bastion's"},
            "InvalidParameterValue",
            "'description'",
        ),
        (
            "rds",
            "create_db_instance",
            {"DBInstanceIdentifier": "a--b"},
            "InvalidParameterValue",
            "'dBInstanceId",
        ),
        ("secretsmanager", "create_secret", {"Name": "a b"}, "ValidationException", "'name'"),
        ("sns", "create_topic", {"Name": "a.b"}, "InvalidParameter", "'name'"),
        ("ssm", "get_parameters", {"Names": ["x"] * 11}, "ValidationException", "'names'.*10"),
        ("apigatewayv2", "create_api", {"Name": "x" * 129}, "BadRequestException", "'name'.*128"),
        (
            "route53",
            "create_hosted_zone",
            {"CallerReference": "x" * 129},
            "InvalidInput",
            "'callerReference'.*128",
        ),
    ],
)
def test_requests_over_the_limits_are_refused(
    patched: Any, service: str, call: str, arguments: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(patched.client(service), call)(**{**VALID[call], **arguments})
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert regex.search(says, error["Message"]), error["Message"]


VALID: dict[str, dict[str, Any]] = {
    "create_role": {"RoleName": "x", "AssumeRolePolicyDocument": TRUST},
    "create_table": {"TableName": "xxx", **TABLE},
    "create_repository": {"repositoryName": "xx"},
    "create_cluster": {"name": "x", "roleArn": "arn:aws:iam::123456789012:role/x", "resourcesVpcConfig": {}},
    "create_alias": {"AliasName": "alias/x", "TargetKeyId": "x"},
    "create_log_group": {"logGroupName": "x"},
    "create_function": {
        "FunctionName": "x",
        "Role": "arn:aws:iam::123456789012:role/x",
        "Code": {"ZipFile": b"x"},
    },
    "put_metric_alarm": {"AlarmName": "x", **ALARM},
    "create_target_group": {"Name": "x", "Protocol": "HTTP", "Port": 80},
    "create_security_group": {"GroupName": "x", "Description": "x"},
    "create_db_instance": {"DBInstanceIdentifier": "x", **DATABASE},
    "create_launch_template": {"LaunchTemplateName": "xxx", "LaunchTemplateData": {"ImageId": "ami-1"}},
    "create_secret": {"Name": "x"},
    "create_topic": {"Name": "x"},
    "get_parameters": {"Names": ["x"]},
    "create_api": {"Name": "x", "ProtocolType": "HTTP"},
    "create_hosted_zone": {"Name": "example.com", "CallerReference": "x"},
}


def test_all_problems_of_a_request_are_listed(patched: Any) -> None:
    with pytest.raises(
        ClientError, match=r"2 validation errors detected: .*'roleName'.*; .*'path'|'path'.*'roleName'"
    ):
        patched.client("iam").create_role(RoleName="a b", Path="x", AssumeRolePolicyDocument=TRUST)


def test_twenty_resources_are_described_in_one_call(patched: Any) -> None:
    vpc, _ = network(patched)
    arns = [load_balancer(patched)["LoadBalancerArn"], *(target_group(patched, vpc) for _ in range(20))]
    elb = patched.client("elbv2")
    assert len(elb.describe_tags(ResourceArns=arns[:20])["TagDescriptions"]) == 20
    with pytest.raises(
        ClientError, match=r"'resourceArns' failed .* Member must have length less than or equal to 20"
    ):
        elb.describe_tags(ResourceArns=arns)


def test_twenty_parameters_of_a_database_are_set_in_one_call(patched: Any) -> None:
    parameters = [
        {"ParameterName": f"p{number}", "ParameterValue": "1", "ApplyMethod": "immediate"}
        for number in range(21)
    ]
    with pytest.raises(
        ClientError, match=r"'parameters' failed .* Member must have length less than or equal to 20"
    ):
        patched.client("rds").modify_db_parameter_group(DBParameterGroupName="x", Parameters=parameters)


def test_secret_values_are_not_shown(patched: Any) -> None:
    with pytest.raises(ClientError) as refused:
        patched.client("secretsmanager").create_secret(Name=name(), SecretString="planted" * 10_000)
    assert "planted" not in str(refused.value)
    assert "Value at 'secretString' failed" in str(refused.value)


def test_only_aws_sets_reserved_tags(patched: Any) -> None:
    tag = {"Key": "aws:cloudformation:stack-name", "Value": "other"}
    arn = load_balancer(patched)["LoadBalancerArn"]
    with pytest.raises(ClientError, match="Member must not begin with aws:"):
        patched.client("elbv2").add_tags(ResourceArns=[arn], Tags=[tag])
    aws = patched.client("elbv2", aws_access_key_id=request_limits.AWS_KEY)
    aws.add_tags(ResourceArns=[arn], Tags=[tag])
    assert patched.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"] == [tag]
    with pytest.raises(ClientError, match="Member must not begin with aws:"):
        patched.client("ec2").create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [tag]}]
        )
    with pytest.raises(ClientError, match="Member must not begin with aws:"):
        patched.client("eks").tag_resource(resourceArn="arn:aws:eks:x:1:cluster/x", tags={"aws:x": "y"})


def test_refused_requests_are_recorded(patched: Any) -> None:
    with pytest.raises(ClientError):
        patched.client("ecr").create_repository(repositoryName="Upper")
    last = patched.call("GET", "/rehearsal/calls")[1]["calls"][-1]
    assert (last["operation"], last["status"]) == ("CreateRepository", 400)


@pytest.mark.parametrize("service", SERVICES)
def test_all_patterns_of_the_models_compile(service: str) -> None:
    model, seen = get_service_model(service), set()
    shapes = [model.operation_model(operation).input_shape for operation in model.operation_names]
    while shapes:
        shape = shapes.pop()
        if shape is None or shape.name in seen:
            continue
        seen.add(shape.name)
        if pattern := shape.metadata.get("pattern"):
            request_limits._compiled(pattern)
        match shape.type_name:
            case "structure":
                shapes += shape.members.values()
            case "list":
                shapes.append(shape.member)
            case "map":
                shapes += [shape.key, shape.value]
    assert len(seen) > 20


def test_documented_limits_name_existing_members(patched: Any) -> None:
    """A misspelt member would never be checked."""
    for service, limits in documented_limits.LIMITS.items():
        model = get_service_model(service)
        for limit in limits:
            operations = limit.operations or model.operation_names
            assert any(
                _has(model.operation_model(o).input_shape, limit.member.split(".")) for o in operations
            ), limit


def _has(shape: Any, names: list[str]) -> bool:
    if shape is None or shape.type_name == "map":
        return False
    if shape.type_name == "list":
        return names == ["*"] or not names or _has(shape.member, names)
    if not names:
        return True
    return (
        shape.type_name == "structure"
        and names[0] in shape.members
        and _has(shape.members[names[0]], names[1:])
    )
