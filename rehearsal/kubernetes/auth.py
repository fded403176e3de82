"""Authentication: a static token for the emulator's administrator, EKS tokens (signed for STS) for all others."""

from __future__ import annotations

import base64
import binascii
import datetime
import hmac
import re
import secrets
import urllib.parse
from typing import Any

from rehearsal.kubernetes.aws_client import AwsClient
from rehearsal.kubernetes.rbac import MASTERS, Identity

Json = dict[str, Any]
PREFIX = "k8s-aws-v1."
LIFETIME = datetime.timedelta(minutes=15)
SKEW = datetime.timedelta(minutes=5)
ADMIN = Identity("rehearsal-admin", (MASTERS, "system:authenticated"))
REMEMBERED = 500


class Authenticator:
    """Converts a bearer token to an identity in a cluster."""

    def __init__(self, aws: AwsClient) -> None:
        self.admin_token = secrets.token_urlsafe(32)
        self._aws = aws
        self._callers: dict[tuple[str, str], str] = {}

    def is_admin(self, authorization: str) -> bool:
        return hmac.compare_digest(authorization.encode(), f"Bearer {self.admin_token}".encode())

    async def identify(self, authorization: str, cluster: Json) -> Identity | None:
        """Return the caller's identity; None if unauthenticated. `cluster` comes from `rehearsal.moto_clusters`."""
        if self.is_admin(authorization):
            return ADMIN
        token = authorization.removeprefix("Bearer ")
        url = presigned(token)
        if url is None:
            return None
        key = (cluster["name"], token)
        if key not in self._callers:
            caller = await self._aws.caller(url, cluster["name"])
            if caller is None:
                return None
            if len(self._callers) >= REMEMBERED:
                self._callers.pop(next(iter(self._callers)))
            self._callers[key] = caller
        return identity(self._callers[key], cluster)


def presigned(token: str, now: datetime.datetime | None = None) -> str | None:
    """Return the GetCallerIdentity URL in a token; None if the token is malformed or expired.

    STS verifies the signature, which includes the cluster's name in the header `x-k8s-aws-id`.
    """
    if not token.startswith(PREFIX):
        return None
    try:
        encoded = token.removeprefix(PREFIX)
        url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        signed = datetime.datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(
            tzinfo=datetime.UTC
        )
        longest = int(given["X-Amz-Expires"])
    except (ValueError, KeyError, binascii.Error):
        return None
    now = now or datetime.datetime.now(datetime.UTC)
    good = (
        given.get("Action") == "GetCallerIdentity"
        and "x-k8s-aws-id" in given.get("X-Amz-SignedHeaders", "").split(";")
        and 0 < longest <= LIFETIME.total_seconds()
        and -SKEW <= now - signed <= LIFETIME
    )
    return url if good else None


def identity(caller: str, cluster: Json) -> Identity | None:
    """Return the identity of a caller's ARN by the access entries of a cluster; None without an entry."""
    principal, session = _principal(caller)
    if principal in [_principal(admin)[0] for admin in cluster["admins"]]:
        return Identity(caller, (MASTERS, "system:authenticated"))
    for entry in cluster["entries"]:
        if _without_path(entry["principal"]) == _without_path(principal):
            user = entry["username"].replace("{{SessionName}}", session)
            policies = tuple(
                (p["name"], None if p["namespaces"] is None else tuple(p["namespaces"]))
                for p in entry["policies"]
            )
            return Identity(user, (*entry["groups"], "system:authenticated"), policies)
    return None


def _principal(caller: str) -> tuple[str, str]:
    """Return the role and the session name of an assumed role's ARN; other ARNs are principals themselves."""
    if found := re.fullmatch(r"arn:(aws[\w-]*):sts::(\d+):assumed-role/([^/]+)/(.+)", caller):
        return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}", found[4]
    return caller, ""


def _without_path(arn: str) -> str:
    """Remove the path from an ARN: assumed roles' ARNs lack it, access entries have it."""
    head, slash, rest = arn.partition("/")
    return head + slash + rest.rpartition("/")[2]
