"""The message catalogue: each message in each language, with the same placeholders, and each message used."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.teal.platform.plugins.filter.discord_embeds import TOPICS as DISCORD
from ansible_collections.teal.platform.plugins.module_utils.messages.catalogue import (
    CATALOGUE,
    LANGUAGES,
    TOPICS,
)
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import UNREADABLE
from ansible_collections.teal.platform.plugins.module_utils.release.analysis_settings import LIMITS
from ansible_collections.teal.platform.plugins.module_utils.release.failure_causes import Cause
from ansible_collections.teal.platform.plugins.module_utils.release.states import State

from tests.unit.support import ROOT

#: Functions that take the id of a message as their first argument.
FUNCTIONS = {"message", "known"}
#: The filter that takes an id in playbooks and roles: 'id' | teal.platform.message(name=value)
IN_YAML = re.compile(r"'([a-z_]+\.[a-z_]+)'\s*\|\s*teal\.platform\.message\(")
HANGUL = re.compile("[가-힣]")
#: Texts that are the same in Korean.
SAME = {"time", "indented", "lock.what", "field.trigger_by", "log.heading", "summary.id"}


#: Findings of the analysis about values that CloudWatch did not publish.
NOTHING_TO_COMPARE = {
    "no_baseline",
    *(f"{what}_latency_{name}" for what in ("no", "no_baseline") for name in ("p90", "p99")),
}
#: Names of tasks by which a failed release is reported. Tasks of slots exist for each slot.
STEPS = {english for name, (english, _korean) in CATALOGUE.items() if name.startswith("step.")}


def placeholders(text: str) -> list[str]:
    return sorted(
        {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}
    )


def sources() -> Iterator[Path]:
    mechanism = ROOT / "plugins" / "module_utils" / "messages" / "message.py"
    yield from (file for file in (ROOT / "plugins").rglob("*.py") if file != mechanism)
    yield from (ROOT / "cli").rglob("*.py")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield all calls of FUNCTIONS, with the file."""
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
                yield str(file.relative_to(ROOT)), node


def yaml_ids() -> Iterator[tuple[str, str]]:
    for folder in ("roles", "playbooks"):
        for file in (ROOT / folder).rglob("*.yml"):
            for found in IN_YAML.finditer(file.read_text("utf-8")):
                yield str(file.relative_to(ROOT)), found[1]


def ids_of(call: ast.Call) -> set[str]:
    """Return the ids that a call may have: one for a text, all with its beginning for an f-string."""
    first = call.args[0]
    if isinstance(first, ast.Constant):
        return {first.value}
    if isinstance(first, ast.IfExp):
        return {branch.value for branch in (first.body, first.orelse) if isinstance(branch, ast.Constant)}
    if isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
        beginning = first.values[0].value
        assert beginning.endswith("."), f"an id that is computed must have a fixed topic: {ast.unparse(call)}"
        return {name for name in CATALOGUE if name.startswith(beginning)}
    return set()


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_message_exists_in_each_language_with_the_same_placeholders(name: str) -> None:
    texts = CATALOGUE[name]

    assert len(texts) == len(LANGUAGES)
    assert all(texts)
    assert len({tuple(placeholders(text)) for text in texts}) == 1, [placeholders(text) for text in texts]


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_korean_message_is_korean(name: str) -> None:
    english, korean = CATALOGUE[name]

    words = re.sub(r"\{\w+\}", "", english)
    if name not in SAME and words.upper() != words:
        assert HANGUL.search(korean), f"{name} is not Korean: {korean}"
    assert not re.search(r"(해요|어요|아요|세요)[.!?]?$", korean), (
        f"{name} is not in the formal style: {korean}"
    )


def test_no_message_is_in_two_topics() -> None:
    assert sum(len(topic.TEXTS) for topic in TOPICS) == len(CATALOGUE)


def test_a_topic_file_is_small() -> None:
    for topic in TOPICS:
        assert topic.__file__
        assert len(Path(topic.__file__).read_text("utf-8").splitlines()) < 400, topic.__name__


def test_each_used_message_exists_and_gets_its_parameters() -> None:
    for file, call in calls():
        names = ids_of(call)
        assert names, f"{file}: no message has this id: {ast.unparse(call)}"
        for name in names:
            assert name in CATALOGUE, f"{file}: {name} is not in the catalogue"
            given = {keyword.arg for keyword in call.keywords}
            wanted = set(placeholders(CATALOGUE[name][0]))
            # `**values` may hold more.
            assert given - {None} <= wanted, f"{file}: {name} has no {given - wanted}"
            if None not in given and ast.unparse(call.func) == "message":
                assert given == wanted, f"{file}: {name} needs {wanted}, and gets {given}"
    for file, name in yaml_ids():
        assert name in CATALOGUE, f"{file}: {name} is not in the catalogue"


def test_each_message_is_used() -> None:
    used = {name for _file, call in calls() for name in ids_of(call)} | {name for _file, name in yaml_ids()}

    assert not set(CATALOGUE) - used


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("advice", {*Cause, "other"}),
        ("state", set(State)),
        ("slot", {"raising", "failed", "stopping", "down"}),
        ("kind", {"deploy", "rollback", "retire", "unlock", "tests"}),
        ("verb", {"deploy", "rollback", "continue"}),
        ("title", {topic.replace(" ", "_") for topic in DISCORD}),
        ("place", {"component", "slot"}),
        ("verdict", {"passed", "failed", "inconclusive"}),
        ("finding", {*LIMITS, "query", *UNREADABLE, "few_requests", "few_minutes", *NOTHING_TO_COMPARE}),
        ("pull", {"image_missing", "image_platform", "image_refused", "registry"}),
        ("step", {name.lower().replace(" ", "_") for name in STEPS}),
    ],
)
def test_a_topic_whose_ids_are_computed_has_one_message_for_each_word(topic: str, words: set[str]) -> None:
    found = {name.partition(".")[2] for name in CATALOGUE if name.startswith(f"{topic}.")}

    assert found == set(map(str, words))


def test_each_step_is_the_name_of_a_task() -> None:
    folders = (ROOT / "roles" / "release" / "tasks", ROOT / "roles" / "slot" / "tasks")
    text = "\n".join(file.read_text("utf-8") for folder in folders for file in folder.glob("*.yml"))
    names = {re.sub(r"slot (blue|green)$", "slot {{ slot_release.slot }}", step) for step in STEPS}

    assert not {name for name in names if f"- name: {name}\n" not in text}
