"""Generated pages are current, links have targets, and commands name existing files, targets and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from ansible.parsing.splitter import parse_kv

from docs.generate import build, costs, data, releases
from rehearsal import __main__ as rehearsal
from tests import documented
from tests.pages import PAGES, ROOT, anchors, commands, links, name

WRITTEN = [path for path in PAGES if "reference" not in path.parts]


# -- what is generated -----------------------------------------------------------------------------


def test_generated_pages_and_blocks_are_current() -> None:
    assert [name(path) for path in build.stale()] == [], "run `make docs`"


def test_stale_block_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(build.BLOCKS, "costs", lambda: "other")
    assert ROOT / "docs" / "operations.md" in build.stale()


def test_unknown_block_is_refused() -> None:
    with pytest.raises(build.UnknownBlock, match="no block 'nonsense' exists"):
        build.fill("<!-- begin: nonsense -->\n<!-- end: nonsense -->", korean=False)


def test_diagram_of_an_environment_matches_its_inventory() -> None:
    page = (ROOT / "docs" / "environments.md").read_text()
    for env in data.environments():
        picture = (
            page.partition(f"\n## {env.name.upper()}\n")[2].partition("```mermaid")[2].partition("```")[0]
        )
        assert env["network_cidr"] in picture
        for component, shown in (
            ("bastion", "bastion["),
            ("functions", "functions["),
            ("database", "database[("),
        ):
            assert (shown in picture) == env.has(component), f"{component} in {env.name}"
        assert ("NAT gateway" in picture) == (env["network_nat"] != "none")


def test_state_diagram_matches_the_engine() -> None:
    known = releases.engine()
    edges = releases.states().count(" --> ")
    assert edges == sum(map(len, known.TRANSITIONS.values())) + len(known.TERMINAL)


def test_the_guide_shows_the_transitions_of_the_engine() -> None:
    picture = (ROOT / "docs" / "blue-green.md").read_text().partition("```mermaid\n")[2].partition("```")[0]
    shown = set(re.findall(r"^ +(\S+ --> \w+|\S+ --> \[\*\])", picture, re.MULTILINE))
    assert shown == set(re.findall(r"^ +(\S+ --> \S+)", releases.states(), re.MULTILINE))


def test_every_instance_type_has_a_price() -> None:
    for env in data.environments():
        assert all(item.month > 0 for item in costs.items(env))


# -- links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_have_targets(path: Path) -> None:
    wrong = []
    for link in links(path):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(link)
    assert wrong == []


def test_every_page_is_in_the_index() -> None:
    linked = {
        (ROOT / "docs" / link.partition("#")[0]).resolve() for link in links(ROOT / "docs" / "README.md")
    }
    missing = {path for path in (ROOT / "docs").glob("*.md") if path.name != "README.md"} - linked
    assert {name(path) for path in missing} == set()


# -- commands --------------------------------------------------------------------------------------


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def known_variables() -> set[str]:
    """Return the variables for -e: options of playbooks, settings of roles, and variables in their defaults."""
    specs = yaml.safe_load((ROOT / "playbooks/meta/argument_specs.yml").read_text())["argument_specs"]
    found = {option for spec in specs.values() for option in (spec or {}).get("options", {})}
    for role in data.roles():
        for entry in data.role_spec(role).values():
            found |= set(entry.get("options", {}))
        found |= set(re.findall(r"\{\{ \(?([a-z_]+) \| default", str(data.role_defaults(role))))
    for path in [*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "roles/release/tasks").glob("*.yml")]:
        for pair in re.findall(r"\b([a-z_]+) \| default|file', ([a-z_]+)\)", path.read_text()):
            found |= set(filter(None, pair))
    return found | {"ansible_connection"}


def extra_variables(words: list[str]) -> Iterator[str]:
    for flag, value in pairwise(words):
        if flag == "-e":
            yield value.partition("=")[0]


def wrong_commands(path: Path) -> list[str]:
    """Return the files, targets and variables in the commands of a page that do not exist."""
    wrong = []
    # What a page has its reader add is known to it.
    variables = known_variables() | set(re.findall(r"^ +([a-z_]+):", path.read_text(), re.MULTILINE))
    for words in commands(path):
        if words[0] == "make":
            wanted = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
            wrong += [f"make {target}" for target in wanted if target not in make_targets()]
        elif words[0] == "python" and words[1:3] == ["-m", "rehearsal"]:
            with pytest.raises(SystemExit) as done:
                rehearsal.main([words[3], "--help"])
            if done.value.code:
                wrong.append(" ".join(words))
        elif words[0] == "ansible-playbook":
            files = [word for word in words if word.endswith(".yml") and "=" not in word]
            inventories = [value for flag, value in pairwise(words) if flag == "-i"]
            made = {
                f"inventories/{name}"
                for name in re.findall(r"make new-environment NAME=(\w+)", path.read_text())
            }
            wrong += [word for word in (*files, *inventories) if word not in made and not exists(word, path)]
            wrong += [variable for variable in extra_variables(words) if variable not in variables]
        elif words[0] == "pytest" and not (ROOT / words[-1]).exists():
            wrong.append(" ".join(words))
    return wrong


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_commands_name_existing_files_and_variables(path: Path) -> None:
    assert wrong_commands(path) == []


def exists(word: str, page: Path) -> bool:
    """Whether a file exists below the root or beside the page. A placeholder is always accepted."""
    return "<" in word or (ROOT / word).exists() or (page.parent / word).exists()


def test_every_command_is_tested_or_marked() -> None:
    """A test runs each command in a console block, or the block is marked because it needs AWS."""
    found = [
        (block, command)
        for path in WRITTEN
        for block in documented.blocks(name(path))
        for command in block.commands
    ]
    assert len(found) > 60
    assert [(block.page, command) for block, command in found if not documented.proof(block, command)] == []
    assert any(block.aws for block, _ in found)
    for who in documented.ELSEWHERE.values():
        files = [word for word in who.replace(":", " ").split() if "/" in word]
        assert files and all((ROOT / file).exists() for file in files), who
    known = {what for block, command in found for what in (block.page, block.heading, command)}
    assert set(documented.ELSEWHERE) <= known


def test_untested_command_is_reported() -> None:
    text = "## Restore \u2601\n```console\naws rds x\n```\n## Look\n```console\n$ make moon\n```\n"
    aws, other = documented.blocks("docs/moon.md", text)
    assert documented.proof(aws, *aws.commands)
    assert not documented.proof(other, *other.commands)


def test_reason_of_several_words_is_quoted_twice() -> None:
    """The shell removes quotes before Ansible splits the value of -e."""
    for path in WRITTEN:
        for words in commands(path):
            for flag, value in pairwise(words):
                if flag == "-e" and "=" in value:
                    assert "_raw_params" not in parse_kv(value), f"{name(path)}: {value}"


def test_wrong_commands_are_reported(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\nmake nonsense\nansible-playbook nothing.yml -i inventories/moon -e wrong=1\n```\n"
    )
    wrong = wrong_commands(page)
    assert sorted(set(wrong)) == ["inventories/moon", "make nonsense", "nothing.yml", "wrong"]
