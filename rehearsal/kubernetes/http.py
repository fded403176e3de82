"""The HTTP interface of a cluster's API: paths, bodies, lists, watches and logs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml
from aiohttp import web

from rehearsal.kubernetes import errors, patching, resources, selectors, tables, versions
from rehearsal.kubernetes.cluster import Cluster
from rehearsal.kubernetes.resources import Resource
from rehearsal.kubernetes.store import Event

Json = dict[str, Any]
TOLD_WHOLE = ("pods", "services", "serviceaccounts", "resourcequotas")
"""Kinds whose deletion returns the object; the deletion of other kinds returns a Status."""
APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")


class Target(NamedTuple):
    """The resource in a path. `namespace` is None for a list over all namespaces, "" for resources without one."""

    resource: Resource
    namespace: str | None
    name: str
    sub: str
    older: bool = False
    """Whether the path names an older version of the kind than the stored one."""


def parse(path: str) -> Target | None:
    """Parse a path such as `/apis/apps/v1/namespaces/x/deployments/y/scale`; None if it names no resource."""
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    namespace = None
    if len(rest) > 2 and rest[0] == "namespaces" and _named(group, version, rest[2]):
        namespace, rest = rest[1], rest[2:]
    if not 1 <= len(rest) <= 3 or (resource := _named(group, version, rest[0])) is None:
        return None
    name, sub = [*rest[1:], "", ""][:2]
    if sub and sub not in resource.subresources:
        return None
    if name and resource.namespaced and namespace is None:
        return None
    namespace = namespace if resource.namespaced else ""
    return Target(resource, namespace, name, sub, (group, version, resource.plural) in resources.OLDER)


def _named(group: str, version: str, plural: str) -> Resource | None:
    path = group, version, plural
    return resources.BY_PATH.get(path) or resources.OLDER.get(path)


def verb(method: str, target: Target, query: Any) -> str:
    """Return RBAC's verb for a request."""
    if method == "GET":
        if query.get("watch") in ("true", "1"):
            return "watch"
        return "get" if target.name else "list"
    if method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())


async def serve(cluster: Cluster, target: Target, request: web.Request) -> web.StreamResponse:
    """Answer an authorized request. Raises ApiError."""
    response = await _serve(cluster, target, request)
    if target.older and isinstance(response, web.Response) and isinstance(response.body, bytes):
        return answer(versions.older(json.loads(response.body)), response.status)
    return response


async def _serve(cluster: Cluster, target: Target, request: web.Request) -> web.StreamResponse:
    what = verb(request.method, target, request.query)
    dry_run = request.query.get("dryRun") == "All"
    resource, namespace, name, sub, older = target
    registry, store = cluster.registry, cluster.store
    match what, sub:
        case "get", "log":
            return await _log(cluster, target, request)
        case "get", "scale":
            return answer(_scale(store.get(resource, namespace or "", name)))
        case "get", _:
            return answer(_shown(request, resource, store.get(resource, namespace or "", name)))
        case "list", _:
            found = store.list(
                resource, namespace if resource.namespaced else None, selectors.selecting(request.query)
            )
            return answer(_list(request, resource, found, store.version))
        case "watch", _:
            return await _watch(cluster, target, request)
    body = await _body(request)
    if older and (what in ("create", "update") or request.content_type in APPLY):
        body = versions.newer(body)
    match what, sub:
        case "create", "eviction":
            return answer(
                cluster.evict(namespace or "", name, body.get("deleteOptions"), dry_run=dry_run), 201
            )
        case "create", "" if not name:
            created = registry.create(resource, body, namespace or "", dry_run=dry_run)
            return answer(_shown(request, resource, created), 201)
        case "update", "scale":
            return answer(_rescale(cluster, target, lambda _: body, dry_run))
        case "update", _:
            body.setdefault("metadata", {}).setdefault("name", name)
            if resource.namespaced:
                body["metadata"].setdefault("namespace", namespace)
            if body["metadata"]["name"] != name:
                raise errors.bad_request("the name of the object does not match the name on the URL")
            return answer(registry.update(resource, body, sub, dry_run=dry_run))
        case "patch", _ if request.content_type in APPLY:
            manager = request.query.get("fieldManager", "")
            if not manager:
                raise errors.bad_request("PatchOptions.meta.k8s.io is invalid: fieldManager: Required value")
            applied, new = registry.apply(resource, namespace or "", name, body, manager, dry_run=dry_run)
            return answer(applied, 201 if new else 200)
        case "patch", _:
            change = patching.patcher(request.content_type, body)
            if older:
                change = _through_older(change)
            if sub == "scale":
                return answer(_rescale(cluster, target, change, dry_run))
            patched = registry.patch(resource, namespace or "", name, change, sub, dry_run=dry_run)
            return answer(_shown(request, resource, patched))
        case "delete", "":
            gone, at_once = registry.delete(
                resource, namespace or "", name, _options(request, body), dry_run=dry_run
            )
            return answer(_deleted(resource, gone) if at_once and resource.plural not in TOLD_WHOLE else gone)
        case "deletecollection", "":
            doomed = store.list(resource, namespace, selectors.selecting(request.query))
            for obj in doomed:
                meta = obj["metadata"]
                where = meta.get("namespace", "")
                registry.delete(resource, where, meta["name"], _options(request, body), dry_run=dry_run)
            return answer(_list(request, resource, doomed, store.version))
    raise errors.ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    )


