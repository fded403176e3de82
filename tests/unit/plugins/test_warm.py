# SPDX-License-Identifier: MIT
"""What the connection plugin takes for its own, and what the server keeps for its forks."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shlex
import sys
import types
import zipfile
import zipimport
from collections.abc import Iterator

import pytest
from ansible_collections.teal.platform.plugins.connection import warm
from ansible_collections.teal.platform.plugins.plugin_utils import warm_server


@pytest.mark.parametrize("tail", ["", " && sleep 0"])  # core 2.21 and 2.19
@pytest.mark.parametrize(
    ("inner", "assigned"),
    [
        ("/usr/bin/python3", {}),
        ("A=1 B='two words' /usr/bin/python3", {"A": "1", "B": "two words"}),
        ("A='it'\"'\"'s $HOME `id` = \\ 한국어' /usr/bin/python3", {"A": "it's $HOME `id` = \\ 한국어"}),
        ("A='' /usr/bin/python3", {"A": ""}),
        ("A='two\nlines' /usr/bin/python3", {"A": "two\nlines"}),
    ],
)
def test_a_piped_payload_is_recognised(inner: str, assigned: dict[str, str], tail: str) -> None:
    command = warm.parse(f"/bin/sh -c {shlex.quote(inner + tail)}")
    assert command == warm.Command("/bin/sh", assigned, "/usr/bin/python3", tail)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "/usr/bin/python3",
        "/bin/sh -c",
        "/bin/sh -c '/usr/bin/python3 /tmp/module.py'",
        "/bin/sh -c '/usr/bin/python3 && rm -r /'",
        "/bin/sh -c '/usr/bin/python3; true'",
        "/bin/sh -c 'A=$HOME /usr/bin/python3'",
        "/bin/sh -c 'A=`id` /usr/bin/python3'",
        "/bin/sh -c 'A=* /usr/bin/python3'",
        "/bin/sh -c 'A-B=1 /usr/bin/python3'",
        "/bin/sh -c 'A=1 A=2 /usr/bin/python3'",
        "/bin/sh -c 'A=1 env B=2 /usr/bin/python3'",
        "/bin/sh -c '/usr/bin/python3 < /tmp/file'",
        "/bin/sh -c 'cd /tmp && /usr/bin/python3'",
        "/bin/sh -x -c /usr/bin/python3",
        "/bin/sh -e /usr/bin/python3",
        "sudo -H -S -n -u root /bin/sh -c /usr/bin/python3",
        "/bin/sh -c 'echo BECOME-SUCCESS-abc ; /usr/bin/python3'",
        "/bin/sh -c '$python'",
        "/bin/sh -c 'unfinished",
    ],
)
def test_other_commands_run_without_a_fork(command: str) -> None:
    assert warm.parse(command) is None


def test_only_the_python_of_ansible_is_forked(tmp_path: pathlib.Path) -> None:
    other = tmp_path / "python3"
    other.symlink_to(sys.executable)
    assert warm.same_python(sys.executable)
    assert not warm.same_python(str(other))  # the same file, in another virtual environment
    assert not warm.same_python("/nowhere/python3")


@pytest.fixture
def memory(tmp_path: pathlib.Path) -> Iterator[warm_server.Memory]:
    compiler = zipimport._compile_source
    yield warm_server.Memory(["known_library"], [str(tmp_path / "root")])
    zipimport._compile_source = compiler


SOURCE = b"def where():\n    return where.__code__.co_filename\n"


def from_zip(path: pathlib.Path, source: bytes) -> types.ModuleType:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("warm_part.py", source)
    spec = zipimport.zipimporter(str(path)).find_spec("warm_part")
    assert spec and spec.loader
    module = types.ModuleType("warm_part")
    spec.loader.exec_module(module)
    return module


def learn(memory: warm_server.Memory, source: bytes) -> None:
    for root in memory.roots:
        pathlib.Path(root).mkdir()
        (pathlib.Path(root) / "warm_part.py").write_bytes(source)
    memory.learn("source", "warm_part.py")


def test_code_is_used_for_the_same_source_under_the_payloads_name(
    memory: warm_server.Memory, tmp_path: pathlib.Path
) -> None:
    learn(memory, SOURCE)
    kept = memory.code[SOURCE]
    module = from_zip(tmp_path / "payload.zip", SOURCE)
    assert module.where.__code__ is kept.co_consts[0], "it was compiled anew"
    assert module.where() == str(tmp_path / "payload.zip" / "warm_part.py")


@pytest.mark.parametrize("other", [SOURCE + b"# changed\n", SOURCE.replace(b"\n", b"\r\n")])
def test_code_is_not_used_for_a_source_that_differs_in_a_byte(
    memory: warm_server.Memory, tmp_path: pathlib.Path, other: bytes
) -> None:
    learn(memory, SOURCE)
    module = from_zip(tmp_path / "payload.zip", other)
    assert module.where.__code__ is not memory.code[SOURCE].co_consts[0]


def test_equal_sources_in_one_payload_keep_their_own_names(
    memory: warm_server.Memory, tmp_path: pathlib.Path
) -> None:
    learn(memory, SOURCE)
    first, second = (from_zip(tmp_path / name, SOURCE) for name in ("a.zip", "b.zip"))
    assert first.where() == str(tmp_path / "a.zip" / "warm_part.py")
    assert second.where() == str(tmp_path / "b.zip" / "warm_part.py")


def test_fork_uses_compiled_code_of_the_same_source_and_writes_none(
    memory: warm_server.Memory, tmp_path: pathlib.Path
) -> None:
    source = tmp_path / "root" / "warm_part.py"
    source.parent.mkdir()
    source.write_bytes(SOURCE)
    # A mark shows that it is the compiled one.
    marked = compile(SOURCE.replace(b"def where", b"COMPILED = True\ndef where"), str(source), "exec")
    found = source.stat()
    data = importlib._bootstrap_external._code_to_timestamp_pyc(marked, int(found.st_mtime), found.st_size)
    cached = pathlib.Path(importlib.util.cache_from_source(str(source)))
    cached.parent.mkdir()
    cached.write_bytes(data)
    assert from_zip(tmp_path / "a.zip", SOURCE).COMPILED
    other = SOURCE + b"# changed\n"
    assert not hasattr(from_zip(tmp_path / "b.zip", other), "COMPILED")
    source.write_bytes(other)
    assert not hasattr(from_zip(tmp_path / "c.zip", other), "COMPILED")
    assert cached.read_bytes() == data


def test_code_compiled_by_a_fork_is_requested_once(
    memory: warm_server.Memory, tmp_path: pathlib.Path
) -> None:
    for name in ("a.zip", "b.zip"):
        from_zip(tmp_path / name, SOURCE)
    assert memory.wanted == [("source", "warm_part.py")]


def test_a_variable_that_a_library_reads_while_it_is_imported_is_noted(
    memory: warm_server.Memory, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "known_library.py").write_text(
        "import os\nos.environ.get('WARM_READ')\nos.getenv('WARM_TOO')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    memory.learn("import", "known_library")
    assert {"WARM_READ", "WARM_TOO"} <= memory.env_read
    os.environ.get("WARM_LATER")
    assert "WARM_LATER" not in memory.env_read


def test_model_is_returned_once_and_equals_the_file(
    memory: warm_server.Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaders = pytest.importorskip("botocore.loaders")
    for owner, name in ((loaders.JSONFileLoader, "load_file"), (loaders.Loader, "list_available_services")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    fresh = loaders.Loader().load_service_model("sqs", "service-2")
    services = loaders.Loader().list_available_services("service-2")
    memory._share_models(loaders)
    assert loaders.Loader().load_service_model("sqs", "service-2") == fresh
    paths = [name for kind, name in memory.wanted if kind == "model" and "/sqs/" in name]
    assert paths
    assert loaders.Loader().list_available_services("service-2") == services
    memory.tried.clear()
    for kind, name in list(memory.wanted):
        memory.learn(kind, name)
    [kept] = memory.models[paths[0]]
    first, second = (loaders.JSONFileLoader().load_file(paths[0]) for _ in range(2))
    assert first is kept
    assert second is not kept
    assert first == second
    assert loaders.Loader().load_service_model("sqs", "service-2") == fresh
    assert loaders.Loader().list_available_services("service-2") == services
    assert loaders.Loader().list_available_services("service-2") is not next(iter(memory.services.values()))
    for path in (path for path in memory.models if path.endswith("/endpoints")):
        objects = [loaders.JSONFileLoader().load_file(path) for _ in range(warm_server.CLIENTS + 1)]
        assert len({id(one) for one in objects}) == len(objects)
        assert all(one == objects[0] for one in objects)
        break
    else:
        pytest.fail("what every client reads is not kept")
