# SPDX-License-Identifier: MIT
"""The connection plugin teal.platform.warm: ``local``, with modules run in forks of a warm Python."""

from __future__ import annotations

DOCUMENTATION = """
name: warm
author: The Teal team (@teal)
version_added: 0.1.0
short_description: Run tasks on the controller, modules in forks of a warm Python
description:
  - Behaves as P(ansible.builtin.local#connection), and is a subclass of it. A module's payload that Ansible
    would pipe into a new Python is piped into a fork of a Python instead that has imported boto3, botocore
    and what else modules need once for the whole run.
  - "Everything else takes the plain way of C(local): become, async, raw commands, files, another interpreter
    than that of Ansible itself, tasks that set C(PYTHON*), C(LC_*), C(LD_*) or another variable that is read
    when a Python or one of its libraries starts."
  - Needs Linux 5.4 or later (pidfd). Where the server cannot start, the run goes on as with C(local) and a
    warning says so.
requirements:
  - Linux
options:
  warm_libraries:
    description:
      - Top-level Python packages that the server may import once and share with all modules. It imports those
        of them that a module of this run has used. The standard library is always shared.
    type: list
    elements: str
    default:
      - boto3
      - botocore
      - certifi
      - charset_normalizer
      - dateutil
      - durationpy
      - google
      - idna
      - jmespath
      - jsonpatch
      - jsonpointer
      - kubernetes
      - oauthlib
      - requests
      - requests_oauthlib
      - s3transfer
      - six
      - urllib3
      - websocket
      - yaml
    ini:
      - section: teal_warm
        key: libraries
    env:
      - name: TEAL_WARM_LIBRARIES
    vars:
      - name: ansible_warm_libraries
  warm_preload:
    description: Python modules that the server imports as soon as it is up, before a module asks for them.
    type: list
    elements: str
    default:
      - boto3
      - botocore.client
      - botocore.httpsession
    ini:
      - section: teal_warm
        key: preload
    env:
      - name: TEAL_WARM_PRELOAD
    vars:
      - name: ansible_warm_preload
  warm_payloads:
    description:
      - Folder in which the payloads of collections' modules are kept, as Ansible has built them, for later runs; empty
        to keep none. A payload is code without arguments. It is used for as long as no file of Ansible and of the
        collections in it has changed.
      - It has to be on the file system of Ansible's own temporary files (C(local_tmp)), and writable by its owner only.
    type: str
    default: ~/.ansible/warm
    ini:
      - section: teal_warm
        key: payloads
    env:
      - name: TEAL_WARM_PAYLOADS
    vars:
      - name: ansible_warm_payloads
  warm_python:
    description:
      - The Python that will run modules, where that is known before the first of them. The server is then started while
        Ansible still prepares the first task, and otherwise by the first module.
    type: str
    vars:
      - name: ansible_python_interpreter
  warm_directory:
    description: The working directory of modules, which Ansible makes that of the playbook.
    type: str
    vars:
      - name: playbook_dir
  become_success_timeout:
    description: As in P(ansible.builtin.local#connection).
    type: int
    default: 10
    vars:
      - name: ansible_local_become_success_timeout
  become_strip_preamble:
    description: As in P(ansible.builtin.local#connection).
    type: bool
    default: true
    vars:
      - name: ansible_local_become_strip_preamble
extends_documentation_fragment:
  - connection_pipelining
"""

EXAMPLES = """
# inventory: components of a cloud, managed from here
all:
  vars:
    ansible_connection: teal.platform.warm
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""

import contextlib
import fcntl
import json
import multiprocessing
import os
import pathlib
import re
import select
import selectors
import shlex
import socket
import subprocess
import sys
import time
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ensure_connect
from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.utils.display import Display
from ansible_collections.teal.platform.plugins.plugin_utils.warm_payloads import Payloads

display = Display()

SERVER_SOURCE = pathlib.Path(__file__).parent.parent / "plugin_utils" / "warm_server.py"
START_SECONDS = 60
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=", re.ASCII)


class Command(t.NamedTuple):
    """``<shell> -c '[NAME=value ...] <interpreter>[ && sleep 0]'``, taken apart."""

    shell: str
    assigned: dict[str, str]
    interpreter: str
    tail: str


class Unavailable(Exception):
    """The server can't take this; the message says why."""


def parse(command: str) -> Command | None:
    """Take apart the command by which Ansible pipes a payload into a Python.

    Strict: what comes out, put together again, must be the command. Anything else is None.
    """
    try:
        shell, dash_c, inner = shlex.split(command)
        body = inner.removesuffix(" && sleep 0")
        *words, interpreter = shlex.split(body)
    except ValueError:
        return None
    if not all(ASSIGNMENT.match(word) for word in words):
        return None
    assigned = dict(word.split("=", 1) for word in words)
    prefix = "".join(f"{name}={shlex.quote(value)} " for name, value in assigned.items())
    again = prefix + shlex.quote(interpreter)
    if again != body or f"{shell} -c {shlex.quote(inner)}" != command or dash_c != "-c":
        return None
    return Command(shell, assigned, interpreter, inner.removeprefix(body))


