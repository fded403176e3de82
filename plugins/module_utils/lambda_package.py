# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Packs a folder of source code into a reproducible zip: equal files give equal bytes."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

#: Files that are not part of a function: caches, tests, hidden files.
EXCLUDED = ("__pycache__", "*.pyc", ".*", "tests", "test_*.py")


class PackageError(Exception):
    """The folder cannot be packaged; the message says why."""


def build(source: str | Path, exclude: Iterable[str] = EXCLUDED) -> bytes:
    """Return the zip of the folder `source`, without paths of which any part matches `exclude`.

    Entries are sorted, dated 1980, and stored uncompressed, since the output of zlib differs between its versions.
    Only names, contents and executable bits of the files matter. Raises `PackageError`.
    """
    root = Path(source)
    if not root.is_dir():
        raise PackageError(f"'{source}' is not a folder")
    patterns = tuple(exclude)
    names = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and not _excluded(path.relative_to(root), patterns)
    )
    if not names:
        raise PackageError(f"'{source}' has no files to package")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            path = root / name
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix on every system, so that the mode is used
            entry.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def digest(package: bytes) -> str:
    """Return Lambda's CodeSha256 of a package."""
    return base64.b64encode(hashlib.sha256(package).digest()).decode()


def _excluded(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(part, pattern) for part in path.parts for pattern in patterns)
