"""The EKS clusters in moto and their access, for the emulated Kubernetes: access entries and the owners of tokens.

The AWS part serves:

    GET /rehearsal/clusters                     `clusters`
    GET /rehearsal/caller?url=URL&cluster=NAME  `caller`
"""

from __future__ import annotations

import hashlib
import hmac
import math
import urllib.parse
from typing import Any

from moto import settings
from moto.eks.models import Cluster, eks_backends
from moto.eks.responses import EKSResponse
from moto.iam.access_control import CreateAccessKeyFailure, create_access_key
from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from rehearsal import credentials, moto_instances
from rehearsal.http_errors import HttpError

CLUSTER_HEADER = "x-k8s-aws-id"
ADMINISTRATOR = tuple(credentials.KEYS.values())
"""The key that `python -m rehearsal env` prints; moto does not know it."""


def clusters(query: dict[str, str], body: Any) -> dict[str, Any]:
    """Return `{"clusters": [{name, arn, created, admins, entries, addons, nodes}]}`.

    An entry is `{principal, username, groups, policies: [{name, namespaces}]}`; `namespaces` is null for the whole
    cluster. `admins` holds the ARN of the principal that created the cluster, if that makes it an administrator.
    """
    nodes = moto_instances.nodes({}, None)["nodes"]
    found = [
        {
            "name": cluster.name,
            "arn": cluster.arn,
            "created": str(cluster.created_at),
            "admins": [creator] if (creator := cluster.__dict__.get("creator")) else [],
            "entries": [
                _entry(entry)
                for entry in list(cluster.__dict__.get("parts", {}).get("access entry", {}).values())
                if entry["uniqueId"] == unique_id(entry["principalArn"])
            ],
            "addons": list(cluster.__dict__.get("parts", {}).get("addon", {})),
            "nodes": [node for node in nodes if node["cluster"] == cluster.name],
        }
        for regions in list(eks_backends.values())
        for backend in list(regions.values())
        for cluster in list(backend.clusters.values())
    ]
    return {"clusters": found}


def unique_id(principal: str) -> str | None:
    """Return the unique id of an IAM role or user. EKS stores it, so a recreated principal has no access."""
    _, partition, _, _, account, name = principal.split(":", 5)
    iam = iam_backends[account][partition]
    kind = iam.roles if name.startswith("role/") else iam.users
    return next((one.id for one in kind.values() if one.arn == principal), None)


def note_creator(cluster: Cluster, response: EKSResponse) -> None:
    """Make the caller an administrator of its cluster, unless bootstrapClusterCreatorAdminPermissions is false."""
    asked = response._get_param("accessConfig") or {}
    if asked.get("bootstrapClusterCreatorAdminPermissions", True):
        sts = sts_backends[response.current_account][response.partition]
        cluster.__dict__["creator"] = sts.get_caller_identity(response.get_access_key(), response.region)[1]


def caller(query: dict[str, str], body: Any) -> dict[str, str]:
    """Return `{"arn": ARN}` of the caller of a presigned GetCallerIdentity with the header `x-k8s-aws-id: cluster`.

    This replaces STS's answer to that URL: moto's server accepts presigned calls for S3 only. Raises HttpError 403 if
    the signature is wrong. As everywhere in moto, an unknown key belongs to an administrator; only the emulator's own
    unknown key can be verified. With IAM enforced, unknown keys are refused.
    """
    parts = urllib.parse.urlsplit(query["url"])
    given = dict(urllib.parse.parse_qsl(parts.query))
    key_id, _, region, _, _ = given["X-Amz-Credential"].split("/")
    account, partition = get_account_id_from(key_id), get_partition(region)
    headers = {name: given[name] for name in ("X-Amz-Security-Token",) if name in given}
    try:
        key = create_access_key(account, partition, key_id, headers)
    except CreateAccessKeyFailure as e:
        enforced = math.isfinite(settings.INITIAL_NO_AUTH_ACTION_COUNT)
        if e.reason != "InvalidId" or enforced:
            raise HttpError(403, "The security token included in the request is invalid.") from None
        arn = sts_backends[account][partition].get_caller_identity(key_id, region)[1]
        secret = ADMINISTRATOR[1] if key_id == ADMINISTRATOR[0] else None
    else:
        arn, secret = key.arn, key.create_credentials().secret_key
    if secret and not hmac.compare_digest(
        _signature(parts, given, query["cluster"], secret), given["X-Amz-Signature"]
    ):
        raise HttpError(403, "The request signature we calculated does not match the signature you provided.")
    return {"arn": arn}


def _signature(parts: urllib.parse.SplitResult, given: dict[str, str], cluster: str, secret: str) -> str:
    """Return the Signature Version 4 of a presigned GET, as AWS documents it."""
    values = {"host": parts.netloc, CLUSTER_HEADER: cluster}
    headers = "".join(f"{name}:{values.get(name, '')}\n" for name in given["X-Amz-SignedHeaders"].split(";"))
    asked = "&".join(sorted(p for p in parts.query.split("&") if not p.startswith("X-Amz-Signature=")))
    nothing = hashlib.sha256(b"").hexdigest()
    request = "\n".join(("GET", parts.path or "/", asked, headers, given["X-Amz-SignedHeaders"], nothing))
    scope = given["X-Amz-Credential"].partition("/")[2]
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = b"AWS4" + secret.encode()
    for word in (
        *scope.split("/"),
        "\n".join((given["X-Amz-Algorithm"], given["X-Amz-Date"], scope, digest)),
    ):
        key = hmac.digest(key, word.encode(), "sha256")
    return key.hex()


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    policies = []
    for policy in list(entry["policies"].values()):
        scope = policy["accessScope"]
        namespaces = scope.get("namespaces") if scope["type"] == "namespace" else None
        policies.append({"name": policy["policyArn"].rpartition("/")[2], "namespaces": namespaces})
    return {
        "principal": entry["principalArn"],
        "username": entry["username"],
        "groups": entry["kubernetesGroups"],
        "policies": policies,
    }
