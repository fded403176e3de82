"""Shared by the unit tests: the collection loader, and a way to run a module in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, ModuleFailed, rehearsed_aws


def _install_collection_loader() -> None:
    """Make `ansible_collections.teal.platform` importable the way that ansible does it."""
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    if AnsibleCollectionConfig.collection_finder is None:
        paths = [str(ROOT / ".collections"), *(str(Path(entry)) for entry in sys.path if entry)]
        _AnsibleCollectionFinder(paths=paths)._install()


_install_collection_loader()


def _read_service_models_once() -> None:
    """Each boto3 session parses AWS's service models anew, half a second for EC2; one loader is enough."""
    import functools

    import botocore.session

    botocore.session.create_loader = functools.cache(botocore.session.create_loader)


_read_service_models_once()


class _Exit(Exception):
    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return run(module_python, check=False, **arguments) -> result; raises ModuleFailed."""
    from ansible.module_utils import basic
    from ansible.module_utils.testing import patch_module_args

    def exit_json(self: Any, **result: Any) -> None:
        raise _Exit(json.loads(json.dumps({"changed": False, **result}, default=str)))

    def fail_json(self: Any, msg: str, **result: Any) -> None:
        raise ModuleFailed({"msg": msg, "failed": True, **result})

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", exit_json)
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", fail_json)

    def run(module: Any, check: bool = False, **arguments: Any) -> dict[str, Any]:
        try:
            with patch_module_args({**arguments, "_ansible_check_mode": check, "_ansible_diff": True}):
                module.main()
        except _Exit as done:
            return done.result
        raise AssertionError("the module ended without exit_json or fail_json")

    return run


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty AWS account in this process, by moto."""
    moto = pytest.importorskip("moto")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "ap-northeast-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    with moto.mock_aws():
        yield


@pytest.fixture
def late_lists(aws: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """AWS's lists answer three times as they did at first, whatever has happened since. Returns how often each was asked.

    They do so for seconds: SNS, IAM, API Gateway and CloudWatch Logs promise no more.
    """
    import botocore.client

    real, first, asked = botocore.client.BaseClient._make_api_call, {}, {}
    lists = (
        "ListTopics",
        "ListPolicies",
        "ListRoles",
        "ListInstanceProfiles",
        "GetApis",
        "DescribeLogGroups",
    )

    def call(self: Any, operation: str, given: dict[str, Any]) -> Any:
        if operation not in lists:
            return real(self, operation, given)
        key = f"{operation} {sorted(given.items())}"
        asked[key] = asked.get(key, 0) + 1
        answer = first.setdefault(key, real(self, operation, given))
        return answer if asked[key] <= 3 else real(self, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return asked


@pytest.fixture(scope="session")
def _rehearsed_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rehearsed_aws(tmp_path_factory.mktemp("rehearsed")) as url:
        yield url


@pytest.fixture
def rehearsed(_rehearsed_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of the patched moto that boto3 uses.

    It is the same for all tests of a run (emptying it takes moto seconds): take away what you made.
    """
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", _rehearsed_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "ap-northeast-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return _rehearsed_url
