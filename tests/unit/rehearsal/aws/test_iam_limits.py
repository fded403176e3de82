"""IAM's size limits of policies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_resources import name
from botocore.exceptions import ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    ],
}


def policy(characters: int, **layout: Any) -> str:
    """Return a policy with exactly that many characters without white space."""

    def document(padding: int) -> dict:
        return {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{'x' * padding}"}
            ],
        }

    missing = characters - len(json.dumps(document(0), separators=(",", ":")))
    return json.dumps(document(missing), **(layout or {"separators": (",", ":")}))


def trust(characters: int) -> str:
    """Return a trust policy with exactly that many characters without white space."""
    own = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Sid": ""}]}
    missing = characters - len(json.dumps(own, separators=(",", ":")))
    own["Statement"][0]["Sid"] = "x" * missing
    return json.dumps(own, separators=(",", ":"))


@pytest.fixture
def iam(patched: Any) -> Any:
    return patched.client("iam")


@pytest.fixture
def role(iam: Any) -> str:
    made = name()
    iam.create_role(RoleName=made, AssumeRolePolicyDocument=json.dumps(TRUST))
    return made


def refused(function: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        function(**arguments)
    assert error.value.response["Error"]["Code"] == "LimitExceeded"
    return error.value.response["Error"]["Message"]


def test_inline_policies_of_a_role_share_a_limit(iam: Any, role: str) -> None:
    def put(policy_name: str, document: str) -> Any:
        return {"RoleName": role, "PolicyName": policy_name, "PolicyDocument": document}

    iam.put_role_policy(**put("one", policy(6_000)))
    message = refused(iam.put_role_policy, **put("two", policy(4_241)))
    assert message == f"Maximum policy size of 10240 bytes exceeded for role {role}"
    # White space does not count, and a replaced policy does not count.
    iam.put_role_policy(**put("two", policy(4_240, indent=8)))
    iam.put_role_policy(**put("one", policy(5_999)))
    assert set(iam.list_role_policies(RoleName=role)["PolicyNames"]) == {"one", "two"}


def test_managed_policy_has_a_limit(iam: Any) -> None:
    message = refused(iam.create_policy, PolicyName=name(), PolicyDocument=policy(6_145))
    assert message == "Cannot exceed quota for PolicySize: 6144"
    made = iam.create_policy(PolicyName=name(), PolicyDocument=policy(6_144, indent=8))["Policy"]["Arn"]
    refused(iam.create_policy_version, PolicyArn=made, PolicyDocument=policy(6_145), SetAsDefault=True)


def test_trust_policy_has_a_limit(iam: Any, role: str) -> None:
    message = refused(iam.create_role, RoleName=name(), AssumeRolePolicyDocument=trust(2_049))
    assert message == "Cannot exceed quota for ACLSizePerRole: 2048"
    refused(iam.update_assume_role_policy, RoleName=role, PolicyDocument=trust(2_049))
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust(2_048))


@pytest.mark.parametrize("document", [policy(10_241), policy(6_145)])
def test_moto_still_accepts_any_size(plain: Any, document: str) -> None:
    """If this test fails, remove the patch."""
    iam, made = plain.client("iam"), name()
    iam.create_role(RoleName=made, AssumeRolePolicyDocument=trust(2_049))
    iam.put_role_policy(RoleName=made, PolicyName="one", PolicyDocument=document)
    iam.create_policy(PolicyName=made, PolicyDocument=document)
