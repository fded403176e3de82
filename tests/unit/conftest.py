"""Shared by the unit tests: the collection loader, and a way to run a module in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _install_collection_loader() -> None:
    """Make `ansible_collections.teal.platform` importable the way that ansible does it."""
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    if AnsibleCollectionConfig.collection_finder is None:
        paths = [str(ROOT / ".collections"), *(str(Path(entry)) for entry in sys.path if entry)]
        _AnsibleCollectionFinder(paths=paths)._install()


_install_collection_loader()


class ModuleFailed(Exception):
    """A module called fail_json; `result` is what it said."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


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
