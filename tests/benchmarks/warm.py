# SPDX-License-Identifier: MIT
"""Time the same 40 AWS tasks through the connections ``local`` and ``teal.platform.warm``, in turn.

Usage: ``python tests/benchmarks/warm.py [rounds]``. Prints medians in seconds and their ratio, for a first run, which
creates all resources, and a second run, which changes nothing: wall time, and CPU time of Ansible and all its child
processes, the warm server included. AWS is moto's server in this process, reset before each first run.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
import urllib.request

import report
from moto.server import ThreadedMotoServer

HERE = pathlib.Path(__file__).parent
CONNECTIONS = ("ansible.builtin.local", "teal.platform.warm")


PR_SET_CHILD_SUBREAPER = 36


def play(connection: str, url: str) -> tuple[float, float, str]:
    """Run the tasks. Return wall time in seconds, CPU time in seconds, and the recap."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "ap-northeast-2",
        "NO_PROXY": "127.0.0.1",
    }
    command = [
        pathlib.Path(sys.executable).parent / "ansible-playbook",
        HERE / "warm.yml",
        "-i",
        "components,",
        *("-e", f"ansible_connection={connection}"),
        *("-e", f"ansible_python_interpreter={sys.executable}"),
    ]
    start, before = time.monotonic(), os.times()
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()  # Reap the warm server, see main().
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    recap = re.search(r"ok=\d+ +changed=\d+ +unreachable=\d+ +failed=\d+", run.stdout)
    return seconds, cpu, recap[0] if recap else run.stdout


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    # Adopt orphaned descendants, so that the CPU time of the warm server is counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    recaps: dict[str, set[str]] = {}
    for number in range(rounds + 1):
        for connection in CONNECTIONS:
            urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST")).read()
            for which in ("first run", "second run"):
                wall, cpu, recap = play(connection, url)
                recaps.setdefault(which, set()).add(recap)
                if number:  # The first round is the warm-up.
                    times.setdefault((which, connection), []).append((wall, cpu))
    server.stop()
    rows = [["", "local", "warm", "local ÷ warm", "tasks"]]
    for which in ("first run", "second run"):
        if len(recaps[which]) != 1:
            sys.exit(f"{which}: the connections differ: {recaps[which]}")
        recap = recaps[which].pop()
        for index, unit in enumerate(("wall time", "CPU")):
            local, warm = (
                statistics.median(one[index] for one in times[which, name]) for name in CONNECTIONS
            )
            rows.append([f"{which}, {unit}", f"{local:.1f} s", f"{warm:.1f} s", f"{local / warm:.1f}", recap])
    report.keep("tasks", "make bench-tasks", f"{report.table(rows)}\n\nMedians of {rounds} rounds.")


if __name__ == "__main__":
    main()
