"""Tags that others set are left alone in every run, and our own go when they are no longer wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import boto3
import pytest
import yaml
from ansible_collections.teal.platform.plugins.modules import (
    cloudwatch_alarms,
    dns_certificate,
    dynamodb_table,
    ecr_repository,
    ignored_tags_info,
    log_groups,
    secretsmanager_secrets,
    sns_topic,
)
from support import ROOT

OWN = {"Application": "shop", "Environment": "staging", "Dropped": "yes"}
OTHERS = {"awsApplication": "arn:of:it", "CostCenter": "4711"}
IGNORED = ["awsApplication", "Cost*"]
ACCOUNT = "123456789012"
WHERE = f"ap-northeast-2:{ACCOUNT}"


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def plain(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


class Case(NamedTuple):
    module: Any
    arguments: Callable[[], dict[str, Any]]
    #: sets tags on the object that the module made, as somebody else does
    tag: Callable[[], Any]
    #: returns the tags of the object
    read: Callable[[], dict[str, str]]


def aws(service: str) -> Any:
    return boto3.client(service)


def certificate() -> str:
    return aws("acm").list_certificates()["CertificateSummaryList"][0]["CertificateArn"]


TABLE = f"arn:aws:dynamodb:{WHERE}:table/shop"
REPOSITORY = f"arn:aws:ecr:{WHERE}:repository/shop"
TOPIC = f"arn:aws:sns:{WHERE}:shop"
GROUP = f"arn:aws:logs:{WHERE}:log-group:/shop"
ALARM = f"arn:aws:cloudwatch:{WHERE}:alarm:shop-a"
METRIC = {"namespace": "AWS/SNS", "metric": "NumberOfMessagesPublished", "statistic": "Sum", "dimensions": {}}
CASES = {
    "dynamodb_table": Case(
        dynamodb_table,
        lambda: {"name": "shop", "partition_key": "pk"},
        lambda: aws("dynamodb").tag_resource(ResourceArn=TABLE, Tags=pairs(OTHERS)),
        lambda: plain(aws("dynamodb").list_tags_of_resource(ResourceArn=TABLE)["Tags"]),
    ),
    "ecr_repository": Case(
        ecr_repository,
        lambda: {"name": "shop"},
        lambda: aws("ecr").tag_resource(resourceArn=REPOSITORY, tags=pairs(OTHERS)),
        lambda: plain(aws("ecr").list_tags_for_resource(resourceArn=REPOSITORY)["tags"]),
    ),
    "sns_topic": Case(
        sns_topic,
        lambda: {"name": "shop"},
        lambda: aws("sns").tag_resource(ResourceArn=TOPIC, Tags=pairs(OTHERS)),
        lambda: plain(aws("sns").list_tags_for_resource(ResourceArn=TOPIC)["Tags"]),
    ),
    "log_groups": Case(
        log_groups,
        lambda: {"names": ["/shop"]},
        lambda: aws("logs").tag_resource(resourceArn=GROUP, tags=OTHERS),
        lambda: aws("logs").list_tags_for_resource(resourceArn=GROUP)["tags"],
    ),
    "secretsmanager_secrets": Case(
        secretsmanager_secrets,
        lambda: {"prefix": "", "secrets": [{"name": "shop"}], "owner_tags": {"Component": "secrets"}},
        lambda: aws("secretsmanager").tag_resource(SecretId="shop", Tags=pairs(OTHERS)),
        lambda: plain(aws("secretsmanager").describe_secret(SecretId="shop")["Tags"]),
    ),
    "cloudwatch_alarms": Case(
        cloudwatch_alarms,
        lambda: {
            "prefix": "shop-",
            "alarms": [
                {"name": "a", "description": "x", "metrics": {"m": METRIC}, "expression": "m", "threshold": 1}
            ],
        },
        lambda: aws("cloudwatch").tag_resource(ResourceARN=ALARM, Tags=pairs(OTHERS)),
        lambda: plain(aws("cloudwatch").list_tags_for_resource(ResourceARN=ALARM)["Tags"]),
    ),
    "dns_certificate": Case(
        dns_certificate,
        lambda: {"domain_name": "x.shop.example.com", "hosted_zone": "shop.example.com"},
        lambda: aws("acm").add_tags_to_certificate(CertificateArn=certificate(), Tags=pairs(OTHERS)),
        lambda: plain(aws("acm").list_tags_for_certificate(CertificateArn=certificate())["Tags"]),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_tags_of_others_are_kept_and_undeclared_own_tags_are_removed(
    case: Case, request: pytest.FixtureRequest, run_module: Any, monkeypatch: Any
) -> None:
    request.getfixturevalue("aws")
    monkeypatch.setattr("moto.settings.ACM_VALIDATION_WAIT", 0)
    aws("route53").create_hosted_zone(Name="shop.example.com", CallerReference="1")
    arguments = {**case.arguments(), "tags": OWN, "ignored_tags": IGNORED}
    assert run_module(case.module, **arguments)["changed"]
    case.tag()
    for check in (True, False):
        result = run_module(case.module, check=check, **arguments)
        assert not result["changed"], result["diff"]
    fewer = {**arguments, "tags": {key: value for key, value in OWN.items() if key != "Dropped"}}
    assert run_module(case.module, **fewer)["changed"]
    tags = case.read()
    assert OTHERS.items() <= tags.items() and "Dropped" not in tags
    # What matches no pattern goes, as before.
    assert run_module(case.module, **{**fewer, "ignored_tags": ["awsApplication"]})["changed"]
    assert "CostCenter" not in case.read() and "awsApplication" in case.read()


def test_default_patterns_are_read_from_the_environment_variable(
    aws: Any, run_module: Any, monkeypatch: Any
) -> None:
    case, arguments = CASES["log_groups"], {**CASES["log_groups"].arguments(), "tags": OWN}
    run_module(log_groups, **arguments)
    case.tag()
    monkeypatch.setenv("TEAL_IGNORED_TAGS", "aws:*,Cost*,awsApplication")
    assert not run_module(log_groups, **arguments)["changed"]
    monkeypatch.delenv("TEAL_IGNORED_TAGS")
    assert run_module(log_groups, **arguments)["changed"]  # CostCenter is nobody's by default
    assert "CostCenter" not in case.read() and "awsApplication" in case.read()


def test_every_module_with_tags_has_the_option() -> None:
    for path in sorted((ROOT / "plugins/modules").glob("*.py")):
        text = path.read_text()
        documentation = yaml.safe_load(text.split('DOCUMENTATION = r"""')[1].split('"""')[0])
        options, fragments = (
            documentation.get("options", {}),
            documentation.get("extends_documentation_fragment", []),
        )
        # A zone that exists is only read.
        if "tags" in options and path.stem != "dns_zone":
            assert "teal.platform.tags" in fragments, path.stem
            assert "IGNORED_TAGS" in text or "**COMMON_ARGUMENTS" in text, path.stem


# -- modules of other collections ----------------------------------------------------------------------


def test_the_tags_of_others_are_looked_up(aws: Any, run_module: Any) -> None:
    tags = pairs({**OWN, **OTHERS, "Name": "shop"})
    ec2, rds, acm = (boto3.client(service) for service in ("ec2", "rds", "acm"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])[
        "Vpc"
    ]["VpcId"]
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"][:2]]
    rds.create_db_subnet_group(
        DBSubnetGroupName="shop", DBSubnetGroupDescription="x", SubnetIds=subnets, Tags=tags
    )
    acm.request_certificate(DomainName="shop.example.com", Tags=tags)
    launched = [{"ResourceType": "instance", "Tags": tags}]
    ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, TagSpecifications=launched)
    named = {
        "db_subnet_group": "shop",
        "certificate_name": "shop",
        "instance_name": "shop",
        "vpc_id": vpc,
    }
    found = run_module(ignored_tags_info, ignored_tags=IGNORED, **named)
    assert found == {"changed": False, "tags": dict.fromkeys(named, OTHERS)}
    missing = {**dict.fromkeys(named, "other"), "vpc_id": "vpc-0123456789abcdef0"}
    assert run_module(ignored_tags_info, **missing)["tags"] == {name: {} for name in named}


#: By role and expression: tags that a filter computes with those of others, and the tests of that.
COMPUTED = {
    ("alarms", "{{ __alarms_key_tags }}"): "test_new_keys.py",
    ("cluster", "{{ __cluster_key_tags }}"): "test_new_keys.py",
    ("load_balancer", "{{ __load_balancer_arguments.tags }}"): "test_load_balancer.py",
    ("network", "{{ item.tags }}"): "test_network_layout.py, test_security_group_plan.py",
    ("network", "{{ __network_layout.internet_gateway.tags }}"): "test_network_layout.py",
}


def test_every_task_of_another_collection_that_sets_tags_is_given_those_of_others() -> None:
    upstream = 0
    for path in sorted((ROOT / "roles").glob("*/tasks/*.yml")):
        for task in yaml.safe_load(path.read_text()) or []:
            for name, arguments in task.items():
                if name.startswith(("amazon.aws.", "community.aws.")) and "tags" in (arguments or {}):
                    upstream += 1
                    # Either it gets those of others, or it removes none and a task after it removes its own.
                    given = (
                        "_others.tags." in arguments["tags"],
                        "__identity_stale_" in str(task.get("loop")),
                        (path.parts[-3], arguments["tags"]) in COMPUTED,
                    )
                    assert any(given) or arguments.get("purge_tags") is False, (
                        f"{path.parts[-3]}: {task['name']}"
                    )
    assert upstream >= 6
