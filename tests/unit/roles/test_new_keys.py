"""A new KMS key: KMS needs up to five minutes to apply the tags that give permissions on it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from support import ROOT

REFUSED = "User: arn:aws:sts::1:assumed-role/provision/x is not authorized to perform: kms:{} on resource: key/1 because {}"


def tasks() -> list[Any]:
    """The tasks of the roles that keep a key."""
    files = sorted((ROOT / "roles").glob("*/tasks/*.yml"))
    every = [(file.parts[-3], task) for file in files for task in yaml.safe_load(file.read_text()) or []]
    keys = [(role, task) for role, task in every if "amazon.aws.kms_key" in task]
    present = [(role, task) for role, task in keys if "state" not in task["amazon.aws.kms_key"]]
    return [pytest.param(task, id=f"{role}-{task['name'].split()[0]}") for role, task in present]


def ends(task: dict[str, Any], result: dict[str, Any]) -> bool:
    """Return whether Ansible stops repeating the task after this result."""
    templar = Templar(loader=DataLoader(), variables={task["register"]: result})
    return templar.evaluate_conditional(trust_as_template(task["until"]))


def refused(
    operation: str, why: str = "no identity-based policy allows it", prefix: str = "Failed to"
) -> dict[str, Any]:
    message = f"{prefix}: An error occurred: {REFUSED.format(operation, why)}"
    return {"failed": True, "msg": message, "error": {"code": "AccessDeniedException", "message": message}}


def test_keys_of_the_roles_are_known() -> None:
    assert [task.id for task in tasks()] == ["alarms-Create", "alarms-Tag", "cluster-Create", "cluster-Tag"]


@pytest.mark.parametrize("task", tasks())
def test_access_denied_for_a_new_key_is_retried(task: dict[str, Any]) -> None:
    assert not ends(task, refused("EnableKeyRotation", prefix="Failed to enable/disable key rotation"))
    assert not ends(task, refused("PutKeyPolicy", prefix="Unable to update key policy"))
    assert task["retries"] * task["delay"] > 300


@pytest.mark.parametrize("task", tasks())
@pytest.mark.parametrize(
    "result",
    [
        {"changed": True, "key_arn": "arn"},
        {"changed": False},
        refused("CreateKey", prefix="Failed to create initial key"),
        refused("PutKeyPolicy", "of an explicit deny in a permissions boundary"),
        {"failed": True, "msg": "Failed to obtain aliases", "error": {"code": "ThrottlingException"}},
        {"failed": True, "msg": "boto3 is missing"},
    ],
)
def test_other_errors_end_the_task_at_once(task: dict[str, Any], result: dict[str, Any]) -> None:
    assert ends(task, result)


@pytest.mark.parametrize("role", ["alarms", "cluster"])
def test_key_gets_own_tags_and_keeps_those_of_others(role: str) -> None:
    own = {"Application": "shop", "Component": role, "Name": f"shop-test-{role}"}
    others = {"awsApplication": "arn:x", "CostCenter": "7"}
    variables = yaml.safe_load((ROOT / "roles" / role / "vars/main.yml").read_text())
    tag = next(param.values[0] for param in tasks() if param.id == f"{role}-Tag")

    def tagged(existing: dict[str, str] | None) -> tuple[bool, dict[str, str]]:
        key = {} if existing is None else {"tags": existing}
        known = {
            "platform_name": "shop-test",
            "platform_tags": {"Application": "shop"},
            "platform_ignored_tags": ["aws:*", "awsApplication", "Cost*"],
            f"__{role}_key": key,
        }
        trusted = {
            name: trust_as_template(value) for name, value in variables.items() if isinstance(value, str)
        }
        templar = Templar(loader=DataLoader(), variables={**trusted, **known})
        runs = templar.evaluate_conditional(trust_as_template(tag["when"]))
        return runs, templar.template(trust_as_template(tag["amazon.aws.kms_key"]["tags"]))

    assert tagged(None) == (True, own)
    assert tagged({}) == (True, own)
    assert tagged(own) == (False, own)
    assert tagged(own | others) == (False, own | others)
    assert tagged(own | {"Team": "shop"}) == (True, own)
    assert tagged(own | {"Application": "other"} | others) == (True, own | others)
