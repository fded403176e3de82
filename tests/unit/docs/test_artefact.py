"""The built collection: its files, and a playbook of another repository that uses it alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import boto3
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
BIN = Path(sys.executable).parent
#: Files for users of the collection, and files that ansible-galaxy adds.
INCLUDED = {
    *("ansible.cfg", "CHANGELOG.md", "changelogs", "CONTRIBUTING.md", "docs", "examples", "inventories"),
    *("LICENSE", "meta", "playbooks", "plugins", "README.ko.md", "README.md", "requirements.txt"),
    *("requirements.yml", "roles", "site.yml", "tests", "FILES.json", "MANIFEST.json"),
}


def run(*command: str, cwd: Path, **environ: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=cwd,
        env={**inherited, **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run("ansible-galaxy", "collection", "build", "--output-path", str(folder), cwd=ROOT)
    (file,) = folder.glob("*.tar.gz")
    return file


@pytest.fixture(scope="module")
def installed(artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections with this one, installed from its artefact."""
    folder = tmp_path_factory.mktemp("collections")
    command = ["collection", "install", "--offline", "--no-deps", str(artefact), "--collections-path"]
    run("ansible-galaxy", *command, str(folder), cwd=folder)
    return folder


def tracked() -> set[str] | None:
    """Return the files of the repository; None without git."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return None
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def test_artefact_has_the_files_for_users_only(artefact: Path) -> None:
    with tarfile.open(artefact) as tar:
        files = {member.name for member in tar.getmembers() if member.isfile()}
    assert {name.partition("/")[0] for name in files} - INCLUDED == set()
    known = tracked()
    assert known is None or files - known - {"FILES.json", "MANIFEST.json"} == set()
    for needed in (
        "plugins/connection/warm.py",
        "roles/slot/templates/deployment.yml.j2",
        "playbooks/site.yml",
    ):
        assert needed in files


def test_manifest_equals_galaxy_yml(installed: Path) -> None:
    manifest = json.loads((installed / "ansible_collections/teal/platform/MANIFEST.json").read_text())
    info = manifest["collection_info"]
    for name in ("namespace", "name", "version", "dependencies", "license_file", "description"):
        assert info[name] == GALAXY[name]


def test_galaxy_accepts_the_tags() -> None:
    assert len(GALAXY["tags"]) <= 20
    assert all(re.fullmatch(r"[a-z]+(_?[a-z0-9]+)*", tag) for tag in GALAXY["tags"])
    assert {"cloud", "infrastructure"} & {*GALAXY["tags"]}, "Galaxy requires one of its own tags"


def networks() -> list[str]:
    """Return the networks of the example in the emulated AWS."""
    named = [{"Name": "cidr-block", "Values": ["10.99.0.0/16"]}]
    return [vpc["CidrBlock"] for vpc in boto3.client("ec2").describe_vpcs(Filters=named)["Vpcs"]]


@pytest.mark.long
def test_playbook_of_another_repository_works(installed: Path, tmp_path: Path, rehearsed: str) -> None:
    """The example builds a network and a registry on the emulated AWS, and removes them."""
    example = tmp_path / "example"
    shutil.copytree(ROOT / "examples" / "playbook", example)
    environ = {"ANSIBLE_COLLECTIONS_PATH": str(installed), "AWS_ENDPOINT_URL": rehearsed}
    command = ("ansible-playbook", "site.yml", "-i", "hosts.yml", "-e", "ask_aws=false")
    assert "10.99.0.0/16" not in run(*command, "--syntax-check", cwd=example, **environ)
    first = run(*command, cwd=example, **environ)
    assert "failed=0" in first
    assert "teal.platform.network" in first
    assert networks() == ["10.99.0.0/16"]
    gone = run(
        *command,
        "-e",
        "platform_state=absent",
        "-e",
        "registry_account_scope_state=absent",
        cwd=example,
        **environ,
    )
    assert "failed=0" in gone
    assert networks() == []


def test_playbooks_can_be_called_by_name(installed: Path, tmp_path: Path) -> None:
    environ = {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    inventory = str(ROOT / "inventories" / "staging")
    for playbook in ("provision", "deploy", "rollback"):
        run(
            "ansible-playbook",
            f"teal.platform.{playbook}",
            "-i",
            inventory,
            "--syntax-check",
            cwd=tmp_path,
            **environ,
        )
