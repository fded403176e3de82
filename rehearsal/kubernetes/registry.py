"""The API's rules for objects in the store: create, update, patch, apply and delete."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from rehearsal.kubernetes import defaults, errors, patching, podsecurity, times, validation
from rehearsal.kubernetes.resources import BY_NAME, Resource
from rehearsal.kubernetes.store import Store, clone

Json = dict[str, Any]
WITH_GENERATION = {"deployments", "replicasets", "jobs", "poddisruptionbudgets", "networkpolicies"}
NODE_PORTS = range(30000, 32768)
NAMESPACES = BY_NAME["namespaces"]
SERVICES = BY_NAME["services"]
PODS = BY_NAME["pods"]
FOREGROUND = "foregroundDeletion"


class Registry:
    """A cluster's API, without its HTTP."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._applied: dict[tuple[str, str], Json] = {}
        self._service_ip = 1

    def create(self, resource: Resource, obj: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
        """Create an object. Raises ApiError 400, 403, 404 (namespace), 409 and 422."""
        obj = _normalized(resource, obj, namespace)
        meta = obj["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + times.suffix()
        if resource.namespaced:
            self._check_namespace(resource, meta)
        _admit(resource, obj, None)
        defaults.status(resource, obj)
        name = meta["name"]
        if resource is PODS and (
            why := podsecurity.violation(self.store.get(NAMESPACES, "", meta["namespace"]), obj)
        ):
            raise errors.forbidden(resource, name, why)
        if self.store.find(resource, meta.get("namespace", ""), name):
            raise errors.already_exists(resource, name)
        for field in ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
            meta.pop(field, None)
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": times.now()}
        if resource.plural in WITH_GENERATION:
            meta["generation"] = 1
        self._derived(resource, obj)
        return obj if dry_run else self.store.put(resource, obj)

    def update(self, resource: Resource, obj: Json, sub: str = "", *, dry_run: bool = False) -> Json:
        """Replace an object, or only its status (`sub="status"`). Raises ApiError 404, 409 and 422."""
        meta = obj["metadata"]
        old = self.store.get(resource, meta.get("namespace", ""), meta["name"])
        current = old["metadata"]
        if (version := meta.get("resourceVersion")) and version != current["resourceVersion"]:
            raise errors.conflict(resource, meta["name"])
        if (uid := meta.get("uid")) and uid != current["uid"]:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {current['uid']}"
            raise errors.conflict(resource, meta["name"], why)
        new = self._status_only(old, obj) if sub == "status" else self._replaced(resource, old, obj)
        if new == old:
            return old
        if dry_run:
            return new
        stored = self.store.put(resource, new)
        if "deletionTimestamp" in current and not self._held(resource, stored):
            self.store.remove(resource, stored)
        return stored

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        change: Callable[[Json], Json],
        sub: str = "",
        *,
        dry_run: bool = False,
    ) -> Json:
        """Change an object by a function from `patching.patcher`."""
        old = self.store.get(resource, namespace, name)
        new = change(clone(old))
        if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
            raise errors.bad_request("the patch leaves no object")
        new["metadata"] |= {"name": name} | ({"namespace": namespace} if namespace else {})
        return self.update(resource, new, sub, dry_run=dry_run)

    def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        config: Json,
        manager: str,
        *,
        dry_run: bool = False,
    ) -> tuple[Json, bool]:
        """Server-side apply. Return the object, and whether it was created."""
        config = clone(config)
        config.setdefault("metadata", {})["name"] = name
        old = self.store.find(resource, namespace, name)
        if old is None:
            result = self.create(resource, config, namespace, dry_run=dry_run)
        else:
            last = self._applied.get((old["metadata"]["uid"], manager))
            result = self.patch(
                resource, namespace, name, lambda live: patching.apply(live, config, last), dry_run=dry_run
            )
        if not dry_run:
            self._applied[(result["metadata"]["uid"], manager)] = config
        return result, old is None

    def set_status(self, resource: Resource, obj: Json, status: Json) -> None:
        """Set the status of the current version of an object; ignore an object that no longer exists."""
        now = self.store.find(resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        if now and now["metadata"]["uid"] == obj["metadata"]["uid"] and now.get("status") != status:
            self.store.put(resource, now | {"metadata": dict(now["metadata"]), "status": clone(status)})

    def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        options: Json | None = None,
        *,
        dry_run: bool = False,
    ) -> tuple[Json, bool]:
        """Delete an object. Return it, and whether it has been removed already. Raises ApiError 404 and 409."""
        options = options or {}
        old = self.store.get(resource, namespace, name)
        wanted = options.get("preconditions") or {}
        for field in ("uid", "resourceVersion"):
            if wanted.get(field) not in (None, old["metadata"][field]):
                has = f"{field} in precondition: {wanted[field]}, in object: {old['metadata'][field]}"
                raise errors.conflict(resource, name, f"Precondition failed: {has}")
        if resource is NAMESPACES and name in ("default", "kube-system"):
            raise errors.forbidden(resource, name, "this namespace may not be deleted")
        if dry_run:
            return old, False
        grace = self._grace(resource, old, options)
        meta = dict(old["metadata"])
        if options.get("propagationPolicy") == "Foreground":
            meta["finalizers"] = list({*meta.get("finalizers", []), FOREGROUND})
        if options.get("propagationPolicy") == "Orphan":
            self._orphan(meta["uid"])
        marked = old | {"metadata": meta}
        before = meta.pop("deletionGracePeriodSeconds", None)
        if not grace and not self._held(resource, marked):
            self.store.remove(resource, old)
            return old, True
        if before is not None and grace >= before:
            return old, False
        meta["deletionTimestamp"] = times.later(grace)
        meta["deletionGracePeriodSeconds"] = grace
        if resource is NAMESPACES:
            marked["status"] = {"phase": "Terminating"}
        return self.store.put(resource, marked), False

    def finish(self, resource: Resource, obj: Json) -> None:
        """Remove an object whose deletion is complete: a pod without processes, an empty namespace."""
        meta = obj["metadata"]
        now = self.store.find(resource, meta.get("namespace", ""), meta["name"])
        if now and now["metadata"]["uid"] == meta["uid"]:
            self.store.remove(resource, now)

    def _check_namespace(self, resource: Resource, meta: Json) -> None:
        namespace = self.store.get(NAMESPACES, "", meta["namespace"])
        if "deletionTimestamp" in namespace["metadata"]:
            why = "unable to create new content in namespace {} because it is being terminated"
            raise errors.forbidden(resource, meta.get("name", ""), why.format(meta["namespace"]))

    def _status_only(self, old: Json, obj: Json) -> Json:
        return old | {"metadata": dict(old["metadata"]), "status": clone(obj.get("status") or {})}

    def _replaced(self, resource: Resource, old: Json, obj: Json) -> Json:
        current = old["metadata"]
        new = _normalized(resource, obj, current.get("namespace", ""))
        meta = new["metadata"]
        for field in (
            "uid",
            "creationTimestamp",
            "resourceVersion",
            "generation",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generateName",
        ):
            meta.pop(field, None)
            if field in current:
                meta[field] = current[field]
        if resource.has_status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = clone(old["status"])
        if resource is SERVICES:
            self._keep_service(old, new)
        self._selector(resource, new)
        _admit(resource, new, old)
        self._derived(resource, new)
        if resource.plural in WITH_GENERATION and _spec(new) != _spec(old):
            meta["generation"] = current["generation"] + 1
        return new

    def _held(self, resource: Resource, obj: Json) -> bool:
        """Return whether a deleted object has to wait, for its finalizers or its grace period."""
        if obj["metadata"].get("finalizers"):
            return True
        return (resource is NAMESPACES and bool(obj["spec"].get("finalizers"))) or (
            resource is PODS and obj["metadata"].get("deletionGracePeriodSeconds", 0) > 0
        )

    def _grace(self, resource: Resource, obj: Json, options: Json) -> int:
        if resource is not PODS or "nodeName" not in obj["spec"]:
            return 0
        if obj["status"].get("phase") in ("Succeeded", "Failed"):
            return 0
        asked = options.get("gracePeriodSeconds")
        return obj["spec"]["terminationGracePeriodSeconds"] if asked is None else int(asked)

    def _orphan(self, uid: str) -> None:
        for resource, obj in self.store.all():
            owners = obj["metadata"].get("ownerReferences") or []
            if left := [o for o in owners if o["uid"] != uid]:
                if len(left) < len(owners):
                    self.store.put(resource, obj | {"metadata": obj["metadata"] | {"ownerReferences": left}})
            elif owners:
                meta = {k: v for k, v in obj["metadata"].items() if k != "ownerReferences"}
                self.store.put(resource, obj | {"metadata": meta})

    def _derived(self, resource: Resource, obj: Json) -> None:
        """Set the fields that the server assigns: addresses, ports, the selector of a Job."""
        self._selector(resource, obj)
        if resource is SERVICES:
            self._node_ports(obj)
            spec = obj["spec"]
            if spec["type"] != "ExternalName" and not spec.get("clusterIP"):
                self._service_ip += 1
                spec["clusterIP"] = f"172.20.{self._service_ip // 254}.{self._service_ip % 254 + 1}"
            if spec.get("clusterIP"):
                spec["clusterIPs"] = [spec["clusterIP"]]

    def _selector(self, resource: Resource, obj: Json) -> None:
        if resource.kind != "Job" or not (uid := obj["metadata"].get("uid")):
            return
        template = obj["spec"].setdefault("template", {})
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        labels |= {"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid}
        labels |= {f"{p}job-name": obj["metadata"]["name"] for p in ("", "batch.kubernetes.io/")}
        obj["spec"].setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})

    def _keep_service(self, old: Json, new: Json) -> None:
        """Keep the addresses and node ports that an update of a Service omits."""
        before, after = old["spec"], new.setdefault("spec", {})
        if after.get("type", "ClusterIP") == "ExternalName":
            return
        if not after.get("clusterIP"):
            after["clusterIP"] = before.get("clusterIP")
        held = {p["port"]: p["nodePort"] for p in before.get("ports") or [] if "nodePort" in p}
        for port in after.get("ports") or []:
            if (
                after.get("type") in ("NodePort", "LoadBalancer")
                and not port.get("nodePort")
                and port["port"] in held
            ):
                port["nodePort"] = held[port["port"]]
            elif after.get("type", "ClusterIP") == "ClusterIP" and port.get("nodePort") == held.get(
                port["port"]
            ):
                port.pop("nodePort", None)

    def _node_ports(self, obj: Json) -> None:
        if obj["spec"]["type"] not in ("NodePort", "LoadBalancer"):
            return
        taken = {
            port["nodePort"]
            for other in self.store.list(SERVICES)
            if other["metadata"]["uid"] != obj["metadata"].get("uid")
            for port in other["spec"].get("ports") or []
            if "nodePort" in port
        }
        for n, port in enumerate(obj["spec"]["ports"]):
            field, wanted = f"spec.ports[{n}].nodePort", port.get("nodePort")
            if not wanted:
                port["nodePort"] = next(p for p in NODE_PORTS if p not in taken)
            elif wanted not in NODE_PORTS:
                why = "provided port is not in the valid range. The range of valid ports is 30000-32767"
                raise errors.invalid(
                    SERVICES, obj["metadata"]["name"], field, f"Invalid value: {wanted}: {why}"
                )
            elif wanted in taken:
                why = f"Invalid value: {wanted}: provided port is already allocated"
                raise errors.invalid(SERVICES, obj["metadata"]["name"], field, why)
            taken.add(port["nodePort"])


