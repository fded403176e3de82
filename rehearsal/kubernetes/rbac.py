"""Authorization: the rules of Roles and ClusterRoles, and EKS's access policies."""

from __future__ import annotations

from typing import Any, NamedTuple

from rehearsal.kubernetes.resources import BY_NAME, Resource
from rehearsal.kubernetes.store import Store

Json = dict[str, Any]
ROLES, BINDINGS = BY_NAME["roles"], BY_NAME["rolebindings"]
CLUSTER_ROLES, CLUSTER_BINDINGS = BY_NAME["clusterroles"], BY_NAME["clusterrolebindings"]
MASTERS = "system:masters"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
"""The path that every authenticated caller may use."""
READ = ["get", "list", "watch"]
_EVERYTHING: list[Json] = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
_SECRET = {"secrets", "roles", "rolebindings", "clusterroles", "clusterrolebindings"}
_READABLE = [r for r in BY_NAME.values() if r.plural not in _SECRET]
_VIEW: list[Json] = [
    {
        "apiGroups": [r.group],
        "resources": [r.plural, *(f"{r.plural}/{s}" for s in r.subresources)],
        "verbs": READ,
    }
    for r in _READABLE
    if r.namespaced
]
_EDIT: list[Json] = [rule | {"verbs": ["*"]} for rule in _VIEW] + [
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
]
_OF_RBAC: Json = {
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["roles", "rolebindings"],
    "verbs": ["*"],
}
_BUILTIN = {"cluster-admin": _EVERYTHING, "admin": [*_EDIT, _OF_RBAC], "edit": _EDIT, "view": _VIEW}
POLICIES = {
    "AmazonEKSClusterAdminPolicy": _EVERYTHING,
    "AmazonEKSAdminPolicy": _BUILTIN["admin"],
    "AmazonEKSEditPolicy": _EDIT,
    "AmazonEKSViewPolicy": _VIEW,
    "AmazonEKSAdminViewPolicy": [{"apiGroups": ["*"], "resources": ["*"], "verbs": READ}],
}


class Identity(NamedTuple):
    """An authenticated caller. `policies` are EKS access policies: name, and namespaces (None: the whole cluster)."""

    user: str
    groups: tuple[str, ...] = ()
    policies: tuple[tuple[str, tuple[str, ...] | None], ...] = ()


class Action(NamedTuple):
    """The action of a request. `resource` includes a subresource (`pods/log`); `namespace` "" means all."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str


def builtin() -> list[tuple[Resource, Json]]:
    """Return the ClusterRoles of every cluster, and the binding of the group system:masters."""
    roles = [
        (CLUSTER_ROLES, {"metadata": {"name": name}, "rules": rules}) for name, rules in _BUILTIN.items()
    ]
    binding = {
        "metadata": {"name": "cluster-admin"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "Group", "name": MASTERS}],
    }
    return [*roles, (CLUSTER_BINDINGS, binding)]


def allowed(store: Store, identity: Identity, action: Action) -> bool:
    if MASTERS in identity.groups:
        return True
    for name, namespaces in identity.policies:
        here = namespaces is None or action.namespace in namespaces
        if here and any(_grants(rule, action) for rule in POLICIES.get(name, ())):
            return True
    bindings = store.list(CLUSTER_BINDINGS)
    if action.namespace:
        bindings = bindings + store.list(BINDINGS, action.namespace)
    for binding in bindings:
        if any(_is(subject, identity) for subject in binding.get("subjects") or []):
            role = _role(store, binding)
            if any(_grants(rule, action) for rule in (role or {}).get("rules") or []):
                return True
    return False


def review(store: Store, identity: Identity, asked: Json) -> Json:
    """Answer a SelfSubjectAccessReview: whether the caller may perform the action in its spec."""
    wanted = asked["spec"]["resourceAttributes"]
    resource = "/".join(filter(None, [wanted.get("resource", ""), wanted.get("subresource", "")]))
    action = Action(
        wanted.get("verb", ""),
        wanted.get("group", ""),
        resource,
        wanted.get("namespace", ""),
        wanted.get("name", ""),
    )
    return {**asked, "status": {"allowed": allowed(store, identity, action)}}


def refusal(identity: Identity, action: Action) -> str:
    where = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    what = f'{action.verb} resource "{action.resource}" in API group "{action.group}"'
    return f'User "{identity.user}" cannot {what} {where}'


def _role(store: Store, binding: Json) -> Json | None:
    reference = binding["roleRef"]
    if reference["kind"] == "ClusterRole":
        return store.find(CLUSTER_ROLES, "", reference["name"])
    return store.find(ROLES, binding["metadata"].get("namespace", ""), reference["name"])


def _is(subject: Json, identity: Identity) -> bool:
    if subject["kind"] == "Group":
        return subject["name"] in identity.groups
    return subject["kind"] == "User" and subject["name"] == identity.user


def _grants(rule: Json, action: Action) -> bool:
    names = rule.get("resourceNames")
    return (
        _in(action.verb, rule.get("verbs"))
        and _in(action.group, rule.get("apiGroups"))
        and (_in(action.resource, rule.get("resources")))
        and (not names or action.name in names)
    )


def _in(value: str, allowed_: list[str] | None) -> bool:
    return "*" in (allowed_ or ()) or value in (allowed_ or ())