def _through_older(change: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """Apply a patch in the older version to an object that is stored in the newer."""
    return lambda stored: versions.newer(change(versions.older(stored)))


def answer(body: Json, code: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(body, separators=(",", ":")).encode(), status=code, content_type="application/json"
    )


async def _body(request: web.Request) -> Any:
    text = await request.read()
    if not text:
        return {}
    kind = request.headers.get("Content-Type", "application/json")
    try:
        if "yaml" in kind:
            return yaml.safe_load(text)
        if "json" in kind:
            return json.loads(text)
    except (ValueError, yaml.YAMLError) as e:
        raise errors.bad_request(f"error decoding the body: {e}") from None
    message = f"the body of the request was in an unknown format ({kind}): the emulator reads JSON and YAML"
    if "protobuf" in kind:  # kubectl's `create <kind>` and `run` send protobuf.
        message += "; use kubectl apply -f FILE, or --dry-run=client -o yaml | kubectl apply -f -"
    raise errors.ApiError(415, "UnsupportedMediaType", message)


def _options(request: web.Request, body: Json) -> Json:
    query = request.query
    options = dict(body) if body.get("kind", "DeleteOptions") == "DeleteOptions" else {}
    if "gracePeriodSeconds" in query:
        options["gracePeriodSeconds"] = int(query["gracePeriodSeconds"])
    if "propagationPolicy" in query:
        options["propagationPolicy"] = query["propagationPolicy"]
    return options


def _deleted(resource: Resource, obj: Json) -> Json:
    details = {"name": obj["metadata"]["name"], "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _as_table(request: web.Request) -> bool:
    return "as=Table" in request.headers.get("Accept", "")


def _shown(request: web.Request, resource: Resource, obj: Json) -> Json:
    return (
        tables.table(resource, [obj], request.query.get("includeObject", "")) if _as_table(request) else obj
    )


def _list(request: web.Request, resource: Resource, found: list[Json], version: int) -> Json:
    meta = {"resourceVersion": str(version)}
    if _as_table(request):
        return tables.table(resource, found, request.query.get("includeObject", "")) | {"metadata": meta}
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": meta,
        "items": found,
    }


def _scale(obj: Json) -> Json:
    meta = {
        k: v
        for k, v in obj["metadata"].items()
        if k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    }
    status = {
        "replicas": obj["status"].get("replicas", 0),
        "selector": selectors.as_text(obj["spec"]["selector"]),
    }
    spec = {"replicas": obj["spec"]["replicas"]}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}


def _rescale(cluster: Cluster, target: Target, change: Callable[[Json], Json], dry_run: bool) -> Json:
    resource, namespace, name, *_ = target
    wanted = change(_scale(cluster.store.get(resource, namespace or "", name)))

    def apply(obj: Json) -> Json:
        obj["spec"]["replicas"] = (wanted.get("spec") or {}).get("replicas", 0)
        if version := (wanted.get("metadata") or {}).get("resourceVersion"):
            obj["metadata"]["resourceVersion"] = version
        return obj

    return _scale(cluster.registry.patch(resource, namespace or "", name, apply, dry_run=dry_run))


async def _watch(cluster: Cluster, target: Target, request: web.Request) -> web.StreamResponse:
    resource, query, store = target.resource, request.query, cluster.store
    match = selectors.selecting(query)

    def inside(obj: Json | None) -> bool:
        if obj is None or (target.name and obj["metadata"]["name"] != target.name):
            return False
        if target.namespace and obj["metadata"].get("namespace") != target.namespace:
            return False
        return match is None or match(obj)

    def seen(event: Event) -> tuple[str, Json] | None:
        """Convert a change for this watcher: an object that leaves its selection is DELETED, one that enters ADDED."""
        was, stays = inside(event.old), event.type != "DELETED" and inside(event.object)
        return (
            ("MODIFIED" if was else "ADDED", event.object)
            if stays
            else ("DELETED", event.object)
            if was
            else None
        )

    queue: asyncio.Queue[Event] = asyncio.Queue()
    asked, initial = query.get("resourceVersion", ""), query.get("sendInitialEvents") == "true"
    past: list[tuple[str, Json] | None] = []
    try:
        if asked in ("", "0") or initial:
            past = [("ADDED", o) for o in store.list(resource) if inside(o)]
            if initial:
                end = {
                    "resourceVersion": str(store.version),
                    "annotations": {"k8s.io/initial-events-end": "true"},
                }
                past.append(
                    ("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": end})
                )
        else:
            past = [seen(e) for e in store.since(int(asked)) if e.resource is resource]
    except errors.ApiError as e:
        past = [("ERROR", e.status)]
    stop = store.listen(lambda e: queue.put_nowait(e) if e.resource is resource else None)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    try:
        await response.prepare(request)

        async def send(item: tuple[str, Json] | None) -> None:
            if item:
                kind, obj = item
                if kind in ("ADDED", "MODIFIED", "DELETED"):
                    obj = _shown(request, resource, obj)
                    obj = versions.older(obj) if target.older else obj
                await response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

        async with asyncio.timeout(float(query.get("timeoutSeconds") or 3600)):
            for item in past:
                await send(item)
            while not (past and past[-1] and past[-1][0] == "ERROR"):
                await send(seen(await queue.get()))
    except (TimeoutError, ConnectionError):
        pass
    finally:
        stop()
    return response


async def _log(cluster: Cluster, target: Target, request: web.Request) -> web.StreamResponse:
    query = request.query
    pod = cluster.store.get(target.resource, target.namespace or "", target.name)
    read = cluster.kubelet.log(pod, query.get("container", ""), previous=query.get("previous") == "true")
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    try:
        async for chunk in read(
            query.get("tailLines"), query.get("limitBytes"), query.get("follow") == "true"
        ):
            await response.write(chunk)
    except ConnectionError:
        pass
    return response
