"""The role identity on the emulator: roles, policies and profiles are created, repaired, removed; others' are left alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import pytest
import yaml
from ansible_collections.amazon.aws.plugins.modules import (
    iam_instance_profile,
    iam_managed_policy,
    iam_policy,
    iam_role,
)
from botocore.exceptions import ClientError
from support import ModuleFailed

ROOT = Path(__file__).resolve().parents[3]
NAME = "shop-roles"
PATH = f"/{NAME}/"
ACCOUNT = "123456789012"
SSM = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
OTHERS = {"awsApplication": "arn:of:it", "CostCenter": "4711"}
SETTINGS = {
    "platform_application": "shop",
    "platform_environment": "roles",
    "platform_region": "ap-northeast-2",
    "platform_ignored_tags": ["aws:*", "awsApplication", "Cost*"],
    "ansible_connection": "teal.platform.warm",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}
PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "environment": "{{ platform_aws_environment }}",
        "roles": ["teal.platform.identity"],
    }
]
Run = Callable[..., str]


@pytest.fixture
def run(rehearsed: str, tmp_path: Path) -> Run:
    """Return run(*options, fails=False, **settings): what a run of the role printed."""
    play = tmp_path / "play.yml"
    play.write_text(yaml.safe_dump(PLAY))

    def play_it(*options: str, fails: bool = False, **settings: Any) -> str:
        extra = json.dumps({**SETTINGS, "identity_components": ["instance"], **settings})
        program = str(Path(sys.executable).parent / "ansible-playbook")
        done = subprocess.run(
            [program, str(play), "-i", "identity.roles,", "-e", extra, *options],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        text = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, text[-6000:]
        return text

    return play_it


def unchanged(text: str) -> bool:
    return bool(re.search(r"changed=0 .*failed=0", text))


def names(iam: Any) -> dict[str, set[str]]:
    """Return what exists, except what the emulator starts with."""
    policies = iam.get_paginator("list_policies").paginate(Scope="Local").build_full_result()["Policies"]
    return {
        "roles": {one["RoleName"] for one in iam.list_roles(PathPrefix="/")["Roles"]},
        "profiles": {one["InstanceProfileName"] for one in iam.list_instance_profiles()["InstanceProfiles"]},
        "policies": {one["Arn"].partition(":policy")[2] for one in policies},
    }


def expected(*purposes: str, profiles: tuple[str, ...] = ()) -> dict[str, set[str]]:
    policies = ("boundary", "provision-identity", "provision-network")
    return {
        "roles": {f"{NAME}-{purpose}" for purpose in purposes},
        "profiles": {f"{NAME}-{purpose}" for purpose in profiles},
        "policies": {f"{PATH}{NAME}-{policy}" for policy in policies} if purposes else set(),
    }


def plus(*states: dict[str, set[str]]) -> dict[str, set[str]]:
    return {kind: set().union(*(state[kind] for state in states)) for kind in states[0]}


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


TRUST = document(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
ALL = document(Action="*", Resource="*")


def arn(policy: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy{PATH}{NAME}-{policy}"


def begin(iam: Any) -> list[str]:
    """Create part of an environment, other than its inventory has it; return what a check should report."""

    def pairs(**tags: str) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in {**OTHERS, "Dropped": "yes", **tags}.items()]

    for name in ("boundary", "provision-network"):
        iam.create_policy(PolicyName=f"{NAME}-{name}", Path=PATH, PolicyDocument=ALL, Tags=pairs())
    for name in (f"{NAME}-deploy", f"{NAME}-qa", f"{NAME}-instance", "old"):
        iam.create_role(RoleName=name, Path=PATH, AssumeRolePolicyDocument=TRUST, Tags=pairs())
    iam.put_role_policy(RoleName=f"{NAME}-deploy", PolicyName="deploy", PolicyDocument=ALL)
    iam.put_role_policy(RoleName=f"{NAME}-qa", PolicyName="extra", PolicyDocument=ALL)
    iam.attach_role_policy(RoleName=f"{NAME}-qa", PolicyArn=SSM)
    iam.put_role_policy(RoleName="old", PolicyName="p", PolicyDocument=ALL)
    for name in (f"{NAME}-instance", "left-behind"):
        iam.create_instance_profile(InstanceProfileName=name, Path=PATH, Tags=pairs())
    iam.add_role_to_instance_profile(InstanceProfileName="left-behind", RoleName="old")
    return [
        f"{NAME}-provision: none -> created",
        f"{NAME}-deploy: trust.Statement",
        f"{NAME}-deploy: inline.deploy.Statement",
        f"{NAME}-deploy: description: '' -> Deploys releases and rolls them back",
        f"{NAME}-deploy: boundary: none -> {arn('boundary')}",
        f"{NAME}-qa: inline.extra.",
        f"{NAME}-qa: inline.qa.Statement",
        f"{NAME}-qa: managed: {SSM} -> none",
        f"{NAME}-instance: managed: none -> {SSM}",
        *(
            f"changed: [identity.roles] => (item={name})"
            for name in ("old", "left-behind", f"{NAME}-provision-network", f"{NAME}-instance")
        ),
    ]


def tags_of(iam: Any) -> list[dict[str, str]]:
    found = (
        iam.list_role_tags(RoleName=f"{NAME}-qa"),
        iam.list_policy_tags(PolicyArn=arn("boundary")),
        # The emulator has no ListInstanceProfileTags.
        iam.get_instance_profile(InstanceProfileName=f"{NAME}-instance")["InstanceProfile"],
    )
    return [{tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in found]


def test_identities_follow_the_inventory_and_are_removed_with_the_environment(run: Run) -> None:
    iam = boto3.client("iam")
    iam.create_role(RoleName="foreign", Path="/other/", AssumeRolePolicyDocument=TRUST)
    before = names(iam)
    reported = begin(iam)
    begun = names(iam)
    text = run("--check")
    assert [line for line in reported if line not in text] == []
    assert names(iam) == begun

    run()
    people = ("provision", "deploy", "qa")
    assert names(iam) == plus(before, expected("instance", *people, profiles=("instance",)))
    for tags in tags_of(iam):
        assert tags.items() >= OTHERS.items() and "Dropped" not in tags and "Environment" in tags
    assert len(iam.list_policy_versions(PolicyArn=arn("provision-network"))["Versions"]) == 1
    assert iam.list_role_policies(RoleName=f"{NAME}-qa")["PolicyNames"] == ["qa"]
    for name in ("instance", *people):
        made = iam.get_role(RoleName=f"{NAME}-{name}")["Role"]
        assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn("boundary")
    profile = iam.get_instance_profile(InstanceProfileName=f"{NAME}-instance")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [f"{NAME}-instance"]
    assert unchanged(run())

    run(identity_state="absent")
    assert names(iam) == before
    iam.delete_role(RoleName="foreign")


@pytest.mark.parametrize(
    "kind",
    ["role", pytest.param("profile", marks=pytest.mark.long), pytest.param("policy", marks=pytest.mark.long)],
)
def test_foreign_objects_with_the_same_name_are_unchanged(run: Run, kind: str) -> None:
    iam = boto3.client("iam")
    name, other = f"{NAME}-{'boundary' if kind == 'policy' else 'instance'}", "/other/"
    if kind == "role":
        iam.create_role(RoleName=name, Path=other, AssumeRolePolicyDocument=TRUST)
    elif kind == "profile":
        iam.create_instance_profile(InstanceProfileName=name, Path=other)
    else:
        iam.create_policy(PolicyName=name, Path=other, PolicyDocument=ALL)
    before = names(iam)
    text = run(fails=True)
    assert f"under another path ({other} instead of {PATH})" in " ".join(text.split())
    assert names(iam) == before
    assert unchanged(run(identity_state="absent"))
    assert names(iam) == before
    if kind == "role":
        iam.delete_role(RoleName=name)
    elif kind == "profile":
        iam.delete_instance_profile(InstanceProfileName=name)
    else:
        iam.delete_policy(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy{other}{name}")


#: What a new environment calls, with the operation that IAM may refuse at first.
CALLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "GetPolicy": (iam_managed_policy, {"name": "p", "policy": ALL}),
    "CreateRole": (
        iam_role,
        {
            "name": "r",
            "assume_role_policy_document": TRUST,
            "create_instance_profile": False,
            "delete_instance_profile": False,
        },
    ),
    "PutRolePolicy": (
        iam_policy,
        {"iam_type": "role", "iam_name": "r", "policy_name": "p", "policy_json": ALL},
    ),
    "AddRoleToInstanceProfile": (iam_instance_profile, {"name": "r", "role": "r"}),
}
CALLS["AttachRolePolicy"] = CALLS["CreateRole"]


def passing(failure: ModuleFailed) -> bool:
    """Return whether the role tries again after a failure."""
    pattern = yaml.safe_load((ROOT / "roles/identity/vars/main.yml").read_text())["__identity_not_known_yet"]
    return bool(re.search(pattern, failure.result["msg"]))


@pytest.mark.parametrize("operation", CALLS)
def test_unknown_iam_objects_are_retried(
    operation: str, aws: None, run_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, arguments = CALLS[operation]
    if operation in ("PutRolePolicy", "AddRoleToInstanceProfile"):
        boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    if operation == "AttachRolePolicy":
        made = boto3.client("iam").create_policy(PolicyName="managed", PolicyDocument=ALL)
        arguments = {**arguments, "managed_policies": [made["Policy"]["Arn"]]}
    real, refusals = botocore.client.BaseClient._make_api_call, 1

    def call(self: Any, name: str, given: dict[str, Any]) -> Any:
        nonlocal refusals
        if name == operation and refusals:
            refusals -= 1
            raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "cannot be found"}}, name)
        return real(self, name, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    with pytest.raises(ModuleFailed) as failure:
        run_module(module, **arguments)
    assert passing(failure.value)
    run_module(module, **arguments)
    assert not run_module(module, **arguments)["changed"]


def test_unlisted_policy_of_a_killed_run_is_retried(late_lists: dict[str, int], run_module: Any) -> None:
    module, arguments = CALLS["GetPolicy"]
    assert run_module(module, check=True, **arguments)["changed"]
    boto3.client("iam").create_policy(PolicyName="p", PolicyDocument=ALL)
    with pytest.raises(ModuleFailed) as failure:
        run_module(module, **arguments)
    assert passing(failure.value)
    with pytest.raises(ModuleFailed):
        run_module(module, **arguments)
    assert not run_module(module, **arguments)["changed"]
