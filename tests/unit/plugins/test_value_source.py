"""What YAML makes of a value that is written without quotes is seen by how it is written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.teal.platform.plugins.module_utils.text_values import as_texts
from ansible_collections.teal.platform.plugins.plugin_utils.checks.tags import extra_tags
from ansible_collections.teal.platform.plugins.plugin_utils.value_source import (
    source_text,
    template_variables,
)


@pytest.fixture
def read(tmp_path):
    """Return read(text) -> what ansible reads from a YAML file with this text."""

    def read(text: str) -> Any:
        (tmp_path / "tags.yml").write_text(text)
        return DataLoader().load_from_file(str(tmp_path / "tags.yml"))

    return read


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("a: 0644", "0644"),
        ("a: 1.10  # a version", "1.10"),
        ("a: no", "no"),
        ("{b: 1, a: 0x1F, c: 2}", "0x1F"),
        ("{b: 1, a: yes}", "yes"),
        ("a: 2026-11-30", "2026-11-30"),
    ],
)
def test_original_text_of_a_value_is_found(read, line, source):
    values = read(line)
    (key,) = (key for key in values if key == "a")
    assert source_text(values["a"], key) == source


@pytest.mark.parametrize(
    "value",
    ["0644", "1_000", "0x1F", "1:30", "1.10", "1.0e+3", "yes", "NO", "Off", "2026-11-30", ".inf", ".nan"],
)
def test_a_tag_that_yaml_reads_as_something_else_is_refused(read, value):
    found = list(extra_tags(platform_extra_tags=read(f"Team: {value}")))
    assert found and all("put it in quotes" in message for _, message in found), found
    assert list(extra_tags(platform_extra_tags=read(f"Team: '{value}'"))) == []


@pytest.mark.parametrize("value", ["42", "0", "-1", "0.5", "true", "False", "~", "text", "한국어"])
def test_tag_that_yaml_reads_unchanged_is_accepted(read, value):
    assert list(extra_tags(platform_extra_tags=read(f"Team: {value}"))) == []


def test_values_are_converted_to_text():
    values = {"a": 1, "b": True, "c": None, "d": {"k": ["값", 1.5, None]}, "e": " text\n", "f": 0.5}
    assert as_texts(values) == {
        "a": "1", "b": "true", "c": "", "d": '{"k": ["값", 1.5, null]}', "e": " text\n", "f": "0.5",
    }  # fmt: skip


def test_names_in_templates():
    assert template_variables("{{ a.b | default(c['d']) }}{% if e %}f{% endif %}") == {"a", "c", "e"}
    assert template_variables("a") == template_variables(5) == template_variables("{{ broken") == set()
