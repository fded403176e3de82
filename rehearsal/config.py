"""The configuration that the parts of an emulator share: ports, addresses, certificates.

`python -m rehearsal up` writes it once, to `<home>/config.json`.
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
"""The parts, in the order in which they start."""

REAL_CREATION_TIMES = {
    # Measured in Seoul: easontechtalk.com/unofficial-eks-cluster-creation-performance-across-aws-regions
    "cluster": 834,
    "nodegroup": 180,
    "nat_gateway": 90,
    "database": 480,
    "load_balancer": 150,
}
"""Creation times on AWS in seconds, by resource. Where no source is named, they are estimates."""


class ConfigError(Exception):
    """The emulator cannot start for a reason that the user can fix; the message names the reason and the place."""


def home() -> Path:
    """Return the state folder: `$TEAL_REHEARSAL_HOME`, else `.rehearsal` beside this package."""
    named = os.environ.get("TEAL_REHEARSAL_HOME")
    return (
        Path(named).expanduser().resolve() if named else Path(__file__).resolve().parent.parent / ".rehearsal"
    )


def load(path: str | Path) -> dict[str, Any]:
    """Read a config.json. Raises ConfigError if the file is missing or not JSON."""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise ConfigError(
            f"no emulator found: {path} does not exist. Start one: python -m rehearsal up"
        ) from None
    except ValueError as e:
        raise ConfigError(f"{path} is not JSON ({e}). Remove it: python -m rehearsal down") from None


def from_arguments(part: str, argv: list[str] | None = None) -> dict[str, Any]:
    """Parse `--config PATH` and read that file. Every part's `main` starts with this."""
    parser = argparse.ArgumentParser(prog=f"python -m rehearsal.{part}")
    parser.add_argument("--config", required=True, metavar="PATH", help="config.json of the emulator")
    return load(parser.parse_args(argv).config)


def creation_times(scale: str) -> dict[str, float]:
    """Convert a scale to seconds by resource: `1:30` is a thirtieth of AWS's time, `0` is none."""
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
    metrics: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Choose ports, addresses and certificates for a new emulator in `where`, and write config.json.

    `ports` maps parts to the ports that the user asked for; other parts get free ports. `cluster` is the result
    of `user_cluster.settings`. `databases` is `real` (PostgreSQL answers at RDS's endpoints) or `simulated`.
    `images` is `sample` or `none`: the first content of a new registry. `metrics` are the period and the publishing
    delay of the load balancers' metrics, in seconds.
    Raises ConfigError if a port is in use.
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
            "metrics": metrics or {},
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
    """Write JSON atomically, with mode 0600."""
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
                raise ConfigError(f"port {asked[part]} for {part} is not available: {e.strerror}") from None
            ports[part] = s.getsockname()[1]
    finally:
        for s in held:
            s.close()
    return ports


def _subnet(where: Path) -> str:
    """Choose a /24 of loopback for nodes and pods: the same for the same folder, unless it is in use."""
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
        f"no loopback addresses are free for nodes and pods ({refused}). The emulator needs Linux, which routes"
        " all of 127.0.0.0/8 to loopback"
    )
