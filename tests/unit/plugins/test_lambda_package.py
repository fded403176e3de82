from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from ansible_collections.teal.platform.plugins.module_utils.lambda_package import PackageError, build, digest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "lib").mkdir(parents=True)
    (folder / "main.py").write_text("def handler(event, context): ...\n")
    (folder / "lib" / "part.py").write_text("x = 1\n")
    return folder


def names(package: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(package)).namelist()


def test_same_source_gives_the_same_bytes_at_any_time_and_place(source: Path, tmp_path: Path) -> None:
    first = build(source)
    copy = tmp_path / "copy"
    (copy / "lib").mkdir(parents=True)
    for name in ("lib/part.py", "main.py"):
        (copy / name).write_bytes((source / name).read_bytes())
        (copy / name).chmod(0o600)
        os.utime(copy / name, (1_000_000_000, 1_000_000_000))
    assert build(copy) == first
    # A known value: it changes only if packages change for everyone.
    assert digest(first) == "UNhemZLqPlFhm5PlI4CRCImqAPa9fzGREXWHT4zJ0hc="


def test_content_and_execute_bit_change_the_package(source: Path) -> None:
    first = digest(build(source))
    (source / "main.py").chmod(0o755)
    second = digest(build(source))
    (source / "main.py").write_text("def handler(event, context): return 1\n")
    assert len({first, second, digest(build(source))}) == 3


def test_caches_tests_and_hidden_files_are_excluded(source: Path) -> None:
    before = build(source)
    for name in ("__pycache__/main.pyc", "lib/__pycache__/part.pyc", ".env", "tests/test_x.py", "test_y.py"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("x")
    assert names(build(source)) == ["lib/part.py", "main.py"]
    assert build(source) == before
    assert ".env" in names(build(source, exclude=[]))


def test_wrong_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="is not a folder"):
        build(tmp_path / "none")
    with pytest.raises(PackageError, match="has no files"):
        build(tmp_path)
