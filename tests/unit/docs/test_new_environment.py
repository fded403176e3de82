"""tools/new_environment.py creates a valid inventory for another environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml

from tools import new_environment

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - teal.platform.preflight:
        access: false
      run_once: true
"""


@pytest.fixture
def inventories(tmp_path: Path) -> Path:
    """Return a copy of the inventories beside the files that they refer to."""
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path / "inventories"


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("source", ["test", "staging", "production"])
def test_new_environment_has_its_own_network_and_name(inventories: Path, source: str) -> None:
    assert new_environment.main(["qa", source, "--inventories", str(inventories)]) == 0
    variables = inventories / "qa" / "group_vars"
    assert read(variables / "all.yml")["platform_environment"] == "qa"
    domain = read(variables / "load_balancer.yml")["load_balancer_domain_name"]
    assert domain == "qa.assistant.example.com"
    networks = [
        ip_network(read(folder / "group_vars/network.yml")["network_cidr"])
        for folder in inventories.iterdir()
    ]
    assert len(networks) == 4
    assert not any(a.overlaps(b) for n, a in enumerate(networks) for b in networks[n + 1 :])
    assert read(variables / "load_balancer.yml")["load_balancer_hosted_zone"] == "assistant.example.com"
    assert read(variables / "identity.yml")["identity_domain_names"] == [domain]
    text = (inventories / "qa" / "hosts.yml").read_text()
    assert "network.qa:" in text
    assert f".{source}" not in text


def test_new_environment_passes_preflight(inventories: Path, tmp_path: Path) -> None:
    new_environment.create(inventories, "qa", "staging")
    playbook = tmp_path / "preflight.yml"
    playbook.write_text(PLAYBOOK)
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(playbook), "-i"]
    environ = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, str(inventories / "qa")], env=environ, cwd=ROOT, capture_output=True, text=True
        )

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    # And it is checked: the same inventory with a wrong setting is refused.
    new_environment.replace(inventories / "qa", "network", "network_cidr", "10.0.0.0/4")
    assert "network_cidr" in run().stdout


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("staging", "test", "exists"),
        ("QA", "staging", "lower-case"),
        ("qa-", "staging", "lower-case"),
        ("../qa", "staging", "lower-case"),
        ("qa", "moon", "Existing environments: production, staging, test"),
        ("q" * 30, "staging", "too long"),
    ],
)
def test_wrong_name_or_source_is_refused(
    inventories: Path, capsys: pytest.CaptureFixture[str], name: str, source: str, said: str
) -> None:
    assert new_environment.main([name, source, "--inventories", str(inventories)]) == 1
    assert said in capsys.readouterr().err
    assert len(list(inventories.iterdir())) == 3


def test_remaining_names_of_the_source_are_reported(inventories: Path) -> None:
    file = inventories / "staging" / "group_vars" / "alarms.yml"
    file.write_text(file.read_text() + "alarms_subscriptions: [{endpoint: staging@example.com}]\n")
    lines = "\n".join(new_environment.create(inventories, "qa", "staging"))
    assert "check group_vars/alarms.yml" in lines


def test_free_network_is_found_beside_large_ones() -> None:
    used = [ip_network("10.0.0.0/9")]
    assert str(new_environment.free_network(used, 16)) == "10.130.0.0/16"
    with pytest.raises(new_environment.Refused, match="no network is free"):
        new_environment.free_network([ip_network("10.0.0.0/8")], 16)
