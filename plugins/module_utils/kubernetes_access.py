# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Connects to the environment's Kubernetes API: EKS with a token signed by STS, or a kubeconfig.

A token is valid for 15 minutes. Signing one needs no call to AWS, so each connection signs its own and none is stored.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule and AWSLookupBase report the missing library
    pass

try:
    import kubernetes

    KUBERNETES_ERROR: Exception | None = None
except ImportError as error:
    KUBERNETES_ERROR = error

from ansible.module_utils.basic import missing_required_lib

#: Arguments of a module that uses `api_client`.
KUBERNETES_ARGUMENTS: dict[str, dict] = {
    "cluster": {"type": "str"},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
}

_TOKEN_PREFIX = "k8s-aws-v1."
#: Seconds after which `api_client` signs a new token; the server accepts a token for 15 minutes.
_TOKEN_AGE = 600


class KubernetesAccessError(Exception):
    """The cluster cannot be reached. The message says why, and what to do."""


@dataclass(frozen=True)
class Access:
    """Endpoint and CA of an EKS cluster, and a token that is valid for 15 minutes."""

    host: str
    ca: str
    token: str = field(repr=False)


def sign_token(sts: Any, cluster: str) -> str:
    """Return a bearer token for the EKS cluster `cluster`, signed by boto3's STS client `sts`.

    The token is a presigned GetCallerIdentity request with the cluster's name in a signed header.
    """

    def name_the_cluster(request: Any, **_others: Any) -> None:
        request.headers["x-k8s-aws-id"] = cluster

    event = "before-sign.sts.GetCallerIdentity"
    sts.meta.events.register_first(event, name_the_cluster)
    try:
        url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    finally:
        sts.meta.events.unregister(event, name_the_cluster)
    return _TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).rstrip(b"=").decode()


def eks_access(eks: Any, sts: Any, cluster: str) -> Access:
    """Return the access to the EKS cluster `cluster`; `eks` and `sts` are boto3 clients.

    Raises KubernetesAccessError if the cluster does not exist or has no endpoint, or AWS returns an error.
    """
    try:
        found = eks.describe_cluster(name=cluster)["cluster"]
        if not found.get("endpoint"):
            raise KubernetesAccessError(
                f"EKS cluster '{cluster}' has no endpoint yet (status {found['status']}). Try again later."
            )
        return Access(
            host=found["endpoint"],
            ca=base64.b64decode(found["certificateAuthority"]["data"]).decode(),
            token=sign_token(sts, cluster),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise KubernetesAccessError(
                f"There is no EKS cluster '{cluster}' in {eks.meta.region_name}. "
                "Create the component cluster first, or set platform_kubeconfig to use another cluster."
            ) from error
        raise KubernetesAccessError(f"eks:DescribeCluster failed for cluster '{cluster}': {error}") from error
    except BotoCoreError as error:
        raise KubernetesAccessError(f"eks:DescribeCluster failed for cluster '{cluster}': {error}") from error


def api_client(module: Any) -> Any:
    """Return a `kubernetes.client.ApiClient` for `module`, an AnsibleAWSModule with KUBERNETES_ARGUMENTS.

    `kubeconfig` (with `context`) takes precedence over `cluster`, the name of an EKS cluster. For EKS, the client signs
    a new token every ten minutes, so it works for as long as the module runs. Fails the module if the library is missing
    or the cluster is not found.
    """
    if KUBERNETES_ERROR:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_ERROR)
    kubeconfig, context = module.params["kubeconfig"], module.params["context"] or None
    if kubeconfig:
        try:
            return kubernetes.config.new_client_from_config(kubeconfig, context, persist_config=False)
        except (kubernetes.config.ConfigException, OSError, ValueError) as error:
            module.fail_json(
                msg=f"The kubeconfig '{kubeconfig}' (context {context or 'current'}) cannot be used: {error}"
            )
    if not module.params["cluster"]:
        module.fail_json(
            msg="Set cluster (the name of an EKS cluster) or kubeconfig to connect to Kubernetes."
        )
    return _eks_client(module, module.params["cluster"])


def _eks_client(module: Any, cluster: str) -> Any:
    sts = module.client("sts")
    try:
        access = eks_access(module.client("eks"), sts, cluster)
    except KubernetesAccessError as error:
        module.fail_json(msg=str(error))
    ca_file = Path(module.tmpdir) / "kubernetes-ca.pem"
    ca_file.write_text(access.ca)
    configuration = kubernetes.client.Configuration(host=access.host)
    configuration.ssl_ca_cert = str(ca_file)
    configuration.api_key = {"authorization": f"Bearer {access.token}"}
    signed = time.monotonic()

    def renew(renewed: Any) -> None:
        nonlocal signed
        if time.monotonic() - signed > _TOKEN_AGE:
            renewed.api_key = {"authorization": f"Bearer {sign_token(sts, cluster)}"}
            signed = time.monotonic()

    configuration.refresh_api_key_hook = renew
    return kubernetes.client.ApiClient(configuration)
