"""EKS as the rehearsal's Kubernetes sees it: which clusters there are, who may enter them, which nodes they have.

Served by the AWS part as `GET /rehearsal/clusters`; read by `rehearsal.kubernetes`.
"""

from __future__ import annotations

from typing import Any

from moto.eks.models import Cluster, eks_backends
from moto.eks.responses import EKSResponse
from moto.sts.models import sts_backends

from rehearsal import machines

ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"


def clusters(query: dict[str, str], body: Any) -> dict[str, Any]:
    """`{"clusters": [{name, arn, created, admins, entries: [{principal, username, groups, policies}], nodes}]}`

    A policy is `{name, namespaces}`, with null for the whole cluster. `admins` are principals that made the
    cluster and are its administrators by that.
    """
    nodes = machines.nodes({}, None)["nodes"]
    found = [
        {
            "name": cluster.name,
            "arn": cluster.arn,
            "created": str(cluster.created_at),
            "admins": [creator] if (creator := cluster.__dict__.get("creator")) else [],
            "entries": [
                _entry(e) for e in cluster.__dict__.get("parts", {}).get("access entry", {}).values()
            ],
            "nodes": [node for node in nodes if node["cluster"] == cluster.name],
        }
        for regions in list(eks_backends.values())
        for backend in list(regions.values())
        for cluster in list(backend.clusters.values())
    ]
    return {"clusters": found}


def note_creator(cluster: Cluster, response: EKSResponse) -> None:
    """Who makes a cluster is its administrator, unless bootstrapClusterCreatorAdminPermissions says no."""
    asked = response._get_param("accessConfig") or {}
    if asked.get("bootstrapClusterCreatorAdminPermissions", True):
        sts = sts_backends[response.current_account][response.partition]
        cluster.__dict__["creator"] = sts.get_caller_identity(response.get_access_key(), response.region)[1]


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "principal": entry["principalArn"],
        "username": entry["username"],
        "groups": entry["kubernetesGroups"],
        "policies": [
            {
                "name": policy["policyArn"].rpartition("/")[2],
                "namespaces": policy["accessScope"].get("namespaces")
                if policy["accessScope"]["type"] == "namespace"
                else None,
            }
            for policy in entry["policies"].values()
        ],
    }
