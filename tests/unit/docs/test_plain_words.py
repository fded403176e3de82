"""tools/plain_words.py finds each listed word in the files that people read, and allows the exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tools import plain_words

CONTENT = yaml.safe_load(plain_words.LIST.read_text(encoding="utf-8"))
PLANTED = {
    "docs/page.md": "# Page\n\nShow the belongings.\n",
    "roles/one/tasks/main.yml": "---\n- name: Name the way back\n  ansible.builtin.meta: noop\n",
    "roles/one/meta/argument_specs.yml": "---\ndescription: What is there now.\n",
    "plugins/modules/two_errands.py": "NAME = 1\n",
    "plugins/module_utils/message.py": '"""Module."""\n\nTEXT = f"{1} of 2 pods. Someone is at work."\n',
    "changelogs/fragments/new.yml": "---\nbugfixes:\n  - lock - the run gives the lock back.\n",
}


def planted(root: Path) -> list[str]:
    for name, text in PLANTED.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    words = plain_words.Words(CONTENT)
    return sorted(f"{each.path}:{each.line}: {each.word}" for each in plain_words.findings(root, words))


def test_planted_words_are_found(tmp_path: Path) -> None:
    assert planted(tmp_path) == [
        "changelogs/fragments/new.yml:3: gives the lock back",
        "docs/page.md:3: belongings",
        "plugins/module_utils/message.py:3: at work",
        "plugins/modules/two_errands.py:0: errands",
        "roles/one/meta/argument_specs.yml:2: What is there",
        "roles/one/tasks/main.yml:2: way back",
    ]


def test_plain_text_passes(tmp_path: Path) -> None:
    file = tmp_path / "docs" / "page.md"
    file.parent.mkdir()
    file.write_text("The standard hello, world. Tellers understand a recommended amendment.\n")
    words = plain_words.Words(CONTENT)
    assert list(plain_words.findings(tmp_path, words)) == []


def test_exceptions_allow_a_word_only_in_their_text_and_file() -> None:
    allowed = [{"file": "docs/*.md", "text": "an errand boy", "reason": "A quotation."}]
    words = plain_words.Words({**CONTENT, "allowed": allowed})
    assert words.unused() != []
    assert list(words.find("docs/page.md", "It is an errand boy.")) == []
    assert words.unused() == []
    assert [each.line for each in words.find("docs/page.md", "an errand boy\nruns an errand")] == [2]
    assert [each.word for each in words.find("roles/page.md", "an errand boy")] == ["errand"]


@pytest.mark.parametrize("entry", CONTENT["allowed"], ids=lambda entry: entry["text"])
def test_each_exception_has_a_reason(entry: dict[str, str]) -> None:
    assert entry.keys() == {"file", "text", "reason"}
    assert entry["reason"]
