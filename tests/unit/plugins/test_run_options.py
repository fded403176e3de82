"""Tests of the checks of the command line: each problem names what to run instead."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.teal.platform.plugins.plugin_utils import run_options

ROOT = Path(__file__).resolve().parents[3]
#: All that a person may call; the others are parts.
PARTS = {"gate", "preflight", "run_options"}
PLAYBOOKS = sorted({path.stem for path in (ROOT / "playbooks").glob("*.yml")} - PARTS)
TEST, PRODUCTION = "-i inventories/test", "-i inventories/production"


def call(words: str, cwd: Path = ROOT, **environ: str) -> tuple[int, str]:
    """Run ansible-playbook as a person does; return its exit status and what it printed."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "AWS_", "MOLECULE_"))
    }
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), *shlex.split(words)],
        cwd=cwd,
        # No call here may reach AWS.
        env={**inherited, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("playbook", ["site", *PLAYBOOKS])
def test_each_playbook_begins_with_the_check(playbook: str) -> None:
    """`site` is checked once: the playbooks that it imports know."""
    first, *others = yaml.safe_load((ROOT / f"playbooks/{playbook}.yml").read_text("utf-8"))
    assert first["ansible.builtin.import_playbook"] == "run_options.yml"
    assert first["vars"]["run_options_playbook"] == playbook
    groups = set(first["vars"]["run_options_groups"])
    meant = {play["hosts"] for play in others if "hosts" in play} - {"all"}
    if playbook == "site":
        assert all(play["vars"] == {"run_options_checked": True} for play in others)
    else:
        assert meant == groups


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_two_inventories_at_once_are_refused_by_each_playbook(playbook: str) -> None:
    status, text = call(f"playbooks/{playbook}.yml {TEST} {PRODUCTION} -e confirm=production")
    assert status == 2
    assert "inventories/test and inventories/production: use one inventory at a time" in text
    assert "TASK [" in text
    assert text.count("TASK [") == 1, "nothing else ran"


@pytest.mark.parametrize(
    ("words", "environ", "reported"),
    [
        ("-i inventories", {}, "one environment (here: production, staging, test)"),
        (f"{TEST} --limit network", {}, "--limit network excludes release, so nothing would run"),
        (f"{TEST} --limit '!release'", {}, "--limit !release excludes release"),
        (f"{TEST} --tags x", {}, "--tags x"),
        (TEST, {"ANSIBLE_RUN_TAGS": "x"}, "ANSIBLE_RUN_TAGS"),
        (f"{TEST} --skip-tags always", {}, "--skip-tags always"),
        (TEST, {"ANSIBLE_SKIP_TAGS": "x"}, "ANSIBLE_SKIP_TAGS"),
        (f"{TEST} --start-at-task Stop", {}, "--start-at-task 'Stop'"),
        (f"{TEST} --start-at-task nothing", {}, "--start-at-task 'nothing'"),
        (f"{TEST} --step", {}, "--step"),
        (TEST, {"ANSIBLE_STRATEGY": "free"}, "ANSIBLE_STRATEGY=free"),
        (TEST, {"ANSIBLE_HASH_BEHAVIOUR": "merge"}, "ANSIBLE_HASH_BEHAVIOUR=merge"),
        ("-i nowhere", {}, "nowhere"),
        ("-i nowhere,", {}, "no host in the group release"),
        (f"{TEST} --limit nothing", {}, "no hosts to target"),
        (f"{TEST} -e reason='two words'", {}, "would lose 'words'"),
        (f"{TEST} -e platform_environment=staging", {}, "the host release.test belongs to 'test'"),
        (f"{TEST} -e platform_name=assistant-staging", {}, "platform_name is 'assistant-staging'"),
        (f"{TEST} -e image_tag=1.0.0", {}, "-e image_tag: rollback would ignore it. It accepts to"),
        (f"{TEST} -e too=r12", {}, "-e too is not known: did you mean to?"),
        (
            f"{TEST} -e platform_state=absent",
            {},
            "-e platform_state: the playbooks set this variable themselves",
        ),
        (f"{TEST} -e __release_kind=deploy", {}, "-e __release_kind"),
        (
            f"{TEST} -e platform_aws_profile=shop",
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
            "platform_aws_profile is 'shop', and the shell has AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
        ),
    ],
)
def test_options_with_which_a_rollback_would_not_run_are_refused(
    words: str, environ: dict[str, str], reported: str
) -> None:
    status, text = call(f"playbooks/rollback.yml {words}", **environ)
    assert status != 0, text
    assert reported in text
    assert "Roll back" not in text.replace("Roll back to the previous release", ""), (
        "no task of the rollback began"
    )


@pytest.mark.parametrize(
    ("playbook", "limit"),
    [
        ("provision", "release"),
        ("deploy", "database"),
        ("db_tunnel", "release"),
        ("first_release", "!release"),
    ],
)
def test_limit_without_the_component_of_the_playbook_is_refused(playbook: str, limit: str) -> None:
    status, text = call(f"playbooks/{playbook}.yml {TEST} --limit '{limit}'")
    assert status == 2
    assert f"--limit {limit} excludes" in text
    assert text.count("TASK [") == 1


def test_site_can_be_limited_to_any_component() -> None:
    """Both of what site.yml imports would refuse it alone. Preflight ends it here: no region is called so."""
    for limit in ("release", "network"):
        status, text = call(f"site.yml {TEST} --limit {limit} -e platform_region=nowhere-1")
        assert status == 2
        assert "platform_region = 'nowhere-1'" in text, text
        assert "Could not match" not in text
        assert "localhost" not in text, "it is no component that was not reached"


def test_options_are_refused_in_another_working_directory(tmp_path: Path) -> None:
    """Ansible itself ends with 0 there: it takes a missing inventory for an empty one."""
    root = shlex.quote(str(ROOT))
    found = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections")}
    status, text = call("teal.platform.rollback -i nowhere", tmp_path, **found)
    assert status == 2
    assert "has no hosts, so nothing would run" in text
    status, text = call(f"teal.platform.status -i {root}/inventories/test --limit network", tmp_path, **found)
    assert status == 2
    assert "excludes release" in text
    for option in ("--start-at-task 'Show the status'", "--skip-tags always", "--tags x", "--step"):
        status, text = call(f"teal.platform.status -i {root}/inventories/test {option}", tmp_path, **found)
        assert status == 4, text
        assert f"{option.split()[0]} " in text.replace("--step:", "--step ")
        assert "PLAY [" not in text
    status, text = call(f"{root}/playbooks/status.yml -i {root}/inventories/test", tmp_path)
    assert status != 0, "without the collection there is nothing to run"


def test_list_options_run_no_task() -> None:
    for option in ("--list-tasks --tags x", "--list-hosts", "--syntax-check"):
        status, text = call(f"site.yml {TEST} {option}")
        assert status == 0, text


# -- each by itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "reported"),
    [
        ("reason=two words", """-e "reason=two words" would lose 'words'."""),
        ("reason=bad since x=3", "would lose 'since'"),
        ("reason=bad x=3", "would set the variable x"),
        ("to=r3 reason=two words", "would lose 'words'"),
        ("slot_config=a s3cr3t", 'slot_config=…" would lose words'),
        ("reason='two words'", None),
        ('reason="two words" to=r3', None),
        ("reason=one", None),
        ("reason=", None),
        ('{"reason": "two words"}', None),
        ("@file.yml", None),
        ("release_bake=3s release_window=1h", None),
    ],
)
def test_unquoted_words_of_a_value_are_refused(argument: str, reported: str | None) -> None:
    known = {*run_options.SHORT, "release_bake", "release_window"}
    found = list(run_options.lost_words([argument], known))
    assert bool(found) == (reported is not None)
    if reported:
        assert reported in found[0]
        assert "s3cr3t" not in found[0]


