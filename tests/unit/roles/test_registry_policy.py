"""Who may pull images from another account, by the role's own variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from test_identity_policies import ACCOUNT, Rendered

ROLE = Path(__file__).resolve().parents[3] / "roles" / "registry"
OTHER = "210987654321"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def policy(**settings: Any) -> dict[str, Any]:
    """Return the policy that tasks/present.yml gives the repository."""
    loader = DataLoader()
    files = [ROLE / "defaults/main.yml", ROLE / "vars/main.yml"]
    variables: dict[str, Any] = {"platform_region": "ap-northeast-2"}
    for file in files:
        variables |= loader.load_from_file(str(file), trusted_as_template=True)
    (task, *_) = loader.load_from_file(str(ROLE / "tasks/present.yml"), trusted_as_template=True)
    wanted = task["teal.platform.ecr_repository"]["policy"]
    return Templar(loader=loader, variables=variables | settings).template(wanted)


def test_nobody_by_default() -> None:
    assert policy() == {}


@pytest.mark.parametrize(
    ("region", "partition"),
    [("ap-northeast-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_named_accounts_pull_and_do_nothing_else(region: str, partition: str) -> None:
    (statement,) = policy(registry_pull_accounts=[OTHER, ACCOUNT], platform_region=region)["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {
        "AWS": [f"arn:{partition}:iam::{account}:root" for account in (OTHER, ACCOUNT)]
    }
    assert statement["Action"] == PULL


def test_a_policy_of_ones_own_stands() -> None:
    own = {"Version": "2012-10-17", "Statement": []}
    assert policy(registry_policy=own) == own


def test_an_instance_pulls_from_named_accounts_alone() -> None:
    repository = f"arn:aws:ecr:ap-northeast-2:{OTHER}:repository/assistant"
    assert not Rendered("test").may("instance", PULL[1], repository)
    named = Rendered("test", identity_image_accounts=[OTHER])
    assert all(named.may("instance", action, repository) for action in PULL)
    assert named.may("instance", PULL[1], named.arn("ecr", "repository/assistant"))
    assert not named.may("instance", "ecr:PutImage", repository)
    assert not named.may("instance", PULL[1], repository.replace("assistant", "other"))
