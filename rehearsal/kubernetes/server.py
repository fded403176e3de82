"""The server of all clusters: authentication, routing to a cluster, and the emulator's own paths."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from rehearsal.kubernetes import errors, http, rbac, resources
from rehearsal.kubernetes.addresses import Addresses
from rehearsal.kubernetes.auth import Authenticator
from rehearsal.kubernetes.aws_client import AwsClient
from rehearsal.kubernetes.cluster import Cluster
from rehearsal.kubernetes.errors import ApiError
from rehearsal.kubernetes.faults import Faults
from rehearsal.kubernetes.settings import Settings

Json = dict[str, Any]
log = logging.getLogger(__name__)
POLL_SECONDS = 0.5
SILENT_FAILURES = 10
"""Failures before a warning: the AWS part may start later, or be restarting."""
PUBLIC = {"readyz", "livez", "healthz"}
LARGEST_BODY = 8 * 1024 * 1024


class Server:
    """Serves all EKS clusters, each at `/clusters/<name>`. Create it in a running event loop."""

    def __init__(self, settings: Settings, ca_file: Path, kubeconfig: Path) -> None:
        self.settings, self._ca_file, self._kubeconfig = settings, ca_file, kubeconfig
        self.aws = AwsClient(settings.aws_url)
        self.authenticator = Authenticator(self.aws)
        self.faults = Faults()
        self.clusters: dict[str, Cluster] = {}
        self._known: dict[str, Json] = {}
        self._addresses = Addresses(settings.subnet)
        self._open: set[asyncio.Task[Any]] = set()
        self._refreshing = asyncio.Lock()
        self.application = web.Application(client_max_size=LARGEST_BODY)
        self.application.router.add_route("*", "/{path:.*}", self._handle)
        shutil.rmtree(settings.home / "pods", ignore_errors=True)  # Left by a killed server.
        self._write_kubeconfig()
        self._poller = asyncio.get_running_loop().create_task(self._poll())

    async def close(self) -> None:
        self._poller.cancel()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*(c.close() for c in self.clusters.values()))
        await self.aws.close()

    async def refresh(self) -> None:
        """Add, remove and update clusters to match EKS. Raises aiohttp.ClientError if AWS does not answer."""
        async with self._refreshing:
            found = {c["name"]: c for c in await self.aws.clusters()}
            changed = False
            for name in list(self.clusters):
                if found.get(name, {}).get("created") != self._known[name]["created"]:
                    changed = True
                    await self.clusters.pop(name).close()
            for name in found:
                if name not in self.clusters:
                    changed = True
                    self.clusters[name] = Cluster(name, self.settings, self._addresses, self.aws)
            self._known = found
            if changed:
                self._write_kubeconfig()
            for name, cluster in self.clusters.items():
                cluster.addons = found[name].get("addons", [])
                cluster.nodes.update(found[name]["nodes"])

    async def _poll(self) -> None:
        failures = 0
        while True:
            try:
                await self.refresh()
                failures = 0
            except (aiohttp.ClientError, TimeoutError) as e:
                failures += 1
                if failures == SILENT_FAILURES:
                    log.warning("AWS does not answer: %s", e)
            except Exception:
                log.exception("the clusters could not be updated from AWS's answer")
            await asyncio.sleep(POLL_SECONDS)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            return await self._route(request)
        except ApiError as e:
            return http.answer(e.status, e.code)
        except (aiohttp.ClientError, TimeoutError) as e:
            why = f"the emulated AWS does not answer: {e}"
            return http.answer(ApiError(503, "ServiceUnavailable", why).status, 503)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as e:
            log.exception("%s %s", request.method, request.path_qs)
            return http.answer(ApiError(500, "InternalError", f"Internal error occurred: {e!r}").status, 500)
        finally:
            self._open.discard(task)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        match request.path.strip("/").split("/"):
            case [word] if word in PUBLIC:
                return web.Response(text="ok")
            case ["rehearsal", "nodes"]:
                found = {k: v for c in self.clusters.values() for k, v in c.nodes.addresses().items()}
                return http.answer(found)
            case ["rehearsal", "faults"]:
                return await self._order(request)
            case ["clusters", name, *rest]:
                return await self._enter(request, name, "/" + "/".join(rest))
        raise errors.no_such_path()

    async def _enter(self, request: web.Request, name: str, path: str) -> web.StreamResponse:
        await self.faults.apply(request, path)
        if path.strip("/") in PUBLIC:
            return web.Response(text="ok")
        if name not in self.clusters:
            await self.refresh()
        if (cluster := self.clusters.get(name)) is None:
            raise errors.no_such_path()
        authorization = request.headers.get("Authorization", "")
        identity = await self.authenticator.identify(authorization, self._known[name])
        if identity is None:
            raise errors.unauthorized()
        if (document := resources.discovery(path)) is not None:
            return http.answer(document)
        if path == rbac.REVIEWS and request.method == "POST":
            try:
                return http.answer(
                    rbac.review(cluster.store, identity, json.loads(await request.read())), 201
                )
            except (KeyError, TypeError, ValueError) as e:
                raise errors.bad_request(f"not a SelfSubjectAccessReview: {e}") from None
        if (target := http.parse(path)) is None:
            raise errors.no_such_path()
        action = rbac.Action(
            http.verb(request.method, target, request.query),
            target.resource.group,
            f"{target.resource.plural}/{target.sub}" if target.sub else target.resource.plural,
            target.namespace or "",
            target.name,
        )
        if not rbac.allowed(cluster.store, identity, action):
            raise errors.forbidden(target.resource, target.name, rbac.refusal(identity, action))
        return await http.serve(cluster, target, request)

    async def _order(self, request: web.Request) -> web.Response:
        if not self.authenticator.is_admin(request.headers.get("Authorization", "")):
            raise errors.unauthorized()
        if request.method == "POST":
            try:
                self.faults.add(json.loads(await request.read()))
            except (TypeError, ValueError) as e:
                raise errors.bad_request(str(e)) from None
        elif request.method == "DELETE":
            self.faults.ordered.clear()
        return http.answer({"faults": len(self.faults.ordered)})

    def _write_kubeconfig(self) -> None:
        """Write the administrator's kubeconfig, with a context for each cluster; the first is the current one."""
        names = list(self.clusters)
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "preferences": {},
            "users": [{"name": "rehearsal-admin", "user": {"token": self.authenticator.admin_token}}],
            "clusters": [
                {
                    "name": name,
                    "cluster": {
                        "server": f"{self.settings.url}/clusters/{name}",
                        "certificate-authority": str(self._ca_file),
                    },
                }
                for name in names
            ],
            "contexts": [{"name": n, "context": {"cluster": n, "user": "rehearsal-admin"}} for n in names],
            "current-context": names[0] if names else "",
        }
        new = self._kubeconfig.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(yaml.safe_dump(config))
        new.replace(self._kubeconfig)
