"""What comes from a vault is not stored in clear text, and is not shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from ansible.template import Templar
from ansible_collections.teal.platform.plugins.plugin_utils.settings import Settings, Specifications

ROOT = Path(__file__).resolve().parents[3]
SECRETS = [("default", VaultSecret(b"the password of the vault"))]
PLANTED = "planted-secret"


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataLoader]:
    made = DataLoader()
    made.set_vault_secrets(SECRETS)
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(SECRETS))
    yield made


@pytest.fixture
def problems(loader: DataLoader, tmp_path: Path) -> Any:
    """Return problems(text, vaulted file's text) -> what is wrong with a release that has these variables."""
    vault = VaultLib(SECRETS)
    inline = vault.encrypt(PLANTED).decode().replace("\n", "\n    ")
    specifications = Specifications(
        ROOT, lambda path: loader.load_from_file(path, cache="none", trusted_as_template=True)
    )

    def problems(text: str, name: str = "slot_config") -> list[str]:
        (tmp_path / "main.yml").write_text(text.replace("VAULT", f"!vault |\n    {inline}"))
        (tmp_path / "vault.yml").write_bytes(vault.encrypt(f"file_password: {PLANTED}\nfile_port: 5432\n"))
        variables: dict[str, Any] = {
            "platform_environment": "qa",
            "platform_application": "shop",
            "platform_region": "eu-west-1",
        }
        for file in ("main.yml", "vault.yml"):
            variables |= loader.load_from_file(str(tmp_path / file), trusted_as_template=True)
        variables["hostvars"] = {"release.qa": variables}
        settings = Settings(specifications, "release.qa", variables, Templar(loader=loader))
        found = [str(problem) for problem in settings.problems() if problem.variable == name]
        assert PLANTED not in "".join(found)
        return found

    return problems


@pytest.mark.parametrize(
    "text",
    [
        "slot_config:\n  PASSWORD: VAULT",
        "password: VAULT\nslot_config:\n  PASSWORD: '{{ password }}'",
        "password: VAULT\nslot_config:\n  URL: 'jdbc:x?password={{ password }}'",
        "password: VAULT\nslot_config:\n  PASSWORD: '{{ password | trim | upper }}'",
        "password: VAULT\nother: 'a{{ password }}'\nslot_config:\n  PASSWORD: 'b{{ other }}'",
        "password: VAULT\nslot_config:\n  NESTED: {deep: ['{{ password }}x']}",
        "password: VAULT\ncommon: {PASSWORD: 'x{{ password }}'}\nslot_config: '{{ common }}'",
        "password: VAULT\ncommon: {PASSWORD: '{{ password }}'}\nslot_config: \"{{ common | combine({'A': 'b'}) }}\"",
        "database:\n  host: h\n  password: VAULT\nslot_config:\n  PASSWORD: 'x{{ database.password }}'",
        "database:\n  host: h\n  password: VAULT\nslot_config:\n  DATABASE: '{{ database | to_json }}'",
        "password: VAULT\nslot_config:\n  PASSWORD: \"x{{ lookup('vars', 'password') }}\"",
        "password: VAULT\nslot_config:\n  PASSWORD: \"x{{ hostvars['release.qa'].password }}\"",
        "slot_config:\n  PASSWORD: '{{ file_password }}'",
        "slot_config:\n  PASSWORD: 'x{{ file_password }}'",
        "slot_config:\n  PORT: '{{ file_port }}'",
        "slot_config:\n  PASSWORD: \"{{ 'x' | default(lookup('amazon.aws.secretsmanager_secret', 'a')) }}\"",
    ],
    ids=lambda text: text.replace("\n", " ")[:70],
)
def test_configuration_from_a_vault_is_refused(problems: Any, text: str) -> None:
    found = problems(text)
    assert found and all("comes from a vault" in message for message in found), found
    assert "Put the value in Secrets Manager, and the name of the secret here" in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "password: VAULT\nslot_config:\n  SECRET: shop-qa/database",
        "password: VAULT\nslot_config:\n  TEXT: password",
        "database:\n  host: h\n  password: VAULT\nslot_config:\n  HOST: '{{ database.host }}:5432'",
        "database:\n  host: h\n  password: VAULT\nslot_config:\n  HOST: \"{{ database['host'] }}\"",
    ],
    ids=lambda text: text.replace("\n", " ")[:70],
)
def test_values_beside_a_vault_are_accepted(problems: Any, text: str) -> None:
    assert problems(text) == []


def test_message_contains_the_name_of_the_vault(problems: Any) -> None:
    (reported,) = problems("password: VAULT\nslot_config:\n  URL: 'x{{ password }}'")
    assert reported.startswith("slot_config.URL comes from a vault, a vaulted value (password): ")


def test_tags_from_a_vault_are_refused(problems: Any) -> None:
    (reported,) = problems("platform_extra_tags:\n  Team: VAULT", "platform_extra_tags")
    assert reported.startswith("platform_extra_tags.Team comes from a vault")


@pytest.mark.parametrize("name", ["release_port", "slot_kind", "release_output"])
def test_a_wrong_value_from_a_vault_is_not_shown(problems: Any, name: str) -> None:
    (reported,) = problems(f"{name}: VAULT", name)
    assert reported.startswith(f"{name} = (hidden): ")


def test_a_configuration_of_the_wrong_type_is_not_shown(problems: Any) -> None:
    (reported,) = problems(f"slot_config: PASSWORD {PLANTED}")
    assert reported.startswith("slot_config = (hidden): ")
