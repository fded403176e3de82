"""access_info fails within seconds, and says what to do."""

from __future__ import annotations

import time

import pytest
from ansible_collections.teal.platform.plugins.module_utils import access
from ansible_collections.teal.platform.plugins.modules import access_info
from botocore.exceptions import ClientError
from conftest import ModuleFailed

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: a, user: {token: planted}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
"""


def test_who_we_are(aws, run_module):
    assert run_module(access_info, allowed_accounts=["123456789012"])["account"] == "123456789012"


def test_a_wrong_account_is_refused(aws, run_module):
    with pytest.raises(ModuleFailed, match=r"account 123456789012 .* has 111111111111"):
        run_module(access_info, allowed_accounts=["111111111111"])


def test_no_credentials(monkeypatch, run_module, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(ModuleFailed, match="no AWS credentials"):
        run_module(access_info, region="ap-northeast-2")


def test_an_endpoint_that_does_not_answer(monkeypatch, run_module):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    started = time.monotonic()
    with pytest.raises(ModuleFailed, match=r"AWS_ENDPOINT_URL=http://127\.0\.0\.1:1 does not answer"):
        run_module(access_info, region="ap-northeast-2")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("code", "advice"), [("ExpiredToken", "sign in again"), ("InvalidClientTokenId", "does not know these")]
)
def test_credentials_that_are_refused(code, advice):
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")
    message = access.explain(error, "ap-northeast-2")
    assert advice in message and code in message


def test_a_region_that_is_not_enabled(aws, run_module, monkeypatch):
    from botocore.client import BaseClient

    original = BaseClient._make_api_call

    def answer(self, operation, arguments):
        if operation == "DescribeRegions":
            return {"Regions": [{"RegionName": "ap-east-1", "OptInStatus": "not-opted-in"}]}
        return original(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    with pytest.raises(ModuleFailed, match="Region ap-east-1 is not enabled"):
        run_module(access_info, region="ap-east-1")


def test_a_cluster_that_does_not_answer(aws, run_module, tmp_path):
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    with pytest.raises(ModuleFailed, match=r"does not answer: .*refused") as failed:
        run_module(access_info, kubeconfig=str(kubeconfig))
    assert "planted" not in failed.value.result["msg"]


def test_a_file_that_is_no_kubeconfig(aws, run_module, tmp_path):
    (tmp_path / "kubeconfig").write_text("hello")
    with pytest.raises(ModuleFailed, match="cannot be used"):
        run_module(access_info, kubeconfig=str(tmp_path / "kubeconfig"))
