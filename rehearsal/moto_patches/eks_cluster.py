"""EKS clusters.

- In moto, endpoint and certificate authority are random characters. The patch sets those of the emulated Kubernetes, so
  that clients connect as on AWS.
- In moto, all clusters share an OIDC issuer. The patch gives each its own; otherwise the OIDC provider of a second
  environment would conflict.
- moto drops accessConfig, deletionProtection and upgradePolicy, sets no defaults of endpoint access, and creates no
  cluster security group. The patch implements them.
- moto's UpdateClusterConfig returns a cluster (AWS: an update) and loses the previous settings. moto lacks
  UpdateClusterVersion, DescribeUpdate and ListUpdates. The patch implements them.
"""

from __future__ import annotations

import base64
import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.eks import models, urls
from moto.eks.exceptions import InvalidParameterException, InvalidRequestException, ResourceNotFoundException
from moto.eks.models import Cluster, EKSBackend
from moto.eks.responses import EKSResponse

from rehearsal.moto_clusters import note_creator
from rehearsal.moto_patches.creation_time import Pending

DEFAULT_VERSION = "1.35"


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    models.DEFAULT_KUBERNETES_VERSION = DEFAULT_VERSION
    # moto only dispatches paths that match one of these patterns; AWS's model then gives the operation.
    urls.url_paths["{0}/clusters/(?P<name>[^/]+)/(?P<rest>.+)$"] = urls.response.dispatch
    urls.url_paths["{0}/addons/(?P<rest>.+)$"] = urls.response.dispatch

    kubernetes = config["kubernetes"]
    authority = base64.b64encode(Path(kubernetes["ca_file"]).read_bytes()).decode()
    create, delete = EKSResponse.create_cluster, EKSBackend.delete_cluster

    def create_cluster(self: EKSResponse) -> ActionResult:
        create(self)
        cluster = self.eks_backend.clusters[self._get_param("name")]
        cluster.endpoint = f"{kubernetes['url']}/clusters/{cluster.name}"
        note_creator(cluster, self)
        cluster.certificate_authority = {"data": authority}
        issuer = f"https://oidc.eks.{self.region}.amazonaws.com/id/{uuid.uuid4().hex.upper()}"
        cluster.identity = {"oidc": {"issuer": issuer}}
        cluster.access_config = {"authenticationMode": "CONFIG_MAP"} | (self._get_param("accessConfig") or {})
        cluster.access_config.pop("bootstrapClusterCreatorAdminPermissions", None)  # EKS does not return it.
        cluster.deletion_protection = bool(self._get_param("deletionProtection"))
        cluster.upgrade_policy = self._get_param("upgradePolicy") or {"supportType": "EXTENDED"}
        cluster.logging = _logging(cluster.logging)
        cluster.resources_vpc_config = _vpc_config(self, cluster)
        cluster.updates, cluster.update_owners = {}, {}
        cluster.pending = Pending(config["creation_times"]["cluster"])
        return ActionResult({"cluster": cluster})

    def update_cluster_config(self: EKSResponse) -> ActionResult:
        cluster = active(self.eks_backend.describe_cluster(self._get_param("name")))
        parameters = []
        if vpc := self._get_param("resourcesVpcConfig"):
            cluster.resources_vpc_config |= vpc
            parameters += [{"type": name[0].upper() + name[1:], "value": str(v)} for name, v in vpc.items()]
        if logging := self._get_param("logging"):
            cluster.logging = _logging(logging, cluster.logging)
            parameters.append({"type": "ClusterLogging", "value": json.dumps(logging)})
        if access := self._get_param("accessConfig"):
            cluster.access_config |= access
            parameters.append({"type": "AuthenticationMode", "value": access["authenticationMode"]})
        if (protection := self._get_param("deletionProtection")) is not None:
            cluster.deletion_protection = bool(protection)
        if policy := self._get_param("upgradePolicy"):
            cluster.upgrade_policy = policy
        return _updated(cluster, "ConfigUpdate", parameters)

    def update_cluster_version(self: EKSResponse) -> ActionResult:
        cluster = active(self.eks_backend.describe_cluster(self._get_param("name")))
        old, new = cluster.version, self._get_param("version")
        step = int(new.split(".")[1]) - int(old.split(".")[1])
        if step != 1 and (step != -1 or not _upgraded_lately(cluster, old)):
            raise InvalidParameterException(
                clusterName=cluster.name,
                message=f"Unsupported Kubernetes minor version update from {old} to {new}",
            )
        newer = [group.nodegroup_name for group in cluster.nodegroups.values() if group.version == old]
        if step == -1 and newer:
            raise InvalidRequestException(message=f"Node groups newer than {new}: {', '.join(newer)}")
        cluster.version = new
        kind = "VersionUpdate" if step == 1 else "VersionRollback"
        return _updated(cluster, kind, [{"type": "Version", "value": new}])

    def describe_update(self: EKSResponse) -> ActionResult:
        cluster = self.eks_backend.describe_cluster(self._get_param("name"))
        if (found := cluster.updates.get(self._get_param("updateId"))) is None:
            raise ResourceNotFoundException(clusterName=cluster.name, message="No update found")
        return ActionResult({"update": found})

    def list_updates(self: EKSResponse) -> ActionResult:
        cluster = self.eks_backend.describe_cluster(self._get_param("name"))
        of = self._get_param("nodegroupName") or self._get_param("addonName") or ""
        listed = [identifier for identifier, owner in cluster.update_owners.items() if owner == of]
        return ActionResult({"updateIds": listed})

    def delete_cluster(self: EKSBackend, name: str) -> Cluster:
        cluster = self.clusters.get(name)
        if cluster is not None and cluster.deletion_protection:
            raise InvalidRequestException(message=f"Cannot delete cluster {name}: deletion protection is on")
        deleted = delete(self, name)
        group = deleted.resources_vpc_config["clusterSecurityGroupId"]
        ec2 = ec2_backends[self.account_id][self.region_name]
        if ec2.get_security_group_from_id(group):
            ec2.delete_security_group(group_id=group)
        deleted.status = "DELETING"
        return deleted

    Cluster.status = property(_status, _set_status)
    EKSResponse.create_cluster = create_cluster
    EKSResponse.update_cluster_config = update_cluster_config
    EKSResponse.update_cluster_version = update_cluster_version
    EKSResponse.describe_update = describe_update
    EKSResponse.list_updates = list_updates
    EKSBackend.delete_cluster = delete_cluster


