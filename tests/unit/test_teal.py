"""The command `teal`: what it runs, what it refuses, and the live view of `status --watch`."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import support
import yaml
from ansible_collections.teal.platform.plugins.module_utils.release import states
from ansible_collections.teal.platform.plugins.plugin_utils import run_options

from cli import commands, inventories, main, options, screen, view, watch

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = sorted(folder.name for folder in ROOT.glob("inventories/*/"))
DIGEST = "sha256:" + "a" * 64
AWKWARD = [
    "it's slow, $5 lost",
    'the "new" cart \\ back',
    "two\nlines",
    "결제가 느립니다 🐢",
    "key=value other=value",
    "{{ lookup('ansible.builtin.pipe', 'false') }}",
    "{% raw %} 100 % {# none",
    "@/etc/passwd",
    "$(false); `false` & # no",
    "1.10",
    "!unsafe",
    "yes",
    "[a, b]",
]


class Became(Exception):
    """The process would be ansible-playbook now."""

    def __init__(self, _file: str, words: list[str], environ: dict[str, str]) -> None:
        super().__init__(words)
        self.words, self.environ = words, environ


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an ansible-playbook, alone on PATH; the files there say what its first run does, its second, ..."""
    program = tmp_path / "ansible-playbook"
    program.write_text(
        """#!/bin/sh
cd "${0%/*}"
printf '%s\\0' "$@" >arguments
echo $$ >pid
run=$(($(cat runs 2>/dev/null || echo 0) + 1))
echo $run >runs
for last; do :; done
if [ -e $run.code ]; then exit $(cat $run.code); fi
if [ -e $run.json ]; then
  cp $run.json "$(printf '%s' "$last" | sed 's/.*: "\\(.*\\)".*/\\1/')"
elif [ -e $run.summary ]; then
  cp $run.summary "$PLATFORM_SUMMARY_FILE"
  exit 2
elif [ -e $run.printed ]; then
  cat $run.printed >&2
  exit 4
else
  exec sleep 600
fi
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.chdir(ROOT)
    return tmp_path


@pytest.fixture
def run(fake: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Became]:
    """Run a command line in this process; return what it becomes."""

    def become(*words: Any) -> None:
        raise Became(*words)

    monkeypatch.setattr(main.os, "execve", become)

    def call(*arguments: str) -> Became:
        with pytest.raises(Became) as became:
            main.main(arguments)
        return became.value

    return call


def passed(became: Became) -> dict[str, Any]:
    """Return the variables that the last argument passes."""
    flag, text = became.words[-2:]
    assert flag == "-e"
    return json.loads(text)


# -- arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, playbook, environment, variables",
    [
        ("deploy staging 1.4.2", "deploy", "staging", {"image_tag": "1.4.2"}),
        ("deploy test 1.10", "deploy", "test", {"image_tag": "1.10"}),
        (f"deploy staging {DIGEST}", "deploy", "staging", {"image_digest": DIGEST}),
        (
            "deploy staging 1.4.2 --force same --reason again",
            "deploy",
            "staging",
            {"image_tag": "1.4.2", "reason": "again", "force": "same"},
        ),
        ("rollback production --reason slow", "rollback", "production", {"reason": "slow"}),
        (
            "rollback production --to r42 --force rolled_back --reason slow",
            "rollback",
            "production",
            {"to": "r42", "reason": "slow", "force": "rolled_back"},
        ),
        ("status staging", "status", "staging", {}),
        ("provision test", "provision", "test", {}),
        ("reconcile staging", "retire", "staging", {"recover_only": True}),
        ("unlock staging --reason gone", "unlock", "staging", {"reason": "gone"}),
    ],
)
def test_command_runs_its_playbook_with_its_variables(
    run: Callable[..., Became], line: str, playbook: str, environment: str, variables: dict[str, Any]
) -> None:
    became = run(*line.split())
    expected = [f"playbooks/{playbook}.yml", "-i", f"inventories/{environment}"]
    assert became.words[1:4] == expected
    assert (passed(became) if variables else {}) == variables
    assert became.words[4:] == (became.words[-2:] if variables else [])


def test_variables_are_those_that_the_playbooks_take() -> None:
    top = commands.parser()
    (subcommands,) = [action for action in top._actions if action.dest == "command"]
    assert len(subcommands.choices) == 6
    for name, command in subcommands.choices.items():
        playbook = yaml.safe_load((ROOT / f"playbooks/{command.get_default('playbook')}.yml").read_text())
        takes = playbook[0]["vars"].get("run_options_takes", [])
        given = {action.dest for action in command._actions} & set(commands.PASSED)
        given |= {"image_digest"} if "image_tag" in given else set()
        given |= command.get_default("variables").keys()
        assert given <= set(run_options.SHORT), name
        assert given & set(run_options.SELECTORS) == set(takes), name


def test_options_after_two_dashes_reach_ansible(run: Callable[..., Became]) -> None:
    became = run("deploy", "staging", "1.4.2", "--", "--check", "-D", "-vv", "-e", "release_bake=5s")
    assert became.words[4:-2] == ["--check", "-D", "-vv", "-e", "release_bake=5s"]
    assert passed(became) == {"image_tag": "1.4.2"}, "the command's own variables win: they come last"


@pytest.mark.parametrize(
    "limit", ["network", "network.staging", "wave_1_*", "database,database_user", "!cluster", "all:!release"]
)
def test_limit_to_components_reaches_ansible(run: Callable[..., Became], limit: str) -> None:
    assert run("provision", "staging", "--", "--limit", limit).words[4:] == ["--limit", limit]


@pytest.mark.parametrize("reason", AWKWARD)
def test_awkward_reason_stays_one_value(run: Callable[..., Became], reason: str) -> None:
    value = passed(run("rollback", "production", "--reason", reason))["reason"]
    assert value == reason or value == {"__ansible_unsafe": reason}
    assert passed(run("rollback", "production", "--reason=-5 %"))["reason"] == "-5 %"


def test_awkward_reasons_arrive_in_ansible_as_they_are(tmp_path: Path) -> None:
    coded = [base64.b64encode(text.encode()).decode() for text in AWKWARD]
    play = f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.assert:
        that: "[{", ".join(f"reason_{number}" for number in range(len(coded)))}] == {coded} | map('b64decode') | list"
"""
    given = commands.as_json({f"reason_{number}": text for number, text in enumerate(AWKWARD)})
    done = support.run_play(play, tmp_path, {}, "-e", given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok=1" in done.stdout
    broken = commands.as_json({f"reason_{number}": "other" for number in range(len(coded))})
    assert support.run_play(play, tmp_path, {}, "-e", broken).returncode == 2


# -- what is printed -------------------------------------------------------------------------------


def test_printed_command_is_the_one_that_runs(
    run: Callable[..., Became],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fake: Path,
) -> None:
    became = run("rollback", "production", "--reason", AWKWARD[0], "--", "--check")
    printed = capsys.readouterr().err
    assert shlex.split(printed.removeprefix("$ ")) == ["ansible-playbook", *became.words[1:]]
    monkeypatch.chdir(fake)
    became = run("status", "staging")
    assert capsys.readouterr().err.startswith(f"$ cd {ROOT} && ansible-playbook playbooks/status.yml")
    assert (Path.cwd(), became.environ["PWD"]) == (ROOT, str(ROOT))


def test_values_of_other_variables_are_not_printed(
    run: Callable[..., Became], capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "planted-0c5e"
    forms = ["-e", f"a={secret}", f"--extra-vars=b={secret}", "--ex", f"c={secret}", f"-ed={secret}"]
    forms += ["-vDe", f'{{"e": "{secret}"}}', f"-ve{secret}", "-e", "@secrets.yml"]
    became = run("status", "staging", "--", *forms)
    assert became.words[4:] == forms
    printed = capsys.readouterr().err
    assert secret not in printed
    assert "-e a=... --extra-vars=b=... --ex c=... -ed=... -vDe ... -ve... -e @secrets.yml" in printed


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, message",
    [
        ("", "COMMAND"),
        ("freeze staging", "freeze"),
        ("deploy stagng 1.4.2", "Known: production, staging, test. Did you mean staging?"),
        ("status ../inventories/staging", "Known: production, staging, test"),
        ("deploy staging", "TAG"),
        ("deploy staging ''", "TAG: is empty"),
        ("rollback production", "--reason"),
        ("rollback production --reason ' '", "--reason: is empty"),
        ("rollback production --reason slow --to ''", "--to: is empty"),
        ("unlock staging", "--reason"),
        ("deploy staging 1.4.2 --forc same", "--forc"),
        ("status staging --limit network", "--limit"),
        ("status staging --watch 0", "from 1 to 3600"),
        ("status staging --watch nan", "from 1 to 3600"),
        ("status --watch staging", "ENVIRONMENT comes before --watch"),
        ("deploy staging 1.4.2 -- --list-tasks", "--list-tasks runs nothing"),
        ("deploy staging 1.4.2 -- --list-h", "--list-hosts runs nothing"),
        ("deploy staging 1.4.2 -- --syntax-check", "--syntax-check runs nothing"),
        ("deploy staging 1.4.2 -- -h", "--help runs nothing"),
        ("deploy staging 1.4.2 -- --tags=release", "--tags leaves tasks out"),
        ("deploy staging 1.4.2 -- -vDt release", "--tags leaves tasks out"),
        ("deploy staging 1.4.2 -- --skip-tags ''", "--skip-tags leaves tasks out"),
        ("deploy staging 1.4.2 -- --start-at-task x", "--start-at-task leaves tasks out"),
        ("deploy staging 1.4.2 -- --step", "--step leaves tasks out"),
        ("deploy staging 1.4.2 -- -i inventories/test", "second inventory"),
        ("deploy staging 1.4.2 -- --check playbooks/destroy.yml", "second playbook"),
        ("deploy staging 1.4.2 -- --limit network", "component release alone"),
        ("rollback production --reason slow -- -l all", "component release alone"),
        ("provision staging -- --limit nothing", "nothing is no component"),
        ("provision staging -- --limit network,databse", "databse is no component"),
        ("provision staging -- --limit release", "release is no component"),
        ("provision staging -- -Clrelease.staging", "release.staging is no component"),
        ("provision staging -- --lim=wave_4_delivery", "Components: alarms, cluster, database,"),
        ("provision staging -- --limit ''", "leaves nothing to run"),
        ("provision staging -- --limit ,", "leaves nothing to run"),
        ("provision staging -- --limit '!all'", "leaves nothing to run"),
        ("provision staging -- --limit all,!databse", "!databse is no component"),
        ("provision staging -- --limit", "after --: argument --limit/-l: expected one argument"),
    ],
)
def test_call_that_would_run_nothing_is_refused_before_ansible_starts(
    fake: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    try:
        code = main.main(shlex.split(line))
    except SystemExit as exit_:
        code = exit_.code
    printed = capsys.readouterr()
    assert code == 2
    assert message in printed.err
    assert "Nothing was run." in printed.err
    assert not (fake / "runs").exists()


def test_reason_that_is_no_text_is_refused(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main.main(["unlock", "staging", "--reason", "\udcff"])
    assert exit_.value.code == 2
    assert "is not UTF-8 text" in capsys.readouterr().err


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_names_are_those_of_the_inventory(environment: str) -> None:
    def walk(groups: dict[str, Any]) -> Iterator[str]:
        for name, group in groups.items():
            yield name
            yield from (group or {}).get("hosts") or {}
            yield from walk((group or {}).get("children") or {})

    tree = yaml.safe_load((ROOT / f"inventories/{environment}/hosts.yml").read_text())
    assert inventories.names(environment) == set(walk(tree))
    waves = yaml.safe_load((ROOT / "playbooks/provision.yml").read_text())[0]["vars"]["run_options_groups"]
    assert set(tree["all"]["children"]) - set(waves) == {options.NOT_PROVISIONED[1]}
    assert list(tree["all"]["children"][options.NOT_PROVISIONED[1]]["children"]) == ["release"]


def test_environments_are_the_folders_of_inventories(tmp_path: Path) -> None:
    assert inventories.environments() == ENVIRONMENTS
    (tmp_path / "inventories/qa").mkdir(parents=True)
    (tmp_path / "inventories/notes.txt").touch()
    assert inventories.environments(tmp_path) == ["qa"]
    assert inventories.names("qa", tmp_path) == set()


# -- ansible-playbook ------------------------------------------------------------------------------


def test_program_is_that_of_the_path_or_else_of_the_virtual_environment(fake: Path, tmp_path: Path) -> None:
    assert main.program(os.environ) == str(fake / "ansible-playbook")
    with pytest.raises(options.Refused, match=r"neither on PATH nor in .*Run `make setup`"):
        main.program({"PATH": ""}, tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/ansible-playbook").symlink_to(fake / "ansible-playbook")
    assert main.program({"PATH": ""}, tmp_path) == ".venv/bin/ansible-playbook"


def test_program_of_the_virtual_environment_finds_its_neighbours(
    run: Callable[..., Became], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "program", lambda _environ: ".venv/bin/ansible-playbook")
    became = run("status", "staging")
    assert became.words[0] == ".venv/bin/ansible-playbook"
    assert became.environ["PATH"].startswith(f"{ROOT}/.venv/bin:")
    assert "$ .venv/bin/ansible-playbook playbooks/status.yml" in capsys.readouterr().err


def test_program_that_does_not_start_is_reported(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fake / "ansible-playbook").write_text("#!/gone/python3\n")
    assert main.main(["status", "staging"]) == 2
    assert "does not start: No such file or directory" in capsys.readouterr().err


def teal(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "teal"), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def test_exit_code_is_that_of_ansible(fake: Path) -> None:
    assert os.access(ROOT / "teal", os.X_OK)
    (fake / "1.code").write_text("7")
    done = teal("rollback", "production", "--reason", AWKWARD[0], cwd=fake)
    assert done.returncode == 7, done.stderr
    words = (fake / "arguments").read_text().split("\0")[:-1]
    assert words[:-1] == ["playbooks/rollback.yml", "-i", "inventories/production", "-e"]
    assert json.loads(words[-1]) == {"reason": AWKWARD[0]}
    assert teal("rollback", "production").returncode == 2


# -- the view --------------------------------------------------------------------------------------


def slot(**given: Any) -> dict[str, Any]:
    return {"name": "", "state": "", "healthy": 0, "targets": 0, "warm_until": "", "notes": [], **given}


def status(**given: Any) -> dict[str, Any]:
    """A deploy of 1.1.0 while it is watched."""
    release = {
        "release": "r2",
        "kind": "deploy",
        "state": "baking",
        "tag": "1.1.0",
        "who": "kim",
        "started": "2026-11-30T11:07:14Z",
        "gate": {"status": "OK"},
    }
    before = {"release": "r1", "kind": "deploy", "state": "committed", "tag": "1.0.0", "who": "lee"}
    return {
        "live_slot": "green",
        "weights": {"blue": 0, "green": 100},
        "slots": {
            "blue": slot(
                name="1.0.0 (r1)", state="up", healthy=2, targets=2, warm_until="2026-12-01T11:07:14Z"
            ),
            "green": slot(name="1.1.0 (r2)", state="up", healthy=2, targets=3, wanted=2, ready=1, restarts=4),
        },
        "lock": {
            "held": True,
            "operation": "deploy",
            "subject": "1.1.0",
            "who": "kim",
            "since": "11:07",
            "expires": "11:09",
        },
        "unfinished": "r2",
        "releases": [release, {**before, "seconds": 36, "tests": {"passed": True}}],
        "events": [
            {"at": "2026-11-30T11:07:14Z", "state": "locked", "note": "by kim on laptop"},
            {"at": "2026-11-30T11:07:41Z", "state": "baking", "note": ""},
        ],
        "problems": [],
        **given,
    }


def test_steps_are_the_states_of_the_engine() -> None:
    assert view.STEPS == states.FORWARD
    assert set(view.ENDED) == states.TERMINAL


def test_view_shows_a_release_in_progress() -> None:
    shown = "\n".join(view.lines("staging", status()))
    for part in (
        "STAGING: 1.1.0 (r2) on green is live",
        "blue   0 %     1.0.0 (r1)  warm until 2026-12-01T11:07:14Z  2 of 2 healthy",
        "green  100 %   1.1.0 (r2)  LIVE                             2 of 3 healthy  1 of 2 ready, 4 restarts",
        "state    baking: deploy of 1.1.0 (r2) by kim since 2026-11-30T11:07:14Z",
        "locked > staged > ready > verified > switching > [baking] > committed",
        "verdict  none yet; quality gate OK",
        "lock     deploy of 1.1.0 by kim since 11:07, lease until 11:09",
        "events of r2\n  2026-11-30T11:07:14Z  locked  by kim on laptop\n  2026-11-30T11:07:41Z  baking",
        "r1       deploy  1.0.0  lee",
        "36 s  committed",
    ):
        assert part in shown, shown


def test_view_shows_a_release_that_failed() -> None:
    failed = {
        "release": "r2",
        "kind": "deploy",
        "state": "rolled_back",
        "tests": {"passed": False},
        "failure": "\n5 % of requests failed\nand more",
    }
    given = status(unfinished="", releases=[failed], lock={"held": False}, problems=["Kubernetes is slow"])
    shown = "\n".join(view.lines("staging", given))
    assert "state    no release in progress" in shown
    assert "verdict  rolled back: 5 % of requests failed; tests failed" in shown
    assert "lock     free\nproblem  Kubernetes is slow" in shown
    assert "steps" not in shown


def test_view_shows_an_empty_environment_and_split_weights() -> None:
    empty = {"slots": {"blue": slot(), "green": slot()}, "weights": {"blue": 1, "green": 3}, "live_slot": ""}
    shown = "\n".join(view.lines("test", empty))
    assert "TEST: requests do not all go to one slot" in shown
    assert "blue   25 %" in shown
    assert "no release yet" in shown


def test_texts_do_not_reach_the_terminal_as_commands() -> None:
    release = {"release": "r1", "state": "aborted", "failure": "\x1b]0;owned\x07\x1b[2Jbad"}
    shown = "\n".join(view.lines("test", status(releases=[release], unfinished="")))
    assert "bad" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_lines_fit_a_terminal_in_columns() -> None:
    assert screen.fit("결제가 느립니다", 7) == "결제가 "
    assert screen.fit("short", 80) == "short"


# -- status --watch --------------------------------------------------------------------------------


class Watched:
    """`teal status staging --watch 1` in a process of its own, and what it prints."""

    def __init__(self, fake: Path, out: int, reading: int, **environ: str) -> None:
        command = [sys.executable, str(ROOT / "teal"), "status", "staging", "--watch", "1"]
        self.fake, self.text, self.reading = fake, "", reading
        self.process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.PIPE, text=True, env={**os.environ, **environ}
        )
        os.close(out)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            while data := os.read(self.reading, 65536):
                self.text += data.decode()
        except OSError:  # a terminal that nobody has open any more
            pass

    def wait_for(self, text: str) -> None:
        self.wait_until(lambda: text in self.text)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + 180
        while not condition():
            assert time.monotonic() < give_up, self.text
            time.sleep(0.02)

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code and the standard error."""
        self.process.send_signal(number)
        error = self.process.communicate(timeout=180)[1]
        self.thread.join(10)
        return self.process.returncode, error


@pytest.fixture
def watched(fake: Path) -> Iterator[Callable[..., Watched]]:
    """Start `teal status staging --watch 1`; its runs do what is given: a status, a summary, or a text with an error."""
    begun: list[Watched] = []

    def start(*runs: dict[str, Any] | str, terminal: bool = False, **environ: str) -> Watched:
        for number, what in enumerate(runs, 1):
            kind = "printed" if isinstance(what, str) else "summary" if "failures" in what else "json"
            text = what if isinstance(what, str) else json.dumps(what)
            (fake / f"{number}.{kind}").write_text(text)
        reading, out = pty.openpty() if terminal else os.pipe()
        begun.append(Watched(fake, out, reading, **environ))
        return begun[-1]

    yield start
    for each in begun:
        each.process.kill()
        each.process.wait()
        os.close(each.reading)


FAILURE = {"failures": [{"component": "release", "task": "Read the status", "reason": "AWS does not answer"}]}


def test_watch_without_a_terminal_prints_blocks_and_keeps_the_last_view(
    watched: Callable[..., Watched],
) -> None:
    running = watched(status(), FAILURE, status(live_slot="blue"))
    running.wait_for("1.0.0 (r1) on blue is live")
    code, error = running.end(signal.SIGINT)
    assert code == 0
    assert "$ ansible-playbook playbooks/status.yml -i inventories/staging -e " in error
    assert "Traceback" not in error
    assert "\x1b" not in running.text
    first, old, new = re.split(r"(?m)^(?=Read at|OLD VIEW)", running.text)[1:]
    assert re.match(
        r"Read at [\d:]+ UTC in [\d.]+ s\. Next read after 1 s \(Ctrl-C ends\)\n\nSTAGING:", first
    )
    assert re.match(r"OLD VIEW, read at [\d:]+ UTC, \d+ s ago\. .*\nThe last read failed: ", old)
    assert "Read the status: AWS does not answer\n" in old
    assert "STAGING: 1.1.0 (r2) on green is live" in old
    assert "OLD VIEW" not in new


def test_watch_on_a_terminal_replaces_the_view_and_leaves_the_last_one(
    watched: Callable[..., Watched],
) -> None:
    running = watched(status(), terminal=True, TERM="xterm", COLUMNS="70", LINES="12")
    running.wait_until(lambda: "Reading ..." in running.text.partition("Read at")[2])
    code, _error = running.end(signal.SIGINT)
    assert code == 0
    assert running.text.startswith(screen.ENTER)
    live, _leave, last = running.text.partition(screen.LEAVE)
    assert "\x1b[HRead at" in live
    rows = [re.sub(r"\x1b\[[?\d]*[hlKJ]", "", row) for row in re.split(r"\r\n|\x1b\[H", live)]
    assert 60 < max(map(len, rows)) <= 70
    assert "events of r2" not in live, "beyond the 12 lines"
    assert "STAGING: 1.1.0 (r2) on green is live" in last
    assert "events of r2" in last


def test_watch_on_a_dumb_terminal_prints_blocks(watched: Callable[..., Watched]) -> None:
    running = watched(status(), terminal=True, TERM="dumb")
    running.wait_for("events of r2")
    assert running.end(signal.SIGINT)[0] == 0
    assert "\x1b" not in running.text


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_watch_ends_ansible_with_itself(
    watched: Callable[..., Watched], fake: Path, number: int, code: int
) -> None:
    running = watched(status())
    running.wait_until(lambda: (fake / "runs").exists() and (fake / "runs").read_text() == "2\n")
    hanging = int((fake / "pid").read_text())
    assert running.end(number)[0] == code
    with pytest.raises(ProcessLookupError):
        os.kill(hanging, 0)


@pytest.mark.parametrize(
    "run, code, message",
    [
        (FAILURE, 2, "Read the status: AWS does not answer"),
        ("usage: ...\nERROR! the inventory is gone\n", 4, "usage: ... / ERROR! the inventory is gone"),
    ],
)
def test_watch_ends_with_the_error_of_the_first_read(
    watched: Callable[..., Watched], run: Any, code: int, message: str
) -> None:
    running = watched(run)
    assert running.process.wait(180) == code
    assert f"teal status: {message}\n" in running.process.stderr.read()


def test_watch_ends_quietly_when_nobody_reads(fake: Path) -> None:
    for number in (1, 2, 3):
        (fake / f"{number}.json").write_text(json.dumps(status()))
    command = f"{sys.executable} {ROOT}/teal status staging --watch 1 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_read_without_a_status_is_an_error(tmp_path: Path) -> None:
    read = watch.read(["true"], os.environ, tmp_path / "status.json", lambda: None)
    assert (read.status, read.code) == (None, 1)
    assert "wrote no status" in read.error
    gone = watch.read([str(tmp_path / "gone")], os.environ, tmp_path / "status.json", lambda: None)
    assert "does not start" in gone.error


def test_view_of_a_read_that_hangs_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[list[str]] = []

    class Lines:
        def show(self, lines: list[str], new: bool) -> None:
            shown.append(lines)

    state = watch.Watch("staging", 5, Lines())
    state.update(watch.Read(status()), 3)
    state.show("Reading ...")
    now = time.monotonic()
    monkeypatch.setattr(watch.time, "monotonic", lambda: now + 8 + watch.HANGS)
    state.show("Reading ...")
    assert shown[0][0].startswith("Read at ")
    assert shown[1][0].startswith("OLD VIEW")
    assert shown[1][3:] == shown[0][2:]


# -- the documentation -----------------------------------------------------------------------------


PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def documented(page: Path) -> set[str]:
    """Return the command lines of `./teal` on a page, less placeholders and help."""
    found = re.findall(r"`\./teal ([^`\n]+)`|^\./teal (.+)$", page.read_text(), re.MULTILINE)
    return {line for pair in found for line in pair if line and "<" not in line and "--help" not in line}


def test_pages_name_commands() -> None:
    assert len(documented(ROOT / "docs/operations.md")) == 8
    assert documented(ROOT / "README.md") == documented(ROOT / "README.ko.md") != set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documented_commands_are_understood(page: Path) -> None:
    for line in documented(page):
        own, _dashes, after = line.partition(" -- ")
        given = commands.parser().parse_args(shlex.split(own))
        options.check(
            shlex.split(after), given.command, given.environment, inventories.names(given.environment)
        )
