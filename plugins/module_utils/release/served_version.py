# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Which version the load balancer serves at each of its addresses, read from real answers and not from AWS's API."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ansible_collections.teal.platform.plugins.module_utils.messages.message import joined, message
from ansible_collections.teal.platform.plugins.module_utils.release.clock import Clock, span
from ansible_collections.teal.platform.plugins.module_utils.release.http_probe import (
    UNTRUSTED,
    Answer,
    Service,
    look_up,
)


class VersionNotObserved(Exception):
    """Not every address answered with the expected version in time."""


@dataclass(frozen=True)
class VersionEndpoint:
    """Where the service reports its version: an HTTP path, and a dotted path in the JSON of its answer."""

    path: str
    key: str

    def read(self, answer: Answer) -> str:
        """Return the version in an answer, or the empty string."""
        found = look_up(answer.json(), self.key) if answer.status == 200 else None
        return "" if found is None else str(found)


@dataclass
class _Failures:
    """The consecutive failures of an address, and their start. An answer of 200 with any version is no failure."""

    since: float
    number: int = 0

    def count(self, answer: Answer, now: float) -> None:
        self.number = 0 if answer.status == 200 else self.number + 1
        if not self.number:
            self.since = now

    def persist(self, times: int, seconds: float, now: float) -> bool:
        return self.number >= times and now - self.since >= seconds


def wait_for_version(
    service: Service,
    version: VersionEndpoint,
    expected: str,
    addresses: Callable[[Collection[str]], list[str]],
    clock: Clock,
    *,
    times: int = 3,
    limit: float = 60.0,
    failing: float | None = None,
    every: float = 0.1,
    meanwhile: Callable[[], None] = lambda: None,
) -> float:
    """Wait until `times` consecutive new connections to each address answer with the version `expected`.

    An empty `expected` accepts any answer of 200. `addresses(silent)` returns the addresses to check; it is called again
    with the addresses that did not answer, which may have left a load balancer that scales. `every` is the pause between
    two rounds in seconds; `meanwhile` is called in each pause. Returns the seconds that it took.

    Raises VersionNotObserved after `limit` seconds; when an address failed `times` times in a row for `failing` seconds
    (None: it may fail until `limit`); or at once if the certificate is not trusted.
    """
    began = clock.steady()
    rows = dict.fromkeys(addresses(()), 0)
    failures = {address: _Failures(began) for address in rows}
    while True:
        waiting = [address for address, row in rows.items() if row < times]
        if not waiting:
            return clock.steady() - began
        answers = service.get_all(waiting, version.path)
        now = clock.steady()
        if silent := [address for address, answer in answers.items() if not answer.status]:
            rows = {address: rows.get(address, 0) for address in addresses(silent)}
            failures = {address: failures.get(address, _Failures(now)) for address in rows}
            answers = {address: answer for address, answer in answers.items() if address in rows}
        for address, answer in answers.items():
            matches = answer.status == 200 and (not expected or version.read(answer) == expected)
            rows[address] = rows[address] + 1 if matches else 0
            failures[address].count(answer, now)
        untrusted = next(
            (answer.error for answer in answers.values() if answer.error.startswith(UNTRUSTED)), ""
        )
        fails = failing is not None and any(each.persist(times, failing, now) for each in failures.values())
        if untrusted or fails or now - began > limit:
            wrong = [
                message("version.returned", address=address, answer=version.read(answer) or answer)
                for address, answer in answers.items()
                if rows[address] < times
            ]
            raise VersionNotObserved(
                message(
                    "version.not_observed",
                    version=expected or message("version.any"),
                    domain=service.domain,
                    span=span(now - began),
                    reason=untrusted or joined(*wrong, by="; "),
                )
            )
        if any(not row for row in rows.values()):
            meanwhile()
            clock.sleep(every)
