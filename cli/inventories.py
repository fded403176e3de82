"""What `teal` reads from inventories/ before it starts Ansible: names only."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: A key of hosts.yml: a host, a group, or a word of the format.
_KEY = re.compile(r"^ *([A-Za-z0-9_.-]+):", re.MULTILINE)
_FORMAT = {"children", "hosts", "vars"}


def environments(root: Path = ROOT) -> list[str]:
    """Return the names of the environments."""
    return sorted(folder.name for folder in root.glob("inventories/[a-z]*") if folder.is_dir())


def names(environment: str, root: Path = ROOT) -> set[str]:
    """Return the groups and hosts of an environment; nothing if they are not in a hosts.yml."""
    file = root / "inventories" / environment / "hosts.yml"
    return set(_KEY.findall(file.read_text("utf-8"))) - _FORMAT if file.is_file() else set()
