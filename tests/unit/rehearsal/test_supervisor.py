"""The commands up, down, status …, with two light parts that run as real processes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rehearsal import __main__ as command
from rehearsal import config as settings
from rehearsal import supervisor


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state folder of an emulator with two parts."""
    where = tmp_path / "home"
    monkeypatch.setenv("TEAL_REHEARSAL_HOME", str(where))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(supervisor, "PARTS", ("discord", "sonar"))
    yield where
    if where.exists():
        supervisor.end(where)


@pytest.fixture
def run(home: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return a function: run(arguments) → exit status and output."""

    def call(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        status = command.main(list(arguments))
        shown = capfd.readouterr()
        return status, shown.out + shown.err

    return call


Run = Callable[..., tuple[int, str]]


def pids(home: Path) -> dict[str, int]:
    return {name: part["pid"] for name, part in supervisor.state(home)["parts"].items()}


def gone(pid: int) -> bool:
    return supervisor._started(pid) is None


def test_up_and_down(run: Run, home: Path) -> None:
    assert run("up")[0] == 0
    started = pids(home)
    assert started.keys() == {"discord", "sonar"}
    status, shown = run("up")
    assert status == 0
    assert "already running" in shown
    assert pids(home) == started
    assert run("status")[0] == 0
    status, shown = run("down")
    assert (status, "2 processes ended" in shown) == (0, True)
    assert all(gone(pid) for pid in started.values())
    assert run("down")[0] == 0
    assert run("status")[0] == 1


def test_down_removes_temporary_files(run: Run, home: Path) -> None:
    run("up")
    for pid in pids(home).values():
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        assert f"TMPDIR={home}/tmp".encode() in environment
    (home / "tmp" / "left").touch()
    run("down")
    assert not (home / "tmp").exists()


def test_reset_keeps_the_addresses(run: Run, home: Path) -> None:
    run("up")
    before, processes = settings.load(home / "config.json"), pids(home)
    assert run("reset")[0] == 0
    assert settings.load(home / "config.json") == before
    assert not set(pids(home).values()) & set(processes.values())


def test_up_replaces_an_emulator_with_a_dead_part(run: Run, home: Path) -> None:
    run("up")
    started = pids(home)
    os.kill(started["sonar"], signal.SIGKILL)
    while not gone(started["sonar"]):
        pass
    status, shown = run("status")
    assert status == 1
    assert f"ended; log: {home}/logs/sonar.log" in shown
    assert run("env")[0] == 1
    status, shown = run("up")
    assert status == 0
    assert "Removing an earlier emulator first (sonar ended" in shown
    assert gone(started["discord"])


def test_up_fails_if_a_part_ends_while_starting(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "PARTS", ("discord", "nothing"))
    configured = settings.create
    monkeypatch.setattr(
        settings, "create", lambda *a, **k: configured(*a, **k) | {"nothing": {"ready_url": "http://x"}}
    )
    ended: list[int] = []
    end = supervisor.end
    monkeypatch.setattr(supervisor, "end", lambda where: ended.append(end(where)) or ended[-1])
    status, shown = run("up")
    assert status == 1
    assert "nothing ended while starting (exit status 1)" in shown
    assert f"{home}/logs/nothing.log" in shown
    assert ended
    assert not supervisor.alive(home)
    assert "No module named rehearsal.nothing" in (home / "logs" / "nothing.log").read_text()


def test_interrupted_up_stops_all_parts(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, int] = {}

    def interrupt(*_: object) -> str:
        seen.update(pids(home))
        raise KeyboardInterrupt

    monkeypatch.setattr(supervisor, "_answer", interrupt)
    with pytest.raises(SystemExit) as left:
        run("up")
    assert left.value.code == 130
    assert len(seen) == 2
    assert all(gone(pid) for pid in seen.values())


def test_up_after_a_killed_up(run: Run, home: Path) -> None:
    """Processes of a killed run are found by the run's id, even if they are not in the state file."""
    home.mkdir()
    orphan = subprocess.Popen(["sleep", "60"], env=os.environ | {supervisor.RUN_VARIABLE: "a1"})
    settings.write(home / "state.json", {"run": "a1", "parts": {}, "ready": False})
    status, shown = run("up")
    assert status == 0
    assert "it did not finish starting" in shown
    assert orphan.wait() == -signal.SIGTERM


def test_reused_process_id_is_not_killed(run: Run, home: Path) -> None:
    """After a reboot, a process id in the state file may belong to any process."""
    home.mkdir()
    stranger = subprocess.Popen(["sleep", "60"])
    parts = {"discord": {"pid": stranger.pid, "started": "another boot/1"}}
    settings.write(home / "state.json", {"run": "a1", "parts": parts, "ready": True})
    assert run("status")[0] == 1
    assert run("down")[0] == 0
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_processes_that_ignore_sigterm_are_killed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "END_SECONDS", 0.2)
    home.mkdir()
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    stubborn = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {supervisor.RUN_VARIABLE: "a1"},
        stdout=subprocess.PIPE,
    )
    assert stubborn.stdout
    stubborn.stdout.readline()
    settings.write(home / "state.json", {"run": "a1", "parts": {}, "ready": False})
    assert supervisor.end(home) == 1
    assert gone(stubborn.pid)
    stubborn.stdout.close()


