"""The AWS credentials of a shell that uses the emulator: keys in variables, or the profiles that the inventories name.

AWS modules refuse a profile together with keys. So if an inventory sets `platform_aws_profile`, the shell gets a
credentials file with that profile and no keys, and the inventory works unchanged.
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
#: Variables for a real AWS account. They would take precedence over the emulator's variables, or conflict with them.
FOREIGN = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
)


def profiles(inventories: Path = INVENTORIES) -> list[str]:
    """Return the names of the profiles in the inventories. Templates are ignored."""
    files = (path for pattern in ("*.yml", "*.yaml") for path in inventories.rglob(pattern))
    return sorted({name for path in files for name in PROFILE.findall(path.read_text("utf-8"))})


def variables(home: Path, names: list[str]) -> dict[str, str]:
    """Return the credential variables for boto3. For profiles, write the files that the variables name."""
    if not names:
        return dict(KEYS)
    folder = home / "aws"
    folder.mkdir(mode=0o700, exist_ok=True)
    keys = "".join(f"{name.lower()} = {value}\n" for name, value in KEYS.items())
    credentials, config = folder / "credentials", folder / "config"
    credentials.write_text("\n".join(f"[{name}]\n{keys}" for name in ["default", *names]), "utf-8")
    config.write_text("", "utf-8")  # The user's own file may have a profile of that name for a real account.
    return {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_CONFIG_FILE": str(config)}


def without_foreign(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables for a real AWS account."""
    return {name: value for name, value in environ.items() if name not in FOREIGN}
