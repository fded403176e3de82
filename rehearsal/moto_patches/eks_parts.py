"""The parts of an EKS cluster that moto lacks: access entries, add-ons, pod identity associations, and their tags.

All parts are active at once. Access entries control the access to the emulated Kubernetes API (through
`rehearsal.moto_clusters`). The pods of add-ons do not run. Tags of all parts and of node groups can be read and changed
(moto supports tags of clusters only).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.eks.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.eks.models import Cluster, EKSBackend
from moto.eks.responses import EKSResponse

from rehearsal.moto_clusters import unique_id
from rehearsal.moto_patches.eks_cluster import _updated, active

ADDONS = {
    "vpc-cni": "v1.20.4-eksbuild.1",
    "coredns": "v1.12.4-eksbuild.1",
    "kube-proxy": "v{version}.1-eksbuild.2",
    "eks-pod-identity-agent": "v1.3.9-eksbuild.3",
    "metrics-server": "v0.8.0-eksbuild.2",
    "aws-ebs-csi-driver": "v1.50.1-eksbuild.1",
    "amazon-cloudwatch-observability": "v4.5.0-eksbuild.1",
}
"""The supported add-ons and their default versions."""


def _owner(addon: str) -> str:
    return "community" if addon == "metrics-server" else "aws"


POLICY_ARN = "arn:aws:eks::aws:cluster-access-policy/"


def apply(config: dict[str, Any]) -> None:
    """Add the calls to moto."""
    for mixin in (AccessEntries, Addons, PodIdentity, Tags):
        for name, function in vars(mixin).items():
            if not name.startswith("_"):
                setattr(EKSResponse, name, function)


def _cluster(response: EKSResponse) -> Cluster:
    return response.eks_backend.describe_cluster(response._get_param("name"))


def _parts(cluster: Cluster, kind: str) -> dict[str, dict[str, Any]]:
    """Return the parts of one kind of a cluster, by name."""
    return cluster.__dict__.setdefault("parts", {}).setdefault(kind, {})


def _one(cluster: Cluster, kind: str, name: str) -> dict[str, Any]:
    try:
        return _parts(cluster, kind)[name]
    except KeyError:
        message = f"The specified {kind} {name} does not exist in cluster {cluster.name}."
        raise ResourceNotFoundException(clusterName=cluster.name, message=message) from None


def _add(cluster: Cluster, kind: str, name: str, part: dict[str, Any]) -> dict[str, Any]:
    parts = _parts(active(cluster), kind)
    if name in parts:
        message = f"The specified {kind} {name} is already in use on this cluster."
        raise ResourceInUseException(clusterName=cluster.name, message=message)
    parts[name] = {"clusterName": cluster.name, "createdAt": utcnow(), "modifiedAt": utcnow(), **part}
    return parts[name]


def _change(part: dict[str, Any], response: EKSResponse, names: tuple[str, ...]) -> None:
    """Set the given parameters of a call."""
    for name in names:
        if (value := response._get_param(name)) is not None:
            part[name] = value
    part["modifiedAt"] = utcnow()


def _arn(cluster: Cluster, kind: str, rest: str) -> str:
    return cluster.arn.replace(":cluster/", f":{kind}/") + f"/{rest}/{uuid.uuid4()}"


class AccessEntries:
    """The principals that may use the cluster's API, and their access policies."""

    def create_access_entry(self: EKSResponse) -> ActionResult:
        cluster, principal = _cluster(self), self._get_param("principalArn")
        if cluster.access_config["authenticationMode"] == "CONFIG_MAP":
            message = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]"
            raise InvalidRequestException(clusterName=cluster.name, message=message)
        account, _, name = principal.split(":", 4)[4].partition(":")
        entry = {
            "principalArn": principal,
            "kubernetesGroups": self._get_param("kubernetesGroups") or [],
            "accessEntryArn": _arn(
                cluster, "access-entry", f"{name.split('/')[0]}/{account}/{name.split('/')[-1]}"
            ),
            "username": self._get_param("username") or _user_name(principal),
            "type": self._get_param("type") or "STANDARD",
            "tags": self._get_param("tags") or {},
            "policies": {},
            "uniqueId": unique_id(principal),
        }
        return ActionResult({"accessEntry": _add(cluster, "access entry", principal, entry)})

    def describe_access_entry(self: EKSResponse) -> ActionResult:
        return ActionResult(
            {"accessEntry": _one(_cluster(self), "access entry", self._get_param("principalArn"))}
        )

    def list_access_entries(self: EKSResponse) -> ActionResult:
        return ActionResult({"accessEntries": list(_parts(_cluster(self), "access entry"))})

    def update_access_entry(self: EKSResponse) -> ActionResult:
        entry = _one(_cluster(self), "access entry", self._get_param("principalArn"))
        _change(entry, self, ("kubernetesGroups", "username"))
        return ActionResult({"accessEntry": entry})

    def delete_access_entry(self: EKSResponse) -> ActionResult:
        cluster, principal = _cluster(self), self._get_param("principalArn")
        _one(cluster, "access entry", principal)
        del _parts(cluster, "access entry")[principal]
        return ActionResult({})

    def associate_access_policy(self: EKSResponse) -> ActionResult:
        cluster, policy = _cluster(self), self._get_param("policyArn")
        entry = _one(cluster, "access entry", self._get_param("principalArn"))
        if not policy.startswith(POLICY_ARN):
            raise InvalidParameterException(message=f"The policyArn {policy} is not an access policy of EKS")
        associated = {
            "policyArn": policy,
            "accessScope": self._get_param("accessScope"),
            "associatedAt": entry["policies"].get(policy, {}).get("associatedAt", utcnow()),
            "modifiedAt": utcnow(),
        }
        entry["policies"][policy] = associated
        return ActionResult(
            {
                "clusterName": cluster.name,
                "principalArn": entry["principalArn"],
                "associatedAccessPolicy": associated,
            }
        )

    def disassociate_access_policy(self: EKSResponse) -> ActionResult:
        entry = _one(_cluster(self), "access entry", self._get_param("principalArn"))
        if entry["policies"].pop(self._get_param("policyArn"), None) is None:
            raise ResourceNotFoundException(message="The specified policy is not associated")
        return ActionResult({})

    def list_associated_access_policies(self: EKSResponse) -> ActionResult:
        cluster = _cluster(self)
        entry = _one(cluster, "access entry", self._get_param("principalArn"))
        return ActionResult(
            {
                "clusterName": cluster.name,
                "principalArn": entry["principalArn"],
                "associatedAccessPolicies": list(entry["policies"].values()),
            }
        )


