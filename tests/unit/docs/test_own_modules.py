"""docs/own-modules.md: a reason for each own module, and figures that count what a build runs."""

from __future__ import annotations

import pytest

from docs.generate import build, data, own_modules, reference, tasks


def test_entries_match_the_modules() -> None:
    assert own_modules.problems() == [], "edit docs/generate/own_modules.yml, then run `make docs`"


def test_missing_entry_and_missing_module_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = own_modules.existing()
    monkeypatch.setattr(own_modules, "existing", lambda: modules - {"sns_topic"} | {"sqs_queue"})
    assert own_modules.problems() == [
        "docs/generate/own_modules.yml: no entry for the module sqs_queue",
        "docs/generate/own_modules.yml: no module sns_topic exists",
    ]


def test_each_entry_is_complete() -> None:
    for name, entry in (
        (name, each) for group in own_modules.entries().values() for name, each in group.items()
    ):
        assert entry.keys() == {"manages", "upstream", "lacks", "removable"}, name
        assert all(isinstance(text, str) for text in entry.values()), name
        assert entry["manages"], name
        assert entry["lacks"], name
        assert entry["removable"].startswith(("Yes, ", "No")), name


def test_info_modules_are_those_that_read_state() -> None:
    named = {name for name in own_modules.existing() if name.endswith("_info")}
    assert named == own_modules.entries()["information"].keys()


def test_tasks_in_blocks_count_if_their_condition_may_hold() -> None:
    found = tasks.walk(
        [
            {"amazon.aws.one": {}},
            {
                "block": [{"teal.platform.two": {}}, {"ansible.builtin.debug": {}}],
                "rescue": [{"amazon.aws.no": {}}],
            },
            {"amazon.aws.no": {}, "when": ["kind == 'job'"]},
            {"block": [{"amazon.aws.no": {}}], "when": "not wanted"},
            {"kubernetes.core.three": {}, "when": "registered is changed and kind == 'job'"},
            {"community.aws.four": {}, "when": "kind == 'instance' and wanted"},
        ],
        "role",
        {"kind": "instance", "wanted": True},
    )
    assert [name for task in found if (name := tasks.module(task))] == [
        "amazon.aws.one",
        "teal.platform.two",
        "kubernetes.core.three",
        "community.aws.four",
    ]


def test_build_of_each_environment_has_tasks_of_each_kind() -> None:
    groups = {name: group for group, names in own_modules.entries().items() for name in names}
    for environment in data.environments():
        counted = tasks.count(environment, groups)
        assert all(counted[kind] for kind in ("upstream", "resource", "information", "release")), (
            environment.name
        )


def test_documentation_is_not_counted_as_code() -> None:
    text = 'DOCUMENTATION = r"""\nmodule: one\n"""\n\nRETURN = r"""\n"""\nSIZE = 1\n'
    assert own_modules.documentation_lines(text) == 5


def test_each_role_has_a_readme_of_its_settings() -> None:
    readmes = {path.relative_to(data.ROOT).as_posix() for path in reference.role_readmes()}
    assert readmes == {f"roles/{role}/README.md" for role in data.roles()}
    assert readmes <= {path.relative_to(data.ROOT).as_posix() for path in build.whole_pages()}
    page = reference.role_page("load_balancer", link="../{}/README.md")
    assert "`load_balancer_certificate_arn`" in page
