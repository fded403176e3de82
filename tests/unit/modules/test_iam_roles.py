from __future__ import annotations

import json
from typing import Any

import boto3
import botocore.client
import pytest
from ansible_collections.teal.platform.plugins.module_utils import resource
from ansible_collections.teal.platform.plugins.modules import iam_roles
from botocore.exceptions import ClientError

PATH = "/shop-staging/"
TAGS = {"Environment": "staging", "Component": "identity"}


def trust(service: str = "ec2.amazonaws.com") -> dict:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(*actions: str) -> dict:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "arn:aws:s3:::bucket"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def role(name: str, **settings: Any) -> dict:
    return {"name": name, "trust": trust(), "description": "for a test", **settings}


@pytest.fixture
def iam(aws: Any) -> Any:
    return boto3.client("iam")


@pytest.fixture
def boundary(iam: Any) -> str:
    policy = iam.create_policy(PolicyName="b", Path=PATH, PolicyDocument=json.dumps(allow("s3:GetObject")))
    return policy["Policy"]["Arn"]


def test_makes_roles_once(iam: Any, boundary: str, run_module: Any) -> None:
    wanted = {
        "path": PATH,
        "boundary": boundary,
        "tags": TAGS,
        "roles": [
            role("shop-staging-bastion", instance_profile=True),
            role("shop-staging-qa", policies={"qa": json.dumps(allow("s3:GetObject"))}),
            role("shop-staging-nodes", needed=False),
        ],
    }
    planned = run_module(iam_roles, check=True, **wanted)
    assert planned["changed"] and not iam.list_roles(PathPrefix=PATH)["Roles"]

    made = run_module(iam_roles, **wanted)
    assert made["changed"]
    assert made["roles"] == {
        name: f"arn:aws:iam::123456789012:role{PATH}{name}"
        for name in ("shop-staging-bastion", "shop-staging-qa")
    }
    bastion = iam.get_role(RoleName="shop-staging-bastion")["Role"]
    assert bastion["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert {"Key": "Name", "Value": "shop-staging-bastion"} in bastion["Tags"]
    profile = iam.get_instance_profile(InstanceProfileName="shop-staging-bastion")["InstanceProfile"]
    assert [entry["RoleName"] for entry in profile["Roles"]] == ["shop-staging-bastion"]

    assert not run_module(iam_roles, **wanted)["changed"]
    assert not run_module(iam_roles, check=True, **wanted)["changed"]


def test_those_that_are_not_listed_yet_are_waited_for(late_lists: dict[str, int], run_module: Any) -> None:
    wanted = {
        "path": PATH,
        "tags": TAGS,
        "roles": [role("shop-staging-bastion", instance_profile=True), role("shop-staging-qa")],
    }
    made = run_module(iam_roles, **wanted)
    assert made["changed"] and set(made["roles"]) == {"shop-staging-bastion", "shop-staging-qa"}
    assert max(late_lists.values()) > 3
    assert not run_module(iam_roles, **wanted)["changed"]


def test_one_that_is_gone_and_still_listed_is_gone(late_lists: dict[str, int], run_module: Any) -> None:
    roles = [role("shop-staging-bastion", instance_profile=True), role("shop-staging-qa")]
    iam = boto3.client("iam")
    iam.create_role(RoleName="old", Path=PATH, AssumeRolePolicyDocument=json.dumps(trust()))
    assert run_module(iam_roles, path=PATH, tags=TAGS, roles=roles)["changed"]
    assert not run_module(iam_roles, path=PATH, tags=TAGS, roles=roles)["changed"]


@pytest.mark.parametrize("operation", ["CreateRole", "PutRolePolicy", "AddRoleToInstanceProfile"])
def test_what_was_just_made_may_be_unknown_for_a_moment(
    boundary: str, run_module: Any, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    real, refusals = botocore.client.BaseClient._make_api_call, 2

    def call(self: Any, name: str, given: dict) -> Any:
        nonlocal refusals
        if name == operation and refusals:
            refusals -= 1
            raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "cannot be found"}}, name)
        return real(self, name, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    monkeypatch.setattr(resource.time, "sleep", lambda seconds: None)
    roles = [role("shop-staging-bastion", instance_profile=True, policies={"p": json.dumps(allow("s3:*"))})]
    assert run_module(iam_roles, path=PATH, boundary=boundary, tags=TAGS, roles=roles)["changed"]
    assert not refusals
    assert not run_module(iam_roles, path=PATH, boundary=boundary, tags=TAGS, roles=roles)["changed"]


@pytest.mark.parametrize(
    ("drift", "setting"),
    [
        (lambda iam: iam.untag_role(RoleName="r", TagKeys=["Environment"]), "tags"),
        (lambda iam: iam.delete_role_policy(RoleName="r", PolicyName="p"), "policies"),
        (
            lambda iam: iam.put_role_policy(
                RoleName="r", PolicyName="p", PolicyDocument=json.dumps(allow("s3:PutObject"))
            ),
            "policies",
        ),
        (
            lambda iam: iam.put_role_policy(
                RoleName="r", PolicyName="extra", PolicyDocument=json.dumps(allow("s3:PutObject"))
            ),
            "policies",
        ),
        (
            lambda iam: iam.attach_role_policy(
                RoleName="r", PolicyArn="arn:aws:iam::123456789012:policy/shop-staging/b"
            ),
            "managed_policies",
        ),
        (
            lambda iam: iam.update_assume_role_policy(
                RoleName="r", PolicyDocument=json.dumps(trust("lambda.amazonaws.com"))
            ),
            "trust",
        ),
        (lambda iam: iam.delete_role_permissions_boundary(RoleName="r"), "boundary"),
        (
            lambda iam: iam.remove_role_from_instance_profile(InstanceProfileName="r", RoleName="r"),
            "instance_profile",
        ),
        (lambda iam: iam.update_role(RoleName="r", Description="another"), "description"),
    ],
)
def test_drift_is_named_and_mended(
    iam: Any, boundary: str, run_module: Any, drift: Any, setting: str
) -> None:
    roles = [role("r", instance_profile=True, policies={"p": allow("s3:GetObject", "s3:ListBucket")})]
    wanted = {"path": PATH, "boundary": boundary, "tags": TAGS, "roles": roles}
    run_module(iam_roles, **wanted)
    drift(iam)
    told = run_module(iam_roles, check=True, **wanted)
    assert told["changed"]
    assert told["diff"]["before"]["r"][setting] != told["diff"]["after"]["r"][setting]
    assert run_module(iam_roles, **wanted)["changed"]
    assert not run_module(iam_roles, **wanted)["changed"]


def test_a_role_that_is_not_needed_any_more_goes(iam: Any, run_module: Any) -> None:
    run_module(iam_roles, path=PATH, tags=TAGS, roles=[role("a", instance_profile=True), role("b")])
    iam.create_role(RoleName="foreign", Path="/other/", AssumeRolePolicyDocument=json.dumps(trust()))
    assert run_module(iam_roles, path=PATH, tags=TAGS, roles=[role("b")])["changed"]
    names = {entry["RoleName"] for entry in iam.list_roles()["Roles"]}
    assert names == {"b", "foreign"}
    assert not iam.list_instance_profiles()["InstanceProfiles"]


def test_absent_removes_all_under_the_path(iam: Any, boundary: str, run_module: Any) -> None:
    roles = [role("a", instance_profile=True, managed_policies=[boundary]), role("b")]
    run_module(iam_roles, path=PATH, tags=TAGS, roles=roles)
    iam.create_instance_profile(InstanceProfileName="left-behind", Path=PATH)
    assert run_module(iam_roles, path=PATH, state="absent")["changed"]
    assert not iam.list_roles(PathPrefix=PATH)["Roles"]
    assert not iam.list_instance_profiles()["InstanceProfiles"]
    assert not run_module(iam_roles, path=PATH, state="absent")["changed"]


def test_a_policy_in_another_order_is_the_same() -> None:
    one = {"Statement": [{"Action": ["a", "b"], "Resource": ["x"]}, {"Action": "c", "Bool": True}]}
    two = {"Statement": [{"Bool": "true", "Action": ["c"]}, {"Resource": "x", "Action": ["b", "a"]}]}
    assert iam_roles.canonical(one) == iam_roles.canonical(two)
    assert iam_roles.canonical(one) != iam_roles.canonical({"Statement": one["Statement"][:1]})


@pytest.mark.parametrize("path", ["/", "//", "shop", "/shop", "shop/"])
def test_refuses_a_path_that_is_not_its_own(path: str, aws: Any, run_module: Any) -> None:
    with pytest.raises(Exception, match=r"path: .* is not allowed"):
        run_module(iam_roles, path=path, roles=[])


def test_refuses_a_policy_that_is_no_json(aws: Any, run_module: Any) -> None:
    with pytest.raises(Exception, match="policy 'p' of role 'r' is no JSON"):
        run_module(iam_roles, path=PATH, roles=[role("r", policies={"p": "{no"})])
