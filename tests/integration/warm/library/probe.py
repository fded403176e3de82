#!/usr/bin/python
# SPDX-License-Identifier: MIT
# The module inspects its own process, and leaves files open on purpose:
# ruff: noqa: PTH109, PTH110, PTH115, PTH123, PTH208, SIM115
"""A module that inspects its own process, or ends in an unusual way. For the parity tests only."""

from __future__ import annotations

import atexit
import gc
import locale
import os
import resource
import signal
import sys
import tempfile
import threading
import time

from ansible.module_utils.basic import AnsibleModule


def describe() -> dict:
    """Return everything that a module can observe of its process."""
    main = sys.modules["__main__"]
    return {
        "argv": sys.argv,
        "orig_argv": sys.orig_argv,
        "path": [entry for entry in sys.path if "_payload_" not in entry],
        "payload_first": "_payload_" in sys.path[0],
        "executable": sys.executable,
        "flags": str(sys.flags),
        "warnoptions": sys.warnoptions,
        "encodings": [
            (stream.encoding, stream.errors, stream.line_buffering, stream.isatty(), stream.name, stream.mode)
            for stream in (sys.stdin, sys.stdout, sys.stderr)
        ],
        "filesystem_encoding": sys.getfilesystemencoding(),
        "locale": locale.setlocale(locale.LC_ALL),
        "stdin": sys.stdin.read(),
        "environment": {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "cwd": os.getcwd(),
        "umask": oct(os.umask(os.umask(0))),
        "ids": [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getgroups()],
        "descriptors": [fd for fd in sorted(map(int, os.listdir("/proc/self/fd"))) if fd < 3],
        "more_descriptors": [
            os.readlink(f"/proc/self/fd/{fd}").partition(":")[0]
            for fd in os.listdir("/proc/self/fd")
            if int(fd) > 2 and os.path.exists(f"/proc/self/fd/{fd}")
        ],
        "inherited": os.get_inheritable(0) and os.get_inheritable(1) and os.get_inheritable(2),
        "signals": {
            number.name: str(signal.getsignal(number))
            for number in signal.valid_signals()
            if isinstance(number, signal.Signals)
        },
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "terminal": os.ctermid() and _can_open("/dev/tty"),
        "limits": [resource.getrlimit(limit) for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
        "nice": os.nice(0),
        "threads": [threading.active_count(), threading.current_thread().name],
        "gc": [gc.isenabled(), gc.get_threshold()],
        "recursion": sys.getrecursionlimit(),
        "zone": time.tzname,
        "temporary": [tempfile.gettempdir(), tempfile.tempdir],
        "dont_write_bytecode": sys.dont_write_bytecode,
        "main": sorted(name for name in vars(main) if name.startswith("_")),
        "main_is_this": main.describe is describe,
        "ansible_from_payload": "_payload_" in sys.modules["ansible"].__file__,
        "hooks": [sys.excepthook is sys.__excepthook__, sys.stdout is sys.__stdout__],
        "trace": [sys.gettrace(), sys.getprofile()],
    }


def _can_open(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError:
        return False
    return True


def main() -> None:
    module = AnsibleModule(
        {
            "how": {"default": "describe"},
            "file": {"type": "path"},
            "secret": {"no_log": True},
            "text": {"default": ""},
            "seconds": {"type": "float", "default": 0},
            "old": {"removed_in_version": "99.0.0", "removed_from_collection": "teal.platform"},
        },
        supports_check_mode=True,
    )
    how, path = module.params["how"], module.params["file"]
    if how == "describe":
        module.exit_json(**describe())
    if how == "exit":
        module.exit_json(changed=True, text=module.params["text"] * 3, diff={"before": "a\n", "after": "b\n"})
    if how == "fail":
        module.fail_json("it failed", detail=module.params["text"])
    if how == "warn":
        module.warn("a warning")
        module.deprecate("an old thing", version="99.0.0", collection_name="teal.platform")
        module.exit_json(secret_was=module.params["secret"])
    if how == "raise":
        raise RuntimeError("an exception")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "system_exit":
        sys.exit(module.params["text"] or 0)
    if how == "no_exit":
        return
    if how == "hard_exit":
        os.write(1, b'{"changed": false, "hard": true}')
        os._exit(7)
    if how == "sleep":
        time.sleep(module.params["seconds"])
        module.exit_json()
    if how == "hold":
        with open(path, "w") as file:
            file.write(f"{os.getpid()} {os.getppid()}\n")
        time.sleep(module.params["seconds"])
        module.exit_json()
    if how == "recursion":
        (lambda f: f(f))(lambda f: f(f))
    if how.startswith("SIG"):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(getattr(signal, how), signal.SIG_DFL) if how != "SIGKILL" else None
        os.kill(os.getpid(), getattr(signal, how))
        time.sleep(5)
    if how == "noise":
        print("not json, on stdout")
        print("on stderr: é", file=sys.stderr)
        os.system("echo from a shell >&2")
        sys.exit(3)
    if how == "stderr":
        print("on stderr, yet it succeeds", file=sys.stderr)
        module.exit_json(changed=False)
    if how == "much":
        module.exit_json(much="x" * 10_000_000)
    if how == "much_noise":
        sys.stderr.write("e" * 3_000_000)
        sys.stdout.write("o" * 10_000_000)
        sys.exit(4)
    if how == "fork":
        if not os.fork():
            os.setsid()
            for fd in (0, 1, 2):
                os.close(fd)
            time.sleep(0.3)
            with open(path, "w") as file:
                file.write("the child wrote this")
            os._exit(0)
        module.exit_json(changed=True)
    if how == "fork_and_share":
        if not os.fork():
            time.sleep(0.3)
            os.write(2, b"late\n")
            os._exit(0)
        module.exit_json(changed=True)
    if how == "endings":
        atexit.register(lambda: open(path + ".atexit", "w").write("atexit ran; "))
        threading.Thread(
            target=lambda: (time.sleep(0.3), open(path + ".thread", "w").write("thread ran"))
        ).start()
        module.exit_json(changed=True)
    module.fail_json(f"what is {how}?")


if __name__ == "__main__":
    main()
