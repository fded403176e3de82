"""Build the collection and run `ansible-test sanity` on it: all tests, on each supported Python of this machine.

The collection is unpacked into a temporary tree of collections, beside links to its dependencies. ansible-test creates a
virtual environment without pip for each test (in ~/.ansible/test) and runs a get-pip script there. It downloads that
script from a host of the Ansible project, which is not always reachable, unless the script is in its cache. Therefore
this program writes the script to the cache, from PyPI's package of pip.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import yaml
from ansible_test._internal.python_requirements import get_venv_packages
from ansible_test._util.target.common.constants import CONTROLLER_PYTHON_VERSIONS

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path("~/.ansible/test/cache").expanduser()
OWN = "{}.{}".format(*sys.version_info)
#: Handles its arguments as get-pip.py does, without network access.
GET_PIP = '''\
"""Install pip {version} from the wheel beside this file. Written by tools/sanity.py of teal.platform."""

import os
import sys

folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(folder, "{wheel}"))

from pip._internal.cli.main import main

names = [name for name in sys.argv[1:] if name not in ("--no-setuptools", "--no-wheel")]
sys.exit(main(["install", "--no-index", "--find-links", folder, *names, "pip=={version}"]))
'''
#: The output of ansible-test for a skipped test.
SKIPPED = re.compile(r"^.*(?:Skipping sanity test|Required program .* not found).*$", re.MULTILINE)


def cache_get_pip(version: str) -> None:
    """Write the get-pip script for a version of pip to ansible-test's cache, unless it exists."""
    script = CACHE / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    subprocess.run([*download, "--only-binary=:all:", f"--dest={CACHE}", f"pip=={version}"], check=True)
    (wheel,) = CACHE.glob(f"pip-{version}-*.whl")
    script.write_text(GET_PIP.format(version=version, wheel=wheel.name), encoding="utf-8")


def pythons() -> Iterator[str]:
    """Yield the Python versions that ansible-core supports on a controller and that work here, this one first."""
    yield OWN
    for version in CONTROLLER_PYTHON_VERSIONS:
        # pyenv has shims even for versions that are not installed.
        program = shutil.which(f"python{version}") if version != OWN else None
        if (
            program
            and subprocess.run([program, "-c", "import ensurepip"], capture_output=True).returncode == 0
        ):
            yield version


def unpack(tree: Path) -> Path:
    """Build the collection, unpack it into a tree of collections, and return its folder."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    target = tree / "ansible_collections" / galaxy["namespace"] / galaxy["name"]
    build = [Path(sys.executable).parent / "ansible-galaxy", "collection", "build", "--output-path", tree]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (file,) = tree.glob("*.tar.gz")
    shutil.unpack_archive(file, target)
    found = Path(find_spec("ansible_collections").submodule_search_locations[0])
    for namespace in sorted({name.partition(".")[0] for name in galaxy["dependencies"]}):
        (target.parents[1] / namespace).symlink_to(found / namespace)
    return target


def run(collection: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run ansible-test on a collection, with arguments such as --test pep8."""
    programs = Path(sys.executable).parent
    targets = [word for version in pythons() for word in ("--target-python", version)]
    command = [
        programs / "ansible-test",
        "sanity",
        "--color",
        "no",
        "--controller",
        f"origin:python={OWN}",
        *targets,
    ]
    return subprocess.run(
        [*command, *arguments],
        cwd=collection,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> int:
    """Run all tests. Return the exit status: 0 if all ran and passed."""
    began = time.monotonic()
    cache_get_pip(get_venv_packages(SimpleNamespace(version=OWN))["pip"])
    with tempfile.TemporaryDirectory(prefix="teal-sanity-") as folder:
        done = run(unpack(Path(folder)), sys.argv[1:])
    skipped = SKIPPED.findall(done.stdout)
    passed = done.returncode == 0 and not skipped
    if not passed:
        print(done.stdout)
    count = len(re.findall(r'^Running sanity test "', done.stdout, re.MULTILINE))
    print(
        f"ansible-test sanity (ansible-core {installed('ansible-core')}, Python {', '.join(pythons())}): "
        f"{count} tests, {'passed' if passed else 'NOT passed'}, {time.monotonic() - began:.0f} s"
    )
    if skipped:
        print("A test was skipped:", *skipped, sep="\n  ")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