def _user_name(principal: str) -> str:
    account, name = principal.split(":")[4], principal.split("/")[-1]
    if ":role/" in principal:
        return f"arn:aws:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}"
    return principal


class Addons:
    """The add-ons of the cluster."""

    def create_addon(self: EKSResponse) -> ActionResult:
        cluster, name = _cluster(self), self._get_param("addonName")
        if name not in ADDONS:
            message = f"Addon {name} specified is not supported in {cluster.version} kubernetes version"
            raise InvalidParameterException(clusterName=cluster.name, addonName=name, message=message)
        addon = {
            "addonName": name,
            "status": "ACTIVE",
            "addonVersion": self._get_param("addonVersion") or ADDONS[name].format(version=cluster.version),
            "health": {"issues": []},
            "addonArn": _arn(cluster, "addon", name),
            "tags": self._get_param("tags") or {},
        }
        _change(addon, self, ("serviceAccountRoleArn", "configurationValues"))
        associations = self._get_param("podIdentityAssociations") or []
        addon["podIdentityAssociations"] = [
            _associate(cluster, "kube-system", a)["associationArn"] for a in associations
        ]
        return ActionResult({"addon": _add(cluster, "addon", name, addon)})

    def describe_addon(self: EKSResponse) -> ActionResult:
        return ActionResult({"addon": _one(_cluster(self), "addon", self._get_param("addonName"))})

    def list_addons(self: EKSResponse) -> ActionResult:
        return ActionResult({"addons": list(_parts(_cluster(self), "addon"))})

    def update_addon(self: EKSResponse) -> ActionResult:
        cluster = _cluster(self)
        addon = _one(cluster, "addon", self._get_param("addonName"))
        _change(addon, self, ("addonVersion", "serviceAccountRoleArn", "configurationValues"))
        parameters = [{"type": "AddonVersion", "value": addon["addonVersion"]}]
        return _updated(cluster, "AddonUpdate", parameters, addon["addonName"])

    def delete_addon(self: EKSResponse) -> ActionResult:
        cluster, name = _cluster(self), self._get_param("addonName")
        _one(cluster, "addon", name)
        return ActionResult({"addon": _parts(cluster, "addon").pop(name) | {"status": "DELETING"}})

    def describe_addon_versions(self: EKSResponse) -> ActionResult:
        wanted, owners = self._get_param("addonName"), self._get_param("owners")
        version = self._get_param("kubernetesVersion") or "1.35"
        compatible = [{"clusterVersion": version, "platformVersions": ["*"], "defaultVersion": True}]
        return ActionResult(
            {
                "addons": [
                    {
                        "addonName": name,
                        "owner": _owner(name),
                        "addonVersions": [
                            {"addonVersion": default.format(version=version), "compatibilities": compatible}
                        ],
                    }
                    for name, default in ADDONS.items()
                    if wanted in (None, name) and (not owners or _owner(name) in owners)
                ]
            }
        )


