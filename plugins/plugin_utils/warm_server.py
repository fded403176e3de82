# SPDX-License-Identifier: MIT
# Bare paths and descriptors, in a process that imports no more than it needs:
# ruff: noqa: PTH106, PTH108, PTH109, PTH112, PTH116, PTH118, PTH119, PTH120, PTH123, PTH208
"""The fork server behind the connection plugin ``teal.platform.warm``.

It is no module to import: the plugin pipes this text into a Python, in the very shape in which Ansible pipes
a module's payload, and appends a call of :func:`main`. So the server starts out as the Python that would have
run the module (same flags, ``sys.path``, ``sys.argv``, environment as the shell left it), and each fork of it
is that Python, grown warm.

What a fork inherits is not Ansible's code but what surrounds it; nothing of a module's own run is shared:

* libraries (boto3, botocore, ...) and the standard library, imported once;
* compiled code, used only for a source that equals the payload's byte for byte, and executed anew each time;
* botocore's JSON models as parsed from disk, each object handed out once in a fork.

The server learns what to hold from the names that forks report when they end. It has one thread, creates no
session or socket of any library, and never sees a payload: that goes from the plugin to the fork by a pipe.
"""

from __future__ import annotations

import _imp
import atexit
import contextlib
import gc
import importlib
import importlib.machinery
import json
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import time
import types
import typing as t
import zipimport

#: Read by Python or the C library when a process starts: a task that changes them needs a process of its own.
STARTUP_PREFIXES = ("PYTHON", "LC_", "LD_", "OPENSSL_", "MALLOC_", "COVERAGE_", "COV_CORE_")
STARTUP_NAMES = frozenset({"HOME", "LANG", "LANGUAGE", "GLIBC_TUNABLES", "TZDIR", "__PYVENV_LAUNCHER__"})
#: Set by the shell in the environment of what it runs.
SHELL_NAMES = ("PWD", "OLDPWD", "SHLVL", "_")
#: Of botocore's data files; a module may make some clients.
READ_BY_EVERY_CLIENT = ("endpoints", "partitions", "sdk-default-configuration", "_retry")
CLIENTS = 3
REQUEST_BYTES = 1 << 20
REPORT_NAMES = 200


class Job(t.NamedTuple):
    """What a fork is to run its payload with."""

    env: dict[str, str]
    umask: int
    fds: list[int]  # stdin, stdout, stderr, working directory


@contextlib.contextmanager
def leaving_no_bytecode() -> t.Iterator[None]:
    """Compile without a file of it."""
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = written


