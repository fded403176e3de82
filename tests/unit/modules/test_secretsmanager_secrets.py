"""secretsmanager_secrets: places for values that are never touched."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import secretsmanager_secrets

NAME = "shop-staging/model-api-keys"
OWNER = {"Environment": "staging", "Component": "secrets"}
SECRETS = {
    "prefix": "shop-staging/",
    "secrets": [{"name": "model-api-keys", "description": "keys of the model providers"}],
    "owner_tags": OWNER,
    "tags": {"Application": "shop"},
    "recovery_days": 7,
}
NONE = {**SECRETS, "secrets": []}


@pytest.fixture
def client(aws):
    return boto3.client("secretsmanager")


def names(client) -> list[str]:
    return [secret["Name"] for secret in client.list_secrets()["SecretList"]]


def test_secret_is_created_without_a_value(client, run_module):
    planned_result = run_module(secretsmanager_secrets, check=True, **SECRETS)
    assert planned_result["changed"] and planned_result["without_value"] == [NAME]
    assert names(client) == []
    assert run_module(secretsmanager_secrets, **SECRETS)["without_value"] == [NAME]
    assert "VersionIdsToStages" not in client.describe_secret(SecretId=NAME)
    assert not run_module(secretsmanager_secrets, **SECRETS)["changed"]


def test_existing_value_is_kept(client, run_module):
    run_module(secretsmanager_secrets, **SECRETS)
    client.put_secret_value(SecretId=NAME, SecretString="planted-value")
    result = run_module(secretsmanager_secrets, **SECRETS)
    assert not result["changed"] and result["without_value"] == []
    assert "planted-value" not in str(result)

    changed = {**SECRETS, "secrets": [{"name": "model-api-keys", "description": "other words"}]}
    assert run_module(secretsmanager_secrets, **changed)["changed"]
    assert client.describe_secret(SecretId=NAME)["Description"] == "other words"
    assert client.get_secret_value(SecretId=NAME)["SecretString"] == "planted-value"


def test_changed_tags_are_reported_and_corrected(client, run_module):
    run_module(secretsmanager_secrets, **SECRETS)
    client.untag_resource(SecretId=NAME, TagKeys=["Application"])
    client.tag_resource(SecretId=NAME, Tags=[{"Key": "Other", "Value": "x"}])
    drift = run_module(secretsmanager_secrets, check=True, **SECRETS)["diff"]
    assert "Other" in drift["before"]["secrets"][NAME]["tags"]
    run_module(secretsmanager_secrets, **SECRETS)
    tags = {tag["Key"]: tag["Value"] for tag in client.describe_secret(SecretId=NAME)["Tags"]}
    assert tags == {**OWNER, "Application": "shop", "Name": NAME}


def test_deleted_secret_is_restored_with_its_value(client, run_module):
    run_module(secretsmanager_secrets, **SECRETS)
    client.put_secret_value(SecretId=NAME, SecretString="planted-value")
    assert run_module(secretsmanager_secrets, check=True, **NONE)["changed"]
    assert names(client) == [NAME]
    assert run_module(secretsmanager_secrets, **NONE)["changed"]
    assert names(client) == []
    assert not run_module(secretsmanager_secrets, **NONE)["changed"]

    assert run_module(secretsmanager_secrets, **SECRETS)["without_value"] == []
    assert client.get_secret_value(SecretId=NAME)["SecretString"] == "planted-value"
    assert not run_module(secretsmanager_secrets, **SECRETS)["changed"]


def test_secrets_of_others_are_unchanged(client, run_module):
    client.create_secret(Name="shop-staging/database", SecretString="{}")
    client.create_secret(
        Name="shop-production/model-api-keys", Tags=[{"Key": k, "Value": v} for k, v in OWNER.items()]
    )
    run_module(secretsmanager_secrets, **SECRETS)
    run_module(secretsmanager_secrets, **{**NONE, "recovery_days": 0})
    assert sorted(names(client)) == ["shop-production/model-api-keys", "shop-staging/database"]
    client.describe_secret(SecretId="shop-staging/database")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_secret(SecretId=NAME)
