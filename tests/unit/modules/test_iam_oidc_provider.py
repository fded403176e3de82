from __future__ import annotations

from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.modules import iam_oidc_provider
from botocore.client import BaseClient
from moto.iam.models import iam_backends

URL = "https://token.actions.githubusercontent.com"


@pytest.fixture
def iam(aws: Any) -> Any:
    return boto3.client("iam")


def providers(iam: Any) -> list[dict]:
    arns = [entry["Arn"] for entry in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    return [iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn) for arn in arns]


def test_second_run_creates_no_provider(iam: Any, run_module: Any) -> None:
    wanted = {"url": URL, "tags": {"ManagedBy": "teal.platform"}}
    assert run_module(iam_oidc_provider, check=True, **wanted)["changed"]
    assert not providers(iam)
    made = run_module(iam_oidc_provider, **wanted)
    assert made["changed"]
    assert made["arn"].endswith(":oidc-provider/token.actions.githubusercontent.com")
    assert not run_module(iam_oidc_provider, **wanted)["changed"]
    assert providers(iam)[0]["ClientIDList"] == ["sts.amazonaws.com"]


@pytest.fixture
def client_ids_can_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto 5.2.5 has no AddClientIDToOpenIDConnectProvider."""
    call = BaseClient._make_api_call

    def patched(self: BaseClient, operation: str, arguments: dict) -> Any:
        if operation != "AddClientIDToOpenIDConnectProvider":
            return call(self, operation, arguments)
        found = iam_backends["123456789012"]["aws"].open_id_providers[arguments["OpenIDConnectProviderArn"]]
        found.client_id_list.append(arguments["ClientID"])
        return {}

    monkeypatch.setattr(BaseClient, "_make_api_call", patched)


def test_existing_provider_is_extended_and_nothing_is_removed(
    iam: Any, client_ids_can_be_added: None, run_module: Any
) -> None:
    tags = [{"Key": "Owner", "Value": "someone"}]
    iam.create_open_id_connect_provider(Url=URL, ClientIDList=["theirs"], Tags=tags)
    wanted = {"url": URL, "tags": {"ManagedBy": "teal.platform"}, "purge_tags": False}
    reported = run_module(iam_oidc_provider, check=True, **wanted)
    assert reported["diff"]["before"]["client_ids"] == ["theirs"]
    assert run_module(iam_oidc_provider, **wanted)["changed"]
    provider = providers(iam)[0]
    assert sorted(provider["ClientIDList"]) == ["sts.amazonaws.com", "theirs"]
    assert provider["Tags"] == tags
    assert not run_module(iam_oidc_provider, **wanted)["changed"]


def test_thumbprints_and_tags_are_corrected(iam: Any, run_module: Any) -> None:
    iam.create_open_id_connect_provider(
        Url=URL,
        ClientIDList=["sts.amazonaws.com"],
        ThumbprintList=["0" * 40],
        Tags=[{"Key": "old", "Value": "x"}],
    )
    wanted = {"url": URL, "thumbprints": ["a" * 40], "tags": {"new": "y"}}
    assert run_module(iam_oidc_provider, **wanted)["changed"]
    provider = providers(iam)[0]
    assert provider["ThumbprintList"] == ["a" * 40]
    assert provider["Tags"] == [{"Key": "new", "Value": "y"}]
    assert not run_module(iam_oidc_provider, **wanted)["changed"]


def test_our_own_tags_are_kept_up_to_date(iam: Any, run_module: Any) -> None:
    run_module(iam_oidc_provider, url=URL, tags={"ManagedBy": "teal.platform", "CollectionVersion": "1"})
    wanted = {"url": URL, "tags": {"ManagedBy": "teal.platform", "CollectionVersion": "2"}}
    assert run_module(iam_oidc_provider, **wanted)["changed"]
    assert {"Key": "CollectionVersion", "Value": "2"} in providers(iam)[0]["Tags"]


def test_absent(iam: Any, run_module: Any) -> None:
    run_module(iam_oidc_provider, url=URL)
    iam.create_open_id_connect_provider(Url="https://other.example", ClientIDList=["x"])
    assert run_module(iam_oidc_provider, url=URL, state="absent")["changed"]
    assert not run_module(iam_oidc_provider, url=URL, state="absent")["changed"]
    assert [entry["Url"] for entry in providers(iam)] == ["other.example"]


def test_invalid_issuer_is_refused(aws: Any, run_module: Any) -> None:
    with pytest.raises(Exception, match="must begin with https://"):
        run_module(iam_oidc_provider, url="token.actions.githubusercontent.com")
