# SPDX-License-Identifier: MIT
"""The same tasks return the same results through ``local`` and through ``teal.platform.warm``."""

from __future__ import annotations

import difflib
import json
import logging
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t
import urllib.request

import pytest
from moto.server import ThreadedMotoServer

HERE = pathlib.Path(__file__).parent
BIN = pathlib.Path(sys.executable).parent
#: Keys whose values differ between two runs of `local`.
VOLATILE = frozenset(
    {"start", "end", "delta", "atime", "ctime", "mtime", "inode", "started", "ansible_job_id", "results_file"}
    | {"CreationDate", "create_date", "role_id", "invocation_id", "RequestId", "request_id", "Date", "uuid"}
    | {"creation_date", "ansible_date_time", "creation_date_time", "date", "attempts", "version"}
    | {"instance_profile_id", "x-amzn-requestid"}
)
PATTERNS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"_payload_\w{8}", "_payload_"),
        (r"ansible-tmp-[\d.]+-\d+-\d+", "ansible-tmp"),
        (r"ansible-local-\w+", "ansible-local"),
        (r"/tmp\w{8}\b", "/tmp"),
        (r"^\.\w{8}$", ".name"),
        (r"teal\.platform\.warm", "local"),
        (r"object at 0x\w+", "object"),
        (r"[jJ]ob ID '?[\w.]+", "job"),
        (r"\bj?\d{9,}\.\d+", "number"),
        (r"\bAROA\w+", "AROA"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)?", "time"),
        (r"'RequestId': '\w+'", "request"),
        (r"request id: [\w-]+", "request"),
    )
]


def plain(value: t.Any) -> t.Any:
    """Return a result without the values that differ between runs."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        for pattern, replacement in PATTERNS:
            value = pattern.sub(replacement, value)
    return value


class Run(t.NamedTuple):
    records: list[dict[str, t.Any]]
    text: str
    status: int


def play(connection: str, aws: str, folder: pathlib.Path, **more: t.Any) -> Run:
    """Run parity.yml. The folder is the same for all runs, because results contain its name."""
    urllib.request.urlopen(urllib.request.Request(f"{aws}/moto-api/reset", method="POST")).read()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    record = folder.parent / "record.jsonl"
    record.write_text("")
    variables = {
        "ansible_connection": connection,
        "ansible_python_interpreter": sys.executable,
        "folder": str(folder),
        "other_python": str(pathlib.Path(sys.executable).resolve()),
        "become_works": os.geteuid() == 0,
        **more,
    }
    inventory = folder.parent / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"one": {}}, "vars": variables}}))
    done = subprocess.run(
        [BIN / "ansible-playbook", HERE / "parity.yml", "-i", inventory, "-vvv"],
        env=os.environ
        | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
            "RECORD_FILE": str(record),
            "AWS_ENDPOINT_URL": aws,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "ap-northeast-2",
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    return Run(list(map(json.loads, record.read_text().splitlines())), done.stdout + done.stderr, 0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    aws, folder = f"http://{host}:{port}", tmp_path_factory.mktemp("parity") / "folder"
    try:
        return {
            "local": play("local", aws, folder),
            "local, piped": play("local", aws, folder, ansible_pipelining=True),
            "warm": play("teal.platform.warm", aws, folder),
        }
    finally:
        server.stop()


def difference(first: Run, second: Run, without: frozenset[str] = frozenset()) -> str:
    pages = []
    for run in (first, second):
        ordered = sorted(
            (one for one in run.records if one["task"] not in without), key=lambda one: one["task"]
        )
        page = json.dumps([plain(one) for one in ordered], indent=1, sort_keys=True, ensure_ascii=False)
        pages.append([line[:2000] for line in page.splitlines()])
    return "\n".join(difflib.unified_diff(*pages, "local", "warm", lineterm="", n=12))


def test_results_equal_those_of_local(runs: dict[str, Run]) -> None:
    assert len(runs["local, piped"].records) > 70
    assert difference(runs["local, piped"], runs["warm"]) == ""


def test_without_pipelining_only_the_name_of_the_script_differs(
    runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``sys.orig_argv``, and tracebacks outside of the module, contain the file or ``<stdin>``."""
    monkeypatch.setattr(sys.modules[__name__], "VOLATILE", VOLATILE | {"orig_argv"})
    assert difference(runs["local"], runs["warm"], without=frozenset({"End by interrupt"})) == ""


def test_tasks_run_warm(runs: dict[str, Run]) -> None:
    assert " WARM " not in runs["local, piped"].text
    assert runs["warm"].text.count(" WARM ") > 40
    assert "cannot start" not in runs["warm"].text
    reasons = re.findall(r"not warm: (\w+) differs", runs["warm"].text)
    assert {"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONUTF8", "PYTHONWARNINGS"} <= set(reasons)


def test_secrets_are_hidden(runs: dict[str, Run]) -> None:
    assert "do-not-show-this" not in json.dumps(runs["warm"].records)
    assert "do-not-show-this" not in runs["warm"].text
