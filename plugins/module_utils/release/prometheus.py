# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Queries to Prometheus whose values have to be within limits while a release is watched."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from ansible.module_utils.urls import open_url
from ansible_collections.teal.platform.plugins.module_utils.messages.message import message

_TIMEOUT = 5.0
_MOST_BYTES = 1_000_000


class QueryFailed(Exception):
    """A query has no value. The message says why, and never shows the token."""


@dataclass(frozen=True)
class Query:
    """An instant query. Each of its values must be at least `least` and at most `most`, where these are set.

    `token` returns the bearer token, or the empty string. Its exceptions are errors of the query, too.
    """

    name: str
    url: str
    query: str
    least: float | None = None
    most: float | None = None
    token: Callable[[], str] = str

    @property
    def condition(self) -> str:
        """The limits as text."""
        if self.least is None:
            return message("query.at_most", limit=f"{self.most:g}")
        if self.most is None:
            return message("query.at_least", limit=f"{self.least:g}")
        return message("query.between", least=f"{self.least:g}", most=f"{self.most:g}")

    def within(self, value: float) -> bool:
        """Return whether a value is within the limits."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def values(self) -> list[float]:
        """Return the values of the query, one for each series. Raises QueryFailed."""
        token = ""
        try:
            token = self.token()
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            address = f"{self.url.rstrip('/')}/api/v1/query?{urlencode({'query': self.query})}"
            # A redirect could send the token to another host.
            answer = open_url(address, headers=headers, timeout=_TIMEOUT, follow_redirects="none")
            values = _values(json.loads(answer.read(_MOST_BYTES)))
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            raise QueryFailed(text.replace(token, "********") if token else text) from None
        if not values:
            raise QueryFailed("the query returned no value")
        return values


def _values(answer: dict) -> list[float]:
    """Return the values of an answer of Prometheus, without NaN. Raises an exception if it is not one."""
    if answer.get("status") != "success":
        raise ValueError(f"Prometheus answered {answer.get('errorType')}: {answer.get('error')}")
    kind, result = answer["data"]["resultType"], answer["data"]["result"]
    if kind not in ("vector", "scalar"):
        raise ValueError(f"the query returned a {kind}, and must return a vector or a scalar")
    pairs = [result] if kind == "scalar" else [each["value"] for each in result]
    return [value for value in (float(pair[1]) for pair in pairs) if not math.isnan(value)]