def _admit(resource: Resource, obj: Json, old: Json | None) -> None:
    """Add defaults and validate. Raises ApiError 422, or 400 if the structure is not that of the kind."""
    try:
        defaults.fill(resource, obj)
        validation.check(resource, obj, old)
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise errors.bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}:'
            f" {type(e).__name__}: {e}"
        ) from e


def _normalized(resource: Resource, obj: Json, namespace: str) -> Json:
    """Return a copy with kind and namespace, and without nulls. Raises ApiError 400 if kind or namespace conflict."""
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata", {}), dict):
        raise errors.bad_request(f"the body is not a {resource.kind}")
    if (
        obj.get("kind", resource.kind) != resource.kind
        or obj.get("apiVersion", resource.api_version) != resource.api_version
    ):
        raise errors.bad_request(
            f"{obj.get('kind')} in version {obj.get('apiVersion')!r} cannot be handled as a {resource.kind}"
        )
    obj = {"kind": resource.kind, "apiVersion": resource.api_version} | _without_nulls(obj)
    meta = obj.setdefault("metadata", {})
    meta.pop("managedFields", None)
    if resource.namespaced:
        if namespace and meta.setdefault("namespace", namespace) != namespace:
            raise errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        meta.setdefault("namespace", "default")
    else:
        meta.pop("namespace", None)
    if resource.plural in WITH_GENERATION or resource.plural in ("pods", "services"):
        obj.setdefault("spec", {})
    return obj


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def _spec(obj: Json) -> Json:
    return {k: v for k, v in obj.items() if k not in ("metadata", "status")}