class Memory:
    """What the server keeps for its forks, and what a fork found missing in it."""

    def __init__(self, libraries: list[str], roots: list[str]) -> None:
        self.libraries = frozenset(libraries) | sys.stdlib_module_names
        self.roots = roots
        self.code: dict[bytes, types.CodeType] = {}
        self.models: dict[str, list[t.Any]] = {}
        self.services: dict[str, list[str]] = {}
        self.tried: set[tuple[str, str]] = set()
        self.wanted: list[tuple[str, str]] = []
        self.env_read: set[str] = set()
        self._relabelled: dict[bytes, str] = {}
        self._compile = zipimport._compile_source
        zipimport._compile_source = self._code_for

    # -- in a fork

    def _code_for(self, pathname: str, source: bytes) -> types.CodeType:
        """In place of zipimport's compiler: the same code, with the file name of this payload."""
        _archive, found, name = pathname.partition(".zip/")
        if found and source not in self.code:
            self.want("source", name)
            # Most have been compiled once, beside their source.
            self._learn_source(name)
        known = self.code.get(source)
        if known is not None and self._relabelled.setdefault(source, pathname) == pathname:
            _imp._fix_co_filename(known, pathname)
            return known
        return self._compile(pathname, source)

    def want(self, kind: str, name: str) -> None:
        if (kind, name) not in self.tried:
            self.tried.add((kind, name))
            self.wanted.append((kind, name))

    def report(self, before: frozenset[str], options: dict[str, t.Any]) -> None:
        """Report to the server what this fork had to load itself. Names only; lost if the server is busy."""
        for name in sys.modules.keys() - before:
            if name.partition(".")[0] in self.libraries and name != "__main__":
                self.want("import", name)
        if not self.wanted:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            server.setblocking(False)
            server.connect(address(os.open(options["folder"], os.O_RDONLY | os.O_DIRECTORY)))
            for start in range(0, len(self.wanted), REPORT_NAMES):
                server.send(json.dumps({"learn": self.wanted[start : start + REPORT_NAMES]}).encode())

    # -- in the server

    def learn(self, kind: str, name: str) -> None:
        if (kind, name) in self.tried:
            return
        self.tried.add((kind, name))
        # What a library makes of a variable while it is imported can't be changed by a task later on.
        original = os.environ.encodekey
        os.environ.encodekey = lambda key: (self.env_read.add(key), original(key))[1]
        try:
            getattr(self, f"_learn_{kind}")(name)
        finally:
            os.environ.encodekey = original

    def _learn_import(self, name: str) -> None:
        with contextlib.suppress(ImportError), leaving_no_bytecode():
            importlib.import_module(name)
            if "botocore.loaders" in sys.modules and not hasattr(self, "_load_model"):
                self._share_models(sys.modules["botocore.loaders"])

    def _learn_source(self, name: str) -> None:
        for root in self.roots:
            path = os.path.join(root, name)
            with contextlib.suppress(OSError, SyntaxError), leaving_no_bytecode():
                with open(path, "rb") as file:
                    source = file.read()
                if source.strip():
                    self.code[source] = importlib.machinery.SourceFileLoader(name, path).get_code(name)
                return

    def _share_models(self, loaders: types.ModuleType) -> None:
        """Let forks take botocore's own data files (and its list of services) from memory."""
        load = self._load_model = loaders.JSONFileLoader.load_file
        list_services = loaders.Loader.list_available_services
        builtin = loaders.Loader.BUILTIN_DATA_PATH

        def load_file(loader: t.Any, file_path: str) -> t.Any:
            # Each handed out once: whoever loads it again gets a fresh object, as from disk.
            if known := self.models.get(file_path):
                return known.pop()
            found = load(loader, file_path)
            if found is not None and file_path.startswith(builtin + os.sep):
                self.want("model", file_path)
            return found

        def list_available_services(loader: t.Any, type_name: str) -> list[str]:
            # botocore's own folder, and that which boto3 adds; a user's models are read anew each time.
            paths = [path for path in loader.search_paths if os.path.isdir(path)]
            if any(path != builtin and not path.endswith("/boto3/data") for path in paths):
                return list_services(loader, type_name)
            key = json.dumps([type_name, *paths])
            if key not in self.services:
                self.want("services", key)
                return list_services(loader, type_name)
            return list(self.services[key])

        loaders.JSONFileLoader.load_file = load_file
        loaders.Loader.list_available_services = list_available_services
        self._list_services = list_services
        for name in READ_BY_EVERY_CLIENT:
            self.learn("model", os.path.join(builtin, name))
        if boto3 := sys.modules.get("boto3"):
            data = os.path.join(os.path.dirname(boto3.__file__ or ""), "data")
            for type_name in ("service-2", "endpoint-rule-set-1"):
                self.learn("services", json.dumps([type_name, builtin, data]))

    def _learn_model(self, name: str) -> None:
        loader = sys.modules["botocore.loaders"].JSONFileLoader()
        copies = CLIENTS if os.path.basename(name) in READ_BY_EVERY_CLIENT else 1
        self.models[name] = [self._load_model(loader, name) for _copy in range(copies)]

    def _learn_services(self, name: str) -> None:
        type_name, *paths = json.loads(name)
        loader = sys.modules["botocore.loaders"].Loader(paths, include_default_search_paths=False)
        self.services[name] = self._list_services(loader, type_name)


