"""How a shell signs in to the emulator: by variables with keys, or by the profiles that the inventories name.

AWS modules refuse a profile beside keys. So where an inventory has `platform_aws_profile`, the shell gets a credentials
file with that profile, and no keys: the inventory is rehearsed as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

INVENTORIES = Path(__file__).resolve().parent.parent / "inventories"
PROFILE = re.compile(
    r"^\s*['\"]?(?:platform_aws_profile|release_from_profile)['\"]?\s*:\s*['\"]?([\w.@/+=-]+)", re.M
)
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
#: What a shell may have of an account of AWS; beside the variables of the emulator it would be used, or in the way.
FOREIGN = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
)


def profiles(inventories: Path = INVENTORIES) -> list[str]:
    """Return the names of the profiles that the inventories have; a template names none."""
    files = (path for pattern in ("*.yml", "*.yaml") for path in inventories.rglob(pattern))
    return sorted({name for path in files for name in PROFILE.findall(path.read_text("utf-8"))})


def variables(home: Path, names: list[str]) -> dict[str, str]:
    """Return the variables by which boto3 signs in. With profiles, write the files that they name."""
    if not names:
        return dict(KEYS)
    folder = home / "aws"
    folder.mkdir(mode=0o700, exist_ok=True)
    keys = "".join(f"{name.lower()} = {value}\n" for name, value in KEYS.items())
    credentials, config = folder / "credentials", folder / "config"
    credentials.write_text("\n".join(f"[{name}]\n{keys}" for name in ["default", *names]), "utf-8")
    config.write_text("", "utf-8")  # not the user's own, whose profile of that name may sign in elsewhere
    return {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_CONFIG_FILE": str(config)}


def without_foreign(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what it has of an account of AWS."""
    return {name: value for name, value in environ.items() if name not in FOREIGN}
