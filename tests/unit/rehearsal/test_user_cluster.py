"""The user's own cluster: its settings, the playbooks' variables, and its images."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import user_cluster
from rehearsal.config import ConfigError


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TEAL_REHEARSAL_IMAGES", raising=False)
    monkeypatch.delenv("TEAL_REHEARSAL_IMAGE_COMMAND", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "kubeconfig"
    path.write_text("current-context: kind-rehearsal\n")
    return path


def test_variables_for_the_playbooks(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_cluster.settings("kubeconfig") == {
        "external": str(kubeconfig),
        "context": "kind-rehearsal",
        "images": "sample",
        "image_command": "",
    }
    monkeypatch.setenv("TEAL_REHEARSAL_IMAGES", "registry.example.com/sample")
    config = {"kubernetes": user_cluster.settings(str(kubeconfig))}
    assert user_cluster.variables(config) == {
        "platform_kubeconfig": str(kubeconfig),
        "release_image_repository": "registry.example.com/sample",
    }
    assert user_cluster.variables({"kubernetes": {"external": ""}}) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("{}", "no current-context"), (": :", "no current-context"), ("", "no current")],
)
def test_invalid_kubeconfig_is_reported(kubeconfig: Path, content: str | None, message: str) -> None:
    if content is None:
        kubeconfig.unlink()
    else:
        kubeconfig.write_text(content)
    with pytest.raises(ConfigError, match=message):
        user_cluster.settings(str(kubeconfig))


def test_images_are_loaded_by_the_users_command(kubeconfig: Path, tmp_path: Path) -> None:
    kubernetes = user_cluster.settings(str(kubeconfig))
    script = tmp_path / "bring image"
    script.write_text('#!/bin/sh\necho "$@" >> brought\n')
    script.chmod(0o755)
    config = {"kubernetes": kubernetes | {"image_command": f"'{script}' --now"}}
    user_cluster.load_image(config, "1.3.0", "1.3.0", "crash")
    assert (tmp_path / "brought").read_text() == "--now sample:1.3.0 1.3.0 crash\n"
    user_cluster.load_seeds(config)
    assert "--now sample:never-ready never-ready never-ready\n" in (tmp_path / "brought").read_text()
    user_cluster.load_image({"kubernetes": kubernetes}, "1.4.0", "1.4.0", "ok")
    user_cluster.load_seeds({"kubernetes": {"external": ""}})
    assert "1.4.0" not in (tmp_path / "brought").read_text()


@pytest.mark.parametrize(
    ("command", "message"), [("false", "`false sample:1"), ("./nothing", "cannot be run")]
)
def test_failed_command_is_reported(kubeconfig: Path, command: str, message: str) -> None:
    config = {"kubernetes": user_cluster.settings(str(kubeconfig)) | {"image_command": command}}
    with pytest.raises(ConfigError, match=message):
        user_cluster.load_image(config, "1", "1", "ok")