class Server:
    """Accepts requests, forks, reports how the fork ended, and ends with the process that it watches."""

    def __init__(self, listener: socket.socket, watch: int, options: dict[str, t.Any]) -> None:
        self.listener = listener
        self.watch = watch
        self.options = options
        self.memory = Memory(options["libraries"], options["roots"])
        self.env = dict(os.environ)
        self.queue: list[tuple[str, str]] = [("import", name) for name in options["preload"]]
        self.children: dict[int, tuple[int, socket.socket]] = {}  # pidfd: (pid, its plugin)
        self.left_alone: set[socket.socket] = set()
        self.unfit = ""
        self.noise = os.memfd_create("noise")

    def serve(self) -> tuple[Memory, Job]:
        """Serve until the watched process ends. Returns in forks only, each with what it is to do."""
        select = selectors.DefaultSelector()
        for what in (self.listener, self.watch):
            select.register(what, selectors.EVENT_READ)
        while True:
            events = select.select(0 if self.queue else None)
            if not events:
                self.learn()
            for key, _mask in events:
                if key.fd == self.watch:
                    self.end()
                elif key.fileobj is self.listener:
                    select.register(self.listener.accept()[0], selectors.EVENT_READ)
                elif key.fd in self.children:
                    select.unregister(key.fd)
                    self.reap(key.fd)
                else:
                    job, pidfd = self.hear(select, t.cast(socket.socket, key.fileobj))
                    if job:
                        return self.memory, job
                    if pidfd:
                        select.register(pidfd, selectors.EVENT_READ)

    def learn(self) -> None:
        """Take in one thing; whatever a library says or starts while it is imported ends the server's use."""
        kind, name = self.queue.pop(0)
        try:
            self.memory.learn(kind, name)
            sys.stdout.flush()
        except Exception as error:  # a library may raise anything: the run then does without the server
            self.unfit = f"{kind} of {name} failed: {type(error).__name__}: {error}"
        if os.fstat(self.noise).st_size:
            said = os.pread(self.noise, 300, 0).decode(errors="replace").strip()
            self.unfit = f"{name} prints while it is imported: {said}"
        if len(os.listdir("/proc/self/task")) > 1:
            self.unfit = f"{name} starts a thread while it is imported"
        if self.unfit:
            self.queue.clear()

    def hear(self, select: selectors.BaseSelector, plugin: socket.socket) -> tuple[Job | None, int | None]:
        """A message of a plugin: its request, word that it gives up waiting, or its end."""
        try:
            message, fds, flags, _address = socket.recv_fds(plugin, REQUEST_BYTES, 4)
        except OSError:
            message, fds, flags = b"", [], 0
        if message == b"leave":
            self.left_alone.add(plugin)
            return None, None
        if not message:
            select.unregister(plugin)
            self.hang_up(plugin)
            return None, None
        try:
            request = json.loads(message) if not flags & socket.MSG_TRUNC else {}
            if "learn" in request:
                self.queue += map(tuple, request["learn"])
                return None, None
            refusal = self.refusal(plugin, request, fds)
            if refusal:
                plugin.send(json.dumps({"plain": refusal}).encode())
                return None, None
            env = self.env_of(request["env"], fds[3]) | request["assigned"]
            job = Job(env, request["umask"], fds)
            gc.freeze()
            pid = os.fork()
            if not pid:
                return job, None
            try:
                pidfd = os.pidfd_open(pid)
            except OSError:  # the fork waits for its payload yet: nothing is lost
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                raise
            self.children[pidfd] = (pid, plugin)
            with contextlib.suppress(OSError):
                plugin.send(json.dumps({"pid": pid}).encode())
            return None, pidfd
        except OSError as error:
            with contextlib.suppress(OSError):
                plugin.send(json.dumps({"plain": str(error)}).encode())
            return None, None
        finally:
            if os.getpid() == self.options["pid"]:
                for fd in fds:
                    os.close(fd)

    def refusal(self, plugin: socket.socket, request: dict[str, t.Any], fds: list[int]) -> str:
        """Why a request has to go the plain way; empty if it hasn't."""
        credentials = plugin.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", credentials)[1] != os.geteuid():
            return "another user asks"
        if self.unfit or len(fds) != 4 or not request:
            return self.unfit or "the request is incomplete"
        if request["like"] != self.options["like"]:
            return "another interpreter or shell"
        env = request["env"] | request["assigned"]
        for name in self.env.keys() | env.keys():
            if name in SHELL_NAMES or self.env.get(name) == env.get(name):
                continue
            if name in STARTUP_NAMES or name in self.memory.env_read or name.startswith(STARTUP_PREFIXES):
                return f"{name} differs, which is read when Python or a library starts"
        return ""

    def env_of(self, env: dict[str, str], cwd: int) -> dict[str, str]:
        """A worker's environment as the shell would hand it on."""
        handed_on = {name: value for name, value in env.items() if name not in SHELL_NAMES}
        handed_on |= {name: self.env[name] for name in SHELL_NAMES if name in self.env}
        if "PWD" in self.env:
            os.fchdir(cwd)
            handed_on["PWD"] = os.getcwd()
            with contextlib.suppress(OSError, KeyError):
                if env["PWD"].startswith("/") and os.path.samestat(os.stat(env["PWD"]), os.stat(".")):
                    handed_on["PWD"] = env["PWD"]
        return handed_on

    def reap(self, pidfd: int) -> None:
        pid, plugin = self.children.pop(pidfd)
        os.close(pidfd)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.left_alone.discard(plugin)
        with contextlib.suppress(OSError):
            plugin.send(json.dumps({"status": status}).encode())

    def hang_up(self, plugin: socket.socket) -> None:
        """A worker that Ansible ends takes its module along, by signalling its process group: so here."""
        running = [pid for pid, its_plugin in self.children.values() if its_plugin is plugin]
        for pid in running if plugin not in self.left_alone else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM)
        self.left_alone.discard(plugin)
        plugin.close()

    def end(self) -> t.NoReturn:
        folder = self.options["folder"]
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)
        os._exit(0)


