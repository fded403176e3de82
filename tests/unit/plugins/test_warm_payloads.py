# SPDX-License-Identifier: MIT
"""A payload is given to a later run only if Ansible would build the same."""

from __future__ import annotations

import base64
import io
import os
import pathlib
import types
import zipfile
from collections.abc import Callable, Iterator

import pytest
from ansible.executor.module_common import ModuleMetadataV1, _CachedModule
from ansible_collections.teal.platform.plugins.plugin_utils import warm_payloads

NAME = "ansible_collections.some.where.plugins.modules.thing-ZIP_DEFLATED-none"
LATER = warm_payloads.RACE_SECONDS + 1


class Place:
    """Collections that Ansible finds, the folder of payloads, and runs one after the other."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.kept = folder / "kept"
        self._monkeypatch = monkeypatch
        self._runs = 0
        for name in ("modules/thing.py", "module_utils/part.py"):
            self.write(f"plugins/{name}", "1")
        self.run()

    @property
    def collection(self) -> pathlib.Path:
        return self.folder / "ansible_collections" / "some" / "where"

    def write(self, name: str, text: str) -> None:
        path = self.collection / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self) -> warm_payloads.Payloads:
        """Begin another run."""
        self._runs += 1
        temporary = self.folder / f"run{self._runs}"
        temporary.mkdir()
        self._monkeypatch.setattr(warm_payloads.C, "DEFAULT_LOCAL_TMP", str(temporary))
        warm_payloads._state.cache_clear()
        self.payloads = warm_payloads.Payloads(str(self.kept))
        return self.payloads

    def build(self, name: str = NAME, later: float = LATER, others: tuple[str, ...] = ()) -> None:
        """What Ansible does: pack a module, and keep it for the run."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path in ("some/where/plugins/modules/thing.py", *others):
                archive.writestr(f"ansible_collections/{path}", "1")
        self.payloads.run.mkdir(exist_ok=True)
        path = self.payloads.run / name
        _CachedModule(
            zip_data=base64.b64encode(packed.getvalue()),
            metadata=ModuleMetadataV1(serialization_profile="legacy"),
            source_mapping={},
        ).dump(str(path))
        built = path.stat().st_mtime + later
        os.utime(path, (built, built))

    def brought(self) -> list[str]:
        """What another run is given."""
        payloads = self.run()
        payloads.bring()
        return sorted(path.name for path in payloads.run.glob("*"))


@pytest.fixture
def place(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    package = types.ModuleType("ansible_collections")
    package.__path__ = [str(tmp_path / "ansible_collections")]
    monkeypatch.setitem(warm_payloads.sys.modules, "ansible_collections", package)
    yield Place(tmp_path, monkeypatch)
    warm_payloads._state.cache_clear()


def test_payloads_of_an_earlier_run_are_reused(place: Place) -> None:
    place.build()
    place.payloads.keep(since=0)
    [path] = place.kept.glob("*/*/*")
    assert (path.parts[-3], path.name) == ("some.where", NAME)
    assert place.kept.stat().st_mode & 0o777 == 0o700
    assert place.brought() == [NAME]


@pytest.mark.parametrize(
    "change",
    [
        lambda place: place.write("plugins/modules/thing.py", "2"),
        lambda place: place.write("plugins/module_utils/part.py", "2"),
        lambda place: place.write("plugins/module_utils/new.py", ""),
        lambda place: (place.collection / "plugins/module_utils/part.py").unlink(),
        lambda place: place.write("meta/runtime.yml", "plugin_routing: {}"),
    ],
)
def test_payloads_are_not_reused_after_a_source_changed(
    place: Place, change: Callable[[Place], None]
) -> None:
    place.build()
    place.payloads.keep(since=0)
    change(place)
    assert place.brought() == []


def test_key_of_a_payload_covers_every_collection_that_it_contains(place: Place) -> None:
    other = place.folder / "ansible_collections/other/one/plugins/module_utils/part.py"
    other.parent.mkdir(parents=True)
    other.write_text("1")
    place.build(others=("other/one/plugins/module_utils/part.py",))
    place.payloads.keep(since=0)
    assert place.brought() == [NAME]
    other.write_text("2")
    assert place.brought() == []


def test_each_version_of_ansible_has_its_own_payloads(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.build()
    place.payloads.keep(since=0)
    monkeypatch.setattr(warm_payloads, "ansible_version", "2.99.0")
    assert place.brought() == []


@pytest.mark.parametrize(
    "name",
    [
        "ansible.modules.ping-ZIP_DEFLATED-none",  # a library beside a playbook may have one of its own
        "ansible.legacy.thing-ZIP_DEFLATED-none",
        f"{NAME}.lock",
        f"{NAME}-part",
        NAME.replace("none", "debugpy"),
    ],
)
def test_only_payloads_with_unique_names_are_kept(place: Place, name: str) -> None:
    place.build(name)
    place.payloads.keep(since=0)
    assert not place.kept.exists()


def test_payload_is_not_stored_if_a_source_may_have_changed_meanwhile(place: Place) -> None:
    place.build(later=0)
    place.payloads.keep(since=0)
    assert not place.kept.exists()


def test_payloads_of_other_users_are_ignored(place: Place) -> None:
    place.build()
    place.payloads.keep(since=(place.payloads.run / NAME).stat().st_mtime + 1)
    assert not place.kept.exists()


def test_a_folder_that_others_may_write_to_is_not_used(place: Place) -> None:
    place.kept.mkdir()
    place.kept.chmod(0o770)
    place.build()
    place.payloads.keep(since=0)
    assert list(place.kept.iterdir()) == []
    place.kept.chmod(0o700)
    place.payloads.keep(since=0)
    place.kept.chmod(0o707)
    assert place.brought() == []


def test_most_recently_used_states_are_kept(place: Place) -> None:
    for number in range(warm_payloads.STATES + 2):
        place.write("plugins/modules/thing.py", "1" * (number + 1))
        place.run()
        place.build()
        place.payloads.keep(since=0)
        for age, folder in enumerate(sorted(place.kept.glob("*/*"), key=lambda one: -one.stat().st_mtime)):
            os.utime(folder, (-age, -age))
    assert len(list(place.kept.glob("*/*"))) == warm_payloads.STATES
    assert place.brought() == [NAME]
