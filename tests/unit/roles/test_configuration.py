"""The service gets the same variables from both kinds of slot, for all values."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.teal.platform.plugins.module_utils.release.service_config import (
    DEFAULTS,
    MOST_USER_DATA,
    RESERVED,
    environment,
    wrong,
)
from ansible_collections.teal.platform.plugins.plugin_utils.checks import run_checks

from tests.manifests import RELEASE, render

ROOT = Path(__file__).resolve().parents[3]
ODD = {
    "LINES": "a\nEND_OF_ENVIRONMENT\ntouch pwned\nEND_OF_SCRIPT\nEND_OF_UNIT\n",
    "SHELL": "$(touch pwned) `touch pwned` ${HOME} $$ \"'; touch pwned; '\" \\ & | > pwned",
    "SPACES": "  x  ",
    "RETURN": "a\r\nb\r",
    "TAB": "a\tb",
    "EMPTY": None,
    "KOREAN": "결제 서비스 🚀",
    "MAPPING": {"a": ["값", 1, None, True], "b": {"c": "line\nbreak"}},
    "LIST": ["a", "b"],
    "FLAG": True,
    "NUMBER": 42,
    "RATIO": 0.5,
    "YAML": "{{ not_a_template }} - [a: b] # c",
    "DOLLAR": "$(LINES)",
    "spring.datasource.url": "jdbc:postgresql://h/db?a=b&c=d",
    "MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE": "health,info,prometheus",
}


def variables_of_pod(config: dict[str, Any]) -> dict[str, str]:
    """Return the variables of the container in Kubernetes, where `env` overrides `envFrom`."""
    release = {**RELEASE, "config": environment(config)}
    data = yaml.safe_load(render("slot", "config_map", slot_release=release))["data"]
    pod = yaml.safe_load(render("slot", "deployment", slot_release=release))["spec"]["template"]["spec"]
    return data | {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}


def user_data(config: dict[str, Any], **settings: Any) -> str:
    """Return the user data of an instance, as the role slot renders it."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for path in ("roles/platform/defaults", "roles/slot/defaults", "roles/slot/vars"):
        variables |= loader.load_from_file(str(ROOT / path / "main.yml"), trusted_as_template=True)
    variables |= {
        "platform_application": "assistant",
        "platform_environment": "test",
        "platform_region": "eu-west-1",
        "role_path": str(ROOT / "roles" / "slot"),
        "slot_release": {**RELEASE, "config": environment(config)},
        **settings,
    }
    return Templar(loader=loader, variables=variables).template(trust_as_template("{{ __slot_user_data }}"))


