"""What IAM takes: the sizes of the policies, for the longest names and all settings that lengthen them."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.teal.platform.plugins.plugin_utils.policy_sizes import Size, policy_sizes
from rendered_identity import ACCOUNT, ENVIRONMENTS, ROLE, Rendered

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


def sizes(environment: Rendered) -> list[Size]:
    """Return the sizes as preflight computes them for these settings."""
    return list(policy_sizes(environment.templar, environment.variables, ROLE))


def components() -> list[set[str]]:
    """Return those of each inventory, and of one that has all but the slots of the other kind."""
    all_of_them: set[str] = set().union(*(Rendered(name).components for name in ENVIRONMENTS))
    return [all_of_them - {"instance"}, all_of_them - {"cluster", "namespace", "node_targets"}]


@pytest.mark.parametrize("kind", [0, 1], ids=["eks", "ec2"])
def test_policies_fit_with_the_longest_names_and_all_settings(kind: int) -> None:
    longest = Rendered("production", **LONGEST, identity_components=components()[kind])
    assert len(f"{longest.name}-green") == 32
    full = {size.what: f"{size.free:.1%} free" for size in sizes(longest) if size.free < FREE}
    assert not full


def test_preflight_computes_sizes_as_iam_does() -> None:
    environment = Rendered("production")
    computed = {size.what: (size.characters, size.limit) for size in sizes(environment)}

    def count(*documents: dict) -> int:
        return sum(len(re.sub(r"\s", "", json.dumps(document))) for document in documents)

    for role, policies in environment.inline.items():
        name = f"{environment.name}-{role}"
        assert computed.pop(f"the inline policies of the role {name}") == (count(*policies.values()), 10_240)
        trust = count(environment.trust[role])
        assert computed.pop(f"the trust policy of the role {name}") == (trust, 2_048)
    for name, policy in environment.managed.items():
        assert computed.pop(f"the managed policy {name}") == (count(policy), 6_144)
    assert computed == {"the permissions boundary": (count(environment.boundary), 6_144)}


def test_role_has_no_more_managed_policies_than_iam_allows() -> None:
    for name in ENVIRONMENTS:
        for role in Rendered(name).roles.values():
            assert len(role.get("managed_policies", [])) <= 10
