"""KMS keys of the environment: which roles may change a key before and after it is tagged."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from iam_simulator import granted_by_resource
from rendered_identity import ACCOUNT, ENVIRONMENTS, ROOT, Rendered, tags

#: Calls of a run on a key between its creation and its tags, and later.
FIRST = ("CreateAlias", "DescribeKey", "EnableKeyRotation", "PutKeyPolicy", "TagResource")
CHANGES = (
    "CreateGrant",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
)


def policy(role: str, environment: Rendered) -> dict:
    """Return the policy of the key that a role creates."""
    loader = DataLoader()
    variables = loader.load_from_file(str(ROOT / "roles/platform/vars/main.yml"), trusted_as_template=True)
    variables |= {
        "platform_name": environment.name,
        f"__{role}_account_arn": f"arn:aws:iam::{ACCOUNT}",
        "__alarms_caller": {"account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"},
        "ansible_search_path": [str(ROOT / "roles" / role)],
    }
    text = "{{ lookup('ansible.builtin.template', 'key_policy.json.j2') }}"
    return json.loads(Templar(loader=loader, variables=variables).template(trust_as_template(text)))


def principal(environment: Rendered, role: str) -> dict[str, str]:
    return {"aws:PrincipalArn": environment.arn("iam", f"role/{environment.name}/{environment.name}-{role}")}


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("role", ["alarms", "cluster"])
def test_policy_of_a_new_key_allows_its_environment_to_provision_it(role: str, name: str) -> None:
    environment = Rendered(name)
    document = policy(role, environment)
    for action in FIRST:
        assert granted_by_resource(document, f"kms:{action}", principal(environment, "provision")), action
        for other in ("deploy", "qa", "functions"):
            assert not granted_by_resource(document, f"kms:{action}", principal(environment, other)), action
        foreign = principal(Rendered("test" if name != "test" else "staging"), "provision")
        assert not granted_by_resource(document, f"kms:{action}", foreign), action
    # The account's administrators are never locked out.
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert any(
        entry["Principal"] == root and entry["Action"] == "kms:*" and "Condition" not in entry
        for entry in document["Statement"]
    )
    # No role encrypts or decrypts with the key. EKS and SNS have their own grants and permissions.
    assert not granted_by_resource(document, "kms:Decrypt", principal(environment, "provision"))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_key_without_tags_can_be_claimed(name: str) -> None:
    environment = Rendered(name)
    key = environment.arn("kms", "key/1234abcd")
    own, other = tags(name), "test" if name != "test" else "staging"
    claim = tags(name, request=True)
    assert environment.may("provision", "kms:CreateKey")
    for action in CHANGES:
        assert environment.may("provision", f"kms:{action}", key, **own), action
        for role in environment.roles:
            assert not environment.may(role, f"kms:{action}", key, **claim), f"{role}: {action}"
            assert not environment.may(role, f"kms:{action}", key, **tags(other), **claim), (
                f"{role}: {action}"
            )


def test_aliases_are_those_of_the_environment() -> None:
    environment = Rendered("test")
    for alias in ("assistant-test-alarms", "assistant-test-cluster"):
        assert environment.may("provision", "kms:CreateAlias", environment.arn("kms", f"alias/{alias}"))
    for alias in ("assistant-test-2-alarms", "assistant-testing", "aws/rds"):
        assert not environment.may("provision", "kms:CreateAlias", environment.arn("kms", f"alias/{alias}"))


def test_keys_are_created_without_tags_and_tagged_afterwards() -> None:
    """CreateKey with tags needs kms:TagResource for every key without tags."""
    for role in ("alarms", "cluster"):
        tasks = yaml.safe_load((ROOT / "roles" / role / "tasks/present.yml").read_text())
        first, second = [task["amazon.aws.kms_key"] for task in tasks if "amazon.aws.kms_key" in task]
        assert "tags" not in first
        assert "tags" in second
        assert {**second, **first} == second
