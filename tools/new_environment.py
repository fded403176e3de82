"""`make new-environment NAME=qa FROM=staging`: create an inventory as a copy of another one.

The copy has the same components, a network that overlaps with no other environment, and its own domain name. Roles and
playbooks name no environment, so nothing else has to change.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from ipaddress import IPv4Network
from pathlib import Path

INVENTORIES = Path(__file__).resolve().parent.parent / "inventories"
NAME = re.compile(r"[a-z](-?[a-z0-9])*")
# AWS allows 32 characters for the name of a target group, <application>-<environment>-green.
LONGEST_TARGET_GROUP = 32


class Refused(Exception):
    """The environment cannot be created; the message gives the reason and the allowed values."""


def setting(folder: Path, file: str, name: str) -> str:
    """Return the value of a setting in an inventory. Raises Refused if the inventory does not set it."""
    path = folder / "group_vars" / f"{file}.yml"
    match = re.search(rf"^{name}: *(.+?) *$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if not match:
        raise Refused(f"{path} does not set {name}. Set it: the new environment's value is derived from it")
    return match[1].strip("\"'")


def replace(folder: Path, file: str, name: str, value: str) -> None:
    path = folder / "group_vars" / f"{file}.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"^{name}: .+$", f"{name}: {value}", text, flags=re.MULTILINE), encoding="utf-8")


def free_network(used: list[IPv4Network], prefix: int) -> IPv4Network:
    """Return the first network in 10.0.0.0/8 that overlaps with none of `used`; multiples of ten first."""
    candidates = [f"10.{second}.0.0" for second in (*range(10, 250, 10), *range(1, 255))]
    for address in candidates:
        network = IPv4Network(f"{address}/{prefix}")
        if not any(network.overlaps(other) for other in used):
            return network
    raise Refused("no network is free in 10.0.0.0/8. Copy the inventory by hand and set network_cidr")


def domain_of(name: str, source: str, domain: str) -> str:
    """Return the new environment's domain name: `staging.example.com` becomes `qa.example.com`."""
    first, _, rest = domain.partition(".")
    return f"{name}.{rest}" if first == source else f"{name}.{domain}"


def check(inventories: Path, name: str, source: str) -> None:
    """Raise Refused unless `name` can be created from `source`."""
    known = sorted(folder.name for folder in inventories.iterdir() if (folder / "hosts.yml").is_file())
    if source not in known:
        raise Refused(f"FROM={source}: no such environment. Existing environments: {', '.join(known)}")
    if not NAME.fullmatch(name):
        raise Refused(
            f"NAME={name}: not allowed. Use lower-case letters, digits and single hyphens; start with a letter and do"
            " not end with a hyphen"
        )
    if (inventories / name).exists():
        raise Refused(f"NAME={name}: {inventories / name} exists. Choose another name, or remove that folder")
    longest = f"{setting(inventories / source, 'all', 'platform_application')}-{name}-green"
    if len(longest) > LONGEST_TARGET_GROUP:
        raise Refused(
            f"NAME={name}: too long. The target group '{longest}' would have {len(longest)} characters; "
            f"AWS allows {LONGEST_TARGET_GROUP}"
        )


def create(inventories: Path, name: str, source: str) -> list[str]:
    """Create the inventory and return the lines to print. Raises Refused before it writes anything."""
    check(inventories, name, source)
    old, new = inventories / source, inventories / name
    others = [folder for folder in inventories.iterdir() if (folder / "hosts.yml").is_file()]
    used = [IPv4Network(setting(folder, "network", "network_cidr")) for folder in others]
    mine = IPv4Network(setting(old, "network", "network_cidr"))
    network = free_network(used, mine.prefixlen)
    old_domain = setting(old, "load_balancer", "load_balancer_domain_name")
    domain = domain_of(name, source, old_domain)

    shutil.copytree(old, new)
    hosts = new / "hosts.yml"
    text = hosts.read_text(encoding="utf-8")
    hosts.write_text(re.sub(rf"\b([a-z_]+)\.{source}:", rf"\1.{name}:", text), encoding="utf-8")
    replace(new, "all", "platform_environment", name)
    replace(new, "network", "network_cidr", str(network))
    replace(new, "load_balancer", "load_balancer_domain_name", domain)
    rename_domain(new, old_domain, domain)
    return [
        f"Created {new} from {source}:",
        f"  platform_environment       {name}",
        f"  network_cidr               {network}",
        f"  load_balancer_domain_name  {domain}",
        *remaining_mentions(new, source),
        "Build it:  ansible-playbook site.yml -i inventories/" + name,
    ]


def rename_domain(folder: Path, old: str, new: str) -> None:
    """Replace the domain name in the settings of the other components. load_balancer.yml also names its zone."""
    for file in (folder / "group_vars").glob("*.yml"):
        if file.stem != "load_balancer":
            text = file.read_text(encoding="utf-8")
            pattern = rf"(?<![\w.-]){re.escape(old)}(?![\w.-])"
            file.write_text(re.sub(pattern, new, text), encoding="utf-8")


def remaining_mentions(folder: Path, source: str) -> list[str]:
    """Return the lines that still name the source environment, for a person to check."""
    return [
        f"  check {file.relative_to(folder)}:{number}: {line.strip()}"
        for file in sorted(folder.rglob("*.yml"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(rf"\b{source}\b", line)
    ]


def main(argv: list[str] | None = None) -> int:
    """Create the inventory. Return the exit status: 0 created, 1 refused (with the reason on stderr)."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="name of the new environment")
    parser.add_argument("source", metavar="from", help="name of the environment to copy")
    parser.add_argument("--inventories", type=Path, default=INVENTORIES, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    try:
        print("\n".join(create(arguments.inventories, arguments.name, arguments.source)))
    except Refused as error:
        print(f"new-environment: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
