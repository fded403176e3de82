"""The kinds that this API serves, and its discovery documents."""

from __future__ import annotations

from typing import Any, NamedTuple

Json = dict[str, Any]
VERSION = "v1.33.4"
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


class Resource(NamedTuple):
    """A kind, as in discovery."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The name in messages: `deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources


_ALL = ("all",)
_RBAC = "rbac.authorization.k8s.io"
RESOURCES = (
    Resource("", "v1", "namespaces", "Namespace", False, ("ns",), ("status", "finalize")),
    Resource("", "v1", "nodes", "Node", False, ("no",), ("status",)),
    Resource("", "v1", "pods", "Pod", True, ("po",), ("status", "log", "eviction"), _ALL),
    Resource("", "v1", "services", "Service", True, ("svc",), ("status",), _ALL),
    Resource("", "v1", "endpoints", "Endpoints", True, ("ep",)),
    Resource("", "v1", "configmaps", "ConfigMap", True, ("cm",)),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",)),
    Resource("", "v1", "events", "Event", True, ("ev",)),
    Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, ("pvc",), ("status",)),
    Resource("", "v1", "resourcequotas", "ResourceQuota", True, ("quota",), ("status",)),
    Resource("", "v1", "limitranges", "LimitRange", True, ("limits",)),
    Resource("apps", "v1", "deployments", "Deployment", True, ("deploy",), ("status", "scale"), _ALL),
    Resource("apps", "v1", "replicasets", "ReplicaSet", True, ("rs",), ("status", "scale"), _ALL),
    Resource("batch", "v1", "jobs", "Job", True, (), ("status",), _ALL),
    Resource(
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        True,
        ("hpa",),
        ("status",),
        _ALL,
    ),
    Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",), ("status",)),
    Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, ("netpol",)),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Resource("coordination.k8s.io", "v1", "leases", "Lease"),
    Resource(_RBAC, "v1", "roles", "Role"),
    Resource(_RBAC, "v1", "rolebindings", "RoleBinding"),
    Resource(_RBAC, "v1", "clusterroles", "ClusterRole", False),
    Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", False),
    Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False, ("pc",)),
    Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", False, ("sc",)),
)
BY_PATH = {(r.group, r.version, r.plural): r for r in RESOURCES}
BY_NAME = {r.plural: r for r in RESOURCES}
"""The resources by plural, which is unique over the served groups."""
GROUP_VERSIONS = {group: r.version for r in RESOURCES if (group := r.group)}
"""The stored version of each group."""
OLDER = {("autoscaling", "v1", "horizontalpodautoscalers"): BY_NAME["horizontalpodautoscalers"]}
"""The kinds that are also served in an older version (`rehearsal.kubernetes.versions`)."""


def _served(group: str) -> list[str]:
    """Return the versions of a group, the preferred one first."""
    return [GROUP_VERSIONS[group], *(version for g, version, _ in OLDER if g == group)]


def discovery(path: str) -> Json | None:
    """Return the document at `/version`, `/api`, `/apis`, `/api/v1`, `/apis/<group>[/<version>]`, `/openapi/v3…`."""
    parts = path.strip("/").split("/")
    match parts:
        case ["version"]:
            return _version()
        case ["api"]:
            return {"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"]}
        case ["apis"]:
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(g) for g in GROUP_VERSIONS]}
        case ["api", "v1"]:
            return _resource_list("", "v1")
        case ["apis", group] if group in GROUP_VERSIONS:
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(group)
        case ["apis", group, version] if group in GROUP_VERSIONS and version in _served(group):
            return _resource_list(group, version)
        case ["openapi", "v3"]:
            of = ["api/v1", *(f"apis/{g}/{v}" for g in GROUP_VERSIONS for v in _served(g))]
            return {"paths": {p: {"serverRelativeURL": f"/openapi/v3/{p}"} for p in of}}
        case ["openapi", "v3", "api", "v1"]:
            return _openapi("", "v1")
        case ["openapi", "v3", "apis", group, version] if group in GROUP_VERSIONS and version in _served(
            group
        ):
            return _openapi(group, version)
    return None


def _version() -> Json:
    major, minor, _ = VERSION.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"{VERSION}-teal-rehearsal",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def _group(group: str) -> Json:
    served = [{"groupVersion": f"{group}/{version}", "version": version} for version in _served(group)]
    return {"name": group, "versions": served, "preferredVersion": served[0]}


def _resource_list(group: str, version: str) -> Json:
    entries: list[Json] = []
    for r in _resources(group, version):
        entry: Json = {
            "name": r.plural,
            "singularName": r.kind.lower(),
            "namespaced": r.namespaced,
            "kind": r.kind,
            "verbs": _VERBS,
        }
        if r.short:
            entry["shortNames"] = list(r.short)
        if r.categories:
            entry["categories"] = list(r.categories)
        entries.append(entry)
        entries += [_subresource(r, sub) for sub in r.subresources]
    api_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": entries}


def _resources(group: str, version: str) -> list[Resource]:
    found = [r for r in RESOURCES if (r.group, r.version) == (group, version)]
    return found or [r for (g, v, _), r in OLDER.items() if (g, v) == (group, version)]


def _subresource(resource: Resource, name: str) -> Json:
    entry: Json = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["get", "patch", "update"],
    }
    if name == "scale":
        entry |= {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    elif name == "eviction":
        entry |= {"group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
    elif name == "log":
        entry["verbs"] = ["get"]
    return entry


def _openapi(group: str, version: str) -> Json:
    """Return a minimal document that makes kubectl rely on the server's field validation."""
    paths: Json = {}
    prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
    for r in _resources(group, version):
        kind = {"group": group, "version": version, "kind": r.kind}
        parameters = [
            {"name": n, "in": "query", "schema": {"type": "string"}} for n in ("fieldValidation", "dryRun")
        ]
        operation = {"x-kubernetes-group-version-kind": kind, "parameters": parameters, "responses": {}}
        where = f"{prefix}/namespaces/{{namespace}}" if r.namespaced else prefix
        paths[f"{where}/{r.plural}/{{name}}"] = {"patch": operation}
    return {"openapi": "3.0.0", "info": {"title": "Teal rehearsal", "version": VERSION}, "paths": paths}