class Instance:
    """Runs user data as cloud-init does, with files below a folder and programs that record their calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "etc/systemd/system").mkdir(parents=True)
        for name in ("dnf", "systemctl", "docker"):
            self._program(name, f"printf '%s\\0' \"$@\" > {folder}/{name}.called")
        self._program("curl", "echo i-1")

    def _program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def run(self, script: str) -> None:
        """Run user data."""
        here = {"/etc/": f"{self.folder}/etc/", "/root/": f"{self.folder}/root/", "/usr/bin/": ""}
        for path, instead in here.items():
            script = script.replace(path, instead)
        self._bash(script)

    def service(self, what: str) -> list[str]:
        """Run the commands of the unit. Return the arguments of docker."""
        self._bash((self.folder / "etc/teal/service.sh").read_text(), what)
        return self.called("docker")

    def _bash(self, script: str, *arguments: str) -> None:
        result = subprocess.run(
            ["/bin/bash", "-c", script, "bash", *arguments],
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "HOME": "/"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr

    def called(self, name: str) -> list[str]:
        return (self.folder / f"{name}.called").read_bytes().decode().split("\0")[:-1]


def variables_of_instance(folder: Path, config: dict[str, Any]) -> dict[str, str]:
    """Return the variables that the container on an instance gets."""
    instance = Instance(folder)
    instance.run(user_data(config))
    called = instance.service("run")
    assert not (folder / "pwned").exists()
    given = [argument.removeprefix("--env=") for argument in called if argument.startswith("--env=")]
    return dict(variable.split("=", 1) for variable in given)


def test_both_kinds_of_slot_have_the_same_variables(tmp_path: Path) -> None:
    assert list(wrong(ODD, "instance")) == []
    pod, instance = variables_of_pod(ODD), variables_of_instance(tmp_path, ODD)
    assert pod == instance
    assert {name: pod[name] for name in ODD} == environment(ODD)


def test_values_become_text(tmp_path: Path) -> None:
    got = variables_of_instance(tmp_path, ODD)
    assert got["MAPPING"] == '{"a": ["값", 1, null, true], "b": {"c": "line\\nbreak"}}'
    assert (got["EMPTY"], got["FLAG"], got["NUMBER"], got["RATIO"]) == ("", "true", "42", "0.5")


def test_user_value_overrides_defaults_but_not_reserved_variables(tmp_path: Path) -> None:
    """An old record may contain variables that are refused now. Both kinds of slot then behave the same."""
    config = dict.fromkeys((*RESERVED, *DEFAULTS), "mine")
    pod, instance = variables_of_pod(config), variables_of_instance(tmp_path, config)
    assert pod == instance
    assert {pod[name] for name in DEFAULTS} == {"mine"}
    assert pod["SERVER_PORT"] == "8080" and pod["SERVER_SHUTDOWN"] == "graceful"


def test_names_are_those_of_the_role(tmp_path: Path) -> None:
    loader = DataLoader()
    set_by_role = loader.load_from_file(str(ROOT / "roles/slot/vars/main.yml"))
    assert set(set_by_role["__slot_reserved"]) == set(RESERVED) - {"MANAGEMENT_SERVER_PORT"}
    assert set(set_by_role["__slot_defaults"]) == set(DEFAULTS)


@pytest.mark.parametrize("name", ["slot_log_group", "platform_region"])
def test_values_cannot_run_commands_as_root(tmp_path: Path, name: str) -> None:
    instance = Instance(tmp_path)
    instance.run(
        user_data({}, **{name: "x'$(touch pwned)`touch pwned`\"; touch pwned\nEND_OF_SCRIPT\ntouch pwned"})
    )
    instance.service("run")
    assert not (tmp_path / "pwned").exists()


def test_unit_pulls_and_runs_the_image(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.run(user_data({}, slot_shutdown=40))
    assert instance.service("pull") == ["pull", RELEASE["image"]]
    called = instance.service("run")
    assert called[-1] == RELEASE["image"] and "8080:8080" in called and "awslogs-stream=i-1" in called
    unit = (tmp_path / "etc/systemd/system/teal-service.service").read_text()
    assert "TimeoutStopSec=55\n" in unit and "docker stop --time 40 service" in unit
    assert 'echo "teal-service ended: $EXIT_CODE $EXIT_STATUS"' in unit
    assert (tmp_path / "etc/teal/service.env").stat().st_mode & 0o777 == 0o600


def test_largest_configuration_fits_into_user_data() -> None:
    size = 9 * 1024
    while list(wrong({"A": "x" * size}, "instance")):
        size -= 16
    image = f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/{'r' * 200}@sha256:{'0' * 64}"
    release = {**RELEASE, "config": {"A": "x" * size}, "image": image}
    script = user_data({}, slot_release=release, slot_log_group="/" + "g" * 500)
    assert size > 8 * 1024 and len(script.encode()) <= MOST_USER_DATA


WRONG: list[tuple[Any, str, str]] = [
    ({"SERVER_PORT": "9090"}, "kubernetes", "SERVER_PORT is reserved: set slot_port"),
    ({"server.port": "9090"}, "kubernetes", "server.port is reserved: set slot_port"),
    ({"SERVER_TOMCAT_KEEPALIVETIMEOUT": "5s"}, "instance", "is reserved: set slot_keep_alive"),
    (
        {"management.endpoints.web.exposure.include": "*"},
        "kubernetes",
        "must be written MANAGEMENT_ENDPOINTS_WEB",
    ),
    ({"A B": "x"}, "kubernetes", "the name 'A B' must begin with a letter"),
    ({"A=B": "x"}, "instance", "the name 'A=B' must begin"),
    ({"1A": "x"}, "kubernetes", "the name '1A' must begin"),
    ({"": "x"}, "kubernetes", "the name '' must begin"),
    ({"이름": "x"}, "kubernetes", "the name '이름' must begin"),
    ({"A\n": "x"}, "instance", "must begin with a letter"),
    ({"A" * 254: "x"}, "kubernetes", "at most 252"),
    ({True: "x"}, "kubernetes", "the name True must begin with a letter or _, and go on with at most 252"),
    ({"A": "a\0b"}, "instance", "A has the character U+0000"),
    ({"A": "a\x1bb"}, "kubernetes", "A has the character U+001B"),
    ({"A": "x" * 131072}, "kubernetes", "A has 131073 bytes, and at most 131069"),
    ({f"A{n}": "x" * 100000 for n in range(4)}, "kubernetes", "DynamoDB allows 400 KB"),
    ({"A": "가" * 60000}, "kubernetes", "A has 180001 bytes"),
    ({"A": "x" * 10000}, "instance", "for which EC2 allows 16 KB"),
]


@pytest.mark.parametrize(("config", "kind", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_invalid_configuration_is_refused(config: Any, kind: str, message: str) -> None:
    found = [text for _, text in run_checks({"slot_config": config, "slot_kind": kind})]
    assert any(message in text for text in found), found


@pytest.mark.parametrize("size", [9000, 100000])
def test_configuration_too_large_for_an_instance_is_accepted_on_kubernetes(size: int) -> None:
    assert run_checks({"slot_config": {"A": "x" * size}, "slot_kind": "kubernetes"}) == []