def same_python(interpreter: str) -> bool:
    """Whether it is the Python that runs Ansible, in the same virtual environment."""
    ours = sys.executable or ""
    try:
        path = pathlib.Path(interpreter)
        return interpreter == ours or (path.parent == pathlib.Path(ours).parent and path.samefile(ours))
    except OSError:
        return False


def folder_of_run() -> pathlib.Path:
    """In Ansible's folder of this run: 0700, known to all its workers, removed by it at its end."""
    return pathlib.Path(C.DEFAULT_LOCAL_TMP) / "warm"


def first_of_run() -> bool:
    """Whether nobody has asked yet in this run."""
    try:
        folder_of_run().mkdir(mode=0o700)
    except OSError:
        return False
    return True


class Connection(LocalConnection):
    """Local connection whose piped module payloads run in forks of the run's server."""

    def set_options(self, *args: t.Any, **kwargs: t.Any) -> None:
        """As the base class; then Ansible goes on to build the module's payload, unless it has it."""
        super().set_options(*args, **kwargs)
        self.payloads = Payloads(kept) if (kept := self.get_option("warm_payloads")) else None
        self.since = time.time()
        if first_of_run():
            self._begin()
            if self.payloads:
                self.payloads.bring()

    def _begin(self) -> None:
        """Have the server started beside what Ansible does until a module comes."""
        python, directory = self.get_option("warm_python"), self.get_option("warm_directory")
        # Another process than a worker isn't known to end with the run.
        if not (python and directory and same_python(python) and multiprocessing.parent_process()):
            return
        inner = shlex.quote(python)
        command = parse(f"{self._play_context.executable} -c {shlex.quote(inner)}")
        if command and not os.fork():
            with contextlib.suppress(BaseException):
                self._server().start(command, directory).close()
            os._exit(0)

    def _server(self) -> Server:
        return Server(self.get_option("warm_libraries"), self.get_option("warm_preload"))

    def is_pipelining_enabled(self, wrap_async: bool = False) -> bool:
        """Modules are piped, whatever the setting; with become and async it is as the setting says."""
        if not self.become and not wrap_async:
            return True
        return super().is_pipelining_enabled(wrap_async)

    @ensure_connect
    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a command; see the base class. Returns exit status, stdout and stderr."""
        if in_data and self.payloads:
            self.payloads.keep(self.since)
        parsed = parse(cmd) if in_data and not self.become else None
        # A worker that is no session leader may have a terminal, which a server can't hand on.
        if parsed and same_python(parsed.interpreter) and os.getsid(0) == os.getpid():
            try:
                with contextlib.closing(self._ask(parsed)) as fork:
                    display.vvv(f"WARM {parsed.interpreter}", host=self._play_context.remote_addr)
                    status, stdout, stderr = fork.communicate(t.cast(bytes, in_data))
                if status < 0:
                    status, message = self._status_by_shell(parsed, -status)
                    stderr += message
                return status, stdout, stderr
            except Unavailable as reason:
                display.vvv(f"not warm: {reason}", host=self._play_context.remote_addr)
        return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)

    def _ask(self, command: Command) -> Fork:
        """Ask the server for a fork. Raises Unavailable where the plain way has to be taken."""
        try:
            cwd = os.open(self.cwd or ".", os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise Unavailable(str(error)) from error
        try:
            server = self._server()
            return Fork(server.connect(command, self.cwd), server.like(command), command.assigned, cwd)
        except OSError as error:
            raise Unavailable(str(error)) from error
        finally:
            os.close(cwd)

    def _status_by_shell(self, command: Command, number: int) -> tuple[int, bytes]:
        """Return status and stderr of a module that a signal ended, as the shell reports them."""
        dying = f"/bin/sh -c {shlex.quote(f'ulimit -c 0; kill -{number} $$')}{command.tail}"
        done = subprocess.run(
            f"{command.shell} -c {shlex.quote(dying)}",
            shell=True,
            executable=C.DEFAULT_EXECUTABLE.split()[0],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stderr


class Fork:
    """One fork of the server, from the plugin's side."""

    def __init__(self, server: socket.socket, like: list[str], assigned: dict[str, str], cwd: int) -> None:
        self.server = server
        umask = os.umask(0o077)
        os.umask(umask)
        request = {"like": like, "env": dict(os.environ), "assigned": assigned, "umask": umask}
        self.stdin, self.stdout, self.stderr = -1, -1, -1
        theirs: list[int] = []
        try:
            child_stdin, self.stdin = os.pipe()
            self.stdout, child_stdout = os.pipe()
            self.stderr, child_stderr = os.pipe()
            theirs = [child_stdin, child_stdout, child_stderr]
            socket.send_fds(server, [json.dumps(request).encode()], [*theirs, cwd])
            answer = json.loads(server.recv(4096) or '{"plain": "the server ended"}')
            if "plain" in answer:
                raise Unavailable(answer["plain"])
        except BaseException:
            self.close()
            raise
        finally:
            for fd in theirs:
                os.close(fd)

    def communicate(self, payload: bytes) -> tuple[int, bytes, bytes]:
        """Give the payload and wait: exit status (negative: signal), stdout, stderr; as Popen does it."""
        output: dict[int, list[bytes]] = {self.stdout: [], self.stderr: []}
        view = memoryview(payload)
        os.set_blocking(self.stdin, False)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self.stdin, selectors.EVENT_WRITE)
                for fd in output:
                    selector.register(fd, selectors.EVENT_READ)
                while selector.get_map():
                    for key, _mask in selector.select():
                        if key.fd == self.stdin:
                            try:
                                view = view[os.write(key.fd, view) :]
                            except BrokenPipeError:
                                view = view[:0]
                            if not view:
                                selector.unregister(key.fd)
                                os.close(key.fd)
                                self.stdin = -1
                        elif chunk := os.read(key.fd, 1 << 16):
                            output[key.fd].append(chunk)
                        else:
                            selector.unregister(key.fd)
            answer = self.server.recv(4096)
        except BaseException:
            # As with local: giving up (a task's timeout) leaves the module running.
            with contextlib.suppress(OSError):
                self.server.send(b"leave")
            raise
        if not answer:
            raise AnsibleConnectionFailure(
                "The server of teal.platform.warm ended while a module ran in it. Whether the module did "
                "its work is not known."
            )
        return (
            json.loads(answer)["status"],
            b"".join(output[self.stdout]),
            b"".join(output[self.stderr]),
        )

    def close(self) -> None:
        for fd in (self.stdin, self.stdout, self.stderr):
            if fd >= 0:
                os.close(fd)
        self.stdin = self.stdout = self.stderr = -1
        self.server.close()


