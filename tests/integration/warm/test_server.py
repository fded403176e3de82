# SPDX-License-Identifier: MIT
"""The lifetime of the warm server: one per run, it ends with the run in every case, and its failures are harmless."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from collections.abc import Callable, Iterator

import pytest

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parents[2]
BIN = pathlib.Path(sys.executable).parent
PATIENCE = 60


def wait_for(what: Callable[[], t.Any], seconds: float = PATIENCE) -> t.Any:
    """Return the result of a function as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("the condition was not met in time")


def runs(pid: int) -> bool:
    """Return whether a process runs. A zombie does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Playbook:
    """A running hold.yml, with a separate folder for Ansible's temporary files."""

    def __init__(self, folder: pathlib.Path, hosts: list[str], seconds: float, **more: t.Any) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.hosts = hosts
        variables = {
            "ansible_connection": "teal.platform.warm",
            "ansible_python_interpreter": sys.executable,
            "folder": str(folder),
            "seconds": seconds,
            **more.pop("variables", {}),
        }
        inventory = folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": {name: {} for name in hosts}, "vars": variables}}))
        self.process = subprocess.Popen(
            [BIN / "ansible-playbook", HERE / "hold.yml", "-i", inventory, "-vvv", "-f", "10"],
            env=os.environ
            | {"PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_CONFIG": str(HERE / "ansible.cfg")}
            | {"ANSIBLE_LOCAL_TEMP": str(self.temporary), "RECORD_FILE": os.devnull}
            | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def held(self) -> dict[str, tuple[int, int]]:
        """Return (module, server) by host when all hosts hold."""

        def read() -> dict[str, tuple[int, int]] | None:
            assert self.process.poll() is None, self.process.communicate()[0][-3000:]
            texts = {
                name: (self.folder / name).read_text() for name in self.hosts if (self.folder / name).exists()
            }
            whole = {name: text for name, text in texts.items() if text.endswith("\n")}
            if len(whole) < len(self.hosts):
                return None
            return {
                name: t.cast(tuple[int, int], tuple(map(int, text.split()))) for name, text in whole.items()
            }

        return wait_for(read)

    def end(self) -> str:
        return self.process.communicate(timeout=PATIENCE)[0]


@pytest.fixture
def start(tmp_path: pathlib.Path) -> Iterator[Callable[..., Playbook]]:
    started: list[Playbook] = []

    def run(hosts: list[str], seconds: float, **more: t.Any) -> Playbook:
        started.append(Playbook(tmp_path, hosts, seconds, **more))
        return started[-1]

    yield run
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def test_ten_workers_share_one_server(start: Callable[..., Playbook]) -> None:
    hosts = [f"host{number}" for number in range(10)]
    playbook = start(hosts, seconds=1.0)
    servers = {server for _module, server in playbook.held().values()}
    assert len(servers) == 1
    text = playbook.end()
    assert playbook.process.returncode == 0, text[-3000:]
    assert text.count(" WARM ") == 30
    wait_for(lambda: not any(map(runs, servers)))
    assert list(playbook.temporary.iterdir()) == []


def test_secrets_are_in_no_file_argument_or_environment(
    start: Callable[..., Playbook],
) -> None:
    playbook = start(["one"], seconds=2)
    [(_module, server)] = playbook.held().values()
    places = [pathlib.Path(f"/proc/{server}/{name}") for name in ("cmdline", "environ")]
    places += [path for path in playbook.temporary.rglob("*") if path.is_file()]
    assert not [path for path in places if b"do-not-show-this" in path.read_bytes()]
    folder = next(playbook.temporary.rglob("warm"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert "do-not-show-this" not in playbook.end()


def test_server_ends_when_ansible_is_killed(start: Callable[..., Playbook]) -> None:
    playbook = start(["one"], seconds=3)
    [(module, server)] = playbook.held().values()
    playbook.process.kill()
    wait_for(lambda: not runs(server))
    assert list(playbook.temporary.rglob("warm")) == []
    wait_for(lambda: not runs(module))  # The module ends by itself, as with local.


def test_interrupted_run_ends_its_modules(start: Callable[..., Playbook]) -> None:
    playbook = start(["one"], seconds=300)
    [(module, server)] = playbook.held().values()
    os.kill(playbook.process.pid, signal.SIGINT)
    playbook.end()
    wait_for(lambda: not runs(module) and not runs(server))


def test_killed_server_is_reported(
    start: Callable[..., Playbook],
) -> None:
    playbook = start(["one", "two"], seconds=1.5)
    servers = {server for _module, server in playbook.held().values()}
    os.kill(servers.pop(), signal.SIGKILL)
    text = playbook.end()
    assert playbook.process.returncode != 0
    assert "Whether the module did its work is not known" in " ".join(text.split())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("print('hello')", "prints while it is imported: hello"),
        ("import warnings; warnings.warn('old')", "prints while it is imported"),
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
            "a thread",
        ),
        ("raise ValueError('broken')", "ValueError: broken"),
    ],
)
def test_unsuitable_library_disables_the_server(
    start: Callable[..., Playbook], tmp_path: pathlib.Path, body: str, reason: str
) -> None:
    (tmp_path / "unfit.py").write_text(body)
    playbook = start(["one"], 0, variables={"ansible_warm_preload": ["unfit"]}, PYTHONPATH=str(tmp_path))
    text = playbook.end()
    assert playbook.process.returncode == 0, text[-3000:]
    assert "not warm: " in text
    assert reason in text


def test_server_that_cannot_start_is_reported_once(
    start: Callable[..., Playbook], tmp_path: pathlib.Path
) -> None:
    plugins = tmp_path / "ansible_collections" / "teal" / "platform" / "plugins"
    for name in ("connection/warm.py", "plugin_utils/warm_payloads.py"):  # Without warm_server.py.
        (plugins / name).parent.mkdir(parents=True)
        shutil.copy(REPOSITORY / "plugins" / name, plugins / name)
    playbook = start(["one", "two"], 0, ANSIBLE_COLLECTIONS_PATH=str(tmp_path))
    text = playbook.end()
    assert playbook.process.returncode == 0, text[-3000:]
    assert " WARM " not in text
    assert " ".join(text.split()).count("cannot start (") == 1
    assert "tasks run as with the connection 'local'" in " ".join(text.split())


def test_second_run_reuses_the_payload_of_the_first(tmp_path: pathlib.Path) -> None:
    secret = "do-not-show-this"
    arguments = ["-c", "teal.platform.warm", "-e", f"ansible_python_interpreter={sys.executable}"]
    arguments += ["-m", "community.general.python_requirements_info", "-a", f"dependencies={secret}"]
    environment = os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
        "ANSIBLE_DEBUG": "1",
        "TEAL_WARM_PAYLOADS": str(tmp_path / "payloads"),
    }
    payloads = []
    for _run in range(2):
        done = subprocess.run(
            [BIN / "ansible", "one", "-i", "one,", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        payloads.append(
            ("ANSIBALLZ: Creating module" in done.stdout, "ANSIBALLZ: using cached" in done.stdout)
        )
        assert "not_found" in done.stdout
    assert payloads == [(True, False), (False, True)]
    [payload] = (path for path in (tmp_path / "payloads").rglob("*") if path.is_file())
    assert secret.encode() not in payload.read_bytes()
