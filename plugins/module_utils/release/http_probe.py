# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""HTTPS requests to the service over new connections to a chosen address of the load balancer."""

from __future__ import annotations

import base64
import functools
import http.client
import json
import os
import socket
import ssl
import time
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.teal.platform.plugins.module_utils.messages.message import message

_MOST_BYTES = 1_000_000
#: Parallel connections of `Service.get_many`.
_MOST_CONNECTIONS = 32
#: Beginning of `Answer.error` if the certificate does not match the domain. Waiting does not help then.
UNTRUSTED = "certificate"


@dataclass(frozen=True)
class Answer:
    """The answer to a request. `status` is 0 if there was no HTTP answer, and `error` says why. `seconds` is the latency."""

    status: int
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    error: str = ""

    def json(self) -> Any:
        """Return the body parsed as JSON, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        if not self.status:
            return message("answer.none", error=self.error)
        page = self.body.lstrip().startswith(b"<")
        text = "" if page else " ".join(self.body.decode("utf-8", "replace").split())
        return f"{self.status} {http.client.responses.get(self.status, '')}".strip() + (
            f": {text[:200]}" if text else ""
        )


@dataclass(frozen=True)
class Service:
    """The service as clients reach it: TLS, the domain of its certificate, and a timeout in seconds."""

    domain: str
    port: int = 443
    timeout: float = 5.0

    def get(self, address: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """GET `path` over a new connection to `address`, an IP address of the load balancer.

        `timeout` (seconds) replaces the service's own. The certificate is checked for the domain, against the system's
        trust store or SSL_CERT_FILE. The standard proxy variables are honoured. Network and server errors do not raise:
        they are in the answer.
        """
        timeout = more.get("timeout") or self.timeout
        began = time.monotonic()
        connection = _Connection(address, self.port, self.domain, timeout)
        try:
            connection.request(
                "GET",
                path,
                headers={"Host": self._host, "Connection": "close", "Accept": "application/json, */*;q=0.5"}
                | dict(headers or {}),
            )
            response = connection.getresponse()
            body = response.read(_MOST_BYTES)
            return Answer(response.status, body, time.monotonic() - began)
        except ssl.SSLCertVerificationError as error:
            why = f"{UNTRUSTED} of {self.domain} at {address} is not trusted: {error.verify_message}"
            return Answer(0, b"", time.monotonic() - began, why)
        except (OSError, http.client.HTTPException) as error:
            late = isinstance(error, TimeoutError)
            why = message("answer.timed_out") if late else str(error) or type(error).__name__
            return Answer(0, b"", time.monotonic() - began, why)
        finally:
            connection.close()

    def get_all(
        self, addresses: list[str], path: str, headers: Mapping[str, str] | None = None
    ) -> dict[str, Answer]:
        """GET `path` from all addresses in parallel."""
        with ThreadPoolExecutor(max_workers=max(1, len(addresses))) as pool:
            answers = pool.map(lambda address: self.get(address, path, headers), addresses)
            return dict(zip(addresses, answers, strict=True))

    def get_many(self, addresses: list[str], path: str, times: int) -> dict[str, list[Answer]]:
        """GET `path` `times` times from each address, each time over a new connection, all in parallel."""
        with ThreadPoolExecutor(max_workers=max(1, min(_MOST_CONNECTIONS, len(addresses) * times))) as pool:
            answers = {
                address: [pool.submit(self.get, address, path) for _time in range(times)]
                for address in addresses
            }
            return {address: [each.result() for each in started] for address, started in answers.items()}

    @property
    def _host(self) -> str:
        return self.domain if self.port == 443 else f"{self.domain}:{self.port}"


class _Connection(http.client.HTTPConnection):
    """TLS for `domain` over a connection to `address`, through the proxy that the environment variables name."""

    def __init__(self, address: str, port: int, domain: str, timeout: float) -> None:
        self._domain = domain
        self._target = (address, port)
        proxy = urllib.request.getproxies().get("https", "")
        through = proxy if proxy and not _bypassed(address, domain) else ""
        where = urlsplit(through if "://" in through else f"http://{through}") if through else None
        if where and where.hostname:
            super().__init__(where.hostname, where.port or 80, timeout=timeout)
            self.set_tunnel(address, port, _proxy_headers(where))
        else:
            super().__init__(address, port, timeout=timeout)

    def connect(self) -> None:
        super().connect()
        self.sock: socket.socket = _trust().wrap_socket(self.sock, server_hostname=self._domain)


@functools.cache
def _trust() -> ssl.SSLContext:
    """The system's trust store, or SSL_CERT_FILE. It is cached: reading it takes longer than a request."""
    return ssl.create_default_context()


def _bypassed(address: str, domain: str) -> bool:
    return bool(
        os.environ.get("no_proxy", os.environ.get("NO_PROXY"))
        and (
            urllib.request.proxy_bypass_environment(address)
            or urllib.request.proxy_bypass_environment(domain)
        )
    )


def _proxy_headers(where: Any) -> dict[str, str]:
    if not where.username:
        return {}
    secret = f"{unquote(where.username)}:{unquote(where.password or '')}".encode()
    return {"Proxy-Authorization": "Basic " + base64.b64encode(secret).decode()}


def look_up(document: Any, path: str) -> Any:
    """Return the value at a dotted path (`build.version`, `items.0.id`) of a JSON document, or None."""
    for step in filter(None, path.split(".")):
        if (
            isinstance(document, list)
            and step.lstrip("-").isdigit()
            and -len(document) <= int(step) < len(document)
        ):
            document = document[int(step)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return None
    return document