class Server:
    """The run's server: found, or started by whoever needs it first."""

    def __init__(self, libraries: list[str], preload: list[str]) -> None:
        self.libraries = libraries
        self.preload = preload
        self.folder = folder_of_run()

    @staticmethod
    def like(command: Command) -> list[str]:
        """What a Python has to have in common with the server's."""
        return [command.interpreter, command.shell, str(C.DEFAULT_EXECUTABLE)]

    def connect(self, command: Command, cwd: str | bytes | None) -> socket.socket:
        """A connection to the server. Raises Unavailable, and says so once a run, where there can be none."""
        with contextlib.suppress(OSError):
            return self._connect()
        try:
            return self.start(command, cwd)
        except (OSError, Unavailable) as error:
            # Ansible shows a warning once, however many workers give it.
            display.warning(
                f"teal.platform.warm cannot start ({error}); tasks run as with the connection 'local'."
            )
            raise Unavailable(str(error)) from error

    def start(self, command: Command, cwd: str | bytes | None) -> socket.socket:
        """Start the server, unless another worker has; return a connection. Raises Unavailable and OSError."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.folder.stat().st_uid != os.geteuid():
            raise Unavailable(f"{self.folder} belongs to another user")
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            off = self.folder / "off"
            if off.exists():
                raise Unavailable(off.read_text())
            with contextlib.suppress(OSError):
                return self._connect()
            try:
                self._start(command, cwd)
                return self._connect()
            except (OSError, AttributeError, Unavailable, subprocess.SubprocessError) as error:
                off.write_text(str(error))
                raise Unavailable(str(error)) from error

    def _connect(self) -> socket.socket:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # By way of the folder's descriptor, since a socket's address has room for 107 characters only.
            server.connect(f"/proc/self/fd/{folder}/socket")
        except BaseException:
            server.close()
            raise
        finally:
            os.close(folder)
        return server

    def _start(self, command: Command, cwd: str | bytes | None) -> None:
        """Start the server the way in which a module's Python would be started."""
        if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
            raise Unavailable("it needs Linux, and a Python with pidfd_open")
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "socket").unlink()  # of a server that was killed
        parent = multiprocessing.parent_process()
        watch = parent.pid if parent and parent.pid else os.getpid()
        stat = pathlib.Path(f"/proc/{watch}/stat").read_text(encoding="ascii", errors="replace")
        options = {
            "folder": str(self.folder),
            "watch": watch,
            "watch_start": stat.rpartition(")")[2].split()[19],
            "like": self.like(command),
            "libraries": self.libraries,
            "preload": self.preload,
            "roots": [*sys.path, *getattr(sys.modules.get("ansible_collections"), "__path__", [])],
        }
        source = f"{SERVER_SOURCE.read_text(encoding='utf-8')}\n\nmain({options!r})\n"
        with subprocess.Popen(
            f"{command.shell} -c {shlex.quote(shlex.quote(command.interpreter))}",
            shell=True,
            executable=C.DEFAULT_EXECUTABLE.split()[0],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            process.stdin.write(source.encode())
            process.stdin.close()
            said = b""
            while b"\n" not in said and select.select([process.stdout], [], [], START_SECONDS)[0]:
                chunk = os.read(process.stdout.fileno(), 4096)
                if not chunk:
                    break
                said += chunk
        if said != b"ready\n":
            raise Unavailable(
                said.decode(errors="replace").strip().rpartition("\n")[2] or "it did not answer"
            )
