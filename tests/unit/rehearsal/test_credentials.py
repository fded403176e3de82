"""The AWS credentials of a shell that uses the emulator, with and without profiles in the inventories."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from rehearsal import __main__ as cli
from rehearsal import credentials
from tests import documented


@pytest.fixture
def inventories(tmp_path: Path) -> Path:
    folder = tmp_path / "inventories"
    (folder / "test/group_vars").mkdir(parents=True)
    (folder / "test/group_vars/all.yml").write_text(
        "platform_aws_profile: shop-test\n# platform_aws_profile: not-this\nplatform_region: eu-west-1\n"
    )
    (folder / "test/group_vars/release.yml").write_text('release_from_profile: "shop.before"  # to read\n')
    (folder / "test/hosts.yml").write_text("all:\n  vars:\n    platform_aws_profile: '{{ any }}'\n")
    return folder


def test_profiles_are_read_from_the_inventories(inventories: Path) -> None:
    assert credentials.profiles(inventories) == ["shop-test", "shop.before"]
    assert credentials.profiles() == [], "the inventories of this repository name none"


def test_keys_without_a_profile(tmp_path: Path) -> None:
    assert credentials.variables(tmp_path, []) == credentials.KEYS
    assert list(tmp_path.iterdir()) == []


def test_credentials_file_with_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in credentials.FOREIGN:
        monkeypatch.delenv(name, raising=False)
    found = credentials.variables(tmp_path, ["shop-test"])
    assert found.keys() == {"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"}
    assert stat.S_IMODE((tmp_path / "aws").stat().st_mode) == 0o700
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    for profile in (None, "shop-test"):
        keys = boto3.Session(profile_name=profile).get_credentials()
        assert (keys.access_key, keys.secret_key) == tuple(credentials.KEYS.values())


def test_variables_of_a_real_account_are_unset(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the shell that evaluates the output: AWS modules refuse a profile together with keys."""
    monkeypatch.setattr(cli, "_running", lambda home: {})
    monkeypatch.setattr(cli, "variables_of", lambda config: dict(credentials.KEYS))
    cli.main(["env"])
    shell = f"{capsys.readouterr().out}\nenv"
    before = {"PATH": os.environ["PATH"], "AWS_PROFILE": "shop", "AWS_SESSION_TOKEN": "x", "AWS_REGION": "y"}
    after = subprocess.run(
        ["bash", "-c", shell], env=before, capture_output=True, text=True, check=True
    ).stdout
    assert {line for line in after.splitlines() if line.startswith("AWS_")} == {
        "AWS_REGION=y",
        *(f"{name}={value}" for name, value in credentials.KEYS.items()),
    }
    kept = {"PATH": before["PATH"], "AWS_REGION": "y"}
    assert credentials.without_foreign({**before, "AWS_ACCESS_KEY_ID": "z"}) == kept


def test_inventory_with_a_profile_works_unchanged(tmp_path: Path, rehearsed: str) -> None:
    copy = documented.clone(tmp_path / "teal")
    settings = copy / "inventories/test/group_vars/all.yml"
    settings.write_text(settings.read_text("utf-8") + "platform_aws_profile: shop-test\n", "utf-8")
    words = [str(Path(sys.executable).parent / "ansible-playbook"), "playbooks/provision.yml"]
    words += ["-i", "inventories/test", "--limit", "registry", "--check"]
    environ = {**os.environ, "ANSIBLE_CONFIG": str(copy / "ansible.cfg")}

    refused = subprocess.run(words, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "platform_aws_profile is 'shop-test', and the shell has AWS_ACCESS_KEY_ID" in refused.stdout

    names = credentials.profiles(copy / "inventories")
    environ = credentials.without_foreign(environ) | credentials.variables(tmp_path, names)
    done = subprocess.run(words, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Create the repository" in done.stdout