def address(folder: int) -> str:
    """The socket's, by way of its folder's descriptor: an address has room for 107 characters only."""
    return f"/proc/self/fd/{folder}/socket"


def become(job: Job) -> None:
    """Turn this fork into the process that the plugin asked for."""
    os.setsid()
    os.fchdir(job.fds[3])
    for fd, wanted in zip(job.fds[:3], (0, 1, 2), strict=True):
        os.dup2(fd, wanted)
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2:
            with contextlib.suppress(OSError):
                os.close(fd)
    os.umask(job.umask)
    zone = os.environ.get("TZ")
    for name in os.environ.keys() - job.env.keys():
        del os.environ[name]
    for name, value in job.env.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    if os.environ.get("TZ") != zone:
        time.tzset()
    gc.enable()


def run(memory: Memory, options: dict[str, t.Any]) -> t.NoReturn:
    """Run what comes by stdin as Python does: as ``__main__``, with its exit status, and its tidying up."""
    payload = bytearray()
    while chunk := os.read(0, 1 << 20):
        payload += chunk
    main_module = types.ModuleType("__main__")
    main_module.__dict__.update(__builtins__=__builtins__, __loader__=importlib.machinery.BuiltinImporter)
    before = frozenset(sys.modules)
    sys.modules["__main__"] = main_module
    status = 0
    interrupted = False
    try:
        exec(compile(bytes(payload), "<stdin>", "exec", dont_inherit=True), main_module.__dict__)
    except SystemExit as end:
        if isinstance(end.code, int):
            status = end.code & 0xFF
        elif end.code is not None:
            sys.stdout.flush()
            print(end.code, file=sys.stderr)
            status = 1
    except BaseException as error:
        trace = error.__traceback__ and error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        status = 1
        interrupted = isinstance(error, KeyboardInterrupt)
    memory.report(before, options)
    # As the interpreter ends, but without taking the shared libraries apart, which would copy their pages.
    threading._shutdown()
    atexit._run_exitfuncs()
    for module in [sys.modules[name] for name in reversed(list(sys.modules)) if name not in before]:
        getattr(module, "__dict__", {}).clear()
    main_module.__dict__.clear()
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError:
            status = 120
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(status)


def start_time(pid: int) -> str:
    """Return the start time of a process as the kernel counts it, which distinguishes processes with the same ID."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[19]


def main(options: dict[str, t.Any]) -> None:
    """Become a daemon, listen at ``options["socket"]``, say ``ready`` on stdout, serve."""
    if os.fork():
        os._exit(0)
    os.setsid()
    options["pid"] = os.getpid()
    watch = os.pidfd_open(options["watch"])
    if start_time(options["watch"]) != options["watch_start"]:
        os._exit(0)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = os.open(options["folder"], os.O_DIRECTORY)
    listener.bind(address(folder))
    os.close(folder)
    listener.listen(128)
    gc.disable()
    server = Server(listener, watch, options)
    starter, null = os.dup(1), os.open(os.devnull, os.O_RDONLY)
    for fd, wanted in ((null, 0), (server.noise, 1), (server.noise, 2)):
        os.dup2(fd, wanted)
    while server.queue:
        server.learn()
    os.write(starter, b"ready\n")
    os.close(starter)
    os.close(null)
    memory, job = server.serve()
    become(job)
    run(memory, options)