def test_quoting_in_the_message_keeps_all_words() -> None:
    (said,) = run_options.lost_words(["reason=two words"], run_options.SHORT)
    advised = shlex.split(said.rpartition("Ansible as well: ")[2])[1]
    assert list(run_options.lost_words([advised], run_options.SHORT)) == []
    assert run_options.parse_kv(advised) == {"reason": "two words"}


def test_tags_and_inventory_of_molecule_are_accepted() -> None:
    options = {"skip_tags": ["molecule-notest", "notest"], "tags": ["all"]}
    assert list(run_options.left_out_by_options(options)) == []
    groups = {"all": ["release.test"], "release": ["release.test"]}
    sources = ["/cache/molecule/inventory", "/platform/inventories/test"]
    assert list(run_options.several_inventories(sources, groups, "/cache/molecule")) == []
    assert len(list(run_options.several_inventories(sources, groups))) == 1


def test_profile_and_keys_together_are_refused() -> None:
    environ = {"AWS_PROFILE": "shop", "AWS_ACCESS_KEY_ID": "a"}
    (said,) = run_options.two_credentials({"platform_aws_profile": ""}, environ)
    assert said.startswith("AWS_PROFILE is 'shop', and the shell has AWS_ACCESS_KEY_ID.")
    assert said.endswith("To use the keys: unset AWS_PROFILE")
    assert list(run_options.two_credentials({}, {"AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "shop"})) == []
    assert list(run_options.two_credentials({"platform_aws_profile": ""}, {"AWS_ACCESS_KEY_ID": "a"})) == []


def test_the_short_variables_are_those_of_roles_and_playbooks() -> None:
    found: set[str] = set()
    for file in ROOT.glob("roles/*/defaults/main.yml"):
        found |= set(re.findall(r"\{\{ \(?([a-z][a-z_]*) \| default", file.read_text("utf-8")))
    specs: dict[str, Any] = yaml.safe_load((ROOT / "playbooks/meta/argument_specs.yml").read_text("utf-8"))
    for spec in specs["argument_specs"].values():
        found |= set(spec.get("options", {}))
    roles = tuple(f"{path.name}_" for path in (ROOT / "roles").iterdir())
    assert {name for name in found if not name.startswith(("__", "ansible_", *roles))} == set(
        run_options.SHORT
    )
