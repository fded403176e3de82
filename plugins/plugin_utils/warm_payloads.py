# SPDX-License-Identifier: MIT
# Bare paths, since some hundred files are looked at when a run begins:
# ruff: noqa: PTH116, PTH118, PTH120, PTH208
"""Modules' payloads that Ansible has built, kept for later runs.

Ansible finds out what a module imports and packs it, which takes a quarter of a second of CPU a module, and keeps
the result for the length of a run: code only, no arguments. Here these files are linked into a folder of the user's,
and from there into later runs, for as long as nothing has changed that Ansible would build them from.

A payload lies in ``<the collections it has code of>/<their state>/<Ansible's name of it>``.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import io
import os
import pathlib
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Iterator

import ansible
from ansible import constants as C
from ansible.executor import module_common
from ansible.plugins.loader import module_utils_loader
from ansible.release import __version__ as ansible_version

#: Of collections only: a library beside a playbook may replace Ansible's own modules, under their names.
NAME = re.compile(r"ansible_collections(?:\.\w+){2}\.plugins\.modules\.[\w.]+-\w+-none")
PART = re.compile(r"ansible_collections/(\w+)/(\w+)/plugins/")
STATES = 3
#: A source changed this shortly before a payload was built may have been changed while it was.
RACE_SECONDS = 60


class Payloads:
    """Links payloads between the folder of a run and that in which they are kept."""

    def __init__(self, kept: str) -> None:
        self.kept = pathlib.Path(kept).expanduser()
        self.run = pathlib.Path(C.DEFAULT_LOCAL_TMP) / "ansiballz_cache"

    def bring(self) -> None:
        """Give the run what is kept and still true."""
        with contextlib.suppress(OSError):
            if not self._ours(self.kept):
                return
            self.run.mkdir(exist_ok=True)
            for whose in self.kept.iterdir():
                folder = whose / state(whose.name)[0]
                if not folder.is_dir():
                    continue
                os.utime(folder)
                for payload in folder.iterdir():
                    with contextlib.suppress(OSError):
                        (self.run / payload.name).hardlink_to(payload)

    def keep(self, since: float) -> None:
        """Keep what the run has built since then."""
        with contextlib.suppress(OSError):
            for payload in os.scandir(self.run):
                found = payload.stat()
                if NAME.fullmatch(payload.name) and found.st_nlink == 1 and found.st_mtime >= since:
                    self._keep(pathlib.Path(payload.path), found.st_mtime)

    def _keep(self, payload: pathlib.Path, built: float) -> None:
        whose = collections(payload)
        now, changed = state(whose)
        if changed > built - RACE_SECONDS:
            return
        self.kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._ours(self.kept):
            folder = self.kept / whose / now
            folder.mkdir(parents=True, exist_ok=True)
            (folder / payload.name).hardlink_to(payload)
            states = sorted(folder.parent.iterdir(), key=lambda one: one.stat().st_mtime)
            for old in states[:-STATES]:
                shutil.rmtree(old)

    @staticmethod
    def _ours(folder: pathlib.Path) -> bool:
        """Whether nobody else could have put something there: what is in it gets run."""
        found = folder.stat()
        return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def collections(payload: pathlib.Path) -> str:
    """Return which collections a payload has code of, joined by ``+``."""
    packed = base64.b64decode(module_common._CachedModule.load(str(payload)).zip_data)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        found = {".".join(part.groups()) for part in map(PART.match, archive.namelist()) if part}
    return "+".join(sorted(found))


def state(whose: str) -> tuple[str, float]:
    """Return a digest of the code of these collections and of Ansible, and the time of its latest change."""
    digest = hashlib.sha256()
    latest = 0.0
    for part in ("", *whose.split("+")):
        part_digest, changed = _state(part)
        digest.update(part_digest)
        latest = max(latest, changed)
    return digest.hexdigest()[:32], latest


@functools.cache
def _state(collection: str) -> tuple[bytes, float]:
    """The state of one collection, or (empty) of Ansible: its files' paths, sizes and times."""
    digest = hashlib.sha256(f"{ansible_version} {sys.version}".encode())
    latest = 0
    for root in _roots(collection):
        for path, found in _files(root):
            digest.update(f"{path}\0{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}\n".encode())
            latest = max(latest, found.st_ctime_ns)
    return digest.digest(), latest / 1e9


def _roots(collection: str) -> list[str]:
    """Where Ansible takes code from; for a collection, in all folders that may hold it."""
    if not collection:
        here = os.path.dirname(ansible.__file__)
        own = [os.path.join(here, name) for name in ("module_utils", "_internal", "executor")]
        return own + module_utils_loader.print_paths().split(os.pathsep)
    folders = getattr(sys.modules.get("ansible_collections"), "__path__", [])
    inside = ("plugins/modules", "plugins/module_utils", "meta/runtime.yml")
    return [os.path.join(folder, *collection.split("."), name) for folder in folders for name in inside]


def _files(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield a file, or all files of a folder but compiled ones, in the same order each time."""
    try:
        if not stat.S_ISDIR((found := os.stat(path)).st_mode):
            yield path, found
            return
        names = sorted(os.listdir(path))
    except OSError:
        return
    for name in names:
        if name != "__pycache__":
            yield from _files(os.path.join(path, name))
