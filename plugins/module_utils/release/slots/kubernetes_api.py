# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The few requests to Kubernetes that a release needs, as plain dicts, patient with an API that hesitates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

try:
    import urllib3
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic import DynamicClient
except ImportError:  # kubernetes_access reports the missing library
    pass

from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, span
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    Unreachable,
)

MANAGER = "teal.platform"
#: How it begins if a node that has gone can't tell a log.
NO_LOG = "(no log can be had"
_TIMEOUT = (5, 20)
_CORE = "v1"
Json = dict[str, Any]


class Api:
    """A namespace of a cluster. `connect` returns a `kubernetes.client.ApiClient` with fresh credentials."""

    def __init__(
        self,
        connect: Callable[[], Any],
        namespace: str,
        clock: Clock,
        patience: float = 120.0,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self.namespace = namespace
        self.clock = clock
        self.patience = patience
        self.meanwhile = meanwhile
        self._connect = connect
        self._client: Any = None
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    # -- objects ---------------------------------------------------------------------------------

    def get(self, plural: str, name: str, version: str = _CORE) -> Json | None:
        """Return an object of the namespace, or None."""
        try:
            return self.request("get", self.path(version, plural, name))
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def list(
        self,
        plural: str,
        selector: str = "",
        version: str = _CORE,
        fields: str = "",
        namespaced: bool = True,
    ) -> list[Json]:
        query = [("labelSelector", selector), ("fieldSelector", fields)]
        path = self.path(version, plural, namespaced=namespaced)
        return self.request("get", path, query=[pair for pair in query if pair[1]])["items"]

    def apply(self, obj: Json) -> Json:
        """Apply an object server-side. With a resourceVersion in it, only if nobody has changed it since."""
        plural, namespaced = self.plural(obj["apiVersion"], obj["kind"])
        path = self.path(obj["apiVersion"], plural, obj["metadata"]["name"], namespaced)
        return self.request(
            "patch",
            path,
            obj,
            query=[("fieldManager", MANAGER), ("force", "true")],
            kind="application/apply-patch+yaml",
        )

    def patch(self, plural: str, name: str, change: Json, version: str = _CORE) -> Json:
        return self.request(
            "patch",
            self.path(version, plural, name),
            change,
            query=[("fieldManager", MANAGER)],
            kind="application/merge-patch+json",
        )

    def delete(self, plural: str, name: str, version: str = _CORE) -> None:
        """Delete an object and what it owns; one that is gone already is as good."""
        try:
            self.request("delete", self.path(version, plural, name), {"propagationPolicy": "Background"})
        except KubernetesError as error:
            if error.status != 404:
                raise

    def log(self, pod: str, container: str, lines: int, previous: bool = False) -> str:
        """Return the last lines of a container's log; an empty string if there is none.

        A node that has gone is not waited for: that it doesn't answer says enough.
        """
        query = [("container", container), ("tailLines", str(lines)), ("previous", str(previous).lower())]
        try:
            path = self.path(_CORE, "pods", pod) + "/log"
            text = self.request("get", path, query=query, text=True, patience=0)
        except Unreachable as error:
            return f"{NO_LOG} of its node: {error})"
        except KubernetesError:
            return ""
        # The kubelet says so, with status 200, of a container that it has just cleared away.
        return "" if text.startswith("unable to retrieve container logs") else text

    def path(self, version: str, plural: str, name: str = "", namespaced: bool = True) -> str:
        root = f"/api/{version}" if version == _CORE else f"/apis/{version}"
        scope = f"/namespaces/{self.namespace}" if namespaced else ""
        return f"{root}{scope}/{plural}" + (f"/{name}" if name else "")

    def plural(self, version: str, kind: str) -> tuple[str, bool]:
        """Return the name of a kind in paths, and whether its objects are in namespaces. Raises KubernetesError."""
        if (version, kind) not in self._plurals:
            root = f"/api/{version}" if version == _CORE else f"/apis/{version}"
            for resource in self.request("get", root)["resources"]:
                if "/" not in resource["name"]:
                    self._plurals[version, resource["kind"]] = (resource["name"], resource["namespaced"])
        if (version, kind) not in self._plurals:
            raise KubernetesError(404, f"This Kubernetes has no kind {kind} in {version}")
        return self._plurals[version, kind]

    # -- requests --------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: list[tuple[str, str]] | None = None,
        kind: str = "application/json",
        text: bool = False,
        patience: float | None = None,
    ) -> Any:
        """Send one request; wait for up to `patience` seconds for an API that doesn't answer.

        Only what may be sent twice is: reads, reviews, patches and deletes. Raises KubernetesError.
        """
        began = self.clock.steady()
        patience = self.patience if patience is None else patience
        renewed = False
        while True:
            try:
                return self._send(method, path, body, list(query or []), kind, text)
            except Unreachable as error:
                if not patience:
                    raise
                if self.clock.steady() - began > patience:
                    raise Unreachable(
                        error.status,
                        f"Kubernetes has not answered for {span(self.clock.steady() - began)}: {error}",
                    ) from error
            except KubernetesError as error:
                if error.status != 401 or renewed:
                    raise
                # The token ran out: the next client has one signed anew.
                renewed, self._client = True, None
                continue
            self.meanwhile()
            self.clock.sleep(1)

    def _send(
        self, method: str, path: str, body: Json | None, query: list[tuple[str, str]], kind: str, text: bool
    ) -> Any:
        what = f"{method.upper()} {path}"
        try:
            if self._client is None:
                self._client = DynamicClient(self._connect(), discoverer=lambda *_arguments: None)
            answer = self._client.request(
                method,
                path,
                body=body,
                query_params=query,
                header_params={"Accept": "*/*"} if text else {},
                content_type=kind,
                serialize=False,
                _request_timeout=_TIMEOUT,
            )
            data = answer.data.decode("utf-8", "replace")
        except ApiException as error:
            status = int(error.status or 0)
            reason = _message(error)
            if status in (0, 429) or status >= 500:
                raise Unreachable(status, f"{what}: {reason}") from error
            raise KubernetesError(status, f"{what}: {reason}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(0, f"{what}: {error}") from error
        return data if text else json.loads(data)


def _message(error: Any) -> str:
    try:
        return json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        return str(error.reason or error.body or error)
