"""What IAM takes: the sizes of the policies, for the longest names and all settings that lengthen them."""

from __future__ import annotations

import json
import re

import pytest
from rendered_identity import ACCOUNT, ENVIRONMENTS, Rendered

#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, in characters that are no white space
INLINE, MANAGED, TRUST = 10_240, 6_144, 2_048
#: How much of a limit stays free for what a version to come adds.
FREE = 0.15
LONGEST = {
    # With `-green`, the 32 characters of a target group's name.
    "platform_application": "abcdefghijklmno",
    "platform_environment": "production",
    "platform_region": "us-gov-west-1",
    "__identity_caller": {"account": ACCOUNT, "arn": f"arn:aws-us-gov:iam::{ACCOUNT}:root"},
    "identity_release_keys": [
        f"arn:aws-us-gov:kms:us-gov-west-1:{ACCOUNT}:key/mrk-{number:032x}" for number in range(2)
    ],
    "identity_deploy_pushes_images": True,
    "identity_image_accounts": [f"{number:012}" for number in range(5)],
    "identity_domain_names": [f"service-{number}.production.example.com" for number in range(5)],
    "platform_promotes_from": "staging-environment",
    "identity_github_repository": "an-organisation-of-many@1234567890/a-repository-of-many@1234567890",
}


def size(document: dict) -> int:
    return len(re.sub(r"\s", "", json.dumps(document)))


def sizes(environment: Rendered) -> dict[str, float]:
    """Return how much of its limit each policy has, or each role's inline policies together."""
    return {
        **{
            role: sum(size(policy) for policy in policies.values()) / INLINE
            for role, policies in environment.inline.items()
        },
        **{name: size(policy) / MANAGED for name, policy in environment.managed.items()},
        **{f"trust of {role}": size(trust) / TRUST for role, trust in environment.trust.items()},
        "boundary": size(environment.boundary) / MANAGED,
    }


def components() -> list[set[str]]:
    """Return those of each inventory, and of one that has all but the slots of the other kind."""
    all_of_them: set[str] = set().union(*(Rendered(name).components for name in ENVIRONMENTS))
    return [all_of_them - {"instance"}, all_of_them - {"cluster", "namespace", "node_targets"}]


@pytest.mark.parametrize("kind", [0, 1], ids=["eks", "ec2"])
def test_policies_have_room_for_the_longest_names_and_all_settings(kind: int) -> None:
    longest = Rendered("production", **LONGEST, identity_components=components()[kind])
    assert len(f"{longest.name}-green") == 32
    full = {name: f"{share:.1%}" for name, share in sizes(longest).items() if share > 1 - FREE}
    assert not full, f"less than {FREE:.0%} free: {full}"


def test_a_role_has_no_more_managed_policies_than_iam_attaches() -> None:
    for name in ENVIRONMENTS:
        for role in Rendered(name).roles.values():
            assert len(role.get("managed_policies", [])) <= 10
