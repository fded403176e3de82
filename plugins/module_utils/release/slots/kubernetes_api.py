# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The requests to Kubernetes that a release needs, with plain dicts. An API that does not answer is retried."""

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

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, span
from ansible_collections.teal.platform.plugins.module_utils.release.slots.base import (
    KubernetesError,
    Unreachable,
)

MANAGER = "teal.platform"
#: Beginning of the text that `log` returns if the node of the pod does not answer.
NO_LOG = "(the log cannot be read"
_TIMEOUT = (5, 20)
_CORE = "v1"
Json = dict[str, Any]


class Api:
    """The API of a cluster, for one namespace.

    `connect` returns a `kubernetes.client.ApiClient` with new credentials. A request is retried for `patience` seconds
    if the API does not answer; `meanwhile` is called before each retry. Methods raise KubernetesError.
    """

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
        """Return the objects that match a label selector and a field selector."""
        query = [("labelSelector", selector), ("fieldSelector", fields)]
        path = self.path(version, plural, namespaced=namespaced)
        return self.request("get", path, query=[pair for pair in query if pair[1]])["items"]

    def apply(self, obj: Json) -> Json:
        """Apply an object server-side. If it has a resourceVersion, the write fails if the object was changed since."""
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
        """Change an object by a merge patch."""
        return self.request(
            "patch",
            self.path(version, plural, name),
            change,
            query=[("fieldManager", MANAGER)],
            kind="application/merge-patch+json",
        )

    def delete(self, plural: str, name: str, version: str = _CORE) -> None:
        """Delete an object and its dependents, if it exists."""
        try:
            self.request("delete", self.path(version, plural, name), {"propagationPolicy": "Background"})
        except KubernetesError as error:
            if error.status != 404:
                raise

    def log(self, pod: str, container: str, lines: int, previous: bool = False) -> str:
        """Return the last lines of a container's log, or the empty string if there is none.

        A node that does not answer is not waited for: the text then begins with NO_LOG.
        """
        query = [("container", container), ("tailLines", str(lines)), ("previous", str(previous).lower())]
        try:
            path = self.path(_CORE, "pods", pod) + "/log"
            text = self.request("get", path, query=query, text=True, patience=0)
        except Unreachable as error:
            return f"{NO_LOG} from its node: {error})"
        except KubernetesError:
            return ""
        # The kubelet answers with this text and status 200 if it has just removed the container.
        return "" if text.startswith("unable to retrieve container logs") else text

    def path(self, version: str, plural: str, name: str = "", namespaced: bool = True) -> str:
        """Return the URL path of a resource, or of one of its objects."""
        root = f"/api/{version}" if version == _CORE else f"/apis/{version}"
        scope = f"/namespaces/{self.namespace}" if namespaced else ""
        return f"{root}{scope}/{plural}" + (f"/{name}" if name else "")

    def plural(self, version: str, kind: str) -> tuple[str, bool]:
        """Return the plural name of a kind, and whether it is namespaced. Raises KubernetesError."""
        if (version, kind) not in self._plurals:
            root = f"/api/{version}" if version == _CORE else f"/apis/{version}"
            for resource in self.request("get", root)["resources"]:
                if "/" not in resource["name"]:
                    self._plurals[version, resource["kind"]] = (resource["name"], resource["namespaced"])
        if (version, kind) not in self._plurals:
            raise KubernetesError(404, message("kubernetes.no_kind", kind=kind, version=version))
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
        """Send a request, and retry for up to `patience` seconds while the API does not answer.

        Only requests that may be sent twice are sent: reads, reviews, patches and deletes. Raises KubernetesError.
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
                    silent = span(self.clock.steady() - began)
                    text = message("kubernetes.silent", span=silent, error=error)
                    raise Unreachable(error.status, text) from error
            except KubernetesError as error:
                if error.status != 401 or renewed:
                    raise
                # The token has expired: a new client gets a new token.
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
