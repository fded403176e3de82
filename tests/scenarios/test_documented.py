"""Run the commands of README.md and docs/ on the local emulator, in the order of the pages.

They run in a shell in a copy of the repository, with only the variables that the pages set. It takes minutes:
`make scenarios`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import documented
from tests.documented import Block

pytestmark = pytest.mark.long
#: Commands that the pages show because they fail, and the message that each prints.
REFUSED = {
    "ansible-playbook playbooks/deploy.yml -i inventories/staging -e image_tag=crash": "No request reached the new release",
}
#: Input of commands that read one. It must not appear in the output.
PUT_SECRET = (
    "aws secretsmanager put-secret-value --secret-id assistant-staging/model-api-keys"
    " --secret-string file:///dev/stdin"
)
INPUT = {PUT_SECRET: '{"OPENAI_API_KEY": "planted-0c5e"}'}
#: What a page requires of an environment before its first command there. The bake is shorter than in real use.
QUICK = """-e '{"release_bake": "3s", "release_analysis": {}}'"""
BUILT = {
    name: f"ansible-playbook site.yml -i inventories/{name} {QUICK}"
    for name in ("test", "staging", "production")
}
RELEASED = {
    "production": f"ansible-playbook playbooks/deploy.yml -i inventories/production -e image_tag=1.1.0 {QUICK}"
}
MARK = "::: "


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy the repository as a clone has it, with a link to the installed packages."""
    copy = documented.clone(tmp_path_factory.mktemp("documented") / "teal")
    (copy / ".venv").symlink_to(Path(sys.prefix))
    for name in copy.glob("requirements*.txt"):
        # Older than the stamp of the installation: make does not install again.
        os.utime(name, (0, 0))
    yield copy
    subprocess.run(["make", "down"], cwd=copy, env=plain_environment(), check=True)


def plain_environment() -> dict[str, str]:
    """Return the variables of a new shell: none of the emulator or of this test run."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TERM") if name in os.environ}


def type_in(clone: Path, commands: list[str]) -> str:
    """Run commands in one shell and return their output. Each must succeed; those in REFUSED must fail."""
    lines = ["set -eo pipefail"]
    for command in commands:
        lines.append(f"cat <<'END'\n{MARK}{command}\nEND")
        if command in REFUSED:
            command = f"if {command}; then echo 'it was not refused'; exit 1; fi"
        if command in INPUT:
            command = f"{command} <<'END'\n{INPUT[command]}\nEND"
        lines.append(command)
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=clone,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    logs = [f"{file.name}\n{file.read_text()[-1500:]}" for file in clone.glob(".rehearsal/logs/*.log")]
    assert done.returncode == 0, "\n".join([done.stdout[-6000:], *logs])
    return done.stdout


def typed(blocks: Iterator[Block]) -> Iterator[str]:
    for block in blocks:
        for command in block.commands:
            missing = command.split()[0] in documented.PROGRAMS and not shutil.which(command.split()[0])
            if documented.proof(block, command) == documented.SCENARIO and not missing:
                yield command


def prepared(commands: Iterator[str], built: set[str]) -> Iterator[str]:
    """Yield the commands, and before them what they require: an environment that is built, a second release."""
    for command in commands:
        if command == "make down":
            built.clear()
        for name, build in BUILT.items():
            if re.search(rf"inventories/{name}\b|from={name}\b", command) and name not in built:
                built.add(name)
                if " site.yml " not in command:
                    yield build
                    yield from filter(None, [RELEASED.get(name)])
        yield command
        if destroyed := re.search(r"destroy\.yml .*confirm=(\w+)", command):
            built.discard(destroyed[1])


def part(printed: str, command: str) -> str:
    """Return the output of the last run of a command."""
    return printed.rpartition(f"{MARK}{command}\n")[2].partition(f"\n{MARK}")[0]


def pages(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield from typed(documented.blocks(name))


def test_first_pages(clone: Path) -> None:
    commands = list(prepared(pages(documented.FIRST), set()))
    assert commands[0] == "make demo"
    printed = type_in(clone, [*commands, "make down"])
    assert "failed" in part(printed, "make demo")
    playbook, staging = "ansible-playbook playbooks", "-i inventories/staging"
    assert "1.1.0 (r2) on green is live" in part(
        printed, f"{playbook}/deploy.yml {staging} -e image_tag=1.1.0"
    )
    assert "1.0.0 (r1) on blue serves again" in part(
        printed, f"{playbook}/rollback.yml {staging} -e \"reason='checkout is slow'\""
    )
    refused = f"{playbook}/deploy.yml {staging} -e image_tag=crash"
    assert REFUSED[refused] in part(printed, refused)
    assert "WARM ROLLBACK" in part(
        printed, f"{playbook}/rollback.yml -i inventories/production -e \"reason='what was seen'\""
    )


def test_other_pages(clone: Path) -> None:
    start = ["make rehearsal", "source .venv/bin/activate", 'eval "$(python -m rehearsal env)"']
    printed = type_in(clone, [*start, *prepared(pages(documented.PLAYED), set())])
    assert "checkout" not in printed
    if shutil.which("aws"):
        assert '"VersionId"' in part(printed, PUT_SECRET)
        assert "planted-0c5e" not in printed
    assert (clone / "status/index.html").exists()