class PodIdentity:
    """The roles of service accounts."""

    def create_pod_identity_association(self: EKSResponse) -> ActionResult:
        given = {
            "serviceAccount": self._get_param("serviceAccount"),
            "roleArn": self._get_param("roleArn"),
            "tags": self._get_param("tags") or {},
        }
        return ActionResult({"association": _associate(_cluster(self), self._get_param("namespace"), given)})

    def describe_pod_identity_association(self: EKSResponse) -> ActionResult:
        name = self._get_param("associationId")
        return ActionResult({"association": _one(_cluster(self), "pod identity association", name)})

    def list_pod_identity_associations(self: EKSResponse) -> ActionResult:
        asked = {name: self._get_param(name) for name in ("namespace", "serviceAccount")}
        found = [
            association
            for association in _parts(_cluster(self), "pod identity association").values()
            if all(value in (None, association[name]) for name, value in asked.items())
        ]
        return ActionResult({"associations": found})

    def update_pod_identity_association(self: EKSResponse) -> ActionResult:
        association = _one(_cluster(self), "pod identity association", self._get_param("associationId"))
        _change(association, self, ("roleArn",))
        return ActionResult({"association": association})

    def delete_pod_identity_association(self: EKSResponse) -> ActionResult:
        cluster, name = _cluster(self), self._get_param("associationId")
        association = _one(cluster, "pod identity association", name)
        del _parts(cluster, "pod identity association")[name]
        return ActionResult({"association": association})


def _associate(cluster: Cluster, namespace: str, given: dict[str, Any]) -> dict[str, Any]:
    for other in _parts(cluster, "pod identity association").values():
        if (other["namespace"], other["serviceAccount"]) == (namespace, given["serviceAccount"]):
            message = f"Association already exists: {other['associationId']}"
            raise ResourceInUseException(clusterName=cluster.name, message=message)
    name = f"a-{uuid.uuid4().hex[:17]}"
    arn = cluster.arn.replace(":cluster/", ":podidentityassociation/") + f"/{name}"
    association = {"associationId": name, "associationArn": arn, "namespace": namespace, "tags": {}, **given}
    return _add(cluster, "pod identity association", name, association)


class Tags:
    """Tags by ARN."""

    def tag_resource(self: EKSResponse) -> ActionResult:
        _tags_of(self).update(self._get_param("tags"))
        return ActionResult({})

    def untag_resource(self: EKSResponse) -> ActionResult:
        tags = _tags_of(self)
        for name in self.querystring.get("tagKeys", []):
            tags.pop(name, None)
        return ActionResult({})

    def list_tags_for_resource(self: EKSResponse) -> ActionResult:
        return ActionResult({"tags": _tags_of(self)})


def _tags_of(response: EKSResponse) -> dict[str, str]:
    arn = response._extract_arn_from_path()
    for known, tags in _tagged(response.eks_backend):
        if known == arn:
            return tags
    raise ResourceNotFoundException(message=f"Resource was not found: {arn}")


def _tagged(backend: EKSBackend) -> Iterator[tuple[str, dict[str, str]]]:
    for cluster in backend.clusters.values():
        yield cluster.arn, cluster.tags
        for nodegroup in cluster.nodegroups.values():
            yield nodegroup.arn, nodegroup.tags
        for parts in cluster.__dict__.get("parts", {}).values():
            for part in parts.values():
                arn = part.get("accessEntryArn") or part.get("addonArn") or part["associationArn"]
                yield arn, part["tags"]