def test_port_in_use_is_reported(run: Run, home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        status, shown = run("up", "--port", f"discord={port}")
    assert status == 1
    assert f"port {port} for discord is not available: Address already in use" in shown
    assert not (home / "config.json").exists()


@pytest.mark.parametrize("wrong", ["discord", "discord=x", "discord=70000", "instances=80", "else=80"])
def test_invalid_ports_are_refused(run: Run, wrong: str) -> None:
    with pytest.raises(SystemExit):
        run("up", "--port", wrong)


@pytest.mark.parametrize("wrong", ["x", "1:0", "2", "-1", "1:x", "30:1", ""])
def test_invalid_creation_times_are_refused(run: Run, home: Path, wrong: str) -> None:
    status, shown = run("up", f"--creation-times={wrong}")
    assert status == 1
    assert f"{wrong!r} is neither 0 nor a scale such as 1:30" in shown
    assert not (home / "config.json").exists()


def test_creation_times() -> None:
    assert settings.creation_times("1:30")["cluster"] == 27.8
    assert set(settings.creation_times("0").values()) == {0}
    assert settings.creation_times("1:1") == settings.REAL_CREATION_TIMES


def test_missing_kubeconfig_is_reported(run: Run) -> None:
    status, shown = run("up", "--kubeconfig", "/nowhere/config")
    assert (status, "/nowhere/config, which cannot be read" in shown) == (1, True)


def test_env(run: Run, home: Path) -> None:
    run("up")
    as_json = json.loads(run("env", "--json")[1])
    shown = run("env")[1]
    script = (
        f"{shown}\n{shlex.quote(sys.executable)} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    )
    got = json.loads(subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout)
    config = settings.load(home / "config.json")
    assert as_json.items() <= got.items()
    assert got["AWS_ENDPOINT_URL"] == config["aws"]["url"]
    assert got["https_proxy"] == got["HTTPS_PROXY"] == config["balancer"]["proxy_url"]
    assert Path(config["ca"]["cert_file"]).read_text() in Path(got["SSL_CERT_FILE"]).read_text()
    assert (home / "config.json").stat().st_mode & 0o077 == 0


def test_logs(run: Run, home: Path) -> None:
    assert run("logs")[0] == 1
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "sonar.log").write_text("one\ntwo\nthree\n")
    status, shown = run("logs", "sonar", "-n", "2")
    assert status == 0
    assert [line.split() for line in shown.splitlines()] == [["sonar", "two"], ["sonar", "three"]]


def test_push_needs_a_running_emulator(run: Run) -> None:
    status, shown = run("push", "1.5.0")
    assert status == 1
    assert "no emulator is running" in shown


def test_emulators_have_different_subnets(tmp_path: Path) -> None:
    subnets = {settings._subnet(tmp_path / str(n)) for n in range(5)}
    assert len(subnets) == 5
    with socket.socket() as taken:
        first = settings._subnet(tmp_path)
        taken.bind((f"{first}.1", 30080))
        taken.listen()
        assert settings._subnet(tmp_path) != first