def active(cluster: Cluster) -> Cluster:
    """Return the cluster if it is active; otherwise raise EKS's error."""
    if not cluster.is_active:
        raise InvalidRequestException(message=models.CLUSTER_NOT_READY_MSG.format(clusterName=cluster.name))
    return cluster


def _status(cluster: Cluster) -> str:
    pending = cluster.__dict__.get("pending")
    return "CREATING" if pending and pending.still() else cluster.__dict__["_status"]


def _set_status(cluster: Cluster, status: str) -> None:
    cluster.__dict__["_status"] = status


def _vpc_config(response: EKSResponse, cluster: Cluster) -> dict[str, Any]:
    given = cluster.resources_vpc_config
    ec2 = ec2_backends[response.current_account][response.region]
    subnets = ec2.describe_subnets(subnet_ids=given["subnetIds"])  # Raises for missing subnets.
    group = ec2.create_security_group(
        f"eks-cluster-sg-{cluster.name}-{uuid.uuid4().hex[:10]}",
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes",
        vpc_id=subnets[0].vpc_id,
        tags={f"kubernetes.io/cluster/{cluster.name}": "owned", "aws:eks:cluster-name": cluster.name},
    )
    return {
        "endpointPublicAccess": True,
        "endpointPrivateAccess": False,
        "publicAccessCidrs": ["0.0.0.0/0"],
        "securityGroupIds": [],
        **given,
        "vpcId": subnets[0].vpc_id,
        "clusterSecurityGroupId": group.id,
    }


def _logging(asked: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the state of all log types after a request, which names only the types that it changes."""
    types = models.DEFAULT_LOGGING["clusterLogging"][0]["types"]
    on = {t for setup in (before or {}).get("clusterLogging", []) if setup["enabled"] for t in setup["types"]}
    for setup in asked.get("clusterLogging", []):
        on = on | set(setup["types"]) if setup.get("enabled") else on - set(setup["types"])
    setups = [
        {"types": [t for t in types if t in on], "enabled": True},
        {"types": [t for t in types if t not in on], "enabled": False},
    ]
    return {"clusterLogging": [setup for setup in setups if setup["types"]]}


def _upgraded_lately(cluster: Cluster, version: str) -> bool:
    """Return whether an upgrade to this version can still be rolled back."""
    since = utcnow() - timedelta(days=7)
    upgrades = [
        update
        for identifier, update in cluster.updates.items()
        if not cluster.update_owners[identifier] and update["type"] == "VersionUpdate"
    ]
    return any(u["params"][0]["value"] == version and u["createdAt"] > since for u in upgrades)


def _updated(cluster: Cluster, kind: str, parameters: list[dict[str, str]], owner: str = "") -> ActionResult:
    """Record an update of the cluster, or of its node group or add-on `owner`."""
    update = {
        "id": str(uuid.uuid4()),
        "status": "Successful",
        "type": kind,
        "params": parameters,
        "createdAt": utcnow(),
        "errors": [],
    }
    cluster.updates[update["id"]] = update
    cluster.update_owners[update["id"]] = owner
    return ActionResult({"update": update})
