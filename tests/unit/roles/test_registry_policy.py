"""Who may pull images from another account, by the role's own variables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.teal.platform.plugins.modules import ecr_repository
from rendered_identity import ACCOUNT, Rendered

ROLE = Path(__file__).resolve().parents[3] / "roles" / "registry"
OTHER = "210987654321"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def given(**settings: Any) -> dict[str, Any]:
    """Return the module's arguments in tasks/present.yml."""
    loader = DataLoader()
    files = [ROLE / "defaults/main.yml", ROLE / "vars/main.yml"]
    variables: dict[str, Any] = {"platform_application": "assistant", "platform_account_tags": {}}
    for file in files:
        variables |= loader.load_from_file(str(file), trusted_as_template=True)
    (task, *_) = loader.load_from_file(str(ROLE / "tasks/present.yml"), trusted_as_template=True)
    module = task["teal.platform.ecr_repository"]
    return Templar(loader=loader, variables=variables | settings).template(module)


@pytest.fixture
def policy(aws: None, run_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return policy(region, **settings), which returns the policy of the repository."""

    def made(region: str = "ap-northeast-2", **settings: Any) -> dict[str, Any]:
        run_module(ecr_repository, **given(**settings), region=region)
        assert not run_module(ecr_repository, **given(**settings), region=region)["changed"]
        client = boto3.client("ecr", region_name=region)
        try:
            return json.loads(client.get_repository_policy(repositoryName="assistant")["policyText"])
        except client.exceptions.RepositoryPolicyNotFoundException:
            return {}

    return made


def expired(rules: list[dict[str, Any]], images: list[list[str]]) -> set[int]:
    """Return the images that ECR removes by rules that count, the newest first.

    As AWS documents it: whatever meets the tagging requirements of a rule is not touched by a rule after it, and still
    counts for it.
    """
    gone: set[int] = set()
    free = set(range(len(images)))
    for rule in sorted(rules, key=lambda rule: rule["rulePriority"]):
        selection = rule["selection"]
        prefixes = selection.get("tagPrefixList", [])
        matching = [
            number
            for number, tags in enumerate(images)
            if selection["tagStatus"] == "any"
            or (tags and selection["tagStatus"] == "tagged" and all(map(tags[-1].startswith, prefixes)))
        ]
        if selection["countType"] == "imageCountMoreThan":
            gone |= set(matching[selection["countNumber"] :]) & free
        free -= set(matching)
    return gone


def test_lifecycle_keeps_images_in_slots_regardless_of_pushes() -> None:
    rules = given()["lifecycle_policy"]["rules"]
    images = [[f"1.{number}"] for number in range(150)]
    assert expired(rules, images) == set(range(100, 150))
    images[120].append("live-assistant-production-blue")
    images[149].append("live-assistant-production-green")
    assert expired(rules, images) == set(range(100, 149)) - {120}
    # AWS accepts no rule after a rule for any tag.
    assert max(rules, key=lambda rule: rule["rulePriority"])["selection"]["tagStatus"] == "any"


def test_no_other_account_may_pull_by_default(policy: Callable[..., dict[str, Any]]) -> None:
    assert policy() == {}


@pytest.mark.parametrize(
    ("region", "partition"),
    [("ap-northeast-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_listed_accounts_may_only_pull(
    policy: Callable[..., dict[str, Any]], region: str, partition: str
) -> None:
    (statement,) = policy(region, registry_pull_accounts=[OTHER, ACCOUNT])["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {
        "AWS": [f"arn:{partition}:iam::{account}:root" for account in (OTHER, ACCOUNT)]
    }
    assert statement["Action"] == PULL


def test_own_policy_replaces_the_default(policy: Callable[..., dict[str, Any]]) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Action": PULL[:1]}
    own = {"Version": "2012-10-17", "Statement": [statement]}
    assert policy(registry_policy=own) == own


def test_instance_pulls_only_from_listed_accounts() -> None:
    repository = f"arn:aws:ecr:ap-northeast-2:{OTHER}:repository/assistant"
    assert not Rendered("test").may("instance", PULL[1], repository)
    named = Rendered("test", identity_image_accounts=[OTHER])
    assert all(named.may("instance", action, repository) for action in PULL)
    assert named.may("instance", PULL[1], named.arn("ecr", "repository/assistant"))
    assert not named.may("instance", "ecr:PutImage", repository)
    assert not named.may("instance", PULL[1], repository.replace("assistant", "other"))
