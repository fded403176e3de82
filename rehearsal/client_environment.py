"""The environment variables with which a process in a pod or instance reaches AWS and the databases.

On AWS, a pod or instance gets credentials from its role, resolves database names by DNS, and trusts public
authorities. In the emulator, these variables do the same. The AWS part serves them:

    POST /rehearsal/client-environment   {"cluster", "namespace", "service_account", "text"}
                                         or {"instance_id", "text"}   → {"environment": {name: value}, "database": name}

`database` is the database that is named in `text`, "" if there is none
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from moto.ec2.models import ec2_backends
from moto.eks.models import eks_backends
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from rehearsal.databases import Databases

NO_PROXY = "127.0.0.0/8,127.0.0.1,localhost"
SESSION_SECONDS = 6 * 3600


def handler(
    config: dict[str, Any], servers: Databases | None
) -> Callable[[Any, dict[str, Any]], dict[str, Any]]:
    """Return the handler of the path."""

    def answer(query: Any, body: dict[str, Any]) -> dict[str, Any]:
        found = variables(config) | credentials(config, _role(config, body))
        databases = servers.described({}, {})["databases"] if servers else []
        text = body.get("text", "")
        found |= database_variables(Path(config["home"]), databases, body.get("cluster", ""), text)
        named = next((database["name"] for database in databases if database["name"] in text), "")
        return {"environment": found, "database": named}

    return answer


def variables(config: dict[str, Any]) -> dict[str, str]:
    """Return the variables for AWS's address and the trusted authority."""
    proxy, bundle = config["balancer"]["proxy_url"], config["ca"]["bundle_file"]
    return {
        "AWS_ENDPOINT_URL": config["aws"]["url"],
        "AWS_REGION": config["region"],
        "AWS_DEFAULT_REGION": config["region"],
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": NO_PROXY,
        "no_proxy": NO_PROXY,
        "SSL_CERT_FILE": bundle,
        # On AWS, the service's image holds the authorities of RDS under another path.
        "DATABASE_CA": config["ca"]["cert_file"],
    }


def database_variables(
    home: Path, databases: list[dict[str, Any]], cluster: str, text: str
) -> dict[str, str]:
    """Return the variables that resolve database names: a hosts file for Java, PGHOSTADDR for libpq.

    PGHOSTADDR holds one address: of the database that is named in `text` (the process's command and environment), else
    of the one named like the cluster, else of the only one. Certificates are still verified by name.
    """
    found = (
        {"JAVA_TOOL_OPTIONS": f"-Djdk.net.hosts.file={home / 'hosts'}"} if (home / "hosts").exists() else {}
    )
    named = [database for database in databases if database["name"] in text]
    like = [database for database in databases if database["name"].startswith(f"{cluster}.")]
    for candidates in (named, like, databases):
        if len(candidates) == 1:
            return found | {"PGHOSTADDR": candidates[0]["address"]}
    return found


def credentials(config: dict[str, Any], role: str) -> dict[str, str]:
    """Return temporary credentials of a role; none without a role."""
    if not role:
        return {}
    partition = get_partition(config["region"])
    assumed = sts_backends[role.split(":")[4]][partition].assume_role(
        config["region"], "rehearsal", role, "", SESSION_SECONDS, ""
    )
    return {
        "AWS_ACCESS_KEY_ID": assumed.access_key_id,
        "AWS_SECRET_ACCESS_KEY": assumed.secret_access_key,
        "AWS_SESSION_TOKEN": assumed.session_token,
    }


def _role(config: dict[str, Any], body: dict[str, Any]) -> str:
    """Return the ARN of the role of a pod or instance; "" if it has none."""
    account, region = config["account"], config["region"]
    if name := body.get("instance_id"):
        instance = ec2_backends[account][region].get_instance(name)
        profile = getattr(instance, "iam_instance_profile", None) or {}
        arn = profile.get("Arn", "") if isinstance(profile, dict) else getattr(profile, "arn", "")
        profiles = iam_backends[account][get_partition(region)].get_instance_profiles()
        return next((p.roles[0].arn for p in profiles if p.arn == arn and p.roles), "")
    cluster = eks_backends[account][region].clusters.get(body.get("cluster", ""))
    parts = cluster.__dict__.get("parts", {}) if cluster else {}
    wanted = (body.get("namespace"), body.get("service_account"))
    return next(
        (
            association["roleArn"]
            for association in list(parts.get("pod identity association", {}).values())
            if (association["namespace"], association["serviceAccount"]) == wanted
        ),
        "",
    )
