"""What the parts of one rehearsal share: where each is, under which addresses, with which certificates.

It is written once by `up` as `<home>/config.json`, and only read after that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import socket
from pathlib import Path
from typing import Any

from rehearsal import certificates

REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
PARTS = ("aws", "kubernetes", "balancer", "discord", "sonar", "instances")
"""In the order in which they are started."""

REAL_CREATION_TIMES = {
    # Measured in Seoul: easontechtalk.com/unofficial-eks-cluster-creation-performance-across-aws-regions
    "cluster": 834,
    "nodegroup": 180,
    "nat_gateway": 90,
    "database": 480,
    "load_balancer": 150,
}
"""How long AWS takes, in seconds, by resource (from experience, where no source is named: the rehearsal scales them)."""


class ConfigError(Exception):
    """The emulator cannot start for a reason that the user can fix; the message names the reason and the place."""


def home() -> Path:
    """The state folder: `$TEAL_REHEARSAL_HOME`, else `.rehearsal` beside this package."""
    named = os.environ.get("TEAL_REHEARSAL_HOME")
    return (
        Path(named).expanduser().resolve() if named else Path(__file__).resolve().parent.parent / ".rehearsal"
    )


def load(path: str | Path) -> dict[str, Any]:
    """Read a config.json. Raises ConfigError where there is none, or it is broken."""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise ConfigError(
            f"no rehearsal here: {path} does not exist; `python -m rehearsal up` makes it"
        ) from None
    except ValueError as e:
        raise ConfigError(f"{path} is not JSON ({e}); `python -m rehearsal down` clears it away") from None


def from_arguments(part: str, argv: list[str] | None = None) -> dict[str, Any]:
    """What a part's `main` begins with: parse `--config PATH`, and read that file."""
    parser = argparse.ArgumentParser(prog=f"python -m rehearsal.{part}")
    parser.add_argument("--config", required=True, metavar="PATH", help="config.json of the rehearsal")
    return load(parser.parse_args(argv).config)


def creation_times(scale: str) -> dict[str, float]:
    """`1:30` (one second for thirty real ones) or `0` (at once) → seconds by resource."""
    left, colon, right = scale.partition(":")
    try:
        factor = float(left) / float(right) if colon else float(left)
    except (ValueError, ZeroDivisionError):
        factor = -1
    if not 0 <= factor <= 1:
        raise ConfigError(f"creation times: {scale!r} is neither 0 nor a scale such as 1:30 (at most 1:1)")
    return {name: round(seconds * factor, 3) for name, seconds in REAL_CREATION_TIMES.items()}


def create(
    where: Path,
    ports: dict[str, int],
    scale: str = "0",
    cluster: dict[str, str] | None = None,
    *,
    databases: str = "simulated",
    images: str = "sample",
) -> dict[str, Any]:
    """Settle on ports, addresses and certificates for a new rehearsal in `where`, and write config.json.

    `ports` holds the ports that the user asked for, by part; the others are found free. `cluster` is what
    `own_cluster.settings` says of the user's own.
    `databases` is `real` or `simulated`: whether PostgreSQL answers at RDS's endpoints.
    `images` is `sample` or `none`: what a new registry holds.
    Raises ConfigError if one of them is in use.
    """
    times = creation_times(scale)
    port = _ports(ports)
    subnet = _subnet(where)
    ca = certificates.authority(where / "tls")
    served = certificates.server(where / "tls", "kubernetes", ["127.0.0.1", "localhost"], ca)
    token = secrets.token_urlsafe(24)
    url = {part: f"http://127.0.0.1:{number}" for part, number in port.items()}
    config = {
        "home": str(where),
        "region": REGION,
        "account": ACCOUNT,
        "creation_times": times,
        "databases": databases,
        "images": images,
        "subnet": subnet,
        "ca": {
            "cert_file": str(ca.cert_file),
            "key_file": str(ca.key_file),
            "bundle_file": str(ca.bundle_file),
        },
        "aws": {"url": url["aws"], "port": port["aws"], "ready_url": url["aws"] + "/rehearsal/ready"},
        "kubernetes": {
            "url": f"https://127.0.0.1:{port['kubernetes']}",
            "port": port["kubernetes"],
            "ready_url": f"https://127.0.0.1:{port['kubernetes']}/readyz",
            "ca_file": str(ca.cert_file),
            "cert_file": str(served.cert_file),
            "key_file": str(served.key_file),
            "kubeconfig": str(where / "kubeconfig"),
            **(cluster or {"external": ""}),
        },
        "balancer": {
            "proxy_url": url["balancer"],
            "port": port["balancer"],
            "ready_url": url["balancer"] + "/rehearsal/ready",
        },
        "discord": {
            "url": url["discord"],
            "port": port["discord"],
            "ready_url": url["discord"] + "/rehearsal/ready",
            "webhook_url": f"https://discord.com/api/webhooks/100000000000000001/{token}",
        },
        "sonar": {
            "url": url["sonar"],
            "port": port["sonar"],
            "ready_url": url["sonar"] + "/rehearsal/ready",
            "token": secrets.token_hex(20),
        },
        "instances": {"ready_url": None},
    }
    write(where / "config.json", config)
    return config


def write(path: Path, value: Any) -> None:
    """Write JSON, for the user's eyes alone, so that readers see the old file or the new, never half."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(value, indent=2) + "\n")
    new.replace(path)


def _ports(asked: dict[str, int]) -> dict[str, int]:
    held, ports = [], {}
    try:
        for part in PARTS:
            s = socket.socket()
            held.append(s)
            try:
                s.bind(("127.0.0.1", asked.get(part, 0)))
            except OSError as e:
                raise ConfigError(
                    f"port {asked[part]}, asked for {part}, can't be had: {e.strerror}"
                ) from None
            ports[part] = s.getsockname()[1]
    finally:
        for s in held:
            s.close()
    return ports


def _subnet(where: Path) -> str:
    """A /24 of loopback for nodes and pods: the same for the same folder, another if that one is taken."""
    seed = int.from_bytes(hashlib.sha256(str(where).encode()).digest()[:4])
    for n in range(64):
        second, third = divmod((seed + n * 7919) % (253 * 254), 254)
        subnet = f"127.{second + 1}.{third + 1}"
        try:
            for node_port in (8080, 30080, 30081):
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((f"{subnet}.1", node_port))
        except OSError as e:
            refused = f"{subnet}.1: {e.strerror}"
            continue
        return subnet
    raise ConfigError(
        f"no addresses of loopback for nodes and pods ({refused}); the rehearsal needs Linux, where all of"
        " 127.0.0.0/8 is there"
    )
